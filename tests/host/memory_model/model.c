/* The model, see model.h. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROCESSES 3
#define SLOTS 4
#define WINDOW 12                                 /* pages of each process's memory */
#define BASE (0x10000000ul - 5 * PAGE_SIZE)       /* across the border of a page table */
#define SCRATCH (BASE + (WINDOW + 8) * PAGE_SIZE) /* more memory, for buffers */
#define PAGES 8                                   /* of a memobj, at most */
#define BYTES (PAGES * PAGE_SIZE)

struct file {
	u32 holders; /* the slot, and pages that show it */
	bool is_paged;
	s64 pagers_handle;
	u64 length;
	u8 bytes[BYTES];
	u8 disk[BYTES];
};

/* A page of a process's memory. */
struct place {
	bool is_mapped, is_guard, is_private, is_own;
	u32 protection;
	struct file *file;
	u64 index;
	u8 bytes[PAGE_SIZE]; /* own ones */
};

struct program {
	struct process *process; /* NULL: none */
	struct place places[WINDOW];
	s64 handles[SLOTS];
};

static struct program programs[PROCESSES];
static struct program *program; /* whose turn it is */
static struct file *slots[SLOTS];
static struct file *paged[64]; /* all that there are */
static u64 free_before;

static void require(bool condition, const char *what, s64 got, s64 expected)
{
	if (condition)
		return;
	fprintf(stderr, "the kernel disagrees: %s: got %ld, expected %ld\n", what, got, expected);
	abort();
}

static void expect(const char *what, s64 got, s64 expected)
{
	require(got == expected, what, got, expected);
}

/* ------------------------------------------------------------------------------------- files */

static void file_drop(struct file *file)
{
	struct program *turn = program;

	if (!file || --file->holders)
		return;
	if (file->is_paged) {
		world_as_pager();
		expect("closing", CALL(sys_handle_close, (u64)file->pagers_handle), 0);
		for (u32 i = 0; i < ARRAY_SIZE(paged); i++)
			if (paged[i] == file)
				paged[i] = NULL;
	}
	free(file);
	if (turn && turn->process)
		world_enter(turn->process);
}

static void serve(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(paged); i++)
		if (paged[i]) {
			world_answer(paged[i]->pagers_handle, paged[i]->disk);
			world_clean(paged[i]->pagers_handle, paged[i]->disk);
		}
}

static void turn_to(struct program *next)
{
	program = next;
	world_enter(program->process);
}

/* The slot's old memobj is given up by all, and they get handles to the new one, `handle` here. */
static void enter_slot(u32 slot, struct file *file, s64 handle)
{
	struct program *turn = program;
	struct memobj *memobj;

	require(handle > 0, "a memobj", handle, 1);
	expect("its handle", memobj_resolve((u64)handle, 0, &memobj), 0);
	for (u32 i = 0; i < PROCESSES; i++) {
		if (!programs[i].process)
			continue;
		turn_to(&programs[i]);
		if (slots[slot])
			expect("closing", CALL(sys_handle_close, (u64)program->handles[slot]), 0);
		program->handles[slot] = handle;
		if (program == turn)
			continue;
		object_get(&memobj->object);
		program->handles[slot] = memobj_insert(memobj);
	}
	turn_to(turn);
	file_drop(slots[slot]);
	slots[slot] = file;
	file->holders++;
}

static struct file *file_create(u64 length)
{
	struct file *file = calloc(1, sizeof(*file));

	file->length = length;
	return file;
}

static void create_anonymous(u32 slot, u64 length)
{
	enter_slot(slot, file_create(length), CALL(sys_memobj_create, TERN_SELF_ACCOUNT, length));
}

static void create_paged(u32 slot, u64 length, u8 seed)
{
	struct file *file = file_create(length);
	s64 handle;

	file->is_paged = true;
	for (u64 i = 0; i < length; i++)
		file->disk[i] = file->bytes[i] = (u8)(seed + i / 3 + i / PAGE_SIZE * 7);
	handle = world_create_paged(length, &file->pagers_handle);
	for (u32 i = 0; i < ARRAY_SIZE(paged); i++)
		if (!paged[i]) {
			paged[i] = file;
			break;
		}
	expect("a limit", CALL(sys_memobj_set_limit, (u64)handle, BYTES), 0);
	enter_slot(slot, file, handle);
}

