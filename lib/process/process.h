/*
 * What processes are to each other: parents and children, wait, groups and sessions, signals on their
 * way, users, timers and terminals. Pure computation: what touches the kernel goes through struct
 * process_kernel, so all of it runs on the host too.
 *
 * A record is *embryo* from fork_begin to fork_end, *alive* until the kernel reports the death, a
 * *zombie* until somebody has waited for it, and free again after that. Its *slot* is its place in the
 * table and on the board. The parent of a process is a record or NULL: the server itself, which waits
 * for nobody, so its zombies are freed at once.
 *
 * Nothing here locks: the caller serialises. Functions return 0 or positive, or -Exxx.
 */
#ifndef LIB_PROCESS_PROCESS_H
#define LIB_PROCESS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/posix.h"
#include "tern/process.h"

#define PROCESS_QUEUE_MAX 1024 /* signals in a mailbox */
#define PROCESS_TIMERS_MAX 32
#define PROCESS_TERMINALS_MAX 64
#define PROCESS_PID_LIMIT POSIX_PID_LIMIT
#define PROCESS_MOUNTS_MAX 16

/* Linux's wait options that are known. */
#define PROCESS_WNOHANG 1u
#define PROCESS_WSTOPPED 2u
#define PROCESS_WEXITED 4u
#define PROCESS_WCONTINUED 8u
#define PROCESS_WNOWAIT 0x1000000u

enum process_state { PROCESS_FREE, PROCESS_EMBRYO, PROCESS_ALIVE, PROCESS_ZOMBIE };

struct process;
struct process_table;
struct process_terminal;

/* What the logic needs done. `handle` is the record's process; never 0. */
struct process_kernel {
	void (*interrupt)(int64_t handle);
	void (*kill)(int64_t handle, uint32_t status);
	void (*stop)(int64_t handle);
	void (*resume)(int64_t handle);
	uint64_t (*cpu_time)(int64_t handle);
	uint64_t (*threads)(int64_t handle);
	uint64_t (*largest)(int64_t handle);
	void (*close)(int64_t handle);
	/* Answers a parked call; false: its caller is gone or was interrupted. Uses `reply` up. */
	bool (*answer)(int64_t reply, const uint64_t *words);
	void (*drop)(int64_t reply); /* without an answer */
	/* The record is to be used again: who still has the old port shall not speak for the new one. */
	void (*renew)(struct process *process);
	uint64_t (*now)(void);
	void (*set_timer)(uint64_t deadline); /* 0: none */
	/* The terminal is nobody's any more; `hangs_up`: nor is it to be used by those who have it open. */
	void (*release_terminal)(struct process_terminal *terminal, bool hangs_up);
	/* Asked for through pid 1, or by the end of the first program. */
	void (*shut_down)(enum posix_reboot how, uint32_t status);
};

/* Users and groups. */
struct process_identity {
	uint32_t user, effective_user, saved_user;
	uint32_t group, effective_group, saved_group;
	uint32_t count;
	uint32_t groups[POSIX_GROUPS_MAX];
};

/* A signal in a mailbox. */
struct process_mail {
	struct process_mail *next;
	struct process_timer *timer; /* that sent it, or NULL */
	struct posix_signal signal;
};

struct process_timer {
	struct process_timer *next;  /* of the process */
	struct process_timer *later; /* of those that run, by deadline */
	struct process *process;
	uint64_t deadline, interval; /* deadline 0: stopped */
	uint64_t due;                /* the next time that counts; the deadline may be later */
	uint64_t target, seen; /* if counts_cpu: deadline is when to look whether it has come */
	uint64_t value, overruns;
	uint32_t number, signal, thread;
	bool is_mailed, counts_cpu;
};

/* A parked wait. */
struct process_waiter {
	struct process_waiter *next;
	uint64_t cookie;
	int64_t reply;
	uint32_t select, id, options;
};

/* A terminal that belongs to a session. */
struct process_terminal {
	uint64_t device; /* major << 32 | minor; 0: this place is free */
	uint64_t id; /* no other terminal ever has it, though its device number may come again */
	uint32_t session, foreground;
};

struct process {
	enum process_state state;
	uint32_t slot, pid;
	uint32_t group, session;
	struct process *parent, *children; /* of the same parent: */
	struct process *sibling, **link;
	struct process *same_hash; /* or the next free one */

	int64_t handle; /* 0: not known yet, or gone */
	/* The kernel's side's own: its identity, where its death is told, which identity it is. */
	int64_t port, death;
	uint32_t generation;
	bool has_clients;
	uint64_t sessions[PROCESS_MOUNTS_MAX]; /* number + 1 of what file servers made for it */

