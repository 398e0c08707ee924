/*
 * Large pages against bytes. The memory of three blocks is cut into spans of very different lengths, at
 * places where something begins or ends to be large; operations are done to whole spans, and of each the
 * first and the last page hold a byte that the model knows. There is private memory and an
 * anonymous memobj, shared, both of that shape.
 */
#include "large.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/memobj.h"

#define BASE 0x40000000ul
#define SHARED 0x50000000ul
#define PROCESSES 3
#define SPANS (ARRAY_SIZE(starts) - 1)

/* In pages; the last one is the end. */
static const u32 starts[] = { 0, 1, 511, 512, 513, 700, 1023, 1024, 1026, 1535, 1536 };

struct span {
	u32 protection; /* 0: no access */
	bool is_mapped;
	u8 first, last;
};

struct program {
	struct process *process; /* NULL: none */
	struct span spans[ARRAY_SIZE(starts)];
	s64 handle;
};

static struct program programs[PROCESSES], *program;
static struct span shared[ARRAY_SIZE(starts)]; /* the memobj's bytes */
static u64 length, free_before;                /* in pages; pages */

static void expect(const char *what, s64 got, s64 expected)
{
	if (got == expected)
		return;
	fprintf(stderr, "large pages: %s: got %ld, expected %ld\n", what, got, expected);
	abort();
}

static void turn_to(struct program *next)
{
	program = next;
	world_enter(program->process);
}

static u64 address_of(u64 base, u64 span)
{
	return base + starts[span] * PAGE_SIZE;
}

static u64 last_page(u64 base, u64 span)
{
	return base + (starts[span + 1] - 1ul) * PAGE_SIZE;
}

static void map(u64 first, u64 end)
{
	bool is_free = true;

	for (u64 i = first; i < end; i++)
		is_free &= !program->spans[i].is_mapped;
	expect("mapping",
	       CALL(sys_region_map, TERN_SELF_PROCESS, 0, 0, address_of(BASE, first),
		    address_of(0, end) - address_of(0, first),
		    TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_PRIVATE | TERN_MAP_FIXED),
	       is_free ? (s64)address_of(BASE, first) : -EEXIST);
	for (u64 i = first; is_free && i < end; i++)
		program->spans[i] = (struct span){ TERN_MAP_READ | TERN_MAP_WRITE, true, 0, 0 };
}

static void unmap(u64 first, u64 end)
{
	expect("unmapping",
	       CALL(sys_region_unmap, TERN_SELF_PROCESS, address_of(BASE, first),
		    address_of(0, end) - address_of(0, first)),
	       0);
	for (u64 i = first; i < end; i++)
		program->spans[i] = (struct span){ 0 };
}

static void protect(u64 first, u64 end, u8 which)
{
	static const u32 protections[] = { 0, TERN_MAP_READ, TERN_MAP_READ | TERN_MAP_WRITE,
					   TERN_MAP_READ | TERN_MAP_WRITE };
	bool is_good = true;

	for (u64 i = first; i < end; i++)
		is_good &= program->spans[i].is_mapped;
	expect("protecting",
	       CALL(sys_region_protect, TERN_SELF_PROCESS, address_of(BASE, first),
		    address_of(0, end) - address_of(0, first), protections[which % 4]),
	       is_good ? 0 : -EFAULT);
	for (u64 i = first; is_good && i < end; i++)
		program->spans[i].protection = protections[which % 4];
}

/* All pages of the range, in their order: what is there then may be large. */
static void touch(u64 base, u64 first, u64 end)
{
	u8 byte;

	for (u64 at = address_of(base, first); at < address_of(base, end); at += PAGE_SIZE)
		(void)world_load(at, &byte);
}

static void store(u64 span, u8 byte)
{
	struct span *bytes = &program->spans[span];
	int error = bytes->protection & TERN_MAP_WRITE ? 0 : -EFAULT;

	expect("a store", world_store(address_of(BASE, span) + 5, byte), error);
	expect("a store", world_store(last_page(BASE, span) + 5, (u8)(byte ^ 1)), error);
	if (error)
		return;
	bytes->first = byte;
	bytes->last = byte ^ 1;
	if (last_page(BASE, span) == address_of(BASE, span))
		bytes->first = bytes->last;
}

static void compare(u64 address, u8 expected, int error)
{
	u8 byte;

	expect("a load", world_load(address + 5, &byte), error);
	if (!error)
		expect("a byte", byte, expected);
}

static void compare_span(u64 span)
{
	const struct span *bytes = &program->spans[span];
	int error = bytes->protection & TERN_MAP_READ ? 0 : -EFAULT;

	compare(address_of(BASE, span), bytes->first, error);
	compare(last_page(BASE, span), bytes->last, error);
}

/* -------------------------------------------------------------------------------- the memobj */

static void store_shared(u64 span, u8 byte)
{
	int error = starts[span + 1] <= length ? 0 : -ERANGE;

	if (error && starts[span] < length)
		return;
	expect("a shared store", world_store(address_of(SHARED, span) + 5, byte), error);
	expect("a shared store", world_store(last_page(SHARED, span) + 5, byte), error);
	if (!error)
		shared[span] = (struct span){ .first = byte, .last = byte };
}

