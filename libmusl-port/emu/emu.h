/*
 * emu: Linux system calls in user space, on Tern's handles.
 *
 * musl calls `__emu_syscall` with a Linux system call number and its arguments; the result is
 * Linux's. A profile is a table from numbers to the functions below (small.c: memory, threads,
 * time and the log, for servers). The functions know nothing about profiles, so that a larger
 * profile is a larger table over the same files.
 *
 * emu keeps no per-thread state in thread-local storage: tp belongs to the program. It finds its
 * record of a thread by tp's value, which differs between the threads of a process (thread.c).
 */
#ifndef EMU_H
#define EMU_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "tern/event.h"
#include "tern/ipc.h"
#include "tern/memory.h"
#include "tern/process.h"
#include "tern/start.h"
#include "tern/system.h"
#include "tern/thread.h"

/* A call of emu's own beside Linux's: unmap (a, b) and exit, without a stack. */
#define EMU_UNMAP_EXIT 0x7000

/* Where emu looks for room first: far from programs, which are linked low. */
#define EMU_MAP_BASE 0x2000000000UL

typedef long emu_call(long, long, long, long, long, long);

/* ---------------------------------------------------------------------------------- lock.c */
struct emu_lock {
	_Atomic uint32_t state; /* 0 free, 1 taken, 2 taken and somebody may sleep */
};

void emu_lock(struct emu_lock *lock);
void emu_unlock(struct emu_lock *lock);

/* --------------------------------------------------------------------------------- start.c */
/* The name for log lines, "" for the first process. */
extern const char *emu_program_name;
extern bool emu_is_first_process;
extern bool emu_is_debugging; /* EMU_DEBUG=1 in the environment */

/* --------------------------------------------------------------------------------- region.c */
#define EMU_LOWEST 0x10000UL /* nothing is put below: so null pointers fault */

/* In whole pages; wraps to less than `length` if there is no such number. */
static inline uint64_t emu_page_round(uint64_t length)
{
	return (length + TERN_PAGE_SIZE - 1) & ~(TERN_PAGE_SIZE - 1);
}

/* The kernel's flags, or -EACCES: memory is never writable and executable. */
long emu_region_flags(int protection);
/* mprotect of whole pages, with its errors. */
long emu_region_protect(uint64_t address, uint64_t length, int protection);
/* May madvise ignore it? What changes contents it may not. */
bool emu_is_hint(int advice);

/* --------------------------------------------------------------------------------- memory.c */
long emu_brk(void);
long emu_mmap(uint64_t address, uint64_t length, int protection, int flags);
long emu_munmap(uint64_t address, uint64_t length);
long emu_mprotect(uint64_t address, uint64_t length, int protection);
long emu_mremap(uint64_t old, uint64_t old_length, uint64_t length, int flags);
long emu_madvise(uint64_t address, uint64_t length, int advice);

/* --------------------------------------------------------------------------------- thread.c */
long emu_clone(uint64_t flags, uint64_t stack, int *parent_tid, uint64_t tls, int *child_tid,
	       uint64_t entry);
long emu_set_tid_address(uint32_t *clear);
long emu_gettid(void);
long emu_exit(void);
long emu_unmap_exit(uint64_t address, uint64_t length);
/* Makes the thread's blocking call return -EINTR, or its next one. 0 or -ESRCH. */
long emu_interrupt(int tid);
bool emu_is_thread(int tid);

/* ----------------------------------------------------------------------------------- exit.c */
/* The thread ends; then the word is 0 and who waits for it is woken. */
void emu_end_thread(volatile uint32_t *clear) __attribute__((noreturn));
/* And its stack is unmapped before. */
void emu_end_thread_unmapping(volatile uint32_t *clear, uint64_t address, uint64_t length)
	__attribute__((noreturn));

/* ---------------------------------------------------------------------------------- futex.c */
long emu_futex(volatile uint32_t *address, int operation, uint32_t value,
	       const struct timespec *timeout, volatile uint32_t *second, uint32_t compare);

/* ----------------------------------------------------------------------------------- time.c */
/* Nanoseconds, or -EINVAL. */
int64_t emu_nanoseconds(const struct timespec *time);
/* So many nanoseconds from now, or a time of the wall clock, as the kernel's deadline. */
uint64_t emu_deadline(uint64_t nanoseconds);
uint64_t emu_from_realtime(uint64_t nanoseconds);
/* When clock_nanosleep of these arguments ends. 0 or -EINVAL. */
long emu_sleep_deadline(clockid_t clock, int flags, const struct timespec *time,
			uint64_t *deadline);
struct timespec emu_timespec(uint64_t nanoseconds);
struct timespec emu_time_left(uint64_t deadline);
long emu_clock_gettime(clockid_t clock, struct timespec *time);
long emu_clock_getres(clockid_t clock, struct timespec *time);
long emu_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
			 struct timespec *remaining);
long emu_nanosleep(const struct timespec *time, struct timespec *remaining);

/* ------------------------------------------------------------------------------------ log.c */
struct iovec;
long emu_log_write(int descriptor, const char *text, uint64_t length);
long emu_log_writev(int descriptor, const struct iovec *parts, int count);
long emu_log_read(int descriptor);
long emu_log_ioctl(int descriptor, int request, void *argument);
/* Lines that have no end yet. */
void emu_log_flush(void);

/* --------------------------------------------------------------------------------- random.c */
long emu_getrandom(char *buffer, uint64_t length);

/* -------------------------------------------------------------------------------- process.c */
long emu_getpid(void);
long emu_exit_group(int status) __attribute__((noreturn));
long emu_kill(int pid, int signal);
long emu_tkill(int tid, int signal);
long emu_tgkill(int pid, int tid, int signal);
long emu_sigprocmask(int how, const uint64_t *set, uint64_t *old, uint64_t size);
long emu_sched_yield(void);
long emu_sched_getaffinity(int tid, uint64_t size, uint64_t *mask);

#endif
