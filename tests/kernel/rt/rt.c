/* The runtime of test programs and examples: output, memory, options. */
#include "rt.h"

const struct tern_boot_info *rt_boot;

void rt_main(const struct tern_boot_info *boot);

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
	char *t = to;
	const char *f = from;

	while (length--)
		*t++ = *f++;
	return to;
}

void *memmove(void *to, const void *from, size_t length)
{
	char *t = to;
	const char *f = from;

	if (t <= f)
		return memcpy(to, from, length);
	while (length--)
		t[length] = f[length];
	return to;
}

void *memset(void *to, int byte, size_t length)
{
	char *t = to;

	while (length--)
		*t++ = (char)byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t length)
{
	const unsigned char *x = a, *y = b;

	for (; length; length--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

struct line {
	char text[TERN_LOG_MAX];
	size_t length;
};

static void put(struct line *line, char c)
{
	if (line->length < sizeof(line->text))
		line->text[line->length++] = c;
}

static void put_number(struct line *line, uint64_t value, unsigned int base)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (at < sizeof(digits))
		put(line, digits[at++]);
}

static void put_argument(struct line *line, char conversion, bool is_long, va_list *arguments)
{
	int64_t number;

	switch (conversion) {
	case 's':
		for (const char *s = va_arg(*arguments, const char *); *s; s++)
			put(line, *s);
		break;
	case 'c':
		put(line, (char)va_arg(*arguments, int));
		break;
	case 'd':
		number = is_long ? va_arg(*arguments, int64_t) : va_arg(*arguments, int);
		if (number < 0)
			put(line, '-');
		put_number(line, number < 0 ? -(uint64_t)number : (uint64_t)number, 10);
		break;
	default:
		put_number(line,
			   is_long ? va_arg(*arguments, uint64_t) : va_arg(*arguments, uint32_t),
			   conversion == 'x' ? 16 : 10);
	}
}

void rt_printf(const char *format, ...)
{
	struct line line = { .length = 0 };
	va_list arguments;

	va_start(arguments, format);
	for (; *format; format++) {
		bool is_long = false;

		if (*format != '%') {
			put(&line, *format);
			continue;
		}
		for (format++; *format == 'l'; format++)
			is_long = true;
		put_argument(&line, *format, is_long, &arguments);
	}
	va_end(arguments);
	tern_debug_log(line.text, line.length);
}

void rt_power_off(int status)
{
	tern_system_control(rt_boot->resource, TERN_CONTROL_POWER_OFF, (uint64_t)status);
	rt_exit((uint32_t)status);
}

void rt_require(bool condition, const char *what)
{
	if (condition)
		return;
	rt_printf("FAIL cannot go on: %s\n", what);
	if (rt_boot)
		rt_power_off(1);
	rt_exit(1);
}

uint64_t rt_option(const char *name, uint64_t otherwise)
{
	size_t length = strlen(name);

	for (const char *at = rt_boot->command_line; *at; at++) {
		uint64_t value = 0;

		if (memcmp(at, name, length) || at[length] != '=')
			continue;
		for (at += length + 1; *at >= '0' && *at <= '9'; at++)
			value = value * 10 + (uint64_t)(*at - '0');
		return value;
	}
	return otherwise;
}

void *rt_map(size_t length)
{
	tern_result address = tern_region_map(TERN_SELF_PROCESS, 0, 0, 0,
					      (length + RT_PAGE - 1) / RT_PAGE * RT_PAGE,
					      TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_PRIVATE);

	rt_require(address > 0, "memory");
	return (void *)address;
}

void rt_unmap(void *address, size_t length)
{
	tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)address,
			  (length + RT_PAGE - 1) / RT_PAGE * RT_PAGE);
}

void rt_exit(uint32_t status)
{
	tern_process_kill(TERN_SELF_PROCESS, status);
	for (;;)
		tern_thread_yield();
}

void rt_main(const struct tern_boot_info *boot)
{
	rt_boot = boot;
	rt_power_off(main());
}
