/*
 * The terminal: numbers go to the screen, each acknowledged, and tests/system looks for all of them; what
 * is typed is counted. lib and protocol make calls again that a dying console broke off.
 */
#include <stdio.h>

#include "proto/tty.h"
#include "survivor.h"
#include "tern/start.h"

#define CANONICAL 2u /* of tty_settings.local */
#define ECHOING 8u

atomic_ulong lines_written, bytes_typed;
static tern_handle console;

void terminal_begin(void)
{
	struct tty_settings settings;

	console = tern_start_handle("console");
	if (tty_get(console, &settings))
		fail("terminal", "settings", -1);
	settings.local &= ~(CANONICAL | ECHOING);
	if (tty_change(console, TTY_SET, &settings))
		fail("terminal", "raw mode", -1);
}

void line_work(struct client *client)
{
	char line[32];
	int length = snprintf(line, sizeof(line), "<%lu>\n", lines_written);
	tern_result result = tty_output(console, line, (size_t)length, 0);

	require(result == length, client, "writing", result);
	lines_written++;
}

/* Until q is typed. */
void key_work(struct client *client)
{
	char bytes[64];
	tern_result count = tty_input(console, bytes, sizeof(bytes), 0);

	require(count > 0, client, "reading", count);
	bytes_typed += (uint64_t)count;
}
