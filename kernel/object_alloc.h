/*
 * Small kernel memory: slabs of equal-sized blocks (16 bytes to 2 KiB, cache-line aligned from
 * 64 up) carved from pages; larger requests take whole pages. No general heap exists besides.
 * The memory is zeroed. Sizes round up to 16, 32, 64, 128, 192, 256, 384, 512, 768, 1024, 2048, then to 2^n
 * pages.
 */
#ifndef KERNEL_OBJECT_ALLOC_H
#define KERNEL_OBJECT_ALLOC_H

#include "kernel/types.h"

void *kernel_alloc(size_t size) MUST_USE;
void kernel_free(void *memory, size_t size);

/* What a request of `size` bytes really takes: for accounts. */
size_t kernel_alloc_size(size_t size);

#endif
