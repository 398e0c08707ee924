/*
 * Threads and child processes. A child has the same program: its segments come from this
 * program's own ELF file in the boot bundle, from which each child has private copies of what it
 * writes.
 */
#include "rt.h"

#define STACK_SIZE (8 * RT_PAGE)
#define CHILD_STACK_TOP 0x7f00000000ul
#define SEGMENTS_MAX 8
#define BLOCK 512
#define POLL_NS 50000
#define FLAG_X 1
#define FLAG_W 2
#define FLAG_R 4

void rt_thread_start(void);

struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, program_offset, section_offset;
	uint32_t flags;
	uint16_t header_size, program_size, program_count;
};

struct elf_program {
	uint32_t type, flags;
	uint64_t offset, address, physical, file_size, memory_size, align;
};

struct segment {
	const struct elf_program *program;
	tern_handle memobj;
};

static struct segment segments[SEGMENTS_MAX];
static unsigned int segment_count;
static const char *image;

/* ------------------------------------------------------------------------------- threads */

static void thread_body(uint64_t argument)
{
	struct rt_thread *thread = (struct rt_thread *)argument;

	thread->function(thread->argument);
	tern_thread_exit(&thread->running);
}

void rt_thread(struct rt_thread *thread, rt_function *function, uint64_t argument,
	       unsigned int priority)
{
	thread->function = function;
	thread->argument = argument;
	thread->running = 1;
	thread->stack = rt_map(STACK_SIZE);
	thread->handle = tern_thread_create(TERN_SELF_PROCESS, (uint64_t)rt_thread_start,
					    (uint64_t)thread->stack + STACK_SIZE, (uint64_t)thread,
					    (uint64_t)thread_body, priority);
	rt_require(thread->handle > 0, "thread");
}

void rt_discard(struct rt_thread *thread)
{
	tern_handle_close(thread->handle);
	rt_unmap(thread->stack, STACK_SIZE);
}

void rt_join(struct rt_thread *thread)
{
	while (thread->running)
		tern_futex_wait(&thread->running, 1, TERN_DEADLINE_NONE);
	rt_discard(thread);
}

/* ----------------------------------------------------------------------------- processes */

static uint64_t parse_octal(const char *text)
{
	uint64_t value = 0;

	while (*text >= '0' && *text <= '7')
		value = value * 8 + (uint64_t)(*text++ - '0');
	return value;
}

/* The file `init` in the bundle, which is this program. */
static const char *find_image(const char *bundle, uint64_t length)
{
	for (uint64_t at = 0; at + BLOCK <= length;) {
		uint64_t size = parse_octal(bundle + at + 124);

		if (!memcmp(bundle + at, "init", 5))
			return bundle + at + BLOCK;
		at += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
	}
	return NULL;
}

static uint64_t pages(uint64_t length)
{
	return (length + RT_PAGE - 1) / RT_PAGE * RT_PAGE;
}

/* A memobj with the segment's contents. */
static tern_handle fill_segment(const struct elf_program *program)
{
	uint64_t length = pages(program->memory_size);
	tern_handle memobj = tern_memobj_create(0, length);
	tern_result address = tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, length,
					      TERN_MAP_READ | TERN_MAP_WRITE);

	rt_require(memobj > 0 && address > 0, "memory for a segment");
	if (tern_touch((void *)address, program->file_size, 1) == 0)
		memcpy((void *)address, image + program->offset, program->file_size);
	rt_unmap((void *)address, length);
	return memobj;
}

void rt_prepare(void)
{
	const struct elf_header *header;
	const struct elf_program *programs;
	tern_result address;

	if (segment_count)
		return;
	address = tern_region_map(TERN_SELF_PROCESS, rt_boot->bundle, 0, 0,
				  pages(rt_boot->bundle_length), TERN_MAP_READ);
	rt_require(address > 0, "mapping the boot bundle");
	image = find_image((const char *)address, rt_boot->bundle_length);
	rt_require(image, "finding init in the boot bundle");
	header = (const struct elf_header *)image;
	programs = (const struct elf_program *)(image + header->program_offset);
	for (unsigned int i = 0; i < header->program_count; i++) {
		if (programs[i].type != 1 || !programs[i].memory_size)
			continue;
		rt_require(segment_count < SEGMENTS_MAX, "segments");
		segments[segment_count].program = &programs[i];
		segments[segment_count++].memobj = fill_segment(&programs[i]);
	}
}

static tern_result map_segment(tern_handle process, const struct segment *segment)
{
	const struct elf_program *program = segment->program;
	uint64_t flags = TERN_MAP_FIXED | TERN_MAP_PRIVATE |
			 (program->flags & FLAG_R ? TERN_MAP_READ : 0) |
			 (program->flags & FLAG_W ? TERN_MAP_WRITE : 0) |
			 (program->flags & FLAG_X ? TERN_MAP_EXECUTE : 0);

	return tern_region_map(process, segment->memobj, 0, program->address,
			       pages(program->memory_size), flags);
}

static tern_result map_stack(tern_handle process)
{
	return tern_region_map(process, 0, 0, CHILD_STACK_TOP - STACK_SIZE, STACK_SIZE,
			       TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_FIXED | TERN_MAP_PRIVATE);
}

tern_handle rt_process(tern_handle account)
{
	tern_handle process;
	tern_result result = 0;

	rt_prepare();
	process = tern_process_create(account);
	if (process < 0)
		return process;
	for (unsigned int i = 0; i < segment_count && result >= 0; i++)
		result = map_segment(process, &segments[i]);
	if (result >= 0)
		result = map_stack(process);
	if (result < 0) {
		tern_process_kill(process, 1);
		tern_handle_close(process);
		return result;
	}
	return process;
}

tern_handle rt_run(tern_handle process, rt_function *function, uint64_t argument,
		   unsigned int priority)
{
	return tern_thread_create(process, (uint64_t)rt_thread_start, CHILD_STACK_TOP, argument,
				  (uint64_t)function, priority);
}

tern_handle rt_give(tern_handle process, tern_handle handle)
{
	tern_handle given = tern_handle_give(process, handle, TERN_RIGHTS_ALL);

	rt_require(given > 0, "giving a handle");
	return given;
}

uint32_t rt_wait_process(tern_handle process)
{
	tern_result status;

	uint32_t word = 0;

	/* Sleep: the child's priority may be lower. */
	while ((status = tern_process_status(process)) == TERN_PROCESS_RUNNING)
		tern_futex_wait(&word, 0, tern_time() + POLL_NS);
	return (uint32_t)status;
}
