/* Ports and messages: each sentence of docs/ipc.md as a test. */
#include "ports.h"

static void words_pass_unchanged(void)
{
	struct tern_received message = { .words = { 0, 11, 22, 33, 44, 55, 66, 77 } };
	struct server server;

	server_start(&server, PRIORITY);
	for (int round = 0; round < 100; round++) {
		for (uint64_t i = 1; i < TERN_MESSAGE_WORDS; i++)
			message.words[i] = i * 11;
		message.words[0] = ORDER_ADD_ONE;
		CHECK_EQ(tern_call(server.port.client, &message), 0);
		for (uint64_t i = 1; i < TERN_MESSAGE_WORDS - 1; i++)
			CHECK_EQ(message.words[i], i * 11 + 1);
		CHECK_EQ(message.words[7], 1234);
		CHECK_EQ(message.userdata, 0);
	}
	server_stop(&server);
}

static void wrong_handles_are_refused(void)
{
	struct test_port port = test_port(1, 0);
	tern_handle notifier = tern_port_mint(port.owner, TERN_RIGHT_NOTIFY);
	tern_handle caller = tern_port_mint(port.owner, TERN_RIGHT_CALL);
	struct tern_received message = { 0 };

	CHECK_EQ(tern_call(0, &message), -EBADF);
	CHECK_EQ(tern_call(-1, &message), -EBADF);
	CHECK_EQ(tern_call(INT64_MAX, &message), -EBADF);
	CHECK_EQ(tern_call(port.client + 1, &message), -EBADF);
	CHECK_EQ(tern_call(port.client ^ (1l << 36), &message), -EBADF);
	CHECK_EQ(tern_call(notifier | 1l << 24, &message), -EBADF);
	CHECK_EQ(tern_call(notifier, &message), -EPERM);
	CHECK_EQ(tern_call(port.listener, &message), -EPROTOTYPE);
	CHECK_EQ(tern_notify(caller, 1), -EPERM);
	CHECK_EQ(tern_notify(notifier, 0), -EINVAL);
	CHECK_EQ(tern_reply_wait(port.client, &message), -EPROTOTYPE);
	CHECK_EQ(tern_reply_wait(0, &message), -EBADF);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), -ESRCH);
	CHECK_EQ(tern_handle_close(notifier), 0);
	CHECK_EQ(tern_notify(notifier, 1), -EBADF);
	tern_handle_close(caller);
	test_port_close(&port);
}

static void notifications_are_merged(void)
{
	struct test_port port = test_port(42, 0);
	struct tern_received message = { 0 };

	CHECK_EQ(tern_notify(port.client, 1), 0);
	CHECK_EQ(tern_notify(port.client, 4), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(message.words[0], 5);
	CHECK_EQ(message.userdata, 42);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), -ESRCH);
	test_port_close(&port);
}

static void dropped_calls_get_epipe(void)
{
	struct tern_received message = { .words = { ORDER_WAIT } };
	struct server server;

	server_start(&server, PRIORITY);
	CHECK_EQ(tern_call(server.port.client, &message), -EPIPE);
	message.words[0] = ORDER_PARK;
	message.words[1] = 0;
	{
		struct client client;

		client_start(&client, server.port.client, ORDER_PARK, PRIORITY);
		while (!server.parked)
			test_settle();
		CHECK_EQ(tern_handle_close(server.parked), 0);
		client_join(&client);
		CHECK_EQ(client.result, -EPIPE);
	}
	message.words[0] = ORDER_EXIT;
	CHECK_EQ(tern_call(server.port.client, &message), -EPIPE);
	server_stop(&server);
}

static void revoked_port_refuses(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct client client;

	client_start(&client, port.client, 0, PRIORITY);
	test_settle();
	CHECK_EQ(tern_port_revoke(port.client), -EPERM);
	CHECK_EQ(tern_port_revoke(port.owner), 0);
	client_join(&client);
	CHECK_EQ(client.result, -EPIPE);
	CHECK_EQ(tern_call(port.client, &message), -EPIPE);
	CHECK_EQ(tern_notify(port.client, 1), -EPIPE);
	CHECK_EQ(tern_port_mint(port.owner, TERN_RIGHTS_ALL), -EPIPE);
	test_port_close(&port);
}

