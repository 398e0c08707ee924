/* Calls that make, move and remove names; symbolic links. */
#include "path.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "emu_full.h"
#include "files_internal.h"

/* One request about one path. */
static long simple(int base, const char *user_path, const struct emu_request *request)
{
	struct tern_received answer;
	struct emu_path path;
	long result = emu_path_user(&path, base, user_path, false);

	if (result < 0)
		return result;
	result = emu_path_call(&path, request, &answer);
	emu_path_end(&path);
	return result < 0 ? result : 0;
}

uint32_t emu_umask = 022;

long emu_set_umask(uint32_t mask)
{
	return (long)__atomic_exchange_n(&emu_umask, mask & 0777, __ATOMIC_RELAXED);
}

static uint64_t masked(uint32_t mode)
{
	return mode & ~emu_umask;
}

long emu_mkdirat(int base, const char *path, uint32_t mode)
{
	struct emu_request request = { .operation = FILE_MKDIR, .argument = masked(mode & 01777) };

	return simple(base, path, &request);
}

long emu_mknodat(int base, const char *path, uint32_t mode, uint64_t device)
{
	struct emu_request request = { .operation = FILE_MKNOD };
	uint32_t type = mode & S_IFMT;

	if (S_ISDIR(type))
		return -EPERM;
	if (type && !S_ISREG(type) && !S_ISFIFO(type) && !S_ISSOCK(type) && !S_ISCHR(type) &&
	    !S_ISBLK(type))
		return -EINVAL;
	if (!S_ISCHR(type) && !S_ISBLK(type))
		device = 0;
	request.argument = device << 32 | masked(mode & 07777) | (type ? type : S_IFREG);
	return simple(base, path, &request);
}

long emu_unlinkat(int base, const char *path, int flags)
{
	struct emu_request request = {
		.operation = FILE_UNLINK,
		.flags = flags & AT_REMOVEDIR ? FILE_DIRECTORY : 0,
	};

	return flags & ~AT_REMOVEDIR ? -EINVAL : simple(base, path, &request);
}

/* A link to what is open has a first path that is empty, which LINK takes from its base. */
static long with_two(struct emu_request *request, struct emu_path *first, int base,
		     const char *user_second)
{
	struct tern_received answer;
	struct emu_path second;
	long result = emu_path_user(&second, base, user_second, false);

	if (result < 0)
		return result;
	first->port = 0;
	request->second = &second;
	result = emu_path_call(first, request, &answer);
	emu_path_end(&second);
	return result < 0 ? result : 0;
}

static long two_paths(struct emu_request *request, int base, const char *path, bool may_be_empty,
		      int second_base, const char *second)
{
	struct emu_path first;
	long result = emu_path_user(&first, base, path, may_be_empty);

	if (result < 0)
		return result;
	result = with_two(request, &first, second_base, second);
	emu_path_end(&first);
	return result;
}

long emu_linkat(int old_base, const char *old, int base, const char *path, int flags)
{
	struct emu_request request = {
		.operation = FILE_LINK,
		.flags = flags & AT_SYMLINK_FOLLOW ? FILE_FOLLOW : 0,
	};

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return two_paths(&request, old_base, old, flags & AT_EMPTY_PATH, base, path);
}

#define RENAME_NOREPLACE 1 /* Linux's */
#define RENAME_EXCHANGE 2

long emu_renameat2(int old_base, const char *old, int base, const char *path, uint32_t flags)
{
	struct emu_request request = { .operation = FILE_RENAME };

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	request.flags = (flags & RENAME_NOREPLACE ? FILE_NOREPLACE : 0) |
			(flags & RENAME_EXCHANGE ? FILE_EXCHANGE : 0);
	return two_paths(&request, old_base, old, false, base, path);
}

long emu_symlinkat(const char *user_target, int base, const char *user_path)
{
	struct emu_request request = { .operation = FILE_SYMLINK };
	char *target = emu_buffer_take();
	long length = target ? emu_copy_string(target, user_target, FILE_PATH_MAX) : -ENOMEM;

	if (length == 0)
		length = -ENOENT;
	if (length > 0) {
		request.data = target;
		request.data_length = request.second_length = (size_t)length;
		length = simple(base, user_path, &request);
	}
	emu_buffer_give(target);
	return length;
}

/* The answer's bytes came in its words or in the buffer. */
static long tell_target(const struct tern_received *answer, const char *buffer, long length,
			char *user, size_t size)
{
	const char *from = length <= FILE_INLINE ? (const char *)&answer->words[FILE_INLINE_WORD]
						 : buffer;
	size_t told = (size_t)length < size ? (size_t)length : size;

	return emu_copy_out(user, from, told) ? -EFAULT : (long)told;
}

/* /proc/self/exe, cwd and root, and the links of descriptors: nobody but this process knows. -ENOENT: it is none of that. */
static long name_known_here(const struct emu_path *path, char *name)
{
	int number;

	if (emu_path_is_program(path)) {
		__builtin_strcpy(name, emu_program_path());
		return (long)__builtin_strlen(name);
	}
	switch (emu_path_place(path)) {
	case EMU_PLACE_WORKING:
		return emu_working_path(name);
	case EMU_PLACE_ROOT:
		*name = '/';
		return 1;
	default:
		break;
	}
	return emu_path_descriptor(path, &number) ? emu_own_link(number, name) : -ENOENT;
}

long emu_readlinkat(int base, const char *user_path, char *user, int size)
{
	struct emu_request request = { .operation = FILE_READLINK, .flags = FILE_NOFOLLOW };
	struct tern_received answer;
	struct emu_path path;
	long result;

	if (size <= 0)
		return -EINVAL;
	result = emu_path_user(&path, base, user_path, base != AT_FDCWD);
	if (result < 0)
		return result;
	request.out = emu_buffer_take();
	request.out_length = FILE_PATH_MAX;
	result = request.out ? name_known_here(&path, request.out) : -ENOMEM;
	if (result >= 0) {
		if (result > size)
			result = size;
		if (emu_copy_out(user, request.out, (size_t)result))
			result = -EFAULT;
	} else if (result == -ENOENT) {
		result = emu_path_call(&path, &request, &answer);
		if (result >= 0)
			result = tell_target(&answer, request.out, result, user, (size_t)size);
	}
	emu_buffer_give(request.out);
	emu_path_end(&path);
	return result;
}
