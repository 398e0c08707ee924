/* What is on its way to the screen; see the header. */
#include "wire.h"

#include <string.h>

void wire_mend(struct wire_state *wire)
{
	if (wire->tail - wire->head > WIRE_SIZE)
		wire->head = wire->tail;
}

uint32_t wire_length(const struct wire_state *wire)
{
	return wire->tail - wire->head;
}

uint32_t wire_room(const struct wire_state *wire)
{
	return WIRE_SIZE - wire_length(wire);
}

char wire_take(struct wire_state *wire)
{
	return wire->ring[wire->head++ % WIRE_SIZE];
}

static void put(struct wire_state *wire, char byte)
{
	if (!wire_room(wire))
		return;
	wire->ring[wire->tail % WIRE_SIZE] = byte;
	wire->tail++;
}

void wire_put(struct wire_state *wire, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		put(wire, bytes[i]);
	if (length)
		wire->is_mid_line = bytes[length - 1] != '\n';
}

void wire_put_line(struct wire_state *wire, const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (line[i] == '\n' && (!i || line[i - 1] != '\r'))
			put(wire, '\r');
		put(wire, line[i]);
	}
	if (length && line[length - 1] != '\n')
		wire_put(wire, "\r\n", 2);
}

bool wire_is_free(struct wire_state *wire, uint64_t now, uint64_t *deadline)
{
	if (!wire->is_mid_line) {
		*deadline = 0;
		return true;
	}
	if (!*deadline)
		*deadline = now + BREAK_NS;
	if (now < *deadline)
		return false;
	*deadline = 0;
	wire_put(wire, "\r\n", 2);
	return true;
}
