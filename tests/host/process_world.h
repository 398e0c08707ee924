/* A kernel for lib/process that only notes what it was asked to do, and short names for calls. */
#ifndef PROCESS_WORLD_H
#define PROCESS_WORLD_H

#include <errno.h>
#include <signal.h>

#include "cmocka_all.h"
#include "lib/process/process.h"

#define WAITS 1000 /* as the result of a call: it is parked */

static struct process_table table;
static struct posix_board board;

static struct {
	unsigned int interrupts[64], kills[64], stops[64], resumes[64], closes[64];
	uint64_t answers[64][8]; /* by reply */
	bool is_answered[64], is_dropped[64], is_gone[64];
	uint64_t now, timer, used[64], threads;
	unsigned int shut_downs, releases;
	uint64_t released; /* the last terminal's device */
	bool hangs_up;
	uint32_t status;
	enum posix_reboot how;
} world;

static inline void interrupt(int64_t handle)
{
	world.interrupts[handle]++;
}

static inline void kill_process(int64_t handle, uint32_t status)
{
	assert_int_equal(status, POSIX_EXITED | SIGKILL);
	world.kills[handle]++;
}

static inline void stop(int64_t handle)
{
	world.stops[handle]++;
}

static inline void resume(int64_t handle)
{
	world.resumes[handle]++;
}

static inline uint64_t cpu_time(int64_t handle)
{
	return (uint64_t)handle * 1000 + world.used[handle];
}

static inline uint64_t threads(int64_t handle)
{
	(void)handle;
	return world.threads;
}

static inline uint64_t largest(int64_t handle)
{
	return (uint64_t)handle * 4096;
}

static inline void close_handle(int64_t handle)
{
	world.closes[handle]++;
}

static inline bool answer(int64_t reply, const uint64_t *words)
{
	if (world.is_gone[reply])
		return false;
	memcpy(world.answers[reply], words, sizeof(world.answers[reply]));
	world.is_answered[reply] = true;
	return true;
}

static inline void drop(int64_t reply)
{
	world.is_dropped[reply] = true;
}

static inline void renew(struct process *process)
{
	process->has_clients = false;
}

static inline uint64_t now(void)
{
	return world.now;
}

static inline void set_timer(uint64_t deadline)
{
	world.timer = deadline;
}

static inline void release_terminal(struct process_terminal *terminal, bool hangs_up)
{
	world.releases++;
	world.hangs_up = hangs_up;
	world.released = terminal->device;
}

static inline void shut_down(enum posix_reboot how, uint32_t status)
{
	world.shut_downs++;
	world.how = how;
	world.status = status;
}

static const struct process_kernel kernel = {
	.interrupt = interrupt,
	.kill = kill_process,
	.stop = stop,
	.resume = resume,
	.cpu_time = cpu_time,
	.threads = threads,
	.largest = largest,
	.close = close_handle,
	.answer = answer,
	.drop = drop,
	.renew = renew,
	.now = now,
	.set_timer = set_timer,
	.release_terminal = release_terminal,
	.shut_down = shut_down,
};

static struct process *first;
static int64_t next_handle;

static inline int begin(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	assert_int_equal(process_table_init(&table, &kernel, &board), 0);
	next_handle = 1;
	first = process_first(&table, next_handle++);
	return 0;
}

static inline int finish(void **state)
{
	(void)state;
	process_table_destroy(&table);
	return 0;
}

static inline struct process *fork_of(struct process *parent)
{
	struct process *child = process_fork(&table, parent);

	assert_non_null(child);
	process_born(&table, child, next_handle++);
	return child;
}

static inline void exits(struct process *process, uint32_t status)
{
	process_died(&table, process, POSIX_EXITED | status << 8);
}

/* The pid, an error, or WAITS: the call is parked with this reply. */
static inline int64_t wait_for(struct process *process, uint64_t select, uint64_t id,
			       uint64_t options, int64_t reply, uint64_t *status)
{
	uint64_t words[8] = { POSIX_OP_wait, select, id, options };
	int64_t result = process_wait(&table, process, words);

	if (result == -EAGAIN) {
		process_wait_parked(process, process_wait_cookie(&table, process, words), reply);
		return WAITS;
	}
	if (status)
		*status = words[1];
	return result;
}

static inline int64_t wait_any(struct process *process, uint64_t *status)
{
	return wait_for(process, POSIX_ALL, 0, PROCESS_WEXITED | PROCESS_WNOHANG, 0, status);
}

static inline int64_t send_kill(struct process *sender, int64_t pid, uint64_t number)
{
	const uint64_t words[8] = { POSIX_OP_kill, (uint64_t)pid, number };

	return process_kill(&table, sender, words);
}

/* The number of the next signal in the mailbox; 0: it is empty. */
static inline int take(struct process *process, struct posix_signal *signal)
{
	struct posix_signal copy;
	uint64_t words[8];
	struct process_mail *rest;

	if (!process->mail)
		return 0;
	rest = process->mail->next;
	process->mail->next = NULL; /* one at a time */
	process_mail_take(process, words);
	process->mail = rest;
	if (rest) {
		process->mail_end = &rest->next;
		while (*process->mail_end)
			process->mail_end = &(*process->mail_end)->next;
	}
	memcpy(&copy, &words[1], sizeof(copy));
	if (signal)
		*signal = copy;
	return POSIX_SIGNAL_NUMBER(&copy);
}

#endif
