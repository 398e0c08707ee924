/* What image.S knows of structures; emu_full.h checks it. */
#ifndef EMU_FULL_OFFSETS_H
#define EMU_FULL_OFFSETS_H

#define EMU_THREAD_ENTRY 0
#define EMU_CALLS 512 /* Linux numbers its calls below this */

#endif
