/*
 * Calls on what is mapped: mremap, madvise, msync, mincore, and mlock, which has nothing to do because
 * nothing is ever paged out that a program can notice.
 */
#include "emu_full.h"

#include <string.h>
#include <sys/mman.h>

#include "calls.h"

#define PAGE TERN_PAGE_SIZE
#define PROTECTION (TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_EXECUTE)

static bool is_valid(uint64_t address, uint64_t length)
{
	return !(address & (PAGE - 1)) && emu_page_round(length) >= length &&
	       address < EMU_PROGRAM_END && emu_page_round(length) <= EMU_PROGRAM_END - address;
}

/* Is all of the range mapped? */
static bool is_mapped(uint64_t address, uint64_t length)
{
	uint64_t end = address + length;
	struct tern_region region;

	while (address < end) {
		if (tern_region_info(TERN_SELF_PROCESS, address, &region) || region.start > address)
			return false;
		address = region.start + region.length;
	}
	return true;
}

/* ------------------------------------------------------------------------------------- mremap */

static int protection_of(const struct tern_region *region)
{
	return (region->flags & TERN_MAP_READ ? PROT_READ : 0) |
	       (region->flags & TERN_MAP_WRITE ? PROT_WRITE : 0) |
	       (region->flags & TERN_MAP_EXECUTE ? PROT_EXEC : 0);
}

/* More of the same file, from `at` on: old addresses count as they did. */
static long map_file_like(const struct tern_region *region, uint64_t at, uint64_t address,
			  uint64_t length, int flags)
{
	uint64_t offset = region->offset + (at - region->start);
	uint64_t region_flags = region->flags & (PROTECTION | TERN_MAP_PRIVATE);
	tern_handle memobj;
	struct emu_description *description = emu_mapping_find(region->start, &memobj);
	long result = 0;

	if (!description)
		return -ENOMEM;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		region_flags |= TERN_MAP_FIXED;
	else
		address = EMU_PROGRAM_MAP;
	emu_memory_lock();
	if (flags & MAP_FIXED) {
		emu_mapping_remove(address, length);
		result = tern_region_unmap(TERN_SELF_PROCESS, address, length);
	}
	if (!result)
		result = tern_region_map(TERN_SELF_PROCESS, memobj, offset, address, length,
					 region_flags);
	if (result > 0 && emu_mapping_add((uint64_t)result, length, description)) {
		tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)result, length);
		result = -ENOMEM;
	}
	emu_memory_unlock();
	emu_description_put(description);
	return result;
}

