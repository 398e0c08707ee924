/* Tests of what is no file: pipes, FIFOs, sockets, terminals, and waiting for them; by source file. */
#ifndef POSIX_STREAMS_H
#define POSIX_STREAMS_H

#include "tests/posix/check.h"

/* pipes.c */
void pipes_end(void);
void small_writes_are_never_mixed(void);
void full_pipes_make_writers_wait(void);
void writing_without_readers_is_sigpipe(void);
void blocked_reads_are_interrupted(void);
void interrupted_reads_are_restarted(void);
void interrupted_writes_tell_what_went(void);
void fifos_meet_by_name(void);
void fifos_without_peers(void);

/* A child that sends SIGALRM when this process waits. */
void alarm_when_waiting(void);

/* waiting.c */
void poll_tells_what_holds(void);
void poll_waits(void);
void poll_waits_again_after_a_close(void);
void poll_and_signals(void);
void select_tells_what_holds(void);
void epoll_levels(void);
void epoll_takes_turns(void);
void epoll_instances_do_not_nest_for_ever(void);
void epoll_edges(void);
void epoll_forgets_what_is_closed(void);
void eventfds_count(void);
void eventfds_are_shared(void);
void timerfds_expire(void);
void signalfds_take_signals(void);

/* sockets.c */
void pairs_are_connected(void);
void socket_times_end_waits(void);
void shutdown_is_an_end(void);
void packets_stay_apart(void);
void datagrams_have_senders(void);
void connections_are_accepted(void);
void sockets_of_files_are_found(void);
void descriptors_travel(void);
void descriptors_that_nobody_takes_are_closed(void);

/* terminal.c */
void terminals_have_settings(void);
void others_are_no_terminals(void);

#endif
