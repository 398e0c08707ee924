/* Reading and writing anonymous memobjs, streams, truncation, clones. */
#include "pager.h"

#define APPEND_SIZE (1ul << 20)
#define APPENDERS 3
#define TICK 20000ul /* ns: many of them come within one call */
#define APPENDS 2

static void fill_pattern(void *bytes, uint64_t offset, uint64_t length)
{
	for (uint64_t i = 0; i < length; i++)
		((uint8_t *)bytes)[i] = pattern(offset + i);
}

static bool is_zero(const uint8_t *bytes, uint64_t length)
{
	while (length--)
		if (*bytes++)
			return false;
	return true;
}

void anonymous_reads_back_what_was_written(void)
{
	static const uint64_t lengths[] = { 1, 7, 8, 100, 4095, 4096, 4097, 10000, 40000 };
	tern_handle memobj = tern_memobj_create(0, 0);

	for (uint64_t i = 0; i < RT_COUNT(lengths); i++) {
		uint64_t offset = i * 3333, length = lengths[i];

		fill_pattern(buffer, offset, length);
		memset(other, 0, length);
		CHECK_EQ(tern_memobj_write(memobj, offset, buffer, length, 0), length);
		CHECK_EQ(tern_memobj_read(memobj, offset, other + i, length, 0), length);
		CHECK(is_pattern(other + i, offset, length));
	}
	tern_handle_close(memobj);
}

void reads_stop_at_the_end(void)
{
	tern_handle memobj = tern_memobj_create(0, 5000);

	memset(buffer, 1, 8192);
	CHECK_EQ(tern_memobj_read(memobj, 0, buffer, 8192, 0), 5000);
	CHECK(is_zero(buffer, 5000) && buffer[5000] == 1);
	CHECK_EQ(tern_memobj_read(memobj, 4999, buffer, 10, 0), 1);
	CHECK_EQ(tern_memobj_read(memobj, 5000, buffer, 10, 0), 0);
	CHECK_EQ(tern_memobj_read(memobj, 1ul << 40, buffer, 10, 0), 0);
	CHECK_EQ(tern_memobj_read(memobj, 0, buffer, 0, 0), 0);
	tern_handle_close(memobj);
}

void writes_extend_up_to_the_limit(void)
{
	tern_handle memobj = tern_memobj_create(0, 100);

	CHECK_EQ(tern_memobj_set_limit(memobj, 99), -EINVAL);
	CHECK_EQ(tern_memobj_set_limit(memobj, 6000), 0);
	CHECK_EQ(tern_memobj_info(memobj, TERN_MEMOBJ_LIMIT), 6000);
	CHECK_EQ(tern_memobj_write(memobj, 5990, buffer, 20, 0), 10);
	CHECK_EQ(tern_memobj_info(memobj, TERN_MEMOBJ_LENGTH), 6000);
	CHECK_EQ(tern_memobj_write(memobj, 6000, buffer, 20, 0), -ENOSPC);
	CHECK_EQ(tern_memobj_write(memobj, 0, buffer, 20, TERN_IO_APPEND), -ENOSPC);
	CHECK_EQ(tern_memobj_set_limit(memobj, 7000), 0);
	CHECK_EQ(tern_memobj_write(memobj, 0, buffer, 20, TERN_IO_APPEND), 20);
	CHECK_EQ(tern_memobj_info(memobj, TERN_MEMOBJ_LENGTH), 6020);
	tern_handle_close(memobj);
}

void truncated_bytes_never_come_back(void)
{
	tern_handle memobj = tern_memobj_create(0, 0);
	uint8_t *mapped;

	memset(buffer, 0xaa, 3 * RT_PAGE);
	CHECK_EQ(tern_memobj_write(memobj, 0, buffer, 3 * RT_PAGE, 0), 3 * RT_PAGE);
	mapped = (uint8_t *)tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, 3 * RT_PAGE,
					    TERN_MAP_READ | TERN_MAP_WRITE);
	CHECK(mapped[2 * RT_PAGE] == 0xaa);
	CHECK_EQ(tern_memobj_set_length(memobj, 5000), 0);
	CHECK_EQ(tern_memobj_info(memobj, TERN_MEMOBJ_RESIDENT), 2);
	mapped[5500] = 0xbb; /* beyond the end, in its last page */
	CHECK_EQ(tern_memobj_set_length(memobj, 3 * RT_PAGE), 0);
	CHECK_EQ(tern_memobj_read(memobj, 0, other, 3 * RT_PAGE, 0), 3 * RT_PAGE);
	CHECK(other[4999] == 0xaa && is_zero(other + 5000, 3 * RT_PAGE - 5000));
	CHECK(is_zero(mapped + 2 * RT_PAGE, RT_PAGE));
	CHECK_EQ(tern_memobj_set_length(memobj, 10), 0);
	/* A write that extends it shows nothing old either. */
	CHECK_EQ(tern_memobj_write(memobj, 4000, buffer, 1, 0), 1);
	CHECK_EQ(tern_memobj_read(memobj, 10, other, 5000, 0), 3991);
	CHECK(is_zero(other, 3990) && other[3990] == 0xaa);
	rt_unmap(mapped, 3 * RT_PAGE);
	tern_handle_close(memobj);
}

