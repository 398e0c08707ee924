/* The regions of an address space, which map memobjs. */
#ifndef TERN_MEMORY_H
#define TERN_MEMORY_H

#include "tern/memobj.h"

/*
 * Protection and flags of a region. Write and execute together (W^X), and write without read, are
 * refused with -EINVAL.
 */
#define TERN_MAP_READ 1
#define TERN_MAP_WRITE 2
#define TERN_MAP_EXECUTE 4
#define TERN_MAP_FIXED 8    /* exactly at the address, -EEXIST if anything is there */
#define TERN_MAP_GUARD 16   /* reserves the range: any access faults; memobj 0 */
#define TERN_MAP_PRIVATE 32 /* writes go to copies of its own; memobj 0: zero-filled memory */

/* What a region's pager is notified of, and finds out with tern_region_fetch_fault. */
#define TERN_NOTIFY_FAULT (1ul << 62)

struct tern_fault {
	uint64_t address;
	uint32_t access; /* TERN_MAP_READ, TERN_MAP_WRITE or TERN_MAP_EXECUTE */
	uint32_t error;  /* why the kernel could not resolve it, as in struct tern_upcall */
};

#define TERN_FAULT_ERROR_MAX 255

/* What tern_region_info tells. Neighbours that are alike may be one region or several. */
struct tern_region {
	uint64_t start, length;
	uint64_t offset; /* of start in the memobj; without one 0 */
	uint64_t flags;  /* TERN_MAP_READ, WRITE, EXECUTE, GUARD, PRIVATE; TERN_REGION_MEMOBJ */
};

#define TERN_REGION_MEMOBJ (1ul << 16) /* it shows a memobj */

#ifndef TERN_KERNEL
/*
 * tern_region_map: map [offset, offset + length) of a memobj into `process` (needs OWNER).
 * `address`: where (page multiple; with TERN_MAP_FIXED exactly there, otherwise a hint, 0 = any).
 * offset and length are page multiples, length not 0. Rights of the memobj handle bound the
 * protection. Mapping past the memobj's end is allowed; touching it there faults. With
 * TERN_MAP_PRIVATE (needs READ) the region shows the memobj's pages until it is written to: then a
 * page is copied, charged to the process's account, and is its own. With memobj 0 as well it
 * has zeroed pages of its own from the start. Never blocks.
 * Returns the address; -EBADF, -EPROTOTYPE, -EPERM, -EINVAL, -EEXIST (FIXED, and something is there),
 * -ENOMEM (quota, or no room of that length), -ESRCH (dead).
 */
static inline tern_result tern_region_map(tern_handle process, tern_handle memobj, uint64_t offset,
					  uint64_t address, uint64_t length, uint64_t flags)
{
	return tern_syscall6(TERN_OP_region_map, (uint64_t)process, (uint64_t)memobj, offset,
			     address, length, flags);
}

/*
 * tern_region_unmap: nothing is mapped in [address, address + length) afterwards; regions are
 * split as needed. Works in steps, lets interrupts in between, and is given up when the thread dies.
 * Returns 0, -EBADF, -EPROTOTYPE, -EPERM, -EINVAL, -ENOMEM (splitting).
 */
static inline tern_result tern_region_unmap(tern_handle process, uint64_t address, uint64_t length)
{
	return tern_syscall3(TERN_OP_region_unmap, (uint64_t)process, address, length);
}

/*
 * tern_region_protect: new protection for [address, address + length), all of which must be
 * mapped; never more than the memobj handle's rights allowed. Private pages are kept, also without
 * any access. Works in steps like tern_region_unmap. If it fails nothing has changed, unless the
 * error is behind more than 256 regions. Returns 0, -EBADF, -EPROTOTYPE, -EPERM, -EINVAL, -EFAULT
 * (a hole), -ENOMEM.
 */
static inline tern_result tern_region_protect(tern_handle process, uint64_t address,
					      uint64_t length, uint64_t flags)
{
	return tern_syscall4(TERN_OP_region_protect, (uint64_t)process, address, length, flags);
}

/*
 * tern_region_info: the region that `address` lies in, or else the next one above. Needs OWNER or
 * READ. May block for *region's memory only. Returns 0, -EBADF, -EPROTOTYPE, -EPERM, -EFAULT, -ENOENT
 * (none is there).
 */
static inline tern_result tern_region_info(tern_handle process, uint64_t address,
					   struct tern_region *region)
{
	return tern_syscall3(TERN_OP_region_info, (uint64_t)process, address, (uint64_t)region);
}

/*
 * tern_region_set_pager: faults in [address, address + length), which must lie in one region, that
 * the kernel cannot resolve (protection, guard, past the memobj's end ...) go to `port` (needs
 * NOTIFY) as TERN_NOTIFY_FAULT: the thread waits until the fault is ended, or it is killed or takes
 * an upcall. port 0: no longer; threads that wait try again. System calls do not wait for a region's
 * pager, they fail. If the port is dead the error is EIO. Needs OWNER. Never blocks. Returns 0, -EBADF,
 * -EPROTOTYPE, -EPERM, -EINVAL, -EFAULT (no such region), -ENOMEM (splitting).
 */
static inline tern_result tern_region_set_pager(tern_handle process, uint64_t address,
						uint64_t length, tern_handle port)
{
	return tern_syscall4(TERN_OP_region_set_pager, (uint64_t)process, address, length,
			     (uint64_t)port);
}

/*
 * tern_region_fetch_fault: the next fault of the process that nobody has fetched. Needs OWNER. May
 * block for *fault's memory only. Returns 1, 0 (there is none), -EBADF, -EPROTOTYPE, -EPERM, -EFAULT.
 */
static inline tern_result tern_region_fetch_fault(tern_handle process, struct tern_fault *fault)
{
	return tern_syscall2(TERN_OP_region_fetch_fault, (uint64_t)process, (uint64_t)fault);
}

/*
 * tern_region_end_fault: threads that wait for the page at `address` execute their instruction again
 * (error 0), or take the fault with that error (a positive number). Needs OWNER. Never blocks.
 * Returns 0, -EBADF, -EPROTOTYPE, -EPERM, -EINVAL.
 */
static inline tern_result tern_region_end_fault(tern_handle process, uint64_t address,
						uint64_t error)
{
	return tern_syscall3(TERN_OP_region_end_fault, (uint64_t)process, address, error);
}
#endif

#endif
