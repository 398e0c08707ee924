/*
 * wait4 and waitid. What a child has to tell is in its record: the zombie itself, or news of a stop or
 * a continue, which are told once. A wait that finds nothing is parked and looked at again
 * whenever a child changes.
 *
 * A parked call may have been interrupted in the moment in which it is answered. Then the answer is
 * refused, and the child must stay as it was: so first the answer, then the commitment.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib/process/process.h"

#define OPTIONS                                                                                    \
	(PROCESS_WNOHANG | PROCESS_WSTOPPED | PROCESS_WEXITED | PROCESS_WCONTINUED |               \
	 PROCESS_WNOWAIT)
#define STATUS_STOPPED 0x7fu
#define STATUS_CONTINUED 0xffffu

static bool is_meant(const struct process *child, const struct process *caller,
		     const struct process_waiter *waiter)
{
	switch (waiter->select) {
	case POSIX_ALL:
		return true;
	case POSIX_PID:
		return child->pid == waiter->id;
	default:
		return child->group == (waiter->id ? waiter->id : caller->group);
	}
}

/* What the child has to tell to one who asks with these options: a status, or 0 (none is 0: below). */
static bool has_news(const struct process *child, uint32_t options, uint32_t *status)
{
	if (child->state == PROCESS_ZOMBIE) {
		*status = child->status;
		return options & PROCESS_WEXITED && !child->is_leaving;
	}
	if (child->is_stopped && child->stop_is_news) {
		*status = STATUS_STOPPED | child->stop_signal << 8;
		return options & PROCESS_WSTOPPED;
	}
	*status = STATUS_CONTINUED;
	return child->continue_is_news && options & PROCESS_WCONTINUED;
}

static void fill(const struct process *child, uint32_t status, uint64_t *words)
{
	words[0] = child->pid;
	words[1] = status;
	words[2] = child->identity.user;
	words[3] = child->used + child->child_used;
	words[4] = 0;
	words[5] = child->largest > child->child_largest ? child->largest : child->child_largest;
}

/* It has been told. */
static void commit(struct process_table *table, struct process *parent, struct process *child,
		   uint32_t options)
{
	if (options & PROCESS_WNOWAIT)
		return;
	if (child->state != PROCESS_ZOMBIE) {
		child->stop_is_news = child->continue_is_news = false;
		return;
	}
	parent->child_used += child->used + child->child_used;
	if (child->largest > parent->child_largest)
		parent->child_largest = child->largest;
	if (child->child_largest > parent->child_largest)
		parent->child_largest = child->child_largest;
	process_free(table, child);
}

/* The first child that has something to tell; *is_any: one that is meant exists and may get to. */
static struct process *look(struct process *process, const struct process_waiter *waiter,
			    uint32_t *status, bool *is_any)
{
	*is_any = false;
	for (struct process *child = process->children; child; child = child->sibling) {
		if (!is_meant(child, process, waiter))
			continue;
		*is_any |= child->state != PROCESS_ZOMBIE || waiter->options & PROCESS_WEXITED;
		if (has_news(child, waiter->options, status))
			return child;
	}
	return NULL;
}

static struct process_waiter decode(const uint64_t *words)
{
	return (struct process_waiter){ .select = (uint32_t)words[1],
					.id = (uint32_t)words[2],
					.options = (uint32_t)words[3] };
}

int64_t process_wait(struct process_table *table, struct process *process, uint64_t *words)
{
	struct process_waiter waiter = decode(words);
	struct process *child;
	uint32_t status;
	bool is_any;

	if (words[1] > POSIX_GROUP || words[3] & ~(uint64_t)OPTIONS ||
	    !(words[3] & (PROCESS_WEXITED | PROCESS_WSTOPPED | PROCESS_WCONTINUED)))
		return -EINVAL;
	child = look(process, &waiter, &status, &is_any);
	if (child) {
		fill(child, status, words);
		commit(table, process, child, waiter.options);
		return (int64_t)words[0];
	}
	if (!is_any)
		return -ECHILD;
	return waiter.options & PROCESS_WNOHANG ? 0 : -EAGAIN;
}

uint64_t process_wait_cookie(struct process_table *table, struct process *process,
			     const uint64_t *words)
{
	struct process_waiter *waiter = malloc(sizeof(*waiter));

	if (!waiter)
		return 0;
	*waiter = decode(words);
	waiter->cookie = table->next_cookie++ * POSIX_SLOTS + process->slot;
	waiter->next = process->waiters;
	process->waiters = waiter;
	return waiter->cookie;
}

void process_wait_parked(struct process *process, uint64_t cookie, int64_t reply)
{
	for (struct process_waiter *at = process->waiters; at; at = at->next)
		if (at->cookie == cookie)
			at->reply = reply;
}

bool process_wait_cancel(struct process_table *table, uint64_t cookie)
{
	struct process *process = &table->processes[cookie % POSIX_SLOTS];

	for (struct process_waiter **at = &process->waiters; *at; at = &(*at)->next) {
		struct process_waiter *waiter = *at;

		if (waiter->cookie != cookie)
			continue;
		*at = waiter->next;
		if (waiter->reply)
			table->kernel->drop(waiter->reply);
		free(waiter);
		return true;
	}
	return false;
}

/* True: the waiter is done with. */
static bool serve(struct process_table *table, struct process *process,
		  const struct process_waiter *waiter)
{
	uint64_t words[TERN_MESSAGE_WORDS] = { 0 };
	struct process *child;
	uint32_t status;
	bool is_any;

	child = look(process, waiter, &status, &is_any);
	if (!child && is_any)
		return false;
	if (child)
		fill(child, status, words);
	else
		words[0] = (uint64_t)-ECHILD;
	if (table->kernel->answer(waiter->reply, words) && child)
		commit(table, process, child, waiter->options);
	return true;
}

void process_wait_check(struct process_table *table, struct process *parent)
{
	struct process_waiter **at = &parent->waiters;

	while (*at) {
		struct process_waiter *waiter = *at;

		if (!serve(table, parent, waiter)) {
			at = &waiter->next;
			continue;
		}
		*at = waiter->next;
		free(waiter);
	}
}

void process_wait_drop(struct process_table *table, struct process *process)
{
	while (process->waiters)
		process_wait_cancel(table, process->waiters->cookie);
}

static bool has_zombie(const struct process *process)
{
	for (const struct process *child = process->children; child; child = child->sibling)
		if (child->state == PROCESS_ZOMBIE)
			return true;
	return false;
}

int64_t process_child_action(struct process_table *table, struct process *process, uint32_t action)
{
	const struct posix_signal signal = { .number_and_code = POSIX_SIGNAL(17, 0) };
	bool is_new = action & POSIX_CHILD_NOTIFY && !(process->child_action & POSIX_CHILD_NOTIFY);

	if (action & ~(POSIX_CHILD_NOTIFY | POSIX_CHILD_IGNORE | POSIX_CHILD_NO_STOP))
		return -EINVAL;
	process->child_action = action;
	if (!is_new || !process->child_news)
		return 0;
	process->child_news = false;
	return has_zombie(process) ? process_send(table, process, &signal) : 0;
}
