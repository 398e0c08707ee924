/* The devices that the kernel drives itself: UART (polled), power switch, real-time clock. */
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/page_table.h"
#include "arch/sbi.h"
#include "kernel/types.h"

#define UART_LINE_STATUS 5
#define UART_CAN_SEND 0x20
#define TEST_PASS 0x5555
#define TEST_FAIL 0x3333
#define TEST_RESET 0x7777
#define NANOSECONDS 1000000000ul

extern const paddr early_power_switch; /* boot.S */

static volatile u8 *uart;
static volatile u32 *test;

void console_init(void)
{
	if (devices.uart)
		uart = kernel_map_device(devices.uart, devices.uart_size);
}

static void put_byte(char c)
{
	if (!uart) {
		sbi_putchar(c);
		return;
	}
	while (!(uart[UART_LINE_STATUS] & UART_CAN_SEND))
		arch_cpu_relax();
	uart[0] = (u8)c;
}

void arch_console_write(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			put_byte('\r');
		put_byte(text[i]);
	}
}

void power_init_early(void)
{
	if (early_power_switch)
		test = phys_to_virt(early_power_switch);
}

void power_init(void)
{
	test = NULL; /* the boot page table's mapping is gone, and what follows may be fatal */
	if (devices.test)
		test = kernel_map_device(devices.test, devices.test_size);
}

/* QEMU exits with the status; on real firmware only "failed" or not is known. */
void arch_power_off(u32 status)
{
	if (test)
		*test = status ? status << 16 | TEST_FAIL : TEST_PASS;
	sbi_reset(false, status != 0);
	for (;;)
		arch_wait_for_interrupt();
}

void arch_reboot(void)
{
	if (test)
		*test = TEST_RESET;
	sbi_reset(true, false);
	for (;;)
		arch_wait_for_interrupt();
}

/* Seconds since 1970, 0 = unknown. Reading the low half latches the high one. */
u64 rtc_read(void)
{
	volatile u32 *rtc = devices.rtc ? kernel_map_device(devices.rtc, devices.rtc_size) : NULL;
	u32 low;

	if (!rtc)
		return 0;
	low = rtc[0];
	return ((u64)rtc[1] << 32 | low) / NANOSECONDS;
}
