/* What libfdt finds when it includes <string.h>: it is compiled without a C library. */
#ifndef LIBFDT_ENV_STRING_H
#define LIBFDT_ENV_STRING_H

#include "kernel/memory.h"

void *memchr(const void *memory, int byte, size_t length);
char *strchr(const char *text, int character);
int strcmp(const char *a, const char *b);

#endif
