/*
 * PATH: where a node is, told upwards from itself. Each step looks for the name under which the parent
 * knows it; mostly all names of the parent are in memory, since somebody came this way. What is no
 * directory may have several names: that is told by which it was made, moved or opened last.
 */
#include <string.h>

#include "lib/fs/fs.h"

/* Among what is in memory. */
static const struct fs_name *name_in_memory(const struct fs_node *parent, uint64_t inode)
{
	const struct fs_name *name = parent->first;

	while (name && name->inode != inode)
		name = name->next;
	return name;
}

/* In the entries that the storage lists; its name goes to `text`. The length or -ENOENT. */
static int search_storage(struct fs_call *call, struct fs_node *parent, uint64_t inode, char *text)
{
	struct fs *fs = call->fs;
	size_t at = 0;
	int error;

	if (!fs->operations->read_directory)
		return -ENOENT;
	call->out_next = 0;
	do {
		call->out_length = 0;
		fs_unlock(fs);
		error = fs->operations->read_directory(fs, parent, call->out_next, call);
		fs_relock(fs);
		for (at = 0; !error && at < call->out_length;) {
			struct file_entry *entry = (struct file_entry *)(call->out + at);

			if (entry->inode == inode) {
				strcpy(text, entry->name);
				call->out_length = 0;
				return (int)strlen(text);
			}
			at += entry->length;
		}
	} while (!error && call->out_length);
	return error ? error : -ENOENT;
}

/* The parent's name for the node, put in front of what is at *at. */
static int prepend(struct fs_call *call, struct fs_node *parent, uint64_t inode, char *buffer,
		   size_t *at)
{
	const struct fs_name *name = name_in_memory(parent, inode);
	char text[FILE_NAME_MAX + 1];
	int length;

	if (!name && !parent->has_all_names && !call->fs->operations->is_in_memory) {
		if (!call->is_exclusive)
			return FS_EXCLUSIVE;
		length = search_storage(call, parent, inode, text);
		if (length < 0)
			return length;
	} else if (name) {
		length = name->length;
		memcpy(text, name->text, name->length);
	} else {
		return -ENOENT;
	}
	if (*at < (size_t)length + 1)
		return -ENAMETOOLONG;
	*at -= (size_t)length;
	memcpy(buffer + *at, text, (size_t)length);
	buffer[--*at] = '/';
	return 0;
}

int64_t fs_path(struct fs_call *call)
{
	struct fs_node *node, *parent;
	size_t at = FILE_PATH_MAX;
	int error = fs_find(call, &node);

	while (!error && node != call->root) {
		if (node->links == 0 || node->inode == call->fs->root_inode)
			return -ENOENT;
		error = fs_node_get(call, node->parent, &parent);
		if (!error)
			error = prepend(call, parent, node->inode, call->rest, &at);
		node = parent;
	}
	if (error)
		return error;
	if (at == FILE_PATH_MAX)
		call->rest[--at] = '/';
	call->out_length = FILE_PATH_MAX - at;
	memcpy(call->out, call->rest + at, call->out_length);
	return (int64_t)call->out_length;
}
