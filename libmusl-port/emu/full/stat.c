/* What is known about files: stat and its kin, access, statfs. */
#include "path.h"
#include "stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "emu_full.h"
#include "files_internal.h"
#include "mqueue.h"

#define SECOND 1000000000
#define BLOCK 4096
#define SECTOR 512
#define LINK_SIZE 64        /* of a link in /proc/self/fd, as on Linux */
#define ANONYMOUS_DEVICE 15 /* st_dev of what has no file: pipes, sockets, memory */
#define PIPE_MAGIC 0x50495045
#define MEMORY_MAGIC 0x01021994

_Static_assert(sizeof(struct stat) == 128, "the C library passes the kernel's structure on");

uint64_t emu_device_number(uint64_t told)
{
	uint64_t major = told >> 32, minor = told & 0xffffffff;

	if (!major)
		return told;
	return (minor & 0xff) | major << 8 | (minor & 0xfff00) << 12;
}

static struct timespec time_of(uint64_t told)
{
	int64_t nanoseconds = (int64_t)told, seconds = nanoseconds / SECOND;

	nanoseconds %= SECOND;
	if (nanoseconds < 0) {
		nanoseconds += SECOND;
		seconds--;
	}
	return (struct timespec){ seconds, nanoseconds };
}

static void fill(struct stat *stat, uint32_t mount, const struct tern_received *answer)
{
	uint32_t mode = (uint32_t)answer->words[3] & 0xffff;
	bool is_device = S_ISCHR(mode) || S_ISBLK(mode);

	__builtin_memset(stat, 0, sizeof(*stat));
	stat->st_dev = mount;
	stat->st_ino = answer->words[1];
	stat->st_mode = mode;
	stat->st_nlink = (nlink_t)answer->words[0];
	stat->st_uid = (uint32_t)answer->words[4];
	stat->st_gid = (uint32_t)(answer->words[4] >> 32);
	stat->st_blksize = BLOCK;
	if (is_device) {
		stat->st_rdev = emu_device_number(answer->words[2]);
	} else {
		stat->st_size = (off_t)answer->words[2];
		stat->st_blocks = (blkcnt_t)(answer->words[3] >> 16);
	}
	stat->st_atim = time_of(answer->words[5]);
	stat->st_mtim = time_of(answer->words[6]);
	stat->st_ctim = time_of(answer->words[7]);
}

/* What has no file: pipes, sockets, memory ... */
static void fill_anonymous(struct stat *stat, struct emu_description *description)
{
	struct io_attributes attributes = { 0 };

	__builtin_memset(stat, 0, sizeof(*stat));
	stat->st_dev = ANONYMOUS_DEVICE;
	stat->st_mode = 0600;
	stat->st_nlink = 1;
	stat->st_uid = emu_process.euid;
	stat->st_gid = emu_process.egid;
	stat->st_blksize = BLOCK;
	stat->st_ino = (uint64_t)(uintptr_t)description;
	if (description->kind == EMU_MEMORY) {
		stat->st_mode = S_IFREG | 0777;
		stat->st_size = emu_file_length(description);
		stat->st_blocks = (stat->st_size + SECTOR - 1) / SECTOR;
	}
	if (description->kind == EMU_WAKE)
		stat->st_mode = S_IFSOCK | 0777;
	if (description->kind != EMU_STREAM)
		return;
	io_attributes(description->io, &attributes);
	stat->st_ino = attributes.id;
	if (attributes.kind == IO_KIND_SOCKET)
		stat->st_mode = S_IFSOCK | 0777;
	else if (attributes.kind == IO_KIND_PIPE || attributes.kind == IO_KIND_FIFO)
		stat->st_mode |= S_IFIFO;
	else if (attributes.kind == IO_KIND_QUEUE)
		emu_queue_stat(description, stat);
	else if (attributes.device)
		stat->st_mode |= S_IFCHR;
	stat->st_rdev = emu_device_number(attributes.device);
}

static long stat_description(struct emu_description *description, struct stat *stat)
{
	struct emu_request request = { .operation = FILE_STAT };
	struct tern_received answer;
	long result;

	if (!emu_has_file(description)) {
		fill_anonymous(stat, description);
		return 0;
	}
	result = emu_file_call(description, &request, &answer);
	if (result >= 0)
		fill(stat, description->mount, &answer);
	return result < 0 ? result : 0;
}

