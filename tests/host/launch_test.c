/* Reading ELF headers and building the block that a program starts with. */
#include "lib/launch/elf.c"
#include "lib/launch/start_block.c"

#include "cmocka_all.h"

#define TOP 0x7000000000ul
#define FILE_LENGTH 0x4000

struct file {
	Elf64_Ehdr header;
	Elf64_Phdr programs[4];
};

/* Headers and text, data with zeroes behind it, and a stack of 64 KiB. */
static struct file good_file(void)
{
	struct file file = {
		.header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			    .e_type = ET_EXEC,
			    .e_machine = EM_RISCV,
			    .e_entry = 0x10100,
			    .e_phoff = sizeof(Elf64_Ehdr),
			    .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = 3 },
		.programs = { { .p_type = PT_LOAD,
				.p_flags = PF_R | PF_X,
				.p_vaddr = 0x10000,
				.p_filesz = 0x1800,
				.p_memsz = 0x1800 },
			      { .p_type = PT_LOAD,
				.p_flags = PF_W,
				.p_offset = 0x1800,
				.p_vaddr = 0x12800,
				.p_filesz = 0x100,
				.p_memsz = 0x5000 },
			      { .p_type = PT_GNU_STACK, .p_memsz = 0x10000 } },
	};

	return file;
}

static const char *parse(const struct file *file, struct elf_image *image)
{
	return elf_parse(file, sizeof(*file), FILE_LENGTH, image);
}

static void a_good_file_is_understood(void **state)
{
	struct file file = good_file();
	struct elf_image image;

	(void)state;
	assert_null(parse(&file, &image));
	assert_int_equal(image.segment_count, 2);
	assert_int_equal(image.entry, 0x10100);
	assert_int_equal(image.headers, 0x10000 + sizeof(Elf64_Ehdr));
	assert_int_equal(image.header_count, 3);
	assert_int_equal(image.stack_length, 0x10000);
	assert_int_equal(image.segments[0].protection, TERN_MAP_READ | TERN_MAP_EXECUTE);
	assert_int_equal(image.segments[1].protection, TERN_MAP_READ | TERN_MAP_WRITE);
	assert_int_equal(image.segments[1].offset, 0x1800);
	assert_int_equal(image.segments[1].length, 0x5000);
}

static void headers_need_not_be_in_memory(void **state)
{
	struct file file = good_file();
	struct elf_image image;

	(void)state;
	file.programs[0].p_offset = 0x1000;
	assert_null(parse(&file, &image));
	assert_int_equal(image.headers, 0);
	assert_int_equal(image.header_count, 0);
}

#define REFUSED(change, why)                                                                       \
	do {                                                                                       \
		struct file file = good_file();                                                    \
		struct elf_image image;                                                            \
		file.change;                                                                       \
		assert_string_equal(parse(&file, &image), why);                                    \
	} while (0)

static void foreign_files_are_refused(void **state)
{
	struct file file = good_file();
	struct elf_image image;

	(void)state;
	REFUSED(header.e_ident[1] = 'X', "not a 64-bit ELF file");
	REFUSED(header.e_ident[EI_CLASS] = ELFCLASS32, "not a 64-bit ELF file");
	REFUSED(header.e_ident[EI_DATA] = ELFDATA2MSB, "not a 64-bit ELF file");
	REFUSED(header.e_machine = EM_X86_64, "not for this machine");
	REFUSED(header.e_type = ET_REL, "not a static executable");
	REFUSED(programs[2].p_type = PT_INTERP, "a dynamically linked program");
	assert_non_null(elf_parse(&file, 63, FILE_LENGTH, &image));
	assert_non_null(elf_parse(&file, sizeof(file), sizeof(file) - 1, &image));
}

static void position_independent_files_may_begin_at_0(void **state)
{
	struct file file = good_file();
	struct elf_image image;

	(void)state;
	assert_null(elf_parse(&file, sizeof(file), FILE_LENGTH, &image));
	assert_false(image.is_relocatable);
	for (int i = 0; i < 3; i++)
		file.programs[i].p_vaddr -= 0x10000;
	file.header.e_entry -= 0x10000;
	assert_non_null(elf_parse(&file, sizeof(file), FILE_LENGTH, &image));
	file.header.e_type = ET_DYN;
	assert_null(elf_parse(&file, sizeof(file), FILE_LENGTH, &image));
	assert_true(image.is_relocatable);
}

static void headers_out_of_bounds_are_refused(void **state)
{
	(void)state;
	REFUSED(header.e_phentsize = 55, "program headers of a wrong kind");
	REFUSED(header.e_phnum = ELF_SEGMENTS_MAX + 1, "program headers of a wrong kind");
	REFUSED(header.e_phnum = 5, "program headers out of bounds");
	REFUSED(header.e_phoff = 0x1000, "program headers out of bounds");
	REFUSED(header.e_phoff = UINT64_MAX, "program headers out of bounds");
}

