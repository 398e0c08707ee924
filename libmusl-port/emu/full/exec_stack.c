/*
 * The stack of a new program. Its first bytes are built in emu's memory while the old program is
 * still there, and copied to their place when the stack is mapped.
 *
 *	high	a page that is never mapped, then the image
 *		the file's name, environment and argument strings, the program's name, random bytes
 *		auxiliary vector, environment, arguments, count		<- sp, a multiple of 16
 *		zeroed memory as far as RLIMIT_STACK goes
 *
 * The strings are measured first, and copied to their places then. The old program may change them
 * meanwhile (it may have threads): what does not fit its place any more is an error.
 */
#include "exec.h"

#include <string.h>
#include <sys/resource.h>

#define PAGE TERN_PAGE_SIZE
#define STACK_MAX (256UL << 20)
#define STRINGS_MAX (2UL << 20)
#define STRING_MAX (128UL << 10)
#define COUNT_MAX 65536
#define PAIRS 20
#define CAPABILITIES 0x112d /* a bit for each letter of IMAFDC */
#define CLOCK_TICKS 100

void emu_exec_name(struct emu_exec *exec)
{
	const char *slash = strrchr(exec->path, '/'), *name = slash ? slash + 1 : exec->path;

	memset(exec->name, 0, sizeof(exec->name));
	exec->name_length = strnlen(name, sizeof(exec->name) - 1);
	memcpy(exec->name, name, exec->name_length++);
}

struct measure {
	uint64_t count, length;
};

long emu_exec_script(struct emu_exec *exec, const char *interpreter, const char *argument)
{
	uint64_t a = strlen(interpreter) + 1, b = *argument ? strlen(argument) + 1 : 0;
	uint64_t c = strlen(exec->path) + 1;

	/* Only the innermost script's path is new; the other interpreters stand in front already. */
	if (exec->script_count)
		c = 0;
	if (a + b + c + exec->script_length > sizeof(exec->script))
		return -E2BIG;
	memmove(exec->script + a + b + c, exec->script, exec->script_length);
	memcpy(exec->script, interpreter, a);
	if (b)
		memcpy(exec->script + a, argument, b);
	memcpy(exec->script + a + b, exec->path, c);
	exec->script_length += a + b + c;
	exec->script_count += 1 + !!b + !!c;
	memcpy(exec->path, interpreter, a);
	return 0;
}

/* Counts the strings of an array and their bytes. */
static long measure(char *const *array, struct measure *sum)
{
	*sum = (struct measure){ 0 };
	if (!array)
		return 0;
	for (;; sum->count++) {
		uint64_t string;
		long length;

		if (emu_get_long(&string, array + sum->count))
			return -EFAULT;
		if (!string)
			return 0;
		length = emu_string_length((const char *)string, STRING_MAX);
		if (length < 0)
			return length == -ENAMETOOLONG ? -E2BIG : length;
		sum->length += (uint64_t)length + 1;
		if (sum->count >= COUNT_MAX || sum->length > STRINGS_MAX)
			return -E2BIG;
	}
}

struct writer {
	uint64_t *word; /* next */
	char *text;     /* next */
	char *end;      /* of the strings that are being copied */
	uint64_t delta; /* from a place in the block to its address */
};

/* Strings `from`.. of an array are copied, with pointers to them. */
static long put_strings(struct writer *writer, char *const *array, uint64_t from, uint64_t count)
{
	for (uint64_t i = from; i < count; i++) {
		uint64_t string;
		long length;

		if (emu_get_long(&string, array + i))
			return -EFAULT;
		length = emu_copy_string(writer->text, (const char *)string,
					 (uint64_t)(writer->end - writer->text));
		if (length < 0)
			return -EFAULT;
		*writer->word++ = (uint64_t)writer->text + writer->delta;
		writer->text += length + 1;
	}
	return 0;
}

static void put_script(struct writer *writer, const struct emu_exec *exec)
{
	const char *from = exec->script;

	for (unsigned int i = 0; i < exec->script_count; i++) {
		uint64_t length = strlen(from) + 1;

		memcpy(writer->text, from, length);
		*writer->word++ = (uint64_t)writer->text + writer->delta;
		writer->text += length;
		from += length;
	}
}

static void put_pair(struct writer *writer, uint64_t type, uint64_t value)
{
	*writer->word++ = type;
	*writer->word++ = value;
}

