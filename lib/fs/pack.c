#include "lib/fs/pack.h"

#include <string.h>

#include "proto/file.h"

size_t file_entry_pack(char *out, size_t room, const char *name, size_t length, uint64_t inode,
		       uint8_t type, uint64_t next)
{
	size_t size = (FILE_ENTRY_HEAD + length + 1 + 7) & ~(size_t)7;
	struct file_entry *entry = (struct file_entry *)out;

	if (size > room)
		return 0;
	entry->inode = inode;
	entry->next = next;
	entry->length = (uint16_t)size;
	entry->type = type;
	memcpy(entry->name, name, length);
	memset(entry->name + length, 0, size - FILE_ENTRY_HEAD - length);
	return size;
}