static void compare_shared(u64 span)
{
	compare(address_of(SHARED, span), shared[span].first, starts[span] < length ? 0 : -ERANGE);
	compare(last_page(SHARED, span), shared[span].last,
		starts[span + 1] <= length ? 0 : -ERANGE);
}

static void set_length(u64 span)
{
	length = starts[span];
	expect("a length", CALL(sys_memobj_set_length, (u64)program->handle, length * PAGE_SIZE, 0),
	       0);
	for (u64 i = span; i < SPANS; i++)
		shared[i] = (struct span){ 0 };
}

static void punch(u64 first, u64 end)
{
	s64 result = CALL(sys_memobj_punch, (u64)program->handle, starts[first],
			  starts[end] - starts[first], 0);

	expect("punching", result < 0, 0);
	for (u64 i = first; i < end; i++)
		shared[i] = (struct span){ 0 };
}

/* The clone shows what was there, and a write to it is not seen. */
static void clone(u64 span, u8 byte)
{
	s64 handle = CALL(sys_memobj_clone, TERN_SELF_ACCOUNT, (u64)program->handle, 0, 0);
	struct memobj *memobj;
	paddr page;

	expect("its handle", memobj_resolve((u64)handle, 0, &memobj), 0);
	if (starts[span] < length) {
		store_shared(span, byte);
		expect("a page", memobj_get_page(memobj, starts[span] * PAGE_SIZE, &page), 0);
		((u8 *)phys_to_virt(page))[5] = (u8)~byte;
	}
	expect("closing", CALL(sys_handle_close, (u64)handle), 0);
}

/* -------------------------------------------------------------------------------- processes */

static void end_program(struct program *dead)
{
	world_kill(dead->process);
	dead->process = NULL;
}

static void fork_into(struct program *child)
{
	if (child == program)
		return;
	if (child->process) {
		end_program(child);
		turn_to(program);
	}
	*child = *program;
	child->process = world_fork();
	expect("a fork", child->process != NULL, 1);
}

static u32 count_in(const struct process *process)
{
	u32 count = 0;

	for (u64 at = 0; at < 3 * LARGE_PAGE_SIZE; at += LARGE_PAGE_SIZE) {
		count += page_table_find_large(process->space.root, BASE + at) != NULL;
		count += page_table_find_large(process->space.root, SHARED + at) != NULL;
	}
	return count;
}

u32 large_count(void)
{
	u32 count = 0;

	for (u32 i = 0; i < PROCESSES; i++)
		count += programs[i].process ? count_in(programs[i].process) : 0;
	return count;
}

/* ------------------------------------------------------------------------------- operations */

void large_do(const struct operation *operation)
{
	struct program *next = &programs[operation->kind / 16 % PROCESSES];
	u64 first = operation->a % SPANS, end = first + 1 + operation->b % (SPANS - first);

	if (next->process && operation->kind % 3)
		turn_to(next);
	switch (operation->kind % 16) {
	case 0:
		map(first, end);
		break;
	case 1:
		unmap(first, end);
		break;
	case 2:
		protect(first, end, operation->c);
		break;
	case 3:
		unmap(0, SPANS);
		map(0, SPANS);
		touch(BASE, 0, end);
		break;
	case 4:
		touch(BASE, first, end);
		break;
	case 5:
		touch(SHARED, first, end);
		break;
	case 6:
		fork_into(&programs[operation->a % PROCESSES]);
		break;
	case 7:
		set_length(operation->c % 2 ? SPANS : first);
		break;
	case 8:
		punch(first, operation->c % 2 ? SPANS : end);
		break;
	case 9:
		clone(first, operation->c);
		break;
	case 10:
	case 11:
		store_shared(first, operation->c);
		break;
	default:
		for (u64 i = first; i < end; i += 1 + operation->c % 4)
			store(i, (u8)(operation->c + i));
	}
	compare_span(operation->c % SPANS);
	compare_shared(operation->b % SPANS);
}

/* Who waits does so for memory that is on its way back. */
static void serve(void)
{
}

void large_begin(void)
{
	world_serve = serve;
	free_before = world_free_pages();
	program = &programs[0];
	program->process = world_process();
	memset(program->spans, 0, sizeof(program->spans));
	memset(shared, 0, sizeof(shared));
	length = starts[SPANS];
	program->handle = CALL(sys_memobj_create, TERN_SELF_ACCOUNT, length * PAGE_SIZE);
	expect("mapping it",
	       CALL(sys_region_map, TERN_SELF_PROCESS, (u64)program->handle, 0, SHARED,
		    length * PAGE_SIZE, TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_FIXED),
	       (s64)SHARED);
}

void large_end(void)
{
	for (u32 i = 0; i < PROCESSES; i++) {
		if (!programs[i].process)
			continue;
		turn_to(&programs[i]);
		for (u64 span = 0; span < SPANS; span++) {
			compare_span(span);
			compare_shared(span);
		}
		end_program(program);
	}
	program = NULL;
	expect("pages at the end", (s64)world_free_pages(), (s64)free_before);
}
