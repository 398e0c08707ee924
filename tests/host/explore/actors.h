/*
 * Actors: threads with a program of a few operations. Each runs on whichever virtual hart the real
 * scheduler gives it; what it receives is checked at once, and noted for the end.
 */
#ifndef EXPLORE_ACTORS_H
#define EXPLORE_ACTORS_H

#include "world.h"

#include <setjmp.h>
#include <stdarg.h>

#define ACTORS_MAX 6
#define OPS_MAX 12
#define RECEIVED_MAX 64
#define ANSWER 1000 /* what a server adds to a request */

/* ------------------------------------------------------------------------------------- actors */

enum operation {
	END, /* blocks no more: exits */
	CALL,
	WAIT,
	REPLY_WAIT,
	REPLY,
	PARK, /* plainly */
	PARK_CANCELLABLE,
	REPLY_PARKED,
	CLOSE_PARKED,
	NOTIFY,
	INTERRUPT, /* the actor with that number */
	INTERRUPT_UPCALL,
	KILL,
	KILL_PROCESS, /* of the actor with that number */
	REVOKE,
	TAKEOVER,
	DESTROY,    /* the listener */
	CLOSE_PORT, /* the clients' handle */
	MINT,
	CLOSE_MINTED,
	STOP, /* the process of the actor with that number */
	CONTINUE,
	UNMAP /* change what the process of the actor with that number has mapped */
};

struct op {
	enum operation what;
	unsigned int argument;
};

struct actor {
	struct thread *thread;
	struct process *process;
	bool is_server;
	unsigned int next;
	struct op ops[OPS_MAX];
	/* What it sees. */
	u64 request; /* the word of the last request it received, or of its own last call */
	bool is_in_call, is_in_operation;
	bool is_told; /* an INTERRUPT_UPCALL of it has returned */
	s64 parked, minted;
	u64 parked_request;
};

static struct {
	unsigned int count;
	struct actor actors[ACTORS_MAX];
	struct process *server, *client;
	struct object *listener_object, *port_object;
	s64 listener, owner, port; /* handles: server's, server's, clients' */
	u64 next_request;
	u64 requests[RECEIVED_MAX], answers[RECEIVED_MAX]; /* delivered, accepted by the kernel */
	u64 completed[RECEIVED_MAX];                       /* answers that callers got */
	u64 notified, delivered;                           /* bits */
	u32 received_requests, accepted, completions, no_clients;
	u64 mints;
	const struct process *stopped; /* for sure */
} world;

/* What a hart's TLB remembers of a process: the number of its last change that it has seen. */
static struct {
	u64 mapped, forgotten; /* changes begun, and those that no hart may still overlook */
	u64 seen[EXPLORE_HARTS];
} memory;

void tlb_flush_all(void)
{
	memory.seen[explorer.running] = 0;
}

static unsigned long executions;
static char failure[512];
static bool is_failed;
static jmp_buf after_check; /* where a failure goes that is found when the harts sleep */
static bool is_traced;      /* print what happens: for the execution that failed */

static void explore_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (!is_failed)
		vsnprintf(failure, sizeof(failure), format, arguments);
	va_end(arguments);
	is_failed = true;
	if (explorer.is_exploring)
		setcontext(&explorer.main);
	longjmp(after_check, 1);
}

static void record(u64 *list, u32 *count, u64 value)
{
	if (*count == RECEIVED_MAX)
		explore_fail("too many records");
	list[(*count)++] = value;
}

static bool contains(const u64 *list, u32 count, u64 value)
{
	for (u32 i = 0; i < count; i++)
		if (list[i] == value)
			return true;
	return false;
}

/* ------------------------------------------------------------------------- what an actor sees */

static void see_call_end(struct actor *actor, s64 result, u64 word)
{
	actor->is_in_call = false;
	if (result == 0 && word != actor->request + ANSWER)
		explore_fail("request %lu was answered with %lu", actor->request, word);
	if (result == 0)
		record(world.completed, &world.completions, actor->request);
	else if (result != -EPIPE && result != -EINTR && result != -EBADF && result != -ESRCH)
		explore_fail("a call ended with %ld", result);
}

/* With several receivers, the order in which they look at what they received says nothing. */
static bool is_too_late(void)
{
	u32 receivers = 0;

	for (u32 i = 0; i < world.count; i++)
		receivers += world.actors[i].ops[0].what == WAIT;
	return world.no_clients && world.mints == 1 && receivers == 1;
}

