/* Basic types and compiler annotations of the kernel. */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tern/error.h"
#include "tern/types.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef int16_t s16;

/*
 * An address in some process's space, never a C pointer: it can be touched only through
 * kernel/user_copy.h. A structure, so that the compiler refuses to mix it with anything else.
 */
typedef struct {
	u64 value;
} uaddr;

#define UADDR(number) ((uaddr){ (number) })

/* A physical address in bytes. */
typedef u64 paddr;

#define PAGE_SIZE TERN_PAGE_SIZE
#define PAGE_SHIFT TERN_PAGE_SHIFT
#define CACHE_LINE 64
#define MAX_HARTS 8

#define MUST_USE __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define PRINTF(template, first) __attribute__((format(printf, template, first)))
#define ALIGNED(n) __attribute__((aligned(n)))
/* A landmark for debuggers and backtraces. */
#define NOINLINE __attribute__((noinline))
/* Called by code that the compiler makes up, so it must not be dropped. */
#define USED __attribute__((used))
/* On the path of every message: a call and its frame would cost more than the body. */
#define ALWAYS_INLINE inline __attribute__((always_inline))
/*
 * On the path of every message: keeps no frame pointer. A backtrace shows it as the place that a
 * deeper function returns to, and may end there; above most of these is only assembly.
 */
#ifdef __clang__ /* does not know it; checks the kernel only */
#define FRAMELESS
#else
#define FRAMELESS __attribute__((optimize("omit-frame-pointer")))
#endif
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static inline u64 min_u64(u64 a, u64 b)
{
	return a < b ? a : b;
}

static inline u64 max_u64(u64 a, u64 b)
{
	return a > b ? a : b;
}

static inline u64 round_up(u64 value, u64 multiple)
{
	return (value + multiple - 1) / multiple * multiple;
}

#endif
