/*
 * Assertions. ASSERT is compiled into debug builds only (make kernel-debug), where it panics;
 * it must have no side effects. The condition is always parsed, so it cannot rot.
 */
#ifndef KERNEL_DEBUG_H
#define KERNEL_DEBUG_H

#include "kernel/log.h"

#ifdef TERN_DEBUG
#define DEBUG_BUILD 1
#else
#define DEBUG_BUILD 0
#endif

#define ASSERT(condition)                                                                          \
	do {                                                                                       \
		if (DEBUG_BUILD && !(condition))                                                   \
			panic("assertion failed: %s (%s:%d)", #condition, __FILE__, __LINE__);     \
	} while (0)

#endif
