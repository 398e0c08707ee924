/* Lives of pseudo-terminals, and what arrives at their ports; see the header. */
#include "pty.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/io.h"
#include "tern/handle.h"

#define MODE 0620

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all that follows */
static struct pty ptys[PTY_COUNT];
static uint32_t serials[PTY_COUNT]; /* theirs, so that those that nobody uses stay without memory */
static uint32_t last_serial;

static struct pty *find(uint32_t serial)
{
	for (int i = 0; serial && i < PTY_COUNT; i++)
		if (serials[i] == serial)
			return &ptys[i];
	return NULL;
}

struct pty *pty_of(const struct pty_call *call)
{
	struct pty *pty = find(call->serial);

	return pty && (call->side == PTY_MASTER || call->epoch == pty->epoch) ? pty : NULL;
}

uint32_t pty_index(const struct pty *pty)
{
	return (uint32_t)(pty - ptys);
}

/* -------------------------------------------------------------------------------------- names */

static void fill_node(const struct pty *pty, struct node *node)
{
	*node = (struct node){
		.parent = PTS,
		.device = DEVICE_PTY,
		.mode = S_IFCHR | pty->mode,
		.major = PTY_MAJOR,
		.minor = pty_index(pty),
		.uid = pty->uid,
		.gid = pty->gid,
	};
	snprintf(node->name, sizeof(node->name), "%u", pty_index(pty));
}

struct node pty_node(uint32_t serial)
{
	struct node node = { .mode = 0 };
	const struct pty *pty;

	pthread_mutex_lock(&lock);
	pty = find(serial);
	if (pty)
		fill_node(pty, &node);
	pthread_mutex_unlock(&lock);
	return node;
}

uint32_t pty_next(uint32_t serial)
{
	uint32_t next = 0;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < PTY_COUNT; i++)
		if (serials[i] > serial && (!next || serials[i] < next))
			next = serials[i];
	pthread_mutex_unlock(&lock);
	return next;
}

int64_t pty_change_mode(uint32_t serial, uint32_t uid, uint32_t mode)
{
	struct pty *pty;
	int64_t result = -ENOENT;

	pthread_mutex_lock(&lock);
	pty = find(serial);
	if (pty)
		result = uid && uid != pty->uid ? -EPERM : 0;
	if (!result)
		pty->mode = mode & 0777;
	pthread_mutex_unlock(&lock);
	return result;
}

static bool may_give(const struct pty *pty, const struct file_identity *identity, uint32_t uid,
		     uint32_t gid)
{
	bool is_member = gid == UINT32_MAX || gid == identity->gid;

	if (identity->uid == 0)
		return true;
	for (uint32_t i = 0; i < identity->group_count && i < FILE_GROUPS_MAX; i++)
		is_member |= identity->groups[i] == gid;
	return identity->uid == pty->uid && is_member && (uid == UINT32_MAX || uid == pty->uid);
}

int64_t pty_change_owner(uint32_t serial, const struct file_identity *identity, uint32_t uid,
			 uint32_t gid)
{
	struct pty *pty;
	int64_t result = -ENOENT;

	pthread_mutex_lock(&lock);
	pty = find(serial);
	if (pty)
		result = may_give(pty, identity, uid, gid) ? 0 : -EPERM;
	if (!result) {
		pty->uid = uid == UINT32_MAX ? pty->uid : uid;
		pty->gid = gid == UINT32_MAX ? pty->gid : gid;
	}
	pthread_mutex_unlock(&lock);
	return result;
}

/* -------------------------------------------------------------------------------------- lives */

/* One more handle for clients; the port is made for the first. */
static tern_handle mint(tern_handle *port, uint64_t userdata, uint64_t rights)
{
	if (!*port) {
		tern_handle made = tern_port_create(0, server.listener, userdata, 0);

		if (made < 0)
			return made;
		*port = made;
	}
	return tern_port_mint(*port, rights);
}

static struct pty *find_free(uint32_t uid)
{
	unsigned int count = uid ? PTY_COUNT - PTY_RESERVED : PTY_COUNT;

	for (unsigned int i = 0; i < count; i++)
		if (!serials[i])
			return &ptys[i];
	return NULL;
}

