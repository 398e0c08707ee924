/*
 * Tests of disks, see disk.h. They want the machine that tests/system/test_disk.py makes, which also
 * looks at the disks' images afterwards.
 */
#include "disk.h"

uint8_t *buffer;

bool is_as_made(uint64_t offset, uint64_t length)
{
	const uint64_t *words = (const uint64_t *)buffer;

	for (uint64_t i = 0; i < length / 8; i++)
		if (words[i] != disk_word(offset + i * 8))
			return false;
	return true;
}

void check_disk(struct mirror *mirror, uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at < to; at += BUFFER) {
		uint64_t length = to - at < BUFFER ? to - at : BUFFER;

		CHECK_EQ(tern_memobj_read(mirror->memory.memobj, at, buffer, length, 0), length);
		CHECK(is_as_made(at, length));
	}
}

static const struct test tests[] = {
	{ "whole_disk_reads_back", whole_disk_reads_back },
	{ "odd_disk_ends_in_zeroes", odd_disk_ends_in_zeroes },
	{ "many_requests_are_in_flight", many_requests_are_in_flight },
	{ "resident_pages_can_be_read_into", resident_pages_can_be_read_into },
	{ "what_was_written_is_there", what_was_written_is_there },
	{ "parts_of_pages_can_be_written", parts_of_pages_can_be_written },
	{ "zeroes_are_written", zeroes_are_written },
	{ "discard_and_flush_work", discard_and_flush_work },
	{ "absent_pages_cannot_be_written", absent_pages_cannot_be_written },
	{ "read_only_disk_stays_as_it_is", read_only_disk_stays_as_it_is },
	{ "bad_requests_are_refused", bad_requests_are_refused },
	{ "cookies_belong_to_their_client", cookies_belong_to_their_client },
	{ "nonsense_does_no_harm", nonsense_does_no_harm },
	{ "errors_are_reported", errors_are_reported },
	{ "dead_drivers_lose_nothing", dead_drivers_lose_nothing },
	{ "client_learns_that_there_is_no_driver", client_learns_that_there_is_no_driver },
};

int main(void)
{
	uint64_t only = rt_option("only", RT_COUNT(tests));
	int result;

	buffer = rt_map(BUFFER);
	memset(buffer, 1, BUFFER);
	driver_prepare();
	driver_start();
	driver_await();
	if (rt_option("figures", 0))
		result = print_figures();
	else if (only < RT_COUNT(tests))
		result = test_run(&tests[only], 1);
	else
		result = test_run(tests, RT_COUNT(tests));
	driver_stop();
	return result;
}
