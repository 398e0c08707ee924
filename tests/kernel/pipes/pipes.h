/* Tests of the pipe server in QEMU: what the files of this program share. */
#ifndef PIPES_H
#define PIPES_H

#include "proto/pipe.h"
#include "test.h"

#define CLIENT_PRIORITY TERN_PRIORITY_DEFAULT

/* A server process, with its listener and a trusted service port. */
struct server {
	tern_handle listener, owner, service;
	struct rt_child child;
};

void server_start(struct server *server);
/* Kill its process; the listener and the service port stay. */
void server_kill(struct server *server);
/* A new process on the old listener. */
void server_restart(struct server *server);
/* Kill it and give everything back. */
void server_stop(struct server *server);

void get_pipe(const struct server *server, tern_handle ends[2]);
void close_both(const tern_handle ends[2]);

/* pipe.c */
void bytes_cross_processes(void);
void death_is_end_of_file(void);
void interrupted_calls_report_what_happened(void);
void bad_windows_are_refused(void);
void absent_windows_are_touched(void);
void watch_notifies(void);
void guarded_copy_survives_a_missing_page(void);
void destroyed_payer_harms_its_pipe_alone(void);

/* socket.c */
void sockets_connect_and_pass_handles(void);
void fifo_connects_processes(void);

/* stress.c */
void many_pipes_keep_their_bytes(void);
void random_messages_do_no_harm(void);
void killed_server_leaves_nobody_waiting(void);

#endif
