/*
 * The kernel's memory half on the build machine: its real files, page tables included, over an arena of
 * "physical" memory. One hart, on which the test's threads take turns; a thread that blocks is run
 * again when the pager, a process of its own, has answered. What a processor does with an address is
 * world_load and world_store.
 */
#ifndef MEMORY_WORLD_H
#define MEMORY_WORLD_H

#include "host.h"
#include "kernel/memobj_calls.h"
#include "kernel/memobj_pages.h"
#include "kernel/memory.h"
#include "kernel/page_alloc.h"
#include "kernel/pager.h"
#include "kernel/process.h"
#include "kernel/stream.h"
#include "kernel/thread.h"
#include "kernel/writeback.h"
#include "tern/memory.h"

typedef s64 world_function(u64, u64, u64, u64, u64, u64, u64);

/* A system call; what it takes no notice of is 0. */
#define CALL(function, ...)                                                                        \
	world_call((world_function *)(void (*)(void))(function), (u64[7]){ __VA_ARGS__ })

/* Once: memory of so many pages. */
void world_init(u64 pages);

/* A process with one thread, which becomes the current one; and its end. */
struct process *world_process(void);
void world_enter(struct process *process);
void world_kill(struct process *process);
/* The current process's fork. */
struct process *world_fork(void);

/* A system call by the current process, to its end. */
s64 world_call(world_function *function, const u64 arguments[7]);

/* One byte as the current process's instructions would; 0 or an error. */
int world_load(u64 address, u8 *byte);
int world_store(u64 address, u8 byte);

/* A paged memobj; the current process gets a handle, another one is the pager's. */
s64 world_create_paged(u64 length, s64 *pagers_handle);
/* Called, as the pager, when somebody waits; asks for what it wants with world_answer. */
extern void (*world_serve)(void);
/* What is requested of a memobj is supplied from `disk`. */
void world_answer(s64 handle, const u8 *disk);
/* As the pager: pages that are dirty go to `disk`, up to the memobj's length. */
void world_clean(s64 handle, u8 *disk);
void world_as_pager(void);

/* Deferred work is done; memory that is short is taken back. */
void world_settle(void);
/* Pages, when all is settled. */
u64 world_free_pages(void);

#endif
