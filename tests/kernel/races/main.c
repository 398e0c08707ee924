/*
 * Contests on several harts: two threads do things that collide, tens of thousands of times. What
 * is checked is that every call ends, with one of the results that are possible, and that
 * nothing leaks. On one hart the same code runs with fewer interleavings.
 */
#include "test.h"

#define PRIORITY 16
#define ROUNDS_ALL 20000
#define ROUNDS_COSTLY 3000
#define ROUNDS_LEAST 400
#define TIME_NS 10000000000ul /* a machine that is too slow for all rounds does what it can */

static volatile bool stop;
static volatile uint64_t calls_ended;

static unsigned int rounds(unsigned int all)
{
	return tern_system_info(TERN_INFO_HARTS) > 1 ? all : all / 20;
}

/* Is there another round? */
static bool goes_on(unsigned int done, unsigned int all, uint64_t begin)
{
	return done < all && (done < ROUNDS_LEAST || tern_time() < begin + TIME_NS);
}

static bool is_expected(tern_result result)
{
	return result >= 0 || result == -EPIPE || result == -EINTR || result == -EBADF ||
	       result == -ESRCH || result == -EAGAIN || result == -ECANCELED;
}

/* ------------------------------------------------------------- a server that never gives up */

static void server(uint64_t listener)
{
	struct tern_received message = { 0 };
	tern_result event = tern_wait((tern_handle)listener, &message);

	while (event != -EPIPE && event != -EBADF) {
		CHECK(is_expected(event));
		event = tern_reply_wait((tern_handle)listener, &message);
	}
}

/* One that parks each call and answers or drops it a little later. */
static void parking_server(uint64_t listener)
{
	struct tern_received message = { 0 };
	uint64_t random = 88172645463325252ul;
	tern_result event = tern_wait((tern_handle)listener, &message);

	while (event != -EPIPE && event != -EBADF) {
		if (event == TERN_EVENT_CALL) {
			uint64_t choice = test_random(&random) % 4;
			tern_handle parked = tern_reply_park(1, choice & 1);

			CHECK(parked > 0 || parked == -ESRCH || parked == -ECANCELED);
			if (parked > 0 && choice < 2)
				CHECK(is_expected(tern_reply(parked, &message)));
			else if (parked > 0)
				CHECK_EQ(tern_handle_close(parked), 0);
		}
		event = tern_wait((tern_handle)listener, &message);
	}
}

static volatile tern_handle shared_port;

static void calling(uint64_t unused)
{
	(void)unused;
	while (!stop) {
		struct tern_received message = { .words = { 1, 2, 3, 4, 5, 6, 7, 8 } };
		tern_result result = tern_call(shared_port, &message);

		CHECK(is_expected(result));
		if (result == 0)
			CHECK_EQ(message.words[7], 8);
		calls_ended++;
	}
}

static void contest(rt_function *serve,
		    void (*disturb)(struct test_port *port, unsigned int i,
				    struct rt_thread *callers),
		    unsigned int times)
{
	struct test_port port = test_port(1, 0);
	struct rt_thread servers[2], callers[2];
	uint64_t begin = tern_time();

	stop = false;
	shared_port = port.client;
	for (unsigned int i = 0; i < 2; i++) {
		rt_thread(&servers[i], serve, (uint64_t)port.listener, PRIORITY);
		rt_thread(&callers[i], calling, 0, PRIORITY);
	}
	for (unsigned int i = 0; goes_on(i, times, begin); i++) {
		disturb(&port, i, callers);
		if (i % 16 == 0)
			test_sleep(20000);
	}
	stop = true;
	tern_listener_destroy(port.listener);
	for (unsigned int i = 0; i < 2; i++) {
		rt_join(&callers[i]);
		rt_join(&servers[i]);
	}
	test_port_close(&port);
}

static void interrupt_one(struct test_port *port, unsigned int i, struct rt_thread *callers)
{
	(void)port;
	CHECK_EQ(tern_thread_interrupt(callers[i & 1].handle, 0), 0);
}

static void interrupt_against_reply(void)
{
	contest(server, interrupt_one, rounds(ROUNDS_ALL));
}

static void interrupt_against_park(void)
{
	contest(parking_server, interrupt_one, rounds(ROUNDS_ALL));
}

static void close_one(struct test_port *port, unsigned int i, struct rt_thread *callers)
{
	tern_handle old = shared_port;

	(void)i;
	(void)callers;
	shared_port = tern_port_mint(port->owner, TERN_RIGHTS_ALL);
	CHECK_EQ(tern_handle_close(old), 0);
	port->client = shared_port;
}

static void close_against_call(void)
{
	contest(server, close_one, rounds(ROUNDS_ALL));
}

static void revoke_one(struct test_port *port, unsigned int i, struct rt_thread *callers)
{
	(void)i;
	(void)callers;
	CHECK_EQ(tern_port_revoke(port->owner), 0);
	tern_handle_close(port->client);
	tern_handle_close(port->owner);
	port->owner = tern_port_create(0, port->listener, 1, 0);
	port->client = tern_port_mint(port->owner, TERN_RIGHTS_ALL);
	shared_port = port->client;
}

static void revoke_against_call(void)
{
	contest(server, revoke_one, rounds(ROUNDS_COSTLY));
}

static void takeover_one(struct test_port *port, unsigned int i, struct rt_thread *callers)
{
	CHECK(tern_listener_takeover(port->listener) >= 0);
	revoke_one(port, i, callers);
}

