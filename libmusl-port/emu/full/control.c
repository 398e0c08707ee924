/* fcntl and flock: flags of descriptions, and locks of files. */
#include "path.h"
#include "stream.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "emu_full.h"
#include "files_internal.h"

#define CHANGEABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

long emu_fcntl_descriptor(int number, int command, uint64_t argument);

bool emu_has_record_locks;

/* Pipes and sockets keep O_NONBLOCK in their server: see stream.c. */
static bool has_server_flags(const struct emu_description *description)
{
	return description->kind == EMU_STREAM && description->io_kind != IO_KIND_TERMINAL &&
	       description->io_kind != IO_KIND_DEVICE;
}

static long get_flags(const struct emu_description *description)
{
	struct io_attributes attributes;
	uint32_t flags = description->flags;

	if (has_server_flags(description) && io_attributes(description->io, &attributes) >= 0)
		flags |= attributes.flags & IO_NONBLOCK ? O_NONBLOCK : 0;
	return flags;
}

long emu_set_nonblocking(struct emu_description *description, bool is_on)
{
	tern_result result;

	if (has_server_flags(description)) {
		result = io_set_flags(description->io, IO_NONBLOCK, is_on ? IO_NONBLOCK : 0);
		return result < 0 ? result : 0;
	}
	if (is_on)
		description->flags |= O_NONBLOCK;
	else
		description->flags &= ~(uint32_t)O_NONBLOCK;
	return 0;
}

static long set_flags(struct emu_description *description, uint32_t flags)
{
	uint32_t kept = description->flags & ~(uint32_t)(CHANGEABLE & ~O_NONBLOCK);

	description->flags = kept | (flags & CHANGEABLE & ~O_NONBLOCK);
	return emu_set_nonblocking(description, flags & O_NONBLOCK);
}

/* ------------------------------------------------------------------------------------- locks */

/* The range of a lock from the start of the file; 0 as the length: to the end of all files. */
static long range_of(struct emu_description *description, const struct flock *lock,
		     int64_t range[2])
{
	int64_t base = 0;

	if (lock->l_whence == SEEK_CUR)
		base = emu_file_seek(description, 0, SEEK_CUR);
	else if (lock->l_whence == SEEK_END)
		base = emu_file_length(description);
	else if (lock->l_whence != SEEK_SET)
		return -EINVAL;
	if (base < 0)
		return base;
	range[0] = base + lock->l_start;
	range[1] = lock->l_len;
	if (lock->l_len < 0) {
		range[0] += lock->l_len;
		range[1] = -lock->l_len;
	}
	return range[0] < 0 ? -EINVAL : 0;
}

static long lock_type(const struct emu_description *description, int type)
{
	int access = (int)description->flags & O_ACCMODE;

	switch (type) {
	case F_UNLCK:
		return FILE_UNLOCK;
	case F_RDLCK:
		return access == O_WRONLY ? -EBADF : FILE_LOCK_SHARED;
	case F_WRLCK:
		return access == O_RDONLY ? -EBADF : FILE_LOCK_EXCLUSIVE;
	default:
		return -EINVAL;
	}
}

/*
 * A lock of the process belongs to its session, so it is asked for through that, with the file's token; one
 * of the description through its port.
 */
static long lock_call(struct emu_description *description, struct emu_request *request,
		      bool is_description, struct tern_received *answer)
{
	struct emu_path path = { .text = "", .mount = description->mount };
	long result;

	path.token = description->token;
	if (is_description)
		path.port = description->port;
	result = emu_path_call(&path, request, answer);
	return result;
}

static long set_lock(struct emu_description *description, const struct flock *lock, bool waits,
		     bool is_description)
{
	int64_t range[2];
	struct emu_request request = { .operation = FILE_LOCK,
				       .flags = (waits ? FILE_WAIT : 0) |
						(is_description ? FILE_DESCRIPTION : 0),
				       .data = range,
				       .data_length = sizeof(range),
				       .may_wait = waits };
	struct tern_received answer;
	long result = range_of(description, lock, range), type;

	if (result < 0)
		return result;
	type = lock_type(description, lock->l_type);
	if (type < 0)
		return type;
	request.argument = (uint64_t)type;
	return lock_call(description, &request, is_description, &answer);
}

