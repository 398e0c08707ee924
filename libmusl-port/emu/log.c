/*
 * Descriptors 0, 1 and 2 of a program without files: input is at its end, output goes to the
 * kernel's log, by whole lines, each behind the program's name, so that the lines of different
 * programs and threads do not mix.
 */
#include "emu.h"

#include <sys/ioctl.h>
#include <sys/uio.h>

#define OUTPUTS 2

struct line {
	char text[TERN_LOG_MAX];
	uint64_t length;
};

static struct emu_lock log_lock; /* protects lines */
static struct line lines[OUTPUTS];

static void emit(struct line *line)
{
	tern_debug_log(line->text, line->length);
	line->length = 0;
}

static void put(struct line *line, char c)
{
	line->text[line->length++] = c;
	if (c == '\n' || line->length == sizeof(line->text))
		emit(line);
}

static void put_prefix(struct line *line)
{
	const char *name = emu_program_name;

	if (!*name)
		return;
	for (int i = 0; name[i] && i < TERN_START_NAME_MAX; i++)
		put(line, name[i]);
	put(line, ':');
	put(line, ' ');
}

static void put_text(struct line *line, const char *text, uint64_t length)
{
	for (uint64_t i = 0; i < length; i++) {
		if (!line->length)
			put_prefix(line);
		put(line, text[i]);
	}
}

static struct line *line_of(int descriptor)
{
	return descriptor == 1 || descriptor == 2 ? &lines[descriptor - 1] : NULL;
}

long emu_log_write(int descriptor, const char *text, uint64_t length)
{
	struct line *line = line_of(descriptor);

	if (!line)
		return -EBADF;
	emu_lock(&log_lock);
	put_text(line, text, length);
	emu_unlock(&log_lock);
	return (long)length;
}

long emu_log_writev(int descriptor, const struct iovec *parts, int count)
{
	struct line *line = line_of(descriptor);
	uint64_t sum = 0;

	if (!line)
		return -EBADF;
	if (count < 0)
		return -EINVAL;
	emu_lock(&log_lock);
	for (int i = 0; i < count; i++) {
		put_text(line, parts[i].iov_base, parts[i].iov_len);
		sum += parts[i].iov_len;
	}
	emu_unlock(&log_lock);
	return (long)sum;
}

/* Input has no bytes, and never will have. */
long emu_log_read(int descriptor)
{
	return descriptor ? -EBADF : 0;
}

/* The log is a terminal of unknown size: so the C library writes it line by line. */
long emu_log_ioctl(int descriptor, int request, void *argument)
{
	if (!line_of(descriptor))
		return descriptor ? -EBADF : -ENOTTY;
	if (request != TIOCGWINSZ)
		return -ENOTTY;
	*(struct winsize *)argument = (struct winsize){ 0 };
	return 0;
}

void emu_log_flush(void)
{
	emu_lock(&log_lock);
	for (int i = 0; i < OUTPUTS; i++)
		if (lines[i].length)
			put(&lines[i], '\n');
	emu_unlock(&log_lock);
}
