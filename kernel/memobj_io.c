/*
 * Reading and writing a memobj's pages without mapping it: straight between its pages and the
 * caller's, once, through the direct map. No page is locked while the caller's memory faults; two
 * calls that meet in a page leave each byte from one of them.
 */
#include "arch/page_table.h"
#include "kernel/hart.h"
#include "kernel/memobj.h"
#include "kernel/memory.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"

/* What absent pages read as. */
static const char zeroes[PAGE_SIZE] ALIGNED(PAGE_SIZE);

static int io_resolve(u64 handle, u32 rights, struct memobj **memobj)
{
	struct object *object;
	int error = handle_resolve(arch_hart()->current->process, (s64)handle, TERN_TYPE_MEMOBJ,
				   rights, &object);

	if (error)
		return error;
	*memobj = container_of(object, struct memobj, object);
	/* Device registers are not in the direct map, nor memory to be copied. */
	return (*memobj)->kind == MEMOBJ_DEVICE ? -EINVAL : 0;
}

/* How much one step moves: to the end of either page. */
static u64 step_length(u64 offset, u64 buffer, u64 left)
{
	u64 in_memobj = PAGE_SIZE - (offset & (PAGE_SIZE - 1));
	u64 in_buffer = PAGE_SIZE - (buffer & (PAGE_SIZE - 1));

	return min_u64(left, min_u64(in_memobj, in_buffer));
}

/* The memobj's byte at `offset`; for reading an absent page is not made. */
static char *locate(struct memobj *memobj, u64 offset, bool is_write, int *error)
{
	paddr page = memobj_find_page(memobj, offset);

	*error = 0;
	if (!page && !is_write)
		return (char *)zeroes + (offset & (PAGE_SIZE - 1));
	if (!page)
		*error = memobj_get_page(memobj, offset, &page);
	return *error ? NULL : (char *)phys_to_virt(page) + (offset & (PAGE_SIZE - 1));
}

/* Bytes moved, or the error that the first one met. */
static s64 transfer(struct memobj *memobj, u64 offset, u64 buffer, u64 length, bool is_write)
{
	struct process *process = arch_hart()->current->process;
	u64 done = 0;

	while (done < length) {
		u64 step = step_length(offset + done, buffer + done, length - done);
		int error;
		char *there = locate(memobj, offset + done, is_write, &error), *here = NULL;

		if (there)
			here = address_space_resolve(process, UADDR(buffer + done),
						     is_write ? ACCESS_READ : ACCESS_WRITE, &error);
		if (!here)
			return done ? (s64)done : error;
		if (is_write)
			memmove(there, here, step);
		else
			memmove(here, there, step);
		done += step;
	}
	return (s64)done;
}

static s64 read_or_write(u64 handle, u64 offset, u64 buffer, u64 length, bool is_write)
{
	struct memobj *memobj;
	int error = io_resolve(handle, is_write ? TERN_RIGHT_WRITE : TERN_RIGHT_READ, &memobj);

	if (error)
		return error;
	if (!user_range_is_valid(buffer, length))
		return -EFAULT;
	if (!length)
		return 0;
	if (offset >= memobj->length)
		return is_write ? -ENOSPC : 0;
	/* Interrupts wait for it: the caller asks again for the rest. */
	length = min_u64(min_u64(length, COPY_CHUNK), memobj->length - offset);
	return transfer(memobj, offset, buffer, length, is_write);
}

s64 sys_memobj_read(u64 handle, u64 offset, u64 buffer, u64 length)
{
	return read_or_write(handle, offset, buffer, length, false);
}

s64 sys_memobj_write(u64 handle, u64 offset, u64 buffer, u64 length)
{
	return read_or_write(handle, offset, buffer, length, true);
}

s64 sys_memobj_length(u64 handle)
{
	struct object *object;
	int error = handle_resolve(arch_hart()->current->process, (s64)handle, TERN_TYPE_MEMOBJ, 0,
				   &object);

	return error ? error : (s64)container_of(object, struct memobj, object)->length;
}
