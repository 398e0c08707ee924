/* READDIR's answer: entries one behind the other, in the layout of struct file_entry. */
#ifndef LIB_FS_PACK_H
#define LIB_FS_PACK_H

#include <stddef.h>
#include <stdint.h>

/* One entry at `out`; its size, or 0: it needs more than `room` bytes. `next`: the cookie behind it. */
size_t file_entry_pack(char *out, size_t room, const char *name, size_t length, uint64_t inode,
		       uint8_t type, uint64_t next);

#endif
