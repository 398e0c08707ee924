/* Highest and lowest bit of a word that is not 0, for harts without such instructions. */
#ifndef KERNEL_BITS_H
#define KERNEL_BITS_H

#include "kernel/types.h"

static inline u32 bit_highest(u64 word)
{
	u32 bit = 0;

	for (u32 step = 32; step; step /= 2) {
		if (word >> step) {
			word >>= step;
			bit += step;
		}
	}
	return bit;
}

static inline u32 bit_lowest(u64 word)
{
	return bit_highest(word & -word);
}

#endif