static void received_call_survives_revocation(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct client client;

	client_start(&client, port.client, 0, PRIORITY);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
	CHECK_EQ(tern_port_revoke(port.owner), 0);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&client);
	CHECK_EQ(client.result, 0);
	test_port_close(&port);
}

static void takeover_revokes_all_but_persistent(void)
{
	struct test_port port = test_port(1, 0);
	tern_handle stable = tern_port_create(0, port.listener, 2, TERN_PORT_PERSISTENT);
	struct tern_received message = { 0 };

	CHECK_EQ(tern_notify(port.client, 1), 0);
	CHECK_EQ(tern_notify(stable, 2), 0);
	CHECK_EQ(tern_listener_takeover(port.listener), 1);
	CHECK_EQ(tern_notify(port.client, 1), -EPIPE);
	CHECK_EQ(tern_notify(stable, 1), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(message.words[0], 3);
	CHECK_EQ(message.userdata, 2);
	tern_handle_close(stable);
	test_port_close(&port);
}

/* A queued call counts as a client while it waits; it is none that could go. */
static void port_that_never_had_clients_stays_live(void)
{
	struct test_port port = { .listener = tern_listener_create(0, 4) };
	struct tern_received message = { 0 };
	struct client client;

	port.owner = tern_port_create(0, port.listener, 3, 0);
	client_start(&client, port.owner, 0, PRIORITY);
	test_settle();
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&client);
	CHECK_EQ(client.result, 0);
	CHECK_EQ(tern_notify(port.owner, 1), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	tern_handle_close(port.owner);
	tern_handle_close(port.listener);
}

static void no_clients_comes_last_and_counts_mints(void)
{
	struct test_port port = test_port(9, 0);
	tern_handle second = tern_port_mint(port.owner, TERN_RIGHTS_ALL);
	struct tern_received message = { 0 };

	CHECK_EQ(tern_handle_close(port.client), 0);
	CHECK_EQ(tern_notify(second, 8), 0);
	CHECK_EQ(tern_handle_close(second), 0);
	CHECK_EQ(tern_notify(port.owner, 1), -EPIPE);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(message.words[0], 8);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NO_CLIENTS);
	CHECK_EQ(message.words[0], 2);
	CHECK_EQ(message.userdata, 9);
	port.client = tern_port_mint(port.owner, TERN_RIGHTS_ALL);
	CHECK_EQ(tern_notify(port.client, 3), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	tern_handle_close(port.client);
	port.client = tern_port_mint(port.owner, TERN_RIGHTS_ALL);
	CHECK_EQ(tern_notify(port.client, 4), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(message.words[0], 4);
	test_port_close(&port);
}

static void queued_call_is_interrupted(void)
{
	struct test_port port = test_port(1, 0);
	struct client client;

	client_start(&client, port.client, 0, PRIORITY);
	test_settle();
	CHECK_EQ(tern_thread_interrupt(client.thread.handle, 0), 0);
	client_join(&client);
	CHECK_EQ(client.result, -EINTR);
	test_port_close(&port);
}

static void received_call_is_not_interrupted(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct client client;

	client_start(&client, port.client, 0, PRIORITY);
	tern_wait(port.listener, &message);
	CHECK_EQ(tern_reply_status(TERN_REPLY), 0);
	CHECK_EQ(tern_thread_interrupt(client.thread.handle, 0), 0);
	test_settle();
	CHECK_EQ(tern_reply_status(TERN_REPLY), 1);
	CHECK_EQ(client.is_done, 0);
	CHECK_EQ(tern_reply_park(5, TERN_PARK_CANCELLABLE), -ECANCELED);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&client);
	CHECK_EQ(client.result, 0);
	test_port_close(&port);
}

static void parked_cancellable_call_is_interrupted(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct client client;
	tern_handle parked;

	client_start(&client, port.client, 0, PRIORITY);
	tern_wait(port.listener, &message);
	parked = tern_reply_park(55, TERN_PARK_CANCELLABLE);
	CHECK(parked > 0);
	CHECK_EQ(tern_reply_park(55, 0), -ESRCH);
	CHECK_EQ(tern_thread_interrupt(client.thread.handle, 0), 0);
	client_join(&client);
	CHECK_EQ(client.result, -EINTR);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CANCELLED);
	CHECK_EQ(message.userdata, 55);
	CHECK_EQ(tern_reply_status(parked), -ESRCH);
	CHECK_EQ(tern_reply(parked, &message), -ESRCH);
	CHECK_EQ(tern_reply(parked, &message), -EBADF);
	test_port_close(&port);
}

