/* Reads ELF headers; see elf.h. */
#include "lib/launch/elf.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

#include "tern/memory.h"
#include "tern/types.h"

#define PAGE TERN_PAGE_SIZE

_Static_assert(sizeof(Elf64_Phdr) == ELF_PROGRAM_HEADER_SIZE, "what AT_PHENT says");

static const char *check_header(const Elf64_Ehdr *header)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_ident[EI_VERSION] != EV_CURRENT)
		return "not a 64-bit ELF file";
	if (header->e_machine != EM_RISCV)
		return "not for this machine";
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return "not a static executable";
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > ELF_SEGMENTS_MAX)
		return "program headers of a wrong kind";
	return NULL;
}

/* Memory is readable when it is writable: the page tables know nothing else. */
static uint32_t protection_of(uint32_t flags)
{
	return (flags & (PF_R | PF_W) ? TERN_MAP_READ : 0) | (flags & PF_W ? TERN_MAP_WRITE : 0) |
	       (flags & PF_X ? TERN_MAP_EXECUTE : 0);
}

static const char *check_segment(const Elf64_Phdr *program, uint64_t file_length,
				 const struct elf_image *image)
{
	uint64_t lowest = image->is_relocatable ? 0 : ELF_ADDRESS_MIN;

	if (program->p_offset > file_length || program->p_filesz > file_length - program->p_offset)
		return "a segment outside the file";
	if (program->p_filesz > program->p_memsz)
		return "a segment that is shorter than its contents";
	if (program->p_vaddr < lowest || program->p_vaddr >= ELF_ADDRESS_MAX ||
	    program->p_memsz > ELF_ADDRESS_MAX - program->p_vaddr)
		return "a segment at a bad address";
	if ((program->p_flags & (PF_W | PF_X)) == (PF_W | PF_X))
		return "a segment both writable and executable";
	return NULL;
}

static uint64_t page_end(const struct elf_segment *segment)
{
	return (segment->address + segment->length + PAGE - 1) & ~(PAGE - 1);
}

static const char *add_segment(const Elf64_Phdr *program, uint64_t file_length,
			       struct elf_image *image)
{
	const char *wrong = check_segment(program, file_length, image);

	if (wrong)
		return wrong;
	if (image->segment_count &&
	    page_end(&image->segments[image->segment_count - 1]) > (program->p_vaddr & ~(PAGE - 1)))
		return "segments that overlap or are out of order";
	image->segments[image->segment_count++] =
		(struct elf_segment){ .address = program->p_vaddr,
				      .length = program->p_memsz,
				      .offset = program->p_offset,
				      .file_length = program->p_filesz,
				      .protection = protection_of(program->p_flags) };
	return NULL;
}

/* The program headers, if a segment brings them into memory. */
static void find_headers(const Elf64_Ehdr *header, struct elf_image *image)
{
	uint64_t length = header->e_phnum * sizeof(Elf64_Phdr);

	for (unsigned int i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segments[i];

		if (header->e_phoff < segment->offset ||
		    header->e_phoff - segment->offset > segment->file_length ||
		    length > segment->file_length - (header->e_phoff - segment->offset))
			continue;
		image->headers = segment->address + (header->e_phoff - segment->offset);
		image->header_count = header->e_phnum;
		return;
	}
}

static bool is_executable(const struct elf_image *image, uint64_t address)
{
	for (unsigned int i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segments[i];

		if (segment->protection & TERN_MAP_EXECUTE && address >= segment->address &&
		    address - segment->address < segment->file_length)
			return true;
	}
	return false;
}

static const char *read_program(const Elf64_Phdr *program, uint64_t file_length,
				struct elf_image *image)
{
	if (program->p_type == PT_INTERP)
		return "a dynamically linked program";
	if (program->p_type == PT_GNU_STACK)
		image->stack_length = program->p_memsz;
	if (program->p_type == PT_LOAD && program->p_memsz)
		return add_segment(program, file_length, image);
	return NULL;
}

const char *elf_parse(const void *start, size_t start_length, uint64_t file_length,
		      struct elf_image *image)
{
	Elf64_Ehdr header;
	const char *wrong;

	memset(image, 0, sizeof(*image));
	if (start_length < sizeof(header) || start_length > file_length)
		return "not a 64-bit ELF file";
	memcpy(&header, start, sizeof(header));
	wrong = check_header(&header);
	if (wrong)
		return wrong;
	image->is_relocatable = header.e_type == ET_DYN;
	if (header.e_phoff > start_length ||
	    header.e_phnum * sizeof(Elf64_Phdr) > start_length - header.e_phoff)
		return "program headers out of bounds";
	for (unsigned int i = 0; i < header.e_phnum && !wrong; i++) {
		Elf64_Phdr program;

		memcpy(&program, (const char *)start + header.e_phoff + i * sizeof(Elf64_Phdr),
		       sizeof(program));
		wrong = read_program(&program, file_length, image);
	}
	if (wrong)
		return wrong;
	image->entry = header.e_entry;
	if (!is_executable(image, image->entry) || image->entry & 1)
		return "an entry that is not code";
	find_headers(&header, image);
	return NULL;
}
