/* Processes: fork, exec, wait, groups, sessions, credentials, limits. */
#include "tests/posix/processes/processes.h"

static const struct test tests[] = {
	{ "a_child_is_a_copy", a_child_is_a_copy },
	{ "statuses_arrive", statuses_arrive },
	{ "wait_chooses", wait_chooses },
	{ "wait_does_not_wait_with_nohang", wait_does_not_wait_with_nohang },
	{ "waitid_tells_and_leaves", waitid_tells_and_leaves },
	{ "children_of_the_dead_are_adopted", children_of_the_dead_are_adopted },
	{ "many_children_at_once", many_children_at_once },
	{ "vfork_and_spawn", vfork_and_spawn },
	{ "exec_passes_arguments_and_environment", exec_passes_arguments_and_environment },
	{ "exec_closes_what_is_marked", exec_closes_what_is_marked },
	{ "exec_of_scripts", exec_of_scripts },
	{ "exec_fails_without_a_trace", exec_fails_without_a_trace },
	{ "exec_with_threads", exec_with_threads },
	{ "long_arguments", long_arguments },
	{ "groups_and_sessions", groups_and_sessions },
	{ "credentials_are_given_up", credentials_are_given_up },
	{ "set_user_id_programs", set_user_id_programs },
	{ "set_user_id_programs_go_on", set_user_id_programs_go_on },
	{ "privileges_can_be_given_up", privileges_can_be_given_up },
	{ "limits_are_kept", limits_are_kept },
	{ "names_and_figures", names_and_figures },
	{ "random_bytes_come", random_bytes_come },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	if (argc > 1)
		return exec_target(argc, argv);
	return check_run(tests);
}
