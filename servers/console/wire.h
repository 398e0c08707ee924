/*
 * What is on its way to the screen. The active session writes bytes; the kernel's log and the other
 * sessions write lines, which are put in where the screen is at the start of a line. If it stays in the
 * middle of one for BREAK_NS (a prompt), that line is broken first.
 */
#ifndef CONSOLE_WIRE_H
#define CONSOLE_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "state.h"

#define BREAK_NS 100000000ul

/* Whatever it was left as, it can be used afterwards. */
void wire_mend(struct wire_state *wire);

/* Bytes that wait to be sent, and that still fit. */
uint32_t wire_length(const struct wire_state *wire);
uint32_t wire_room(const struct wire_state *wire);

/* The next byte to send; there must be one. */
char wire_take(struct wire_state *wire);

/* Bytes of the active session. What does not fit is lost: ask for the room first. */
void wire_put(struct wire_state *wire, const char *bytes, size_t length);

/* A line with its end, each \n as \r\n. It must fit, and wire_is_free must have said so. */
void wire_put_line(struct wire_state *wire, const char *line, size_t length);

/*
 * May a line be put in now? If not, *deadline (0: none) is when to ask again at the latest; the line
 * that is in the way is broken once that has passed.
 */
bool wire_is_free(struct wire_state *wire, uint64_t now, uint64_t *deadline);

#endif
