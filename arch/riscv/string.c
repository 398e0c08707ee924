/*
 * Memory and string functions of the C library: the compiler emits calls to some, libfdt needs
 * the rest. Copying and clearing pages is hot, so both move many words a turn wherever source and
 * destination can be aligned together.
 */
#include "arch/page_table.h"
#include "kernel/memory.h"
#include "kernel/types.h"

#pragma GCC optimize("no-tree-loop-distribute-patterns")

#define WORD sizeof(u64)
#define CHUNK (8 * WORD)

static bool can_be_aligned(const void *a, const void *b)
{
	return (((u64)a ^ (u64)b) & (WORD - 1)) == 0;
}

USED void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
	u8 *t = to;
	const u8 *f = from;

	if (can_be_aligned(t, f)) {
		for (; length && (u64)t & (WORD - 1); length--)
			*t++ = *f++;
		if (length >= COPY_UNIT) {
			size_t part = length & ~(size_t)(COPY_UNIT - 1);

			units_copy(t, f, t + part);
			t += part;
			f += part;
			length -= part;
		}
		for (; length >= WORD; length -= WORD, t += WORD, f += WORD)
			*(u64 *)t = *(const u64 *)f;
	}
	while (length--)
		*t++ = *f++;
	return to;
}

USED void *memmove(void *to, const void *from, size_t length)
{
	u8 *t = to;
	const u8 *f = from;

	if ((u64)t - (u64)f >= length)
		return memcpy(to, from, length);
	while (length--)
		t[length] = f[length];
	return to;
}

USED void *memset(void *to, int byte, size_t length)
{
	u64 word = (u8)byte * 0x0101010101010101ul;
	u8 *t = to;

	for (; length && (u64)t & (WORD - 1); length--)
		*t++ = (u8)byte;
	for (; length >= CHUNK; length -= CHUNK, t += CHUNK) {
		u64 *tw = (u64 *)t;

		tw[0] = tw[1] = tw[2] = tw[3] = word;
		tw[4] = tw[5] = tw[6] = tw[7] = word;
	}
	for (; length >= WORD; length -= WORD, t += WORD)
		*(u64 *)t = word;
	while (length--)
		*t++ = (u8)byte;
	return to;
}

USED int memcmp(const void *a, const void *b, size_t length)
{
	const u8 *x = a, *y = b;

	for (; length; length--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *memory, int byte, size_t length)
{
	const u8 *m = memory;

	for (; length; length--, m++)
		if (*m == (u8)byte)
			return (void *)m;
	return NULL;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

size_t strnlen(const char *text, size_t limit)
{
	size_t length = 0;

	while (length < limit && text[length])
		length++;
	return length;
}

int strncmp(const char *a, const char *b, size_t length)
{
	for (; length; length--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *text, int c)
{
	for (; *text; text++)
		if (*text == (char)c)
			return (char *)text;
	return (char)c ? NULL : (char *)text;
}

char *strrchr(const char *text, int c)
{
	const char *last = NULL;

	do {
		if (*text == (char)c)
			last = text;
	} while (*text++);
	return (char *)last;
}
