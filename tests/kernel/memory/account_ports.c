/* What servers hear of when an account is destroyed. */
#include "memory.h"

#define LIMIT (64 * RT_PAGE)
#define USERDATA 55

struct scene {
	tern_handle account, listener, paid, client;
	tern_handle last; /* the server pays for this one: what is notified through it comes last */
};

static void set_up(struct scene *scene, bool has_client)
{
	scene->account = tern_account_create(0, LIMIT);
	scene->listener = tern_listener_create(0, 16);
	scene->paid = tern_port_create(scene->account, scene->listener, USERDATA, 0);
	scene->client = has_client ? tern_port_mint(scene->paid, TERN_RIGHTS_ALL) : 0;
	scene->last = tern_port_create(0, scene->listener, 1, TERN_PORT_PERSISTENT);
	rt_require(scene->account > 0 && scene->paid > 0 && scene->last > 0, "a scene");
}

static void expect(const struct scene *scene, int64_t event, uint64_t userdata, uint64_t word)
{
	struct tern_received message = { 0 };

	CHECK_EQ(tern_wait(scene->listener, &message), event);
	CHECK_EQ(message.userdata, userdata);
	CHECK_EQ(message.words[0], word);
}

/* There was nothing else to be received. */
static void tear_down(struct scene *scene)
{
	CHECK_EQ(tern_notify(scene->last, 4), 0);
	expect(scene, TERN_EVENT_NOTIFY, 1, 4);
	if (scene->client)
		CHECK_EQ(tern_handle_close(scene->client), 0);
	CHECK_EQ(tern_handle_close(scene->paid), 0);
	CHECK_EQ(tern_notify(scene->last, 8), 0);
	expect(scene, TERN_EVENT_NOTIFY, 1, 8);
	CHECK_EQ(tern_handle_close(scene->last), 0);
	CHECK_EQ(tern_handle_close(scene->listener), 0);
	CHECK_EQ(tern_handle_close(scene->account), 0);
}

void server_hears_that_a_port_died_with_its_account(void)
{
	struct tern_received message = { 0 };
	struct scene scene;

	set_up(&scene, true);
	CHECK_EQ(tern_notify(scene.client, 2), 0);
	CHECK_EQ(tern_account_destroy(scene.account), 0);
	CHECK_EQ(tern_call(scene.client, &message), -EPIPE);
	CHECK_EQ(tern_notify(scene.client, 2), -EPIPE);
	CHECK_EQ(tern_port_mint(scene.paid, TERN_RIGHTS_ALL), -EPIPE);
	expect(&scene, TERN_EVENT_NOTIFY, USERDATA, 2);
	expect(&scene, TERN_EVENT_NO_CLIENTS, USERDATA, 1);
	tear_down(&scene);
}

void server_hears_once_of_a_dead_port(void)
{
	struct scene scene;

	/* Nobody has ever been its client. */
	set_up(&scene, false);
	CHECK_EQ(tern_account_destroy(scene.account), 0);
	tear_down(&scene);
	/* The last client has gone before. */
	set_up(&scene, true);
	CHECK_EQ(tern_handle_close(scene.client), 0);
	scene.client = 0;
	CHECK_EQ(tern_account_destroy(scene.account), 0);
	expect(&scene, TERN_EVENT_NO_CLIENTS, USERDATA, 1);
	tear_down(&scene);
}

/* A successor never hears of its predecessor's ports. */
void dead_ports_event_does_not_survive_a_takeover(void)
{
	struct scene scene;

	set_up(&scene, true);
	CHECK_EQ(tern_account_destroy(scene.account), 0);
	CHECK_EQ(tern_listener_takeover(scene.listener), 1);
	tear_down(&scene);
	/* Nor of one that the server gave up before it heard. */
	set_up(&scene, true);
	CHECK_EQ(tern_account_destroy(scene.account), 0);
	CHECK_EQ(tern_handle_close(scene.client), 0);
	scene.client = 0;
	CHECK_EQ(tern_port_revoke(scene.paid), 0);
	tear_down(&scene);
}

static volatile int64_t call_result;

static void call_through(uint64_t port)
{
	struct tern_received message = { 0 };

	call_result = tern_call((tern_handle)port, &message);
}

void queued_call_ends_with_the_ports_account(void)
{
	struct rt_thread thread;
	struct scene scene;

	set_up(&scene, true);
	rt_thread(&thread, call_through, (uint64_t)scene.client, PRIORITY);
	test_settle();
	CHECK_EQ(tern_account_destroy(scene.account), 0);
	rt_join(&thread);
	CHECK_EQ(call_result, -EPIPE);
	expect(&scene, TERN_EVENT_NO_CLIENTS, USERDATA, 1);
	tear_down(&scene);
}

static void hold_it(uint64_t unused)
{
	uint32_t word = 0;

	(void)unused;
	tern_futex_wait(&word, 0, TERN_DEADLINE_NONE);
}

/* The server pays for its port, and only a process of the account has a handle. */
void server_hears_of_clients_that_died_with_their_account(void)
{
	struct test_port port = test_port(USERDATA, 0);
	tern_handle account = tern_account_create(0, 4 * LIMIT);
	tern_handle process = rt_process(account);
	struct tern_received message = { 0 };
	tern_handle thread;

	CHECK(rt_give(process, port.client) > 0);
	thread = rt_run(process, hold_it, 0, PRIORITY);
	CHECK_EQ(tern_handle_close(port.client), 0);
	test_settle();
	CHECK_EQ(tern_account_destroy(account), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NO_CLIENTS);
	CHECK_EQ(message.userdata, USERDATA);
	CHECK_EQ(tern_handle_close(thread), 0);
	CHECK_EQ(tern_handle_close(process), 0);
	CHECK_EQ(tern_handle_close(account), 0);
	CHECK_EQ(tern_handle_close(port.owner), 0);
	CHECK_EQ(tern_handle_close(port.listener), 0);
}
