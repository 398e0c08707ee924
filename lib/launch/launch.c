/*
 * A segment is made of up to three regions: whole pages that the memobj has at the right offset are
 * mapped as they are (shared until they are written); the other pages with bytes of the file are
 * copied; what follows is zeroed memory.
 */
#include "lib/launch/launch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/launch/elf.h"
#include "lib/launch/start_block.h"
#include "tern/event.h"
#include "tern/memory.h"
#include "tern/process.h"
#include "tern/thread.h"

#define PAGE TERN_PAGE_SIZE
#define BOUNCE (64ul << 10)
#define GUARD PAGE

static const char *const nothing[] = { NULL };

static uint64_t round_up(uint64_t length)
{
	return (length + PAGE - 1) & ~(PAGE - 1);
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* All `length` bytes, or an error. */
static int read_image(const struct launch_image *image, uint64_t offset, void *buffer,
		      uint64_t length)
{
	while (length) {
		tern_result count = tern_memobj_read(image->memobj, image->offset + offset, buffer,
						     length, 0);

		if (count == -EINTR)
			continue;
		if (count <= 0)
			return count ? (int)count : -EIO;
		buffer = (char *)buffer + count;
		offset += (uint64_t)count;
		length -= (uint64_t)count;
	}
	return 0;
}

static int write_memobj(tern_handle memobj, uint64_t offset, const void *buffer, uint64_t length)
{
	while (length) {
		tern_result count = tern_memobj_write(memobj, offset, buffer, length, 0);

		if (count == -EINTR)
			continue;
		if (count <= 0)
			return count ? (int)count : -EIO;
		buffer = (const char *)buffer + count;
		offset += (uint64_t)count;
		length -= (uint64_t)count;
	}
	return 0;
}

static int copy(const struct launch_image *image, uint64_t offset, tern_handle memobj, uint64_t to,
		uint64_t length)
{
	void *bounce = malloc(BOUNCE);
	int error = bounce ? 0 : -ENOMEM;

	while (length && !error) {
		uint64_t part = min(length, BOUNCE);

		error = read_image(image, offset, bounce, part);
		if (!error)
			error = write_memobj(memobj, to, bounce, part);
		offset += part;
		to += part;
		length -= part;
	}
	free(bounce);
	return error;
}

static int map(tern_handle process, tern_handle memobj, uint64_t offset, uint64_t address,
	       uint64_t length, uint32_t protection)
{
	tern_result result = tern_region_map(process, memobj, offset, address, length,
					     protection | TERN_MAP_FIXED | TERN_MAP_PRIVATE);

	return result < 0 ? (int)result : 0;
}

/* `length` bytes of the file, in pages of their own. */
static int map_copy(const struct launch *launch, tern_handle process,
		    const struct elf_segment *segment, uint64_t address, uint64_t length)
{
	uint64_t page = address & ~(PAGE - 1), size = round_up(address + length) - page;
	tern_handle memobj = tern_memobj_create(launch->account, size);
	int error;

	if (memobj < 0)
		return (int)memobj;
	error = copy(&launch->image, segment->offset + (address - segment->address), memobj,
		     address - page, length);
	if (!error)
		error = map(process, memobj, 0, page, size, segment->protection);
	tern_handle_close(memobj);
	return error;
}

/* How many bytes from the segment's start on can be mapped from the file itself: whole pages. */
static uint64_t shareable(const struct launch_image *image, const struct elf_segment *segment)
{
	if ((segment->address | (image->offset + segment->offset)) & (PAGE - 1))
		return 0;
	return segment->file_length & ~(PAGE - 1);
}

static int load_segment(const struct launch *launch, tern_handle process,
			const struct elf_segment *segment)
{
	uint64_t shared = shareable(&launch->image, segment), start = segment->address;
	uint64_t zeroes = round_up(start + segment->file_length);
	uint64_t end = round_up(start + segment->length);
	int error = 0;

	if (shared) {
		error = map(process, launch->image.memobj, launch->image.offset + segment->offset,
			    start, shared, segment->protection);
		if (error == -EPERM)
			shared = 0; /* the handle is not for executing: a copy, then */
		else if (error)
			return error;
	}
	error = 0;
	if (segment->file_length > shared)
		error = map_copy(launch, process, segment, start + shared,
				 segment->file_length - shared);
	else if (!segment->file_length)
		zeroes = start & ~(PAGE - 1);
	if (!error && zeroes < end)
		error = map(process, 0, 0, zeroes, end - zeroes, segment->protection);
	return error;
}

static int read_headers(const struct launch_image *image, struct elf_image *elf,
			const char **reason)
{
	uint64_t length = min(image->length, ELF_HEADERS_MAX);
	void *start = malloc(ELF_HEADERS_MAX);
	int error;

	if (!start)
		return -ENOMEM;
	error = read_image(image, 0, start, length);
	if (!error) {
		*reason = elf_parse(start, length, image->length, elf);
		if (!*reason && elf->is_relocatable)
			*reason = "not linked at a fixed address";
		error = *reason ? -ENOEXEC : 0;
	}
	free(start);
	return error;
}

/* The handles' values in the new process. */
static int give_handles(const struct launch *launch, tern_handle process,
			struct tern_start_handle *start_handles)
{
	for (unsigned int i = 0; i < launch->handle_count; i++) {
		const struct launch_handle *from = &launch->handles[i];
		size_t length = strlen(from->name);
		tern_result value;

		if (!length || length >= TERN_START_NAME_MAX)
			return -EINVAL;
		value = tern_handle_give(process,
					 from->handle == LAUNCH_SELF ? process : from->handle,
					 from->rights);
		if (value < 0)
			return (int)value;
		memset(&start_handles[i], 0, sizeof(start_handles[i]));
		memcpy(start_handles[i].name, from->name, length);
		start_handles[i].handle = value;
	}
	return 0;
}

/* Two processes that start at different times have different ones, which is all that is promised. */
static void make_random(const struct launch *launch, uint8_t *random)
{
	uint64_t state = tern_time() * 0x9e3779b97f4a7c15u;

	for (int i = 0; i < 16; i++) {
		state = (state ^ state >> 29) * 0xbf58476d1ce4e5b9u + (uint64_t)i;
		random[i] = launch->random ? launch->random[i] : (uint8_t)(state >> 56);
	}
}

/* The block's pages at the top, zeroed memory below, and a guard below that. */
static int map_stack(const struct launch *launch, tern_handle process, const void *block,
		     uint64_t size, const struct elf_image *elf)
{
	uint64_t length = launch->stack_length ? launch->stack_length
			  : elf->stack_length  ? elf->stack_length
					       : LAUNCH_STACK_DEFAULT;
	uint64_t bottom = LAUNCH_STACK_TOP - size - round_up(min(length, LAUNCH_STACK_MAX));
	tern_handle memobj = tern_memobj_create(launch->account, size);
	tern_result guard;
	int error;

	if (memobj < 0)
		return (int)memobj;
	error = write_memobj(memobj, 0, block, size);
	if (!error)
		error = map(process, memobj, 0, LAUNCH_STACK_TOP - size, size,
			    TERN_MAP_READ | TERN_MAP_WRITE);
	tern_handle_close(memobj);
	if (!error)
		error = map(process, 0, 0, bottom, LAUNCH_STACK_TOP - size - bottom,
			    TERN_MAP_READ | TERN_MAP_WRITE);
	if (error)
		return error;
	guard = tern_region_map(process, 0, 0, bottom - GUARD, GUARD,
				TERN_MAP_GUARD | TERN_MAP_FIXED);
	return guard < 0 ? (int)guard : 0;
}

/* Returns the stack pointer, or an error. */
static int64_t make_stack(const struct launch *launch, tern_handle process,
			  const struct elf_image *elf)
{
	struct tern_start_handle handles[LAUNCH_HANDLES_MAX];
	struct start_block block = { .arguments = launch->arguments,
				     .environment = launch->environment ? launch->environment
									: nothing,
				     .handles = handles,
				     .handle_count = launch->handle_count,
				     .image = elf };
	int64_t result = give_handles(launch, process, handles);
	uint64_t size, stack;
	void *buffer;

	if (result)
		return result;
	make_random(launch, block.random);
	size = round_up(start_block_size(&block));
	if (size > LAUNCH_BLOCK_MAX)
		return -E2BIG;
	buffer = calloc(1, size);
	if (!buffer)
		return -ENOMEM;
	stack = start_block_build(&block, buffer, size, LAUNCH_STACK_TOP);
	result = map_stack(launch, process, buffer, size, elf);
	free(buffer);
	return result ? result : (int64_t)stack;
}

static int fill_process(const struct launch *launch, tern_handle process,
			const struct elf_image *elf, tern_handle *thread)
{
	int64_t result = 0;

	for (unsigned int i = 0; i < elf->segment_count && !result; i++)
		result = load_segment(launch, process, &elf->segments[i]);
	if (!result)
		result = make_stack(launch, process, elf);
	if (result > 0)
		result = *thread = tern_thread_create(process, elf->entry, (uint64_t)result, 0, 0,
						      launch->priority);
	return result < 0 ? (int)result : 0;
}

int launch(const struct launch *launch, struct launched *launched)
{
	struct elf_image elf;
	int error;

	*launched = (struct launched){ 0 };
	if (launch->handle_count > LAUNCH_HANDLES_MAX)
		return -E2BIG;
	if (!launch->arguments || !launch->arguments[0])
		return -EINVAL;
	error = read_headers(&launch->image, &elf, &launched->reason);
	if (error)
		return error;
	launched->process = tern_process_create(launch->account);
	if (launched->process < 0)
		return (int)launched->process;
	error = fill_process(launch, launched->process, &elf, &launched->thread);
	if (error) {
		tern_process_kill(launched->process, 0);
		tern_handle_close(launched->process);
		*launched = (struct launched){ 0 };
	}
	return error;
}