void streams_share_their_position(void)
{
	tern_handle memobj = tern_memobj_create(0, 0);
	tern_handle stream = tern_stream_create(0, memobj, 0), second;

	CHECK(stream > 0);
	second = tern_handle_duplicate(stream, TERN_RIGHTS_ALL);
	fill_pattern(buffer, 0, 10000);
	CHECK_EQ(tern_stream_write(stream, buffer, 10000, 0), 10000);
	CHECK_EQ(tern_stream_seek(second, 0, TERN_SEEK_CURRENT), 10000);
	CHECK_EQ(tern_stream_seek(second, 100, TERN_SEEK_SET), 100);
	CHECK_EQ(tern_stream_read(stream, other, 5000, 0), 5000);
	CHECK_EQ(tern_stream_read(second, other + 5000, 10000, 0), 4900);
	CHECK(is_pattern(other, 100, 9900));
	CHECK_EQ(tern_stream_read(second, other, 1, 0), 0);
	CHECK_EQ(tern_stream_seek(stream, -10, TERN_SEEK_END), 9990);
	CHECK_EQ(tern_stream_seek(stream, -9991, TERN_SEEK_CURRENT), -EINVAL);
	CHECK_EQ(tern_stream_seek(stream, 0, 3), -EINVAL);
	CHECK_EQ(tern_stream_seek(stream, INT64_MAX, TERN_SEEK_CURRENT), -EINVAL);
	CHECK_EQ(tern_stream_seek(stream, 0, TERN_SEEK_CURRENT), 9990);
	tern_handle_close(stream);
	tern_handle_close(second);
	tern_handle_close(memobj);
}

void io_checks_its_arguments(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	tern_handle stream = tern_stream_create(0, memobj, 0);

	CHECK_EQ(tern_memobj_create(0, TERN_MEMOBJ_LENGTH_MAX + 1), -EINVAL);
	CHECK_EQ(tern_memobj_read(memobj, 0, buffer, 1, 2), -EINVAL);
	CHECK_EQ(tern_memobj_write(memobj, 0, buffer, 1, 4), -EINVAL);
	CHECK_EQ(tern_memobj_read(memobj, 0, NULL, 1, 0), -EFAULT);
	CHECK_EQ(tern_memobj_read(memobj, 0, buffer, UINT64_MAX, 0), -EFAULT);
	CHECK_EQ(tern_memobj_write(memobj, TERN_MEMOBJ_LENGTH_MAX, buffer, 1, 0), -ENOSPC);
	CHECK_EQ(tern_memobj_write(memobj, UINT64_MAX, buffer, 1, 0), -ENOSPC);
	CHECK_EQ(tern_memobj_read(stream, 0, buffer, 1, 0), -EPROTOTYPE);
	CHECK_EQ(tern_stream_read(memobj, buffer, 1, 0), -EPROTOTYPE);
	CHECK_EQ(tern_stream_read(stream, buffer, 1, 4), -EINVAL);
	CHECK_EQ(tern_stream_create(0, memobj, 2), -EINVAL);
	CHECK_EQ(tern_memobj_info(memobj, 99), -EINVAL);
	CHECK_EQ(tern_memobj_set_length(memobj, UINT64_MAX), -EINVAL);
	CHECK_EQ(tern_memobj_evict(memobj, 0, 1), -EINVAL);
	CHECK_EQ(tern_pager_fetch(memobj, (struct tern_request *)buffer, 1), -EINVAL);
	CHECK_EQ(tern_memobj_set_modified(memobj, 123456789000), 0);
	CHECK(tern_memobj_info(memobj, TERN_MEMOBJ_MODIFIED) / 1000 == 123456789);
	tern_handle_close(stream);
	tern_handle_close(memobj);
}

