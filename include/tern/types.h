/* Basic types of the Tern kernel ABI, shared by the kernel and by user space. */
#ifndef TERN_TYPES_H
#define TERN_TYPES_H

#include <stddef.h>
#include <stdint.h>

/*
 * A handle names a kernel object inside one process, as a file descriptor names a file. A valid
 * handle is positive and never below TERN_HANDLE_FIRST; smaller positive numbers are the constants
 * in tern/handle.h; negative numbers are error codes (negative Linux errno values).
 */
typedef int64_t tern_handle;

/* Result of a system call: 0 or a positive result, or a negative Linux errno value. */
typedef int64_t tern_result;

#define TERN_PAGE_SIZE 4096UL
#define TERN_PAGE_SHIFT 12

/* User addresses lie in [TERN_USER_BASE, TERN_USER_TOP); the first page is never mapped. */
#define TERN_USER_BASE 0x1000UL
#define TERN_USER_TOP 0x0000800000000000UL

#endif
