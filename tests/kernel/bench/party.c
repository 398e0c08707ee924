/*
 * Processes that take part in a measurement. Figures come back through shared memory, never as
 * an exit status: the status of a process that faulted would look like a good figure.
 */
#include "bench.h"

#define PARTS 64
#define CODE_BASE 0x10000ul

static struct rt_shared shared;
static struct pair deaths;

static struct part *part_take(void)
{
	static unsigned int next;
	struct part *part;

	if (!shared.length) {
		shared = rt_share(PARTS * sizeof(struct part));
		deaths = pair_create();
	}
	part = (struct part *)shared.address + next++ % PARTS;
	memset(part, 0, sizeof(*part));
	return part;
}

struct pair pair_create(void)
{
	struct pair pair;

	pair.listener = tern_listener_create(0, 64);
	pair.owner = tern_port_create(0, pair.listener, 1, 0);
	pair.port = tern_port_mint(pair.owner, TERN_RIGHTS_ALL);
	rt_require(pair.port > 0, "a port");
	return pair;
}

void pair_close(struct pair *pair)
{
	tern_handle_close(pair->port);
	tern_handle_close(pair->owner);
	tern_handle_close(pair->listener);
}

struct party party_start(rt_function *function, unsigned int priority, const tern_handle *handles,
			 uint64_t argument)
{
	struct party party = { .part = part_take(), .process = rt_process(0) };

	rt_require(party.process > 0, "a process");
	rt_share_with(&shared, party.process);
	for (size_t i = 0; i < RT_COUNT(party.part->handles); i++)
		if (handles[i])
			party.part->handles[i] = rt_give(party.process, handles[i]);
	party.part->argument = argument;
	party.thread = rt_run(party.process, function, (uint64_t)party.part, priority);
	rt_require(party.thread > 0, "a process's thread");
	return party;
}

static void wait_for_death(tern_handle process)
{
	struct tern_received message = { 0 };

	rt_require(tern_process_watch(process, deaths.port) == 0, "watching a process");
	rt_require(tern_wait(deaths.listener, &message) == TERN_EVENT_NOTIFY, "a death's notice");
}

static void party_close(struct party *party)
{
	tern_handle_close(party->thread);
	tern_handle_close(party->process);
}

uint64_t party_end(struct party *party, const char *name)
{
	wait_for_death(party->process);
	rt_require(tern_process_status(party->process) == 0 && party->part->is_good, name);
	party_close(party);
	return party->part->figure;
}

void party_kill(struct party *party)
{
	rt_require(tern_process_kill(party->process, 0) == 0, "killing a process");
	wait_for_death(party->process);
	party_close(party);
}

static uint64_t per_round(uint64_t instructions)
{
	return (instructions + ROUNDS / 2) / ROUNDS;
}

void measure_loop(struct part *part, bench_loop *loop)
{
	uint64_t begin, middle, end, left = loop(part, WARM_UP);

	begin = rt_instructions();
	left += loop(part, ROUNDS);
	middle = rt_instructions();
	left += loop_empty(ROUNDS);
	end = rt_instructions();
	part->figure = per_round((middle - begin) - (end - middle));
	part->is_good = left == 0;
}

uint64_t measure(const char *name, rt_function *server, rt_function *client, uint64_t argument)
{
	struct pair pair = pair_create();
	const tern_handle servers[3] = { pair.listener }, clients[3] = { pair.port };
	struct party first = party_start(server, PRIORITY, servers, argument);
	struct party second = party_start(client, PRIORITY, clients, argument);
	uint64_t figure = party_end(&second, name);

	party_kill(&first);
	pair_close(&pair);
	return figure;
}

void wait_until_all_block(void)
{
	struct tern_received message = { 0 };
	tern_handle last = tern_thread_create(TERN_SELF_PROCESS, (uint64_t)thread_ends,
					      TERN_USER_TOP, 0, 0, 0);

	rt_require(last > 0 && tern_thread_watch(last, deaths.port) == 0, "the last thread");
	rt_require(tern_wait(deaths.listener, &message) == TERN_EVENT_NOTIFY, "the last thread");
	tern_handle_close(last);
}

tern_handle code_create(void)
{
	tern_handle code = tern_memobj_create(0, RT_PAGE);
	tern_result address = tern_region_map(TERN_SELF_PROCESS, code, 0, 0, RT_PAGE,
					      TERN_MAP_READ | TERN_MAP_WRITE);

	rt_require(address > 0, "a page of code");
	memcpy((void *)address, thread_code, (size_t)(thread_code_end - thread_code));
	rt_unmap((void *)address, RT_PAGE);
	return code;
}

tern_handle process_with_thread(tern_handle code, const char *start, tern_handle death_port)
{
	tern_handle process = tern_process_create(0);
	tern_result result = process;

	if (result >= 0 && death_port)
		result = tern_process_watch(process, death_port);
	if (result >= 0)
		result = tern_region_map(process, code, 0, CODE_BASE, RT_PAGE,
					 TERN_MAP_READ | TERN_MAP_EXECUTE | TERN_MAP_FIXED);
	if (result >= 0)
		result = tern_thread_create(process, CODE_BASE + (uint64_t)(start - thread_code),
					    TERN_USER_TOP, CODE_BASE, 0, PRIORITY);
	if (result >= 0)
		result = tern_handle_close(result);
	return result < 0 ? result : process;
}
