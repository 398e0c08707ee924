/*
 * The posix server: lib/process on Tern. docs/posix-server.md.
 *
 * `table_lock` guards the table and everything in it; it is never held over a call to another server, so
 * no client and no file server can stop the others. Kernel calls that do not block are made under it.
 */
#ifndef POSIX_SERVER_H
#define POSIX_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/process/process.h"
#include "lib/server/server.h"
#include "proto/init.h"

/* Userdata of the server's own ports: kind << 56 | generation << 32 | index. */
enum port_kind {
	PORT_PROCESS = 0x10,
	PORT_DEATH,
	PORT_TIMER,
	PORT_TERMINAL,
	PORT_PROC,
	PORT_NOTICE
};
#define PORT_USERDATA(kind, generation, index)                                                     \
	((uint64_t)(kind) << 56 | (uint64_t)((generation)&0xffffff) << 32 | (uint32_t)(index))
#define PORT_KIND(userdata) ((userdata) >> 56)
#define PORT_INDEX(userdata) ((uint32_t)(userdata))

extern struct server server;
extern struct process_table table;
extern pthread_mutex_t table_lock;

/* main.c */
extern tern_handle board_memobj;
/* Without this the server cannot go on. */
tern_handle require(tern_handle result, const char *what);

/* kernel.c */
extern const struct process_kernel process_kernel;
void kernel_start(void);
/* A client's handle of the record's port, which is made if there is none; or an error. */
tern_handle identity_port(struct process *process);
/* The living process whose port this is; NULL: it has gone. Locked. */
struct process *process_of(uint64_t userdata);
/* A dead process's handle says so, or a port has lost its clients. */
void process_notified(uint64_t userdata, uint64_t bits);
void process_no_clients(uint64_t userdata);
void process_watch_death(const struct process *process);

/* operations.c */
int64_t process_operation(struct server_call *call);

/* mounts.c */
#define MOUNTS_MAX PROCESS_MOUNTS_MAX
/* From the word PREFIX:HANDLE:TYPE:SOURCE:FLAGS of the arguments. */
void mount_add(const char *word);
/* Tells each file server which of its directories are covered. */
void mounts_cover(void);
int64_t mount_session(struct server_call *call);
int64_t mount_list(struct server_call *call);
int64_t pipe_service(struct server_call *call);
/* The admin port of a mount, the pipe server's trusted service port; or an error. */
tern_handle mount_admin(uint32_t number);
tern_handle pipe_trusted(void);
/* The sessions made for the process until now, which `old` remembers, are revoked. Not locked. */
void sessions_revoke(const uint64_t *old);
/* Everything is written, and the file servers with disks have ended. */
void mounts_sync(void);

/* nodes.c */
int64_t node_place(struct server_call *call);
int64_t node_fifo(struct server_call *call);

/* notice.c: message queues' notices. Locked, but for notice_notified. */
int64_t notice_create(struct process *process, struct server_call *call, uint64_t *words);
int64_t notice_now(struct process *process, struct server_call *call, uint64_t *words);
void notice_notified(uint64_t userdata, uint64_t bits);
/* The process has ended, or goes on as another one. */
void notices_drop(const struct process *process);

/* become.c */
int64_t process_become(struct server_call *call);

/* first.c */
struct launched;
/* The image in a new process with this port, two more handles and these arguments: 0 or an error. */
int image_start(tern_handle port, const tern_handle more[2], const char *const *arguments,
		struct launched *launched);
/* Makes the programs' account and starts the first of them; argv may be NULL. */
void first_start(const char *image, const char *const *arguments);
extern tern_handle programs; /* their account */

/* terminal.c */
void console_start(tern_handle console);
void terminal_notified(uint64_t userdata, uint64_t bits);
void terminal_no_clients(uint64_t userdata);
int64_t terminal_claim(struct server_call *call);
int64_t terminal_open(struct server_call *call);
void terminal_release(struct process_terminal *terminal, bool hangs_up);

/* shutdown.c */
void shutdown_start(void);
void shutdown_ask(enum posix_reboot how, uint32_t status);

#endif
