/*
 * A world for the pipe server's logic: callers with windows, parked replies, ports with clients,
 * memory that can vanish. One thread; a call runs to its end before the next.
 *
 * The world counts what must not leak (reply handles, ports, rings, handles in messages) and keeps
 * the order in which calls were answered, for the model to check.
 */
#ifndef PIPE_WORLD_H
#define PIPE_WORLD_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pipe/dispatch.h"
#include "lib/pipe/sleeper.h"

#define WORLD_CALLS 64
#define WORLD_OBJECTS 4096
#define WORLD_WINDOW (80u << 10)

/* Handles of the server are numbers by kind. */
enum { HANDLE_REPLY = 1000, HANDLE_OBJECT = 10000 };

enum object_type { OBJECT_FREE, OBJECT_OWNER, OBJECT_CLIENT, OBJECT_FOREIGN, OBJECT_RING };

struct world_object {
	enum object_type type;
	int64_t port;         /* of a client: its owner */
	uint64_t userdata;    /* of an owner */
	unsigned int clients; /* of an owner */
	unsigned int mints;
	bool is_dormant;
	bool is_dead; /* of a ring: the payer's account is gone */
	char *memory;
	size_t length;     /* of a ring */
	uint64_t notified; /* of a foreign port */
};

enum call_state { CALL_FREE, CALL_WAITS, CALL_PARKED, CALL_ANSWERED };

struct world_call {
	enum call_state state;
	bool is_gone; /* interrupted or killed: answers do not reach it */
	uint64_t cookie;
	struct tern_received answer;
	int64_t handles[TERN_MESSAGE_HANDLES]; /* that came with the answer */
	unsigned int handle_count, accepts;
	const unsigned char *in;
	size_t in_length;
	unsigned char *out;
	size_t out_length;
	unsigned int faults; /* so many copies find an absent page */
	unsigned int copies; /* parked, it is interrupted behind so many of them; 0: not so */
	bool reply_is_open;
	unsigned int order; /* when it was answered */
};

static struct world_object objects[WORLD_OBJECTS];
static struct world_call calls[WORLD_CALLS];
static unsigned int current_call;
static unsigned int answers;
static bool memory_is_short, pages_are_short;
/* No-clients events that wait, as (userdata, mints). */
static uint64_t events[WORLD_OBJECTS][2];
static unsigned int event_count;

static struct world_object *object_of(int64_t handle)
{
	assert(handle >= HANDLE_OBJECT && handle < HANDLE_OBJECT + WORLD_OBJECTS);
	assert(objects[handle - HANDLE_OBJECT].type != OBJECT_FREE);
	return &objects[handle - HANDLE_OBJECT];
}

static int64_t object_new(enum object_type type)
{
	for (int i = 0; i < WORLD_OBJECTS; i++) {
		if (objects[i].type == OBJECT_FREE) {
			objects[i] = (struct world_object){ .type = type };
			return HANDLE_OBJECT + i;
		}
	}
	return -EMFILE;
}

static unsigned int object_count(void)
{
	unsigned int count = 0;

	for (int i = 0; i < WORLD_OBJECTS; i++)
		count += objects[i].type != OBJECT_FREE;
	return count;
}

static struct world_call *call_of(int64_t reply)
{
	if (reply == TERN_REPLY)
		return &calls[current_call];
	assert(reply >= HANDLE_REPLY && reply < HANDLE_REPLY + WORLD_CALLS);
	assert(calls[reply - HANDLE_REPLY].reply_is_open);
	return &calls[reply - HANDLE_REPLY];
}

/* The ring that holds this address, or NULL. */
static struct world_object *ring_at(const void *address)
{
	for (int i = 0; i < WORLD_OBJECTS; i++)
		if (objects[i].type == OBJECT_RING && (const char *)address >= objects[i].memory &&
		    (const char *)address < objects[i].memory + objects[i].length)
			return &objects[i];
	return NULL;
}

/* A ring whose memory is gone: the kernel's copies do not find it. */
static bool is_gone_ring(const void *address)
{
	const struct world_object *ring = ring_at(address);

	return ring && ring->is_dead;
}

/* How much of a copy of `length` happens: everything, or what precedes an absent page. */
static int64_t copy_size(struct world_call *call, size_t length)
{
	if (!call->faults)
		return (int64_t)length;
	call->faults--;
	return call->faults & 1 || length < 3 ? -EFAULT : (int64_t)(length / 2);
}

