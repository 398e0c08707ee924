/* What the files of the port tests share: a server thread that follows simple orders. */
#ifndef PORTS_H
#define PORTS_H

#include "test.h"

#define PRIORITY 20

/* What a request's first word asks the server to do. */
enum order {
	ORDER_ADD_ONE, /* answer each word + 1, word 7: userdata */
	ORDER_WAIT,    /* drop the call by waiting again */
	ORDER_PARK,    /* park with cookie 77, cancellable if word 1; remember the handle */
	ORDER_HOLD,    /* set `holds`, wait for `may_go`, then answer */
	ORDER_STOP,    /* answer and end */
	ORDER_EXIT     /* end without answering */
};

struct server {
	struct rt_thread thread;
	struct test_port port;
	volatile uint32_t holds, may_go, events;
	volatile int64_t parked;
	tern_result last_event;
	struct tern_received last;
};

void server_start(struct server *server, unsigned int priority);
/* Ends its thread and closes the port. */
void server_stop(struct server *server);

/* A thread that makes one call. */
struct client {
	struct rt_thread thread;
	tern_handle port;
	struct tern_received message;
	const struct tern_extended *extended;
	volatile tern_result result;
	volatile uint32_t is_done;
};

void client_start(struct client *client, tern_handle port, uint64_t order, unsigned int priority);
void client_start_extended(struct client *client, tern_handle port, uint64_t order,
			   const struct tern_extended *extended);
void client_join(struct client *client);

/* The tests, by file; extended.c */
void handles_are_copied_and_moved(void);
void answers_bring_handles_without_a_descriptor(void);
void too_many_handles_move_nothing(void);
void handle_arguments_are_checked(void);
void window_reads_and_writes(void);
void window_bounds_are_checked(void);
void reply_copy_moves_between_clients(void);
void parked_reply_is_forwarded(void);

/* handles.c */
void minted_rights_are_no_more_than_asked(void);
void duplicates_are_clients_too(void);
void owners_handle_is_no_client(void);
void no_clients_counts_every_mint(void);
void moved_port_never_looks_abandoned(void);
void moved_listener_is_received_from_no_more(void);
void answer_with_too_many_handles_is_refused(void);
void takeover_answers_what_is_queued(void);

/* windows.c */
void copies_end_short_at_missing_pages(void);
void read_only_memory_is_no_out_window(void);
void one_window_is_not_the_other(void);
void long_windows_are_copied_in_pieces(void);
void windows_are_in_the_callers_space(void);
void windows_end_with_the_call(void);

/* interrupts.c */
void interrupted_call_can_still_be_parked_plainly(void);
void plainly_parked_call_is_not_interrupted(void);
void cancel_request_ends_with_its_call(void);
void closed_reply_takes_its_event_along(void);
void cancelled_event_comes_once(void);
void waiting_server_is_interrupted(void);
void interrupted_reply_wait_has_answered(void);

/* lives.c */
void killed_queued_caller_is_forgotten(void);
void killed_served_caller_is_esrch(void);
void killed_parked_caller_is_esrch(void);
void killed_server_process_answers_epipe(void);
void killed_receiver_leaves_the_call_to_others(void);
void listener_dies_with_its_last_process(void);
void killed_client_process_is_no_client(void);

/* priorities.c */
void server_inherits_its_callers_priority(void);
void busy_server_inherits_from_the_queue(void);
void priority_is_inherited_along_a_chain(void);
void inherited_priority_ends_with_the_answer(void);
void many_threads_serve_many_callers(void);

/* registers.c */
void registers_of_messages_are_exact(void);
void registers_of_other_calls_are_ones_own(void);
void registers_survive_other_threads(void);

#endif
