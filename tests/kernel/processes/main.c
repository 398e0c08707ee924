/* Processes as a supervisor sees them: interrupts, stops, figures. */
#include "processes.h"

static const struct test tests[] = {
	{ "blocked_process_is_interrupted", blocked_process_is_interrupted },
	{ "interrupt_takes_an_upcall", interrupt_takes_an_upcall },
	{ "first_living_thread_is_interrupted", first_living_thread_is_interrupted },
	{ "interrupt_without_a_thread_is_refused", interrupt_without_a_thread_is_refused },
	{ "stopped_process_stands_still", stopped_process_stands_still },
	{ "stopping_twice_is_stopping", stopping_twice_is_stopping },
	{ "stopped_process_can_be_killed", stopped_process_can_be_killed },
	{ "threads_made_in_a_stopped_process_wait", threads_made_in_a_stopped_process_wait },
	{ "answer_waits_for_a_stopped_caller", answer_waits_for_a_stopped_caller },
	{ "stopped_server_answers_later", stopped_server_answers_later },
	{ "stopped_sleeper_is_woken_but_waits", stopped_sleeper_is_woken_but_waits },
	{ "interrupt_waits_for_a_stopped_process", interrupt_waits_for_a_stopped_process },
	{ "process_stops_itself", process_stops_itself },
	{ "dead_process_is_not_stopped", dead_process_is_not_stopped },
	{ "stops_race_with_messages", stops_race_with_messages },
	{ "cpu_time_is_charged", cpu_time_is_charged },
	{ "cpu_time_of_who_preempts_is_its_own", cpu_time_of_who_preempts_is_its_own },
	{ "cpu_time_of_a_server_is_its_callers", cpu_time_of_a_server_is_its_callers },
	{ "cpu_time_of_who_was_woken_is_its_own", cpu_time_of_who_was_woken_is_its_own },
	{ "memory_is_counted", memory_is_counted },
	{ "regions_are_listed", regions_are_listed },
	{ "region_info_needs_a_right", region_info_needs_a_right },
};

/* `only=N` on the command line: one test alone. */
int main(void)
{
	uint64_t only = rt_option("only", RT_COUNT(tests));

	return only < RT_COUNT(tests) ? test_run(&tests[only], 1)
				      : test_run(tests, RT_COUNT(tests));
}
