/*
 * A client of the console, and of init, that tests/system types at. Its first argument says what it
 * does; it ends with status 0 when all was well.
 *
 * Handles: console (a session), init; other (another session) for `background`.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/init.h"
#include "proto/tty.h"
#include "tern/event.h"
#include "tern/start.h"
#include "tern/system.h"
#include "tern/thread.h"

#define CANONICAL 2u /* of tty_settings.local */
#define ECHOING 8u
#define MIN_INDEX 6 /* of tty_settings.characters */
#define TIME_INDEX 5
#define KILLS 50

static tern_handle console, init;

static _Noreturn void fail(const char *what, tern_result result)
{
	fprintf(stderr, "%s: %ld\n", what, (long)result);
	exit(1);
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char text[1024];
	va_list arguments;
	tern_result written;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	written = tty_output(console, text, (size_t)length, 0);
	if (written != length)
		fail("writing", written);
}

static size_t hear(char *line, size_t size)
{
	tern_result length = tty_input(console, line, size - 1, 0);

	if (length < 0)
		fail("reading", length);
	line[length] = '\0';
	return (size_t)length;
}

/* Each line comes back, until `quit` or the end of the file. */
static int echo_lines(void)
{
	char line[600];

	say("ready\n");
	for (;;) {
		size_t length = hear(line, sizeof(line));

		if (!length)
			say("end of file\n");
		if (!length || !strcmp(line, "quit\n"))
			return 0;
		say("%zu: %s", length, line);
	}
}

static void make_raw(uint8_t least, uint8_t tenths)
{
	struct tty_settings settings;

	if (tty_get(console, &settings))
		fail("tty_get", -1);
	settings.local &= ~(CANONICAL | ECHOING);
	settings.characters[MIN_INDEX] = least;
	settings.characters[TIME_INDEX] = tenths;
	if (tty_change(console, TTY_SET, &settings))
		fail("tty_change", -1);
}

/* Each byte comes back as a number, until q. */
static int show_bytes(void)
{
	char bytes[64];

	make_raw(1, 0);
	say("ready\n");
	for (;;) {
		size_t length = hear(bytes, sizeof(bytes));

		for (size_t i = 0; i < length; i++)
			say("<%02x>", (unsigned char)bytes[i]);
		if (memchr(bytes, 'q', length))
			return 0;
	}
}

/* A read that ends by time, with nothing and with something. */
static int wait_in_vain(void)
{
	char bytes[64];
	uint64_t start = tern_time();
	size_t length;

	make_raw(0, 3);
	length = hear(bytes, sizeof(bytes));
	say("nothing: %zu after %lu tenths\n", length, (tern_time() - start) / 100000000);
	make_raw(10, 20); /* what is typed in one go may come with pauses */
	say("ready\n");
	length = hear(bytes, sizeof(bytes));
	say("pause: %zu\n", length);
	return 0;
}

/* Signals that are typed, while nobody reads. */
static int hear_signals(void)
{
	tern_handle listener = tern_listener_create(0, 4);
	tern_handle port = tern_port_create(0, listener, 1, 0);
	struct tty_size size = { .rows = 50, .columns = 132 };
	struct tern_received message = { 0 };

	if (tty_signals(console, port))
		fail("tty_signals", -1);
	say("ready\n");
	for (;;) {
		if (tern_wait(listener, &message) != TERN_EVENT_NOTIFY)
			continue;
		for (int number = 1; number < 64; number++)
			if (message.words[0] >> number & 1)
				say("signal %d\n", number);
		if (message.words[0] >> SIGTSTP & 1)
			tty_set_size(console, &size);
		if (message.words[0] >> SIGQUIT & 1)
			return 0;
	}
}

