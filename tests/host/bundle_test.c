/* The reader of the boot bundle: what it finds, and what it refuses. */
#include <stdio.h>

#include "cmocka_all.h"

#include "../../lib/bundle/bundle.c"

static unsigned char archive[16 * BLOCK];
static size_t end;

static void seal(struct ustar_header *header)
{
	unsigned int sum = 0;

	memset(header->checksum, ' ', sizeof(header->checksum));
	for (size_t i = 0; i < BLOCK; i++)
		sum += ((unsigned char *)header)[i];
	snprintf(header->checksum, sizeof(header->checksum), "%06o", sum);
}

static struct ustar_header *add(const char *prefix, const char *name, char type,
				const char *content)
{
	struct ustar_header *header = (struct ustar_header *)(archive + end);
	size_t length = strlen(content);

	memset(header, 0, BLOCK);
	memcpy(header->prefix, prefix, strnlen(prefix, sizeof(header->prefix)));
	memcpy(header->name, name, strnlen(name, sizeof(header->name)));
	snprintf(header->size, sizeof(header->size), "%011o", (unsigned int)length);
	memcpy(header->magic, "ustar", 6);
	header->type = type;
	seal(header);
	memset(archive + end + BLOCK, 0, BLOCK);
	memcpy(archive + end + BLOCK, content, length);
	end += BLOCK + (length + BLOCK - 1) / BLOCK * BLOCK;
	return header;
}

static int set_up(void **state)
{
	(void)state;
	memset(archive, 0, sizeof(archive));
	end = 0;
	return 0;
}

static void files_are_found_by_name(void **state)
{
	struct bundle_file file;

	(void)state;
	add("", "init", '0', "first");
	add("", "./dotted", '0', "second");
	add("some/folder", "deep", '\0', "");
	assert_int_equal(bundle_find(archive, end, "init", &file), 1);
	assert_memory_equal(file.data, "first", file.length);
	assert_int_equal(bundle_find(archive, end, "dotted", &file), 1);
	assert_int_equal(file.length, 6);
	assert_int_equal(bundle_find(archive, end, "some/folder/deep", &file), 1);
	assert_int_equal(file.length, 0);
	assert_int_equal(bundle_find(archive, end, "deep", &file), 0);
	assert_int_equal(bundle_find(archive, end, "ini", &file), 0);
}

static void names_fill_their_fields(void **state)
{
	char name[101], prefix[156], whole[258];
	struct bundle_file file;

	(void)state;
	memset(name, 'n', 100);
	memset(prefix, 'p', 155);
	name[100] = prefix[155] = '\0';
	add(prefix, name, '0', "x");
	snprintf(whole, sizeof(whole), "%s/%s", prefix, name);
	assert_int_equal(strlen(whole), BUNDLE_NAME_MAX - 1);
	assert_int_equal(bundle_find(archive, end, whole, &file), 1);
	assert_string_equal(file.name, whole);
}

static void what_is_no_file_is_passed_over(void **state)
{
	struct bundle_file file;
	size_t at = 0;

	(void)state;
	add("", "folder", '5', "");
	add("", "link", '2', "");
	add("", "file", '0', "x");
	assert_int_equal(bundle_next(archive, end, &at, &file), 1);
	assert_string_equal(file.name, "file");
	assert_int_equal(bundle_next(archive, end, &at, &file), 0);
	assert_int_equal(bundle_find(archive, end, "folder", &file), 0);
}

static void an_empty_block_ends_it(void **state)
{
	struct bundle_file file;

	(void)state;
	add("", "a", '0', "x");
	end += BLOCK;
	add("", "b", '0', "x");
	assert_int_equal(bundle_find(archive, end, "b", &file), 0);
}

static void a_size_beyond_the_end_is_refused(void **state)
{
	struct ustar_header *header;
	struct bundle_file file;

	(void)state;
	header = add("", "a", '0', "x");
	snprintf(header->size, sizeof(header->size), "%011o", BLOCK + 1);
	seal(header);
	assert_int_equal(bundle_find(archive, end, "a", &file), -1);
	memcpy(header->size, "777777777777", 12);
	seal(header);
	assert_int_equal(bundle_find(archive, end, "a", &file), -1);
	/* A last file without its padding is whole. */
	snprintf(header->size, sizeof(header->size), "%011o", 1);
	seal(header);
	assert_int_equal(bundle_find(archive, BLOCK + 1, "a", &file), 1);
	assert_int_equal(bundle_find(archive, BLOCK, "a", &file), -1);
	assert_int_equal(bundle_find(archive, BLOCK - 1, "a", &file), 0);
}

static void damage_is_noticed(void **state)
{
	static const size_t places[] = { 0, 124, 148, 257, 345 };
	struct bundle_file file;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		end = 0;
		add("", "a", '0', "x");
		archive[places[i]] ^= 1;
		assert_int_equal(bundle_find(archive, end, "a", &file), -1);
	}
}

static void a_number_is_octal_digits(void **state)
{
	uint64_t value;

	(void)state;
	assert_true(parse_octal("  17 ", 5, &value));
	assert_int_equal(value, 15);
	assert_true(parse_octal("17", 2, &value));
	assert_false(parse_octal("    ", 4, &value));
	assert_false(parse_octal("18", 2, &value));
	assert_false(parse_octal("-1", 2, &value));
	assert_false(parse_octal("", 0, &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(files_are_found_by_name, set_up),
		cmocka_unit_test_setup(names_fill_their_fields, set_up),
		cmocka_unit_test_setup(what_is_no_file_is_passed_over, set_up),
		cmocka_unit_test_setup(an_empty_block_ends_it, set_up),
		cmocka_unit_test_setup(a_size_beyond_the_end_is_refused, set_up),
		cmocka_unit_test_setup(damage_is_noticed, set_up),
		cmocka_unit_test(a_number_is_octal_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
