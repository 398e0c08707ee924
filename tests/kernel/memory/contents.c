/* Memobjs read and written without mapping them. */
#include "memory.h"

#define PAGES 4

static bool is_filled(const char *bytes, size_t length, char with)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != with)
			return false;
	return true;
}

void contents_are_read_and_written(void)
{
	tern_handle memobj = tern_memobj_create(0, PAGES * RT_PAGE);
	char *buffer = rt_map(PAGES * RT_PAGE), text[8] = { 0 };

	CHECK_EQ(tern_memobj_length(memobj), PAGES * RT_PAGE);
	memset(buffer, 'x', PAGES * RT_PAGE);
	CHECK_EQ(tern_memobj_read(memobj, 0, buffer, 10), 10);
	CHECK(is_filled(buffer, 10, 0) && buffer[10] == 'x');
	/* Across pages on both sides, at different places in them. */
	CHECK_EQ(tern_memobj_write(memobj, RT_PAGE - 3, "seven.", 7), 7);
	CHECK_EQ(tern_memobj_read(memobj, RT_PAGE - 3, buffer + 2 * RT_PAGE - 5, 7), 7);
	CHECK_EQ(memcmp(buffer + 2 * RT_PAGE - 5, "seven.", 7), 0);
	CHECK_EQ(tern_memobj_read(memobj, RT_PAGE - 3, text, sizeof(text)), sizeof(text));
	CHECK_EQ(memcmp(text, "seven.\0", 8), 0);
	memset(buffer, 'y', 3 * RT_PAGE);
	CHECK_EQ(tern_memobj_write(memobj, 100, buffer, 3 * RT_PAGE), 3 * RT_PAGE);
	memset(buffer, 0, 3 * RT_PAGE);
	CHECK_EQ(tern_memobj_read(memobj, 100, buffer, 3 * RT_PAGE), 3 * RT_PAGE);
	CHECK(is_filled(buffer, 3 * RT_PAGE, 'y'));
	rt_unmap(buffer, PAGES * RT_PAGE);
	tern_handle_close(memobj);
}

void contents_end_at_the_length(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	char text[16] = "0123456789abcde";

	CHECK_EQ(tern_memobj_write(memobj, RT_PAGE - 4, text, 16), 4);
	CHECK_EQ(tern_memobj_write(memobj, RT_PAGE, text, 16), -ENOSPC);
	CHECK_EQ(tern_memobj_write(memobj, UINT64_MAX, text, 16), -ENOSPC);
	CHECK_EQ(tern_memobj_read(memobj, RT_PAGE - 2, text, 16), 2);
	CHECK_EQ(memcmp(text, "232", 3), 0);
	CHECK_EQ(tern_memobj_read(memobj, RT_PAGE, text, 16), 0);
	CHECK_EQ(tern_memobj_read(memobj, 0, text, 0), 0);
	tern_handle_close(memobj);
}

/* A bad page of the buffer: what comes before it counts. */
void contents_stop_at_a_bad_buffer(void)
{
	tern_handle memobj = tern_memobj_create(0, PAGES * RT_PAGE);
	char *buffer = rt_map(2 * RT_PAGE);

	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)buffer + RT_PAGE, RT_PAGE), 0);
	CHECK_EQ(tern_memobj_read(memobj, 0, buffer, 2 * RT_PAGE), RT_PAGE);
	CHECK_EQ(tern_memobj_read(memobj, 0, buffer + RT_PAGE, RT_PAGE), -EFAULT);
	CHECK_EQ(tern_memobj_write(memobj, 0, buffer + RT_PAGE - 1, 2), 1);
	CHECK_EQ(tern_memobj_write(memobj, 0, buffer + RT_PAGE, 1), -EFAULT);
	CHECK_EQ(tern_region_protect(TERN_SELF_PROCESS, (uint64_t)buffer, RT_PAGE, TERN_MAP_READ),
		 0);
	CHECK_EQ(tern_memobj_read(memobj, 0, buffer, 1), -EFAULT);
	CHECK_EQ(tern_memobj_write(memobj, 0, buffer, 1), 1);
	rt_unmap(buffer, RT_PAGE);
	tern_handle_close(memobj);
}

/* Reads and writes show in mappings and the other way round, also within the page itself. */
void contents_are_what_is_mapped(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	char *memory = (char *)tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, RT_PAGE,
					       READ_WRITE);

	memcpy(memory, "abcdefgh", 8);
	CHECK_EQ(tern_memobj_write(memobj, 2, memory, 6), 6);
	CHECK_EQ(memcmp(memory, "ababcdef", 8), 0);
	CHECK_EQ(tern_memobj_read(memobj, 2, memory, 6), 6);
	CHECK_EQ(memcmp(memory, "abcdefef", 8), 0);
	rt_unmap(memory, RT_PAGE);
	tern_handle_close(memobj);
}

void contents_are_charged_to_the_memobjs_account(void)
{
	tern_handle account = tern_account_create(0, 8 * RT_PAGE);
	tern_handle memobj = tern_memobj_create(account, 64 * RT_PAGE);
	char byte = 1;
	tern_result result = 1;
	uint64_t written = 0;

	for (; written < 64 && result == 1; written++)
		result = tern_memobj_write(memobj, written * RT_PAGE, &byte, 1);
	CHECK_EQ(result, -ENOMEM);
	CHECK(written < 9);
	CHECK_EQ(tern_memobj_read(memobj, 63 * RT_PAGE, &byte, 1), 1);
	CHECK_EQ(byte, 0);
	tern_handle_close(memobj);
	tern_account_destroy(account);
	tern_handle_close(account);
}