tern_handle pty_create(const struct file_identity *identity)
{
	tern_handle master = -ENOSPC;
	struct pty *pty;

	pthread_mutex_lock(&lock);
	pty = find_free(identity->uid);
	if (pty && last_serial < UINT32_MAX - PTY_INODE) {
		memset(pty, 0, sizeof(*pty));
		master = mint(&pty->master, PTY_USERDATA(PORT_MASTER, 0, last_serial + 1),
			      TERN_RIGHT_CALL | TERN_RIGHT_COPY | TERN_RIGHT_MOVE);
	}
	if (master >= 0) {
		pty->serial = serials[pty_index(pty)] = ++last_serial;
		pty->uid = identity->uid;
		pty->gid = identity->gid;
		pty->mode = MODE;
		pty->is_locked = true;
		pty_start_terminal(pty);
	} else if (pty && pty->master) {
		tern_handle_close(pty->master);
	}
	pthread_mutex_unlock(&lock);
	return master;
}

/* Locked. */
static tern_handle open_slave(struct pty *pty)
{
	tern_handle client = mint(&pty->slave, PTY_USERDATA(PORT_SLAVE, pty->epoch, pty->serial),
				  TERN_RIGHT_CALL | TERN_RIGHT_COPY | TERN_RIGHT_MOVE);

	if (client < 0)
		return client;
	pty->minted++;
	pty->is_slave_open = true;
	pty->was_slave_open = false;
	return client;
}

tern_handle pty_open_slave(uint32_t serial, const struct file_identity *identity)
{
	tern_handle client = -EIO;
	struct pty *pty;

	pthread_mutex_lock(&lock);
	pty = find(serial);
	if (pty && pty->is_exclusive && identity->uid)
		client = -EBUSY;
	else if (pty && !pty->is_locked)
		client = open_slave(pty);
	pthread_mutex_unlock(&lock);
	return client;
}

tern_handle pty_control_port(uint32_t serial, uint64_t *number, uint64_t *id)
{
	tern_handle client = -EIO;
	struct pty *pty;

	pthread_mutex_lock(&lock);
	pty = find(serial);
	if (pty) {
		client = mint(&pty->control, PTY_USERDATA(PORT_CONTROL, 0, serial),
			      TERN_RIGHT_CALL | TERN_RIGHT_NOTIFY | TERN_RIGHT_COPY |
				      TERN_RIGHT_MOVE);
		*number = (uint64_t)PTY_MAJOR << 32 | pty_index(pty);
		*id = serial;
	}
	pthread_mutex_unlock(&lock);
	return client;
}

void pty_signal(struct pty *pty, int signal)
{
	if (!pty->signals || tern_notify(pty->signals, 1ul << signal) == 0)
		return;
	tern_handle_close(pty->signals);
	pty->signals = 0;
}

static void close_handle(tern_handle *handle)
{
	if (*handle)
		tern_handle_close(*handle);
	*handle = 0;
}

/* Whoever has the slave has it no more. */
void pty_hang_up(struct pty *pty)
{
	close_handle(&pty->slave);
	pty->epoch = (pty->epoch + 1) & 0xffffff;
	pty->minted = 0;
	pty->was_slave_open = true;
	pty->is_slave_open = pty->is_exclusive = false;
	tty_flush_input(&pty->tty);
	pty->tty.is_stopped = false;
	tty_watches_end(&pty->ends[PTY_SLAVE].watches);
}

static void end(struct pty *pty)
{
	pty_hang_up(pty);
	pty_signal(pty, SIGHUP);
	tty_watches_end(&pty->ends[PTY_MASTER].watches);
	close_handle(&pty->signals);
	close_handle(&pty->control);
	close_handle(&pty->master);
	serials[pty_index(pty)] = 0;
}

/* --------------------------------------------------------------------------------------- poll */

uint64_t pty_events(const struct pty *pty, enum pty_side side)
{
	const struct tty *tty = &pty->tty;

	if (side == PTY_MASTER)
		return (pty_output_length(pty) ? IO_IN : 0) | (tty_room(tty) ? IO_OUT : 0) |
		       (pty->was_slave_open ? IO_HANGUP : 0);
	return (tty_has_input(tty) || tty_ready(tty, 1, false) == TTY_READ ? IO_IN : 0) |
	       (!tty->is_stopped && pty_output_length(pty) < PTY_OUTPUT - PTY_ECHO_RESERVE ? IO_OUT
											   : 0);
}

static int64_t poll(struct pty_call *call)
{
	struct pty *pty = pty_of(call);
	struct pty_end *of;

	if (!pty)
		return IO_IN | IO_OUT | IO_ERROR | IO_HANGUP;
	of = &pty->ends[call->side];
	return tty_watch_poll(&of->watches, call->words, pty_events(pty, call->side), of->arrivals);
}

