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

/* The tests, by file. */
void handles_are_copied_and_moved(void);
void too_many_handles_move_nothing(void);
void handle_arguments_are_checked(void);
void window_reads_and_writes(void);
void window_bounds_are_checked(void);
void reply_copy_moves_between_clients(void);
void parked_reply_is_forwarded(void);

#endif