/* A link of the process's own in /proc. */
static __attribute__((noinline, cold)) void fill_link(struct stat *stat, uint64_t inode,
						      uint32_t permissions)
{
	__builtin_memset(stat, 0, sizeof(*stat));
	stat->st_dev = emu_mount_of_type("proc");
	stat->st_ino = inode;
	stat->st_mode = S_IFLNK | permissions;
	stat->st_nlink = 1;
	stat->st_uid = emu_process.euid;
	stat->st_gid = emu_process.egid;
	stat->st_size = LINK_SIZE;
	stat->st_blksize = BLOCK;
	emu_clock_gettime(CLOCK_REALTIME, &stat->st_atim);
	stat->st_mtim = stat->st_ctim = stat->st_atim;
}

/* That of a descriptor shows by its mode what it is open for. */
static uint32_t link_permissions(const struct emu_description *description)
{
	uint32_t access = description->flags & O_ACCMODE;

	return S_IXUSR | (access != O_WRONLY ? S_IRUSR : 0) | (access != O_RDONLY ? S_IWUSR : 0);
}

static long stat_path(int base, const char *user_path, int flags, struct stat *stat)
{
	struct emu_request request = {
		.operation = FILE_STAT,
		.flags = flags & AT_SYMLINK_NOFOLLOW ? FILE_NOFOLLOW : 0,
	};
	struct emu_description *description;
	struct tern_received answer;
	struct emu_path path;
	long result;
	char first;
	int number;

	if (flags & AT_EMPTY_PATH && base != AT_FDCWD) {
		result = user_path ? emu_copy_in(&first, user_path, 1) : 0;
		if (result)
			return result;
		if (!user_path || !first) {
			description = emu_descriptor(base);
			return description ? stat_description(description, stat) : -EBADF;
		}
	}
	result = emu_path_user(&path, base, user_path, flags & AT_EMPTY_PATH);
	if (result < 0)
		return result;
	description = emu_path_descriptor(&path, &number);
	if (description) {
		emu_path_end(&path);
		if (!(flags & AT_SYMLINK_NOFOLLOW))
			return stat_description(description, stat);
		fill_link(stat, emu_own_inode((uint32_t)number + 2), link_permissions(description));
		return 0;
	}
	if (flags & AT_SYMLINK_NOFOLLOW && emu_path_place(&path)) {
		fill_link(stat, emu_own_inode(EMU_DESCRIPTORS_MAX + emu_path_place(&path) + 2),
			  0777);
		emu_path_end(&path);
		return 0;
	}
	result = emu_path_call(&path, &request, &answer);
	if (result >= 0)
		fill(stat, path.mount, &answer);
	emu_path_end(&path);
	return result < 0 ? result : 0;
}

long emu_fstat(int number, struct stat *user)
{
	struct emu_description *description = emu_descriptor(number);
	struct stat stat;
	long result;

	if (!description)
		return -EBADF;
	result = stat_description(description, &stat);
	return result ? result : emu_copy_out(user, &stat, sizeof(stat));
}

long emu_fstatat(int base, const char *path, struct stat *user, int flags)
{
	struct stat stat;
	long result;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	result = stat_path(base, path, flags, &stat);
	return result ? result : emu_copy_out(user, &stat, sizeof(stat));
}

/* ----------------------------------------------------------------------------------- statx */

#define STATX_BASIC 0x7ff
#define STATX_SYNC 0x6000

struct statx_time {
	int64_t seconds;
	uint32_t nanoseconds;
	int32_t reserved;
};

/* Linux's struct statx. */
struct statx_result {
	uint32_t mask, block_size;
	uint64_t attributes;
	uint32_t links, uid, gid;
	uint16_t mode, reserved;
	uint64_t inode, size, blocks, attributes_mask;
	struct statx_time accessed, born, changed, modified;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t spare[14];
};
_Static_assert(sizeof(struct statx_result) == 256, "Linux's");

static struct statx_time statx_time(struct timespec time)
{
	return (struct statx_time){ time.tv_sec, (uint32_t)time.tv_nsec, 0 };
}

long emu_statx(int base, const char *path, int flags, uint32_t mask, struct statx_result *user)
{
	struct statx_result told = { .mask = STATX_BASIC, .block_size = BLOCK };
	struct stat stat;
	long result;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | STATX_SYNC) ||
	    mask & 0x80000000u)
		return -EINVAL;
	result = stat_path(base, path, flags, &stat);
	if (result)
		return result;
	told.links = (uint32_t)stat.st_nlink;
	told.uid = stat.st_uid;
	told.gid = stat.st_gid;
	told.mode = (uint16_t)stat.st_mode;
	told.inode = stat.st_ino;
	told.size = (uint64_t)stat.st_size;
	told.blocks = (uint64_t)stat.st_blocks;
	told.accessed = statx_time(stat.st_atim);
	told.changed = statx_time(stat.st_ctim);
	told.modified = statx_time(stat.st_mtim);
	told.rdev_major = (uint32_t)(stat.st_rdev >> 8 & 0xfff);
	told.rdev_minor = (uint32_t)((stat.st_rdev & 0xff) | (stat.st_rdev >> 12 & 0xfff00));
	told.dev_minor = (uint32_t)stat.st_dev;
	return emu_copy_out(user, &told, sizeof(told));
}

