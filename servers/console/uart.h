/* The NS16550A: sends and receives bytes, by interrupt. */
#ifndef CONSOLE_UART_H
#define CONSOLE_UART_H

#include <stdbool.h>
#include <stdint.h>

struct wire_state;

/* Take the chip over as the last driver or the firmware left it; received bytes are kept. */
void uart_init(volatile uint8_t *registers);

/* The next received byte, or -1. */
int uart_receive(void);

/* Sends from the wire as much as the chip takes, and asks for an interrupt if there is more. */
void uart_send(struct wire_state *wire);

/* Is there nothing left to say for the chip? To be asked before an interrupt is acknowledged. */
bool uart_is_quiet(void);

#endif
