/*
 * Where the emulation image of POSIX programs lies. A program of the full profile contains no system
 * call: it calls the image, which is mapped here in each POSIX process. The image is linked at this
 * address, and stands between the program's memory (below) and its own (above). It is not a multiple of
 * 2 MiB: so the last pages of a program's stack, below, need no page tables of their own.
 */
#ifndef TERN_EMU_H
#define TERN_EMU_H

#define EMU_BASE 0x700000100000

/* The jump table at its start: distances of the entries. */
#define EMU_ENTRY_CALL 0         /* a0: number, a1..a6: arguments; returns Linux's result */
#define EMU_ENTRY_CANCELLABLE 16 /* the same, and t1: where a0..a6 and ra make the call again */

#endif