static int64_t watch(struct pty_call *call, tern_handle *handle)
{
	struct pty *pty = pty_of(call);
	int64_t number = -EIO;

	if (pty)
		number = tty_watch_add(&pty->ends[call->side].watches, *handle, call->words[1]);
	if (number > 0)
		*handle = 0;
	return number;
}

static int64_t unwatch(struct pty_call *call)
{
	struct pty *pty = pty_of(call);

	return pty ? tty_watch_remove(&pty->ends[call->side].watches, call->words[1]) : -ENOENT;
}

/* Something has happened to this one. */
static void settle(uint32_t serial)
{
	struct pty *pty;

	pty_settle();
	pty = find(serial);
	for (int side = PTY_MASTER; pty && side <= PTY_SLAVE; side++)
		tty_watches_notify(&pty->ends[side].watches, pty_events(pty, side),
				   pty->ends[side].arrivals);
}

/* ---------------------------------------------------------------------------------- operations */

static int64_t operate(struct pty_call *call, tern_handle *handle)
{
	switch (call->words[0] & IO_OP_MASK) {
	case IO_OP_read:
		return pty_read(call);
	case IO_OP_write:
		return pty_write(call);
	case IO_OP_poll:
		return poll(call);
	case IO_OP_watch:
		return watch(call, handle);
	case IO_OP_unwatch:
		return unwatch(call);
	case IO_OP_attributes:
		return pty_attributes(call);
	case IO_OP_set_flags: /* who does not want to wait says so with each call */
		return 0;
	case IO_OP_control:
		return pty_control(call);
	default:
		return -ENOSYS;
	}
}

static int64_t hear_signals(struct pty *pty, tern_handle *handle)
{
	if (!*handle)
		return -EINVAL;
	close_handle(&pty->signals);
	pty->signals = *handle;
	*handle = 0;
	return 0;
}

/* On the control port. */
static int64_t supervise(struct server_call *call, tern_handle *handle)
{
	struct pty *pty = find(PORT_INDEX(call->message.userdata));
	tern_handle client;

	if (!pty)
		return -EIO;
	if ((call->message.words[0] & IO_OP_MASK) == TTY_OP_signals)
		return hear_signals(pty, handle);
	if ((call->message.words[0] & IO_OP_MASK) != TTY_OP_open)
		return -ENOSYS;
	client = open_slave(pty);
	if (client < 0)
		return client;
	server_give(call, client, GIVEN_RIGHTS);
	return 0;
}

int64_t pty_operation(struct server_call *call)
{
	uint64_t userdata = call->message.userdata;
	tern_handle *handle = &call->message.handles[0], none = 0;
	struct pty_call own = {
		.serial = PORT_INDEX(userdata),
		.epoch = PTY_EPOCH(userdata),
		.side = PORT_KIND(userdata) == PORT_MASTER ? PTY_MASTER : PTY_SLAVE,
		.has_windows = call->has_windows,
		.reply = TERN_REPLY,
	};
	int64_t result;

	if (!call->message.handle_count)
		handle = &none;
	memcpy(own.words, call->message.words, sizeof(own.words));
	pthread_mutex_lock(&lock);
	if (PORT_KIND(userdata) == PORT_CONTROL) {
		result = supervise(call, handle);
	} else {
		result = operate(&own, handle);
		memcpy(call->message.words, own.words, sizeof(own.words));
	}
	settle(PORT_INDEX(userdata));
	pthread_mutex_unlock(&lock);
	return result;
}

void pty_notified(uint64_t userdata, uint64_t bits)
{
	struct pty *pty;

	pthread_mutex_lock(&lock);
	pty = find(PORT_INDEX(userdata));
	if (pty && PORT_KIND(userdata) == PORT_CONTROL && bits & TTY_HANG_UP)
		pty_hang_up(pty);
	settle(PORT_INDEX(userdata));
	pthread_mutex_unlock(&lock);
}

void pty_no_clients(uint64_t userdata, uint64_t minted)
{
	struct pty *pty;

	pthread_mutex_lock(&lock);
	pty = find(PORT_INDEX(userdata));
	if (pty && PORT_KIND(userdata) == PORT_MASTER) {
		end(pty);
	} else if (pty && PORT_KIND(userdata) == PORT_SLAVE && PTY_EPOCH(userdata) == pty->epoch &&
		   minted == pty->minted) {
		pty->is_slave_open = pty->is_exclusive = false;
		pty->was_slave_open = true;
	}
	settle(PORT_INDEX(userdata));
	pthread_mutex_unlock(&lock);
}

void pty_cancelled(uint64_t cookie)
{
	pthread_mutex_lock(&lock);
	pty_forget_parked(cookie);
	pthread_mutex_unlock(&lock);
}