static void segments_out_of_bounds_are_refused(void **state)
{
	(void)state;
	REFUSED(programs[1].p_offset = FILE_LENGTH - 0xff, "a segment outside the file");
	REFUSED(programs[1].p_offset = UINT64_MAX - 0x7f, "a segment outside the file");
	REFUSED(programs[1].p_filesz = UINT64_MAX, "a segment outside the file");
	REFUSED(programs[1].p_memsz = 0xff, "a segment that is shorter than its contents");
	REFUSED(programs[0].p_vaddr = 0xf000, "a segment at a bad address");
	REFUSED(programs[1].p_vaddr = ELF_ADDRESS_MAX, "a segment at a bad address");
	REFUSED(programs[1].p_memsz = ELF_ADDRESS_MAX, "a segment at a bad address");
	REFUSED(programs[1].p_vaddr = UINT64_MAX - 0xfff, "a segment at a bad address");
	REFUSED(programs[1].p_flags = PF_W | PF_X, "a segment both writable and executable");
	REFUSED(programs[1].p_vaddr = 0x11900, "segments that overlap or are out of order");
	REFUSED(programs[0].p_vaddr = 0x30000, "segments that overlap or are out of order");
}

static void entries_must_be_code(void **state)
{
	(void)state;
	REFUSED(header.e_entry = 0x11800, "an entry that is not code");
	REFUSED(header.e_entry = 0x12800, "an entry that is not code");
	REFUSED(header.e_entry = 0xffff, "an entry that is not code");
	REFUSED(header.e_entry = 0x10101, "an entry that is not code");
	REFUSED(header.e_phnum = 0, "an entry that is not code");
}

/* What an address of the block shows. */
static void *see(char *buffer, size_t length, uint64_t address)
{
	assert_true(address >= TOP - length && address < TOP);
	return buffer + (address - (TOP - length));
}

static void a_block_has_everything(void **state)
{
	static const char *const arguments[] = { "prog", "-x", "", NULL };
	static const char *const environment[] = { "A=1", NULL };
	static const struct tern_start_handle handles[] = { { "one", 16 }, { "two", 32 } };
	struct elf_image image = { .entry = 5, .headers = 6, .header_count = 7 };
	struct start_block block = { .arguments = arguments,
				     .environment = environment,
				     .handles = handles,
				     .handle_count = 2,
				     .image = &image,
				     .random = { 1, 2, 3 } };
	size_t length = start_block_size(&block);
	char *buffer = test_malloc(length + 64);
	uint64_t stack = start_block_build(&block, buffer, length + 64, TOP), values[52] = { 0 };
	const struct tern_start_handle *found;
	uint64_t *word;

	(void)state;
	assert_int_equal(stack % 16, 0);
	assert_int_equal(stack, TOP - length);
	word = see(buffer, length + 64, stack);
	assert_int_equal(word[0], 3);
	assert_string_equal(see(buffer, length + 64, word[1]), "prog");
	assert_string_equal(see(buffer, length + 64, word[2]), "-x");
	assert_string_equal(see(buffer, length + 64, word[3]), "");
	assert_int_equal(word[4], 0);
	assert_string_equal(see(buffer, length + 64, word[5]), "A=1");
	assert_int_equal(word[6], 0);
	for (word += 7; word[0] != AT_NULL; word += 2)
		if (word[0] == AT_TERN_HANDLES)
			values[51] = word[1];
		else
			values[word[0]] = word[1];
	assert_int_equal(values[AT_ENTRY], 5);
	assert_int_equal(values[AT_PHDR], 6);
	assert_int_equal(values[AT_PHNUM], 7);
	assert_int_equal(values[AT_PAGESZ], 4096);
	assert_string_equal(see(buffer, length + 64, values[AT_EXECFN]), "prog");
	assert_memory_equal(see(buffer, length + 64, values[AT_RANDOM]), block.random, 16);
	found = see(buffer, length + 64, values[51]);
	assert_memory_equal(found, handles, sizeof(handles));
	assert_string_equal(found[2].name, "");
	assert_int_equal(start_block_build(&block, buffer, length - 1, TOP), 0);
	test_free(buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_is_understood),
		cmocka_unit_test(headers_need_not_be_in_memory),
		cmocka_unit_test(foreign_files_are_refused),
		cmocka_unit_test(position_independent_files_may_begin_at_0),
		cmocka_unit_test(headers_out_of_bounds_are_refused),
		cmocka_unit_test(segments_out_of_bounds_are_refused),
		cmocka_unit_test(entries_must_be_code),
		cmocka_unit_test(a_block_has_everything),
	};

	return cmocka_run_group_tests_name("launch", tests, NULL, NULL);
}
