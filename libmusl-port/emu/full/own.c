/*
 * A process's own descriptors as files: the directory /proc/self/fd, the links in it, and their other names,
 * /dev/fd/N, /dev/stdin ... No server knows them, so they are recognised here, by the text of the path as
 * it was given, or by the directory at which it begins. The posix server has the empty directory: it can
 * be opened, entered and left as any other.
 *
 * Opening such a name is dup: the position is shared, where Linux would open a regular file anew.
 * Directories are opened anew here too; and all other calls, for which a link leads to a file, begin at
 * the descriptor. The links cwd and root are of the same kind.
 */
#include "path.h"
#include "stream.h"

#include <dirent.h>

#include "files_internal.h"
#include "proto/posix.h"

#define DIRECTORY "/proc/self/fd"
#define DIGITS 20
#define FIRST 2 /* entries of the directory in front of the descriptors */

/* Behind the word, or NULL: something else stands there. */
static const char *behind(const char *text, const char *word)
{
	size_t length = __builtin_strlen(word);

	return __builtin_strncmp(text, word, length) ? NULL : text + length;
}

/* Decimal digits and what follows them; NULL: there are none, or too many. */
static const char *behind_number(const char *text, uint32_t *number)
{
	const char *from = text;

	for (*number = 0; *text >= '0' && *text <= '9' && text - from < 9; text++)
		*number = *number * 10 + (uint32_t)(*text - '0');
	return text == from || (*text >= '0' && *text <= '9') ? NULL : text;
}

static const char *behind_slashes(const char *text)
{
	while (text[0] == '/' || (text[0] == '.' && text[1] == '/'))
		text++;
	return text;
}

/* Behind the name of this process's directory in /proc, or NULL. */
static const char *behind_process(const char *text)
{
	const char *rest = behind(text, "/proc/self");
	uint32_t pid;

	if (rest)
		return rest;
	rest = behind(text, "/proc/");
	if (rest)
		rest = behind_number(rest, &pid);
	return rest && pid == (uint32_t)emu_process.pid ? rest : NULL;
}