/* poll: notified once there is something to read. */
static int poll_input(void)
{
	tern_handle listener = tern_listener_create(0, 4);
	tern_handle port = tern_port_create(0, listener, 1, 0);
	tern_result watch = io_watch(console, port, 4);
	struct tern_received message = { 0 };
	char line[64];

	if (watch <= 0 || io_read(console, line, sizeof(line), 0, IO_NONBLOCK) != -EAGAIN)
		fail("watch", watch);
	if (io_poll(console, IO_IN | IO_OUT, 0, 0) != IO_OUT)
		fail("poll", -1);
	if (io_poll(console, IO_IN, (uint64_t)watch, 0) != 0)
		fail("arming", -1);
	say("ready\n");
	if (tern_wait(listener, &message) != TERN_EVENT_NOTIFY || message.words[0] != 4)
		fail("event", -1);
	say("polled %ld, %s", (long)io_poll(console, IO_IN, 0, 0),
	    hear(line, sizeof(line)) ? line : "");
	return io_unwatch(console, (uint64_t)watch) ||
	       io_unwatch(console, (uint64_t)watch) != -ENOENT;
}

/* Another session and the log write whole lines, wherever this one is. */
static int write_between(void)
{
	tern_handle other = tern_start_handle("other");

	say("ready\nprompt> ");
	io_write(other, "half of", 7, 0, 0);
	io_write(other, " a line\n", 8, 0, 0);
	printf("a line of the log\n");
	tty_drain(other); /* the prompt's line is broken for what that one has said */
	for (int i = 0; i < 200; i++) {
		say("active line %d\n", i);
		printf("log line %d\n", i);
		tty_output(other, "other line\n", 11, 0);
	}
	tty_activate(other);
	tty_output(other, "now active\n", 11, 0);
	tty_drain(other);
	return 0;
}

static uint64_t index_of(const char *name)
{
	tern_result index = init_find(init, name);

	if (index < 0)
		fail(name, index);
	return (uint64_t)index;
}

static struct init_server about(const char *name)
{
	struct init_server server;

	if (init_list(init, index_of(name), &server))
		fail("init_list", -1);
	return server;
}

static volatile int kills;

/* The console dies at moments that have nothing to do with what its clients do. */
static void *kill_console(void *worst)
{
	uint64_t index = index_of("console"), random = 12345;

	for (int i = 0; i < KILLS; i++) {
		struct io_attributes attributes;
		uint64_t start;

		random = random * 6364136223846793005u + 1442695040888963407u;
		usleep((useconds_t)(2000 + (random >> 33) % 30000));
		start = tern_time();
		if (init_kill(init, index, 9))
			fail("init_kill", -1);
		while (io_attributes(console, &attributes))
			;
		if (tern_time() - start > *(uint64_t *)worst)
			*(uint64_t *)worst = tern_time() - start;
		kills++;
	}
	return NULL;
}

/* Echoes what is typed, and talks by itself, while the console dies KILLS times. */
static int survive(void)
{
	uint64_t worst = 0;
	pthread_t killer;
	char line[256];
	int typed = 0;

	make_raw(1, 0);
	say("ready\n");
	if (pthread_create(&killer, NULL, kill_console, &worst))
		fail("thread", -1);
	while (kills < KILLS || typed < KILLS) {
		size_t length = hear(line, sizeof(line));

		for (size_t i = 0; i < length; i++)
			typed += line[i] == 'x';
		say("%d kills, %d typed\n", kills, typed);
	}
	say("restart_ms worst %lu.%03lu last %lu.%03lu\n", worst / 1000000, worst / 1000 % 1000,
	    about("console").restart_ns / 1000000, about("console").restart_ns / 1000 % 1000);
	return 0;
}

/* From the kill of a server to its first answer, which is that there is no such operation; the worst. */
static uint64_t measure_restart(const char *name)
{
	tern_handle port = tern_start_handle(name);
	uint64_t worst = 0;

	for (int i = 0; i < 20; i++) {
		struct tern_received message = { .words = { 0xff } };
		uint64_t start, time;

		usleep(2000);
		start = tern_time();
		if (init_kill(init, index_of(name), 9))
			fail("init_kill", -1);
		while (tern_call(port, &message) == -EPIPE)
			message.words[0] = 0xff;
		if ((int64_t)message.words[0] >= 0)
			fail(name, (tern_result)message.words[0]);
		time = tern_time() - start;
		worst = time > worst ? time : worst;
	}
	return worst;
}

