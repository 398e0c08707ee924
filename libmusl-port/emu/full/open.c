/* Opening: what kind of description a file becomes. */
#include "path.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "emu_full.h"
#include "files_internal.h"
#include "mqueue.h"
#include "stream.h"

#define STATUS_FLAGS (O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_DIRECT | O_NOATIME)
#define FILE_DIGITS 24
#define DEVICE_OWN_TERMINAL (5 << 8 | 0) /* /dev/tty */
#define NAMELESS_LENGTH 21

static uint32_t file_flags(int flags)
{
	uint32_t result = FILE_WITH_MEMOBJ | FILE_BARE;
	int access = flags & O_ACCMODE;

	if (flags & O_PATH) {
		result = FILE_PATH_ONLY | FILE_BARE;
		flags &= O_DIRECTORY | O_NOFOLLOW;
	} else {
		result |= access == O_RDONLY || access == O_RDWR ? FILE_READ : 0;
		result |= access == O_WRONLY || access == O_RDWR ? FILE_WRITE : 0;
	}
	result |= flags & O_CREAT ? FILE_CREATE : 0;
	result |= flags & O_EXCL ? FILE_EXCLUSIVE : 0;
	result |= flags & O_TRUNC ? FILE_TRUNCATED : 0;
	result |= flags & O_DIRECTORY ? FILE_DIRECTORY : 0;
	return result | (flags & O_NOFOLLOW ? FILE_NOFOLLOW : 0);
}

/* A device whose node is on a disk: devfs knows it by its number. */
static long open_device_number(struct emu_description *description, uint64_t device)
{
	static const char kind[] = "char/";
	char name[FILE_DIGITS + sizeof(kind)], *at = name + sizeof(name);
	struct emu_path path = { .mount = emu_mount_of_type("devfs"), .text = name };
	struct emu_request request = {
		.operation = FILE_OPEN,
		.flags = file_flags((int)description->flags),
		.accept = 2,
	};
	struct tern_received answer;
	uint64_t parts[2] = { (device & 0xff) | (device >> 12 & 0xfff00), device >> 8 & 0xfff };
	long result;

	if (!path.mount)
		return -ENXIO;
	for (int i = 0; i < 2; i++) {
		do
			*--at = (char)('0' + parts[i] % 10);
		while (parts[i] /= 10);
		if (!i)
			*--at = ':';
	}
	at -= sizeof(kind) - 1;
	__builtin_memcpy(at, kind, sizeof(kind) - 1);
	path.text = at;
	path.length = (size_t)(name + sizeof(name) - at);
	result = emu_path_call(&path, &request, &answer);
	if (result < 0)
		return result == -ENOENT ? -ENXIO : result;
	for (uint64_t i = 0; i + 1 < answer.handle_count; i++)
		tern_handle_close(answer.handles[i]);
	if (answer.handle_count < 2)
		return -ENXIO;
	description->io = answer.handles[1];
	return 0;
}

/* What speaks io.h. */
static long become_stream(struct emu_description *description, int flags, uint32_t mode,
			  const struct tern_received *answer)
{
	long result = 0;

	description->kind = EMU_STREAM;
	if (S_ISCHR(mode)) {
		if (answer->handle_count > 1)
			description->io = answer->handles[1];
		else if (answer->words[2] == DEVICE_OWN_TERMINAL)
			result = emu_terminal_open_own(description);
		else
			result = open_device_number(description, answer->words[2]);
		if (!result)
			result = emu_stream_opened(description);
		if (!result && !(flags & O_NOCTTY))
			emu_terminal_opened(description);
	} else if (S_ISFIFO(mode)) {
		result = emu_fifo_open(description);
	} else {
		result = -ENXIO; /* a socket, a block device */
	}
	return result;
}

static long become(struct emu_description *description, int flags, uint32_t mode,
		   const struct tern_received *answer)
{
	description->port = answer->handle_count ? answer->handles[0] : 0;
	description->token = answer->words[1];
	if (flags & O_PATH) {
		description->kind = EMU_PATH;
		description->flags = O_PATH;
	} else if (S_ISREG(mode)) {
		description->kind = EMU_FILE;
		description->memobj = answer->handle_count > 1 ? answer->handles[1] : 0;
	} else if (S_ISDIR(mode)) {
		description->kind = EMU_DIRECTORY;
	} else {
		return become_stream(description, flags, mode, answer);
	}
	return 0;
}

