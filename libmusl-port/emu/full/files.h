/*
 * Files and descriptors, as the rest of emu's full profile sees them: what exec, fork, start and mmap
 * need, and the list of the calls themselves.
 *
 * Results are 0 or positive, or a negative error number. Memory named `path`, `buffer` here is emu's
 * own unless it says "user's".
 */
#ifndef EMU_FULL_FILES_H
#define EMU_FULL_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "tern/types.h"

#define EMU_DESCRIPTORS_MAX 4096 /* RLIMIT_NOFILE's hard limit */
#define EMU_DESCRIPTORS_SOFT 1024

/*
 * ------------------------------------------------------------------------------------ start
 * emu_files_start: the table of mounts is fetched, the working directory is "/", descriptors 0, 1
 * and 2 are /dev/console (or stay closed if there is none). Once, before anything else here.
 */
long emu_files_start(void);

/*
 * ------------------------------------------------------------------------------------- exec
 * emu_executable_open: the file at `path` (from descriptor `base`, Linux's AT_ flags
 * AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH) if it is a regular file that this process may execute. Its pages
 * are read and mapped through `memobj`. Errors: execve's (-EACCES, -ENOENT, -ELOOP ...).
 */
struct emu_executable {
	tern_handle memobj; /* READ and EXECUTE */
	uint32_t mount;
	uint32_t mode, uid, gid;
	uint64_t inode, size;
	struct emu_description *description; /* holds the file open */
};

long emu_executable_open(int base, const char *path, int flags, struct emu_executable *executable);
/* Closes what is not mapped; a mapping that emu_mapping_add knows keeps the file open itself. */
void emu_executable_close(struct emu_executable *executable);

/* The point of no return has passed: descriptors with FD_CLOEXEC are closed. */
void emu_files_exec(void);

/* exec.c: the path of the program that runs; "" if that is not known. */
#define EMU_PROGRAM_MAX 192
const char *emu_program_path(void);

/*
 * ------------------------------------------------------------------------------------- fork
 * emu_files_lock: all locks of files and descriptors, so that no thread is in the middle of a change.
 * emu_files_fork: the same, and what the child is to share with its parent is made ready for that; before
 * tern_process_fork, in front of all other locks but the process's. The parent then calls
 * emu_files_unlock, the child emu_files_child, which unlocks too and forgets what belongs to the parent
 * alone: sessions, watches, listeners; and what other threads of the parent were at.
 */
void emu_files_fork(void);
void emu_files_lock(void);
void emu_files_unlock(void);
void emu_files_child(bool had_threads);
/* In exec, when the other threads are dead: what they were at is given up. `kept` is counted, in no slot. */
void emu_files_alone(struct emu_description *kept);

/*
 * The process's credentials change: emu_files_keep before that, so that what is open stays so; and
 * emu_files_new_identity behind it: sessions are minted anew at their next use.
 */
void emu_files_keep(void);
/*
 * The process is about to end by itself: record locks go before its parent hears of that, not some time after.
 */
void emu_files_end(void);
void emu_files_new_identity(void);

/*
 * -------------------------------------------------------------------------------------- mmap
 * emu_map_descriptor: what is mapped for mmap's `protection` and `flags`. The handle in `memobj` is
 * the description's own (not to be closed) and has the rights READ, and EXECUTE, and WRITE if the
 * descriptor is open for writing. -EBADF, -EACCES (protection), -ENODEV (cannot be mapped). A
 * descriptor whose mapping is plain zeroed memory (/dev/zero) answers memobj 0.
 *
 * A file must stay open while it is mapped: emu_mapping_add tells that [address, address + length) shows
 * the description's file (which it keeps); emu_mapping_remove that a range shows no
 * file any more (nothing happens if it did not; cheap then). emu_mapping_clear: nothing is mapped.
 * emu_mapping_find: the description that the address shows, counted, and its memobj; or NULL.
 */
struct emu_mappable {
	tern_handle memobj;
	struct emu_description *description;
};