/* Figures for study/servers_bars.json: milliseconds for each server, where an instruction is 1 ns. */
static int measure(void)
{
	struct init_server server;

	for (uint64_t i = 0; !init_list(init, i, &server); i++) {
		uint64_t worst;

		if (server.state != INIT_RUNNING || !strcmp(server.name, "terminal"))
			continue;
		worst = measure_restart(server.name);
		say("BENCH restart_ms_%s %lu.%03lu\n", server.name, worst / 1000000,
		    worst / 1000 % 1000);
	}
	return 0;
}

/* A server that dies at once is given up; its clients get an error, and the others go on. */
static int watch_crasher(void)
{
	static const char *const states[] = { "running", "waiting", "finished", "given up" };
	tern_handle port = tern_start_handle("crasher");
	struct tern_received message = { .words = { 1 } };
	struct init_server server;
	tern_result result;

	do
		result = tern_call(port, &message);
	while (result == -EPIPE && about("crasher").state != INIT_GIVEN_UP);
	say("call: %ld\n", (long)result);
	for (uint64_t i = 0; !init_list(init, i, &server); i++)
		say("%s: %s, %lu restarts, status %lu\n", server.name, states[server.state],
		    server.restarts, server.status);
	return 0;
}

static uint64_t random_number(void)
{
	static uint64_t state = 99;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return state >> (state >> 58);
}

/* Any operation with any words, and often with windows or a handle. Nothing of it may wait. */
static tern_result call_anyhow(tern_handle port, tern_handle handle, uint64_t operation)
{
	static char memory[8192];
	struct tern_received message;
	struct tern_extended extended = {
		.handle_count = random_number() % 3 == 0,
		.handles = { { handle, TERN_RIGHTS_ALL, TERN_SEND_COPY } },
		.in_address = (uint64_t)memory + random_number() % 4096,
		.in_length = random_number() % 4096,
		.out_address = random_number() % 8 ? (uint64_t)memory : 0x1000,
		.out_length = random_number() % 8192,
	};
	tern_result result;

	for (int i = 0; i < TERN_MESSAGE_WORDS; i++)
		message.words[i] = random_number();
	message.words[0] = operation | IO_NONBLOCK | (random_number() % 8) << 9;
	result = random_number() % 2 ? tern_call_ext(port, &message, &extended)
				     : tern_call(port, &message);
	return result < 0 ? result : (tern_result)message.words[0];
}

/* Calls that make no sense are answered; another session and the servers are as before. */
static int talk_nonsense(void)
{
	tern_handle other = tern_start_handle("other"), listener = tern_listener_create(0, 4);
	tern_handle port = tern_port_create(0, listener, 1, 0);
	uint64_t refused = 0, calls = 20000;
	struct tty_settings before, after;

	tty_get(console, &before);
	for (uint64_t i = 0; i < calls; i++) {
		/* Of init all but `kill` and `shutdown`; of the console all but `activate`. */
		uint64_t operation = random_number() % 64;
		tern_handle to = i % 8 ? other : init;

		if (to == init && (operation == INIT_OP_kill || operation == INIT_OP_shutdown))
			continue;
		if (operation == TTY_OP_activate)
			continue;
		refused += call_anyhow(to, port, operation) < 0;
	}
	tty_get(console, &after);
	say("%s refused, settings %s, console %lu restarts\n",
	    refused > calls / 2 && refused < calls ? "most" : "something else",
	    memcmp(&before, &after, sizeof(before)) ? "changed" : "as before",
	    about("console").restarts);
	return 0;
}

static _Noreturn int shut_down(void)
{
	say("shutting down\n");
	init_shutdown(init, 42);
	for (;;)
		pause();
}

/* With a kernel in which this system call is an illegal instruction. */
static int make_panic(void)
{
	say("unfinished");
	tty_drain(console);
	printf("logged before the panic\n");
	tern_null();
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} modes[] = {
	{ "echo", echo_lines },      { "raw", show_bytes },        { "time", wait_in_vain },
	{ "signals", hear_signals }, { "poll", poll_input },       { "background", write_between },
	{ "survive", survive },      { "crasher", watch_crasher }, { "nonsense", talk_nonsense },
	{ "bench", measure },        { "shutdown", shut_down },    { "panic", make_panic },
};

int main(int argc, char **argv)
{
	console = tern_start_handle("console");
	init = tern_start_handle("init");
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(argv[1], modes[i].name))
			return modes[i].run();
	fail("no such mode", argc);
}