/* The description of what the path names, or an error. */
static long open_path(struct emu_path *path, int flags, int mode, struct emu_description **opened)
{
	struct emu_request request = {
		.operation = FILE_OPEN,
		.flags = file_flags(flags),
		.argument = (uint64_t)mode & 07777 & ~emu_umask,
		.accept = 2,
	};
	struct emu_description *description;
	struct tern_received answer;
	long result = emu_path_call(path, &request, &answer);

	if (result < 0)
		return result;
	description = emu_description_new(EMU_PATH, (uint32_t)flags & STATUS_FLAGS);
	if (!description) {
		for (uint64_t i = 0; i < answer.handle_count; i++)
			tern_handle_close(answer.handles[i]);
		return -ENFILE;
	}
	description->mount = path->mount;
	result = become(description, flags, (uint32_t)result, &answer);
	if (result < 0)
		emu_description_put(description);
	else
		*opened = description;
	return result < 0 ? result : 0;
}

static long check_flags(int flags)
{
	if (flags & O_DIRECTORY && flags & O_CREAT && !(flags & O_PATH))
		return -EINVAL;
	return 0;
}

static long install(struct emu_path *path, int flags, int mode)
{
	struct emu_description *description;
	long result = open_path(path, flags, mode, &description);

	emu_path_end(path);
	if (result < 0)
		return result;
	return emu_descriptor_install(description, 0, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
}

/* A name that nobody uses, as long as it takes to remove it. */
static long open_nameless(struct emu_path *path, int flags, int mode,
			  struct emu_description **opened)
{
	struct emu_request unlink = { .operation = FILE_UNLINK };
	struct tern_received answer;
	char name[NAMELESS_LENGTH];
	uint64_t random;
	long result;

	do {
		emu_random(&random, sizeof(random));
		__builtin_memcpy(name, ".tmp-", 5);
		for (int i = 5; i < NAMELESS_LENGTH; i++, random >>= 4)
			name[i] = "0123456789abcdef"[random & 15];
		path->text = name;
		path->length = NAMELESS_LENGTH;
		result = open_path(path, flags | O_CREAT | O_EXCL, mode, opened);
	} while (result == -EEXIST);
	if (result < 0)
		return result;
	result = emu_path_call(path, &unlink, &answer);
	if (result < 0)
		emu_description_put(*opened);
	return result;
}

/* O_TMPFILE: such a file gets no name later. */
static long open_temporary(int base, const char *user_path, int flags, int mode)
{
	struct emu_description *directory, *description;
	struct emu_path path = { .port = 0 };
	long result;

	if ((flags & O_ACCMODE) == O_RDONLY || flags & O_CREAT)
		return -EINVAL;
	result = emu_open_description(base, user_path, O_PATH | O_DIRECTORY, &directory);
	if (result < 0)
		return result;
	path.mount = directory->mount;
	path.token = directory->token;
	result = open_nameless(&path, flags & ~O_TMPFILE, mode, &description);
	emu_description_put(directory);
	if (result < 0)
		return result;
	return emu_descriptor_install(description, 0, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
}

#define OPEN_ANEW 1000000 /* no descriptor */

/* The name of an own descriptor: see own.c. OPEN_ANEW: the path is to be opened, which else is ended. */
static __attribute__((noinline, cold)) long open_own(struct emu_path *path, int number, int flags)
{
	struct emu_description *description = emu_descriptor_get(number);
	long result = -ENOENT;

	if (flags & O_NOFOLLOW || (flags & O_CREAT && flags & O_EXCL)) {
		result = flags & O_NOFOLLOW ? -ELOOP : -EEXIST;
	} else if (description &&
		   (description->kind == EMU_DIRECTORY || description->kind == EMU_PATH)) {
		path->text = "";
		path->length = 0;
		emu_path_of(path, description);
		emu_description_put(description);
		return OPEN_ANEW;
	} else if (description && flags & O_DIRECTORY) {
		result = -ENOTDIR;
	} else if (description) {
		emu_path_end(path);
		return emu_descriptor_install(description, 0, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
	}
	emu_path_end(path);
	if (description)
		emu_description_put(description);
	return result;
}

long emu_openat(int base, const char *user_path, int flags, int mode)
{
	struct emu_path path;
	long result;
	int number;

	if ((flags & O_TMPFILE) == O_TMPFILE)
		return open_temporary(base, user_path, flags, mode);
	result = check_flags(flags);
	if (!result)
		result = emu_path_user(&path, base, user_path, false);
	if (result < 0)
		return result;
	if (flags & O_NOFOLLOW && emu_path_place(&path)) {
		emu_path_end(&path);
		return -ELOOP;
	}
	if (emu_path_descriptor(&path, &number)) {
		result = open_own(&path, number, flags);
		if (result != OPEN_ANEW)
			return result;
	}
	return install(&path, flags, mode);
}

long emu_open_kernel(const char *text, int flags, int mode)
{
	struct emu_path path;
	long result = emu_path_kernel(&path, AT_FDCWD, text, false);

	return result < 0 ? result : install(&path, flags, mode);
}

long emu_open_path_of(struct emu_path *path, int flags, struct emu_description **opened)
{
	struct emu_request request = { .operation = FILE_OPEN,
				       .flags = file_flags(flags) & ~FILE_WITH_MEMOBJ,
				       .accept = 2 };
	struct emu_description *description;
	struct tern_received answer;
	long result = emu_path_call(path, &request, &answer);

	if (result < 0)
		return result;
	for (uint64_t i = 1; i < answer.handle_count; i++)
		tern_handle_close(answer.handles[i]);
	description = emu_description_new(EMU_PATH, O_PATH);
	if (!description) {
		if (answer.handle_count)
			tern_handle_close(answer.handles[0]);
		return -ENFILE;
	}
	description->mount = path->mount;
	description->port = answer.handle_count ? answer.handles[0] : 0;
	description->token = answer.words[1];
	*opened = description;
	return result;
}

long emu_open_description(int base, const char *user_path, int flags,
			  struct emu_description **description)
{
	struct emu_path path;
	long result = emu_path_user(&path, base, user_path, false);

	if (result < 0)
		return result;
	result = open_path(&path, flags, 0, description);
	emu_path_end(&path);
	return result;
}

/* What the kind of a description leaves behind. */
void emu_description_end(struct emu_description *description)
{
	if (description->is_in_epoll)
		emu_epoll_forget(description);
	if (description->kind == EMU_EPOLL)
		emu_epoll_end(description);
	if (description->kind == EMU_WAKE)
		emu_wake_end(description);
	if (description->memobj)
		tern_handle_close(description->memobj);
	if (description->io)
		tern_handle_close(description->io);
	if (description->port)
		tern_handle_close(description->port);
	else if (emu_has_file(description))
		emu_file_close(description);
}

/* ------------------------------------------------------------------------------------ start */

long emu_files_start(void)
{
	long result = emu_mounts_start(), number;

	if (result < 0)
		return result;
	number = emu_open_kernel("/dev/console", O_RDWR, 0);
	for (int i = 1; i < 3 && number >= 0; i++)
		emu_dup((int)number);
	return 0;
}

/* ------------------------------------------------------------------------------------ exec */

static long look_at(struct emu_executable *executable)
{
	struct emu_request request = { .operation = FILE_STAT };
	struct tern_received answer;
	long result = emu_file_call(executable->description, &request, &answer);

	if (result < 0)
		return result;
	executable->mode = (uint32_t)answer.words[3] & 0xffff;
	executable->inode = answer.words[1];
	executable->size = answer.words[2];
	executable->uid = (uint32_t)answer.words[4];
	executable->gid = (uint32_t)(answer.words[4] >> 32);
	return S_ISREG(executable->mode) ? 0 : -EACCES;
}

/* A file that may be executed but not read is not executed: it could not be mapped. */
long emu_executable_open(int base, const char *text, int flags, struct emu_executable *executable)
{
	int open_flags = O_RDONLY | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0);
	struct emu_request may_execute = { .operation = FILE_ACCESS, .argument = 1 };
	struct tern_received answer;
	struct emu_path path;
	long result = emu_path_kernel(&path, base, text, flags & AT_EMPTY_PATH);

	if (result < 0)
		return result;
	result = emu_path_call(&path, &may_execute, &answer);
	if (result >= 0)
		result = open_path(&path, open_flags, 0, &executable->description);
	emu_path_end(&path);
	if (result < 0)
		return result;
	executable->mount = executable->description->mount;
	result = look_at(executable);
	if (result >= 0)
		result = executable->memobj = emu_file_memobj(executable->description);
	if (result < 0)
		emu_executable_close(executable);
	return result < 0 ? result : 0;
}

void emu_executable_close(struct emu_executable *executable)
{
	emu_description_put(executable->description);
}