static long get_lock(struct emu_description *description, struct flock *lock, bool is_description)
{
	int64_t range[2];
	struct emu_request request = { .operation = FILE_GETLOCK,
				       .flags = is_description ? FILE_DESCRIPTION : 0,
				       .data = range,
				       .data_length = sizeof(range) };
	struct tern_received answer;
	long result = range_of(description, lock, range);

	if (result < 0)
		return result;
	if (lock->l_type != F_RDLCK && lock->l_type != F_WRLCK)
		return -EINVAL;
	request.argument = lock->l_type == F_RDLCK ? FILE_LOCK_SHARED : FILE_LOCK_EXCLUSIVE;
	result = lock_call(description, &request, is_description, &answer);
	if (result < 0)
		return result;
	if (result == FILE_UNLOCK) {
		lock->l_type = F_UNLCK;
		return 0;
	}
	lock->l_type = result == FILE_LOCK_SHARED ? F_RDLCK : F_WRLCK;
	lock->l_whence = SEEK_SET;
	lock->l_start = (off_t)answer.words[1];
	lock->l_len = (off_t)answer.words[2];
	lock->l_pid = is_description && !answer.words[3] ? -1 : (pid_t)answer.words[3];
	return 0;
}

static long record_lock(struct emu_description *description, int command, struct flock *user)
{
	bool is_description = command >= F_OFD_GETLK;
	struct flock lock;
	long result = emu_copy_in(&lock, user, sizeof(lock));

	if (result)
		return result;
	if (is_description && lock.l_pid)
		return -EINVAL;
	if (description->kind != EMU_FILE || !description->token)
		return -EBADF;
	if (command == F_GETLK || command == F_OFD_GETLK) {
		result = get_lock(description, &lock, is_description);
		return result ? result : emu_copy_out(user, &lock, sizeof(lock));
	}
	emu_has_record_locks = true;
	return set_lock(description, &lock, command == F_SETLKW || command == F_OFD_SETLKW,
			is_description);
}

/*
 * POSIX: when a process closes any descriptor of a file, all its record locks on the file go. Called for
 * each descriptor that is closed, while it is still there.
 */
void emu_locks_drop(struct emu_description *description)
{
	struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	set_lock(description, &all, false, false);
}

long emu_flock(int number, int operation)
{
	struct emu_description *description = emu_descriptor(number);
	int64_t range[2] = { 0, 0 };
	struct emu_request request = { .operation = FILE_LOCK,
				       .flags = FILE_DESCRIPTION,
				       .data = range,
				       .data_length = sizeof(range) };
	struct tern_received answer;

	if (!description || description->kind == EMU_PATH)
		return -EBADF;
	switch (operation & ~LOCK_NB) {
	case LOCK_SH:
		request.argument = FILE_LOCK_SHARED;
		break;
	case LOCK_EX:
		request.argument = FILE_LOCK_EXCLUSIVE;
		break;
	case LOCK_UN:
		request.argument = FILE_UNLOCK;
		break;
	default:
		return -EINVAL;
	}
	if (!emu_has_file(description))
		return -EBADF;
	if (!(operation & LOCK_NB)) {
		request.flags |= FILE_WAIT;
		request.may_wait = true;
	}
	return emu_file_call(description, &request, &answer);
}

/* ------------------------------------------------------------------------------------- fcntl */

static long capacity_of(const struct emu_description *description)
{
	struct io_attributes attributes;

	if (description->kind != EMU_STREAM || description->io_kind != IO_KIND_PIPE ||
	    io_attributes(description->io, &attributes) < 0)
		return -EBADF;
	return (long)attributes.capacity;
}

/* All pipes are of one size, so less is as good, and more is more than is allowed. */
static long set_capacity(const struct emu_description *description, uint64_t wanted)
{
	long capacity = capacity_of(description);

	if (capacity < 0)
		return capacity;
	if (wanted > INT32_MAX)
		return -EINVAL;
	return wanted > (uint64_t)capacity ? -EPERM : capacity;
}

static long of_description(struct emu_description *description, int command, uint64_t argument)
{
	switch (command) {
	case F_SETFL:
		return set_flags(description, (uint32_t)argument);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return record_lock(description, command, (struct flock *)argument);
	case F_GETPIPE_SZ:
		return capacity_of(description);
	case F_SETPIPE_SZ:
		return set_capacity(description, argument);
	case F_GET_SEALS:
	case F_ADD_SEALS:
		return emu_memory_seals(description, command, argument);
	default:
		return -EINVAL;
	}
}

long emu_fcntl(int number, int command, uint64_t argument)
{
	struct emu_description *description = emu_descriptor(number);
	long result;

	if (!description)
		return -EBADF;
	result = emu_fcntl_descriptor(number, command, argument);
	if (result != -ENOSYS)
		return result;
	if (command == F_GETFL)
		return get_flags(description);
	return description->kind == EMU_PATH ? -EBADF
					     : of_description(description, command, argument);
}
