/* The formatter behind the log: the part of vsnprintf that the kernel uses. */
#include "kernel/log.h"
#include "kernel/memory.h"

struct output {
	char *buffer;
	size_t size, length;
};

struct spec {
	bool is_zero_padded, is_long;
	size_t width;
};

static void put(struct output *output, char c)
{
	if (output->length + 1 < output->size)
		output->buffer[output->length] = c;
	output->length++;
}

static void put_padded(struct output *output, const struct spec *spec, const char *text,
		       size_t length)
{
	for (size_t i = length; i < spec->width; i++)
		put(output, spec->is_zero_padded ? '0' : ' ');
	for (size_t i = 0; i < length; i++)
		put(output, text[i]);
}

/* Zeros stand between the sign and the digits. */
static void put_sign(struct output *output, struct spec *spec)
{
	put(output, '-');
	spec->width -= spec->width != 0;
}

static void put_number(struct output *output, struct spec *spec, u64 value, u32 base,
		       bool is_negative)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (is_negative && !spec->is_zero_padded)
		digits[--at] = '-';
	else if (is_negative)
		put_sign(output, spec);
	put_padded(output, spec, digits + at, sizeof(digits) - at);
}

static void put_argument(struct output *output, struct spec *spec, char conversion,
			 va_list *arguments)
{
	const char *text;
	s64 value;

	switch (conversion) {
	case 'd':
		value = spec->is_long ? va_arg(*arguments, s64) : va_arg(*arguments, int);
		put_number(output, spec, value < 0 ? -(u64)value : (u64)value, 10, value < 0);
		break;
	case 'u':
	case 'x':
		put_number(output, spec,
			   spec->is_long ? va_arg(*arguments, u64) : va_arg(*arguments, u32),
			   conversion == 'u' ? 10 : 16, false);
		break;
	case 'p':
		put_number(output, spec, (u64)va_arg(*arguments, void *), 16, false);
		break;
	case 'c':
		put(output, (char)va_arg(*arguments, int));
		break;
	case 's':
		text = va_arg(*arguments, const char *);
		text = text ? text : "(null)";
		put_padded(output, spec, text, strlen(text));
		break;
	default:
		put(output, conversion);
	}
}

static const char *parse_spec(const char *at, struct spec *spec)
{
	*spec = (struct spec){ 0 };
	if (*at == '0') {
		spec->is_zero_padded = true;
		at++;
	}
	for (; *at >= '0' && *at <= '9'; at++)
		spec->width = spec->width * 10 + (size_t)(*at - '0');
	for (; *at == 'l' || *at == 'z'; at++)
		spec->is_long = true;
	return at;
}

size_t log_format(char *buffer, size_t size, const char *format, va_list arguments)
{
	struct output output = { buffer, size, 0 };
	va_list copy;

	va_copy(copy, arguments);
	for (; *format; format++) {
		struct spec spec;

		if (*format != '%') {
			put(&output, *format);
			continue;
		}
		format = parse_spec(format + 1, &spec);
		if (!*format)
			break;
		put_argument(&output, &spec, *format, &copy);
	}
	va_end(copy);
	if (size)
		buffer[output.length < size ? output.length : size - 1] = '\0';
	return output.length;
}
