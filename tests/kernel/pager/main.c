/* Tests of memobjs, streams and pagers. */
#include "pager.h"

uint8_t *buffer, *other;

static const struct test tests[] = {
	{ "anonymous_reads_back_what_was_written", anonymous_reads_back_what_was_written },
	{ "reads_stop_at_the_end", reads_stop_at_the_end },
	{ "writes_extend_up_to_the_limit", writes_extend_up_to_the_limit },
	{ "truncated_bytes_never_come_back", truncated_bytes_never_come_back },
	{ "streams_share_their_position", streams_share_their_position },
	{ "io_checks_its_arguments", io_checks_its_arguments },
	{ "io_respects_rights", io_respects_rights },
	{ "clones_are_snapshots", clones_are_snapshots },
	{ "clones_pay_for_their_pages", clones_pay_for_their_pages },
	{ "anonymous_memory_is_charged", anonymous_memory_is_charged },
	{ "punched_pages_are_zero", punched_pages_are_zero },
	{ "appends_do_not_interleave", appends_do_not_interleave },
	{ "interrupts_do_not_shorten_no_wait", interrupts_do_not_shorten_no_wait },
	{ "pager_fills_reads", pager_fills_reads },
	{ "pager_fills_mappings", pager_fills_mappings },
	{ "stream_reads_ahead", stream_reads_ahead },
	{ "stream_asks_before_it_misses", stream_asks_before_it_misses },
	{ "failing_pager_fails_the_access", failing_pager_fails_the_access },
	{ "dead_pager_fails_those_who_wait", dead_pager_fails_those_who_wait },
	{ "late_answers_find_nothing", late_answers_find_nothing },
	{ "answers_count_once", answers_count_once },
	{ "wrong_answers_are_refused", wrong_answers_are_refused },
	{ "late_answers_bring_no_old_bytes", late_answers_bring_no_old_bytes },
	{ "waiters_can_be_interrupted", waiters_can_be_interrupted },
	{ "read_ahead_survives_a_gap", read_ahead_survives_a_gap },
	{ "ends_are_not_interrupted", ends_are_not_interrupted },
	{ "waiters_can_be_killed", waiters_can_be_killed },
	{ "no_wait_does_not_wait", no_wait_does_not_wait },
	{ "moved_pages_leave_their_source", moved_pages_leave_their_source },
	{ "holes_ask_for_backing", holes_ask_for_backing },
	{ "refused_holes_fail_the_write", refused_holes_fail_the_write },
	{ "dirty_pages_are_found_and_cleaned", dirty_pages_are_found_and_cleaned },
	{ "page_written_while_writing_stays_dirty", page_written_while_writing_stays_dirty },
	{ "mapping_written_while_writing_stays_dirty", mapping_written_while_writing_stays_dirty },
	{ "failed_write_back_is_kept", failed_write_back_is_kept },
	{ "evicted_pages_are_asked_for_again", evicted_pages_are_asked_for_again },
	{ "neighbours_are_mapped_and_go_with_their_pages",
	  neighbours_are_mapped_and_go_with_their_pages },
	{ "prepared_pages_are_filled_by_devices", prepared_pages_are_filled_by_devices },
	{ "pinned_pages_stay", pinned_pages_stay },
	{ "pinned_pages_are_moved_as_copies", pinned_pages_are_moved_as_copies },
	{ "anonymous_pages_can_be_pinned", anonymous_pages_can_be_pinned },
	{ "released_pages_are_asked_for_again", released_pages_are_asked_for_again },
	{ "writers_wait_for_write_back", writers_wait_for_write_back },
	{ "memory_is_taken_back", memory_is_taken_back },
};

int main(void)
{
	uint64_t only = rt_option("only", RT_COUNT(tests));

	buffer = rt_map(BUFFER_PAGES * RT_PAGE);
	other = rt_map(BUFFER_PAGES * RT_PAGE);
	/* Present from the start: pages that a test touches first would look like a leak. */
	memset(buffer, 1, BUFFER_PAGES * RT_PAGE);
	memset(other, 1, BUFFER_PAGES * RT_PAGE);
	if (only < RT_COUNT(tests))
		return test_run(&tests[only], 1);
	return test_run(tests, RT_COUNT(tests));
}
