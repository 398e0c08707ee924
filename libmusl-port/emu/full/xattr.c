/* Extended attributes. Names and values go behind the path in one payload: see proto/file.h. */
#include "path.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include "emu_full.h"

#define NAME_MAX_LENGTH 255

/* A file by path or descriptor, and a buffer for the payload. */
struct target {
	struct emu_path path;
	struct emu_description *description; /* or NULL: it is the path */
	char *buffer;
	size_t name_length;
};

static long begin(struct target *target, int number, const char *user_path, const char *user_name)
{
	long result = 0;

	target->buffer = emu_buffer_take();
	if (!target->buffer)
		return -ENOMEM;
	target->description = user_path ? NULL : emu_descriptor(number);
	if (user_name) {
		result = emu_copy_string(target->buffer, user_name, NAME_MAX_LENGTH + 1);
		target->name_length = (size_t)result;
		if (!result || result == -ENAMETOOLONG)
			result = -ERANGE;
	}
	if (result >= 0 && !user_path && !target->description)
		result = -EBADF;
	if (result >= 0 && user_path)
		result = emu_path_user(&target->path, AT_FDCWD, user_path, false);
	if (result < 0)
		emu_buffer_give(target->buffer);
	return result < 0 ? result : 0;
}

static long call(struct target *target, struct emu_request *request, struct tern_received *answer)
{
	if (!target->description)
		return emu_path_call(&target->path, request, answer);
	if (target->description->kind == EMU_PATH)
		return -EBADF;
	if (!emu_has_file(target->description))
		return -EOPNOTSUPP;
	return emu_file_call(target->description, request, answer);
}

static void end(struct target *target)
{
	if (!target->description)
		emu_path_end(&target->path);
	emu_buffer_give(target->buffer);
}

/* ------------------------------------------------------------------------------------- telling */

/* Bytes that were answered, to the user; with size 0 only how many there are. */
static long tell(const struct tern_received *answer, const char *out, long length, void *user,
		 size_t size)
{
	const char *from = length <= FILE_INLINE ? (const char *)&answer->words[FILE_INLINE_WORD]
						 : out;

	if (!size || length <= 0)
		return length;
	if ((size_t)length > size)
		return -ERANGE;
	return emu_copy_out(user, from, (size_t)length) ? -EFAULT : length;
}

/* The value of an attribute, or (without a name) all names. */
static long get(int number, const char *path, const char *name, void *user, size_t size,
		uint32_t flags)
{
	struct emu_request request = { .operation = name ? FILE_GETXATTR : FILE_LISTXATTR,
				       .flags = flags };
	struct tern_received answer;
	struct target target = { .name_length = 0 };
	long result = begin(&target, number, path, name);

	if (result)
		return result;
	request.data = target.buffer;
	request.data_length = request.second_length = target.name_length;
	request.argument = size < FILE_DATA_MAX ? size : FILE_DATA_MAX;
	request.out = target.buffer + EMU_BUFFER_SIZE / 2;
	request.out_length = FILE_DATA_MAX;
	result = call(&target, &request, &answer);
	result = tell(&answer, request.out, result, user, size);
	end(&target);
	return result;
}

long emu_getxattr(const char *path, const char *name, void *user, size_t size)
{
	return get(-1, path, name, user, size, 0);
}

long emu_lgetxattr(const char *path, const char *name, void *user, size_t size)
{
	return get(-1, path, name, user, size, FILE_NOFOLLOW);
}

long emu_fgetxattr(int number, const char *name, void *user, size_t size)
{
	return get(number, NULL, name, user, size, 0);
}

long emu_listxattr(const char *path, void *user, size_t size)
{
	return get(-1, path, NULL, user, size, 0);
}

long emu_llistxattr(const char *path, void *user, size_t size)
{
	return get(-1, path, NULL, user, size, FILE_NOFOLLOW);
}

long emu_flistxattr(int number, void *user, size_t size)
{
	return get(number, NULL, NULL, user, size, 0);
}

/* ------------------------------------------------------------------------------------- changing */

static long set(int number, const char *path, const char *name, const void *user, size_t size,
		int flags, uint32_t follow)
{
	struct emu_request request = { .operation = FILE_SETXATTR, .flags = follow };
	struct tern_received answer;
	struct target target = { .name_length = 0 };
	long result;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE) || !name)
		return -EINVAL;
	if (size > FILE_DATA_MAX)
		return -E2BIG;
	result = begin(&target, number, path, name);
	if (result)
		return result;
	request.flags |= flags & XATTR_CREATE ? FILE_EXCLUSIVE : 0;
	request.flags |= flags & XATTR_REPLACE ? FILE_REPLACE : 0;
	request.data = target.buffer;
	request.second_length = target.name_length;
	request.data_length = target.name_length + size;
	request.argument = size;
	result = emu_copy_in(target.buffer + target.name_length, user, size);
	if (!result)
		result = call(&target, &request, &answer);
	end(&target);
	return result;
}

long emu_setxattr(const char *path, const char *name, const void *user, size_t size, int flags)
{
	return set(-1, path, name, user, size, flags, 0);
}

long emu_lsetxattr(const char *path, const char *name, const void *user, size_t size, int flags)
{
	return set(-1, path, name, user, size, flags, FILE_NOFOLLOW);
}

long emu_fsetxattr(int number, const char *name, const void *user, size_t size, int flags)
{
	return set(number, NULL, name, user, size, flags, 0);
}

static long take_off(int number, const char *path, const char *name, uint32_t follow)
{
	struct emu_request request = { .operation = FILE_DELXATTR, .flags = follow };
	struct tern_received answer;
	struct target target = { .name_length = 0 };
	long result = name ? begin(&target, number, path, name) : -EFAULT;

	if (result)
		return result;
	request.data = target.buffer;
	request.data_length = request.second_length = target.name_length;
	result = call(&target, &request, &answer);
	end(&target);
	return result;
}

long emu_removexattr(const char *path, const char *name)
{
	return take_off(-1, path, name, 0);
}

long emu_lremovexattr(const char *path, const char *name)
{
	return take_off(-1, path, name, FILE_NOFOLLOW);
}

long emu_fremovexattr(int number, const char *name)
{
	return take_off(number, NULL, name, 0);
}
