/* Tests of POSIX message queues, by source file. */
#ifndef POSIX_QUEUES_H
#define POSIX_QUEUES_H

#include <fcntl.h>
#include <mqueue.h>
#include <stdbool.h>

#include "tests/posix/family.h"

#define NAME "/queue"

/* A new queue that is open for both, and has no name any more. */
mqd_t make_queue(long capacity, long size);
/* A process that runs the function and ends with 0, unless a check in it fails. */
pid_t start(void (*function)(mqd_t), mqd_t queue);
/* How many messages are in it. */
long count_of(mqd_t queue);

/* names.c */
void queues_are_found_by_name(void);
void wrong_names_and_flags(void);
void attributes_and_their_limits(void);
void unlinked_queues_live_on(void);
void messages_outlive_processes(void);
void modes_say_who_may(void);
void groups_say_who_may(void);
void only_owners_unlink(void);
void users_have_so_many_bytes(void);
void stat_tells_of_queues(void);
void exec_closes_queues(void);

/* messages.c */
void priorities_go_first(void);
void many_messages_keep_their_order(void);
void messages_of_all_lengths(void);
void wrong_arguments(void);
void access_modes(void);
void queues_that_do_not_wait(void);
void deadlines_end_waits(void);
void receivers_wait(void);
void senders_wait(void);
void waits_are_interrupted(void);
void waits_are_restarted(void);
void waits_are_cancelled(void);
void first_come_first_served(void);
void killed_waiters_take_nothing(void);
void poll_tells_of_queues(void);
void epoll_tells_of_queues(void);
void absent_pages(void);

/* notices.c */
void a_signal_tells_once(void);
void a_thread_is_told(void);
void waiting_receivers_go_first(void);
void one_is_told(void);
void the_dead_are_not_told(void);
void closing_takes_back(void);
void children_are_told(void);
void wrong_notices(void);

#endif
