/* What mmap, mprotect and madvise mean to the kernel, for both profiles. */
#include "emu.h"

#include <sys/mman.h>

long emu_region_flags(int protection)
{
	if ((protection & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC))
		return -EACCES;
	return (protection & (PROT_READ | PROT_WRITE) ? TERN_MAP_READ : 0) |
	       (protection & PROT_WRITE ? TERN_MAP_WRITE : 0) |
	       (protection & PROT_EXEC ? TERN_MAP_EXECUTE : 0);
}

long emu_region_protect(uint64_t address, uint64_t length, int protection)
{
	long result = emu_region_flags(protection);

	if (result >= 0)
		result = tern_region_protect(TERN_SELF_PROCESS, address, length, (uint64_t)result);
	if (result == -EFAULT)
		return -ENOMEM;
	return result == -EPERM ? -EACCES : result;
}

bool emu_is_hint(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_FREE:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return true;
	default:
		return false;
	}
}
