/*
 * The tables from operation number to function. The kind of the port says which table: a service
 * port makes things, an end is read and written, a place is bound and looked up.
 */
#include "dispatch.h"

#include "counter.h"
#include "make.h"
#include "queue.h"
#include "socket.h"

/* `name` is the userdata without the port's kind. */
typedef enum outcome operation(struct call *call, uint64_t name);

#define OPERATIONS 64

static operation *const service_operations[OPERATIONS] = {
	[PIPE_OP_pipe] = make_pipe,
	[PIPE_OP_fifo] = make_fifo,
	[PIPE_OP_socket] = make_socket,
	[PIPE_OP_pair] = make_pair,
	[PIPE_OP_service] = make_service,
	[PIPE_OP_place] = make_place,
	[PIPE_OP_find] = place_find_name,
	[PIPE_OP_event] = make_event,
	[PIPE_OP_timer] = make_timer,
	[PIPE_OP_queue_open] = queue_open,
	[PIPE_OP_queue_unlink] = queue_unlink,
};

static operation *const place_operations[OPERATIONS] = {
	[PIPE_OP_bind_place] = place_bind,
	[PIPE_OP_find_place] = place_find,
};

static operation *const end_operations[OPERATIONS] = {
	[IO_OP_read] = end_read,
	[IO_OP_write] = end_write,
	[IO_OP_poll] = end_poll,
	[IO_OP_watch] = end_watch,
	[IO_OP_unwatch] = end_unwatch,
	[IO_OP_attributes] = end_attributes,
	[IO_OP_set_flags] = end_set_flags,
	[PIPE_OP_await_peer] = fifo_await_peer,
	[PIPE_OP_secret] = socket_secret,
	[PIPE_OP_bind] = socket_bind,
	[PIPE_OP_listen] = socket_listen,
	[PIPE_OP_accept] = socket_accept,
	[PIPE_OP_connect] = socket_connect,
	[PIPE_OP_shutdown] = socket_shutdown,
	[PIPE_OP_send] = socket_send,
	[PIPE_OP_receive] = socket_receive,
	[PIPE_OP_peer] = socket_peer,
	[PIPE_OP_name] = socket_name,
	[PIPE_OP_type] = socket_type,
	[PIPE_OP_timer_set] = counter_set,
	[PIPE_OP_timer_get] = counter_get,
	[PIPE_OP_queue_send] = queue_send,
	[PIPE_OP_queue_receive] = queue_receive,
	[PIPE_OP_queue_info] = queue_info,
	[PIPE_OP_queue_notify] = queue_notify,
};

static operation *find_operation(uint64_t userdata, uint64_t number)
{
	if (number >= OPERATIONS)
		return NULL;
	switch (userdata >> PORT_KIND_SHIFT) {
	case PORT_TRUSTED:
	case PORT_SERVICE:
		return service_operations[number];
	case PORT_PLACE:
		return place_operations[number];
	case PORT_END:
		return end_operations[number];
	default:
		return NULL;
	}
}

/* Whatever is not read or write, which are taken first. */
static __attribute__((noinline)) enum outcome dispatch_rare(struct call *call)
{
	uint64_t userdata = call->message.userdata, number = call->message.words[0] & IO_OP_MASK;
	operation *function = find_operation(userdata, number);
	enum outcome outcome = ANSWERED;

	if (!function)
		answer_number(call, number == IO_OP_control ? -ENOTTY : -ENOSYS);
	else if (userdata >> PORT_KIND_SHIFT == PORT_TRUSTED)
		outcome = function(call, userdata);
	else
		outcome = function(call, (userdata >> PORT_KIND_SHIFT) == PORT_SERVICE
						 ? userdata
						 : userdata & PORT_NAME_MASK);
	for (uint64_t i = 0; i < call->message.handle_count; i++)
		env_close(call->message.handles[i]);
	call->message.handle_count = 0;
	return outcome;
}

enum outcome dispatch_call(struct call *call)
{
	uint64_t userdata = call->message.userdata, number = call->message.words[0] & IO_OP_MASK;

	if (userdata >> PORT_KIND_SHIFT == PORT_END && !call->message.handle_count) {
		if (number == IO_OP_read)
			return end_read(call, userdata & PORT_NAME_MASK);
		if (number == IO_OP_write)
			return end_write(call, userdata & PORT_NAME_MASK);
		if (number == IO_OP_poll)
			return end_poll(call, userdata & PORT_NAME_MASK);
	}
	return dispatch_rare(call);
}

void dispatch_no_clients(uint64_t userdata, uint64_t mints)
{
	switch (userdata >> PORT_KIND_SHIFT) {
	case PORT_END:
		end_close(userdata & PORT_NAME_MASK);
		break;
	case PORT_SERVICE:
		service_close(userdata & PORT_NAME_MASK);
		break;
	case PORT_PLACE:
		place_close(userdata & PORT_NAME_MASK, mints);
		break;
	default: /* a trusted service port: it may be given out again */
		break;
	}
}

void dispatch_notified(uint64_t userdata)
{
	if (userdata >> PORT_KIND_SHIFT == PORT_TIMER)
		counter_expired(userdata & PORT_NAME_MASK);
	else if (userdata >> PORT_KIND_SHIFT == PORT_QUEUES)
		queues_expired();
}

void dispatch_cancelled(uint64_t cookie)
{
	if (cookie & SLEEPER_COOKIE)
		sleeper_cancelled(cookie);
	else if (cookie & QUEUE_COOKIE)
		queue_cancelled(cookie);
	else
		channel_cancelled(cookie);
}