static void see_arrival(struct actor *actor, s64 result, u64 word)
{
	actor->request = 0;
	if (result == TERN_EVENT_CALL) {
		if (contains(world.requests, world.received_requests, word))
			explore_fail("request %lu was delivered twice", word);
		if (is_too_late())
			explore_fail("request %lu came after the last client went", word);
		record(world.requests, &world.received_requests, word);
		actor->request = word;
	} else if (result == TERN_EVENT_NOTIFY) {
		if (word & world.delivered)
			explore_fail("notified bits %lx were delivered twice", word);
		if (is_too_late())
			explore_fail("a notification came after the last client went");
		world.delivered |= word;
	} else if (result == TERN_EVENT_NO_CLIENTS) {
		world.no_clients++;
		if (word > world.mints)
			explore_fail("%lu mints, but it was minted %lu times", word, world.mints);
	} else if (result != TERN_EVENT_CANCELLED && result != -EPIPE && result != -EINTR &&
		   result != -ESRCH && result != -EBADF) {
		explore_fail("a wait ended with %ld", result);
	}
}

static u64 word_of(const struct actor *actor)
{
	return actor->thread->frame.words[0];
}

static void say(const struct actor *actor, const char *what, s64 value)
{
	static const char *const names[] = {
		"END",
		"CALL",
		"WAIT",
		"REPLY_WAIT",
		"REPLY",
		"PARK",
		"PARK_CANCELLABLE",
		"REPLY_PARKED",
		"CLOSE_PARKED",
		"NOTIFY",
		"INTERRUPT",
		"INTERRUPT_UPCALL",
		"KILL",
		"KILL_PROCESS",
		"REVOKE",
		"TAKEOVER",
		"DESTROY",
		"CLOSE_PORT",
		"MINT",
		"CLOSE_MINTED",
		"STOP",
		"CONTINUE",
		"UNMAP",
	};

	if (is_traced)
		printf("  hart %u, actor %td: %s %s %ld\n", explorer.running, actor - world.actors,
		       names[actor->ops[actor->next].what], what, value);
}

/* The operation before has ended: its result is in the frame. */
static void see_result(struct actor *actor)
{
	const struct op *op = &actor->ops[actor->next];
	s64 result = (s64)actor->thread->frame.result;

	say(actor, "->", result);

	switch (op->what) {
	case CALL:
		see_call_end(actor, result, word_of(actor));
		break;
	case REPLY_WAIT:
	case WAIT:
		see_arrival(actor, result, word_of(actor));
		break;
	case PARK:
	case PARK_CANCELLABLE:
		actor->parked = result;
		actor->parked_request = actor->request;
		break;
	case MINT:
		actor->minted = result;
		break;
	default:
		break;
	}
	actor->next++;
}

/* -------------------------------------------------------------------------- what an actor does */

/* The kernel is about to be told an answer; if the call is still the one received it arrives. */
static void note_answer(u64 request, s64 result)
{
	if (result == 0 && request)
		record(world.answers, &world.accepted, request);
}

static s64 start_call(struct actor *actor)
{
	if (!actor->is_in_call) /* the fast path may have tried it already */
		actor->request = ++world.next_request;
	actor->is_in_call = true;
	actor->thread->frame.words[0] = actor->request;
	return world.port;
}

static bool is_live(const struct thread *thread)
{
	return thread && thread->state != THREAD_DEAD;
}

/* What is done to ports and listeners themselves. */
static s64 do_ownership(const struct actor *actor, enum operation what)
{
	switch (what) {
	case REVOKE:
		return sys_port_revoke((u64)world.owner);
	case TAKEOVER:
		return sys_listener_takeover((u64)world.listener);
	case DESTROY:
		return sys_listener_destroy((u64)world.listener);
	case CLOSE_PORT:
		return sys_handle_close((u64)world.port);
	case MINT:
		world.mints++;
		return sys_port_mint((u64)world.owner, TERN_RIGHTS_ALL);
	case CLOSE_MINTED:
		return actor->minted > 0 ? sys_handle_close((u64)actor->minted) : -EBADF;
	default:
		return -EINVAL;
	}
}

/* By a thread of the other process. */
static s64 control_process(struct process *process, bool is_stop)
{
	struct process *own = arch_hart()->current->process;
	s64 handle, result;

	object_get(&process->object);
	handle = handle_insert(own, &process->object, TERN_RIGHTS_ALL);
	if (!is_stop)
		world.stopped = NULL;
	result = is_stop ? sys_process_stop((u64)handle) : sys_process_continue((u64)handle);
	if (is_stop && result == 0)
		world.stopped = process;
	return sys_handle_close((u64)handle) ? -EBADF : result;
}

/* As tlb_shootdown, of a process that has run on all harts; the firmware's part happens at once. */
static s64 unmap(void)
{
	u64 change = ++memory.mapped;

	atomic_thread_fence(memory_order_seq_cst);
	explore_point();
	for (u32 i = 0; i < hart_count; i++)
		if (&harts[i] == arch_hart() || !hart_forgets_later(&harts[i]))
			memory.seen[i] = 0;
	memory.forgotten = max_u64(memory.forgotten, change);
	return 0;
}

static s64 interrupt(struct actor *target, bool is_upcall)
{
	s64 result = 0;

	if (is_live(target->thread))
		result = thread_interrupt(target->thread, is_upcall ? TERN_INTERRUPT_UPCALL : 0);
	target->is_told |= is_upcall;
	return result;
}

