/* Calls that change what a file is: mode, owner, times, length; and those that make it durable. */
#include "path.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "emu_full.h"
#include "files_internal.h"

#define SECOND 1000000000
#define ALL_FALLOCATE (FALLOC_FL_KEEP_SIZE)

/* A request about a path, or with an empty one about a descriptor. */
static long at_path(int base, const char *user_path, int flags, struct emu_request *request)
{
	struct tern_received answer;
	struct emu_path path;
	long result;

	if (flags & AT_SYMLINK_NOFOLLOW)
		request->flags |= FILE_NOFOLLOW;
	result = emu_path_user(&path, base, user_path, flags & AT_EMPTY_PATH);
	if (result < 0)
		return result;
	result = emu_path_call(&path, request, &answer);
	emu_path_end(&path);
	return result < 0 ? result : 0;
}

static long at_descriptor(int number, const struct emu_request *request)
{
	struct emu_description *description = emu_descriptor(number);
	struct tern_received answer;
	long result;

	if (!description || description->kind == EMU_PATH)
		return -EBADF;
	if (!emu_has_file(description))
		return 0; /* a pipe or memory: nothing keeps its attributes */
	result = emu_file_call(description, request, &answer);
	return result < 0 ? result : 0;
}

long emu_fchmod(int number, uint32_t mode)
{
	struct emu_request request = { .operation = FILE_CHMOD, .argument = mode & 07777 };

	return at_descriptor(number, &request);
}

long emu_fchmodat(int base, const char *path, uint32_t mode)
{
	struct emu_request request = { .operation = FILE_CHMOD, .argument = mode & 07777 };

	return at_path(base, path, 0, &request);
}

long emu_fchown(int number, uint32_t uid, uint32_t gid)
{
	struct emu_request request = { .operation = FILE_CHOWN,
				       .argument = (uint64_t)gid << 32 | uid };

	return at_descriptor(number, &request);
}

long emu_fchownat(int base, const char *path, uint32_t uid, uint32_t gid, int flags)
{
	struct emu_request request = { .operation = FILE_CHOWN,
				       .argument = (uint64_t)gid << 32 | uid };

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return at_path(base, path, flags, &request);
}

/* ------------------------------------------------------------------------------------ times */

static long time_word(const struct timespec *time, int64_t *word)
{
	if (time->tv_nsec == UTIME_NOW) {
		*word = FILE_TIME_NOW;
	} else if (time->tv_nsec == UTIME_OMIT) {
		*word = FILE_TIME_OMIT;
	} else {
		if (time->tv_nsec < 0 || time->tv_nsec >= SECOND)
			return -EINVAL;
		if (__builtin_mul_overflow(time->tv_sec, (int64_t)SECOND, word) ||
		    __builtin_add_overflow(*word, time->tv_nsec, word))
			return -EINVAL;
	}
	return 0;
}

long emu_utimensat(int base, const char *path, const struct timespec *user, int flags)
{
	int64_t words[2] = { FILE_TIME_NOW, FILE_TIME_NOW };
	struct emu_request request = { .operation = FILE_UTIMES,
				       .data = words,
				       .data_length = sizeof(words) };
	struct timespec times[2];
	long result = 0;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (user)
		result = emu_copy_in(times, user, sizeof(times));
	for (int i = 0; user && i < 2 && !result; i++)
		result = time_word(&times[i], &words[i]);
	if (result)
		return result;
	if (words[0] == FILE_TIME_OMIT && words[1] == FILE_TIME_OMIT)
		return 0;
	return path ? at_path(base, path, flags, &request) : at_descriptor(base, &request);
}

/* ----------------------------------------------------------------------------------- length */

long emu_truncate(const char *path, int64_t length)
{
	struct emu_request request = { .operation = FILE_TRUNCATE, .argument = (uint64_t)length };

	if (length < 0)
		return -EINVAL;
	return emu_size_is_allowed((uint64_t)length) ? at_path(AT_FDCWD, path, 0, &request)
						     : -EFBIG;
}

long emu_ftruncate(int number, int64_t length)
{
	struct emu_request request = { .operation = FILE_TRUNCATE, .argument = (uint64_t)length };
	struct emu_description *description = emu_descriptor(number);

	if (!description || description->kind == EMU_PATH)
		return -EBADF;
	if (length < 0 || (description->flags & O_ACCMODE) == O_RDONLY)
		return -EINVAL;
	if (!emu_size_is_allowed((uint64_t)length))
		return -EFBIG;
	if (description->kind == EMU_MEMORY)
		return emu_memory_truncate(description, (uint64_t)length);
	return description->kind == EMU_FILE ? at_descriptor(number, &request) : -EINVAL;
}

long emu_fallocate(int number, int mode, int64_t offset, int64_t length)
{
	struct emu_description *description = emu_descriptor(number);
	struct emu_request request = { .operation = FILE_GROW, .flags = FILE_ALLOCATE };
	long result;

	if (!description || (description->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (offset < 0 || length <= 0)
		return -EINVAL;
	if (description->kind == EMU_STREAM)
		return -ESPIPE;
	if (description->kind != EMU_FILE)
		return -ENODEV;
	if (mode & ~ALL_FALLOCATE)
		return -EOPNOTSUPP;
	if (__builtin_add_overflow(offset, length, &length))
		return -EFBIG;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && !emu_size_is_allowed((uint64_t)length))
		return -EFBIG;
	request.argument = (uint64_t)length;
	result = at_descriptor(number, &request);
	if (!result && !(mode & FALLOC_FL_KEEP_SIZE) && emu_file_length(description) < length)
		result = emu_ftruncate(number, length);
	return result;
}

long emu_fadvise(int number, int64_t offset, int64_t length, int advice)
{
	struct emu_description *description = emu_descriptor(number);

	(void)offset;
	if (!description)
		return -EBADF;
	if (description->kind == EMU_STREAM)
		return -ESPIPE;
	return length < 0 || advice < 0 || advice > POSIX_FADV_NOREUSE ? -EINVAL : 0;
}

long emu_readahead(int number, int64_t offset, size_t length)
{
	struct emu_description *description = emu_descriptor(number);

	(void)offset;
	(void)length;
	if (!description || (description->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	return description->kind == EMU_FILE ? 0 : -EINVAL;
}

/* ------------------------------------------------------------------------------------- sync */

long emu_fsync(int number)
{
	struct emu_request request = { .operation = FILE_FSYNC };
	struct emu_description *description = emu_descriptor(number);

	if (!description || description->kind == EMU_PATH)
		return -EBADF;
	if (description->kind == EMU_MEMORY)
		return 0;
	if (!emu_has_file(description) || description->kind == EMU_STREAM)
		return -EINVAL;
	return at_descriptor(number, &request);
}

long emu_syncfs(int number)
{
	struct emu_request request = { .operation = FILE_SYNCFS };

	return at_descriptor(number, &request);
}

long emu_sync(void)
{
	struct emu_request request = { .operation = FILE_SYNCFS };
	struct tern_received answer;
	uint32_t mount;

	for (int i = 0; (mount = emu_mount_at(i)); i++) {
		struct emu_path path = { .mount = mount, .text = "" };

		emu_path_call(&path, &request, &answer);
	}
	return 0;
}

long emu_sync_file_range(int number, int64_t offset, int64_t length, uint32_t flags)
{
	if (offset < 0 || length < 0 || flags & ~7u)
		return -EINVAL;
	return emu_fsync(number);
}