	bool is_to_die;  /* embryos: when the process is known */
	bool has_robust; /* it has robust locks, and gives them back when it is killed */
	bool is_leaving; /* dead, but not to be waited for yet */
	bool has_execed;
	bool is_stopped;
	uint32_t stop_signal; /* or the last one's */
	bool stop_is_news, continue_is_news;
	uint32_t status; /* zombies: as of wait4 */
	uint32_t continues;
	uint32_t child_action; /* POSIX_CHILD_* */
	bool child_news;       /* a child's end was not told, since nobody wanted to know */
	int32_t nice;

	struct process_mail *mail, **mail_end;
	uint32_t mail_count;
	struct process_waiter *waiters;
	struct process_timer *timers;
	uint32_t timer_count;
	struct process_identity identity;

	uint64_t started;       /* nanoseconds */
	uint64_t used, largest; /* of zombies */
	uint64_t child_used;    /* of children that were waited for, and theirs */
	uint64_t child_largest;
	char name[POSIX_NAME_MAX];
	char *arguments; /* malloced */
	uint32_t arguments_length;
};

struct process_table {
	const struct process_kernel *kernel;
	struct posix_board *board;
	struct process *processes; /* POSIX_SLOTS */
	uint32_t entered;          /* of them have ever been used: no more need be looked at */
	struct process *free;      /* and nobody has its port */
	struct process *held;      /* free, but for that */
	struct process *by_pid[1024];
	uint32_t next_pid, count;
	uint32_t first_pid; /* its end is the system's */
	bool has_wrapped;   /* pids were all used once */
	bool is_ending;
	uint64_t next_cookie;
	struct process_timer *running; /* timers */
	uint64_t load_time, load_used; /* as of the last look at the load */
	uint64_t loads[3];
	struct process_terminal terminals[PROCESS_TERMINALS_MAX];
};

/* --- table.c --- */
int process_table_init(struct process_table *table, const struct process_kernel *kernel,
		       struct posix_board *board);
void process_table_destroy(struct process_table *table);
/* NULL: nobody; zombies are found. */
struct process *process_find(struct process_table *table, uint32_t pid);
/* The place and pid of a new embryo; NULL: the table is full. */
struct process *process_new(struct process_table *table, struct process *parent);
/* The last handle of its port is closed. */
void process_released(struct process_table *table, struct process *process);
/* A zombie or an embryo is forgotten. */
void process_free(struct process_table *table, struct process *process);
/* It has lost its parent. */
void process_orphan(struct process_table *table, struct process *process);
/* Its place on the board says what the record says. */
void process_publish(struct process_table *table, const struct process *process);

/* All records that are not free, embryos and zombies included. */
#define PROCESS_FOR_EACH(table, process)                                                           \
	for (struct process *process = (table)->processes;                                         \
	     process < (table)->processes + (table)->entered; process++)                           \
		if (process->state != PROCESS_FREE)

/* How many the user has, zombies among them. */
uint64_t process_count_of(struct process_table *table, uint32_t user);

/* --- life.c --- */
/* The first one; it is alive. */
struct process *process_first(struct process_table *table, int64_t handle);
struct process *process_fork(struct process_table *table, struct process *parent);
/* Between fork_begin and fork_end, and not for too long. */
bool process_is_forking(const struct process_table *table, const struct process *process);
/* Kills it. Who has robust locks is asked to end itself first. */
void process_end(struct process_table *table, struct process *process);
/* `handle` now belongs to the record. False: it was to be killed meanwhile, and is. */
void process_born(struct process_table *table, struct process *process, int64_t handle);
void process_aborted(struct process_table *table, struct process *process);
int64_t process_exec(struct process_table *table, struct process *process, const char *text,
		     uint32_t name_length, uint32_t arguments_length);
/* Its process is another one from now on, `handle`, which runs the program that gives this identity. */
void process_replaced(struct process_table *table, struct process *process, int64_t handle,
		      const struct process_identity *identity);
/* The kernel says that it is dead. `status`: what it died with. */
void process_died(struct process_table *table, struct process *process, uint32_t status);

/* --- wait.c --- */
/* 0 and the answer in words[0..5], or an error, or -EAGAIN: park the call (process_wait_park). */
int64_t process_wait(struct process_table *table, struct process *process, uint64_t *words);
/* The cookie for the parked call, then its reply. 0: no memory. */
uint64_t process_wait_cookie(struct process_table *table, struct process *process,
			     const uint64_t *words);
void process_wait_parked(struct process *process, uint64_t cookie, int64_t reply);
/* The caller was interrupted, or could not be parked. False: no such waiter. */
bool process_wait_cancel(struct process_table *table, uint64_t cookie);
/* Something about a child has changed: tell the parent's waiters. */
void process_wait_check(struct process_table *table, struct process *parent);
/* The process is dying. */
void process_wait_drop(struct process_table *table, struct process *process);
int64_t process_child_action(struct process_table *table, struct process *process, uint32_t action);

/* --- mailbox.c --- */
int64_t process_mail_put(struct process *process, const struct posix_signal *signal,
			 struct process_timer *timer);
