/*
 * Memory. Private anonymous mappings are the kernel's private zero-filled regions; shared ones
 * get a memobj, which the region alone keeps alive. emu keeps no list of what is mapped.
 */
#include "emu.h"

#include <sys/mman.h>

#define PAGE TERN_PAGE_SIZE

/* Held while a fixed mapping replaces another: nobody of ours may take the gap meanwhile. */
static struct emu_lock map_lock;

/* Without a break malloc uses mappings alone. */
long emu_brk(void)
{
	return -ENOMEM;
}

static long map(tern_handle memobj, uint64_t address, uint64_t length, uint64_t flags)
{
	long result = tern_region_map(TERN_SELF_PROCESS, memobj, 0, address, length, flags);

	if (result == -EINVAL && !(flags & TERN_MAP_FIXED))
		return -ENOMEM; /* longer than the address space */
	if (result > 0 && (uint64_t)result < EMU_LOWEST && !(flags & TERN_MAP_FIXED)) {
		tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)result, length);
		return -ENOMEM;
	}
	return result;
}

static long map_fixed(tern_handle memobj, uint64_t address, uint64_t length, uint64_t flags,
		      bool may_replace)
{
	long result = 0;

	if (address & (PAGE - 1) || address < EMU_LOWEST)
		return -EINVAL;
	if (may_replace)
		result = tern_region_unmap(TERN_SELF_PROCESS, address, length);
	return result ? result : map(memobj, address, length, flags | TERN_MAP_FIXED);
}

static long map_somewhere(uint64_t address, uint64_t length, uint64_t region, int flags)
{
	tern_handle memobj = 0;
	long result;

	if (flags & MAP_SHARED) {
		memobj = tern_memobj_create(TERN_SELF_ACCOUNT, length);
		if (memobj < 0)
			return -ENOMEM;
	} else {
		region |= TERN_MAP_PRIVATE;
	}
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		result = map_fixed(memobj, address, length, region, !(flags & MAP_FIXED_NOREPLACE));
	else
		result = map(memobj, address < EMU_LOWEST ? EMU_MAP_BASE : address & ~(PAGE - 1),
			     length, region);
	if (memobj)
		tern_handle_close(memobj);
	return result;
}

/* Anonymous memory alone; a profile with files looks at the others itself. */
long emu_mmap(uint64_t address, uint64_t length, int protection, int flags)
{
	long region = emu_region_flags(protection), result;

	if (!(flags & MAP_ANONYMOUS))
		return -ENODEV;
	if (!length || !(flags & (MAP_PRIVATE | MAP_SHARED)))
		return -EINVAL;
	if (emu_page_round(length) < length)
		return -ENOMEM;
	if (region < 0)
		return region;
	emu_lock(&map_lock);
	result = map_somewhere(address, emu_page_round(length), (uint64_t)region, flags);
	emu_unlock(&map_lock);
	return result;
}

long emu_munmap(uint64_t address, uint64_t length)
{
	if (address & (PAGE - 1) || !length || emu_page_round(length) < length)
		return -EINVAL;
	return tern_region_unmap(TERN_SELF_PROCESS, address, emu_page_round(length));
}

long emu_mprotect(uint64_t address, uint64_t length, int protection)
{
	if (address & (PAGE - 1))
		return -EINVAL;
	if (!length)
		return 0;
	if (emu_page_round(length) < length)
		return -ENOMEM;
	return emu_region_protect(address, emu_page_round(length), protection);
}

/* The pages go elsewhere: the kernel has no call that moves them, so they are copied. */
static long move(uint64_t old, uint64_t old_length, uint64_t length)
{
	long result = emu_mmap(0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	if (result < 0)
		return result;
	__builtin_memcpy((void *)result, (const void *)old, old_length);
	emu_munmap(old, old_length);
	return result;
}

/* Of writable anonymous memory. */
long emu_mremap(uint64_t old, uint64_t old_length, uint64_t length, int flags)
{
	uint64_t from = emu_page_round(old_length), to = emu_page_round(length);
	long result;

	if (old & (PAGE - 1) || !to || !from || to < length || flags & ~MREMAP_MAYMOVE)
		return -EINVAL;
	if (to <= from) {
		result = to < from ? emu_munmap(old + to, from - to) : 0;
		return result ? result : (long)old;
	}
	if (tern_touch((const void *)(old + from - PAGE), PAGE, 1))
		return -EFAULT;
	result = emu_mmap(old + from, to - from, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE);
	if (result >= 0)
		return (long)old;
	return flags & MREMAP_MAYMOVE ? move(old, from, to) : -ENOMEM;
}

/* Hints may be ignored; advice that changes contents may not. */
long emu_madvise(uint64_t address, uint64_t length, int advice)
{
	(void)length;
	return address & (PAGE - 1) || !emu_is_hint(advice) ? -EINVAL : 0;
}
