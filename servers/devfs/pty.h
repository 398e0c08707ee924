/*
 * Pseudo-terminals: two ends with a line discipline between them.
 *
 *     master: a program that plays the terminal        slave: what programs take for one
 *     write ----> tty_receive --> input -------------------------> read
 *     read <----- output ring <-- tty_write, echo <-------------- write
 *
 * The master is one description, made by opening ptmx; it lives as long as that has clients. The slave is
 * opened by name as often as one likes. Each slave port carries the *epoch* in which it was opened: a
 * hang-up begins a new one, and ports of an old epoch, or of a master that has gone, read the end, cannot
 * be written and say so to poll. So a record is free as soon as its master is, and nothing that
 * somebody still holds can reach the next user of the record or of the number: the *serial*, by
 * which ports and inodes name a pseudo-terminal, is never used again.
 *
 * One lock guards all of them. What waits is parked, and looked at after each operation.
 */
#ifndef DEVFS_PTY_H
#define DEVFS_PTY_H

#include "devfs.h"
#include "lib/tty/line_discipline.h"
#include "lib/tty/watches.h"
#include "proto/tty.h"

#define PTY_COUNT 64
#define PTY_RESERVED 4        /* of these, for user 0 */
#define PTY_OUTPUT 16384      /* a power of two */
#define PTY_ECHO_RESERVE 4096 /* of it is kept from writers, for what typing shows */
#define PTY_MAJOR 136

enum pty_side { PTY_MASTER, PTY_SLAVE };

/* One side, as those see it who have it. */
struct pty_end {
	struct tty_watches watches;
	uint32_t arrivals;
};

struct pty {
	uint32_t serial;
	uint32_t uid, gid, mode;
	bool is_locked, is_exclusive;
	bool is_slave_open;  /* somebody has it ... */
	bool was_slave_open; /* ... or had, and nobody has now: the master reads its end */
	uint32_t epoch;
	uint64_t minted;                    /* slave ports, in this epoch */
	tern_handle master, slave, control; /* our own ends, or 0 */
	tern_handle signals;                /* to be told of what is typed, or 0 */
	struct tty tty;
	struct tty_size size;
	struct tty_patience patience;
	uint32_t head, tail; /* of the output, counted without wrapping */
	char output[PTY_OUTPUT];
	struct pty_end ends[2];
};

/* A call on a port of a pseudo-terminal's, now or parked. */
struct pty_call {
	uint32_t serial, epoch;
	enum pty_side side;
	uint64_t words[TERN_MESSAGE_WORDS]; /* the answer's too, all but w0 */
	bool has_windows;
	tern_handle reply;
};

/* Userdata of its ports. */
#define PTY_USERDATA(kind, epoch, serial)                                                          \
	(PORT_USERDATA(kind, serial) | (uint64_t)((epoch)&0xffffff) << 32)
#define PTY_EPOCH(userdata) ((uint32_t)((userdata) >> 32 & 0xffffff))

/* --- pty.c: names, lives, deaths --- */
struct node pty_node(uint32_t serial);
/* The next higher serial in use; 0: none. */
uint32_t pty_next(uint32_t serial);
/* ptmx is opened: the master. */
tern_handle pty_create(const struct file_identity *identity);
tern_handle pty_open_slave(uint32_t serial, const struct file_identity *identity);
tern_handle pty_control_port(uint32_t serial, uint64_t *number, uint64_t *id);
int64_t pty_change_mode(uint32_t serial, uint32_t uid, uint32_t mode);
int64_t pty_change_owner(uint32_t serial, const struct file_identity *identity, uint32_t uid,
			 uint32_t gid);
/* Calls and events on their ports. */
int64_t pty_operation(struct server_call *call);
void pty_notified(uint64_t userdata, uint64_t bits);
void pty_no_clients(uint64_t userdata, uint64_t minted);
void pty_cancelled(uint64_t cookie);

/* What follows is called with the lock held. */

/* The pseudo-terminal that a call can still reach; NULL: it is hung up. */
struct pty *pty_of(const struct pty_call *call);
uint32_t pty_index(const struct pty *pty);
void pty_hang_up(struct pty *pty);
void pty_signal(struct pty *pty, int signal);
uint64_t pty_events(const struct pty *pty, enum pty_side side);

/* --- pty_io.c: reading and writing. 0 or positive, -Exxx, or SERVER_PARKED --- */
void pty_start_terminal(struct pty *pty);
uint32_t pty_output_length(const struct pty *pty);
void pty_put_output(struct pty *pty, const char *bytes, size_t length);
int64_t pty_read(struct pty_call *call);
int64_t pty_write(struct pty_call *call);
/* Go on with what can go on. */
void pty_settle(void);
void pty_forget_parked(uint64_t cookie);

/* --- pty_control.c --- */
int64_t pty_control(struct pty_call *call);
int64_t pty_attributes(struct pty_call *call);

#endif
