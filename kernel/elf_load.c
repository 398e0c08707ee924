/* Loads a static ELF executable into an empty process. The file is not trusted. */
#include "arch/cpu.h"
#include "arch/page_table.h"
#include "kernel/address_space.h"
#include "kernel/boot.h"
#include "kernel/memobj.h"
#include "kernel/memory.h"
#include "kernel/process.h"
#include "kernel/user_copy.h"
#include "tern/memory.h"

#define ELF_CLASS_64 2
#define ELF_LITTLE 1
#define ELF_EXECUTABLE 2
#define ELF_LOAD 1
#define ELF_X 1
#define ELF_W 2
#define ELF_R 4
#define SEGMENTS_MAX 16

struct elf_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, program_offset, section_offset;
	u32 flags;
	u16 header_size, program_size, program_count;
	u16 section_size, section_count, section_names;
};

struct elf_program {
	u32 type, flags;
	u64 offset, address, physical, file_size, memory_size, align;
};

static const char *check_header(const struct elf_header *header, u64 length)
{
	if (length < sizeof(*header) || memcmp(header->ident, "\177ELF", 4))
		return "not an ELF file";
	if (header->ident[4] != ELF_CLASS_64 || header->ident[5] != ELF_LITTLE ||
	    header->machine != ARCH_ELF_MACHINE)
		return "not for this machine";
	if (header->type != ELF_EXECUTABLE)
		return "not a static executable";
	if (header->program_size != sizeof(struct elf_program) ||
	    header->program_count > SEGMENTS_MAX || header->program_offset > length ||
	    header->program_count * sizeof(struct elf_program) > length - header->program_offset)
		return "program headers out of bounds";
	return NULL;
}

static const char *check_segment(const struct elf_program *segment, u64 length)
{
	if (segment->offset > length || segment->file_size > length - segment->offset ||
	    segment->file_size > segment->memory_size)
		return "segment outside the file";
	if (segment->address & (PAGE_SIZE - 1) || segment->address < TERN_USER_BASE ||
	    !user_range_is_valid(segment->address, segment->memory_size))
		return "segment at a bad address";
	if ((segment->flags & (ELF_W | ELF_X)) == (ELF_W | ELF_X))
		return "segment both writable and executable";
	return NULL;
}

static int fill_segment(struct memobj *memobj, const char *file, u64 size)
{
	for (u64 at = 0; at < size; at += PAGE_SIZE) {
		paddr page;
		int error = memobj_get_page(memobj, at, &page);

		if (error)
			return error;
		memcpy(phys_to_virt(page), file + at, min_u64(PAGE_SIZE, size - at));
	}
	return 0;
}

static int load_segment(struct process *process, const struct elf_program *segment,
			const char *file)
{
	u32 flags = (segment->flags & ELF_R ? TERN_MAP_READ : 0) |
		    (segment->flags & ELF_W ? TERN_MAP_WRITE : 0) |
		    (segment->flags & ELF_X ? TERN_MAP_EXECUTE : 0) | TERN_MAP_PRIVATE;
	struct memobj *memobj = memobj_create_anonymous(process->object.account,
							round_up(segment->memory_size, PAGE_SIZE));
	int error;

	if (!memobj)
		return -ENOMEM;
	error = fill_segment(memobj, file + segment->offset, segment->file_size);
	if (!error)
		error = address_space_map(process, memobj, 0, segment->address, memobj->length,
					  flags & TERN_MAP_WRITE ? flags | TERN_MAP_PRIVATE
								 : flags);
	object_put(&memobj->object);
	return error == -EEXIST ? -EINVAL : error;
}

int elf_load(struct process *process, const void *file, u64 length, u64 *entry, const char **reason)
{
	const struct elf_header *header = file;
	const struct elf_program *segments;

	*reason = check_header(header, length);
	if (*reason)
		return -EINVAL;
	segments = (const struct elf_program *)((const char *)file + header->program_offset);
	for (u32 i = 0; i < header->program_count; i++) {
		int error;

		if (segments[i].type != ELF_LOAD || !segments[i].memory_size)
			continue;
		*reason = check_segment(&segments[i], length);
		if (*reason)
			return -EINVAL;
		error = load_segment(process, &segments[i], file);
		if (error) {
			*reason = error == -ENOMEM ? "out of memory" : "segments overlap";
			return error;
		}
	}
	*entry = header->entry;
	return 0;
}
