/*
 * A worker's loop: answer, receive the next, serve it. All workers wait at one listener.
 */
#include "server.h"

#include "dispatch.h"
#include "lib/random/random.h"
#include "tern/process.h"
#include "tern/thread.h"

static struct random_generator generator;
static struct lock generator_lock;

void pipe_server_start(tern_handle listener, const unsigned char *seed)
{
	environment_start(listener);
	random_seed(&generator, seed);
}

uint64_t env_random(void)
{
	uint64_t value;

	lock_acquire(&generator_lock);
	random_bytes(&generator, &value, sizeof(value));
	lock_release(&generator_lock);
	return value;
}

void guarded_fault(struct tern_upcall *upcall);

/* A fault of a worker. In guarded_copy it means that a client's account has been destroyed. */
void guarded_fault(struct tern_upcall *upcall)
{
	uint64_t pc = upcall->registers.pc;

	if (pc >= (uint64_t)guarded_copy && pc < (uint64_t)guarded_copy_end)
		upcall->registers.pc = (uint64_t)guarded_copy_fault;
	else
		tern_process_kill(TERN_SELF_PROCESS, TERN_STATUS_FAULT);
}

void guarded_start(char *fault_stack)
{
	uint64_t top = ((uint64_t)fault_stack + PIPE_WORKER_STACK) & ~15ul;

	tern_thread_set_upcall((uint64_t)guarded_upcall, top, 0);
}

/* Handles that an answer was to carry and that are still here. */
static void take_back(struct call *call)
{
	for (uint32_t i = 0; call->is_extended && i < call->extended.handle_count; i++)
		env_close(call->extended.handles[i].handle);
	call->is_extended = false;
}

/* The answer with handles could not be delivered: the caller gets the reason instead. */
static tern_result answer_failed(struct call *call, tern_handle listener, tern_result error)
{
	take_back(call);
	call->message.words[0] = (uint64_t)error;
	if (error != -ESRCH)
		error = tern_reply_wait(listener, &call->message);
	return error == -ESRCH ? tern_wait(listener, &call->message) : error;
}

static tern_result answer_and_wait(struct call *call, tern_handle listener)
{
	tern_result event;

	if (!call->is_extended) {
		event = tern_reply_wait(listener, &call->message);
		return event == -ESRCH ? tern_wait(listener, &call->message) : event;
	}
	event = tern_reply_wait_ext(listener, &call->message, &call->extended);
	if (event < 0 && event != -EPIPE && event != -EINTR)
		event = answer_failed(call, listener, event);
	call->is_extended = false;
	return event;
}

/* An event that is no call. */
static void serve_event(struct call *call, tern_result event)
{
	if ((event & TERN_EVENT_KIND) == TERN_EVENT_NO_CLIENTS)
		dispatch_no_clients(call->message.userdata, call->message.words[0]);
	else if ((event & TERN_EVENT_KIND) == TERN_EVENT_CANCELLED)
		dispatch_cancelled(call->message.userdata);
	else if ((event & TERN_EVENT_KIND) == TERN_EVENT_NOTIFY)
		dispatch_notified(call->message.userdata);
}

void pipe_server_work(tern_handle listener, char *fault_stack)
{
	struct call call = { .is_extended = false };
	tern_result event;

	guarded_start(fault_stack);
	tern_thread_accept_handles(TERN_MESSAGE_HANDLES);
	event = tern_wait(listener, &call.message);
	while (event >= 0 || event == -EINTR) {
		enum outcome outcome = PARKED;

		if (event >= 0 && (event & TERN_EVENT_KIND) == TERN_EVENT_CALL) {
			call.has_windows = event & TERN_EVENT_WINDOWS;
			outcome = dispatch_call(&call);
		} else if (event >= 0) {
			serve_event(&call, event);
		}
		event = outcome == ANSWERED ? answer_and_wait(&call, listener)
					    : tern_wait(listener, &call.message);
	}
}