static void set_length(u32 slot, u64 length)
{
	struct file *file = slots[slot];

	if (length < file->length) {
		memset(file->bytes + length, 0, BYTES - length);
		memset(file->disk + length, 0, BYTES - length);
	}
	file->length = length;
	expect("a length", CALL(sys_memobj_set_length, (u64)program->handles[slot], length, 0), 0);
}

static void punch(u32 slot, u64 first, u64 count)
{
	struct file *file = slots[slot];
	u64 end = min_u64(first + count, PAGES);
	s64 result = CALL(sys_memobj_punch, (u64)program->handles[slot], first, count, 0);

	require(result >= 0, "punching", result, 0);
	if (first < end)
		memcpy(file->bytes + first * PAGE_SIZE, file->disk + first * PAGE_SIZE,
		       (end - first) * PAGE_SIZE);
}

static void clone(u32 from, u32 to)
{
	struct file *file;
	s64 handle = CALL(sys_memobj_clone, TERN_SELF_ACCOUNT, (u64)program->handles[from], 0, 0);

	if (slots[from]->is_paged) {
		expect("cloning what is paged", handle, -EINVAL);
		return;
	}
	file = file_create(slots[from]->length);
	memcpy(file->bytes, slots[from]->bytes, BYTES);
	enter_slot(to, file, handle);
}

static void query(u32 slot)
{
	u8 states[PAGES];
	s64 result = CALL(sys_memobj_query, (u64)program->handles[slot], 0, PAGES, SCRATCH);

	expect("asking", result, 0);
	for (u64 i = 0; i < PAGES; i++) {
		expect("the answer", world_load(SCRATCH + i, &states[i]), 0);
		require(!states[i] || i * PAGE_SIZE < slots[slot]->length, "a page beyond the end",
			states[i], 0);
	}
}

/* ------------------------------------------------------------------------------ address space */

static void place_drop(struct place *place)
{
	file_drop(place->file);
	memset(place, 0, offsetof(struct place, bytes));
}

static u64 address_of(u64 page)
{
	return BASE + page * PAGE_SIZE;
}

/* Mostly all that there is. */
static const u32 protections[] = { TERN_MAP_READ | TERN_MAP_WRITE,
				   TERN_MAP_READ | TERN_MAP_WRITE,
				   TERN_MAP_READ | TERN_MAP_WRITE,
				   TERN_MAP_READ | TERN_MAP_WRITE,
				   TERN_MAP_READ,
				   0 };

static bool range_is_free(u64 page, u64 count)
{
	for (u64 i = page; i < page + count; i++)
		if (program->places[i].is_mapped)
			return false;
	return true;
}

/* c: what, and with which protection; slot: of a memobj, if any. */
static void map(u64 page, u64 count, u8 what, u32 slot, u64 index)
{
	bool is_guard = what % 8 == 0, is_private = what & 8, has_file = !is_guard && what % 8 < 6;
	u32 protection = is_guard ? 0 : protections[what / 16 % 6];
	struct file *file = has_file || !is_private ? slots[slot] : NULL;
	u64 flags = TERN_MAP_FIXED | (is_guard ? TERN_MAP_GUARD : protection) |
		    (is_private && !is_guard ? TERN_MAP_PRIVATE : 0);
	bool is_free = range_is_free(page, count);
	s64 result;

	if (is_guard)
		file = NULL;
	result = CALL(sys_region_map, TERN_SELF_PROCESS, file ? (u64)program->handles[slot] : 0,
		      file ? index * PAGE_SIZE : 0, address_of(page), count * PAGE_SIZE, flags);
	expect("mapping", result, is_free ? (s64)address_of(page) : -EEXIST);
	for (u64 i = 0; is_free && i < count; i++) {
		struct place *place = &program->places[page + i];

		place->is_mapped = true;
		place->is_guard = is_guard;
		place->is_private = is_private && !is_guard;
		place->protection = protection;
		place->file = file;
		place->index = index + i;
		if (file)
			file->holders++;
	}
}

static void unmap(u64 page, u64 count)
{
	expect("unmapping",
	       CALL(sys_region_unmap, TERN_SELF_PROCESS, address_of(page), count * PAGE_SIZE), 0);
	for (u64 i = page; i < page + count; i++)
		place_drop(&program->places[i]);
}

