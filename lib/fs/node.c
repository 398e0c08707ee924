/* Nodes: inodes in memory. */
#include <stdlib.h>

#include "lib/fs/fs.h"

static struct fs_node **node_bucket(struct fs *fs, uint64_t inode)
{
	return &fs->nodes[inode & (fs->node_buckets - 1)];
}

static void unused_remove(struct fs *fs, struct fs_node *node)
{
	if (!node->is_unused)
		return;
	if (node->older)
		node->older->newer = node->newer;
	else
		fs->oldest = node->newer;
	if (node->newer)
		node->newer->older = node->older;
	else
		fs->newest = node->older;
	node->older = node->newer = NULL;
	node->is_unused = false;
}

static void unused_append(struct fs *fs, struct fs_node *node)
{
	if (node->is_unused || node->is_doomed || fs->operations->is_in_memory)
		return;
	node->older = fs->newest;
	node->newer = NULL;
	if (fs->newest)
		fs->newest->newer = node;
	else
		fs->oldest = node;
	fs->newest = node;
	node->is_unused = true;
}

struct fs_node *fs_node_find(struct fs *fs, uint64_t inode)
{
	struct fs_node *node = *node_bucket(fs, inode);

	while (node && node->inode != inode)
		node = node->hash_next;
	return node;
}

struct fs_node *fs_node_new(struct fs *fs)
{
	return calloc(1, fs->operations->node_size);
}

static void nodes_grow(struct fs *fs)
{
	uint64_t old_count = fs->node_buckets;
	struct fs_node **old = fs->nodes, **table = calloc(old_count * 2, sizeof(*table)), *node;

	if (!table)
		return;
	fs->nodes = table;
	fs->node_buckets = old_count * 2;
	for (uint64_t i = 0; i < old_count; i++) {
		while ((node = old[i])) {
			struct fs_node **bucket = node_bucket(fs, node->inode);

			old[i] = node->hash_next;
			node->hash_next = *bucket;
			*bucket = node;
		}
	}
	free(old);
}

void fs_node_insert(struct fs *fs, struct fs_node *node)
{
	struct fs_node **bucket;

	if (fs->node_count > fs->node_buckets)
		nodes_grow(fs);
	bucket = node_bucket(fs, node->inode);
	node->hash_next = *bucket;
	*bucket = node;
	fs->node_count++;
	if (!node->references)
		unused_append(fs, node);
}

void fs_node_free(struct fs *fs, struct fs_node *node)
{
	struct fs_node **link = node_bucket(fs, node->inode);

	while (*link && *link != node)
		link = &(*link)->hash_next;
	if (*link) {
		*link = node->hash_next;
		fs->node_count--;
	}
	unused_remove(fs, node);
	fs_node_unmark_dirty(fs, node);
	fs_names_drop(fs, node);
	fs_locks_free(fs, node);
	fs->operations->release_node(fs, node);
	free(node->target);
	free(node);
}

/* The node, from storage if it must be and may be. */
int fs_node_get(struct fs_call *call, uint64_t inode, struct fs_node **result)
{
	struct fs *fs = call->fs;
	struct fs_node *node = fs_node_find(fs, inode);
	int error;

	*result = node;
	/* A name of what is being deleted: the image is damaged. */
	if (node)
		return node->is_doomed ? -EIO : 0;
	if (fs->operations->is_in_memory)
		return -EIO;
	if (!call->is_exclusive)
		return FS_EXCLUSIVE;
	node = fs_node_new(fs);
	if (!node)
		return -ENOMEM;
	node->inode = inode;
	fs_unlock(fs);
	error = fs->operations->read_node(fs, node);
	fs_relock(fs);
	if (error) {
		fs_node_free(fs, node);
		return error;
	}
	fs_node_insert(fs, node);
	*result = node;
	return 0;
}

void fs_node_refer(struct fs *fs, struct fs_node *node)
{
	if (node->references++ == 0)
		unused_remove(fs, node);
}

/* Nothing refers to it and no name leads to it: fs_reap deletes it. */
void fs_node_doom(struct fs *fs, struct fs_node *node)
{
	if (node->references || node->links || node->is_doomed)
		return;
	unused_remove(fs, node);
	node->is_doomed = true;
	node->older = fs->doomed;
	fs->doomed = node;
}

void fs_node_let_parent_go(struct fs *fs, struct fs_node *node)
{
	if (!node->holds_parent)
		return;
	node->holds_parent = false;
	fs_node_release(fs, fs_node_find(fs, node->parent));
}

void fs_node_release(struct fs *fs, struct fs_node *node)
{
	if (--node->references)
		return;
	if (node->links == 0)
		fs_node_doom(fs, node);
	else
		unused_append(fs, node);
}

void fs_node_mark_dirty(struct fs *fs, struct fs_node *node)
{
	if (node->is_dirty || fs->operations->is_in_memory)
		return;
	node->is_dirty = true;
	node->next_dirty = fs->dirty;
	fs->dirty = node;
}

void fs_node_unmark_dirty(struct fs *fs, struct fs_node *node)
{
	struct fs_node **link = &fs->dirty;

	if (!node->is_dirty)
		return;
	while (*link != node)
		link = &(*link)->next_dirty;
	*link = node->next_dirty;
	node->is_dirty = false;
}

void fs_node_changed(struct fs *fs, struct fs_node *node)
{
	node->changed = fs->transport->now();
	fs_node_mark_dirty(fs, node);
}

/* Who may write to a program must not make it run as somebody else. */
void fs_node_drop_ids(struct fs_node *node)
{
	if (!S_ISREG(node->mode))
		return;
	node->mode &= ~(uint32_t)S_ISUID;
	if (node->mode & S_IXGRP)
		node->mode &= ~(uint32_t)S_ISGID;
}

void fs_node_written(struct fs *fs, struct fs_node *node, int64_t time)
{
	node->modified = node->changed = time;
	if (node->has_user_writers)
		fs_node_drop_ids(node);
	fs_node_mark_dirty(fs, node);
}

/* An error of storage leaves a leak for the checker, and nothing else. */
void fs_reap(struct fs *fs)
{
	struct fs_node *node;

	while ((node = fs->doomed)) {
		fs->doomed = node->older;
		node->older = NULL;
		fs_node_let_parent_go(fs, node);
		fs_node_unmark_dirty(fs, node);
		fs_unlock(fs);
		if (fs->operations->begin(fs) == 0) {
			fs->operations->delete_node(fs, node);
			fs->operations->end(fs);
		}
		fs_relock(fs);
		fs_node_free(fs, node);
	}
}

/* Clean nodes that were not used for the longest time go when there are too many of anything. */
void fs_nodes_shrink(struct fs *fs)
{
	struct fs_node *node = fs->oldest, *next;

	for (; node && (fs->node_count > fs->node_limit || fs->name_count > fs->name_limit);
	     node = next) {
		next = node->newer;
		if (!node->is_dirty && !node->is_busy && !node->locks && !node->covered &&
		    node->inode != fs->root_inode)
			fs_node_free(fs, node);
	}
}
