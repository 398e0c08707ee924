/* Windows at their edges: pages that are not there, other protections, other processes. */
#include "ports.h"

#define BIG (300 * 1024)
#define HOLE_AT (2 * RT_PAGE)

/* A client process whose windows are at these addresses, in memory that we share with it. */
struct offer {
	tern_handle port;
	struct tern_extended extended;
	volatile tern_result result;
};

static void child_offers(uint64_t argument)
{
	struct offer *offer = (struct offer *)argument;
	struct tern_received message = { 0 };

	offer->result = tern_call_ext(offer->port, &message, &offer->extended);
	rt_exit(0);
}

/* Three pages, the last one a guard; nothing is present at first. */
static char *map_with_hole(void)
{
	char *memory = rt_map(3 * RT_PAGE);

	tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)memory + HOLE_AT, RT_PAGE);
	CHECK(tern_region_map(TERN_SELF_PROCESS, 0, 0, (uint64_t)memory + HOLE_AT, RT_PAGE,
			      TERN_MAP_GUARD | TERN_MAP_FIXED) > 0);
	return memory;
}

static void offer_of_thread(struct client *client, struct test_port *port,
			    struct tern_extended *extended, char *in, char *out, uint64_t length)
{
	struct tern_received message = { 0 };

	*extended = (struct tern_extended){ .in_address = (uint64_t)in,
					    .in_length = length,
					    .out_address = (uint64_t)out,
					    .out_length = length };
	client_start_extended(client, port->client, 0, extended);
	CHECK_EQ(tern_wait(port->listener, &message), TERN_EVENT_CALL | TERN_EVENT_WINDOWS);
}

void copies_end_short_at_missing_pages(void)
{
	static char buffer[3 * RT_PAGE];
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct tern_extended extended;
	char *memory = map_with_hole();
	struct client client;

	offer_of_thread(&client, &port, &extended, memory, memory, 3 * RT_PAGE);
	CHECK_EQ(tern_reply_read(TERN_REPLY, 10, buffer, 3 * RT_PAGE - 10), HOLE_AT - 10);
	CHECK_EQ(tern_reply_read(TERN_REPLY, HOLE_AT, buffer, 1), -EFAULT);
	CHECK_EQ(tern_reply_write(TERN_REPLY, HOLE_AT - 1, buffer, 2), 1);
	CHECK_EQ(tern_reply_write(TERN_REPLY, HOLE_AT, buffer, 2), -EFAULT);
	CHECK_EQ(tern_reply_write(TERN_REPLY, 0, memory + HOLE_AT - 5, 6), 5);
	CHECK_EQ(tern_reply_read(TERN_REPLY, 0, memory + HOLE_AT - 5, 6), 5);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&client);
	rt_unmap(memory, 3 * RT_PAGE);
	test_port_close(&port);
}

void read_only_memory_is_no_out_window(void)
{
	static const char text[] = "cannot be changed";
	char buffer[sizeof(text)];
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct tern_extended extended;
	struct client client;

	offer_of_thread(&client, &port, &extended, (char *)(uintptr_t)text, (char *)(uintptr_t)text,
			sizeof(text));
	CHECK_EQ(tern_reply_read(TERN_REPLY, 0, buffer, sizeof(buffer)), sizeof(buffer));
	CHECK(!memcmp(buffer, text, sizeof(text)));
	CHECK_EQ(tern_reply_write(TERN_REPLY, 0, buffer, 1), -EFAULT);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&client);
	test_port_close(&port);
}