/* Up to two into words[1..6]; words[7] as in proto/posix.h. How many. */
int64_t process_mail_take(struct process *process, uint64_t *words);
void process_mail_discard(struct process *process, uint64_t signals); /* a set: bit number - 1 */
void process_mail_forget(struct process *process, const struct process_timer *timer);

/* --- signal.c --- */
/* Whoever it comes from. */
int64_t process_send(struct process_table *table, struct process *process,
		     const struct posix_signal *signal);
/* What a timer sends; it is told when that has been fetched. */
int64_t process_send_timer(struct process_table *table, struct process_timer *timer,
			   const struct posix_signal *signal);
int64_t process_send_group(struct process_table *table, uint32_t group, uint32_t number);
/* kill(2) by `sender`; words as of POSIX_OP_kill. */
int64_t process_kill(struct process_table *table, struct process *sender, const uint64_t *words);
/* The default action of a stop signal. 1, or 0: it does not stop. */
int64_t process_stop(struct process_table *table, struct process *process, uint32_t signal,
		     uint32_t continues);
/* Of a child, to its parent, which may want a signal. */
void process_tell_parent(struct process_table *table, struct process *process, int code,
			 uint32_t status);

/* --- group.c --- */
int64_t process_set_group(struct process_table *table, struct process *caller, uint32_t pid,
			  uint32_t group);
int64_t process_new_session(struct process_table *table, struct process *caller);
bool process_group_is_orphaned(struct process_table *table, uint32_t group,
			       const struct process *ignored);
/* HUP and CONT for a group that has just been orphaned, if somebody in it is stopped. */
void process_group_check(struct process_table *table, uint32_t group);
bool process_group_exists(struct process_table *table, uint32_t group, uint32_t session);

/* --- identity.c --- */
void process_credentials(const struct process *process, uint64_t *words);
/* `are_groups`: gids. words[1..3]. */
int64_t process_set_ids(struct process *process, bool are_groups, const uint64_t *words);
int64_t process_set_groups(struct process *process, const uint32_t *groups, uint64_t count);
/* What the process would become with the program: 1 and *gained, 0: what it is, or -EACCES. */
int64_t process_gain(const struct process *process, uint32_t mode, uint32_t user, uint32_t group,
		     struct process_identity *gained);
bool process_may_signal(const struct process *sender, const struct process *target,
			uint32_t number);
int64_t process_priority(struct process_table *table, struct process *caller, uint64_t *words);

/* --- timer.c --- */
int64_t process_timer_create(struct process *process, uint32_t signal, uint64_t value,
			     uint32_t thread, bool counts_cpu);
int64_t process_timer_set(struct process_table *table, struct process *process, uint64_t *words);
int64_t process_timer_get(struct process_table *table, struct process *process, uint64_t *words);
int64_t process_timer_delete(struct process_table *table, struct process *process, uint32_t number);
/* All, or those that exec does not keep. */
void process_timers_drop(struct process_table *table, struct process *process, bool all);
/* It is killed, if it has not ended soon, whatever it has. False: no memory. */
bool process_timer_kill(struct process_table *table, struct process *process);
/* Processor time, of dead ones too. */
uint64_t process_used(const struct process_table *table, const struct process *process);
/* The time has come for some. */
void process_timers_run(struct process_table *table);
/* The mail that the timer sent is out. */
uint64_t process_timer_mailed(struct process_timer *timer);

/* --- load.c --- */
#define PROCESS_LOADS 3
#define PROCESS_LOAD_ONE 65536u
/* The averages of 1, 5 and 15 minutes. */
const uint64_t *process_loads(struct process_table *table);

/* --- terminal.c --- */
struct process_terminal *process_terminal_of(struct process_table *table,
					     const struct process *process);
struct process_terminal *process_terminal_find(struct process_table *table, uint64_t device);
/* The terminal, which its session has from now on, or NULL and *error. */
struct process_terminal *process_terminal_claim(struct process_table *table,
						struct process *process, uint64_t device,
						uint64_t id, int64_t *error);
int64_t process_terminal_foreground(struct process_table *table, struct process *process,
				    uint64_t device, uint32_t group, bool ignores);
int64_t process_terminal_access(struct process_table *table, struct process *process,
				uint64_t device, uint32_t signal, bool ignores);
/* The session has none any more; its foreground gets SIGHUP. `hangs_up`: as of struct process_kernel. */
void process_terminal_release(struct process_table *table, struct process_terminal *terminal,
			      bool hangs_up);
/* It is gone: the session's leader hears of it too. */
void process_terminal_hang_up(struct process_table *table, struct process_terminal *terminal);
/* Typed at it, a set with bit `number`; SIGHUP: it is gone. */
void process_terminal_signals(struct process_table *table, struct process_terminal *terminal,
			      uint64_t signals);
void process_terminal_publish(struct process_table *table, uint32_t session);

#endif
