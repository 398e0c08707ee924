/*
 * The table of descriptors. Reading it takes no lock; changing it does. A description is counted by the
 * descriptors that name it, and by those who keep it beyond one call (a mapping, the working directory).
 */
#include "descriptor.h"
#include "emu_full.h"

#include <fcntl.h>

#include "files_internal.h"
#include "mqueue.h"
#include "path.h"

#define RANGE_UNSHARE 2 /* flags of close_range: Linux's */
#define RANGE_CLOEXEC 4
#define DESCRIPTIONS_MAX (2 * EMU_DESCRIPTORS_MAX)

struct emu_slot emu_slots[EMU_DESCRIPTORS_MAX] EMU_LARGE;
struct emu_lock emu_descriptors_lock; /* protects emu_slots and what is static here */
uint32_t emu_descriptor_limit = EMU_DESCRIPTORS_SOFT;

static struct emu_description descriptions[DESCRIPTIONS_MAX] EMU_LARGE;
static struct emu_description *first_free;
static uint32_t description_count; /* records that were in use ever */
static long lowest_free;           /* no slot below is free */
static long slot_end;              /* no slot from here on was ever used */

struct emu_description *emu_description_new(enum emu_kind kind, uint32_t flags)
{
	struct emu_description *description;

	emu_lock(&emu_descriptors_lock);
	description = first_free;
	if (description)
		first_free = description->next_free;
	else if (description_count < DESCRIPTIONS_MAX)
		description = &descriptions[description_count++];
	if (description)
		*description = (struct emu_description){
			.kind = (uint8_t)kind,
			.references = 1,
			.flags = flags,
		};
	emu_unlock(&emu_descriptors_lock);
	return description;
}

static bool release_locked(struct emu_description *description)
{
	return --description->references == 0;
}

static void free_record(struct emu_description *description)
{
	emu_lock(&emu_descriptors_lock);
	description->next_free = first_free;
	first_free = description;
	emu_unlock(&emu_descriptors_lock);
}

static void end(struct emu_description *description)
{
	emu_description_end(description);
	description->kind = EMU_CLOSED;
	free_record(description);
}

void emu_description_put(struct emu_description *description)
{
	bool is_last;

	emu_lock(&emu_descriptors_lock);
	is_last = release_locked(description);
	emu_unlock(&emu_descriptors_lock);
	if (is_last)
		end(description);
}

void emu_description_refer(struct emu_description *description)
{
	emu_lock(&emu_descriptors_lock);
	description->references++;
	emu_unlock(&emu_descriptors_lock);
}

struct emu_description *emu_descriptor_get(long number)
{
	struct emu_description *description;

	emu_lock(&emu_descriptors_lock);
	description = emu_descriptor(number);
	if (description)
		description->references++;
	emu_unlock(&emu_descriptors_lock);
	return description;
}

/* ------------------------------------------------------------------------------------- slots */

static long find_slot_locked(long lowest)
{
	long number = lowest > lowest_free ? lowest : lowest_free;

	while (number < emu_descriptor_limit && emu_slots[number].description)
		number++;
	return number < emu_descriptor_limit ? number : -EMFILE;
}

static void fill_slot_locked(long number, struct emu_description *description, uint32_t flags)
{
	emu_slots[number] = (struct emu_slot){ description, flags };
	if (number == lowest_free)
		lowest_free = number + 1;
	if (number >= slot_end)
		slot_end = number + 1;
}

static struct emu_description *clear_slot_locked(long number)
{
	struct emu_description *description = emu_slots[number].description;

	emu_slots[number] = (struct emu_slot){ 0 };
	if (number < lowest_free)
		lowest_free = number;
	return description;
}

long emu_descriptor_install(struct emu_description *description, long lowest, uint32_t flags)
{
	long number;

	emu_lock(&emu_descriptors_lock);
	number = find_slot_locked(lowest);
	if (number >= 0)
		fill_slot_locked(number, description, flags);
	emu_unlock(&emu_descriptors_lock);
	if (number < 0)
		emu_description_put(description);
	return number;
}

long emu_descriptor_install_pair(struct emu_description *const pair[2], uint32_t flags,
				 int numbers[2])
{
	long first, second = -EMFILE;

	emu_lock(&emu_descriptors_lock);
	first = find_slot_locked(0);
	if (first >= 0)
		second = find_slot_locked(first + 1);
	if (second >= 0) {
		fill_slot_locked(first, pair[0], flags);
		fill_slot_locked(second, pair[1], flags);
	}
	emu_unlock(&emu_descriptors_lock);
	if (second < 0) {
		emu_description_put(pair[0]);
		emu_description_put(pair[1]);
		return -EMFILE;
	}
	numbers[0] = (int)first;
	numbers[1] = (int)second;
	return 0;
}