static void late_interrupt_ends_the_next_blocking_call(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };

	CHECK_EQ(tern_thread_interrupt(TERN_SELF_THREAD, 0), 0);
	CHECK_EQ(tern_wait(port.listener, &message), -EINTR);
	CHECK_EQ(tern_thread_interrupt(TERN_SELF_THREAD, 0), 0);
	CHECK_EQ(tern_call(port.client, &message), -EINTR);
	CHECK_EQ(tern_notify(port.client, 1), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	test_port_close(&port);
}

static void killed_caller_makes_the_reply_fail(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct client client;

	client_start(&client, port.client, 0, PRIORITY);
	tern_wait(port.listener, &message);
	CHECK_EQ(tern_thread_kill(client.thread.handle), 0);
	CHECK_EQ(tern_reply_wait(port.listener, &message), -ESRCH);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), -ESRCH);
	test_settle();
	rt_discard(&client.thread);
	test_port_close(&port);
}

static void killed_server_answers_epipe(void)
{
	struct server server;
	struct client client;

	server_start(&server, PRIORITY);
	client_start(&client, server.port.client, ORDER_HOLD, PRIORITY);
	test_await(&server.holds, 1);
	CHECK_EQ(tern_thread_kill(server.thread.handle), 0);
	client_join(&client);
	CHECK_EQ(client.result, -EPIPE);
	rt_discard(&server.thread);
	test_port_close(&server.port);
}

static void destroyed_listener_answers_everyone(void)
{
	struct server server;
	struct test_port other = test_port(1, 0);
	struct client client;
	struct tern_received message = { 0 };

	server_start(&server, PRIORITY);
	client_start(&client, other.client, 0, PRIORITY);
	test_settle();
	CHECK_EQ(tern_listener_destroy(server.port.listener), 0);
	CHECK_EQ(tern_listener_destroy(other.listener), 0);
	client_join(&client);
	CHECK_EQ(client.result, -EPIPE);
	rt_join(&server.thread);
	CHECK_EQ(server.last_event, -EPIPE);
	CHECK_EQ(tern_call(other.client, &message), -EPIPE);
	CHECK_EQ(tern_wait(other.listener, &message), -EPIPE);
	CHECK_EQ(tern_port_create(0, other.listener, 1, 0), -EPIPE);
	test_port_close(&server.port);
	test_port_close(&other);
}

static void closing_the_last_listener_handle_answers_callers(void)
{
	struct test_port port = test_port(1, 0);
	struct client client;

	client_start(&client, port.client, 0, PRIORITY);
	test_settle();
	CHECK_EQ(tern_handle_close(port.listener), 0);
	client_join(&client);
	CHECK_EQ(client.result, -EPIPE);
	tern_handle_close(port.client);
	tern_handle_close(port.owner);
}

static void senders_are_served_by_priority_then_arrival(void)
{
	static const unsigned int priorities[] = { 10, 12, 10, 14, 12 };
	static const uint64_t expected[] = { 3, 1, 4, 0, 2 };
	struct test_port port = test_port(1, 0);
	struct client clients[RT_COUNT(priorities)];
	struct tern_received message = { 0 };

	for (unsigned int i = 0; i < RT_COUNT(priorities); i++) {
		client_start(&clients[i], port.client, i, priorities[i]);
		test_settle();
	}
	for (unsigned int i = 0; i < RT_COUNT(priorities); i++) {
		CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
		CHECK_EQ(message.words[0], expected[i]);
		CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	}
	for (unsigned int i = 0; i < RT_COUNT(priorities); i++)
		client_join(&clients[i]);
	test_port_close(&port);
}

