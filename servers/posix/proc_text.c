/* What the files of /proc say, in Linux's format, as far as there is something to say. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "proc.h"
#include "tern/emu.h"
#include "tern/event.h"
#include "tern/memory.h"
#include "tern/process.h"
#include "tern/system.h"

#define SECOND 1000000000ul
#define TICK 10000000ul /* USER_HZ is 100 */
#define KIB 1024ul
#define MAPS_LINE 100
#define DIRECTORY (S_IFDIR | 0555)
#define FILE_MODE (S_IFREG | 0444)
#define LINK (S_IFLNK | 0777)

void proc_put(struct proc_text *text, const char *format, ...)
{
	size_t room = sizeof(text->bytes) - text->length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text->bytes + text->length, room, format, arguments);
	va_end(arguments);
	if (length > 0)
		text->length += (size_t)length < room ? (size_t)length : room - 1;
}

static uint64_t figure(const struct process *process, enum tern_process_query query)
{
	tern_result result = process->handle ? tern_process_info(process->handle, query) : 0;

	return result < 0 ? 0 : (uint64_t)result;
}

static uint64_t memory(enum tern_system_query query)
{
	tern_result pages = tern_system_info(query);

	return pages < 0 ? 0 : (uint64_t)pages * TERN_PAGE_SIZE;
}

static uint32_t parent_of(const struct process *process)
{
	return process->parent ? process->parent->pid : POSIX_SERVER_PID;
}

static uint64_t used_by(const struct process *process)
{
	return process->handle ? figure(process, TERN_PROCESS_CPU_TIME) : process->used;
}

/*
 * The kernel does not tell whether a process waits: one that has had a quarter of the time since somebody
 * looked at it last, or since it began, is taken to run.
 */
static bool is_running(const struct process *process)
{
	static struct look {
		uint32_t pid;
		bool is_running;
		uint64_t time, used;
	} looks[POSIX_SLOTS];
	struct look *look = &looks[process->slot];
	uint64_t now = tern_time(), used = used_by(process);

	if (look->pid != process->pid)
		*look = (struct look){ .pid = process->pid, .time = process->started };
	if (now >= look->time + TICK) {
		look->is_running = used > look->used + (now - look->time) / 4;
		look->time = now;
		look->used = used;
	}
	return look->is_running;
}

static char state_of(const struct process *process)
{
	if (process->state == PROCESS_ZOMBIE)
		return 'Z';
	return process->is_stopped ? 'T' : is_running(process) ? 'R' : 'S';
}

/* ------------------------------------------------------------------------------- each process */

static int terminal_of(const struct process *process, uint32_t *foreground)
{
	const struct process_terminal *terminal = process_terminal_of(&table, process);

	*foreground = terminal ? terminal->foreground : 0;
	return terminal ? (int)((terminal->device >> 32) << 8 | (terminal->device & 0xff)) : 0;
}

