/* Who runs: donation, inheritance, and many threads on both sides. */
#include "ports.h"

#define SPIN_NS 60000000000ul /* without inheritance a call takes as long */
#define SOME_SLICES_NS 100000000ul
#define LOW 8
#define MIDDLE 20
#define SPINNERS_MAX 8
#define CALLERS 8
#define SERVERS 4
#define CALLS 100

static volatile uint32_t stop, spinning;

static void spin(uint64_t argument)
{
	uint64_t end = tern_time() + SPIN_NS;

	(void)argument;
	spinning++;
	while (!stop && tern_time() < end)
		;
}

/* Keep every hart busy with priority MIDDLE. */
static unsigned int spin_everywhere(struct rt_thread *threads)
{
	unsigned int count = 2 * (unsigned int)tern_system_info(TERN_INFO_HARTS);

	stop = 0;
	for (unsigned int i = 0; i < count && i < 2 * SPINNERS_MAX; i++)
		rt_thread(&threads[i], spin, 0, MIDDLE);
	return count;
}

static void spin_no_more(struct rt_thread *threads, unsigned int count)
{
	stop = 1;
	for (unsigned int i = 0; i < count; i++)
		rt_join(&threads[i]);
}

/* The call of the highest thread is answered while others, above the server, spin. */
void server_inherits_its_callers_priority(void)
{
	struct rt_thread spinners[2 * SPINNERS_MAX];
	struct tern_received message = { .words = { ORDER_ADD_ONE } };
	struct server server;
	unsigned int count;
	uint64_t start;

	server_start(&server, LOW);
	test_settle();
	count = spin_everywhere(spinners);
	start = tern_time();
	CHECK_EQ(tern_call(server.port.client, &message), 0);
	CHECK(tern_time() < start + SPIN_NS / 2);
	spin_no_more(spinners, count);
	server_stop(&server);
}

/* A caller that is queued lends its priority to the server that is busy with another's call. */
void busy_server_inherits_from_the_queue(void)
{
	struct rt_thread spinners[2 * SPINNERS_MAX];
	struct tern_received message = { .words = { ORDER_ADD_ONE } };
	struct server server;
	struct client low;
	unsigned int count;
	uint64_t start;

	server_start(&server, LOW);
	client_start(&low, server.port.client, ORDER_HOLD, LOW);
	test_await(&server.holds, 1);
	count = spin_everywhere(spinners);
	server.may_go = 1;
	start = tern_time();
	CHECK_EQ(tern_call(server.port.client, &message), 0);
	CHECK(tern_time() < start + SPIN_NS / 2);
	spin_no_more(spinners, count);
	client_join(&low);
	server_stop(&server);
}

struct relay {
	struct rt_thread thread;
	struct test_port port;
	tern_handle next;
};

static void relay_body(uint64_t argument)
{
	struct relay *relay = (struct relay *)argument;
	struct tern_received message = { 0 };

	tern_wait(relay->port.listener, &message);
	do
		CHECK_EQ(tern_call(relay->next, &message), 0);
	while (tern_reply_wait(relay->port.listener, &message) >= 0);
}

void priority_is_inherited_along_a_chain(void)
{
	struct rt_thread spinners[2 * SPINNERS_MAX];
	struct tern_received message = { .words = { ORDER_ADD_ONE } };
	struct server server;
	struct relay relay = { .port = test_port(1, 0) };
	unsigned int count;
	uint64_t start;

	server_start(&server, LOW);
	relay.next = server.port.client;
	rt_thread(&relay.thread, relay_body, (uint64_t)&relay, LOW + 1);
	test_settle();
	count = spin_everywhere(spinners);
	start = tern_time();
	CHECK_EQ(tern_call(relay.port.client, &message), 0);
	CHECK(tern_time() < start + SPIN_NS / 2);
	spin_no_more(spinners, count);
	tern_listener_destroy(relay.port.listener);
	rt_join(&relay.thread);
	test_port_close(&relay.port);
	server_stop(&server);
}

static volatile uint64_t progress;

/* Answers, then counts: what it does after the answer it does with its own priority. */
static void count_after_answer(uint64_t listener)
{
	struct tern_received message = { 0 };

	tern_wait((tern_handle)listener, &message);
	tern_reply(TERN_REPLY, &message);
	while (!stop)
		progress++;
}

/* With one hart only: with more, another may have nothing better to do. */
void inherited_priority_ends_with_the_answer(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct rt_thread server, spinners[2 * SPINNERS_MAX];
	unsigned int count;
	uint64_t before;

	rt_thread(&server, count_after_answer, (uint64_t)port.listener, LOW);
	test_settle();
	count = spin_everywhere(spinners);
	CHECK_EQ(tern_call(port.client, &message), 0);
	before = progress;
	test_sleep(SOME_SLICES_NS);
	if (tern_system_info(TERN_INFO_HARTS) == 1)
		CHECK_EQ(progress, before);
	spin_no_more(spinners, count);
	rt_join(&server);
	test_port_close(&port);
}

static void call_often(uint64_t port)
{
	for (uint64_t i = 0; i < CALLS; i++) {
		struct tern_received message = { .words = { i, 1, 2, 3, 4, 5, i ^ 6, ~i } };

		CHECK_EQ(tern_call((tern_handle)port, &message), 0);
		CHECK_EQ(message.words[0], i + 1);
		CHECK_EQ(message.words[6], i ^ 6);
		CHECK_EQ(message.words[7], ~i);
	}
}

static void serve_often(uint64_t listener)
{
	struct tern_received message = { 0 };

	while (tern_reply_wait((tern_handle)listener, &message) >= 0)
		message.words[0]++;
}

void many_threads_serve_many_callers(void)
{
	struct test_port port = test_port(1, 0);
	struct rt_thread servers[SERVERS], callers[CALLERS];

	for (unsigned int i = 0; i < SERVERS; i++)
		rt_thread(&servers[i], serve_often, (uint64_t)port.listener, 10 + 3 * i);
	for (unsigned int i = 0; i < CALLERS; i++)
		rt_thread(&callers[i], call_often, (uint64_t)port.client, 12 + i);
	for (unsigned int i = 0; i < CALLERS; i++)
		rt_join(&callers[i]);
	tern_listener_destroy(port.listener);
	for (unsigned int i = 0; i < SERVERS; i++)
		rt_join(&servers[i]);
	test_port_close(&port);
}