/* Shared anonymous memory stays where it is: the region has the only reference to it. */
static long map_like(const struct tern_region *region, uint64_t at, uint64_t address,
		     uint64_t length, int flags)
{
	if (region->flags & TERN_REGION_MEMOBJ)
		return map_file_like(region, at, address, length, flags);
	return emu_full_mmap(address, length, protection_of(region) | PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

/*
 * The kernel has no call that moves private pages: they are copied. What cannot be read lies behind a
 * file's end, in the new place as well.
 */
static long copy_pages(const struct tern_region *region, uint64_t to, uint64_t from,
		       uint64_t length)
{
	bool has_file = region->flags & TERN_REGION_MEMOBJ;

	if (!(region->flags & TERN_MAP_PRIVATE) || !(region->flags & TERN_MAP_READ) ||
	    (has_file && !(region->flags & TERN_MAP_WRITE)))
		return 0;
	for (uint64_t at = 0; at < length; at += PAGE)
		if (emu_copy_out((void *)(to + at), (const void *)(from + at), PAGE) &&
		    !tern_touch((const void *)(from + at), PAGE, 0))
			return -ENOMEM;
	return 0;
}

static long move(const struct tern_region *region, uint64_t old, uint64_t old_length,
		 uint64_t address, uint64_t length, int flags)
{
	long result = map_like(region, old, address, length, flags), error;

	if (result < 0)
		return result;
	error = copy_pages(region, (uint64_t)result, old,
			   old_length < length ? old_length : length);
	if (error) {
		emu_full_munmap((uint64_t)result, length);
		return error;
	}
	if (!(region->flags & (TERN_MAP_WRITE | TERN_REGION_MEMOBJ)))
		emu_full_mprotect((uint64_t)result, length, protection_of(region));
	emu_full_munmap(old, old_length);
	return result;
}

/* The pages behind the mapping are free: it grows where it is. */
static long grow(const struct tern_region *region, uint64_t old, uint64_t from, uint64_t to)
{
	long result = map_like(region, old + from, old + from, to - from, MAP_FIXED_NOREPLACE);

	if (result < 0)
		return result;
	if (!(region->flags & (TERN_MAP_WRITE | TERN_REGION_MEMOBJ)))
		emu_full_mprotect(old + from, to - from, protection_of(region));
	return (long)old;
}

static long remap_fixed(const struct tern_region *region, uint64_t old, uint64_t from, uint64_t to,
			uint64_t address)
{
	if (!is_valid(address, to) || (address < old + from && old < address + to))
		return -EINVAL;
	return move(region, old, from, address, to, MAP_FIXED);
}

long emu_full_mremap(uint64_t old, uint64_t old_length, uint64_t length, int flags,
		     uint64_t address)
{
	uint64_t from = emu_page_round(old_length), to = emu_page_round(length);
	struct tern_region region;
	long result = -ENOMEM;

	if (!is_valid(old, from) || !to || to < length || !from ||
	    flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED) ||
	    (flags & MREMAP_FIXED && !(flags & MREMAP_MAYMOVE)))
		return -EINVAL;
	if (tern_region_info(TERN_SELF_PROCESS, old, &region) || region.start > old)
		return -EFAULT;
	if (flags & MREMAP_FIXED)
		return remap_fixed(&region, old, from, to, address);
	if (to <= from) {
		result = to < from ? emu_full_munmap(old + to, from - to) : 0;
		return result ? result : (long)old;
	}
	if (!is_mapped(old, from))
		return -EFAULT;
	if (is_valid(old, to))
		result = grow(&region, old, from, to);
	if (result >= 0)
		return result;
	return flags & MREMAP_MAYMOVE ? move(&region, old, from, 0, to, 0) : -ENOMEM;
}

/* ------------------------------------------------------------------------------------ madvise */

/* Private memory is what it was before it was written to: it is mapped anew. */
static long discard_locked(const struct tern_region *region, uint64_t address, uint64_t length)
{
	struct emu_description *description = NULL;
	tern_handle memobj = 0;
	long result;

	if (!(region->flags & TERN_MAP_PRIVATE))
		return 0;
	if (region->flags & TERN_REGION_MEMOBJ) {
		description = emu_mapping_find(address, &memobj);
		if (!description)
			return 0;
	}
	result = tern_region_unmap(TERN_SELF_PROCESS, address, length);
	if (!result)
		result = tern_region_map(
			TERN_SELF_PROCESS, memobj,
			region->offset + (memobj ? address - region->start : 0), address, length,
			(region->flags & PROTECTION) | TERN_MAP_PRIVATE | TERN_MAP_FIXED);
	if (description)
		emu_description_put(description);
	return result < 0 ? result : 0;
}

static long discard(uint64_t address, uint64_t length)
{
	uint64_t end = address + length;
	struct tern_region region;
	long result = 0;

	emu_memory_lock();
	while (address < end && !result) {
		uint64_t stop;

		if (tern_region_info(TERN_SELF_PROCESS, address, &region) ||
		    region.start > address) {
			result = -ENOMEM;
			break;
		}
		stop = region.start + region.length < end ? region.start + region.length : end;
		result = discard_locked(&region, address, stop - address);
		address = stop;
	}
	emu_memory_unlock();
	return result;
}

long emu_full_madvise(uint64_t address, uint64_t length, int advice)
{
	if (!is_valid(address, length))
		return -EINVAL;
	if (!length)
		return 0;
	if (advice == MADV_DONTNEED)
		return discard(address, emu_page_round(length));
	if (!emu_is_hint(advice))
		return -EINVAL;
	return is_mapped(address, emu_page_round(length)) ? 0 : -ENOMEM;
}

/* --------------------------------------------------------------------------- msync and the rest */

long emu_msync(uint64_t address, uint64_t length, int flags)
{
	if (!is_valid(address, length) || flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	if (!is_mapped(address, emu_page_round(length)))
		return -ENOMEM;
	return flags & MS_SYNC ? emu_mapping_sync(address, emu_page_round(length)) : 0;
}

/* What a program can tell from this is a guess anyway: all that is mapped is said to be there. */
long emu_mincore(uint64_t address, uint64_t length, uint8_t *states)
{
	const uint8_t resident = 1;

	if (!is_valid(address, length))
		return -EINVAL;
	if (!is_mapped(address, emu_page_round(length)))
		return -ENOMEM;
	for (uint64_t i = 0; i < emu_page_round(length) / PAGE; i++)
		if (emu_copy_out(&states[i], &resident, 1))
			return -EFAULT;
	return 0;
}

long emu_mlock(uint64_t address, uint64_t length, int flags)
{
	uint64_t end = emu_page_round(address + length);

	(void)flags;
	length += address & (PAGE - 1);
	address &= ~(PAGE - 1);
	if (end < address || emu_page_round(length) < length)
		return -EINVAL;
	return is_valid(address, end - address) && is_mapped(address, end - address) ? 0 : -ENOMEM;
}

long emu_mlockall(int flags)
{
	return !flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) ? -EINVAL : 0;
}

long emu_munlockall(void)
{
	return 0;
}
