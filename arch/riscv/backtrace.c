/* The end of everything: panic with registers and a symbolised backtrace. */
#include "arch/cpu.h"
#include "arch/trap.h"
#include "kernel/hart.h"
#include "kernel/log.h"

#define DEPTH_MAX 24
#define STATUS_PANIC 101
#define STATUS_FATAL 100
#define REGISTER_FP 8

struct ksym {
	u32 offset; /* of the function from kernel_base */
	u32 name;   /* offset in ksyms_names */
};

extern const struct ksym ksyms[];
extern const u32 ksyms_count;
extern const char ksyms_names[];
extern char kernel_base[], kernel_text_end[], kernel_end_address[];

/* A return address may be the first of the next function: `back` says how far to look back. */
static void print_symbol(u64 address, u32 back)
{
	u32 offset = (u32)(address - back - (u64)kernel_base);
	u32 found = 0;

	while (found < ksyms_count && ksyms[found].offset <= offset)
		found++;
	if (found)
		log_print(LOG_ERROR, "  %lx %s+0x%x", address, ksyms_names + ksyms[found - 1].name,
			  offset + back - ksyms[found - 1].offset);
	else
		log_print(LOG_ERROR, "  %lx", address);
}

static bool is_text(u64 address)
{
	return address >= (u64)kernel_base && address < (u64)kernel_text_end;
}

/* A frame pointer in some kernel stack: those of the harts, or the boot stack in the image. */
static bool is_frame(u64 fp)
{
	return !(fp & 7) && fp >= 0xffffffff00000000ul + 16 && fp <= (u64)kernel_end_address;
}

static void backtrace_from(u64 pc, u64 fp)
{
	log_print(LOG_ERROR, "backtrace:");
	if (is_text(pc))
		print_symbol(pc, 0);
	for (u32 depth = 0; depth < DEPTH_MAX && is_frame(fp); depth++) {
		u64 return_address = ((u64 *)fp)[-1];
		u64 next = ((u64 *)fp)[-2];

		if (!is_text(return_address))
			return;
		print_symbol(return_address, 1);
		if (next <= fp)
			return;
		fp = next;
	}
}

static void print_registers(const u64 *registers)
{
	for (u32 i = 0; i < 32; i += 4)
		log_print(LOG_ERROR, "  x%02u %016lx %016lx %016lx %016lx", i, i ? registers[i] : 0,
			  registers[i + 1], registers[i + 2], registers[i + 3]);
}

static void print_cause(const char *kind, const char *format, va_list arguments)
{
	char text[160];

	log_format(text, sizeof(text), format, arguments);
	log_print(LOG_ERROR, "%s on hart %lu: %s", kind, arch_hart()->index, text);
}

static _Atomic u64 reporter; /* the hart that panics */

static NORETURN void stop_for_ever(void)
{
	for (;;)
		arch_wait_for_interrupt();
}

void panic_join(void)
{
	if (atomic_load(&reporter))
		stop_for_ever();
}

/* Best effort: one that waits for a lock in the kernel does not look, but does no harm either. */
static void stop_other_harts(void)
{
	for (u32 i = 0; i < hart_count; i++)
		if (&harts[i] != arch_hart() && atomic_load(&harts[i].is_online))
			arch_send_ipi(i);
}

/* Only the first hart that panics reports; a panic inside it must not print for ever. */
static void panic_begin(void)
{
	u64 nobody = 0, self = (u64)arch_hart();

	if (!atomic_compare_exchange_strong(&reporter, &nobody, self)) {
		if (nobody == self)
			arch_power_off(STATUS_PANIC);
		stop_for_ever();
	}
	stop_other_harts();
	log_break_lock();
}

void panic(const char *format, ...)
{
	va_list arguments;

	panic_begin();
	va_start(arguments, format);
	print_cause("panic", format, arguments);
	va_end(arguments);
	backtrace_from(0, (u64)__builtin_frame_address(0));
	arch_power_off(STATUS_PANIC);
}

void panic_with_registers(const u64 *registers, const char *format, ...)
{
	va_list arguments;

	panic_begin();
	va_start(arguments, format);
	print_cause("panic", format, arguments);
	va_end(arguments);
	print_registers(registers);
	backtrace_from(registers[0], registers[REGISTER_FP]);
	arch_power_off(STATUS_PANIC);
}

void fatal(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_cause("fatal", format, arguments);
	va_end(arguments);
	arch_power_off(STATUS_FATAL);
}
