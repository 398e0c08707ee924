/* Extended attributes: a list per node. Called exclusively. */
#include <stdlib.h>
#include <string.h>

#include "tmpfs.h"

#define ATTRIBUTES_MAX 64 /* of one node */

struct tmpfs_attribute {
	struct tmpfs_attribute *next;
	size_t size, name_size; /* with its zero byte */
	char bytes[];           /* the name, then the value */
};

static struct tmpfs_attribute **find(struct fs_node *node, const char *name)
{
	struct tmpfs_attribute **link = &((struct tmpfs_node *)node)->attributes;

	while (*link && strcmp((*link)->bytes, name))
		link = &(*link)->next;
	return link;
}

int64_t tmpfs_get_attribute(struct fs *fs, struct fs_node *node, const char *name, void *value,
			    size_t size)
{
	struct tmpfs_attribute *attribute = *find(node, name);

	(void)fs;
	if (!attribute)
		return -ENODATA;
	if (attribute->size > size)
		return -ERANGE;
	memcpy(value, attribute->bytes + attribute->name_size, attribute->size);
	return (int64_t)attribute->size;
}

int tmpfs_set_attribute(struct fs *fs, struct fs_node *node, const char *name, const void *value,
			size_t size, uint32_t flags)
{
	struct tmpfs_attribute **link = find(node, name), *old = *link, *attribute;
	size_t name_size = strlen(name) + 1, count = 0;

	if (tmpfs_is_crowded(fs->storage))
		return -ENOSPC;
	if (old && flags & FILE_EXCLUSIVE)
		return -EEXIST;
	if (!old && flags & FILE_REPLACE)
		return -ENODATA;
	for (attribute = ((struct tmpfs_node *)node)->attributes; attribute;
	     attribute = attribute->next)
		count++;
	attribute = old || count < ATTRIBUTES_MAX ? malloc(sizeof(*attribute) + name_size + size)
						  : NULL;
	if (!attribute)
		return -ENOSPC;
	*attribute = (struct tmpfs_attribute){ old ? old->next : NULL, size, name_size };
	memcpy(attribute->bytes, name, name_size);
	memcpy(attribute->bytes + name_size, value, size);
	*link = attribute;
	free(old);
	return 0;
}

int64_t tmpfs_list_attributes(struct fs *fs, struct fs_node *node, char *names, size_t size)
{
	struct tmpfs_attribute *attribute = ((struct tmpfs_node *)node)->attributes;
	size_t used = 0;

	(void)fs;
	for (; attribute; attribute = attribute->next) {
		if (used + attribute->name_size > size)
			return -E2BIG;
		memcpy(names + used, attribute->bytes, attribute->name_size);
		used += attribute->name_size;
	}
	return (int64_t)used;
}

int tmpfs_remove_attribute(struct fs *fs, struct fs_node *node, const char *name)
{
	struct tmpfs_attribute **link = find(node, name), *attribute = *link;

	(void)fs;
	if (!attribute)
		return -ENODATA;
	*link = attribute->next;
	free(attribute);
	return 0;
}

void tmpfs_free_attributes(struct tmpfs_node *node)
{
	struct tmpfs_attribute *attribute;

	while ((attribute = node->attributes)) {
		node->attributes = attribute->next;
		free(attribute);
	}
}
