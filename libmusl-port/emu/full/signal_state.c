/*
 * Pending signals: where they come from, who takes them. One lock protects the queues, the actions and
 * the threads' masks as others read them; it is held for moments only.
 */
#include "signal_internal.h"

#include <string.h>

#define FIRST_QUEUED 34 /* below are the C library's, for timers and cancellation: once is enough */
#define QUEUE_MAX 1024  /* the rest stays with the posix server */
#define NODES_FIRST 32

struct emu_action emu_actions[POSIX_SIGNALS + 1];
uint32_t emu_signal_continues;

static struct emu_lock lock; /* protects what follows, and the threads' queues */
static struct emu_signal_queue process_queue;
static struct emu_signal first_nodes[NODES_FIRST], *free_nodes;
static unsigned int node_count;
static uint32_t child_action; /* as the posix server knows it */
static bool wants_child;

void emu_signals_lock(void)
{
	emu_lock(&lock);
}

void emu_signals_unlock(void)
{
	emu_unlock(&lock);
}

/* -------------------------------------------------------------------------------------- queues */

static struct emu_signal *new_node(void)
{
	struct emu_signal *node = free_nodes;
	unsigned int count = TERN_PAGE_SIZE / sizeof(*node);

	if (!node) {
		node = emu_pages(TERN_PAGE_SIZE);
		if (!node)
			return NULL;
		for (unsigned int i = 0; i + 1 < count; i++)
			node[i].next = &node[i + 1];
	}
	free_nodes = node->next;
	node_count++;
	return node;
}

static void free_node(struct emu_signal *node)
{
	node->next = free_nodes;
	free_nodes = node;
	node_count--;
}

/* A timer whose signal waits already has another overrun. */
static bool is_overrun(const struct emu_signal_queue *queue, const struct posix_signal *signal)
{
	if (POSIX_SIGNAL_CODE(signal) != SI_TIMER)
		return false;
	for (struct emu_signal *at = queue->first; at; at = at->next) {
		if (at->signal.number_and_code != signal->number_and_code ||
		    at->signal.pid != signal->pid)
			continue;
		at->signal.uid += signal->uid + 1;
		return true;
	}
	return false;
}

static long append(struct emu_signal_queue *queue, const struct posix_signal *signal)
{
	struct emu_signal *node;

	if (queue->set & SIGNAL_BIT(signal_number(signal)) && is_overrun(queue, signal))
		return 0;
	if (signal_number(signal) < FIRST_QUEUED && queue->set & SIGNAL_BIT(signal_number(signal)))
		return 0;
	if (node_count >= 2 * QUEUE_MAX)
		return -EAGAIN;
	node = new_node();
	if (!node)
		return -EAGAIN;
	*node = (struct emu_signal){ .signal = *signal };
	if (!queue->first)
		queue->end = &queue->first;
	*queue->end = node;
	queue->end = &node->next;
	queue->set |= SIGNAL_BIT(signal_number(signal));
	return 0;
}

/* Takes the node at *at out; the set is what the rest of the queue is. */
static void remove_at(struct emu_signal_queue *queue, struct emu_signal **at)
{
	struct emu_signal *node = *at;
	int number = signal_number(&node->signal);

	*at = node->next;
	if (!*at)
		queue->end = at;
	free_node(node);
	for (node = queue->first; node; node = node->next)
		if (signal_number(&node->signal) == number)
			return;
	queue->set &= ~SIGNAL_BIT(number);
}

static bool take(struct emu_signal_queue *queue, uint64_t wanted, struct posix_signal *signal)
{
	int number;

	wanted &= queue->set;
	if (!wanted)
		return false;
	number = __builtin_ctzl(wanted) + 1;
	for (struct emu_signal **at = &queue->first; *at; at = &(*at)->next) {
		if (signal_number(&(*at)->signal) != number)
			continue;
		*signal = (*at)->signal;
		remove_at(queue, at);
		return true;
	}
	return false;
}

