/*
 * emu's full profile: the image that POSIX processes share (docs/posix.md). This header is what its
 * parts know of each other; files.h and signal.h are those of the larger parts.
 *
 * State. Everything in .data and .bss is one process's: fork copies it, exec keeps it. More memory
 * comes from emu_pages, above the image, where the program's mappings never are.
 *
 * User memory. What a program passes is read and written through the functions of copy.h alone, so
 * that a bad pointer is -EFAULT. The kernel's calls that take user buffers check by themselves.
 *
 * Threads. Each has a record, found by its tp. A thread that enters emu runs on the program's stack,
 * which may be small (a signal stack): nothing large goes there.
 *
 * Locks. In this order: the process's (exec and fork), memory's, files', threads', signals'. fork takes
 * them all, so that the child finds none taken.
 */
#ifndef EMU_FULL_H
#define EMU_FULL_H

#include "../emu.h"
#include "copy.h"
#include "files.h"
#include "offsets.h"
#include "proto/posix.h"
#include "signal.h"
#include "tern/emu.h"

/* The program's part of the address space ends where the image begins. */
#define EMU_PROGRAM_END EMU_BASE
#define EMU_STACK_TOP (EMU_PROGRAM_END - TERN_PAGE_SIZE)
#define EMU_PROGRAM_MAP 0x20000000UL  /* where its mappings are put: one table maps all below */
#define EMU_AREA (EMU_BASE + 0x40000) /* where emu_pages come from: behind the image */

/*
 * For large arrays: they lie behind everything else, so that what is written all the time is on few
 * pages, which a fork copies.
 */
#define EMU_LARGE __attribute__((section(".bss.large")))

#define EMU_DIED(wstatus) (0x10000u | (wstatus)) /* a process's status, from Linux's wait status */

/* ------------------------------------------------------------------------------- image.S */
/* What the way in keeps on the program's stack, to make the call again. */
struct emu_frame {
	uint64_t ra;
	uint64_t a[7];  /* the number and its arguments */
	uint64_t again; /* where to go with these registers to make the call again */
	uint64_t unused;
};

/* Not 0: who leaves emu looks for signals: EMU_PENDING_* of signal.h. */
extern volatile uint32_t emu_pending;

/* ------------------------------------------------------------------------------- pages.c */
/* Zeroed memory of emu's own, in whole pages; NULL if there is none. */
void *emu_pages(uint64_t length);
void emu_pages_free(void *pages, uint64_t length);

/* ------------------------------------------------------------------------------ thread.c */
#define EMU_THREAD_PAGES 2 /* of each thread: its record, and above that the stack of upcalls */

struct emu_thread {
	uint64_t entry;                     /* where it begins; image.S reads it */
	struct emu_thread *next, *previous; /* of all */
	uint64_t tp;
	tern_handle handle;       /* OWNER */
	volatile uint32_t *clear; /* set to 0 and woken when the thread is off its stack */
	uint64_t robust;          /* the user's list of robust locks */
	int tid;
	struct emu_thread_signals signals;
};

_Static_assert(offsetof(struct emu_thread, entry) == EMU_THREAD_ENTRY, "as image.S reads it");

extern struct emu_lock emu_threads_lock; /* protects the list, and who is in it */
extern struct emu_thread *emu_threads;   /* the first of all */

/* The calling thread. Takes no lock. */
struct emu_thread *emu_current(void);
/* NULL, or the thread. emu_threads_lock is held. */
struct emu_thread *emu_thread_find(int tid);
/* Where the thread's upcall stack begins. */
uint64_t emu_upcall_stack(const struct emu_thread *thread);

void emu_threads_start(int pid);
/* In the child of a fork: the calling thread is the only one. Were there others in the parent? */
bool emu_threads_child(int pid);
/* All others die; those that die are not waited for. Were there any? */
bool emu_threads_kill_others(void);
/* The program's robust locks that its threads hold are free, and marked so. */
void emu_threads_release_robust(void);

/* ----------------------------------------------------------------------------- process.c */
/* What the posix server would tell, kept here. */
struct emu_process {
	int pid;
	uint32_t slot; /* on the board */
	uint32_t uid, euid, suid, gid, egid, sgid;
	bool has_no_new_privileges;
	char name[16]; /* of the program, for prctl and /proc */
};

extern struct emu_process emu_process;
extern tern_handle emu_posix; /* this process's port to the posix server */
extern const struct posix_board *emu_board;

/* Held by fork and exec. */
extern struct emu_lock emu_process_lock;

void emu_process_start(void);
/* Ends the process with Linux's wait status: code << 8, or a signal. */
void emu_process_end(uint32_t wstatus) __attribute__((noreturn));

/* Bytes that nobody can guess. */
void emu_random(void *buffer, uint64_t length);

/* -------------------------------------------------------------------------------- exec.c */
/* Arrays in the program's memory, or emu's own. Returns only a negative error. */
long emu_execve(const char *path, char *const *arguments, char *const *environment);
long emu_execveat(int base, const char *path, char *const *arguments, char *const *environment,
		  int flags);

/* ------------------------------------------------------------------------------ become.c */
/* In a process that goes on for another one with another identity: returns only an error. */
long emu_become_start(char *const *arguments);

/* ------------------------------------------------------------------------------- limit.c */
uint64_t emu_limit(int resource);
/* In the child of a fork: limits that somebody else enforces. */
void emu_limits_child(void);
/* As the posix server wants it: how many processes the user may have; 0: as many as there is room for. */
uint64_t emu_limit_of_processes(void);
/*
 * RLIMIT_FSIZE, UINT64_MAX if there is none. So much of *length may be written at `offset`: 0, or -EFBIG
 * and SIGXFSZ. Likewise for a new length of a file.
 */
extern uint64_t emu_size_limit;
long emu_size_allowed(uint64_t offset, size_t *length);
bool emu_size_is_allowed(uint64_t length);
/* RLIMIT_AS, RLIMIT_DATA: may so much more be mapped? `is_data`: private and writable. */
extern bool emu_memory_is_limited;
bool emu_is_within_limits(uint64_t length, bool is_data);
static inline bool emu_may_map(uint64_t length, bool is_data)
{
	return __builtin_expect(!emu_memory_is_limited, 1) || emu_is_within_limits(length, is_data);
}

/* ------------------------------------------------------------------------------- clock.c */
/*
 * A time in user memory as the kernel's deadline, NULL: none; `from` is emu_deadline if it is relative,
 * emu_from_realtime if it is one of the wall clock. -EINVAL, -EFAULT.
 */
long emu_get_deadline(const struct timespec *user, uint64_t (*from)(uint64_t), uint64_t *deadline);
/* Nanoseconds that this process has used. */
uint64_t emu_cpu_time(void);
/* Of this process, or a thread of it: they show the same time. */
bool emu_is_cpu_clock(int clock);

/* ------------------------------------------------------------------------------ memory.c */
void emu_memory_lock(void);
void emu_memory_unlock(void);
/* The program's break begins at `address`; nothing of the old program is mapped. */
void emu_memory_exec(uint64_t address);

#endif
