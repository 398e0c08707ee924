/*
 * The program's memory: mmap and what belongs to it. The kernel knows what is mapped; what shows a file
 * is known to emu as well (files.h), because the file must stay open and msync must find it.
 *
 * Where a call replaces what is mapped there is a gap for a moment. The lock keeps emu's other calls out
 * of it; a thread of the program that touches memory while another one replaces it has no promise
 * anyway.
 */
#include "emu_full.h"

#include <string.h>
#include <sys/mman.h>

#include "calls.h"

#define PAGE TERN_PAGE_SIZE

static struct emu_lock memory_lock; /* protects the break, and the program's regions */
static uint64_t break_start, break_end;

void emu_memory_lock(void)
{
	emu_lock(&memory_lock);
}

void emu_memory_unlock(void)
{
	emu_unlock(&memory_lock);
}

static bool is_programs(uint64_t address, uint64_t length)
{
	return address < EMU_PROGRAM_END && length <= EMU_PROGRAM_END - address;
}

/* First the kernel, which may have no memory for a region's second half: then the file stays mapped, and open. */
static long unmap_locked(uint64_t address, uint64_t length)
{
	long result = tern_region_unmap(TERN_SELF_PROCESS, address, length);

	if (!result)
		emu_mapping_remove(address, length);
	return result;
}

/* ---------------------------------------------------------------------------------- the break */

void emu_memory_exec(uint64_t address)
{
	break_start = break_end = emu_page_round(address);
}

static void move_break_locked(uint64_t address)
{
	uint64_t old = emu_page_round(break_end), new = emu_page_round(address);

	if (new < old && unmap_locked(new, old - new))
		return;
	if (new > old && !emu_may_map(new - old, true))
		return;
	if (new > old &&
	    tern_region_map(TERN_SELF_PROCESS, 0, 0, old, new - old,
			    TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_PRIVATE | TERN_MAP_FIXED) < 0)
		return;
	break_end = address;
}

/* Answers the break; the old one if it could not be moved. */
long emu_full_brk(uint64_t address)
{
	long result;

	emu_lock(&memory_lock);
	if (address >= break_start && address < EMU_PROGRAM_MAP)
		move_break_locked(address);
	result = (long)break_end;
	emu_unlock(&memory_lock);
	return result;
}

/* ------------------------------------------------------------------------------------ mapping */

struct request {
	uint64_t address, length, offset;
	tern_handle memobj;
	uint64_t region; /* the kernel's flags */
	int protection, flags;
};

static long map_free_locked(const struct request *request)
{
	uint64_t hint = request->address < EMU_LOWEST || request->address >= EMU_PROGRAM_END
				? EMU_PROGRAM_MAP
				: request->address & ~(PAGE - 1);
	long result = tern_region_map(TERN_SELF_PROCESS, request->memobj, request->offset, hint,
				      request->length, request->region);

	if (result == -EINVAL)
		return -ENOMEM; /* longer than the address space */
	if (result > 0 &&
	    ((uint64_t)result < EMU_LOWEST || !is_programs((uint64_t)result, request->length))) {
		tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)result, request->length);
		return -ENOMEM;
	}
	return result;
}

static long map_fixed_locked(const struct request *request)
{
	long result = 0;

	if (request->address & (PAGE - 1))
		return -EINVAL;
	if (request->address < EMU_LOWEST)
		return -EPERM;
	if (!is_programs(request->address, request->length))
		return -ENOMEM;
	if (!(request->flags & MAP_FIXED_NOREPLACE))
		result = unmap_locked(request->address, request->length);
	return result ? result
		      : tern_region_map(TERN_SELF_PROCESS, request->memobj, request->offset,
					request->address, request->length,
					request->region | TERN_MAP_FIXED);
}

static long map_locked(const struct request *request)
{
	if (request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		return map_fixed_locked(request);
	return map_free_locked(request);
}

/* Shared anonymous memory is a memobj, which the region alone keeps alive. */
static long map_anonymous(struct request *request)
{
	long result;

	if ((request->flags & MAP_TYPE) != MAP_PRIVATE) {
		request->memobj = tern_memobj_create(TERN_SELF_ACCOUNT, request->length);
		if (request->memobj < 0)
			return -ENOMEM;
	}
	emu_lock(&memory_lock);
	result = map_locked(request);
	emu_unlock(&memory_lock);
	if (request->memobj)
		tern_handle_close(request->memobj);
	return result;
}

static long map_file_locked(struct request *request, const struct emu_mappable *file)
{
	long result, error;

	request->memobj = file->memobj;
	result = map_locked(request);
	if (result < 0)
		return result == -EPERM ? -EACCES : result;
	error = emu_mapping_add((uint64_t)result, request->length, file->description);
	if (!error)
		return result;
	tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)result, request->length);
	return error;
}

static long map_file(struct request *request, int descriptor)
{
	struct emu_mappable file;
	long result = emu_map_descriptor(descriptor, request->protection, request->flags, &file);

	if (result)
		return result;
	if (!file.memobj) {
		emu_mappable_release(&file);
		request->offset = 0;
		return map_anonymous(request);
	}
	emu_lock(&memory_lock);
	result = map_file_locked(request, &file);
	emu_unlock(&memory_lock);
	emu_mappable_release(&file);
	return result;
}

long emu_full_mmap(uint64_t address, uint64_t length, int protection, int flags, int descriptor,
		   uint64_t offset)
{
	struct request request = { .address = address,
				   .length = emu_page_round(length),
				   .offset = offset,
				   .protection = protection,
				   .flags = flags };
	int type = flags & MAP_TYPE;
	long region = emu_region_flags(protection);

	if (!length || offset & (PAGE - 1) ||
	    (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE))
		return -EINVAL;
	if (request.length < length)
		return -ENOMEM;
	if (offset + request.length < offset)
		return -EOVERFLOW;
	if (region < 0)
		return region;
	request.region = (uint64_t)region | (type == MAP_PRIVATE ? TERN_MAP_PRIVATE : 0);
	if (!emu_may_map(request.length, type == MAP_PRIVATE && protection & PROT_WRITE))
		return -ENOMEM;
	if (flags & MAP_ANONYMOUS) {
		request.offset = 0;
		return map_anonymous(&request);
	}
	return map_file(&request, descriptor);
}

long emu_full_munmap(uint64_t address, uint64_t length)
{
	uint64_t end = address + emu_page_round(length);
	long result;

	if (address & (PAGE - 1) || !length || emu_page_round(length) < length ||
	    !is_programs(address, emu_page_round(length)))
		return -EINVAL;
	if (address < PAGE) /* nothing is ever there */
		address = PAGE;
	if (address == end)
		return 0;
	emu_lock(&memory_lock);
	result = unmap_locked(address, end - address);
	emu_unlock(&memory_lock);
	return result;
}

long emu_full_mprotect(uint64_t address, uint64_t length, int protection)
{
	if (address & (PAGE - 1))
		return -EINVAL;
	if (!length)
		return 0;
	if (emu_page_round(length) < length || !is_programs(address, emu_page_round(length)))
		return -ENOMEM;
	return emu_region_protect(address, emu_page_round(length), protection);
}