/* ---------------------------------------------------------------------------------- access */

/*
 * Asked with the effective identity, which is the session's. Where the real one differs, access() looks
 * at the mode itself, as far as the last component goes.
 */
static long access_as_real(struct emu_path *path, const struct emu_request *access)
{
	struct emu_request request = { .operation = FILE_STAT, .flags = access->flags };
	struct tern_received answer;
	long result = emu_path_call(path, &request, &answer);
	uint32_t mode, wanted = (uint32_t)access->argument;

	if (result < 0)
		return result;
	mode = (uint32_t)answer.words[3] & 0xffff;
	if (emu_process.uid == 0)
		return wanted & 1 && !S_ISDIR(mode) && !(mode & 0111) ? -EACCES : 0;
	if (emu_process.uid == (uint32_t)answer.words[4])
		mode >>= 6;
	else if (emu_process.gid == (uint32_t)(answer.words[4] >> 32))
		mode >>= 3;
	return wanted & ~mode & 7 ? -EACCES : 0;
}

long emu_faccessat2(int base, const char *user_path, int mode, int flags)
{
	struct emu_request request = {
		.operation = FILE_ACCESS,
		.flags = flags & AT_SYMLINK_NOFOLLOW ? FILE_NOFOLLOW : 0,
		.argument = (uint64_t)mode,
	};
	bool is_real = emu_process.uid != emu_process.euid || emu_process.gid != emu_process.egid;
	struct tern_received answer;
	struct emu_path path;
	long result;
	int number;

	if (mode & ~7 || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	result = emu_path_user(&path, base, user_path, flags & AT_EMPTY_PATH);
	if (result < 0)
		return result;
	if (emu_path_descriptor(&path, &number))
		result = 0;
	else if (is_real && !(flags & AT_EACCESS))
		result = access_as_real(&path, &request);
	else
		result = emu_path_call(&path, &request, &answer);
	emu_path_end(&path);
	return result;
}

long emu_faccessat(int base, const char *path, int mode)
{
	return emu_faccessat2(base, path, mode, 0);
}

/* ---------------------------------------------------------------------------------- statfs */

static long tell_statfs(struct statfs *user, uint32_t mount, const struct tern_received *answer)
{
	struct statfs told = {
		.f_type = answer->words[7],
		.f_bsize = answer->words[6] & 0xffffffff,
		.f_blocks = answer->words[1],
		.f_bfree = answer->words[2],
		.f_bavail = answer->words[3],
		.f_files = answer->words[4],
		.f_ffree = answer->words[5],
		.f_fsid = { { (int)mount, 0 } },
		.f_namelen = answer->words[6] >> 32,
		.f_frsize = answer->words[6] & 0xffffffff,
	};

	return emu_copy_out(user, &told, sizeof(told));
}

long emu_statfs(const char *user_path, struct statfs *user)
{
	struct emu_request request = { .operation = FILE_STATFS };
	struct tern_received answer;
	struct emu_path path;
	long result = emu_path_user(&path, AT_FDCWD, user_path, false);

	if (result < 0)
		return result;
	result = emu_path_call(&path, &request, &answer);
	emu_path_end(&path);
	return result < 0 ? result : tell_statfs(user, path.mount, &answer);
}

long emu_fstatfs(int number, struct statfs *user)
{
	struct emu_request request = { .operation = FILE_STATFS };
	struct emu_description *description = emu_descriptor(number);
	struct tern_received answer = { .words = { 0 } };
	long result = 0;

	if (!description)
		return -EBADF;
	if (emu_has_file(description)) {
		result = emu_file_call(description, &request, &answer);
	} else {
		answer.words[6] = (uint64_t)FILE_NAME_MAX << 32 | BLOCK;
		answer.words[7] = description->kind == EMU_MEMORY ? MEMORY_MAGIC : PIPE_MAGIC;
	}
	return result < 0 ? result : tell_statfs(user, description->mount, &answer);
}