static void put_auxiliary(struct writer *writer, const struct emu_exec *exec, uint64_t random,
			  uint64_t path)
{
	const struct emu_process *process = &emu_process;

	put_pair(writer, AT_HWCAP, CAPABILITIES);
	put_pair(writer, AT_PAGESZ, PAGE);
	put_pair(writer, AT_CLKTCK, CLOCK_TICKS);
	put_pair(writer, AT_PHDR, exec->elf.headers ? exec->elf.headers + exec->bias : 0);
	put_pair(writer, AT_PHENT, ELF_PROGRAM_HEADER_SIZE);
	put_pair(writer, AT_PHNUM, exec->elf.header_count);
	put_pair(writer, AT_BASE, 0);
	put_pair(writer, AT_FLAGS, 0);
	put_pair(writer, AT_ENTRY, exec->elf.entry + exec->bias);
	put_pair(writer, AT_UID, process->uid);
	put_pair(writer, AT_EUID, process->euid);
	put_pair(writer, AT_GID, process->gid);
	put_pair(writer, AT_EGID, process->egid);
	put_pair(writer, AT_SECURE, process->uid != process->euid || process->gid != process->egid);
	put_pair(writer, AT_RANDOM, random);
	put_pair(writer, AT_EXECFN, path);
	put_pair(writer, AT_NULL, 0);
}

static bool is_debugging(const char *text, const char *end)
{
	for (; text < end; text += strlen(text) + 1)
		if (!strcmp(text, "EMU_DEBUG=1"))
			return true;
	return false;
}

long emu_exec_map_stack(const struct emu_exec *exec)
{
	uint64_t length = emu_limit(RLIMIT_STACK), size = exec->block_length;
	long result;

	if (length > STACK_MAX)
		length = STACK_MAX;
	length = emu_page_round(length + size);
	result = tern_region_map(TERN_SELF_PROCESS, 0, 0, EMU_STACK_TOP - length, length,
				 TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_PRIVATE |
					 TERN_MAP_FIXED);
	if (result < 0)
		return result;
	return emu_copy_out((void *)(EMU_STACK_TOP - size), exec->block, size);
}

struct plan {
	struct measure arguments, environment;
	uint64_t skipped; /* arguments[0] of a script */
	uint64_t path_length, words, text;
};

static long make_plan(struct emu_exec *exec, struct plan *plan)
{
	long result = measure(exec->arguments, &plan->arguments);

	if (!result)
		result = measure(exec->environment, &plan->environment);
	if (result)
		return result;
	plan->skipped = exec->script_count && plan->arguments.count ? 1 : 0;
	plan->path_length = strlen(exec->path) + 1;
	plan->words = 3 + exec->script_count + plan->arguments.count + plan->environment.count +
		      2 * PAIRS;
	plan->text = 16 + exec->name_length + exec->script_length + plan->arguments.length +
		     plan->environment.length + plan->path_length;
	return 0;
}

static long put_arrays(struct emu_exec *exec, const struct plan *plan, struct writer *writer)
{
	const char *environment;
	long result;

	*writer->word++ = exec->script_count + plan->arguments.count - plan->skipped;
	put_script(writer, exec);
	result = put_strings(writer, exec->arguments, plan->skipped, plan->arguments.count);
	*writer->word++ = 0;
	exec->told_length = (uint64_t)(writer->text - exec->told);
	environment = writer->text;
	if (!result)
		result = put_strings(writer, exec->environment, 0, plan->environment.count);
	*writer->word++ = 0;
	if (!result)
		exec->is_debugging = is_debugging(environment, writer->text);
	return result;
}

static long fill(struct emu_exec *exec, const struct plan *plan)
{
	char *end = exec->block + exec->block_length;
	char *strings = end - 8 - ((plan->text + 7) & ~7ul);
	struct writer writer = { .word = (uint64_t *)exec->block,
				 .text = strings,
				 .end = end - plan->path_length,
				 .delta = EMU_STACK_TOP - (uint64_t)end };
	long result;

	emu_random(writer.text, 16);
	writer.text += 16;
	exec->told = writer.text;
	memcpy(writer.text, exec->name, exec->name_length);
	writer.text += exec->name_length;
	result = put_arrays(exec, plan, &writer);
	if (result)
		return result;
	memcpy(writer.text, exec->path, plan->path_length);
	put_auxiliary(&writer, exec, (uint64_t)strings + writer.delta,
		      (uint64_t)writer.text + writer.delta);
	exec->stack_pointer = (uint64_t)exec->block + writer.delta;
	return 0;
}

long emu_exec_stack(struct emu_exec *exec)
{
	struct plan plan;
	long result = make_plan(exec, &plan);
	uint64_t length;

	if (result)
		return result;
	length = (8 + ((plan.text + 7) & ~7ul) + plan.words * sizeof(uint64_t) + 15) & ~15ul;
	exec->block_length = length;
	exec->block = length <= sizeof(exec->small_block) ? exec->small_block : emu_pages(length);
	return exec->block ? fill(exec, &plan) : -ENOMEM;
}

void emu_exec_free_block(struct emu_exec *exec)
{
	if (exec->block && exec->block != exec->small_block)
		emu_pages_free(exec->block, exec->block_length);
	exec->block = NULL;
}
