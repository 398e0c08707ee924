/*
 * Copies between emu and the program's memory. A fault in there is not the program's: the upcall goes
 * on where the copy answers -EFAULT (emu_copy_fault).
 */
#ifndef EMU_FULL_COPY_H
#define EMU_FULL_COPY_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tern/thread.h"

/* Return 0 or -EFAULT. */
long emu_copy_in(void *to, const void *user, size_t length);
long emu_copy_out(void *user, const void *from, size_t length);
/* Zero-terminated; its length without the zero, -EFAULT, or -ENAMETOOLONG: longer than size - 1. */
long emu_copy_string(char *to, const char *user, size_t size);
/* The same without copying; -ENAMETOOLONG: longer than `limit`. */
long emu_string_length(const char *user, size_t limit);

/* One word. */
static inline long emu_get_long(uint64_t *value, const void *user)
{
	return emu_copy_in(value, user, sizeof(*value));
}

/* For the upcall: true if the thread faulted in a copy, and will answer -EFAULT when it is resumed. */
bool emu_copy_fault(struct tern_registers *registers);

#endif