static void queue_of_senders_is_bounded(void)
{
	tern_handle listener = tern_listener_create(0, 1);
	tern_handle port = tern_port_create(0, listener, 1, 0);
	struct tern_received message = { 0 };
	struct client client;

	client_start(&client, port, 0, PRIORITY);
	test_settle();
	CHECK_EQ(tern_call(port, &message), -EAGAIN);
	tern_listener_destroy(listener);
	client_join(&client);
	tern_handle_close(port);
	tern_handle_close(listener);
	CHECK_EQ(tern_listener_create(0, 0), -EINVAL);
	CHECK_EQ(tern_listener_create(0, 65537), -EINVAL);
}

static void many_servers_and_clients_share_a_port(void)
{
	struct server server;
	struct client clients[8];

	server_start(&server, PRIORITY);
	for (unsigned int i = 0; i < RT_COUNT(clients); i++)
		client_start(&clients[i], server.port.client, ORDER_ADD_ONE, 10 + i);
	for (unsigned int i = 0; i < RT_COUNT(clients); i++) {
		client_join(&clients[i]);
		CHECK_EQ(clients[i].result, 0);
		CHECK_EQ(clients[i].message.words[0], ORDER_ADD_ONE + 1);
	}
	server_stop(&server);
}

static void caller_pays_for_what_a_server_creates(void)
{
	tern_handle account = tern_account_create(0, 64 * RT_PAGE);
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	uint64_t before;
	struct client client;
	tern_handle made;

	client_start(&client, port.client, 0, PRIORITY);
	tern_wait(port.listener, &message);
	before = (uint64_t)tern_account_info(0, TERN_ACCOUNT_USED);
	made = tern_memobj_create(TERN_REPLY, RT_PAGE);
	CHECK(made > 0);
	CHECK((uint64_t)tern_account_info(0, TERN_ACCOUNT_USED) > before);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	CHECK_EQ(tern_memobj_create(TERN_REPLY, RT_PAGE), -ESRCH);
	client_join(&client);
	tern_handle_close(made);
	tern_handle_close(account);
	test_port_close(&port);
}