static void protect(u64 page, u64 count, u8 which)
{
	u32 protection = protections[which % 6];
	bool is_good = true;

	for (u64 i = page; i < page + count; i++)
		is_good &= program->places[i].is_mapped && !program->places[i].is_guard;
	expect("protecting",
	       CALL(sys_region_protect, TERN_SELF_PROCESS, address_of(page), count * PAGE_SIZE,
		    protection),
	       is_good ? 0 : -EFAULT);
	for (u64 i = page; is_good && i < page + count; i++)
		program->places[i].protection = protection;
}

/* What an access of that kind finds: the bytes, or NULL and why not. */
static u8 *access_page(u64 page, bool is_write, int *error)
{
	struct place *place = &program->places[page];
	u64 at = place->index * PAGE_SIZE;

	*error = -EFAULT;
	if (!place->is_mapped || !(place->protection & (is_write ? TERN_MAP_WRITE : TERN_MAP_READ)))
		return NULL;
	*error = 0;
	if (place->is_own)
		return place->bytes;
	if (place->file && at >= place->file->length) {
		*error = -ERANGE;
		return NULL;
	}
	if (place->file && !(place->is_private && is_write))
		return place->file->bytes + at;
	place->is_own = true;
	if (place->file)
		memcpy(place->bytes, place->file->bytes + at, PAGE_SIZE);
	else
		memset(place->bytes, 0, PAGE_SIZE);
	return place->bytes;
}

/* May the program store there without the file's bytes beyond its end coming into it? */
static bool is_inside(u64 page, u64 offset)
{
	const struct place *place = &program->places[page];

	return !place->is_mapped || place->is_private || !place->file ||
	       place->index * PAGE_SIZE + offset < place->file->length;
}

static void store(u64 page, u64 offset, u8 byte)
{
	u8 *bytes;
	int error;

	if (!is_inside(page, offset))
		return;
	bytes = access_page(page, true, &error);
	expect("a store", world_store(address_of(page) + offset, byte), error);
	if (bytes)
		bytes[offset] = byte;
}

static void load(u64 page, u64 offset)
{
	int error;
	const u8 *bytes = access_page(page, false, &error);
	u8 byte = 0;

	expect("a load", world_load(address_of(page) + offset, &byte), error);
	if (bytes)
		expect("a byte", byte, bytes[offset]);
}

static void compare_page(u64 page)
{
	u8 byte, *bytes;
	int error;

	bytes = access_page(page, false, &error);
	expect("a page", world_load(address_of(page), &byte), error);
	for (u64 i = 0; bytes && i < PAGE_SIZE; i += 1 + i % 5) {
		expect("a page", world_load(address_of(page) + i, &byte), 0);
		require(byte == bytes[i], "a page's byte", byte, bytes[i]);
	}
}

/* -------------------------------------------------------------------------- reading and writing */

static u64 step_of(u64 offset, u64 address, u64 left)
{
	u64 a = PAGE_SIZE - offset % PAGE_SIZE, b = PAGE_SIZE - address % PAGE_SIZE;

	return min_u64(left, min_u64(a, b));
}

/* Does the window show pages there that the transfer works on at its other end? */
static bool overlaps(u64 page, u64 length, const struct file *file)
{
	for (u64 i = page; i < WINDOW && i <= page + length / PAGE_SIZE + 1; i++)
		if (program->places[i].file == file && !program->places[i].is_own)
			return true;
	return false;
}

static s64 model_write(struct file *file, u64 offset, u64 address, u64 left)
{
	s64 done = 0;

	while (left) {
		u64 page = (address - BASE) / PAGE_SIZE, step = step_of(offset, address, left);
		int error;
		const u8 *bytes = access_page(page, false, &error);

		if (!bytes)
			return done ? done : -EFAULT;
		if (offset >= BYTES)
			return done ? done : -ENOSPC;
		memcpy(file->bytes + offset, bytes + address % PAGE_SIZE, step);
		file->length = max_u64(file->length, offset + step);
		offset += step;
		address += step;
		left -= step;
		done += (s64)step;
	}
	return done;
}

static void write(u32 slot, u64 offset, u64 page, u64 shift, u64 length)
{
	u64 address = address_of(page) + shift;
	struct file *file = slots[slot];

	if (address + length > address_of(WINDOW) || offset + length > BYTES ||
	    overlaps(page, length, file))
		return;
	expect("a write",
	       CALL(sys_memobj_write, (u64)program->handles[slot], offset, address, length, 0),
	       model_write(file, offset, address, length));
}

