/* Directories: listing, and the one that relative paths begin at. */
#include "path.h"

#include <fcntl.h>

#include "emu_full.h"
#include "stream.h"

/* The server fills the user's buffer, in the layout that getdents64 has. */
long emu_getdents(int number, void *buffer, size_t size)
{
	struct emu_description *description = emu_descriptor(number);
	uint64_t window = size;
	struct emu_request request = { .operation = FILE_READDIR,
				       .data = &window,
				       .data_length = sizeof(window),
				       .out = buffer,
				       .out_length = size };
	struct tern_received answer;
	long result;

	if (!description || description->kind == EMU_PATH)
		return -EBADF;
	if (description->kind != EMU_DIRECTORY)
		return -ENOTDIR;
	if (emu_is_own_directory(description->mount, description->token))
		return emu_own_list(description, buffer, size);
	request.argument = description->position;
	result = emu_file_call(description, &request, &answer);
	if (result > 0 && (size_t)result > size)
		return -EIO;
	if (result > 0)
		description->position = answer.words[1];
	return result == -EPIPE ? -EIO : result;
}

/* ---------------------------------------------------------------------- the working directory */

static void change(struct emu_description **place, struct emu_description *directory)
{
	struct emu_description *old;

	emu_lock(&emu_path_lock);
	old = *place;
	*place = directory;
	emu_unlock(&emu_path_lock);
	if (old)
		emu_description_put(old);
}

/* A directory that may be searched. */
static long may_enter(const struct emu_description *directory)
{
	struct emu_request request = { .operation = FILE_ACCESS, .argument = 1 };
	struct emu_path path = { .text = "" };
	struct tern_received answer;
	long result;

	path.mount = directory->mount;
	path.token = directory->token;
	result = emu_path_call(&path, &request, &answer);
	return result < 0 ? result : 0;
}

static long open_directory(const char *user_path, struct emu_description **directory)
{
	long result = emu_open_description(AT_FDCWD, user_path, O_PATH | O_DIRECTORY, directory);

	if (result < 0)
		return result;
	result = may_enter(*directory);
	if (result < 0)
		emu_description_put(*directory);
	return result;
}

long emu_chdir(const char *user_path)
{
	struct emu_description *directory;
	long result = open_directory(user_path, &directory);

	if (result < 0)
		return result;
	change(&emu_working_directory, directory);
	return 0;
}

long emu_fchdir(int number)
{
	struct emu_description *description = emu_descriptor_get(number);
	long result;

	if (!description)
		return -EBADF;
	result = description->kind == EMU_DIRECTORY || description->kind == EMU_PATH
			 ? may_enter(description)
			 : -ENOTDIR;
	if (result < 0) {
		emu_description_put(description);
		return result;
	}
	change(&emu_working_directory, description);
	return 0;
}

long emu_chroot(const char *user_path)
{
	struct emu_description *directory;
	long result = open_directory(user_path, &directory);

	if (result < 0)
		return result;
	if (emu_process.euid != 0) {
		emu_description_put(directory);
		return -EPERM;
	}
	emu_files_keep();
	change(&emu_root_directory, directory);
	emu_files_new_identity();
	return 0;
}

/* ---------------------------------------------------------------------------------- getcwd */

/* The path of what is open, from the root of its mount's session, behind the mount's own. */
static long put_path(const struct emu_path *path, char *buffer)
{
	struct emu_request request = { .operation = FILE_PATH };
	struct tern_received answer;
	struct emu_path copy = *path;
	size_t prefix_length = 0;
	const char *prefix = "", *from;
	long result;

	request.out = buffer + EMU_BUFFER_SIZE / 2;
	request.out_length = FILE_PATH_MAX;
	result = emu_path_call(&copy, &request, &answer);
	if (result < 0)
		return result;
	from = result <= FILE_INLINE ? (const char *)&answer.words[FILE_INLINE_WORD]
				     : (const char *)request.out;
	if (!emu_root_directory)
		prefix = emu_mount_prefix(path->mount, &prefix_length);
	if (prefix_length + (size_t)result + 1 > FILE_PATH_MAX)
		return -ENAMETOOLONG;
	__builtin_memcpy(buffer, prefix, prefix_length);
	__builtin_memcpy(buffer + prefix_length, from, (size_t)result);
	if (prefix_length && result == 1)
		result = 0; /* the root of a mount: no slash behind its name */
	buffer[prefix_length + (size_t)result] = 0;
	return (long)prefix_length + result + 1;
}

long emu_description_path(const struct emu_description *description, char *buffer)
{
	struct emu_path path = { .text = "" };
	long length = emu_path_of(&path, description);

	if (length >= 0)
		length = put_path(&path, buffer);
	return length < 0 ? length : length - 1;
}

long emu_working_path(char *buffer)
{
	struct emu_path path = { .text = "" };
	long length;

	emu_path_begin_at(&path, emu_working_directory);
	length = put_path(&path, buffer);
	return length < 0 ? length : length - 1;
}

long emu_getcwd(char *user, size_t size)
{
	char *buffer = emu_buffer_take();
	long length;

	if (!buffer)
		return -ENOMEM;
	length = emu_working_path(buffer);
	if (length >= 0)
		length++; /* the zero */
	if (length > (long)size)
		length = -ERANGE;
	if (length > 0 && emu_copy_out(user, buffer, (size_t)length))
		length = -EFAULT;
	emu_buffer_give(buffer);
	return length;
}
