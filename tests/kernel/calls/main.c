/* System calls by themselves: wrong arguments, and what does not need a second thread. */
#include "calls.h"

static const struct test tests[] = {
	{ "wrong_handles_are_refused", wrong_handles_are_refused },
	{ "handles_of_other_types_are_refused", handles_of_other_types_are_refused },
	{ "missing_rights_are_refused", missing_rights_are_refused },
	{ "wrong_numbers_are_refused", wrong_numbers_are_refused },
	{ "wrong_addresses_are_refused", wrong_addresses_are_refused },
	{ "wrong_descriptors_are_refused", wrong_descriptors_are_refused },
	{ "right_arguments_are_accepted", right_arguments_are_accepted },
	{ "empty_account_means_enomem", empty_account_means_enomem },
	{ "unknown_operations_are_enosys", unknown_operations_are_enosys },
	{ "handle_table_grows_and_survives", handle_table_grows_and_survives },
	{ "duplicate_has_fewer_rights", duplicate_has_fewer_rights },
	{ "handle_given_to_a_dead_process_is_refused", handle_given_to_a_dead_process_is_refused },
	{ "closed_and_reused_slot_is_another_handle", closed_and_reused_slot_is_another_handle },
	{ "log_takes_at_most_a_line", log_takes_at_most_a_line },
	{ "figures_are_plausible", figures_are_plausible },
	{ "busy_harts_are_counted", busy_harts_are_counted },
	{ "priorities_are_bounded_by_ones_own", priorities_are_bounded_by_ones_own },
	{ "self_names_are_not_handles", self_names_are_not_handles },
	{ "handles_to_oneself", handles_to_oneself },
};

TEST_MAIN(tests)
