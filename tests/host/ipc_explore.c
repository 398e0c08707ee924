/*
 * Explores interleavings of the IPC state machine: small programs of a few threads on two or three
 * harts, the real kernel underneath (tests/host/explore/world.h), and every order of its atomic
 * operations and locks up to a bound on preemptions; longer random programs in random orders.
 *
 * What must hold at the end of each execution is in check(). Each deliberate bug of enum mutant
 * must be found by it.
 */
#include "explore/actors.h"

/* -------------------------------------------------------------------------------- an execution */

void thread_upcall(struct thread *thread, u64 cause, u64 value, int error)
{
	(void)thread, (void)cause, (void)value, (void)error;
}

static void make_actor(struct actor *actor, u32 hart)
{
	u32 priority = 10;

	on_switch(hart % hart_count);
	actor->process = actor->is_server ? world.server : world.client;
	actor->thread = thread_create(actor->process, (u8)priority);
	actor->thread->frame.s[0] = (u64)actor;
	actor->thread->upcall_entry = (u64)actor;
	object_get(&actor->thread->object); /* the checker's */
	if (thread_start(actor->thread))
		explore_fail("no start");
	object_put(&actor->thread->object);
}

static struct process *make_process(void)
{
	struct process *process = process_create(root_account);

	for (u32 i = 0; i < MAX_HARTS; i++)
		process->satp[i] = 1; /* as if it had run everywhere */
	return process;
}

static void make_ports(void)
{
	struct thread self = { .process = world.server };
	s64 minted;

	world.listener_object = &listener_create(root_account, 16)->object;
	world.listener = handle_insert(world.server, world.listener_object, TERN_RIGHTS_ALL);
	world.port_object =
		&port_create(root_account, listener_of(world.listener_object), 7, 0)->object;
	world.owner = handle_insert(world.server, world.port_object, TERN_RIGHTS_ALL);
	harts[0].current = &self;
	minted = sys_port_mint((u64)world.owner, TERN_RIGHTS_ALL);
	world.mints = 1;
	object_get(
		world.port_object); /* the clients' handle's; the creator's stays for the checker */
	world.port = handle_insert(world.client, world.port_object,
				   TERN_RIGHTS_ALL & ~TERN_RIGHT_OWNER);
	if (sys_handle_close((u64)minted) || world.port < 0)
		explore_fail("no port");
	object_get(world.listener_object);
	object_get(world.port_object);
	harts[0].current = NULL;
}

/* The programs are in world.actors already. */
static void set_up(u32 harts_wanted)
{
	hart_count = harts_wanted;
	idle_harts = 0;
	pending_count = 0;
	is_failed = false;
	for (u32 i = 0; i < hart_count; i++) {
		harts[i] = (struct hart){ .index = i, .is_online = true };
		sched_init(&harts[i]);
	}
	on_switch(0);
	account_init(1ul << 30);
	world.server = make_process();
	world.client = make_process();
	object_get(&world.server->object);
	object_get(&world.client->object);
	make_ports();
	for (u32 i = 0; i < world.count; i++)
		make_actor(&world.actors[i], i);
}

static bool is_receiving(const struct thread *thread)
{
	const struct thread *place = listener_of(world.listener_object)->receivers;

	for (; place; place = place->next)
		if (place == thread)
			return true;
	return false;
}

static bool has_holder(const struct thread *caller)
{
	for (u32 i = 0; i < world.count; i++) {
		const struct thread *server = world.actors[i].thread;

		if (server->state != THREAD_DEAD && server->caller == caller &&
		    server->caller_token == caller->token)
			return true;
	}
	return caller->parked && caller->parked->token == caller->token &&
	       !world.server->is_torn_down;
}

static bool was_killed(const struct actor *actor)
{
	return actor->process->is_dead || actor->thread->pending & PENDING_KILL;
}

static void check_blocked(u32 number)
{
	struct listener *listener = listener_of(world.listener_object);
	const struct thread *thread = world.actors[number].thread;

	if (was_killed(&world.actors[number]))
		explore_fail("actor %u was killed and lives", number);
	if (is_receiving(thread)) {
		if (listener->object.is_dead || listener->ready)
			explore_fail("actor %u waits though there is something to receive", number);
		if (thread->pending & PENDING_INTERRUPT)
			explore_fail("actor %u waits though it was interrupted", number);
	} else if (thread->state == THREAD_SENDING) {
		if (!thread->sender.is_queued || !thread->port->object.callee)
			explore_fail("actor %u waits for a port that is gone", number);
		if (listener->receivers)
			explore_fail("actor %u is queued though somebody receives", number);
		if (thread->pending & PENDING_INTERRUPT)
			explore_fail("actor %u is queued though it was interrupted", number);
	} else if (!(thread->token & 1)) {
		explore_fail("actor %u is nowhere", number);
	} else if (!has_holder(thread)) {
		explore_fail("actor %u waits for an answer that nobody will give", number);
	}
}