void one_window_is_not_the_other(void)
{
	static char in[16], out[16], buffer[16];
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct tern_extended extended = { .in_address = (uint64_t)in, .in_length = sizeof(in) };
	struct client client;

	client_start_extended(&client, port.client, 0, &extended);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL | TERN_EVENT_WINDOWS);
	CHECK_EQ(tern_reply_write(TERN_REPLY, 0, buffer, 1), -ERANGE);
	CHECK_EQ(tern_reply_read(TERN_REPLY, 0, buffer, 16), 16);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&client);
	extended = (struct tern_extended){ .out_address = (uint64_t)out, .out_length = 16 };
	client_start_extended(&client, port.client, 0, &extended);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL | TERN_EVENT_WINDOWS);
	CHECK_EQ(tern_reply_read(TERN_REPLY, 0, buffer, 1), -ERANGE);
	CHECK_EQ(tern_reply_write(TERN_REPLY, 0, buffer, 16), 16);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&client);
	test_port_close(&port);
}

/* More than moves in one call: the results say how much, and all of it arrives. */
void long_windows_are_copied_in_pieces(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct tern_extended extended;
	char *theirs = rt_map(BIG), *ours = rt_map(BIG);
	struct client client;
	uint64_t done = 0;

	for (uint64_t i = 0; i < BIG; i++)
		theirs[i] = (char)(i * 2654435761u >> 13);
	offer_of_thread(&client, &port, &extended, theirs, theirs, BIG);
	while (done < BIG) {
		tern_result step = tern_reply_read(TERN_REPLY, done, ours + done, BIG - done);

		CHECK(step > 0);
		if (step <= 0)
			break;
		done += (uint64_t)step;
	}
	CHECK(!memcmp(ours, theirs, BIG));
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&client);
	rt_unmap(theirs, BIG);
	rt_unmap(ours, BIG);
	test_port_close(&port);
}

/* The windows are the client process's: the same addresses mean something else to the server. */
void windows_are_in_the_callers_space(void)
{
	static char word[8] = "parent", buffer[8];
	struct test_port port = test_port(1, 0);
	struct rt_shared shared = rt_share(RT_PAGE);
	struct offer *offer = shared.address;
	struct tern_received message = { 0 };
	tern_handle process = rt_process(0), thread;

	word[0] = 'P';
	rt_share_with(&shared, process);
	offer->port = rt_give(process, port.client);
	offer->extended = (struct tern_extended){ .in_address = (uint64_t)word,
						  .in_length = sizeof(word),
						  .out_address = (uint64_t)word,
						  .out_length = sizeof(word) };
	thread = rt_run(process, child_offers, (uint64_t)offer, PRIORITY);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL | TERN_EVENT_WINDOWS);
	CHECK_EQ(tern_reply_read(TERN_REPLY, 0, buffer, sizeof(buffer)), sizeof(buffer));
	CHECK_EQ(buffer[0], 'p');
	CHECK_EQ(tern_reply_write(TERN_REPLY, 0, "X", 1), 1);
	CHECK_EQ(word[0], 'P');
	CHECK_EQ(tern_reply_read(TERN_REPLY, 0, buffer, 1), 1);
	CHECK_EQ(buffer[0], 'X');
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	CHECK_EQ(rt_wait_process(process), 0);
	CHECK_EQ(offer->result, 0);
	word[0] = 'p';
	tern_handle_close(thread);
	tern_handle_close(process);
	rt_unshare(&shared);
	test_port_close(&port);
}

void windows_end_with_the_call(void)
{
	static char window[32];
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct tern_extended extended;
	struct client client;
	tern_handle parked;

	offer_of_thread(&client, &port, &extended, window, window, sizeof(window));
	parked = tern_reply_park(1, TERN_PARK_CANCELLABLE);
	CHECK_EQ(tern_reply_read(parked, 0, &message, 8), 8);
	CHECK_EQ(tern_thread_interrupt(client.thread.handle, 0), 0);
	client_join(&client);
	CHECK_EQ(tern_reply_read(parked, 0, &message, 8), -ESRCH);
	CHECK_EQ(tern_reply_write(parked, 0, &message, 8), -ESRCH);
	CHECK_EQ(tern_handle_close(parked), 0);
	test_port_close(&port);
}
