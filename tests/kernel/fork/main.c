/* Tests of process_fork: memory, handles, the thread, and what is left behind. */
#include "fork.h"

static const struct test tests[] = {
	{ "child_gets_zero_and_parent_a_handle", child_gets_zero_and_parent_a_handle },
	{ "private_memory_is_copied", private_memory_is_copied },
	{ "shared_memory_is_shared", shared_memory_is_shared },
	{ "parked_pages_are_copied", parked_pages_are_copied },
	{ "handles_keep_their_values", handles_keep_their_values },
	{ "marked_handles_stay_behind", marked_handles_stay_behind },
	{ "inherited_port_serves_the_child", inherited_port_serves_the_child },
	{ "own_handles_become_the_childs", own_handles_become_the_childs },
	{ "registers_and_upcall_are_inherited", registers_and_upcall_are_inherited },
	{ "forks_of_forks_cost_the_same", forks_of_forks_cost_the_same },
	{ "fork_over_quota_leaves_nothing", fork_over_quota_leaves_nothing },
	{ "pages_go_with_their_last_holder", pages_go_with_their_last_holder },
	{ "memory_in_order_comes_in_large_pages", memory_in_order_comes_in_large_pages },
	{ "large_pages_change_in_parts", large_pages_change_in_parts },
	{ "large_pages_are_copied_in_parts", large_pages_are_copied_in_parts },
	{ "memobjs_have_large_pages", memobjs_have_large_pages },
	{ "harts_change_large_pages", harts_change_large_pages },
	{ "forking_thread_can_be_killed", forking_thread_can_be_killed },
	{ "harts_fork_write_and_unmap", harts_fork_write_and_unmap },
};

/* `only=N` on the command line: one test alone. */
int main(void)
{
	uint64_t only = rt_option("only", RT_COUNT(tests));

	return only < RT_COUNT(tests) ? test_run(&tests[only], 1)
				      : test_run(tests, RT_COUNT(tests));
}