/* All harts sleep. */
static void check(void)
{
	struct client_port *port = port_of(world.port_object);
	bool anyone_receives = listener_of(world.listener_object)->receivers;

	for (u32 i = 0; i < hart_count && !is_failed; i++)
		if (explorer.states[i] != HART_SLEEPS)
			explore_fail("hart %u spins for ever", i);
	for (u32 i = 0; i < world.count && !is_failed; i++)
		if (world.actors[i].thread->state != THREAD_DEAD)
			check_blocked(i);
	if (is_failed)
		return;
	if (anyone_receives && !port->is_revoked && world.notified != world.delivered)
		explore_fail("bits %lx were notified, %lx delivered", world.notified,
			     world.delivered);
	for (u32 i = 0; i < world.accepted; i++) {
		bool is_known = contains(world.completed, world.completions, world.answers[i]);

		for (u32 j = 0; j < world.count && !is_known; j++)
			is_known = world.actors[j].request == world.answers[i] &&
				   was_killed(&world.actors[j]);
		if (!is_known)
			explore_fail("the answer to %lu was accepted and did not arrive",
				     world.answers[i]);
	}
}

static void run_once(const struct actor *actors, u32 count, u32 harts_wanted)
{
	memset(&world, 0, sizeof(world));
	memset(&memory, 0, sizeof(memory));
	memcpy(world.actors, actors, count * sizeof(*actors));
	world.count = count;
	set_up(harts_wanted);
	explore_start(harts_wanted, hart_body);
	explorer.is_exploring = 0;
	if (!is_failed && !setjmp(after_check))
		check();
	allocations_drop();
	executions++;
}

/* Once more, and say what happens. */
static void retrace(const struct actor *actors, u32 count, u32 harts_wanted)
{
	is_traced = true;
	explorer.prescribed = explorer.depth;
	run_once(actors, count, harts_wanted);
	is_traced = false;
}

/* ----------------------------------------------------------------------------------- scenarios */

#define SERVER(...)                                                                                \
	{                                                                                          \
		.is_server = true, .ops = { __VA_ARGS__ }                                          \
	}
#define CLIENT(...)                                                                                \
	{                                                                                          \
		.ops = { __VA_ARGS__ }                                                             \
	}
#define ECHO                                                                                       \
	{ WAIT, 0 }, { REPLY_WAIT, 0 }, { REPLY_WAIT, 0 },                                         \
	{                                                                                          \
		REPLY_WAIT, 0                                                                      \
	}

struct scenario {
	const char *name;
	struct actor actors[ACTORS_MAX];
};