static s64 model_read(const struct file *file, u64 offset, u64 address, u64 left)
{
	s64 done = 0;

	while (left) {
		u64 page = (address - BASE) / PAGE_SIZE, step = step_of(offset, address, left);
		int error;
		u8 *bytes = access_page(page, true, &error);

		if (!bytes)
			return done ? done : -EFAULT;
		if (offset >= file->length)
			return done;
		step = min_u64(step, file->length - offset);
		memcpy(bytes + address % PAGE_SIZE, file->bytes + offset, step);
		offset += step;
		address += step;
		left -= step;
		done += (s64)step;
	}
	return done;
}

static void read(u32 slot, u64 offset, u64 page, u64 shift, u64 length)
{
	u64 address = address_of(page) + shift;

	if (address + length > address_of(WINDOW) || overlaps(page, length, slots[slot]))
		return;
	for (u64 i = page; i < WINDOW && address_of(i) < address + length; i++)
		if (!is_inside(i, PAGE_SIZE - 1))
			return;
	expect("a read",
	       CALL(sys_memobj_read, (u64)program->handles[slot], offset, address, length, 0),
	       model_read(slots[slot], offset, address, length));
}

/* From memory that only this writes to. */
static void write_new(u32 slot, u64 offset, u64 length, u8 seed)
{
	struct file *file = slots[slot];

	if (offset + length > BYTES)
		return;
	for (u64 i = 0; i < length; i += PAGE_SIZE / 4)
		expect("filling", world_store(SCRATCH + i, (u8)(seed + i / 64)), 0);
	for (u64 i = 0; i < length; i++) {
		u8 byte;

		/* Mostly what was written there before. */
		expect("filling", world_load(SCRATCH + i, &byte), 0);
		file->bytes[offset + i] = byte;
	}
	if (length)
		file->length = max_u64(file->length, offset + length);
	expect("a write",
	       CALL(sys_memobj_write, (u64)program->handles[slot], offset, SCRATCH, length, 0),
	       (s64)length);
}

/* ---------------------------------------------------------------------------------- processes */

static void end_program(struct program *dead)
{
	world_kill(dead->process);
	dead->process = NULL;
	for (u64 i = 0; i < WINDOW; i++)
		place_drop(&dead->places[i]);
}

static void fork_into(struct program *child)
{
	struct process *process;

	if (child == program)
		return;
	if (child->process) {
		end_program(child);
		turn_to(program);
	}
	process = world_fork();
	require(process, "a fork", 0, 1);
	*child = *program;
	child->process = process;
	for (u64 i = 0; i < WINDOW; i++)
		if (child->places[i].file)
			child->places[i].file->holders++;
}

static void compare_all(void)
{
	for (u32 i = 0; i < PROCESSES; i++) {
		if (!programs[i].process)
			continue;
		turn_to(&programs[i]);
		for (u64 page = 0; page < WINDOW; page++)
			compare_page(page);
	}
	for (u32 slot = 0; slot < SLOTS; slot++) {
		expect("a length",
		       CALL(sys_memobj_info, (u64)program->handles[slot], TERN_MEMOBJ_LENGTH),
		       (s64)slots[slot]->length);
		for (u64 at = 0; at < slots[slot]->length; at += PAGE_SIZE) {
			u64 length = min_u64(PAGE_SIZE, slots[slot]->length - at);
			u8 byte;

			expect("reading all",
			       CALL(sys_memobj_read, (u64)program->handles[slot], at, SCRATCH,
				    PAGE_SIZE, 0),
			       (s64)length);
			for (u64 i = 0; i < length; i += 1 + i % 5) {
				expect("reading all", world_load(SCRATCH + i, &byte), 0);
				expect("a byte of a memobj", byte, slots[slot]->bytes[at + i]);
			}
		}
	}
}

/* ---------------------------------------------------------------------------------- operations */

static u64 count_in(u64 first, u64 wanted, u64 limit)
{
	return min_u64(1 + wanted, limit - first);
}

