/*
 * The runtime of test programs and examples: freestanding, a few functions over the system calls.
 * Output goes to the kernel's debug log, a line at a time, so lines of several threads stay whole.
 */
#ifndef RT_H
#define RT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tern/device.h"
#include "tern/error.h"
#include "tern/event.h"
#include "tern/handle.h"
#include "tern/ipc.h"
#include "tern/memory.h"
#include "tern/process.h"
#include "tern/stub.h"
#include "tern/system.h"
#include "tern/thread.h"

#define RT_PAGE TERN_PAGE_SIZE
#define RT_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What the program does; in the first process only. */
int main(void);

/* The boot information; NULL in child processes. */
extern const struct tern_boot_info *rt_boot;

void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memset(void *to, int byte, size_t length);
void *memmove(void *to, const void *from, size_t length);
int memcmp(const void *a, const void *b, size_t length);
size_t strlen(const char *text);

/* %s %c %d %u %x, with l; at most one log line. */
void rt_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

void rt_power_off(int status) __attribute__((noreturn));

/* The number after `name=` on the boot command line, or the default. */
uint64_t rt_option(const char *name, uint64_t otherwise);

/* Private memory of this process, which a fork copies; stops the program when there is none. */
void *rt_map(size_t length);
void rt_unmap(void *address, size_t length);

typedef void rt_function(uint64_t argument);

/* A thread in this process. Its stack stays mapped until rt_join. */
struct rt_thread {
	tern_handle handle;
	volatile uint32_t running; /* 0 when it has ended */
	rt_function *function;
	uint64_t argument;
	void *stack;
};
void rt_thread(struct rt_thread *thread, rt_function *function, uint64_t argument,
	       unsigned int priority);
/* Wait for its end, give stack and handle back. */
void rt_join(struct rt_thread *thread);
/* For one that was killed: no waiting on `running`. */
void rt_discard(struct rt_thread *thread);

/*
 * A child process with this program's image (fresh data) and a stack, no thread yet. Negative on
 * failure. rt_run starts it at a function; returns the thread's handle.
 */
tern_handle rt_process(tern_handle account);
/* What the first rt_process does once: so that a test can do it before it counts objects. */
void rt_prepare(void);
tern_handle rt_run(tern_handle process, rt_function *function, uint64_t argument,
		   unsigned int priority);
/* A copy of a handle for the child, with all of its rights; the value that the child uses. */
tern_handle rt_give(tern_handle process, tern_handle handle);
void rt_exit(uint32_t status) __attribute__((noreturn));

/* Wait until the process is dead; its status. It may still be on its way to be torn down. */
uint32_t rt_wait_process(tern_handle process);

/* Memory that child processes can have at the same address. */
struct rt_shared {
	tern_handle memobj;
	void *address;
	size_t length;
};
struct rt_shared rt_share(size_t length);
void rt_share_with(const struct rt_shared *shared, tern_handle process);
void rt_unshare(struct rt_shared *shared);

/* A child process with one thread that runs `function`; `shared` may be NULL. */
struct rt_child {
	tern_handle process, thread;
};
struct rt_child rt_child(rt_function *function, uint64_t argument, unsigned int priority,
			 const struct rt_shared *shared);
/* Wait for its death and give the handles back; its status. */
uint32_t rt_child_join(struct rt_child *child);

/*
 * An ecall with every register under control. in[i] is put into x(i + 1) before it, out[i] is what
 * was found there afterwards; s11 (x27) must be the structure's own address.
 */
struct rt_registers {
	uint64_t in[31], out[31], kept[16];
};
void rt_ecall(struct rt_registers *registers);
/* The address behind its ecall instruction. */
extern char rt_ecall_return[];

/* f0..f31 and fcsr: load with patterns made of `seed`; how many differ from them. */
void rt_fp_load(uint64_t seed);
uint64_t rt_fp_differences(uint64_t seed);

static inline uint64_t rt_instructions(void)
{
	uint64_t count;

	__asm__ volatile("rdinstret %0" : "=r"(count));
	return count;
}

/* A place that a tracer can find (study/scenarios.json). Only where the compiler makes one copy. */
#define STUDY_LABEL(name) __asm__ volatile(".globl " #name "\n" #name ":")

/* Stops the program with a message: for what a test cannot go on without. */
void rt_require(bool condition, const char *what);

#endif
