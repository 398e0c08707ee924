/* The functions of table.c that are nobody else's business. */
#ifndef EMU_FULL_CALLS_H
#define EMU_FULL_CALLS_H

#include "emu_full.h"

struct rlimit;
struct rusage;
struct sched_param;
struct sysinfo;
struct timespec;
struct timeval;
struct tms;
struct utsname;

/* memory.c, mapping.c */
long emu_full_brk(uint64_t address);
long emu_full_mmap(uint64_t address, uint64_t length, int protection, int flags, int descriptor,
		   uint64_t offset);
long emu_full_munmap(uint64_t address, uint64_t length);
long emu_full_mprotect(uint64_t address, uint64_t length, int protection);
long emu_full_mremap(uint64_t old, uint64_t old_length, uint64_t length, int flags,
		     uint64_t address);
long emu_full_madvise(uint64_t address, uint64_t length, int advice);
long emu_msync(uint64_t address, uint64_t length, int flags);
long emu_mincore(uint64_t address, uint64_t length, uint8_t *states);
long emu_mlock(uint64_t address, uint64_t length, int flags);
long emu_mlockall(int flags);
long emu_munlockall(void);

/* fork.c, thread.c */
long emu_full_clone(uint64_t flags, uint64_t stack, int *parent_tid, uint64_t tls, int *child_tid,
		    uint64_t entry);
long emu_thread_create(uint64_t flags, uint64_t stack, int *parent_tid, uint64_t tls,
		       int *child_tid, uint64_t entry);
long emu_thread_exit(int status);
void emu_thread_unmap_exit(uint64_t address, uint64_t length) __attribute__((noreturn));
long emu_full_gettid(void);
long emu_full_set_tid_address(uint32_t *clear);
long emu_set_robust_list(uint64_t head, uint64_t length);
long emu_get_robust_list(int tid, uint64_t *head, uint64_t *length);

/* futex.c */
long emu_full_futex(volatile uint32_t *address, int operation, uint32_t value,
		    const struct timespec *timeout, volatile uint32_t *second, uint32_t third);
long emu_membarrier(int command, unsigned int flags);

/* futex_pi.c */
long emu_lock_pi(volatile uint32_t *address, uint64_t deadline);
long emu_trylock_pi(volatile uint32_t *address);
long emu_unlock_pi(volatile uint32_t *address);

/* process.c, wait.c */
long emu_full_exit_group(int status);
long emu_full_getpid(void);
long emu_getppid(void);
long emu_getpgid(int pid);
long emu_setpgid(int pid, int group);
long emu_getsid(int pid);
long emu_setsid(void);
long emu_prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
long emu_wait4(int pid, int *status, int options, struct rusage *usage);
long emu_waitid(int type, int id, void *info, int options, struct rusage *usage);

/* schedule.c */
long emu_full_sched_yield(void);
long emu_getpriority(int which, int who);
long emu_setpriority(int which, int who, int value);
long emu_full_getaffinity(int pid, uint64_t size, uint64_t *mask);
long emu_setaffinity(int pid, uint64_t size, const uint64_t *mask);
long emu_getscheduler(int pid);
long emu_setscheduler(int pid, int policy, const struct sched_param *parameter);
long emu_getparam(int pid, struct sched_param *parameter);
long emu_setparam(int pid, const struct sched_param *parameter);
long emu_priority_max(int policy);
long emu_priority_min(int policy);
long emu_rr_interval(int pid, struct timespec *interval);
long emu_getcpu(unsigned int *cpu, unsigned int *node);

/* credentials.c */
long emu_getuid(void);
long emu_geteuid(void);
long emu_getgid(void);
long emu_getegid(void);
long emu_getresuid(uint32_t *real, uint32_t *effective, uint32_t *saved);
long emu_getresgid(uint32_t *real, uint32_t *effective, uint32_t *saved);
long emu_setuid(uint32_t id);
long emu_setgid(uint32_t id);
long emu_setreuid(uint32_t real, uint32_t effective);
long emu_setregid(uint32_t real, uint32_t effective);
long emu_setresuid(uint32_t real, uint32_t effective, uint32_t saved);
long emu_setresgid(uint32_t real, uint32_t effective, uint32_t saved);
long emu_getgroups(int count, uint32_t *groups);
long emu_setgroups(uint64_t count, const uint32_t *groups);

/* limit.c, system.c */
long emu_getrlimit(int resource, struct rlimit *limit);
long emu_setrlimit(int resource, const struct rlimit *limit);
long emu_prlimit(int pid, int resource, const struct rlimit *new, struct rlimit *old);
long emu_uname(struct utsname *name);
long emu_sysinfo(struct sysinfo *info);
long emu_times(struct tms *times);
long emu_getrusage(int who, struct rusage *usage);
struct posix_waited;
long emu_put_usage(struct rusage *usage, const struct posix_waited *waited);
long emu_sethostname(const char *name, uint64_t length);
long emu_setdomainname(const char *name, uint64_t length);
long emu_vhangup(void);
long emu_reboot(uint64_t magic, uint64_t magic2, uint64_t command);
long emu_full_getrandom(char *buffer, uint64_t length, unsigned int flags);

/* clock.c */
long emu_full_clock_gettime(int clock, struct timespec *time);
long emu_full_clock_getres(int clock, struct timespec *time);
long emu_full_clock_nanosleep(int clock, int flags, const struct timespec *time,
			      struct timespec *remaining);
long emu_full_nanosleep(const struct timespec *time, struct timespec *remaining);
long emu_gettimeofday(struct timeval *time, void *zone);
long emu_clock_settime(int clock, const struct timespec *time);

#endif