static const struct test tests[] = {
	{ "words_pass_unchanged", words_pass_unchanged },
	{ "wrong_handles_are_refused", wrong_handles_are_refused },
	{ "notifications_are_merged", notifications_are_merged },
	{ "dropped_calls_get_epipe", dropped_calls_get_epipe },
	{ "revoked_port_refuses", revoked_port_refuses },
	{ "received_call_survives_revocation", received_call_survives_revocation },
	{ "takeover_revokes_all_but_persistent", takeover_revokes_all_but_persistent },
	{ "port_that_never_had_clients_stays_live", port_that_never_had_clients_stays_live },
	{ "no_clients_comes_last_and_counts_mints", no_clients_comes_last_and_counts_mints },
	{ "queued_call_is_interrupted", queued_call_is_interrupted },
	{ "received_call_is_not_interrupted", received_call_is_not_interrupted },
	{ "parked_cancellable_call_is_interrupted", parked_cancellable_call_is_interrupted },
	{ "late_interrupt_ends_the_next_blocking_call",
	  late_interrupt_ends_the_next_blocking_call },
	{ "killed_caller_makes_the_reply_fail", killed_caller_makes_the_reply_fail },
	{ "killed_server_answers_epipe", killed_server_answers_epipe },
	{ "destroyed_listener_answers_everyone", destroyed_listener_answers_everyone },
	{ "closing_the_last_listener_handle_answers_callers",
	  closing_the_last_listener_handle_answers_callers },
	{ "senders_are_served_by_priority_then_arrival",
	  senders_are_served_by_priority_then_arrival },
	{ "queue_of_senders_is_bounded", queue_of_senders_is_bounded },
	{ "many_servers_and_clients_share_a_port", many_servers_and_clients_share_a_port },
	{ "caller_pays_for_what_a_server_creates", caller_pays_for_what_a_server_creates },
	{ "handles_are_copied_and_moved", handles_are_copied_and_moved },
	{ "answers_bring_handles_without_a_descriptor",
	  answers_bring_handles_without_a_descriptor },
	{ "too_many_handles_move_nothing", too_many_handles_move_nothing },
	{ "handle_arguments_are_checked", handle_arguments_are_checked },
	{ "window_reads_and_writes", window_reads_and_writes },
	{ "window_bounds_are_checked", window_bounds_are_checked },
	{ "reply_copy_moves_between_clients", reply_copy_moves_between_clients },
	{ "parked_reply_is_forwarded", parked_reply_is_forwarded },
	{ "minted_rights_are_no_more_than_asked", minted_rights_are_no_more_than_asked },
	{ "duplicates_are_clients_too", duplicates_are_clients_too },
	{ "owners_handle_is_no_client", owners_handle_is_no_client },
	{ "no_clients_counts_every_mint", no_clients_counts_every_mint },
	{ "moved_port_never_looks_abandoned", moved_port_never_looks_abandoned },
	{ "moved_listener_is_received_from_no_more", moved_listener_is_received_from_no_more },
	{ "answer_with_too_many_handles_is_refused", answer_with_too_many_handles_is_refused },
	{ "takeover_answers_what_is_queued", takeover_answers_what_is_queued },
	{ "copies_end_short_at_missing_pages", copies_end_short_at_missing_pages },
	{ "read_only_memory_is_no_out_window", read_only_memory_is_no_out_window },
	{ "one_window_is_not_the_other", one_window_is_not_the_other },
	{ "long_windows_are_copied_in_pieces", long_windows_are_copied_in_pieces },
	{ "windows_are_in_the_callers_space", windows_are_in_the_callers_space },
	{ "windows_end_with_the_call", windows_end_with_the_call },
	{ "interrupted_call_can_still_be_parked_plainly",
	  interrupted_call_can_still_be_parked_plainly },
	{ "plainly_parked_call_is_not_interrupted", plainly_parked_call_is_not_interrupted },
	{ "cancel_request_ends_with_its_call", cancel_request_ends_with_its_call },
	{ "closed_reply_takes_its_event_along", closed_reply_takes_its_event_along },
	{ "cancelled_event_comes_once", cancelled_event_comes_once },
	{ "waiting_server_is_interrupted", waiting_server_is_interrupted },
	{ "interrupted_reply_wait_has_answered", interrupted_reply_wait_has_answered },
	{ "killed_queued_caller_is_forgotten", killed_queued_caller_is_forgotten },
	{ "killed_served_caller_is_esrch", killed_served_caller_is_esrch },
	{ "killed_parked_caller_is_esrch", killed_parked_caller_is_esrch },
	{ "killed_server_process_answers_epipe", killed_server_process_answers_epipe },
	{ "killed_receiver_leaves_the_call_to_others", killed_receiver_leaves_the_call_to_others },
	{ "listener_dies_with_its_last_process", listener_dies_with_its_last_process },
	{ "killed_client_process_is_no_client", killed_client_process_is_no_client },
	{ "server_inherits_its_callers_priority", server_inherits_its_callers_priority },
	{ "busy_server_inherits_from_the_queue", busy_server_inherits_from_the_queue },
	{ "priority_is_inherited_along_a_chain", priority_is_inherited_along_a_chain },
	{ "inherited_priority_ends_with_the_answer", inherited_priority_ends_with_the_answer },
	{ "many_threads_serve_many_callers", many_threads_serve_many_callers },
	{ "registers_of_messages_are_exact", registers_of_messages_are_exact },
	{ "registers_of_other_calls_are_ones_own", registers_of_other_calls_are_ones_own },
	{ "registers_survive_other_threads", registers_survive_other_threads },
};

TEST_MAIN(tests)
