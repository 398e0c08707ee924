/*
 * Programs that give another identity: the posix server puts another process in this one's place, whose emu
 * begins anew (servers/posix/become.c). What that one is to know of this one goes into a memobj, and the
 * descriptors into a box (rights.c).
 *
 * There, nothing of it is believed: numbers are checked, descriptors have been made by somebody else, and
 * the program is looked up by its path with sessions of the new process. If that is not the file that
 * the posix server had asked the file server about, the process ends.
 */
#include "exec.h"
#include "path.h"
#include "socket.h"

#include <string.h>
#include <sys/stat.h>

#include "calls.h"
#include "files_internal.h"

#define LENGTH_MAX (4ul << 20)
#define STRINGS_MAX (sizeof(struct passed) + (2ul << 20) + EMU_PATH_MAX)
#define WAIT 1000000u /* nanoseconds */

struct passed {
	uint64_t blocked, ignored;
	uint32_t umask, has_directory;
	uint32_t arguments, environment; /* so many strings behind the path */
	uint32_t count;                  /* descriptors, by number */
	int32_t numbers[EMU_RIGHTS_MAX];
	char strings[];
};

struct writer {
	struct passed *passed;
	uint64_t length;
};

/* ------------------------------------------------------------------------------- the old process */

static long put_strings(struct writer *writer, char *const *array, uint32_t *count)
{
	*count = 0;
	for (; array; array++, ++*count) {
		uint64_t string;
		long length;

		if (emu_get_long(&string, array))
			return -EFAULT;
		if (!string)
			break;
		length = emu_copy_string((char *)writer->passed + writer->length,
					 (const char *)string, STRINGS_MAX - writer->length);
		if (length < 0)
			return length == -EFAULT ? length : -E2BIG;
		writer->length += (uint64_t)length + 1;
	}
	return 0;
}

static long fill(struct writer *writer, const struct emu_exec *exec)
{
	struct passed *passed = writer->passed;
	uint64_t length = strlen(exec->path) + 1;
	long result;

	passed->blocked = emu_current()->signals.blocked;
	passed->ignored = emu_signals_ignored();
	passed->umask = emu_umask;
	memcpy(passed->strings, exec->path, length);
	writer->length = offsetof(struct passed, strings) + length;
	result = put_strings(writer, exec->arguments, &passed->arguments);
	return result ? result : put_strings(writer, exec->environment, &passed->environment);
}

/* What the box does not take is closed, as what is marked so. */
static bool goes_on(const struct emu_slot *slot)
{
	const struct emu_description *description = slot->description;

	return description && !(slot->flags & FD_CLOEXEC) && description->kind != EMU_EPOLL &&
	       description->kind != EMU_SIGNALS && description->kind != EMU_WAKE;
}

/* The working directory and the descriptors, counted, since other threads go on; how many, or -EMFILE. */
static long collect(struct passed *passed, struct emu_description **list)
{
	long count = 0;

	emu_lock(&emu_descriptors_lock);
	emu_lock(&emu_path_lock);
	if (emu_working_directory)
		list[count++] = emu_working_directory;
	emu_unlock(&emu_path_lock);
	passed->has_directory = count != 0;
	for (int number = 0; number < EMU_DESCRIPTORS_MAX; number++) {
		if (!goes_on(&emu_slots[number]))
			continue;
		if (passed->count == EMU_RIGHTS_MAX) {
			count = -EMFILE;
			break;
		}
		passed->numbers[passed->count++] = number;
		list[count++] = emu_slots[number].description;
	}
	for (long i = 0; i < count; i++)
		list[i]->references++;
	emu_unlock(&emu_descriptors_lock);
	return count;
}

static long pack(struct passed *passed, tern_handle *box)
{
	struct emu_description *list[EMU_RIGHTS_MAX + 1];
	long count = collect(passed, list), result = count;

	if (count >= 0)
		result = emu_rights_box(list, (uint32_t)count, box);
	while (count > 0)
		emu_description_put(list[--count]);
	return result;
}

static long ask(const struct emu_exec *exec, const struct writer *writer, tern_handle box)
{
	const struct emu_description *file = exec->file.description;
	tern_handle memobj = tern_memobj_create(TERN_SELF_ACCOUNT, writer->length);
	long result = memobj < 0 ? memobj
				 : tern_memobj_write(memobj, 0, writer->passed, writer->length, 0);

	if (result >= 0) {
		/* The parent has not told of this process yet. */
		while ((result = posix_become(emu_posix, file->mount, file->token, memobj, box)) ==
		       -EAGAIN) {
			uint32_t word = 0;

			tern_futex_wait(&word, 0, emu_deadline(WAIT));
		}
	}
	if (memobj > 0)
		tern_handle_close(memobj);
	return result;
}