static s64 do_operation(struct actor *actor, const struct op *op)
{
	struct thread *thread = actor->thread;
	s64 result;

	switch (op->what) {
	case CALL:
		return sys_call((u64)start_call(actor));
	case WAIT:
		return sys_wait((u64)world.listener);
	case REPLY_WAIT:
		thread->frame.words[0] = actor->request + ANSWER;
		return sys_reply_wait((u64)world.listener);
	case REPLY:
		thread->frame.words[0] = actor->request + ANSWER;
		result = sys_reply((u64)TERN_REPLY);
		note_answer(actor->request, result);
		return result;
	case PARK:
		return sys_reply_park(1, 0);
	case PARK_CANCELLABLE:
		return sys_reply_park(1, TERN_PARK_CANCELLABLE);
	case REPLY_PARKED:
		thread->frame.words[0] = actor->parked_request + ANSWER;
		result = actor->parked > 0 ? sys_reply((u64)actor->parked) : -EBADF;
		note_answer(actor->parked_request, result);
		return result;
	case CLOSE_PARKED:
		return actor->parked > 0 ? sys_handle_close((u64)actor->parked) : -EBADF;
	case NOTIFY:
		result = sys_notify((u64)world.port, 1ul << op->argument);
		if (result == 0)
			world.notified |= 1ul << op->argument;
		return result;
	case INTERRUPT:
	case INTERRUPT_UPCALL:
		return interrupt(&world.actors[op->argument], op->what == INTERRUPT_UPCALL);
	case KILL:
		thread_kill(world.actors[op->argument].thread);
		return 0;
	case KILL_PROCESS:
		process_kill(world.actors[op->argument].process, 1);
		return 0;
	case END:
		thread_die(thread);
		return 0;
	case STOP:
	case CONTINUE:
		return control_process(world.actors[op->argument].process, op->what == STOP);
	case UNMAP:
		return unmap();
	default:
		return do_ownership(actor, op->what);
	}
}

/* ---------------------------------------------------------------------------------- the harts */

static struct actor *actor_of(struct thread *thread)
{
	return (struct actor *)thread->frame.s[0]; /* s0 is preserved, whatever happens */
}

/* As the assembly does: the fast path, or the C path. True: leave through sched_exit. */
static bool trap(struct hart *hart, struct actor *actor)
{
	const struct op *op = &actor->ops[actor->next];
	struct thread *thread = actor->thread;
	s64 result;

	say(actor, "begins", op->argument);
	if (op->what == CALL && fast_call(thread, start_call(actor)))
		return false;
	if (op->what == REPLY_WAIT) {
		thread->frame.words[0] = actor->request + ANSWER;
		if (fast_reply(thread, world.listener))
			return false;
	}
	result = do_operation(actor, op);
	if (result == CALL_AGAIN) {
		actor->is_in_operation = false;
		explore_yield();
		return true;
	}
	if (hart->current == thread)
		thread->frame.result = (u64)result;
	return !hart->current ||
	       atomic_load(&hart->current->fast_priority) < atomic_load(&hart->fast);
}

static void check_current(const struct hart *hart)
{
	struct actor *actor = actor_of(hart->current);

	if (actor->thread != hart->current)
		explore_fail("a thread runs with another one's registers");
	if (hart->current->state == THREAD_DEAD || hart->current->is_queued)
		explore_fail("a thread runs that is dead or queued");
	for (u32 i = 0; i < hart_count; i++)
		if (&harts[i] != hart && harts[i].current == hart->current)
			explore_fail("a thread runs on two harts");
}

/* An instruction of the program is executed. */
static void check_user_mode(const struct actor *actor)
{
	const struct thread *thread = actor->thread;
	u64 *seen = &memory.seen[explorer.running];

	if (actor->is_told && thread->pending & PENDING_UPCALL && !thread->in_upcall &&
	    !thread->settle_wanted && !explorer.ipi[explorer.running])
		explore_fail("a thread runs on though it is to take an upcall");
	if (actor->process == world.stopped)
		explore_fail("a thread of a stopped process runs");
	if (!*seen)
		*seen = 1 + memory.mapped;
	if (*seen <= memory.forgotten)
		explore_fail("a thread uses a translation that was shot down");
}

static void hart_body(void)
{
	struct hart *hart = arch_hart();

	for (bool leaves = true;;) {
		struct actor *actor;

		if (leaves)
			sched_exit();
		check_current(hart);
		actor = actor_of(hart->current);
		check_user_mode(actor);
		if (actor->is_in_operation) {
			actor->is_in_operation = false;
			see_result(actor);
		}
		leaves = true;
		if (explorer.ipi[explorer.running]) {
			arch_handle_interrupts();
			continue;
		}
		actor->is_in_operation = true;
		leaves = trap(hart, actor);
	}
}

#endif
