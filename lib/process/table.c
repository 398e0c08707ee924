/*
 * The records. The place that was freed last is used first: its port and memory are there. One whose port
 * somebody still holds is used when nothing else is left, since mostly that is over soon, and the port
 * need not be revoked then. Pids count up, so that a number that somebody still remembers mostly names
 * nobody and not a stranger; a pid is passed over while a process, group or session has it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/process/process.h"

#define BUCKETS (sizeof(((struct process_table *)0)->by_pid) / sizeof(struct process *))

static void put_free(struct process_table *table, struct process *process)
{
	struct process **list = process->has_clients ? &table->held : &table->free;

	process->same_hash = *list;
	*list = process;
}

/* NULL: none is free. */
static struct process *take_free(struct process_table *table)
{
	struct process **list = table->free ? &table->free : &table->held;
	struct process *process = *list;

	if (!table->free && table->entered < POSIX_SLOTS) {
		process = &table->processes[table->entered];
		process->slot = table->entered++;
	} else if (process) {
		*list = process->same_hash;
	}
	return process;
}

void process_released(struct process_table *table, struct process *process)
{
	struct process **at = &table->held;

	process->has_clients = false;
	if (process->state == PROCESS_EMBRYO)
		process_aborted(table, process);
	if (process->state != PROCESS_FREE)
		return;
	while (*at && *at != process)
		at = &(*at)->same_hash;
	if (!*at)
		return;
	*at = process->same_hash;
	put_free(table, process);
}

int process_table_init(struct process_table *table, const struct process_kernel *kernel,
		       struct posix_board *board)
{
	*table = (struct process_table){ .kernel = kernel, .board = board };
	table->processes = calloc(POSIX_SLOTS, sizeof(struct process));
	if (!table->processes)
		return -ENOMEM;
	table->next_pid = POSIX_FIRST_PID;
	table->next_cookie = 1;
	board->slots = POSIX_SLOTS;
	return 0;
}

void process_table_destroy(struct process_table *table)
{
	PROCESS_FOR_EACH(table, process) {
		process_mail_discard(process, ~0ul);
		process_timers_drop(table, process, true);
		process_wait_drop(table, process);
		free(process->arguments);
	}
	free(table->processes);
}

struct process *process_find(struct process_table *table, uint32_t pid)
{
	struct process *at = table->by_pid[pid % BUCKETS];

	while (at && at->pid != pid)
		at = at->same_hash;
	return at;
}

static bool is_used(struct process_table *table, uint32_t pid)
{
	if (process_find(table, pid))
		return true;
	PROCESS_FOR_EACH(table, process)
		if (process->group == pid || process->session == pid)
			return true;
	return false;
}

static uint32_t behind(uint32_t pid)
{
	return pid + 1 < PROCESS_PID_LIMIT ? pid + 1 : POSIX_FIRST_PID + 1;
}

/*
 * While pids have not wrapped no scan is needed: none was used before. After that the scan costs some
 * thousand instructions a fork.
 */
static uint32_t new_pid(struct process_table *table)
{
	uint32_t pid = table->next_pid;

	while (table->has_wrapped && is_used(table, pid))
		pid = behind(pid);
	table->next_pid = behind(pid);
	table->has_wrapped |= table->next_pid < pid;
	return pid;
}

/* Everything but what outlives a process: its place, and its port. */
static void clear(struct process *process)
{
	const struct process kept = *process;

	memset(process, 0, sizeof(*process));
	process->slot = kept.slot;
	process->port = kept.port;
	process->death = kept.death;
	process->generation = kept.generation;
	process->mail_end = &process->mail;
}

static void enter(struct process_table *table, struct process *process, struct process *parent)
{
	struct process **bucket = &table->by_pid[process->pid % BUCKETS];

	process->same_hash = *bucket;
	*bucket = process;
	process->parent = parent;
	if (parent) {
		process->sibling = parent->children;
		process->link = &parent->children;
		if (process->sibling)
			process->sibling->link = &process->sibling;
		parent->children = process;
	}
	table->count++;
}

struct process *process_new(struct process_table *table, struct process *parent)
{
	struct process *process = take_free(table);

	if (!process)
		return NULL;
	table->kernel->renew(process);
	clear(process);
	process->state = PROCESS_EMBRYO;
	process->pid = new_pid(table);
	process->started = table->kernel->now();
	enter(table, process, parent);
	return process;
}

/* Out of its parent's list of children. */
static void unlink_sibling(struct process *process)
{
	if (!process->parent)
		return;
	*process->link = process->sibling;
	if (process->sibling)
		process->sibling->link = process->link;
	process->parent = NULL;
}

void process_free(struct process_table *table, struct process *process)
{
	struct process **at = &table->by_pid[process->pid % BUCKETS];

	while (*at != process)
		at = &(*at)->same_hash;
	*at = process->same_hash;
	unlink_sibling(process);
	process_mail_discard(process, ~0ul);
	free(process->arguments);
	process->arguments = NULL;
	process->state = PROCESS_FREE;
	process->pid = process->group = process->session = 0;
	table->count--;
	process_publish(table, process);
	put_free(table, process);
}

void process_orphan(struct process_table *table, struct process *process)
{
	unlink_sibling(process);
	process_publish(table, process);
}

static void set(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

void process_publish(struct process_table *table, const struct process *process)
{
	struct posix_slot *slot = &table->board->slot[process->slot];
	const struct process_terminal *terminal = process_terminal_of(table, process);
	uint32_t flags = 0;

	if (terminal)
		flags = terminal->foreground == process->group
				? POSIX_SLOT_TERMINAL
				: POSIX_SLOT_TERMINAL | POSIX_SLOT_BACKGROUND;
	set(&slot->pid, process->pid);
	set(&slot->parent, process->parent ? process->parent->pid : POSIX_SERVER_PID);
	set(&slot->group, process->group);
	set(&slot->session, process->session);
	set(&slot->flags, flags);
}

uint64_t process_count_of(struct process_table *table, uint32_t user)
{
	uint64_t count = 0;

	PROCESS_FOR_EACH(table, process)
		count += process->identity.user == user;
	return count;
}
