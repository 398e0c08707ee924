/* Memory objects and the regions of an address space that map them. */
#ifndef TERN_MEMORY_H
#define TERN_MEMORY_H

#include "tern/handle.h"

/* Protection and flags of a region. Write and execute together are refused (W^X). */
#define TERN_MAP_READ 1
#define TERN_MAP_WRITE 2
#define TERN_MAP_EXECUTE 4
#define TERN_MAP_FIXED 8    /* exactly at the address, -EEXIST if anything is there */
#define TERN_MAP_PRIVATE 32 /* writes go to pages of the process's own; memobj 0: zero-filled */
#define TERN_MAP_GUARD 16   /* reserves the range: any access faults; memobj 0 */

/* Flags of tern_memobj_create_physical. */
#define TERN_PHYSICAL_DEVICE 1     /* `address` is a device range that the resource covers */
#define TERN_PHYSICAL_CONTIGUOUS 2 /* allocate contiguous zeroed RAM; `address` 0 */

#ifndef TERN_KERNEL
/*
 * tern_memobj_create: anonymous memory of `length` bytes (rounded up to pages, at most 2^46),
 * zero-filled on first touch and charged to `account` page by page. Never blocks. Returns a
 * handle with all rights; -EBADF, -EPROTOTYPE, -EPERM, -EINVAL, -ENOMEM, -EMFILE.
 */
static inline tern_result tern_memobj_create(tern_handle account, uint64_t length)
{
	return tern_syscall2(TERN_OP_memobj_create, (uint64_t)account, length);
}

/*
 * tern_memobj_create_physical: a memobj over device registers, or contiguous memory for DMA
 * (one 2^n block of at most 4 MiB). Needs a resource handle. Never blocks. Returns a handle;
 * -EBADF, -EPROTOTYPE, -EPERM, -EINVAL, -ENODEV (the range is RAM or not covered), -ENOMEM,
 * -EMFILE.
 */
static inline tern_result tern_memobj_create_physical(tern_handle account, tern_handle resource,
						      uint64_t address, uint64_t length,
						      uint64_t flags)
{
	return tern_syscall5(TERN_OP_memobj_create_physical, (uint64_t)account, (uint64_t)resource,
			     address, length, flags);
}

/*
 * tern_memobj_physical_address: where a physical memobj starts. Needs a resource handle.
 * Returns the address; -EBADF, -EPROTOTYPE, -EPERM, -EINVAL (not physical).
 */
static inline tern_result tern_memobj_physical_address(tern_handle resource, tern_handle memobj)
{
	return tern_syscall2(TERN_OP_memobj_physical_address, (uint64_t)resource, (uint64_t)memobj);
}

/*
 * tern_memobj_read: copy up to `length` bytes (at most 128 KiB in one call) from `offset` of the
 * memobj to `buffer`. Needs READ. Absent pages read as zeroes and stay absent. Never blocks.
 * Returns the number of bytes copied, less at the memobj's end or before a bad page of the buffer;
 * 0 at and beyond the end; -EBADF, -EPROTOTYPE, -EPERM, -EINVAL (device registers), -EFAULT
 * (no byte of the buffer can be written), -ENOMEM.
 */
static inline tern_result tern_memobj_read(tern_handle memobj, uint64_t offset, void *buffer,
					   uint64_t length)
{
	return tern_syscall4(TERN_OP_memobj_read, (uint64_t)memobj, offset, (uint64_t)buffer,
			     length);
}

/*
 * tern_memobj_write: the same in the other direction. Needs WRITE. New pages are charged to the
 * memobj's account. Returns the number of bytes copied; -ENOSPC at and beyond the end; otherwise
 * as tern_memobj_read.
 */
static inline tern_result tern_memobj_write(tern_handle memobj, uint64_t offset, const void *buffer,
					    uint64_t length)
{
	return tern_syscall4(TERN_OP_memobj_write, (uint64_t)memobj, offset, (uint64_t)buffer,
			     length);
}

/* tern_memobj_length: its length in bytes; -EBADF, -EPROTOTYPE. */
static inline tern_result tern_memobj_length(tern_handle memobj)
{
	return tern_syscall1(TERN_OP_memobj_length, (uint64_t)memobj);
}

/*
 * tern_region_map: map [offset, offset + length) of a memobj into `process` (needs OWNER).
 * `address`: where (page multiple; with TERN_MAP_FIXED exactly there, otherwise a hint, 0 = any).
 * offset and length are page multiples, length not 0. Rights of the memobj handle bound the
 * protection (of a private mapping READ allows WRITE). With TERN_MAP_PRIVATE a page is the memobj's
 * until it is written, then a copy that belongs to this mapping; with memobj 0 it is zeroed memory
 * from the start. Private pages are charged to the process's account. Mapping past the memobj's end is allowed; touching it there faults. Never blocks.
 * Returns the address; -EBADF, -EPROTOTYPE, -EPERM, -EINVAL, -EEXIST, -ENOMEM, -ESRCH (dead).
 */
static inline tern_result tern_region_map(tern_handle process, tern_handle memobj, uint64_t offset,
					  uint64_t address, uint64_t length, uint64_t flags)
{
	return tern_syscall6(TERN_OP_region_map, (uint64_t)process, (uint64_t)memobj, offset,
			     address, length, flags);
}

/*
 * tern_region_unmap: nothing is mapped in [address, address + length) afterwards; regions are
 * split as needed. Interrupts are taken while a long range is emptied. Returns 0, -EBADF, -EPROTOTYPE, -EPERM, -EINVAL, -ENOMEM (splitting).
 */
static inline tern_result tern_region_unmap(tern_handle process, uint64_t address, uint64_t length)
{
	return tern_syscall3(TERN_OP_region_unmap, (uint64_t)process, address, length);
}

/*
 * tern_region_protect: new protection for [address, address + length), all of which must be
 * mapped; never more than the memobj handle's rights allowed. Returns 0, -EBADF, -EPROTOTYPE,
 * -EPERM, -EINVAL, -EFAULT (a hole), -ENOMEM.
 */
static inline tern_result tern_region_protect(tern_handle process, uint64_t address,
					      uint64_t length, uint64_t flags)
{
	return tern_syscall4(TERN_OP_region_protect, (uint64_t)process, address, length, flags);
}
#endif

#endif