/* A copy has been made: the caller may be interrupted just now. */
static void copied(struct world_call *call)
{
	if (call->state == CALL_PARKED && call->copies && !--call->copies)
		call->is_gone = true;
}

int64_t env_window_read(int64_t reply, uint64_t offset, void *to, size_t length)
{
	struct world_call *call = call_of(reply);
	int64_t count;

	if (call->is_gone)
		return -ESRCH;
	if (offset > call->in_length || length > call->in_length - offset)
		return -ERANGE;
	count = is_gone_ring(to) ? -EFAULT : copy_size(call, length);
	if (count > 0)
		memcpy(to, call->in + offset, (size_t)count);
	copied(call);
	return count;
}

int64_t env_window_write(int64_t reply, uint64_t offset, const void *from, size_t length)
{
	struct world_call *call = call_of(reply);
	int64_t count;

	if (call->is_gone)
		return -ESRCH;
	if (offset > call->out_length || length > call->out_length - offset)
		return -ERANGE;
	count = is_gone_ring(from) ? -EFAULT : copy_size(call, length);
	if (count > 0)
		memcpy(call->out + offset, from, (size_t)count);
	copied(call);
	return count;
}

int64_t env_window_copy(int64_t from, uint64_t from_offset, int64_t to, uint64_t to_offset,
			size_t length)
{
	struct world_call *call = call_of(from);
	int64_t result;

	assert(call != call_of(to));
	if (call->is_gone)
		return -ESRCH;
	if (from_offset > call->in_length || length > call->in_length - from_offset)
		return -ERANGE;
	if (call->faults)
		return -EFAULT;
	result = env_window_write(to, to_offset, call->in + from_offset, length);
	copied(call);
	return result;
}

int64_t env_park(uint64_t cookie)
{
	struct world_call *call = &calls[current_call];

	assert(call->state == CALL_WAITS);
	if (memory_is_short)
		return -ENOMEM;
	call->state = CALL_PARKED;
	call->cookie = cookie;
	call->reply_is_open = true;
	return HANDLE_REPLY + current_call;
}

static void finish(struct world_call *call, const struct tern_received *message)
{
	assert(call->state != CALL_ANSWERED);
	call->state = CALL_ANSWERED;
	call->answer = *message;
	call->order = ++answers;
}

int64_t env_answer(int64_t reply, struct tern_received *message)
{
	struct world_call *call = call_of(reply);

	call->reply_is_open = false;
	if (call->is_gone)
		return -ESRCH;
	finish(call, message);
	return 0;
}

int64_t env_answer_handles(int64_t reply, struct tern_received *message,
			   const struct tern_extended *extended)
{
	struct world_call *call = call_of(reply);

	if (!call->is_gone && extended->handle_count > call->accepts)
		return -E2BIG;
	if (!call->is_gone) {
		call->handle_count = extended->handle_count;
		for (uint32_t i = 0; i < extended->handle_count; i++)
			call->handles[i] = extended->handles[i].handle;
	}
	return env_answer(reply, message);
}

static void client_gone(int64_t owner)
{
	struct world_object *port = object_of(owner);

	if (--port->clients == 0) {
		port->is_dormant = true;
		events[event_count][0] = port->userdata;
		events[event_count++][1] = port->mints;
	}
}

void env_close(int64_t handle)
{
	struct world_object *object;

	if (handle < HANDLE_OBJECT) {
		call_of(handle)->reply_is_open = false;
		return;
	}
	object = object_of(handle);
	if (object->type == OBJECT_CLIENT)
		client_gone(object->port);
	else
		assert(object->type != OBJECT_OWNER || !object->clients);
	object->type = OBJECT_FREE;
}

int64_t env_notify(int64_t port, uint64_t bits)
{
	struct world_object *object = object_of(port);

	assert(object->type == OBJECT_FOREIGN && bits);
	if (object->is_dead)
		return -EPIPE;
	object->notified |= bits;
	return 0;
}

int64_t env_port_mint(int64_t owner)
{
	struct world_object *port = object_of(owner);
	int64_t client = memory_is_short ? -EMFILE : object_new(OBJECT_CLIENT);

	if (client < 0)
		return client;
	object_of(client)->port = owner;
	port->clients++;
	port->mints++;
	port->is_dormant = false;
	return client;
}

