/* Stops against messages: a client and a server in processes that are stopped at random. */
#include "processes.h"

#define ROUNDS 400

static void serve(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;
	struct tern_received message = { 0 };
	tern_result event = tern_wait(shared->listener, &message);

	for (;;) {
		if (event == TERN_EVENT_CALL)
			shared->counts[0]++;
		message.words[1]++;
		event = tern_reply_wait(shared->listener, &message);
	}
}

static void call(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;

	for (uint64_t i = 0;; i++) {
		struct tern_received message = { .words = { 0, i } };

		if (tern_call(shared->port, &message) || message.words[1] != i + 1)
			rt_exit(1);
		shared->counts[0]++;
	}
}

void stops_race_with_messages(void)
{
	struct test_port port = test_port(1, 0);
	struct family families[2];
	uint64_t random = 4711;

	family_start(&families[0], serve, &port);
	family_start(&families[1], call, &port);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint64_t choice = test_random(&random);
		struct family *family = &families[choice & 1];
		uint32_t before;

		CHECK_EQ(tern_process_stop(family->child.process), 0);
		before = families[1].shared->counts[0];
		if (choice & 2)
			test_sleep(choice >> 8 & 0x1ffff);
		CHECK(families[1].shared->counts[0] - before <= 1);
		CHECK_EQ(tern_process_continue(family->child.process), 0);
		if (choice & 4)
			test_sleep(choice >> 8 & 0x1ffff);
		if (choice & 8)
			while (families[1].shared->counts[0] == before)
				test_sleep(50000);
	}
	CHECK_EQ(tern_process_status(families[1].child.process), TERN_PROCESS_RUNNING);
	family_kill(&families[1]);
	family_kill(&families[0]);
	test_port_close(&port);
}
