/*
 * Accounts: quotas of kernel objects and anonymous pages, in bytes. A child's whole limit counts
 * as used in its parent, so a parent can never be overdrawn by its children. The account keeps a
 * list of the objects it pays for, so that destroying it can destroy them.
 *
 * Lifetime: every object and child holds a reference on its account through object->account.
 *
 * Destruction. From the moment that the account is closed it pays for nothing new. What a handle has
 * named dies at once; what is still being made on another hart (it is on the list from its first
 * moment, but not whole before its first handle) dies after a grace period, when it is whole.
 */
#ifndef KERNEL_ACCOUNT_H
#define KERNEL_ACCOUNT_H

#include "kernel/object.h"
#include "kernel/spinlock.h"

struct account {
	struct object object;
	struct spinlock lock; /* LOCK_RANK_ACCOUNT: is_closed, lists */
	bool is_closed;       /* destroyed */
	_Atomic u64 used;     /* bytes */
	u64 limit;            /* bytes */
	_Atomic u64 dirty;    /* pages of its memobjs that are not written back */
	bool is_pager;        /* it pays for programs that write back: they never wait for that */
	struct list objects;  /* object->account_link */
	struct list unborn;   /* closed: objects that were not whole then */
	struct reclaim_node sweep;
};

/* The account of everything, with the machine's memory as its limit. */
extern struct account *root_account;

void account_init(u64 limit);
struct account *account_create(struct account *parent, u64 limit) MUST_USE;

/* false: over the quota; nothing is charged. */
bool account_charge(struct account *account, u64 bytes) MUST_USE;
/* Now; for decisions, not for promises. Charging to find out would make others go without meanwhile. */
bool account_could_pay(const struct account *account, u64 bytes);
void account_uncharge(struct account *account, u64 bytes);

void account_destroy(struct object *object);
void account_kill_object(struct object *object);

/* Part of object_create and object_free. False: the account is closed. */
bool account_link(struct account *account, struct object *object) MUST_USE;
void account_unlink(struct object *object);

s64 sys_account_create(u64 parent, u64 limit);
s64 sys_account_info(u64 account, u64 query);
s64 sys_account_destroy(u64 account);
s64 sys_account_set_pager(u64 resource, u64 account);

#endif
