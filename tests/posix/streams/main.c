/* Conformance of pipes, FIFOs, sockets, terminals, poll and its kin. */
#include "streams.h"

#define TEST(function)                                                                             \
	{                                                                                          \
#function, function                                                                \
	}

static const struct test tests[] = {
	TEST(pipes_end),
	TEST(small_writes_are_never_mixed),
	TEST(full_pipes_make_writers_wait),
	TEST(writing_without_readers_is_sigpipe),
	TEST(blocked_reads_are_interrupted),
	TEST(interrupted_reads_are_restarted),
	TEST(interrupted_writes_tell_what_went),
	TEST(fifos_meet_by_name),
	TEST(fifos_without_peers),
	TEST(poll_tells_what_holds),
	TEST(poll_waits),
	TEST(poll_waits_again_after_a_close),
	TEST(poll_and_signals),
	TEST(select_tells_what_holds),
	TEST(epoll_levels),
	TEST(epoll_takes_turns),
	TEST(epoll_instances_do_not_nest_for_ever),
	TEST(epoll_edges),
	TEST(epoll_forgets_what_is_closed),
	TEST(eventfds_count),
	TEST(eventfds_are_shared),
	TEST(timerfds_expire),
	TEST(signalfds_take_signals),
	TEST(pairs_are_connected),
	TEST(shutdown_is_an_end),
	TEST(packets_stay_apart),
	TEST(datagrams_have_senders),
	TEST(connections_are_accepted),
	TEST(sockets_of_files_are_found),
	TEST(socket_times_end_waits),
	TEST(descriptors_travel),
	TEST(descriptors_that_nobody_takes_are_closed),
	TEST(terminals_have_settings),
	TEST(others_are_no_terminals),
	{ NULL, NULL },
};

int main(void)
{
	return check_run(tests);
}