/* Behind the name of a descriptor, or NULL. */
static const char *behind_descriptor(const char *text, uint32_t *number)
{
	static const char *const names[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
	const char *rest = behind(text, "/dev/fd/");

	for (uint32_t i = 0; !rest && i < sizeof(names) / sizeof(names[0]); i++) {
		*number = i;
		rest = behind(text, names[i]);
		if (rest)
			return rest;
	}
	if (!rest)
		rest = behind_process(text);
	if (rest && text[1] == 'p')
		rest = behind(rest, "/fd/");
	return rest ? behind_number(behind_slashes(rest), number) : NULL;
}

struct emu_description *emu_path_find_descriptor(const struct emu_path *path, int *number)
{
	const char *text = path->buffer ? path->buffer : path->own, *rest;
	uint32_t found;

	if (text[0] != '/')
		rest = behind_number(behind_slashes(text), &found);
	else
		rest = emu_root_directory ? NULL : behind_descriptor(text, &found);
	if (!rest || *rest)
		return NULL;
	*number = (int)found;
	return emu_descriptor(found);
}

void emu_path_rename(struct emu_path *path)
{
	const char *rest = behind(path->text, "/dev/fd");

	if (!rest || *behind_slashes(rest))
		return;
	path->text = DIRECTORY;
	path->length = sizeof(DIRECTORY) - 1;
}

/* cwd or root, at the beginning; *rest: behind it. */
static enum emu_place place_at(const char *text, const char **rest)
{
	const char *names = behind_process(text);
	enum emu_place place = EMU_PLACE_WORKING;

	*rest = names ? behind(names, "/cwd") : NULL;
	if (names && !*rest) {
		place = EMU_PLACE_ROOT;
		*rest = behind(names, "/root");
	}
	return *rest && (!**rest || **rest == '/') ? place : EMU_NO_PLACE;
}

enum emu_place emu_path_place(const struct emu_path *path)
{
	const char *text = path->buffer ? path->buffer : path->own, *rest;
	enum emu_place place;

	if (text[0] != '/' || text[1] != 'p' || emu_root_directory)
		return EMU_NO_PLACE;
	place = place_at(text, &rest);
	return place && !*rest ? place : EMU_NO_PLACE;
}

static void go_on_at(struct emu_path *path, const char *rest)
{
	rest = behind_slashes(rest);
	path->length -= (size_t)(rest - path->text);
	path->text = rest;
}

bool emu_path_leads_on(struct emu_path *path)
{
	const struct emu_description *description;
	uint32_t number;
	const char *rest;
	enum emu_place place = place_at(path->text, &rest);

	if (place) {
		go_on_at(path, rest);
		emu_path_begin_at(path, place == EMU_PLACE_ROOT ? NULL : emu_working_directory);
		return true;
	}
	rest = behind_descriptor(path->text, &number);
	if (!rest || (*rest && *rest != '/'))
		return false;
	description = emu_descriptor(number);
	if (!description || !emu_has_file(description))
		return false;
	go_on_at(path, rest);
	emu_path_of(path, description);
	return true;
}

/* ----------------------------------------------------------------------------- the directory */

static size_t put_number(char *to, uint64_t number)
{
	char digits[DIGITS];
	size_t count = 0, length = 0;

	do
		digits[count++] = (char)('0' + number % 10);
	while (number /= 10);
	while (count)
		to[length++] = digits[--count];
	to[length] = 0;
	return length;
}

/* `.`, `..`, and then descriptor n - FIRST; its size. */
static size_t make_entry(struct file_entry *entry, uint64_t n)
{
	size_t length;

	if (n < FIRST) {
		length = n + 1;
		__builtin_memcpy(entry->name, "..", 2);
		entry->name[length] = 0;
	} else {
		length = put_number(entry->name, n - FIRST);
	}
	entry->inode = emu_own_inode((uint32_t)n);
	entry->next = n + 1;
	entry->type = n < FIRST ? DT_DIR : DT_LNK;
	entry->length = (uint16_t)((FILE_ENTRY_HEAD + length + 8) & ~7ul);
	return entry->length;
}

long emu_own_list(struct emu_description *directory, char *user, size_t size)
{
	uint64_t room[(FILE_ENTRY_HEAD + DIGITS) / 8 + 1] = { 0 }, n = directory->position;
	size_t used = 0;

	for (; n < EMU_DESCRIPTORS_MAX + FIRST; n++) {
		size_t length;

		if (n >= FIRST && !emu_descriptor((long)n - FIRST))
			continue;
		length = make_entry((struct file_entry *)room, n);
		if (length > size - used && !used)
			return -EINVAL;
		if (length > size - used)
			break;
		if (emu_copy_out(user + used, room, length))
			return -EFAULT;
		used += length;
	}
	directory->position = n;
	return (long)used;
}

/* --------------------------------------------------------------------------------- the links */

static long put_numbered(char *to, const char *kind, uint64_t number, const char *end)
{
	size_t length = __builtin_strlen(kind);

	__builtin_memcpy(to, kind, length);
	to[length++] = '[';
	length += put_number(to + length, number);
	to[length++] = ']';
	__builtin_strcpy(to + length, end);
	return (long)(length + __builtin_strlen(end));
}

static long put_text(char *to, const char *text)
{
	__builtin_strcpy(to, text);
	return (long)__builtin_strlen(text);
}

static long put_stream(char *to, const struct emu_description *description)
{
	struct io_attributes attributes = { 0 };

	io_attributes(description->io, &attributes);
	switch (attributes.kind) {
	case IO_KIND_PIPE:
	case IO_KIND_FIFO:
		return put_numbered(to, "pipe:", attributes.id, "");
	case IO_KIND_SOCKET:
		return put_numbered(to, "socket:", attributes.id, "");
	case IO_KIND_EVENT:
		return put_text(to, "anon_inode:[eventfd]");
	case IO_KIND_TIMER:
		return put_text(to, "anon_inode:[timerfd]");
	case IO_KIND_QUEUE:
		return put_numbered(to, "queue:[", attributes.id, "]");
	default:
		return put_numbered(to, "device:", attributes.id, "");
	}
}

/* What has a file that nobody finds is deleted. */
static long put_kind(char *to, const struct emu_description *description)
{
	struct emu_request request = { .operation = FILE_STAT };
	struct tern_received answer = { .words = { 0 } };

	if (emu_has_file(description)) {
		emu_file_call(description, &request, &answer);
		return put_numbered(to, "file:", answer.words[1], " (deleted)");
	}
	switch (description->kind) {
	case EMU_MEMORY:
		return put_text(to, "/memfd: (deleted)");
	case EMU_EPOLL:
		return put_text(to, "anon_inode:[eventpoll]");
	case EMU_SIGNALS:
		return put_text(to, "anon_inode:[signalfd]");
	default:
		return put_stream(to, description);
	}
}

long emu_own_link(int number, char *buffer)
{
	struct emu_description *description = emu_descriptor_get(number);
	long length;

	if (!description)
		return -ENOENT;
	length = emu_terminal_name(number, buffer);
	if (length < 0 && emu_has_file(description))
		length = emu_description_path(description, buffer);
	if (length < 0)
		length = put_kind(buffer, description);
	emu_description_put(description);
	return length;
}
