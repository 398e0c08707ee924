/* The boot log (levels, then quiet) and the end of everything (panic). */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <stdarg.h>

#include "kernel/types.h"

struct object;

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Messages above this level are dropped; boot ends with LOG_WARNING ("then quiet"). */
extern enum log_level log_threshold;

/*
 * One line on the console: "[seconds.micros] level: text". Formats: %s %c %d %u %x %p with l, z,
 * field width and zero padding. Safe from any context, also while other harts print.
 */
void log_print(enum log_level level, const char *format, ...) PRINTF(2, 3);

/* Raw bytes on the console, whole, not mixed with other harts' lines. */
void log_write(const char *text, size_t length);

/*
 * Keep what is logged in the ring for the program behind `port`, which takes over the reference;
 * NULL: print it here. See struct tern_log_ring.
 */
void log_set_reader(struct object *port);

/* Without locks, after logging: tell the reader. */
void log_announce(void);

/* Physical address of the ring; 0: no memory for it. At boot. */
paddr log_ring_init(void);

/* For panic: whoever holds the console does not matter any more, nor does the reader. */
void log_break_lock(void);

/* vsnprintf with the formats above. Returns the length without the terminating zero. */
size_t log_format(char *buffer, size_t size, const char *format, va_list arguments);

/* Print cause, registers, hart and backtrace, stop all harts, power off with a failing status. */
void panic(const char *format, ...) NORETURN PRINTF(1, 2);

/* A configuration the kernel cannot run on: a clear message without a backtrace, then power off. */
void fatal(const char *format, ...) NORETURN PRINTF(1, 2);

#endif
