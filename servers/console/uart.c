/*
 * The NS16550A; see the header. Speed and format are the firmware's. The FIFOs are never reset, so a
 * restart of this server loses no byte that the chip has.
 */
#include "uart.h"

#include "wire.h"

enum { DATA, INTERRUPTS_ENABLED, INTERRUPT_CAUSE, LINE_CONTROL, MODEM_CONTROL, LINE_STATUS };
#define FIFO_CONTROL INTERRUPT_CAUSE /* when written */

#define ENABLE_RECEIVE 1
#define ENABLE_SEND 2
#define FIFO_ENABLE 1
#define FORMAT_8N1 3
#define MODEM_READY 0x0b /* DTR, RTS, and OUT2, which lets interrupts through */
#define CAUSE_NONE 1
#define STATUS_RECEIVED 1
#define STATUS_CAN_SEND 0x20

#define FIFO_LENGTH 16

static volatile uint8_t *chip;
static uint8_t enabled;

static void enable(uint8_t interrupts)
{
	if (interrupts == enabled)
		return;
	enabled = interrupts;
	chip[INTERRUPTS_ENABLED] = interrupts;
}

void uart_init(volatile uint8_t *registers)
{
	chip = registers;
	chip[INTERRUPTS_ENABLED] = 0;
	chip[FIFO_CONTROL] = FIFO_ENABLE;
	chip[LINE_CONTROL] = FORMAT_8N1;
	chip[MODEM_CONTROL] = MODEM_READY;
	enabled = 0;
	enable(ENABLE_RECEIVE);
}

int uart_receive(void)
{
	return chip[LINE_STATUS] & STATUS_RECEIVED ? chip[DATA] : -1;
}

void uart_send(struct wire_state *wire)
{
	while (wire_length(wire) && chip[LINE_STATUS] & STATUS_CAN_SEND)
		for (int i = 0; i < FIFO_LENGTH && wire_length(wire); i++)
			chip[DATA] = (uint8_t)wire_take(wire);
	enable(wire_length(wire) ? ENABLE_RECEIVE | ENABLE_SEND : ENABLE_RECEIVE);
}

bool uart_is_quiet(void)
{
	return chip[INTERRUPT_CAUSE] & CAUSE_NONE;
}
