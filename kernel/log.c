/* The boot log: whole lines, with time and level. */
#include "kernel/log.h"

#include "kernel/boot.h"
#include "kernel/hart.h"

enum log_level log_threshold = LOG_INFO;

static struct spinlock log_lock = SPINLOCK_INIT(LOCK_RANK_LOG);

void log_write(const char *text, size_t length)
{
	spin_lock(&log_lock);
	arch_console_write(text, length);
	spin_unlock(&log_lock);
}

void log_break_lock(void)
{
	spin_init(&log_lock, LOCK_RANK_LOG);
	arch_hart()->held_count = 0;
}

static int prefix(char *line, size_t size, const char *format, ...)
{
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = log_format(line, size, format, arguments);
	va_end(arguments);
	return (int)length;
}

void log_print(enum log_level level, const char *format, ...)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	char line[256];
	u64 now = machine.time_multiplier ? arch_time() / 1000 : 0;
	size_t length;
	va_list arguments;

	if (level > log_threshold)
		return;
	length = (size_t)prefix(line, sizeof(line), "[%lu.%06lu] %s: ", now / 1000000,
				now % 1000000, names[level]);
	va_start(arguments, format);
	length += log_format(line + length, sizeof(line) - length - 1, format, arguments);
	va_end(arguments);
	length = min_u64(length, sizeof(line) - 2);
	line[length] = '\n';
	log_write(line, length + 1);
}