static const struct scenario scenarios[] = {
	{ "call against reply", { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }) } },
	{ "two callers", { SERVER(ECHO), CLIENT({ CALL, 0 }), CLIENT({ CALL, 0 }) } },
	{ "two receivers", { SERVER(ECHO), SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }) } },
	{ "two of each", { SERVER(ECHO), SERVER(ECHO), CLIENT({ CALL, 0 }), CLIENT({ CALL, 0 }) } },
	{ "kill of the caller",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }), CLIENT({ KILL, 1 }) } },
	{ "kill of the server",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }), CLIENT({ KILL, 0 }) } },
	{ "kill of the clients",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }), SERVER({ KILL_PROCESS, 1 }) } },
	{ "kill of the servers",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }), CLIENT({ KILL_PROCESS, 0 }) } },
	{ "interrupt of the caller",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }), CLIENT({ INTERRUPT, 1 }) } },
	{ "upcall of the caller",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }), CLIENT({ INTERRUPT_UPCALL, 1 }) } },
	{ "upcall of the server",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }), CLIENT({ INTERRUPT_UPCALL, 0 }) } },
	{ "interrupt of the server",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }), CLIENT({ INTERRUPT, 0 }) } },
	{ "interrupt against parked",
	  { SERVER({ WAIT, 0 }, { PARK_CANCELLABLE, 0 }, { REPLY_PARKED, 0 }, { WAIT, 0 }),
	    CLIENT({ CALL, 0 }, { CALL, 0 }), CLIENT({ INTERRUPT, 1 }) } },
	{ "interrupt against plainly parked",
	  { SERVER({ WAIT, 0 }, { PARK, 0 }, { REPLY_PARKED, 0 }, { WAIT, 0 }), CLIENT({ CALL, 0 }),
	    CLIENT({ INTERRUPT, 1 }) } },
	{ "kill against parked",
	  { SERVER({ WAIT, 0 }, { PARK, 0 }, { REPLY_PARKED, 0 }, { WAIT, 0 }),
	    CLIENT({ CALL, 0 }, { CALL, 0 }), CLIENT({ KILL, 1 }) } },
	{ "parked and dropped",
	  { SERVER({ WAIT, 0 }, { PARK_CANCELLABLE, 0 }, { CLOSE_PARKED, 0 }, { WAIT, 0 }),
	    CLIENT({ CALL, 0 }), CLIENT({ INTERRUPT, 1 }) } },
	{ "a late answer",
	  { SERVER({ WAIT, 0 }, { PARK_CANCELLABLE, 0 }, { WAIT, 0 }, { REPLY_PARKED, 0 }),
	    SERVER({ WAIT, 0 }, { PARK, 0 }, { WAIT, 0 }, { REPLY_PARKED, 0 }),
	    CLIENT({ CALL, 0 }, { CALL, 0 }), CLIENT({ INTERRUPT, 2 }) } },
	{ "two interrupts",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }),
	    CLIENT({ INTERRUPT, 0 }, { INTERRUPT, 0 }, { INTERRUPT, 1 }) } },
	{ "kill of both",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }), CLIENT({ KILL, 1 }), CLIENT({ KILL, 0 }) } },
	{ "revocation",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }, { NOTIFY, 0 }),
	    SERVER({ REVOKE, 0 }) } },
	{ "takeover",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { NOTIFY, 1 }), SERVER({ TAKEOVER, 0 }) } },
	{ "destroyed listener",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }), SERVER({ DESTROY, 0 }) } },
	{ "notifications",
	  { SERVER(ECHO), CLIENT({ NOTIFY, 0 }, { NOTIFY, 1 }),
	    CLIENT({ NOTIFY, 2 }, { CALL, 0 }) } },
	{ "stop of the client",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }),
	    SERVER({ STOP, 1 }, { CONTINUE, 1 }, { STOP, 1 }, { CONTINUE, 1 }) } },
	{ "stop of the server",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }),
	    CLIENT({ STOP, 0 }, { STOP, 0 }, { CONTINUE, 0 }) } },
	{ "kill of a stopped client",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }, { CALL, 0 }),
	    SERVER({ STOP, 1 }, { KILL_PROCESS, 1 }) } },
	{ "stop against interrupt",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }), SERVER({ STOP, 1 }, { CONTINUE, 1 }),
	    SERVER({ INTERRUPT, 1 }) } },
	{ "shootdown against a hart that wakes",
	  { SERVER({ WAIT, 0 }, { CLOSE_PARKED, 0 }, { CLOSE_PARKED, 0 }, { WAIT, 0 }),
	    CLIENT({ NOTIFY, 0 }, { UNMAP, 0 }, { UNMAP, 0 }) } },
	{ "last client goes",
	  { SERVER(ECHO), CLIENT({ CALL, 0 }), CLIENT({ NOTIFY, 0 }, { CLOSE_PORT, 0 }) } },
	{ "last client and a new one",
	  { SERVER(ECHO), CLIENT({ NOTIFY, 0 }, { CLOSE_PORT, 0 }),
	    SERVER({ MINT, 0 }, { CLOSE_MINTED, 0 }) } },
};

static u32 actor_count(const struct scenario *scenario)
{
	u32 count = 0;

	while (count < ACTORS_MAX && scenario->actors[count].ops[0].what != END)
		count++;
	return count;
}

/* 0: nothing was found. */
static bool explore(const struct scenario *scenario, u32 harts_wanted, u32 bound,
		    unsigned long limit)
{
	unsigned long first = executions;

	explorer.random = 0;
	explorer.bound = bound;
	explorer.prescribed = explorer.depth = 0;
	do {
		run_once(scenario->actors, actor_count(scenario), harts_wanted);
	} while (!is_failed && executions - first < limit && next_execution());
	if (is_failed && mutant == NO_MUTANT)
		retrace(scenario->actors, actor_count(scenario), harts_wanted);
	return is_failed;
}

/* The same in random orders, with as many preemptions as come. */
static bool wander(const struct scenario *scenario, u32 harts_wanted, unsigned long limit)
{
	explorer.bound = 40;
	explorer.prescribed = 0;
	for (unsigned long i = 0; i < limit && !is_failed; i++) {
		explorer.random = (unsigned int)(i * 2 + 1);
		run_once(scenario->actors, actor_count(scenario), harts_wanted);
	}
	if (is_failed && mutant == NO_MUTANT)
		retrace(scenario->actors, actor_count(scenario), harts_wanted);
	return is_failed;
}

