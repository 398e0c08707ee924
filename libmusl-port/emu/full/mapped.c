/*
 * Which files are mapped where: a file stays open as long as it is mapped, whatever becomes of its
 * descriptors. A list, in no order; most programs have a handful of entries, many have none.
 */
#include "path.h"
#include "stream.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "emu_full.h"
#include "files_internal.h"

#define FIRST_CAPACITY (TERN_PAGE_SIZE / sizeof(struct mapped))
/* As Linux has it: who maps on and on meets an end before all memory is gone. */
#define ENTRIES_MAX 65530

struct mapped {
	uint64_t start, end;
	struct emu_description *description;
};

struct emu_lock emu_mapped_lock; /* protects the list */
static struct mapped *list;
static uint64_t count, capacity;

static bool make_room_locked(uint64_t wanted)
{
	uint64_t size = capacity ? capacity * 2 : FIRST_CAPACITY;
	struct mapped *larger;

	if (count + wanted > ENTRIES_MAX)
		return false;
	if (count + wanted <= capacity)
		return true;
	larger = emu_pages(size * sizeof(*larger));
	if (!larger)
		return false;
	__builtin_memcpy(larger, list, count * sizeof(*larger));
	if (list)
		emu_pages_free(list, capacity * sizeof(*list));
	list = larger;
	capacity = size;
	return true;
}

long emu_mapping_add(uint64_t address, uint64_t length, struct emu_description *description)
{
	bool has_room;

	emu_lock(&emu_mapped_lock);
	has_room = make_room_locked(1);
	if (has_room) {
		list[count++] = (struct mapped){ address, address + length, description };
		emu_description_refer(description);
	}
	emu_unlock(&emu_mapped_lock);
	return has_room ? 0 : -ENOMEM;
}

/*
 * Entry i without [start, end): gone, shorter, or two. A description that nobody needs any more goes to
 * *unused. False: look at entry i again, another has taken its place.
 */
static bool cut_locked(uint64_t i, uint64_t start, uint64_t end, struct emu_description **unused)
{
	struct mapped *entry = &list[i];

	if (entry->end <= start || entry->start >= end)
		return true;
	if (entry->start < start && entry->end > end) {
		if (!make_room_locked(1))
			return true; /* the file stays open for longer: no harm */
		entry = &list[i];
		list[count++] = (struct mapped){ end, entry->end, entry->description };
		emu_description_refer(entry->description);
		entry->end = start;
	} else if (entry->start < start) {
		entry->end = start;
	} else if (entry->end > end) {
		entry->start = end;
	} else {
		*unused = entry->description;
		*entry = list[--count];
		return false;
	}
	return true;
}

void emu_mapping_remove(uint64_t address, uint64_t length)
{
	uint64_t end = address + emu_page_round(length), i = 0;

	if (!count)
		return;
	emu_lock(&emu_mapped_lock);
	while (i < count) {
		struct emu_description *unused = NULL;

		if (cut_locked(i, address, end, &unused))
			i++;
		if (unused) {
			emu_unlock(&emu_mapped_lock);
			emu_description_put(unused);
			emu_lock(&emu_mapped_lock);
			i = 0;
		}
	}
	emu_unlock(&emu_mapped_lock);
}

void emu_mapping_each(void (*function)(struct emu_description *description))
{
	for (uint64_t i = 0; i < count; i++)
		function(list[i].description);
}

void emu_mapping_clear(void)
{
	emu_mapping_remove(0, EMU_BASE);
}

/* The first description that the range shows from `address` on, counted; *next: look from there. */
static struct emu_description *find(uint64_t address, uint64_t end, uint64_t *next)
{
	struct emu_description *description = NULL;
	const struct mapped *first = NULL;

	emu_lock(&emu_mapped_lock);
	for (const struct mapped *at = list; at < list + count; at++)
		if (at->end > address && at->start < end && (!first || at->start < first->start))
			first = at;
	if (first) {
		description = first->description;
		*next = first->end;
		emu_description_refer(description);
	}
	emu_unlock(&emu_mapped_lock);
	return description;
}

struct emu_description *emu_mapping_find(uint64_t address, tern_handle *memobj)
{
	uint64_t next;
	struct emu_description *description = find(address, address + 1, &next);

	if (!description)
		return NULL;
	*memobj = emu_file_memobj(description);
	if (*memobj > 0)
		return description;
	emu_description_put(description);
	return NULL;
}

long emu_mapping_sync(uint64_t address, uint64_t length)
{
	struct emu_request request = { .operation = FILE_FSYNC };
	uint64_t end = address + length, next = end;
	struct emu_description *description;
	struct tern_received answer;
	long result = 0;

	while (result >= 0 && address < end && (description = find(address, end, &next))) {
		if (description->kind == EMU_FILE)
			result = emu_file_call(description, &request, &answer);
		emu_description_put(description);
		address = next;
	}
	return result < 0 ? result : 0;
}

/* ------------------------------------------------------------------------------------- mmap */

static long check(const struct emu_description *description, int protection, int flags)
{
	int access = (int)description->flags & O_ACCMODE;

	if (description->kind == EMU_PATH)
		return -EBADF;
	if (access == O_WRONLY)
		return -EACCES;
	if ((flags & MAP_TYPE) != MAP_PRIVATE && protection & PROT_WRITE && access != O_RDWR)
		return -EACCES;
	return 0;
}

long emu_map_descriptor(int number, int protection, int flags, struct emu_mappable *mappable)
{
	struct emu_description *description = emu_descriptor_get(number);
	long result;

	if (!description)
		return -EBADF;
	mappable->description = description;
	result = check(description, protection, flags);
	if (result)
		;
	else if (description->kind == EMU_FILE || description->kind == EMU_MEMORY)
		result = mappable->memobj = emu_file_memobj(description);
	else if (description->kind == EMU_STREAM && description->device == EMU_DEVICE_ZERO)
		mappable->memobj = 0;
	else
		result = -ENODEV;
	if (result < 0)
		emu_description_put(description);
	return result < 0 ? result : 0;
}

void emu_mappable_release(struct emu_mappable *mappable)
{
	emu_description_put(mappable->description);
}