/* Is there anything to gain, and may it be? Interpreters of scripts give nothing, nor does what is only open. */
static bool is_worthwhile(const struct emu_exec *exec, int base)
{
	const struct emu_executable *file = &exec->file;
	bool is_group = (file->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);

	if (!((file->mode & S_ISUID && file->uid != emu_process.euid) ||
	      (is_group && file->gid != emu_process.egid)))
		return false;
	return !emu_process.has_no_new_privileges && !emu_root_directory && !exec->script_count &&
	       exec->path[0] && (base == AT_FDCWD || exec->path[0] == '/');
}

long emu_exec_become(const struct emu_exec *exec, int base)
{
	struct writer writer = { 0 };
	tern_handle box = 0;
	long result;

	if (!emu_exec_is_expected(exec))
		emu_process_end(SIGKILL);
	if (__builtin_expect(!(exec->file.mode & (S_ISUID | S_ISGID)), 1) ||
	    !is_worthwhile(exec, base))
		return 0;
	writer.passed = emu_pages(STRINGS_MAX);
	if (!writer.passed)
		return -ENOMEM;
	result = fill(&writer, exec);
	if (!result)
		result = pack(writer.passed, &box);
	if (!result)
		result = ask(exec, &writer, box);
	if (box)
		tern_handle_close(box);
	emu_pages_free(writer.passed, STRINGS_MAX);
	return result;
}

/* ------------------------------------------------------------------------------- the new process */

static struct {
	bool is_set;
	uint32_t mount;
	uint64_t inode;
} expected;

bool emu_exec_is_expected(const struct emu_exec *exec)
{
	const struct emu_executable *file = &exec->file;

	if (!expected.is_set)
		return true;
	expected.is_set = false;
	return !exec->script_count && file->mount == expected.mount &&
	       file->inode == expected.inode &&
	       (!(file->mode & S_ISUID) || file->uid == emu_process.euid) &&
	       ((file->mode & (S_ISGID | S_IXGRP)) != (S_ISGID | S_IXGRP) ||
		file->gid == emu_process.egid);
}

static uint64_t number_of(const char *digits)
{
	uint64_t value = 0;

	while (*digits >= '0' && *digits <= '9')
		value = value * 10 + (uint64_t)(*digits++ - '0');
	return value;
}

/* A copy that nobody else writes to, with a zero behind it. */
static struct passed *read_passed(uint64_t *length)
{
	tern_handle memobj = tern_start_handle("exec");
	long all = tern_memobj_info(memobj, TERN_MEMOBJ_LENGTH);
	struct passed *passed;

	if (all < (long)offsetof(struct passed, strings) || all >= (long)LENGTH_MAX)
		return NULL;
	passed = emu_pages((uint64_t)all + 1);
	if (!passed || tern_memobj_read(memobj, 0, passed, (uint64_t)all, 0) != all)
		return NULL;
	tern_handle_close(memobj);
	*length = (uint64_t)all - offsetof(struct passed, strings);
	return passed;
}

/* Descriptors come in the order of their numbers, so each finds its place free. */
static void take_descriptors(const struct passed *passed)
{
	tern_handle box = tern_start_handle("box");
	struct emu_description *description;
	long next = 0;

	for (int number = 0; number < 3; number++)
		emu_close(number);
	if (passed->has_directory) {
		description = emu_rights_take(box);
		if (description &&
		    (description->kind == EMU_PATH || description->kind == EMU_DIRECTORY))
			emu_working_directory = description;
	}
	for (uint32_t i = 0; i < passed->count && i < EMU_RIGHTS_MAX; i++) {
		description = emu_rights_take(box);
		if (!description)
			break;
		if (passed->numbers[i] < next) {
			emu_description_put(description);
			break;
		}
		next = emu_descriptor_install(description, passed->numbers[i], 0) + 1;
	}
	tern_handle_close(box);
}

/* Pointers to the strings: the arguments, NULL, the environment, NULL. */
static const char **list_strings(const struct passed *passed, uint64_t length)
{
	uint64_t count = (uint64_t)passed->arguments + passed->environment + 2, at = 0;
	const char **list = count > length + 2 ? NULL : emu_pages(count * sizeof(*list));

	at = strlen(passed->strings) + 1;
	for (uint64_t i = 0; list && i + 1 < count; i++) {
		if (i == passed->arguments)
			continue;
		if (at >= length)
			return NULL;
		list[i] = passed->strings + at;
		at += strlen(list[i]) + 1;
	}
	return list;
}

long emu_become_start(char *const *arguments)
{
	struct passed *passed;
	const char **list;
	uint64_t length;

	expected.is_set = true;
	expected.mount = (uint32_t)number_of(arguments[1]);
	expected.inode = number_of(arguments[2]);
	passed = read_passed(&length);
	list = passed ? list_strings(passed, length) : NULL;
	if (!list)
		return -EINVAL;
	emu_umask = passed->umask & 0777;
	emu_signals_continue(passed->blocked, passed->ignored);
	take_descriptors(passed);
	return emu_execve(passed->strings, (char *const *)list,
			  (char *const *)list + passed->arguments + 1);
}