static void write_stat(struct proc_text *text, const struct process *process)
{
	uint32_t foreground;
	int terminal = terminal_of(process, &foreground);

	proc_put(text, "%u (%s) %c %u %u %u %d %d 0 0 0 0 0 ", process->pid, process->name,
		 state_of(process), parent_of(process), process->group, process->session, terminal,
		 terminal ? (int)foreground : -1);
	proc_put(text, "%lu 0 %lu 0 %d %d %lu 0 %lu %lu %lu 18446744073709551615",
		 used_by(process) / TICK, process->child_used / TICK, 20 + process->nice,
		 process->nice, figure(process, TERN_PROCESS_THREADS), process->started / TICK,
		 figure(process, TERN_PROCESS_MAPPED),
		 figure(process, TERN_PROCESS_PRIVATE) / TERN_PAGE_SIZE);
	proc_put(text, " 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
}

static void write_statm(struct proc_text *text, const struct process *process)
{
	uint64_t own = figure(process, TERN_PROCESS_PRIVATE) / TERN_PAGE_SIZE;

	proc_put(text, "%lu %lu 0 0 0 %lu 0\n",
		 figure(process, TERN_PROCESS_MAPPED) / TERN_PAGE_SIZE, own, own);
}

static const char *state_name(char state)
{
	return state == 'Z'   ? "zombie"
	       : state == 'T' ? "stopped"
	       : state == 'R' ? "running"
			      : "sleeping";
}

static void write_status(struct proc_text *text, const struct process *process)
{
	const struct process_identity *is = &process->identity;
	char state = state_of(process);

	proc_put(text, "Name:\t%s\nState:\t%c (%s)\nTgid:\t%u\nPid:\t%u\nPPid:\t%u\n",
		 process->name, state, state_name(state), process->pid, process->pid,
		 parent_of(process));
	proc_put(text, "TracerPid:\t0\nUid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", is->user,
		 is->effective_user, is->saved_user, is->effective_user, is->group,
		 is->effective_group, is->saved_group, is->effective_group);
	proc_put(text, "VmSize:\t%8lu kB\nVmRSS:\t%8lu kB\nThreads:\t%lu\n",
		 figure(process, TERN_PROCESS_MAPPED) / KIB,
		 figure(process, TERN_PROCESS_PRIVATE) / KIB,
		 figure(process, TERN_PROCESS_THREADS));
}

static void write_cmdline(struct proc_text *text, const struct process *process)
{
	if (process->state == PROCESS_ZOMBIE || !process->arguments)
		return;
	memcpy(text->bytes, process->arguments, process->arguments_length);
	text->length = process->arguments_length;
}

static void write_comm(struct proc_text *text, const struct process *process)
{
	proc_put(text, "%s\n", process->name);
}

/* Which file a region shows is known to the process alone. */
static const char *region_name(const struct tern_region *region)
{
	if (region->start >= EMU_BASE)
		return "[emu]";
	return region->start + region->length == EMU_BASE - TERN_PAGE_SIZE ? "[stack]" : "";
}

static void write_maps(struct proc_text *text, const struct process *process)
{
	struct tern_region region = { .start = 0 };

	while (process->handle && text->length + MAPS_LINE < sizeof(text->bytes) &&
	       !tern_region_info(process->handle, region.start + region.length, &region))
		proc_put(text, "%08lx-%08lx %c%c%c%c %08lx 00:00 0 %s\n", region.start,
			 region.start + region.length, region.flags & TERN_MAP_READ ? 'r' : '-',
			 region.flags & TERN_MAP_WRITE ? 'w' : '-',
			 region.flags & TERN_MAP_EXECUTE ? 'x' : '-',
			 region.flags & TERN_MAP_PRIVATE ? 'p' : 's', region.offset,
			 region_name(&region));
}

static void write_mounts(struct proc_text *text, const struct process *process)
{
	(void)process;
	mounts_write(text);
}

_Static_assert(POSIX_ARGUMENTS_MAX <= PROC_TEXT_MAX, "all arguments fit");

const struct proc_file proc_each[] = {
	{ ".", DIRECTORY, NULL },
	[PROC_DESCRIPTORS] = { "fd", S_IFDIR | 0500, NULL },
	[PROC_WORKING] = { "cwd", LINK, NULL },
	[PROC_PROCESS_ROOT] = { "root", LINK, NULL },
	{ "stat", FILE_MODE, write_stat },
	{ "statm", FILE_MODE, write_statm },
	{ "status", FILE_MODE, write_status },
	{ "cmdline", FILE_MODE, write_cmdline },
	{ "comm", FILE_MODE, write_comm },
	{ "maps", FILE_MODE, write_maps },
	{ "mounts", FILE_MODE, write_mounts },
	{ NULL, 0, NULL },
};

const unsigned int proc_each_count = sizeof(proc_each) / sizeof(proc_each[0]) - 1;

/* ----------------------------------------------------------------------------------- at the top */

static void write_meminfo(struct proc_text *text, const struct process *process)
{
	uint64_t all = memory(TERN_INFO_TOTAL_PAGES), free = memory(TERN_INFO_FREE_PAGES);
	uint64_t cached = memory(TERN_INFO_CACHED_PAGES);

	(void)process;
	proc_put(text, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\n", all / KIB, free / KIB);
	proc_put(text, "MemAvailable:   %8lu kB\nBuffers:        %8u kB\n", (free + cached) / KIB,
		 0);
	proc_put(text, "Cached:         %8lu kB\nSwapCached:     %8u kB\n", cached / KIB, 0);
	proc_put(text, "Shmem:          %8u kB\nSReclaimable:   %8u kB\n", 0, 0);
	proc_put(text, "SwapTotal:      %8u kB\nSwapFree:       %8u kB\n", 0, 0);
}

static uint64_t all_used(void)
{
	uint64_t used = 0;

	PROCESS_FOR_EACH(&table, process)
		used += used_by(process);
	return used;
}

static uint64_t harts(void)
{
	tern_result count = tern_system_info(TERN_INFO_HARTS);

	return count < 1 ? 1 : (uint64_t)count;
}

static uint64_t idle(void)
{
	uint64_t whole = tern_time() * harts(), used = all_used();

	return whole > used ? whole - used : 0;
}

static void write_uptime(struct proc_text *text, const struct process *process)
{
	uint64_t now = tern_time(), unused = idle();

	(void)process;
	proc_put(text, "%lu.%02lu %lu.%02lu\n", now / SECOND, now % SECOND / TICK, unused / SECOND,
		 unused % SECOND / TICK);
}

static void write_loadavg(struct proc_text *text, const struct process *process)
{
	const uint64_t *loads = process_loads(&table);

	(void)process;
	for (int i = 0; i < PROCESS_LOADS; i++) {
		uint64_t hundredths = (loads[i] * 100 + PROCESS_LOAD_ONE / 2) / PROCESS_LOAD_ONE;

		proc_put(text, "%lu.%02lu ", hundredths / 100, hundredths % 100);
	}
	proc_put(text, "1/%u %u\n", table.count, table.next_pid - 1);
}

static void write_system_stat(struct proc_text *text, const struct process *process)
{
	const struct tern_time_page *page = (const struct tern_time_page *)TERN_TIME_PAGE;
	uint64_t used = all_used() / TICK, unused = idle() / TICK, count = harts();

	(void)process;
	proc_put(text, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", used, unused);
	for (uint64_t i = 0; i < count; i++)
		proc_put(text, "cpu%lu %lu 0 0 %lu 0 0 0 0 0 0\n", i, used / count, unused / count);
	proc_put(text, "intr 0\nctxt 0\nbtime %lu\nprocesses %u\nprocs_running 1\n",
		 page->boot_seconds, table.next_pid - 1);
	proc_put(text, "procs_blocked 0\n");
}

static void write_cpuinfo(struct proc_text *text, const struct process *process)
{
	(void)process;
	for (uint64_t i = 0; i < harts(); i++)
		proc_put(text,
			 "processor\t: %lu\nhart\t\t: %lu\nisa\t\t: rv64imafdc\nmmu\t\t: sv48\n\n",
			 i, i);
}

static void write_version(struct proc_text *text, const struct process *process)
{
	(void)process;
	proc_put(text, "Tern riscv64\n");
}

static void write_filesystems(struct proc_text *text, const struct process *process)
{
	(void)process;
	proc_put(text, "nodev\tproc\nnodev\ttmpfs\nnodev\tdevfs\n\text4\n\text3\n\text2\n");
}

const struct proc_file proc_top[] = {
	{ ".", DIRECTORY, NULL },
	{ "self", LINK, NULL },
	{ "meminfo", FILE_MODE, write_meminfo },
	{ "uptime", FILE_MODE, write_uptime },
	{ "loadavg", FILE_MODE, write_loadavg },
	{ "stat", FILE_MODE, write_system_stat },
	{ "cpuinfo", FILE_MODE, write_cpuinfo },
	{ "version", FILE_MODE, write_version },
	{ "filesystems", FILE_MODE, write_filesystems },
	{ "mounts", FILE_MODE, write_mounts },
	{ NULL, 0, NULL },
};

const unsigned int proc_top_count = sizeof(proc_top) / sizeof(proc_top[0]) - 1;
