/* Shared memory and child processes with one thread, for the common case. */
#include "rt.h"

/* Above a program's segments, below its stack: free in every child. */
#define SHARED_BASE 0x4000000000ul
#define READ_WRITE (TERN_MAP_READ | TERN_MAP_WRITE)

static size_t whole_pages(size_t length)
{
	return (length + RT_PAGE - 1) & ~(RT_PAGE - 1);
}

struct rt_shared rt_share(size_t length)
{
	struct rt_shared shared = { .length = whole_pages(length) };

	shared.memobj = tern_memobj_create(0, shared.length);
	shared.address = (void *)tern_region_map(TERN_SELF_PROCESS, shared.memobj, 0, SHARED_BASE,
						 shared.length, READ_WRITE);
	rt_require((int64_t)shared.address > 0, "shared memory");
	return shared;
}

void rt_share_with(const struct rt_shared *shared, tern_handle process)
{
	rt_require(tern_region_map(process, shared->memobj, 0, (uint64_t)shared->address,
				   shared->length, READ_WRITE | TERN_MAP_FIXED) > 0,
		   "sharing memory");
}

void rt_unshare(struct rt_shared *shared)
{
	rt_unmap(shared->address, shared->length);
	tern_handle_close(shared->memobj);
}

struct rt_child rt_child(rt_function *function, uint64_t argument, unsigned int priority,
			 const struct rt_shared *shared)
{
	struct rt_child child = { .process = rt_process(0) };

	rt_require(child.process > 0, "a child process");
	if (shared)
		rt_share_with(shared, child.process);
	child.thread = rt_run(child.process, function, argument, priority);
	rt_require(child.thread > 0, "a child's thread");
	return child;
}

uint32_t rt_child_join(struct rt_child *child)
{
	uint32_t status = rt_wait_process(child->process);

	tern_handle_close(child->thread);
	tern_handle_close(child->process);
	return status;
}