static const enum operation server_choices[] = {
	WAIT, REPLY_WAIT,   REPLY_WAIT,   REPLY_WAIT,   REPLY,
	PARK, REPLY_PARKED, CLOSE_PARKED, REPLY_PARKED, PARK_CANCELLABLE,
};
static const enum operation client_choices[] = {
	CALL, CALL, CALL, CALL, NOTIFY, INTERRUPT, INTERRUPT, KILL,
};

static struct scenario random_scenario(unsigned int seed)
{
	struct scenario scenario = { .name = "random programs" };
	u32 bit = 0;

	explorer.random = seed * 2 + 1;
	for (u32 i = 0; i < 4; i++) {
		struct actor *actor = &scenario.actors[i];

		actor->is_server = i < 2;
		actor->ops[0].what = actor->is_server ? WAIT : CALL;
		for (u32 j = 1; j < 7; j++) {
			u32 choice = next_random();

			actor->ops[j].what =
				actor->is_server
					? server_choices[choice % ARRAY_SIZE(server_choices)]
					: client_choices[choice % ARRAY_SIZE(client_choices)];
			actor->ops[j].argument = actor->ops[j].what == NOTIFY ? bit++ : choice % 4;
		}
	}
	return scenario;
}

static void report(bool is_good, const char *name, unsigned long first)
{
	printf("%s %s (%lu executions)%s%s\n", is_good ? "PASS" : "FAIL", name, executions - first,
	       is_failed && !is_good ? ": " : "", is_failed && !is_good ? failure : "");
	fflush(stdout);
}

static bool find(enum mutant which, const char *name, unsigned long limit)
{
	unsigned long first = executions;
	bool is_found = false;

	mutant = which;
	for (u32 i = 0; i < ARRAY_SIZE(scenarios) && !is_found; i++)
		is_found = explore(&scenarios[i], 2, 1, limit) ||
			   wander(&scenarios[i], 2, limit / 10);
	for (u32 i = 0; i < ARRAY_SIZE(scenarios) && !is_found; i++)
		is_found = explore(&scenarios[i], 2, 2, limit);
	mutant = NO_MUTANT;
	report(is_found, name, first);
	return is_found;
}

static bool explore_all(unsigned long limit)
{
	bool is_good = true;

	for (u32 i = 0; i < ARRAY_SIZE(scenarios); i++) {
		unsigned long first = executions;
		bool is_bad = explore(&scenarios[i], 2, 2, limit) ||
			      explore(&scenarios[i], 3, 1, limit) ||
			      wander(&scenarios[i], 2, limit / 10) ||
			      wander(&scenarios[i], 3, limit / 10);

		report(!is_bad, scenarios[i].name, first);
		is_good &= !is_bad;
	}
	return is_good;
}

static bool explore_random(unsigned int programs)
{
	unsigned long first = executions;
	bool is_bad = false;

	for (unsigned int seed = 0; seed < programs && !is_bad; seed++) {
		struct scenario scenario = random_scenario(seed);

		is_bad = wander(&scenario, 2 + seed % 2, 20);
	}
	report(!is_bad, "random programs", first);
	return !is_bad;
}

int main(int count, char **arguments)
{
	unsigned long limit = count > 1 ? strtoul(arguments[1], NULL, 10) : 40000;
	static const char *const names[MUTANTS] = {
		[CLAIM_BY_STATE] = "finds an answer to a later call",
		[NO_SECOND_LOOK] = "finds a missing second look",
		[LOST_IPI] = "finds a lost wake-up",
		[CALLER_IS_NOT_DROPPED] = "finds a forgotten caller",
		[FAST_CALL_TRUSTS_PORT] = "finds a fast call through a revoked port",
		[FAST_REPLY_IGNORES_QUEUE] = "finds a fast reply that overlooks the queue",
		[STOP_LOOKS_ONCE] = "finds a process that runs on when it is stopped",
		[FLUSH_LOOKS_ONCE] = "finds a hart that woke before it was told to forget",
	};
	bool is_good = explore_all(limit) && explore_random((unsigned int)limit / 10);

	for (u32 i = 1; is_good && i < MUTANTS; i++)
		is_good = find((enum mutant)i, names[i], limit);
	printf("%lu executions, %lu scheduling points\n", executions, explorer.points);
	return !is_good;
}
