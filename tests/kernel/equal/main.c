/*
 * Fast path and slow path must be the same function. A random sequence of IPC operations is run
 * once normally and once with every call forced to the slow path; the traces of everything that
 * came back, and the kernel's figures afterwards, must agree. One client and two servers
 * of different priority, so that who runs next is decided by the kernel.
 */
#include "test.h"

#define STEPS 400
#define SEEDS 12
#define TRACE_MAX (STEPS * 4)

struct trace {
	uint64_t hash;
	uint64_t entries[TRACE_MAX];
	unsigned int count;
};

static struct trace traces[2];
static struct trace *trace;
static struct test_port ports[2];

static void note(uint64_t value)
{
	trace->hash = (trace->hash ^ value) * 0x100000001b3ul;
	if (trace->count < TRACE_MAX)
		trace->entries[trace->count++] = value;
}

static void note_message(tern_result result, const struct tern_received *message)
{
	uint64_t hash = (uint64_t)result;

	for (unsigned int i = 0; i < TERN_MESSAGE_WORDS; i++)
		hash = hash * 31 + message->words[i];
	note(hash * 31 + message->userdata);
}

/* Answers by what the request says: add, park and answer, drop, call the other server. */
static void serve(uint64_t which)
{
	struct test_port *port = &ports[which];
	struct tern_received message = { 0 };
	tern_result event = tern_wait(port->listener, &message);

	while (event != -EPIPE) {
		note_message(event, &message);
		if (event == TERN_EVENT_CALL && message.words[0] % 8 == 1) {
			tern_handle parked = tern_reply_park(3, TERN_PARK_CANCELLABLE);

			message.words[1] += 100;
			note((uint64_t)tern_reply(parked, &message));
			event = tern_wait(port->listener, &message);
		} else if (event == TERN_EVENT_CALL && message.words[0] % 8 == 2) {
			event = tern_wait(port->listener, &message);
		} else if (event == TERN_EVENT_CALL && message.words[0] % 8 == 3 && which == 0) {
			note((uint64_t)tern_call(ports[1].client, &message));
			event = tern_reply_wait(port->listener, &message);
		} else {
			message.words[2] ^= message.userdata;
			event = tern_reply_wait(port->listener, &message);
		}
	}
}

static void step(uint64_t *state)
{
	struct tern_received message;
	uint64_t choice = test_random(state);
	struct test_port *port = &ports[choice >> 8 & 1];

	for (unsigned int i = 0; i < TERN_MESSAGE_WORDS; i++)
		message.words[i] = test_random(state);
	switch (choice % 8) {
	case 0:
		note((uint64_t)tern_notify(port->client, message.words[0] | 1));
		break;
	case 1:
		note((uint64_t)tern_call(port->owner + 16, &message));
		break;
	case 2:
		tern_handle_close(port->client);
		port->client = tern_port_mint(port->owner, TERN_RIGHTS_ALL);
		break;
	default:
		note_message(tern_call(port->client, &message), &message);
	}
}

static void run_sequence(uint64_t argument)
{
	uint64_t state = argument | 1;

	for (unsigned int i = 0; i < STEPS; i++)
		step(&state);
}

static void trace_sequence(unsigned int which, uint64_t seed)
{
	static const unsigned int priorities[] = { 24, 16 };
	struct rt_thread client, servers[2];

	trace = &traces[which];
	*trace = (struct trace){ .hash = 0xcbf29ce484222325ul };
	tern_system_control(rt_boot->resource, TERN_CONTROL_FORCE_SLOW, which);
	for (unsigned int i = 0; i < 2; i++) {
		ports[i] = test_port(100 + i, 0);
		rt_thread(&servers[i], serve, i, priorities[i]);
	}
	/* A call to each: afterwards they are waiting, however slow the machine is. */
	for (unsigned int i = 0; i < 2; i++)
		tern_call(ports[i].client, &(struct tern_received){ .words = { 0 } });
	rt_thread(&client, run_sequence, seed, 20);
	rt_join(&client);
	for (unsigned int i = 0; i < 2; i++)
		tern_listener_destroy(ports[i].listener);
	for (unsigned int i = 0; i < 2; i++) {
		rt_join(&servers[i]);
		test_port_close(&ports[i]);
	}
	tern_system_control(rt_boot->resource, TERN_CONTROL_FORCE_SLOW, 0);
	test_settle();
	note((uint64_t)tern_system_info(TERN_INFO_OBJECTS));
}

static void fast_and_slow_path_agree(void)
{
	/* On several harts who comes first is not the kernel's decision alone. */
	unsigned int seeds = tern_system_info(TERN_INFO_HARTS) == 1 ? SEEDS : 0;

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		uint64_t number = seed * 7919;

		trace_sequence(0, number);
		trace_sequence(1, number);
		for (unsigned int i = 0; i < traces[0].count; i++) {
			if (traces[0].entries[i] == traces[1].entries[i])
				continue;
			rt_printf("  seed %lu: the traces differ at %u of %u\n", number, i,
				  traces[0].count);
			break;
		}
		CHECK_EQ(traces[1].count, traces[0].count);
		CHECK_EQ(traces[1].hash, traces[0].hash);
	}
}

static const struct test tests[] = {
	{ "fast_and_slow_path_agree", fast_and_slow_path_agree },
};

TEST_MAIN(tests)
