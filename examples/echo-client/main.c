/* A client of echo-server: its port is the start handle "echo". Exits with 0 if all was well. */
#include <stdio.h>
#include <string.h>

#include "lib/server/client.h"
#include "proto/echo.h"
#include "tern/handle.h"
#include "tern/start.h"

static int64_t reverse(tern_handle port, const char *text, char *result)
{
	size_t length = strlen(text);
	struct tern_received message = { .words = { ECHO_OP_reverse, length } };
	struct tern_extended windows = { .in_address = (uint64_t)text,
					 .in_length = length,
					 .out_address = (uint64_t)result,
					 .out_length = length };

	return client_call(port, &message, &windows);
}

int main(void)
{
	static const char text[] = "a man a plan a canal";
	static char back[sizeof(text)];
	tern_handle echo = tern_start_handle("echo"), session;
	int failures = 0;

	failures += echo_value(echo, 4711) != 4711;
	failures += reverse(echo, text, back) != sizeof(text) - 1;
	failures += strcmp(back, "lanac a nalp a nam a") != 0;
	session = echo_session(echo);
	failures += session < 0;
	failures += echo_count(session) != 1;
	failures += echo_value(session, 1) != 1;
	failures += echo_count(session) != 3;
	tern_handle_close(session);
	printf("\"%s\" backwards is \"%s\"\n", text, back);
	return failures;
}