int64_t env_port_create(uint64_t userdata, int64_t *owner, int64_t *client)
{
	*owner = object_new(OBJECT_OWNER);
	if (*owner < 0)
		return *owner;
	object_of(*owner)->userdata = userdata;
	*client = env_port_mint(*owner);
	if (*client > 0)
		return 0;
	object_of(*owner)->type = OBJECT_FREE;
	return *client;
}

void *env_pages(size_t length)
{
	return memory_is_short || pages_are_short ? NULL : calloc(1, length);
}

int64_t env_ring_create(int64_t payer, size_t length, char **memory)
{
	int64_t ring;

	assert(!call_of(payer)->is_gone);
	ring = memory_is_short ? -ENOMEM : object_new(OBJECT_RING);
	if (ring < 0)
		return ring;
	*memory = object_of(ring)->memory = malloc(length);
	object_of(ring)->length = length;
	return ring;
}

void env_ring_destroy(int64_t memobj, char *memory, size_t length)
{
	assert(object_of(memobj)->memory == memory && length == object_of(memobj)->length);
	free(memory);
	object_of(memobj)->type = OBJECT_FREE;
}

bool env_ring_is_alive(int64_t memobj)
{
	return !object_of(memobj)->is_dead;
}

bool env_guarded_copy(void *to, const void *from, size_t length)
{
	if (length && (is_gone_ring(to) || is_gone_ring(from)))
		return false;
	if (length)
		memcpy(to, from, length);
	return true;
}

void env_sleep(_Atomic uint32_t *word, uint32_t value)
{
	(void)word;
	(void)value;
	assert(!"a lock is taken twice");
}

void env_wake(_Atomic uint32_t *word)
{
	(void)word;
	assert(!"nobody can wait for a lock here");
}

/* Timers do not fire by themselves here: tests that want one move `world_now` and notify. */
static uint64_t world_now = 1000;

int64_t env_timer_create(uint64_t userdata, int64_t *timer, int64_t *port)
{
	(void)userdata;
	*timer = *port = 0;
	return 0;
}

void env_timer_set(int64_t timer, uint64_t deadline)
{
	(void)timer;
	(void)deadline;
}

uint64_t env_now(void)
{
	return world_now;
}

uint64_t env_random(void)
{
	static uint64_t state = 88172645463325252ul;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* -------------------------------------------------------------------------------- making calls */

/* Deliver the events that wait. */
static void world_events(void)
{
	while (event_count) {
		uint64_t userdata = events[0][0], mints = events[0][1];

		memmove(events, events + 1, --event_count * sizeof(events[0]));
		dispatch_no_clients(userdata, mints);
	}
}

/*
 * The call `index` with these words through a client handle (or with a trusted userdata). Windows and
 * so on have been put in calls[index]. Afterwards it is answered or parked.
 */
static void world_call(unsigned int index, uint64_t userdata, const uint64_t *words, int64_t handle)
{
	struct call call = { .is_extended = false };
	struct world_call *caller = &calls[index];

	current_call = index;
	caller->state = CALL_WAITS;
	caller->is_gone = caller->reply_is_open = false;
	caller->handle_count = 0;
	memcpy(call.message.words, words, sizeof(call.message.words));
	call.message.userdata = userdata;
	call.has_windows = caller->in_length || caller->out_length;
	if (handle) {
		call.message.handles[0] = handle;
		call.message.handle_count = 1;
	}
	if (dispatch_call(&call) == PARKED) {
		assert(caller->state != CALL_WAITS);
	} else {
		assert(caller->state == CALL_WAITS);
		finish(caller, &call.message);
		for (uint32_t i = 0; call.is_extended && i < call.extended.handle_count; i++)
			caller->handles[caller->handle_count++] = call.extended.handles[i].handle;
	}
	world_events();
}

static uint64_t userdata_of(int64_t client)
{
	return object_of(object_of(client)->port)->userdata;
}

static void world_interrupt(unsigned int index)
{
	uint64_t cookie = calls[index].cookie;

	assert(calls[index].state == CALL_PARKED);
	calls[index].is_gone = true;
	dispatch_cancelled(cookie);
	assert(!calls[index].reply_is_open);
	calls[index].state = CALL_FREE;
	world_events();
}

static void world_close(int64_t client)
{
	env_close(client);
	world_events();
}

#endif