static void discard(struct emu_signal_queue *queue, uint64_t set)
{
	struct emu_signal **at = &queue->first;

	if (!(queue->set & set))
		return;
	while (*at)
		if (SIGNAL_BIT(signal_number(&(*at)->signal)) & set)
			remove_at(queue, at);
		else
			at = &(*at)->next;
}

void emu_signals_discard(uint64_t set)
{
	discard(&process_queue, set);
	for (struct emu_thread *at = emu_threads; at; at = at->next)
		discard(&at->signals.queue, set);
}

/* ------------------------------------------------------------------------------------- who is told */

static bool is_ignored_by_default(int number)
{
	return number == SIGCHLD || number == SIGCONT || number == SIGURG || number == SIGWINCH;
}

bool emu_handler_ignores(uint64_t handler, int number)
{
	return handler == HANDLER_IGNORE ||
	       (handler == HANDLER_DEFAULT && is_ignored_by_default(number));
}

bool emu_signal_is_ignored(int number)
{
	return emu_handler_ignores(emu_actions[number].handler, number);
}

struct emu_action emu_action_take(int number)
{
	struct emu_action action;

	emu_lock(&lock);
	action = emu_actions[number];
	if (action.handler > HANDLER_IGNORE && action.flags & (unsigned int)SA_RESETHAND)
		emu_actions[number].handler = HANDLER_DEFAULT;
	emu_unlock(&lock);
	return action;
}

/* Those of the set that the thread takes. */
static uint64_t accepts(const struct emu_thread *thread, uint64_t set)
{
	return set & (~thread->signals.blocked | thread->signals.awaited);
}

/* A thread that can take it, the caller before others. */
static struct emu_thread *choose_locked(struct emu_thread *self, uint64_t bit)
{
	if (accepts(self, bit))
		return self;
	for (struct emu_thread *at = emu_threads; at; at = at->next)
		if (accepts(at, bit))
			return at;
	return NULL;
}

void emu_signals_look(void)
{
	__atomic_or_fetch(&emu_pending, EMU_PENDING_LOOK, __ATOMIC_SEQ_CST);
}

static void tell(struct emu_thread *self, struct emu_thread *thread)
{
	emu_signals_look();
	if (thread == self || !thread)
		return;
	/* It has just begun, and has no entry for upcalls yet: then its first call looks. */
	if (tern_thread_interrupt(thread->handle, TERN_INTERRUPT_UPCALL) == -EINVAL)
		tern_thread_interrupt(thread->handle, 0);
}

static bool is_dropped(const struct emu_thread *target, int number)
{
	return emu_signal_is_ignored(number) && target &&
	       !(target->signals.blocked & SIGNAL_BIT(number));
}

static long generate_locked(struct emu_thread *thread, const struct posix_signal *signal)
{
	struct emu_thread *self = emu_current(), *target = thread;
	int number = signal_number(signal);
	long result;

	if (!target)
		target = choose_locked(self, SIGNAL_BIT(number));
	if (number == SIGCONT)
		emu_signals_discard(SIGNALS_STOP);
	if (SIGNAL_BIT(number) & SIGNALS_STOP)
		emu_signals_discard(SIGNAL_BIT(SIGCONT));
	if (is_dropped(target, number))
		return 0;
	result = append(thread ? &thread->signals.queue : &process_queue, signal);
	if (!result && target && accepts(target, SIGNAL_BIT(number)))
		tell(self, target);
	return result;
}

long emu_signal_generate(int tid, const struct posix_signal *signal)
{
	struct emu_thread *thread;
	long result = -ESRCH;

	emu_lock(&emu_threads_lock);
	emu_lock(&lock);
	thread = tid ? emu_thread_find(tid) : NULL;
	if (thread || !tid)
		result = generate_locked(thread, signal);
	emu_unlock(&lock);
	emu_unlock(&emu_threads_lock);
	return result;
}

