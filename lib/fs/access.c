/* Who may do what: the permission bits, as POSIX has them. User 0 may everything but execute. */
#include <stdlib.h>

#include "lib/fs/fs.h"

bool fs_is_member(const struct fs_identity *identity, uint32_t gid)
{
	if (identity->is.gid == gid)
		return true;
	for (uint32_t i = 0; i < identity->is.group_count; i++)
		if (identity->is.groups[i] == gid)
			return true;
	return false;
}

bool fs_is_owner(const struct fs_identity *identity, const struct fs_node *node)
{
	return identity->is.uid == 0 || identity->is.uid == node->uid;
}

/* `wanted`: 4 read, 2 write, 1 execute or search. */
int fs_may(const struct fs_identity *identity, const struct fs_node *node, uint32_t wanted)
{
	uint32_t granted;

	if (identity->is.uid == 0) {
		if (!(wanted & 1) || S_ISDIR(node->mode) || node->mode & 0111)
			return 0;
		return -EACCES;
	}
	if (identity->is.uid == node->uid)
		granted = node->mode >> 6;
	else if (fs_is_member(identity, node->gid))
		granted = node->mode >> 3;
	else
		granted = node->mode;
	return wanted & ~granted & 7 ? -EACCES : 0;
}

/* Take the node's name out of the directory. */
int fs_may_remove(const struct fs_identity *identity, const struct fs_node *directory,
		  const struct fs_node *node)
{
	int error = fs_may(identity, directory, 2 | 1);

	if (error)
		return error;
	if (directory->mode & S_ISVTX && !fs_is_owner(identity, directory) &&
	    !fs_is_owner(identity, node))
		return -EPERM;
	return 0;
}

void fs_identity_put(struct fs_identity *identity)
{
	if (--identity->references == 0)
		free(identity);
}
