/*
 * The first process. It reads the manifest, starts the servers in order, and from then on reacts:
 * to deaths, to its timer, and to calls of its own protocol. It never calls a server.
 *
 * Options on the kernel's command line: manifest=NAME, a file of the boot bundle.
 */
#include "init.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tern/event.h"
#include "tern/memory.h"
#include "tern/process.h"
#include "tern/thread.h"

#define SENDERS 256
#define STATUS_BAD_MANIFEST 1

/* Userdata on init's own listener: sessions of the manifest, and these. */
#define USERDATA_WATCH INIT_OWN /* + index of the server */
#define USERDATA_TIMER (INIT_OWN + (1ul << 32))

struct manifest manifest;
struct instance instances[MANIFEST_SERVERS_MAX];
const struct tern_boot_info *const boot = (const struct tern_boot_info *)TERN_BOOT_PAGE;
tern_handle own_listener;
const char *manifest_name = "manifest";

static tern_handle timer;

static _Noreturn void power_off(uint32_t status)
{
	fflush(stdout);
	tern_system_control(boot->resource, TERN_CONTROL_POWER_OFF, status);
	for (;;)
		tern_thread_yield();
}

void manifest_fail(unsigned int line, const char *format, ...)
{
	va_list arguments;

	printf("init: %s:", manifest_name);
	printf(line ? "%u: " : " ", line);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	power_off(STATUS_BAD_MANIFEST);
}

tern_handle require(tern_handle result, const char *what)
{
	if (result >= 0)
		return result;
	printf("init: cannot go on: %s: error %ld\n", what, (long)result);
	power_off(1);
}

uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* The value of `name=` on the command line, as long as the boot page. */
static const char *option(const char *name, const char *otherwise)
{
	static char value[sizeof(boot->command_line)];
	size_t length = strlen(name);

	for (const char *at = boot->command_line; *at; at++) {
		if (strncmp(at, name, length) || at[length] != '=' ||
		    (at != boot->command_line && at[-1] != ' '))
			continue;
		at += length + 1;
		memcpy(value, at, strcspn(at, " "));
		return value;
	}
	return otherwise;
}

static void prepare(void)
{
	for (unsigned int i = 0; i < manifest.server_count; i++) {
		struct instance *instance = &instances[i];

		instance->server = &manifest.servers[i];
		instance->watch = require(tern_port_create(0, own_listener, USERDATA_WATCH + i, 0),
					  "port");
	}
	for (unsigned int i = 0; i < manifest.server_count; i++)
		instance_prepare(&instances[i]);
}

static void make_timer(void)
{
	tern_handle port = require(tern_port_create(0, own_listener, USERDATA_TIMER, 0), "port");

	timer = require(tern_timer_create(0, port, 1), "timer");
}

/* After each event: what is due, and when to look again. */
static void settle(void)
{
	static uint64_t set;
	uint64_t now = tern_time(), next;

	next = is_shutting_down ? shutdown_continue(now) : supervise(now);
	if (next == set)
		return;
	set = next;
	tern_timer_set(timer, next, 0);
}

static _Noreturn void run(void)
{
	struct tern_received message = { 0 };

	for (;;) {
		tern_result event = tern_wait(own_listener, &message);
		uint64_t index = message.userdata - USERDATA_WATCH;

		if (event >= 0 && (event & TERN_EVENT_KIND) == TERN_EVENT_CALL) {
			admin_serve(message.words);
			tern_reply(TERN_REPLY, &message); /* its caller may have gone */
		} else if (event == TERN_EVENT_NOTIFY && index < manifest.server_count) {
			instance_died(&instances[index]);
		}
		settle();
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	own_listener = require(tern_listener_create(0, SENDERS), "listener");
	manifest_name = option("manifest", manifest_name);
	bundle_init();
	devices_init();
	prepare();
	make_timer();
	for (unsigned int i = 0; i < manifest.server_count; i++)
		if (instances[i].state == INIT_WAITING)
			instance_start(&instances[i]);
	settle();
	run();
}
