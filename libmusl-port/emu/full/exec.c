/*
 * execve: another program in this process.
 *
 * Until the point of no return nothing of the old program has changed: the file is opened and its
 * headers are checked, the new stack is mapped beside the old one and filled straight from the old
 * program's memory. From there on a failure kills the process, as on Linux. The rest runs on a stack of
 * emu's own, because the old one is unmapped.
 *
 * Segments are mapped from the file's memobj, so text is shared with everything that reads the file, and
 * data until it is written to. Nothing in the file is trusted: elf_parse checks its numbers.
 */
#include "exec.h"

#include <string.h>
#include <sys/mman.h>

#include "calls.h"
#include "files_internal.h"
#include "stream.h"

#define PAGE TERN_PAGE_SIZE
#define HEADERS_FIRST 1024 /* as much is read at first: nearly always enough */
#define RELOCATABLE_BASE 0x10000UL
#define PROGRAM_LIMIT (EMU_PROGRAM_END - (1UL << 40)) /* a stack fits above it */
#define EXEC_STACK 8192

struct emu_lock emu_process_lock;

/* One exec at a time. */
static struct emu_exec exec EMU_LARGE;
static char exec_stack[EXEC_STACK] EMU_LARGE __attribute__((aligned(16)));

static uint64_t round_down(uint64_t address)
{
	return address & ~(PAGE - 1);
}

/* ------------------------------------------------------------------- before the point of no return */

static long read_file(uint64_t offset, void *buffer, uint64_t length)
{
	long count;

	do
		count = tern_memobj_read(exec.file.memobj, offset, buffer, length, 0);
	while (count == -EINTR);
	return count;
}

static bool is_segment_mappable(const struct elf_segment *segment)
{
	return !((segment->address - segment->offset) & (PAGE - 1)) &&
	       segment->address + segment->length < PROGRAM_LIMIT;
}

static long parse_elf(uint64_t length)
{
	Elf64_Ehdr header;

	if (length == HEADERS_FIRST) {
		memcpy(&header, exec.head, sizeof(header));
		if (header.e_phoff > HEADERS_FIRST ||
		    header.e_phnum * sizeof(Elf64_Phdr) > HEADERS_FIRST - header.e_phoff) {
			long more = read_file(0, exec.head, sizeof(exec.head));

			if (more < 0)
				return more;
			length = (uint64_t)more;
		}
	}
	if (elf_parse(exec.head, length, exec.file.size, &exec.elf))
		return -ENOEXEC;
	for (unsigned int i = 0; i < exec.elf.segment_count; i++)
		if (!is_segment_mappable(&exec.elf.segments[i]))
			return -ENOEXEC;
	exec.bias = exec.elf.is_relocatable ? RELOCATABLE_BASE : 0;
	return 0;
}

/* "#!interpreter argument": both become arguments in front of the script's path. */
static long parse_script(uint64_t length)
{
	char *at = exec.head + 2, *end = memchr(at, '\n', length - 2), *argument;

	if (!end && length >= EMU_SCRIPT_LINE)
		return -ENOEXEC;
	if (!end)
		end = exec.head + length;
	if (end - exec.head >= EMU_SCRIPT_LINE)
		return -ENOEXEC;
	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = 0;
	at += strspn(at, " \t");
	if (!*at)
		return -ENOEXEC;
	argument = at + strcspn(at, " \t");
	if (*argument)
		*argument++ = 0;
	argument += strspn(argument, " \t");
	return emu_exec_script(&exec, at, argument);
}

/* Opens files until one is a program. */
static long find_program(int base, int flags)
{
	for (int depth = 0; depth < EMU_SCRIPTS_MAX; depth++) {
		long result = emu_executable_open(base, exec.path, flags, &exec.file);

		if (result < 0)
			return result;
		exec.is_open = true;
		result = read_file(0, exec.head, HEADERS_FIRST);
		if (result < 0)
			return result;
		if (result < 2 || exec.head[0] != '#' || exec.head[1] != '!')
			return parse_elf((uint64_t)result);
		emu_executable_close(&exec.file);
		exec.is_open = false;
		result = parse_script((uint64_t)result);
		if (result < 0)
			return result;
		flags = 0;
	}
	return -ELOOP;
}

static long prepare(int base, int flags)
{
	long result = find_program(base, flags);

	return result < 0 ? result : emu_exec_stack(&exec);
}

static void give_up(void)
{
	if (exec.is_open)
		emu_executable_close(&exec.file);
	exec.is_open = false;
	emu_exec_free_block(&exec);
}

/* ------------------------------------------------------------------- behind the point of no return */

static void map(tern_handle memobj, uint64_t offset, uint64_t start, uint64_t end,
		uint32_t protection)
{
	long result = 0;

	if (start < end)
		result = tern_region_map(TERN_SELF_PROCESS, memobj, offset, start, end - start,
					 protection | TERN_MAP_FIXED | TERN_MAP_PRIVATE);
	if (result < 0)
		emu_process_end(SIGKILL);
}