static void takeover_against_call(void)
{
	contest(server, takeover_one, rounds(ROUNDS_COSTLY));
}

static void notify_one(struct test_port *port, unsigned int i, struct rt_thread *callers)
{
	(void)callers;
	CHECK_EQ(tern_notify(port->client, 1ul << (i & 31)), 0);
}

static void notify_against_call(void)
{
	contest(server, notify_one, rounds(ROUNDS_ALL));
}

/* ------------------------------------------------------------------------------------- kill */

static void call_for_ever(uint64_t port)
{
	struct tern_received message = { 0 };

	for (;;)
		tern_call((tern_handle)port, &message);
}

static void kill_against_reply(void)
{
	struct test_port port = test_port(1, 0);
	struct rt_thread servers[2];
	uint64_t begin = tern_time();

	for (unsigned int i = 0; i < 2; i++)
		rt_thread(&servers[i], i ? server : parking_server, (uint64_t)port.listener,
			  PRIORITY);
	for (unsigned int i = 0; goes_on(i, rounds(ROUNDS_COSTLY), begin); i++) {
		struct rt_thread caller;

		rt_thread(&caller, call_for_ever, (uint64_t)port.client, PRIORITY);
		if (i % 4 == 0)
			test_sleep(30000);
		CHECK_EQ(tern_thread_kill(caller.handle), 0);
		tern_thread_watch(caller.handle, 0);
		/* Its stack may go only when it is dead. */
		while (tern_thread_interrupt(caller.handle, 0) != -ESRCH)
			test_sleep(20000);
		rt_discard(&caller);
	}
	tern_listener_destroy(port.listener);
	rt_join(&servers[0]);
	rt_join(&servers[1]);
	test_port_close(&port);
}

static void child_serves(uint64_t listener)
{
	struct tern_received message = { 0 };

	for (;;)
		tern_reply_wait((tern_handle)listener, &message);
}

static void kill_process_against_call(void)
{
	struct test_port port = test_port(1, 0);
	struct rt_thread caller;

	stop = false;
	shared_port = port.client;
	rt_thread(&caller, calling, 0, PRIORITY);
	for (unsigned int i = 0; i < rounds(400); i++) {
		tern_handle process = rt_process(0);
		tern_handle thread = rt_run(process, child_serves,
					    (uint64_t)rt_give(process, port.listener), PRIORITY);

		test_sleep(50000);
		CHECK_EQ(tern_process_kill(process, 3), 0);
		rt_wait_process(process);
		tern_handle_close(thread);
		tern_handle_close(process);
	}
	stop = true;
	tern_listener_destroy(port.listener);
	rt_join(&caller);
	test_port_close(&port);
}

/* ----------------------------------------------------------------------------------- memory */

static volatile uint64_t *volatile window;

static void touching(uint64_t unused)
{
	(void)unused;
	while (!stop)
		tern_touch((void *)window, RT_PAGE, 1);
}

static void unmap_against_access(void)
{
	uint64_t begin = tern_time();
	struct rt_thread toucher;
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);

	stop = false;
	window = (uint64_t *)0x60000000;
	rt_thread(&toucher, touching, 0, PRIORITY);
	for (unsigned int i = 0; goes_on(i, rounds(ROUNDS_COSTLY), begin); i++) {
		CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0x60000000, RT_PAGE,
					 TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_FIXED),
			 0x60000000);
		*window = i;
		CHECK_EQ(*window, i);
		CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, 0x60000000, RT_PAGE), 0);
	}
	stop = true;
	rt_join(&toucher);
	tern_handle_close(memobj);
}

static volatile uint32_t ping_word, pong_word;

static void futex_peer(uint64_t unused)
{
	(void)unused;
	for (uint64_t i = 1; !stop; i++) {
		while (ping_word < i && !stop)
			tern_futex_wait(&ping_word, (uint32_t)i - 1, TERN_DEADLINE_NONE);
		pong_word = (uint32_t)i;
		tern_futex_wake(&pong_word, 1);
	}
}

static void futex_loses_no_wake_up(void)
{
	struct rt_thread peer;
	uint64_t begin = tern_time();

	stop = false;
	ping_word = pong_word = 0;
	rt_thread(&peer, futex_peer, 0, PRIORITY);
	for (uint32_t i = 1; goes_on(i, rounds(ROUNDS_ALL), begin); i++) {
		ping_word = i;
		tern_futex_wake(&ping_word, 1);
		while (pong_word < i)
			tern_futex_wait(&pong_word, i - 1, TERN_DEADLINE_NONE);
	}
	stop = true;
	ping_word++;
	tern_futex_wake(&ping_word, 1);
	rt_join(&peer);
}

static const struct test tests[] = {
	{ "interrupt_against_reply", interrupt_against_reply },
	{ "interrupt_against_park", interrupt_against_park },
	{ "close_against_call", close_against_call },
	{ "revoke_against_call", revoke_against_call },
	{ "takeover_against_call", takeover_against_call },
	{ "notify_against_call", notify_against_call },
	{ "kill_against_reply", kill_against_reply },
	{ "kill_process_against_call", kill_process_against_call },
	{ "unmap_against_access", unmap_against_access },
	{ "futex_loses_no_wake_up", futex_loses_no_wake_up },
};

TEST_MAIN(tests)