/* ------------------------------------------------------------------------------------- calls */

/*
 * Whatever else names the file: closing any descriptor of it ends the process's record locks there, and of a
 * queue what it has asked to be told.
 */
static void drop_claims(long number)
{
	struct emu_description *description = emu_descriptor(number);

	if (emu_has_record_locks && description && description->kind == EMU_FILE)
		emu_locks_drop(description);
	if (emu_has_notices && description)
		emu_notices_drop(description);
}

static bool has_claims(void)
{
	return __builtin_expect(emu_has_record_locks | emu_has_notices, 0);
}

long emu_close(int number)
{
	struct emu_description *description;
	bool is_last;

	if (has_claims())
		drop_claims(number);
	emu_lock(&emu_descriptors_lock);
	description = emu_descriptor(number);
	is_last = description && release_locked(clear_slot_locked(number));
	emu_unlock(&emu_descriptors_lock);
	if (!description)
		return -EBADF;
	if (is_last)
		end(description);
	return 0;
}

long emu_close_range(uint32_t first, uint32_t last, uint32_t flags)
{
	if (first > last || flags & ~(RANGE_CLOEXEC | RANGE_UNSHARE))
		return -EINVAL;
	for (uint64_t number = first; number <= last && number < (uint64_t)slot_end; number++) {
		if (!(flags & RANGE_CLOEXEC))
			emu_close((int)number);
		else if (emu_slots[number].description)
			emu_slots[number].flags |= FD_CLOEXEC;
	}
	return 0;
}

static long duplicate(int number, long lowest, uint32_t flags)
{
	struct emu_description *description = emu_descriptor_get(number);

	return description ? emu_descriptor_install(description, lowest, flags) : -EBADF;
}

long emu_dup(int number)
{
	return duplicate(number, 0, 0);
}

long emu_dup3(int from, int to, int flags)
{
	struct emu_description *description, *old;
	bool is_last;

	if (from == to || flags & ~O_CLOEXEC)
		return -EINVAL;
	if ((uint32_t)to >= emu_descriptor_limit)
		return -EBADF;
	if (has_claims() && emu_descriptor(from))
		drop_claims(to);
	emu_lock(&emu_descriptors_lock);
	description = emu_descriptor(from);
	if (!description) {
		emu_unlock(&emu_descriptors_lock);
		return -EBADF;
	}
	description->references++;
	old = emu_descriptor(to);
	is_last = old && release_locked(clear_slot_locked(to));
	fill_slot_locked(to, description, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
	emu_unlock(&emu_descriptors_lock);
	if (is_last)
		end(old);
	return to;
}

/* The commands of fcntl that concern descriptors alone; -ENOSYS: it is another one. */
long emu_fcntl_descriptor(int number, int command, uint64_t argument)
{
	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (argument >= emu_descriptor_limit)
			return -EINVAL;
		return duplicate(number, (long)argument,
				 command == F_DUPFD ? 0 : (uint32_t)FD_CLOEXEC);
	case F_GETFD:
		return emu_slots[number].flags;
	case F_SETFD:
		emu_slots[number].flags = argument & FD_CLOEXEC;
		return 0;
	default:
		return -ENOSYS;
	}
}

void emu_files_exec(void)
{
	for (long number = 0; number < slot_end; number++)
		if (emu_slots[number].description && emu_slots[number].flags & FD_CLOEXEC)
			emu_close((int)number);
}

void emu_files_end(void)
{
	for (long number = 0; has_claims() && number < slot_end; number++)
		drop_claims(number);
}

/* ------------------------------------------------------------------------------------- fork */

static void count(struct emu_description *description)
{
	description->references++;
}

/* Nobody else runs. A parent's token is of no use in a child, which has another session. */
void emu_descriptions_recount(struct emu_description *kept, bool is_child)
{
	struct emu_description *const others[] = { emu_working_directory, emu_root_directory,
						   kept };

	for (uint32_t i = 0; i < description_count; i++)
		descriptions[i].references = 0;
	for (long number = 0; number < slot_end; number++)
		if (emu_slots[number].description)
			count(emu_slots[number].description);
	for (unsigned int i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i])
			count(others[i]);
	emu_mapping_each(count);
	for (uint32_t i = 0; i < description_count; i++) {
		if (descriptions[i].kind == EMU_CLOSED || descriptions[i].references)
			continue;
		if (is_child && !descriptions[i].port)
			descriptions[i].token = 0;
		end(&descriptions[i]);
	}
}

/* Every description that is open; emu_descriptors_lock is held, or nobody else runs. */
void emu_descriptions_each(void (*function)(struct emu_description *description))
{
	for (uint32_t i = 0; i < description_count; i++)
		if (descriptions[i].kind != EMU_CLOSED && descriptions[i].references)
			function(&descriptions[i]);
}
