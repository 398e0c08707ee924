/*
 * libFuzzer: random calls, interrupts, deaths, absent pages and closings against the pipe server's
 * logic.
 *
 * The bytes of pipes are compared with a model: what writers were told has been written, in the order
 * of their answers, is what readers got, in the order of theirs. At the end everything is closed:
 * then every call has been answered, and nothing is left of ports, rings, replies and handles.
 */
#include "pipe_world.h"

#define PORTS 24
#define SERVICE 1
#define MODELS 3
#define QUEUES 3
#define MODEL_MAX (2u << 20)

struct input {
	const uint8_t *at, *end;
};

/* A client handle, and which model (a pipe's bytes) it belongs to. */
static struct {
	int64_t handle;
	int model; /* -1: none */
	bool is_writer;
} ports[PORTS];

static struct {
	bool is_used;
	size_t written, read;
	unsigned char bytes[MODEL_MAX];
} models[MODELS];

/* What each call is, for the model. */
static struct {
	int model;
	bool is_write;
	size_t length;
} kinds[WORLD_CALLS];

static unsigned char in_bytes[WORLD_CALLS][WORLD_WINDOW + 8], out_bytes[WORLD_CALLS][WORLD_WINDOW];
static uint64_t addresses[4][2];

static uint32_t next(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

static uint32_t next_size(struct input *input)
{
	static const uint32_t around[] = { 0,    1,    39,    40,    41,    4095,
					   4096, 4097, 65535, 65536, 65537, 80u << 10 };
	uint32_t choice = next(input);

	if (choice < sizeof(around) / sizeof(around[0]))
		return around[choice];
	return choice < 128 ? choice : choice * 256;
}

static int free_call(void)
{
	for (int i = 0; i < WORLD_CALLS; i++)
		if (calls[i].state == CALL_FREE)
			return i;
	return -1;
}

static void add_port(int64_t handle, int model, bool is_writer)
{
	for (int i = 0; i < PORTS; i++) {
		if (ports[i].handle)
			continue;
		ports[i].handle = handle;
		ports[i].model = model;
		ports[i].is_writer = is_writer;
		return;
	}
	world_close(handle);
}

/* What a write was told went through. */
static void model_write(int index)
{
	int64_t count = (int64_t)calls[index].answer.words[0];
	int model = kinds[index].model;

	if (count <= 0)
		return;
	assert((size_t)count <= kinds[index].length);
	/* Atomic: all or nothing. */
	assert(kinds[index].length > PIPE_ATOMIC || (size_t)count == kinds[index].length ||
	       calls[index].answer.words[0] == 0);
	if (models[model].written + (size_t)count > MODEL_MAX)
		return;
	memcpy(models[model].bytes + models[model].written, in_bytes[index], (size_t)count);
	models[model].written += (size_t)count;
}

static void model_read(int index)
{
	int64_t count = (int64_t)calls[index].answer.words[0];
	int model = kinds[index].model;
	const void *bytes = calls[index].answer.words[1] & IO_INLINE
				    ? (const void *)&calls[index].answer.words[IO_INLINE_WORD]
				    : (const void *)out_bytes[index];

	if (count <= 0)
		return;
	assert((size_t)count <= kinds[index].length);
	assert(models[model].written - models[model].read >= (size_t)count);
	assert(!memcmp(bytes, models[model].bytes + models[model].read, (size_t)count));
	models[model].read += (size_t)count;
}

/* Calls that have been answered, in that order; writers first, as their bytes are what readers got. */
static void settle(void)
{
	for (int pass = 0; pass < 3; pass++) {
		unsigned int after = 0;

		for (;;) {
			int best = -1;

			for (int i = 0; i < WORLD_CALLS; i++)
				if (calls[i].state == CALL_ANSWERED && calls[i].order > after &&
				    (best < 0 || calls[i].order < calls[best].order))
					best = i;
			if (best < 0)
				break;
			after = calls[best].order;
			if (pass == 0 && kinds[best].model >= 0 && kinds[best].is_write)
				model_write(best);
			if (pass == 1 && kinds[best].model >= 0 && !kinds[best].is_write)
				model_read(best);
			if (pass < 2)
				continue;
			for (unsigned int h = 0; h < calls[best].handle_count; h++)
				world_close(calls[best].handles[h]);
			calls[best].state = CALL_FREE;
		}
	}
}

static void do_call(struct input *input, int64_t port, uint64_t *words, int index, int64_t handle)
{
	uint32_t trouble = next(input);

	calls[index].accepts = trouble & 7;
	calls[index].copies = trouble >> 6 == 2 ? (trouble >> 3 & 3) : 0;
	calls[index].faults = trouble >> 6 == 3 ? (trouble >> 3 & 3) : 0;
	world_call((unsigned int)index, port ? userdata_of(port) : SERVICE, words, handle);
}

static void do_pipe(struct input *input)
{
	uint64_t words[8] = { PIPE_OP_pipe, next(input) & 1 ? IO_NONBLOCK : 0 };
	int index = free_call(), model = -1;

	for (int i = 0; i < MODELS && model < 0; i++)
		model = models[i].is_used ? -1 : i;
	if (index < 0 || model < 0)
		return;
	kinds[index].model = -1;
	calls[index] = (struct world_call){ .accepts = 4 };
	world_call((unsigned int)index, SERVICE, words, 0);
	if (!calls[index].answer.words[0]) {
		models[model].is_used = true;
		models[model].written = models[model].read = 0;
		add_port(calls[index].handles[0], model, false);
		add_port(calls[index].handles[1], model, true);
		calls[index].handle_count = 0;
	}
	calls[index].state = CALL_FREE;
}

/* A pair, a lone socket, a FIFO's end. */
static void do_socket(struct input *input)
{
	static const uint64_t types[] = { PIPE_STREAM, PIPE_DATAGRAM, PIPE_PACKETS, 9 };
	uint32_t choice = next(input);
	uint64_t words[8] = { choice & 4 ? PIPE_OP_pair : PIPE_OP_socket, types[choice & 3] };
	int index = free_call();

	if (index < 0)
		return;
	if (choice & 8) {
		words[0] = PIPE_OP_fifo | (choice & 16 ? IO_NONBLOCK : 0);
		words[1] = choice >> 7;
		words[3] = choice >> 5 & 3;
	}
	kinds[index].model = -1;
	calls[index] = (struct world_call){ .accepts = 4 };
	world_call((unsigned int)index, SERVICE, words, 0);
	for (unsigned int h = 0; h < calls[index].handle_count; h++)
		add_port(calls[index].handles[h], -1, false);
	calls[index].state = CALL_FREE;
}

static void do_transfer(struct input *input, int port)
{
	bool is_write = ports[port].model >= 0 ? ports[port].is_writer : next(input) & 1;
	uint32_t length = next_size(input), flags = next(input) & 1 ? IO_NONBLOCK : 0;
	uint64_t words[8] = { (is_write ? IO_OP_write : IO_OP_read) | flags, length };
	int index = free_call();

	if (index < 0)
		return;
	calls[index] = (struct world_call){ .in = in_bytes[index], .out = out_bytes[index] };
	kinds[index].model = ports[port].model;
	kinds[index].is_write = is_write;
	kinds[index].length = length;
	for (uint32_t i = 0; is_write && i < length; i += sizeof(uint64_t)) {
		uint64_t random = env_random();

		memcpy(&in_bytes[index][i], &random, sizeof(random));
	}
	if (length > IO_INLINE_MAX && is_write)
		calls[index].in_length = length;
	else if (length > IO_INLINE_MAX)
		calls[index].out_length = length;
	else if (is_write)
		memcpy(&words[IO_INLINE_WORD], in_bytes[index], length);
	do_call(input, ports[port].handle, words, index, 0);
}

/* Any operation with any words, perhaps with a handle. */
static void do_anything(struct input *input, int port)
{
	uint64_t words[8] = { next(input) % 64 | (next(input) & 1 ? IO_NONBLOCK : 0) };
	int index = free_call();
	int64_t handle = next(input) & 1 ? object_new(OBJECT_FOREIGN) : 0;

	if (index < 0)
		return;
	/* A pipe with a model is read and written by do_transfer alone. */
	if (ports[port].model >= 0 && (words[0] & IO_OP_MASK) <= IO_OP_write)
		words[0] = IO_OP_poll;
	for (int i = 1; i < 8; i++)
		words[i] = next(input);
	if (next(input) & 1)
		memcpy(&words[2], addresses[next(input) & 3], 2 * sizeof(uint64_t));
	if (next(input) & 1)
		memcpy(&words[1], addresses[next(input) & 3], 2 * sizeof(uint64_t));
	kinds[index].model = -1;
	calls[index] = (struct world_call){ .in = in_bytes[index], .out = out_bytes[index] };
	calls[index].in_length = next(input) & 1 ? next_size(input) : 0;
	calls[index].out_length = next(input) & 1 ? next_size(input) : 0;
	do_call(input, ports[port].handle, words, index, handle > 0 ? handle : 0);
	/* Addresses and secrets that were told are used later. */
	if (calls[index].state == CALL_ANSWERED && calls[index].answer.words[0] == 0)
		memcpy(addresses[next(input) & 3], &calls[index].answer.words[1],
		       2 * sizeof(uint64_t));
	for (unsigned int h = 0; h < calls[index].handle_count; h++)
		if (calls[index].state == CALL_ANSWERED &&
		    object_of(calls[index].handles[h])->type == OBJECT_CLIENT) {
			add_port(calls[index].handles[h], -1, false);
			calls[index].handles[h] = calls[index].handles[--calls[index].handle_count];
		}
}

/* Bind, find, listen: rarely found by chance. */
static void do_name(struct input *input, int port)
{
	static const uint64_t operations[] = { PIPE_OP_bind, PIPE_OP_find, PIPE_OP_listen,
					       PIPE_OP_connect };
	uint32_t choice = next(input);
	uint64_t operation = operations[choice & 3];
	uint64_t words[8] = { operation, 1 };
	int index = free_call();

	if (index < 0)
		return;
	words[IO_INLINE_WORD] = choice >> 2 & 1;
	if (operation == PIPE_OP_connect)
		memcpy(&words[1], addresses[choice >> 2 & 3], 2 * sizeof(uint64_t));
	kinds[index].model = -1;
	calls[index] = (struct world_call){ .accepts = 4 };
	world_call((unsigned int)index,
		   operation == PIPE_OP_find ? SERVICE : userdata_of(ports[port].handle), words, 0);
	if (operation == PIPE_OP_find && calls[index].state == CALL_ANSWERED &&
	    !calls[index].answer.words[0])
		memcpy(addresses[choice >> 3 & 3], &calls[index].answer.words[1],
		       2 * sizeof(uint64_t));
}

/* A queue is opened, or loses its name; a message, with a priority and perhaps a deadline. */
static void open_queue(struct input *input, int index)
{
	uint32_t choice = next(input);
	uint64_t words[8] = { PIPE_OP_queue_open, 1 | 0600ul << 32, choice & 15,
			      choice >> 4 & 3,    next(input),      1000000 };

	if (choice >> 6 == 3)
		words[0] = PIPE_OP_queue_unlink;
	in_bytes[index][0] = (unsigned char)('a' + next(input) % QUEUES);
	calls[index] = (struct world_call){ .in = in_bytes[index], .in_length = 1, .accepts = 1 };
	world_call((unsigned int)index, SERVICE, words, 0);
	if (words[0] == PIPE_OP_queue_open && !calls[index].answer.words[0]) {
		add_port(calls[index].handles[0], -1, false);
		calls[index].handle_count = 0;
	}
}

static void do_queue(struct input *input, int port)
{
	uint32_t choice = next(input);
	uint64_t words[8] = { choice & 1 ? PIPE_OP_queue_send : PIPE_OP_queue_receive,
			      next(input) | (uint64_t)next(input) << 32, UINT64_MAX };
	int index = free_call();

	if (index < 0)
		return;
	kinds[index].model = -1;
	if (port < 0 || choice % 8 < 2) {
		open_queue(input, index);
		return;
	}
	if (choice & 16)
		words[2] = next(input);
	if (choice & 32)
		words[0] |= IO_NONBLOCK;
	calls[index] = (struct world_call){ .in = in_bytes[index], .out = out_bytes[index] };
	if (choice & 1)
		calls[index].in_length = (uint32_t)words[1];
	else
		calls[index].out_length = (uint32_t)words[1];
	do_call(input, ports[port].handle, words, index, 0);
}

static void unlink_queues(void)
{
	uint64_t words[8] = { PIPE_OP_queue_unlink, 1 };

	for (int i = 0; i < QUEUES; i++) {
		in_bytes[0][0] = (unsigned char)('a' + i);
		calls[0] = (struct world_call){ .in = in_bytes[0], .in_length = 1 };
		world_call(0, SERVICE, words, 0);
		calls[0].state = CALL_FREE;
	}
}

static void do_interrupt(struct input *input)
{
	int index = (int)(next(input) % WORLD_CALLS);
	bool is_killed = next(input) & 1;

	for (int i = 0; i < WORLD_CALLS && calls[index].state != CALL_PARKED; i++)
		index = (index + 1) % WORLD_CALLS;
	if (calls[index].state != CALL_PARKED || calls[index].is_gone)
		return;
	if (!is_killed)
		world_interrupt((unsigned int)index);
	else
		calls[index].is_gone = true;
}

static void do_close(int port)
{
	int64_t handle = ports[port].handle;

	ports[port].handle = 0;
	world_close(handle);
}

/* Killed callers' replies stay with the server until it tries to answer them. */
static void finish_all(void)
{
	for (int i = 0; i < PORTS; i++)
		if (ports[i].handle)
			do_close(i);
	settle();
	world_events();
	for (int i = 0; i < WORLD_CALLS; i++) {
		assert(calls[i].state != CALL_PARKED || calls[i].is_gone);
		calls[i].state = CALL_FREE;
	}
	unlink_queues();
	for (int i = 0; i < WORLD_OBJECTS; i++)
		if (objects[i].type == OBJECT_FOREIGN)
			assert(!"a handle that came in a message leaked");
	assert(object_count() == 0);
	for (int i = 0; i < MODELS; i++)
		models[i].is_used = false;
	memset(addresses, 0, sizeof(addresses));
}

/* One of those that are open, or -1. */
static int pick_port(uint32_t choice)
{
	int open[PORTS], count = 0;

	for (int i = 0; i < PORTS; i++)
		if (ports[i].handle)
			open[count++] = i;
	return count ? open[choice % (uint32_t)count] : -1;
}

static void step(struct input *input)
{
	uint32_t choice = next(input);
	int port = pick_port(next(input));

	memory_is_short = (choice & 0xf0) == 0xf0;
	if (choice % 16 == 0)
		do_pipe(input);
	else if (choice % 16 == 1)
		do_socket(input);
	else if (choice % 16 == 2)
		do_interrupt(input);
	else if (port < 0)
		return;
	else if (choice % 16 == 3 && next(input) % 8 == 0)
		do_close(port);
	else if (choice % 16 <= 5)
		do_anything(input, port);
	else if (choice % 16 <= 7)
		do_name(input, port);
	else if (choice % 16 <= 9)
		do_queue(input, port);
	else
		do_transfer(input, port);
	memory_is_short = false;
	settle();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size };

	while (input.at < input.end)
		step(&input);
	finish_all();
	return 0;
}
