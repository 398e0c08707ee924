/*
 * User and group ids. The posix server decides who may change them, and what files the process may
 * open with them; emu keeps a copy to answer from.
 */
#include "emu_full.h"

#include "calls.h"
#include "proto/posix.h"

#define LEAVE UINT32_MAX

long emu_getuid(void)
{
	return emu_process.uid;
}

long emu_geteuid(void)
{
	return emu_process.euid;
}

long emu_getgid(void)
{
	return emu_process.gid;
}

long emu_getegid(void)
{
	return emu_process.egid;
}

static long put_three(uint32_t a, uint32_t b, uint32_t c, uint32_t *to_a, uint32_t *to_b,
		      uint32_t *to_c)
{
	if (emu_copy_out(to_a, &a, sizeof(a)) || emu_copy_out(to_b, &b, sizeof(b)) ||
	    emu_copy_out(to_c, &c, sizeof(c)))
		return -EFAULT;
	return 0;
}

long emu_getresuid(uint32_t *real, uint32_t *effective, uint32_t *saved)
{
	return put_three(emu_process.uid, emu_process.euid, emu_process.suid, real, effective,
			 saved);
}

long emu_getresgid(uint32_t *real, uint32_t *effective, uint32_t *saved)
{
	return put_three(emu_process.gid, emu_process.egid, emu_process.sgid, real, effective,
			 saved);
}

static void set(uint32_t *id, uint32_t value)
{
	if (value != LEAVE)
		*id = value;
}

long emu_setresuid(uint32_t real, uint32_t effective, uint32_t saved)
{
	long result;

	emu_files_keep();
	result = posix_simple(emu_posix, POSIX_OP_set_user, real, effective, saved);
	if (result < 0)
		return result;
	set(&emu_process.uid, real);
	set(&emu_process.euid, effective);
	set(&emu_process.suid, saved);
	emu_files_new_identity();
	return 0;
}

long emu_setresgid(uint32_t real, uint32_t effective, uint32_t saved)
{
	long result;

	emu_files_keep();
	result = posix_simple(emu_posix, POSIX_OP_set_group, real, effective, saved);
	if (result < 0)
		return result;
	set(&emu_process.gid, real);
	set(&emu_process.egid, effective);
	set(&emu_process.sgid, saved);
	emu_files_new_identity();
	return 0;
}

/* Root gives all three up, others change the effective one. */
long emu_setuid(uint32_t id)
{
	if (id == LEAVE)
		return -EINVAL;
	return emu_process.euid ? emu_setresuid(LEAVE, id, LEAVE) : emu_setresuid(id, id, id);
}

long emu_setgid(uint32_t id)
{
	if (id == LEAVE)
		return -EINVAL;
	return emu_process.euid ? emu_setresgid(LEAVE, id, LEAVE) : emu_setresgid(id, id, id);
}

/* May a process that is not root take this id as one of real and effective? */
static bool is_one_of(uint32_t id, uint32_t a, uint32_t b, uint32_t c)
{
	return id == LEAVE || id == a || id == b || id == c;
}

/* The saved id follows the effective one when the real one is set, or the effective one departs from it. */
static uint32_t new_saved(uint32_t real, uint32_t effective, uint32_t old_real,
			  uint32_t old_effective)
{
	if (real == LEAVE && (effective == LEAVE || effective == old_real))
		return LEAVE;
	return effective == LEAVE ? old_effective : effective;
}

long emu_setreuid(uint32_t real, uint32_t effective)
{
	const struct emu_process *at = &emu_process;

	if (at->euid && (!is_one_of(real, at->uid, at->euid, at->uid) ||
			 !is_one_of(effective, at->uid, at->euid, at->suid)))
		return -EPERM;
	return emu_setresuid(real, effective, new_saved(real, effective, at->uid, at->euid));
}

long emu_setregid(uint32_t real, uint32_t effective)
{
	const struct emu_process *at = &emu_process;

	if (at->euid && (!is_one_of(real, at->gid, at->egid, at->gid) ||
			 !is_one_of(effective, at->gid, at->egid, at->sgid)))
		return -EPERM;
	return emu_setresgid(real, effective, new_saved(real, effective, at->gid, at->egid));
}

long emu_getgroups(int count, uint32_t *groups)
{
	uint32_t copy[POSIX_GROUPS_MAX];
	struct tern_extended extended = { .out_address = (uint64_t)copy,
					  .out_length = sizeof(copy) };
	struct tern_received message = { .words = { POSIX_OP_credentials } };
	long result;

	copy[0] = 0; /* the page is there */
	result = posix_call_ext(emu_posix, &message, &extended);
	if (result < 0)
		return result;
	result = (long)message.words[5];
	if (!count)
		return result;
	if (count < result)
		return -EINVAL;
	return emu_copy_out(groups, copy, (uint64_t)result * sizeof(*copy)) ? -EFAULT : result;
}

long emu_setgroups(uint64_t count, const uint32_t *groups)
{
	uint32_t copy[POSIX_GROUPS_MAX];
	struct tern_extended extended = { .in_address = (uint64_t)copy,
					  .in_length = count * sizeof(*copy) };
	struct tern_received message = { .words = { POSIX_OP_set_groups, count } };
	long result;

	if (count > POSIX_GROUPS_MAX)
		return -EINVAL;
	if (emu_copy_in(copy, groups, count * sizeof(*copy)))
		return -EFAULT;
	emu_files_keep();
	result = posix_call_ext(emu_posix, &message, &extended);
	if (result < 0)
		return result;
	emu_files_new_identity();
	return 0;
}