long emu_map_descriptor(int descriptor, int protection, int flags, struct emu_mappable *mappable);
long emu_mapping_add(uint64_t address, uint64_t length, struct emu_description *description);
void emu_mapping_remove(uint64_t address, uint64_t length);
void emu_mapping_clear(void);
struct emu_description *emu_mapping_find(uint64_t address, tern_handle *memobj);
/* Done with what emu_map_descriptor or emu_mapping_find answered. */
void emu_description_put(struct emu_description *description);
void emu_mappable_release(struct emu_mappable *mappable);
/* msync of what the range shows: its file is on disk afterwards. 0, or -EIO. */
long emu_mapping_sync(uint64_t address, uint64_t length);

/*
 * ------------------------------------------------------------------------------ for others
 * emu_write_text: bytes of emu's own to a descriptor (diagnostics).
 * emu_open_kernel: a path opened as open(2) does, from emu's own memory. The descriptor.
 */
long emu_write_text(int descriptor, const char *text, uint64_t length);
long emu_open_kernel(const char *path, int flags, int mode);

/*
 * ------------------------------------------------------------------- what files want of signals
 * emu_with_mask: function(argument) with the user's signal mask at `mask` (NULL: as it is), for ppoll and
 * its kin: an interrupted call answers -EINTR, and its handler has the mask of before when it returns.
 * emu_signal_self: the calling thread is sent a signal (SIGPIPE, SIGXFSZ), with SI_USER.
 * emu_signal_is_held: the calling thread blocks the signal, or the process ignores it.
 */
long emu_with_mask(const uint64_t *mask, uint64_t size, long (*function)(void *), void *argument);
void emu_signal_self(int signal);
bool emu_signal_is_held(int signal);

/* The limit of descriptors (RLIMIT_NOFILE's soft value), at most EMU_DESCRIPTORS_MAX. */
extern uint32_t emu_descriptor_limit;