void io_respects_rights(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	tern_handle sealed = tern_handle_duplicate(memobj, TERN_RIGHT_READ | TERN_RIGHT_COPY);
	tern_handle stream = tern_stream_create(0, sealed, 0);

	CHECK_EQ(tern_memobj_read(sealed, 0, buffer, 1, 0), 1);
	CHECK_EQ(tern_memobj_write(sealed, 0, buffer, 1, 0), -EPERM);
	CHECK_EQ(tern_stream_read(stream, buffer, 1, 0), 1);
	CHECK_EQ(tern_stream_write(stream, buffer, 1, 0), -EPERM);
	CHECK_EQ(tern_memobj_set_length(sealed, 0), -EPERM);
	CHECK_EQ(tern_memobj_punch(sealed, 0, 1), -EPERM);
	CHECK_EQ(tern_memobj_info(sealed, TERN_MEMOBJ_LENGTH), RT_PAGE);
	CHECK_EQ(tern_memobj_info(sealed, TERN_MEMOBJ_ERROR), -EPERM);
	tern_handle_close(stream);
	tern_handle_close(sealed);
	tern_handle_close(memobj);
}

void clones_are_snapshots(void)
{
	tern_handle memobj = tern_memobj_create(0, 5 * RT_PAGE), clone;
	uint8_t *mapped = (uint8_t *)tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, 5 * RT_PAGE,
						     TERN_MAP_READ | TERN_MAP_WRITE);
	uint8_t *copy;

	mapped[0] = 1;
	mapped[2 * RT_PAGE] = 2;
	clone = tern_memobj_clone(0, memobj);
	CHECK(clone > 0);
	copy = (uint8_t *)tern_region_map(TERN_SELF_PROCESS, clone, 0, 0, 5 * RT_PAGE,
					  TERN_MAP_READ | TERN_MAP_WRITE);
	CHECK(copy[0] == 1 && copy[2 * RT_PAGE] == 2 && copy[RT_PAGE] == 0);
	mapped[0] = 11;
	copy[2 * RT_PAGE] = 12;
	CHECK(copy[0] == 1 && mapped[2 * RT_PAGE] == 2);
	CHECK(mapped[0] == 11 && copy[2 * RT_PAGE] == 12);
	/* What is cut off one and zeroed stays in the other. */
	CHECK_EQ(tern_memobj_set_length(memobj, 0), 0);
	CHECK_EQ(tern_memobj_set_length(memobj, 5 * RT_PAGE), 0);
	CHECK(mapped[0] == 0 && copy[0] == 1);
	rt_unmap(mapped, 5 * RT_PAGE);
	rt_unmap(copy, 5 * RT_PAGE);
	tern_handle_close(memobj);
	tern_handle_close(clone);
}

void clones_pay_for_their_pages(void)
{
	tern_handle account = tern_account_create(0, 16 * RT_PAGE);
	tern_handle memobj = tern_memobj_create(0, 20 * RT_PAGE);

	memset(buffer, 3, 10 * RT_PAGE);
	CHECK_EQ(tern_memobj_write(memobj, 0, buffer, 10 * RT_PAGE, 0), 10 * RT_PAGE);
	CHECK_EQ(tern_memobj_write(memobj, 10 * RT_PAGE, buffer, 10 * RT_PAGE, 0), 10 * RT_PAGE);
	CHECK_EQ(tern_memobj_clone(account, memobj), -ENOMEM);
	test_settle();
	CHECK(tern_account_info(account, TERN_ACCOUNT_USED) < (int64_t)RT_PAGE);
	tern_handle_close(memobj);
	tern_handle_close(account);
}

void anonymous_memory_is_charged(void)
{
	tern_handle account = tern_account_create(0, 8 * RT_PAGE);
	tern_handle memobj = tern_memobj_create(account, 0);

	CHECK_EQ(tern_memobj_write(memobj, 0, buffer, 16 * RT_PAGE, 0), 7 * RT_PAGE);
	CHECK_EQ(tern_memobj_write(memobj, 7 * RT_PAGE, buffer, RT_PAGE, 0), -ENOMEM);
	CHECK_EQ(tern_memobj_info(memobj, TERN_MEMOBJ_LENGTH), 7 * RT_PAGE);
	CHECK_EQ(tern_memobj_set_length(memobj, RT_PAGE), 0);
	CHECK_EQ(tern_memobj_write(memobj, 3 * RT_PAGE, buffer, RT_PAGE, 0), RT_PAGE);
	CHECK_EQ(tern_memobj_info(memobj, TERN_MEMOBJ_RESIDENT), 2);
	tern_handle_close(memobj);
	tern_handle_close(account);
}