/* The process's signals of the set go to others than `thread`, which does not take them (any more). Locked. */
static void pass_on_locked(struct emu_thread *thread, uint64_t set)
{
	for (struct emu_thread *at = emu_threads; at; at = at->next)
		if (at != thread && accepts(at, process_queue.set & set))
			tell(thread, at);
}

static void pass_on(struct emu_thread *thread, uint64_t set)
{
	emu_lock(&emu_threads_lock);
	emu_lock(&lock);
	pass_on_locked(thread, set);
	emu_unlock(&lock);
	emu_unlock(&emu_threads_lock);
}

/*
 * The bit is cleared first: what comes in meanwhile sets it again. One that is meant for a thread that has
 * ended is nobody's. What there is no room for stays where it is, until some have been taken.
 */
void emu_signals_fetch(void)
{
	struct posix_signal signals[2];
	uint32_t left = 1;

	__atomic_and_fetch(&emu_pending, ~(uint32_t)EMU_PENDING_MAIL, __ATOMIC_SEQ_CST);
	while (left && node_count < QUEUE_MAX) {
		tern_result count = posix_signals(emu_posix, signals, &left, &emu_signal_continues);

		if (count < 0)
			return;
		for (tern_result i = 0; i < count; i++) {
			/* It comes here for the sake of robust locks, and waits for nothing else. */
			if (signal_number(&signals[i]) == SIGKILL)
				emu_process_end(SIGKILL);
			emu_signal_generate((int)signals[i].thread, &signals[i]);
		}
	}
	if (left)
		__atomic_or_fetch(&emu_pending, EMU_PENDING_MAIL, __ATOMIC_SEQ_CST);
}

/* ---------------------------------------------------------------------------------- what is due */

uint64_t emu_signals_pending(const struct emu_thread *thread)
{
	return thread->signals.queue.set | process_queue.set;
}

uint64_t emu_signals_due(const struct emu_thread *thread)
{
	return emu_signals_pending(thread) & ~thread->signals.blocked;
}

bool emu_signal_take(struct emu_thread *thread, uint64_t wanted, struct posix_signal *signal)
{
	bool is_taken;

	emu_lock(&lock);
	is_taken = take(&thread->signals.queue, wanted, signal) ||
		   take(&process_queue, wanted, signal);
	emu_unlock(&lock);
	if (is_taken)
		emu_timer_taken(signal);
	return is_taken;
}

void emu_signals_block(struct emu_thread *thread, uint64_t mask)
{
	uint64_t left;

	mask &= ~SIGNALS_ALWAYS;
	emu_lock(&lock);
	left = process_queue.set & mask & ~thread->signals.blocked;
	thread->signals.blocked = mask;
	if (emu_signals_due(thread))
		emu_signals_look();
	emu_unlock(&lock);
	if (__builtin_expect(left != 0, 0))
		pass_on(thread, left);
}

void emu_signals_await(struct emu_thread *thread, uint64_t set)
{
	uint64_t left;

	emu_lock(&lock);
	left = process_queue.set & thread->signals.blocked & thread->signals.awaited & ~set;
	thread->signals.awaited = set;
	emu_unlock(&lock);
	if (left)
		pass_on(thread, left);
}

bool emu_signal_is_held(int signal)
{
	return emu_current()->signals.blocked & SIGNAL_BIT(signal) ||
	       emu_actions[signal].handler == HANDLER_IGNORE;
}

void emu_signal_self(int signal)
{
	const struct posix_signal sent = {
		.number_and_code = POSIX_SIGNAL(signal, SI_USER),
		.pid = (uint32_t)emu_process.pid,
		.uid = emu_process.uid,
	};

	emu_signal_generate(emu_current()->tid, &sent);
}

/* --------------------------------------------------------------------------------------- SIGCHLD */