/* What is in the last page behind the file's bytes is the file's too: zeroes are wanted there. */
static void map_segment(const struct elf_segment *segment)
{
	uint64_t start = segment->address + exec.bias, filled = start + segment->file_length;
	uint64_t end = start + segment->length, middle;
	static const char zeroes[64];

	middle = segment->file_length ? emu_page_round(filled) : round_down(start);
	map(exec.file.memobj, round_down(segment->offset), round_down(start), middle,
	    segment->protection);
	map(0, 0, middle, emu_page_round(end), segment->protection);
	if (!(segment->protection & TERN_MAP_WRITE) || end == filled)
		return;
	if (end > middle)
		end = middle;
	while (filled < end) {
		uint64_t part = end - filled < sizeof(zeroes) ? end - filled : sizeof(zeroes);

		if (emu_copy_out((void *)filled, zeroes, part))
			emu_process_end(SIGKILL);
		filled += part;
	}
}

static void map_program(void)
{
	uint64_t start, end = 0;

	for (unsigned int i = 0; i < exec.elf.segment_count; i++) {
		map_segment(&exec.elf.segments[i]);
		end = exec.elf.segments[i].address + exec.bias + exec.elf.segments[i].length;
	}
	/* The file stays open while it is mapped. */
	start = round_down(exec.elf.segments[0].address) + exec.bias;
	if (emu_mapping_add(start, emu_page_round(end) - start, exec.file.description))
		emu_process_end(SIGKILL);
	emu_memory_exec(end);
}

static void unmap_old(void)
{
	emu_mapping_clear();
	tern_region_unmap(TERN_SELF_PROCESS, PAGE, EMU_PROGRAM_END - PAGE);
	if (!exec.has_run)
		emu_start_forget();
	exec.has_run = true;
}

static void finish(void *unused)
{
	uint64_t stack = exec.stack_pointer, entry = exec.elf.entry + exec.bias;

	(void)unused;
	unmap_old();
	map_program();
	if (emu_exec_map_stack(&exec))
		emu_process_end(SIGKILL);
	emu_executable_close(&exec.file);
	exec.is_open = false;
	while (posix_exec(emu_posix, exec.told, exec.name_length,
			  exec.told_length - exec.name_length) == -EINTR)
		;
	emu_exec_free_block(&exec);
	emu_unlock(&emu_process_lock);
	emu_enter(entry, stack);
}

const char *emu_program_path(void)
{
	return exec.program;
}

/* Absolute, since the working directory may change. */
static void keep_path(void)
{
	const char *path = exec.path;
	size_t length, at = 0;
	long directory;

	exec.program[0] = 0;
	if (path[0] != '/') {
		directory = emu_getcwd(exec.program, sizeof(exec.program) - 1);
		if (directory <= 0 || !path[0])
			return;
		at = (size_t)directory - 1;
		exec.program[at++] = '/';
		path += !strncmp(path, "./", 2) ? 2 : 0;
	}
	length = strlen(path) + 1;
	if (at + length <= sizeof(exec.program))
		memcpy(exec.program + at, path, length);
	else
		exec.program[0] = 0;
}

/* No other thread is inside emu's state while the locks are held, so none dies there. */
static void become(void)
{
	bool had_threads;

	emu_arrivals_await();
	emu_memory_lock();
	emu_files_lock();
	emu_lock(&emu_threads_lock);
	emu_signals_lock();
	emu_threads_release_robust();
	emu_signals_drop_others();
	had_threads = emu_threads_kill_others();
	emu_arrivals_go_on();
	emu_signals_unlock();
	emu_memory_unlock();
	emu_unlock(&emu_threads_lock);
	emu_files_unlock();
	if (had_threads)
		emu_files_alone(exec.file.description);
	emu_files_exec();
	keep_path();
	emu_signals_exec();
	emu_process.suid = emu_process.euid;
	emu_process.sgid = emu_process.egid;
	memcpy(emu_process.name, exec.name, sizeof(exec.name));
	emu_is_debugging = exec.is_debugging;
}

/* ------------------------------------------------------------------------------------- the calls */

static long start_exec(int base, const char *path, char *const *arguments, char *const *environment,
		       int flags)
{
	long result = emu_copy_string(exec.path, path, sizeof(exec.path));

	exec.arguments = arguments;
	exec.environment = environment;
	exec.script_length = 0;
	exec.script_count = 0;
	if (result < 0)
		return result;
	if (!result && !(flags & AT_EMPTY_PATH))
		return -ENOENT;
	emu_exec_name(&exec);
	result = prepare(base, flags);
	if (result >= 0)
		result = emu_exec_become(&exec, base);
	if (result < 0) {
		give_up();
		return result;
	}
	/* point of no return */
	become();
	emu_on_stack((uint64_t)exec_stack + sizeof(exec_stack), finish, NULL);
	__builtin_unreachable();
}

long emu_execveat(int base, const char *path, char *const *arguments, char *const *environment,
		  int flags)
{
	long result;

	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	emu_lock(&emu_process_lock);
	result = start_exec(base, path, arguments, environment, flags);
	emu_unlock(&emu_process_lock);
	return result;
}

long emu_execve(const char *path, char *const *arguments, char *const *environment)
{
	return emu_execveat(AT_FDCWD, path, arguments, environment, 0);
}