/* The calls: name as in SYS_name, function. table.c makes its entries of this list. */
#define EMU_FILE_CALLS(X)                                                                          \
	X(openat, emu_openat)                                                                      \
	X(close, emu_close)                                                                        \
	X(close_range, emu_close_range)                                                            \
	X(dup, emu_dup)                                                                            \
	X(dup3, emu_dup3)                                                                          \
	X(fcntl, emu_fcntl)                                                                        \
	X(flock, emu_flock)                                                                        \
	X(ioctl, emu_ioctl)                                                                        \
	X(read, emu_read)                                                                          \
	X(write, emu_write)                                                                        \
	X(readv, emu_readv)                                                                        \
	X(writev, emu_writev)                                                                      \
	X(pread64, emu_pread)                                                                      \
	X(pwrite64, emu_pwrite)                                                                    \
	X(preadv, emu_preadv)                                                                      \
	X(pwritev, emu_pwritev)                                                                    \
	X(preadv2, emu_preadv2)                                                                    \
	X(pwritev2, emu_pwritev2)                                                                  \
	X(lseek, emu_lseek)                                                                        \
	X(sendfile, emu_sendfile)                                                                  \
	X(copy_file_range, emu_copy_file_range)                                                    \
	X(splice, emu_splice)                                                                      \
	X(vmsplice, emu_vmsplice)                                                                  \
	X(fstat, emu_fstat)                                                                        \
	X(newfstatat, emu_fstatat)                                                                 \
	X(statx, emu_statx)                                                                        \
	X(faccessat, emu_faccessat)                                                                \
	X(faccessat2, emu_faccessat2)                                                              \
	X(statfs, emu_statfs)                                                                      \
	X(fstatfs, emu_fstatfs)                                                                    \
	X(getdents64, emu_getdents)                                                                \
	X(chdir, emu_chdir)                                                                        \
	X(fchdir, emu_fchdir)                                                                      \
	X(chroot, emu_chroot)                                                                      \
	X(getcwd, emu_getcwd)                                                                      \
	X(mkdirat, emu_mkdirat)                                                                    \
	X(mknodat, emu_mknodat)                                                                    \
	X(unlinkat, emu_unlinkat)                                                                  \
	X(linkat, emu_linkat)                                                                      \
	X(symlinkat, emu_symlinkat)                                                                \
	X(readlinkat, emu_readlinkat)                                                              \
	X(renameat2, emu_renameat2)                                                                \
	X(umask, emu_set_umask)                                                                    \
	X(fchmod, emu_fchmod)                                                                      \
	X(fchmodat, emu_fchmodat)                                                                  \
	X(fchown, emu_fchown)                                                                      \
	X(fchownat, emu_fchownat)                                                                  \
	X(utimensat, emu_utimensat)                                                                \
	X(truncate, emu_truncate)                                                                  \
	X(ftruncate, emu_ftruncate)                                                                \
	X(fallocate, emu_fallocate)                                                                \
	X(fadvise64, emu_fadvise)                                                                  \
	X(readahead, emu_readahead)                                                                \
	X(fsync, emu_fsync)                                                                        \
	X(fdatasync, emu_fsync)                                                                    \
	X(syncfs, emu_syncfs)                                                                      \
	X(sync, emu_sync)                                                                          \
	X(sync_file_range, emu_sync_file_range)                                                    \
	X(setxattr, emu_setxattr)                                                                  \
	X(lsetxattr, emu_lsetxattr)                                                                \
	X(fsetxattr, emu_fsetxattr)                                                                \
	X(getxattr, emu_getxattr)                                                                  \
	X(lgetxattr, emu_lgetxattr)                                                                \
	X(fgetxattr, emu_fgetxattr)                                                                \
	X(listxattr, emu_listxattr)                                                                \
	X(llistxattr, emu_llistxattr)                                                              \
	X(flistxattr, emu_flistxattr)                                                              \
	X(removexattr, emu_removexattr)                                                            \
	X(lremovexattr, emu_lremovexattr)                                                          \
	X(fremovexattr, emu_fremovexattr)                                                          \
	X(memfd_create, emu_memfd_create)                                                          \
	X(socket, emu_socket)                                                                      \
	X(socketpair, emu_socketpair)                                                              \
	X(bind, emu_bind)                                                                          \
	X(listen, emu_listen)                                                                      \
	X(accept, emu_accept)                                                                      \
	X(accept4, emu_accept4)                                                                    \
	X(connect, emu_connect)                                                                    \
	X(getsockname, emu_getsockname)                                                            \
	X(getpeername, emu_getpeername)                                                            \
	X(getsockopt, emu_getsockopt)                                                              \
	X(setsockopt, emu_setsockopt)                                                              \
	X(shutdown, emu_shutdown)                                                                  \
	X(sendto, emu_sendto)                                                                      \
	X(recvfrom, emu_recvfrom)                                                                  \
	X(sendmsg, emu_sendmsg)                                                                    \
	X(recvmsg, emu_recvmsg)                                                                    \
	X(eventfd2, emu_eventfd)                                                                   \
	X(signalfd4, emu_signalfd)                                                                 \
	X(timerfd_create, emu_timerfd_create)                                                      \
	X(timerfd_settime, emu_timerfd_settime)                                                    \
	X(timerfd_gettime, emu_timerfd_gettime)                                                    \
	X(mq_open, emu_mq_open)                                                                    \
	X(mq_unlink, emu_mq_unlink)                                                                \
	X(mq_timedsend, emu_mq_send)                                                               \
	X(mq_timedreceive, emu_mq_receive)                                                         \
	X(mq_notify, emu_mq_notify)                                                                \
	X(mq_getsetattr, emu_mq_getsetattr)                                                        \
	X(pipe2, emu_pipe)                                                                         \
	X(ppoll, emu_ppoll)                                                                        \
	X(pselect6, emu_pselect)                                                                   \
	X(epoll_create1, emu_epoll_create)                                                         \
	X(epoll_ctl, emu_epoll_ctl)                                                                \
	X(epoll_pwait, emu_epoll_pwait)                                                            \
	X(epoll_pwait2, emu_epoll_pwait2)

#define EMU_FILE_DECLARE(name, function) long function();

#endif