static uint32_t child_action_of(const struct emu_action *action)
{
	uint32_t flags = wants_child || action->handler > HANDLER_IGNORE ? POSIX_CHILD_NOTIFY : 0;

	if (action->handler == HANDLER_IGNORE || action->flags & SA_NOCLDWAIT)
		flags |= POSIX_CHILD_IGNORE;
	if (action->flags & SA_NOCLDSTOP)
		flags |= POSIX_CHILD_NO_STOP;
	return flags;
}

/* The posix server sends SIGCHLD only to those who say that it matters to them. */
void emu_signals_want_child(uint64_t set)
{
	uint32_t flags;

	wants_child |= set & SIGNAL_BIT(SIGCHLD) && set != UINT64_MAX;
	flags = child_action_of(&emu_actions[SIGCHLD]);
	if (flags == child_action)
		return;
	child_action = flags;
	posix_simple(emu_posix, POSIX_OP_child_action, flags, 0, 0);
}

/* ----------------------------------------------------------------------------------- life's events */

void emu_signals_start(void)
{
	for (int i = 0; i + 1 < NODES_FIRST; i++)
		first_nodes[i].next = &first_nodes[i + 1];
	free_nodes = first_nodes;
}

void emu_signals_thread(struct emu_thread *thread, const struct emu_thread *creator)
{
	thread->signals = (struct emu_thread_signals){ .blocked = creator->signals.blocked };
}

void emu_signals_leave(struct emu_thread *thread)
{
	emu_lock(&lock);
	discard(&thread->signals.queue, UINT64_MAX);
	thread->signals.blocked = UINT64_MAX;
	if (process_queue.set)
		pass_on_locked(thread, UINT64_MAX);
	emu_unlock(&lock);
}

/* Of threads that are about to die; locked. */
void emu_signals_drop_others(void)
{
	struct emu_thread *self = emu_current();

	for (struct emu_thread *at = emu_threads; at; at = at->next)
		if (at != self)
			discard(&at->signals.queue, UINT64_MAX);
}

/* Handlers are gone with the program; what is ignored, blocked or pending stays so. */
uint64_t emu_signals_ignored(void)
{
	uint64_t set = 0;

	for (int i = 1; i <= POSIX_SIGNALS; i++)
		if (emu_actions[i].handler == HANDLER_IGNORE)
			set |= SIGNAL_BIT(i);
	return set;
}

void emu_signals_continue(uint64_t blocked, uint64_t ignored)
{
	for (int i = 1; i <= POSIX_SIGNALS; i++)
		if (ignored & ~SIGNALS_ALWAYS & SIGNAL_BIT(i))
			emu_actions[i].handler = HANDLER_IGNORE;
	emu_current()->signals.blocked = blocked & ~SIGNALS_ALWAYS;
	child_action = child_action_of(&emu_actions[SIGCHLD]) & POSIX_CHILD_IGNORE;
	/* There may be mail for the old process. */
	__atomic_or_fetch(&emu_pending, EMU_PENDING_MAIL, __ATOMIC_SEQ_CST);
}

void emu_signals_exec(void)
{
	struct emu_thread_signals *signals = &emu_current()->signals;

	for (int i = 1; i <= POSIX_SIGNALS; i++) {
		uint64_t handler = emu_actions[i].handler;

		emu_actions[i] = (struct emu_action){
			.handler = handler == HANDLER_IGNORE ? HANDLER_IGNORE : HANDLER_DEFAULT,
		};
	}
	signals->stack_length = signals->stack_flags = 0;
	signals->has_saved = false;
	wants_child = false;
	child_action &= POSIX_CHILD_IGNORE;
}

/* Nothing is pending for the child; it has one thread, which keeps its mask. */
void emu_signals_child(void)
{
	emu_signals_discard(UINT64_MAX);
	emu_current()->signals.awaited = 0;
	/* emu_pending stays: the child may have been sent something already. */
}