static void do_memobj(const struct operation *operation)
{
	u32 slot = operation->a % SLOTS, other = operation->b % SLOTS;
	u64 handle = (u64)program->handles[slot];

	switch (operation->kind % 8) {
	case 0:
		if (operation->c & 8)
			set_length(slot, BYTES);
		else
			set_length(slot,
				   min_u64(operation->b % 33 * 1024u + operation->c % 3, BYTES));
		break;
	case 1:
		punch(slot, operation->b % PAGES, operation->c % PAGES);
		break;
	case 2:
		if (slots[slot]->is_paged)
			require(CALL(sys_memobj_evict, handle, 0, PAGES, 0) >= 0, "evicting", 0, 0);
		break;
	case 3:
		if (slots[slot]->is_paged) {
			world_as_pager();
			world_clean(slots[slot]->pagers_handle, slots[slot]->disk);
			turn_to(program);
		}
		break;
	case 4:
		clone(slot, other);
		break;
	case 5:
		if (operation->c % 8 == 1)
			create_paged(slot, (u64)(operation->b % 33) * 1024, operation->c);
		else if (operation->c % 8 == 0)
			create_anonymous(slot, (u64)(operation->b % 33) * 1024);
		break;
	case 6:
		query(slot);
		break;
	default:
		hart_set_attention(arch_hart(), 4);
		world_settle();
	}
}

static void do_memory(const struct operation *operation)
{
	u64 page = operation->a % WINDOW, count = count_in(page, operation->b % 8, WINDOW);
	u64 offset = operation->b / 8 * 128u + operation->c % 128;

	switch (operation->kind % 8) {
	case 0:
	case 1:
		store(page, offset, operation->c);
		break;
	case 2:
		load(page, offset);
		break;
	case 3:
		if (operation->a / WINDOW % 4)
			unmap(page, count);
		map(page, count, operation->c, operation->b / 8 % SLOTS, operation->b / 32 % 4);
		break;
	case 4:
		unmap(page, count);
		break;
	case 5:
		protect(page, count, operation->c);
		break;
	case 6:
		compare_page(page);
		break;
	default:
		fork_into(&programs[operation->b % PROCESSES]);
	}
}

static void do_transfer(const struct operation *operation)
{
	u32 slot = operation->a % SLOTS;
	u64 page = operation->a / SLOTS % WINDOW, shift = operation->c % 4 * 1000u;
	u64 offset = operation->b % 31 * 1024u + operation->b % 5;
	u64 length = operation->c * 41u;

	if (operation->c % 4 == 0) {
		offset &= ~(PAGE_SIZE - 1);
		length = 2 * PAGE_SIZE;
	}
	if (operation->kind % 4 == 0)
		write(slot, offset, page, shift, length);
	else if (operation->kind % 4 == 1)
		read(slot, offset, page, shift, length);
	else
		write_new(slot, offset, min_u64(length, 2 * PAGE_SIZE), operation->b);
}

void model_do(const struct operation *operation)
{
	static u32 count;
	struct program *next = &programs[operation->kind / 64 % PROCESSES];

	if (next->process && operation->kind % 3 == 0)
		turn_to(next);
	switch (operation->kind / 8 % 3) {
	case 0:
		do_memobj(operation);
		break;
	case 1:
		do_memory(operation);
		break;
	default:
		do_transfer(operation);
	}
	if (++count % 8 == 0)
		compare_page(operation->c % WINDOW);
}

void model_begin(void)
{
	free_before = world_free_pages();
	world_serve = serve;
	program = &programs[0];
	program->process = world_process();
	expect("scratch memory",
	       CALL(sys_region_map, TERN_SELF_PROCESS, 0, 0, SCRATCH, 2 * PAGE_SIZE,
		    TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_PRIVATE | TERN_MAP_FIXED),
	       (s64)SCRATCH);
	for (u32 i = 0; i < SLOTS; i++) {
		if (i % 2)
			create_paged(i, 5 * PAGE_SIZE + 100, (u8)i);
		else
			create_anonymous(i, 6 * PAGE_SIZE + 200);
	}
}

void model_end(void)
{
	compare_all();
	for (u32 slot = 0; slot < SLOTS; slot++) {
		file_drop(slots[slot]);
		slots[slot] = NULL;
	}
	for (u32 i = 0; i < PROCESSES; i++)
		if (programs[i].process)
			end_program(&programs[i]);
	program = NULL;
	expect("pages at the end", (s64)world_free_pages(), (s64)free_before);
}