void punched_pages_are_zero(void)
{
	tern_handle memobj = tern_memobj_create(0, 0);

	memset(buffer, 5, 4 * RT_PAGE);
	CHECK_EQ(tern_memobj_write(memobj, 0, buffer, 4 * RT_PAGE, 0), 4 * RT_PAGE);
	CHECK_EQ(tern_memobj_punch(memobj, 1, 2), 2);
	CHECK_EQ(tern_memobj_read(memobj, 0, other, 4 * RT_PAGE, 0), 4 * RT_PAGE);
	CHECK(other[0] == 5 && other[3 * RT_PAGE] == 5);
	CHECK(is_zero(other + RT_PAGE, 2 * RT_PAGE));
	CHECK_EQ(tern_memobj_punch(memobj, 1ul << 33, 2), -EINVAL);
	CHECK_EQ(tern_memobj_punch(memobj, 0, UINT64_MAX), 4);
	tern_handle_close(memobj);
}

/* ---------------------------------------------------------------------------------- appending */

static tern_handle appended;
static uint8_t *large;

static void append_body(uint64_t letter)
{
	tern_handle stream = tern_stream_create(0, appended, TERN_STREAM_APPEND);

	for (int i = 0; i < APPENDS; i++)
		CHECK_EQ(tern_stream_write(stream, large + letter * APPEND_SIZE, APPEND_SIZE, 0),
			 APPEND_SIZE);
	tern_handle_close(stream);
}

void appends_do_not_interleave(void)
{
	struct rt_thread threads[APPENDERS];

	appended = tern_memobj_create(0, 0);
	large = rt_map(APPENDERS * APPEND_SIZE);
	for (uint64_t i = 0; i < APPENDERS; i++)
		memset(large + i * APPEND_SIZE, (int)i + 1, APPEND_SIZE);
	for (uint64_t i = 0; i < APPENDERS; i++)
		rt_thread(&threads[i], append_body, i, 30);
	for (uint64_t i = 0; i < APPENDERS; i++)
		rt_join(&threads[i]);
	CHECK_EQ(tern_memobj_info(appended, TERN_MEMOBJ_LENGTH), APPENDERS * APPENDS * APPEND_SIZE);
	for (uint64_t i = 0; i < APPENDERS * APPENDS; i++) {
		uint64_t different = 0;

		CHECK_EQ(tern_memobj_read(appended, i * APPEND_SIZE, large, APPEND_SIZE, 0),
			 APPEND_SIZE);
		for (uint64_t j = 0; j < APPEND_SIZE; j++)
			different += large[j] != large[0];
		CHECK_EQ(different, 0);
	}
	rt_unmap(large, APPENDERS * APPEND_SIZE);
	tern_handle_close(appended);
}

/* ------------------------------------------------------------------------------- interrupts */

/* NOWAIT is about what a call would have to wait for; an interrupt in the middle is nothing of that. */
void interrupts_do_not_shorten_no_wait(void)
{
	tern_handle memobj = tern_memobj_create(0, 0);
	struct test_port port = test_port(7, 0);
	tern_handle timer = tern_timer_create(0, port.client, 1);

	large = rt_map(APPEND_SIZE);
	memset(large, 1, APPEND_SIZE);
	CHECK_EQ(tern_timer_set(timer, tern_time() + TICK, TICK), 0);
	for (int i = 0; i < APPENDS; i++) {
		CHECK_EQ(tern_memobj_write(memobj, 0, large, APPEND_SIZE,
					   TERN_IO_NOWAIT | (i ? TERN_IO_APPEND : 0)),
			 APPEND_SIZE);
		CHECK_EQ(tern_memobj_read(memobj, 0, large, APPEND_SIZE, TERN_IO_NOWAIT),
			 APPEND_SIZE);
	}
	CHECK_EQ(tern_timer_set(timer, 0, 0), 0);
	CHECK_EQ(tern_memobj_info(memobj, TERN_MEMOBJ_LENGTH), APPENDS * APPEND_SIZE);
	rt_unmap(large, APPEND_SIZE);
	tern_handle_close(timer);
	test_port_close(&port);
	tern_handle_close(memobj);
}
