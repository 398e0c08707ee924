/*
 * A reader for flattened device trees: finds devices by what they are compatible with. The tree is
 * not trusted: every offset is checked against the blob's bounds, and nesting is limited.
 */
#ifndef LIB_DEVICE_TREE_DEVICE_TREE_H
#define LIB_DEVICE_TREE_DEVICE_TREE_H

#include <stddef.h>
#include <stdint.h>

struct device {
	uint64_t address, length; /* the first range of its registers */
	uint32_t interrupt;       /* its first interrupt; 0: none */
};

/*
 * The devices that name `compatible` and are not disabled, by rising address of their registers: the
 * first `room` of them. Returns how many; -2: the blob is damaged.
 */
int device_tree_list(const void *blob, size_t size, const char *compatible, struct device *devices,
		     unsigned int room);

/* The index-th of them, below DEVICE_TREE_FIND_MAX. Returns 0; -1: there is none; -2. */
#define DEVICE_TREE_FIND_MAX 32
int device_tree_find(const void *blob, size_t size, const char *compatible, unsigned int index,
		     struct device *device);

#endif
