/* Who a process is: users, groups, and what that allows towards other processes. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/process/process.h"

#define NICE_LEAST (-20)
#define NICE_MOST 19

static bool is_root(const struct process *process)
{
	return process->identity.effective_user == 0;
}

static uint64_t pair(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

void process_credentials(const struct process *process, uint64_t *words)
{
	const struct process_identity *identity = &process->identity;

	words[1] = pair(identity->user, identity->effective_user);
	words[2] = identity->saved_user;
	words[3] = pair(identity->group, identity->effective_group);
	words[4] = identity->saved_group;
	words[5] = identity->count;
}

static bool is_among(const uint32_t *ids, uint32_t id)
{
	return id == POSIX_LEAVE || id == ids[0] || id == ids[1] || id == ids[2];
}

/* Three ids lie in a row: real, effective, saved. */
int64_t process_set_ids(struct process *process, bool are_groups, const uint64_t *words)
{
	uint32_t *ids = are_groups ? &process->identity.group : &process->identity.user;
	const uint32_t old[3] = { ids[0], ids[1], ids[2] };

	for (int i = 0; i < 3; i++)
		if (words[1 + i] > UINT32_MAX ||
		    (!is_root(process) && !is_among(old, (uint32_t)words[1 + i])))
			return words[1 + i] > UINT32_MAX ? -EINVAL : -EPERM;
	for (int i = 0; i < 3; i++)
		if ((uint32_t)words[1 + i] != POSIX_LEAVE)
			ids[i] = (uint32_t)words[1 + i];
	return 0;
}

static bool is_in_group(const struct process_identity *identity, uint32_t group)
{
	if (identity->effective_group == group)
		return true;
	for (uint32_t i = 0; i < identity->count; i++)
		if (identity->groups[i] == group)
			return true;
	return false;
}

static bool may_execute(const struct process_identity *identity, uint32_t mode, uint32_t user,
			uint32_t group)
{
	if (!identity->effective_user)
		return mode & 0111;
	if (identity->effective_user == user)
		return mode & S_IXUSR;
	return mode & (is_in_group(identity, group) ? S_IXGRP : S_IXOTH);
}

/* S_ISGID without S_IXGRP means something else. */
int64_t process_gain(const struct process *process, uint32_t mode, uint32_t user, uint32_t group,
		     struct process_identity *gained)
{
	const struct process_identity *now = &process->identity;

	if (!S_ISREG(mode) || !may_execute(now, mode, user, group))
		return -EACCES;
	*gained = *now;
	if (mode & S_ISUID)
		gained->effective_user = user;
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		gained->effective_group = group;
	gained->saved_user = gained->effective_user;
	gained->saved_group = gained->effective_group;
	return gained->effective_user != now->effective_user ||
	       gained->effective_group != now->effective_group;
}

_Static_assert(offsetof(struct process_identity, effective_user) == 4 &&
		       offsetof(struct process_identity, saved_user) == 8 &&
		       offsetof(struct process_identity, effective_group) ==
			       offsetof(struct process_identity, group) + 4 &&
		       offsetof(struct process_identity, saved_group) ==
			       offsetof(struct process_identity, group) + 8,
	       "process_set_ids goes through them as an array");

int64_t process_set_groups(struct process *process, const uint32_t *groups, uint64_t count)
{
	if (!is_root(process))
		return -EPERM;
	if (count > POSIX_GROUPS_MAX)
		return -EINVAL;
	memcpy(process->identity.groups, groups, count * sizeof(*groups));
	process->identity.count = (uint32_t)count;
	return 0;
}

bool process_may_signal(const struct process *sender, const struct process *target, uint32_t number)
{
	const struct process_identity *from = &sender->identity, *to = &target->identity;

	if (is_root(sender) || sender == target)
		return true;
	if (number == SIGCONT && sender->session == target->session)
		return true;
	return from->user == to->user || from->user == to->saved_user ||
	       from->effective_user == to->user || from->effective_user == to->saved_user;
}

/* ------------------------------------------------------------------------------------- priority */

static bool is_meant(const struct process *process, const struct process *caller,
		     const uint64_t *words)
{
	uint32_t id = (uint32_t)words[2];

	switch (words[1]) {
	case POSIX_PID:
		return process->pid == (id ? id : caller->pid);
	case POSIX_GROUP:
		return process->group == (id ? id : caller->group);
	default:
		return process->identity.user == (id ? id : caller->identity.user);
	}
}

static int64_t set_nice(const struct process *caller, struct process *process, int64_t nice)
{
	if (!is_root(caller) && caller->identity.effective_user != process->identity.user)
		return -EPERM;
	if (!is_root(caller) && nice < process->nice)
		return -EACCES;
	process->nice = (int32_t)nice;
	return 0;
}

int64_t process_priority(struct process_table *table, struct process *caller, uint64_t *words)
{
	int64_t nice = (int64_t)words[4], least = NICE_MOST + 1, result = 0;

	if (words[1] > POSIX_GROUP)
		return -EINVAL;
	nice = nice < NICE_LEAST ? NICE_LEAST : nice > NICE_MOST ? NICE_MOST : nice;
	PROCESS_FOR_EACH(table, process) {
		if (!is_meant(process, caller, words))
			continue;
		if (words[3] && !result)
			result = set_nice(caller, process, nice);
		if (process->nice < least)
			least = process->nice;
	}
	words[1] = (uint64_t)least;
	return least > NICE_MOST ? -ESRCH : result;
}
