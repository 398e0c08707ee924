/* What lib/device_tree wants of a C library, which these tests have none of. */
#include "rt.h"

size_t strnlen(const char *text, size_t most);
int strcmp(const char *a, const char *b);

size_t strnlen(const char *text, size_t most)
{
	size_t length = 0;

	while (length < most && text[length])
		length++;
	return length;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (unsigned char)*a - (unsigned char)*b;
}
