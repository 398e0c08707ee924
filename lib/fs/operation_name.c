/* Operations that change the tree. All are exclusive and run inside storage's bracket. */
#include <stdlib.h>
#include <string.h>

#include "lib/fs/fs.h"

static uint8_t type_of(const struct fs_node *node)
{
	return (uint8_t)((node->mode & S_IFMT) >> 12);
}

/* A directory's content has changed. */
static void touch(struct fs *fs, struct fs_node *directory)
{
	directory->modified = fs->transport->now();
	fs_node_changed(fs, directory);
}

/*
 * Subdirectories come and go. A directory that once had more of them than can be counted has one link
 * for ever, as ext4 keeps it.
 */
static void gain_subdirectory(struct fs_node *directory)
{
	if (directory->links != 1)
		directory->links++;
}

static void lose_subdirectory(struct fs_node *directory)
{
	if (directory->links > 2)
		directory->links--;
}

/* The cache learns a name. In-memory storage has it only there, so that it must not fail. */
static int name_enter(struct fs *fs, const struct fs_place *place, const struct fs_node *node,
		      uint64_t cookie)
{
	struct fs_name *name = fs_name_find(fs, place->directory, place->name, place->length);
	int error;

	if (name) {
		name->inode = node->inode;
		name->type = type_of(node);
		return 0;
	}
	error = fs_name_add(fs, place->directory, place->name, place->length, node->inode,
			    type_of(node), cookie);
	if (error && !fs->operations->is_in_memory) {
		fs_names_drop(fs, place->directory);
		return 0;
	}
	return error;
}

static void name_forget(struct fs *fs, const struct fs_place *place)
{
	struct fs_name *name = fs_name_find(fs, place->directory, place->name, place->length);

	if (name)
		fs_name_remove(fs, name);
}

/* May something get this name, which is free? */
static int check_new(struct fs_call *call, const struct fs_place *place)
{
	if (place->node || !place->name)
		return -EEXIST;
	if (place->directory->links == 0)
		return -ENOENT;
	if (!fs_name_is_valid(place->name, place->length))
		return -EINVAL;
	return fs_may(call->identity, place->directory, 2 | 1);
}

static struct fs_node *node_for(struct fs_call *call, struct fs_node *directory, uint32_t mode)
{
	struct fs_node *node = fs_node_new(call->fs);

	if (!node)
		return NULL;
	node->uid = call->identity->is.uid;
	node->gid = call->identity->is.gid;
	if (directory->mode & S_ISGID) {
		node->gid = directory->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if (mode & S_IXGRP && node->uid && !fs_is_member(call->identity, node->gid))
			mode &= ~(uint32_t)S_ISGID;
	}
	if (!S_ISLNK(mode))
		mode &= ~(call->identity->is.umask & 0777);
	node->mode = mode;
	node->links = S_ISDIR(mode) ? 2 : 1;
	node->parent = directory->inode;
	node->has_all_names = S_ISDIR(mode);
	node->accessed = node->modified = node->changed = call->fs->transport->now();
	return node;
}

int fs_make(struct fs_call *call, const struct fs_place *place, uint32_t mode, uint64_t device,
	    const char *target, size_t target_length, struct fs_node **made)
{
	struct fs *fs = call->fs;
	uint64_t cookie = 0;
	struct fs_node *node;
	int error = check_new(call, place);

	if (!error && S_ISDIR(mode) && place->directory->links >= FS_LINKS_MAX)
		error = -EMLINK;
	if (error)
		return error;
	node = node_for(call, place->directory, mode);
	if (node && target)
		node->target = strndup(target, target_length);
	if (!node || (target && !node->target)) {
		free(node);
		return -ENOMEM;
	}
	node->device = device;
	node->size = target_length;
	fs_unlock(fs);
	error = fs->operations->create(fs, place->directory, place->name, place->length, node,
				       &cookie);
	fs_relock(fs);
	if (!error) {
		fs_node_insert(fs, node);
		error = name_enter(fs, place, node, cookie);
	}
	if (error) {
		fs_node_free(fs, node);
		return error;
	}
	if (S_ISDIR(mode))
		gain_subdirectory(place->directory);
	touch(fs, place->directory);
	*made = node;
	return 0;
}

static int64_t make(struct fs_call *call, uint32_t mode, uint64_t device, const char *target,
		    size_t length)
{
	struct fs_place place;
	struct fs_node *node;
	int error = fs_walk(call, call->base, call->path, call->path_length, false, &place);

	if (!error && place.wants_directory && !S_ISDIR(mode))
		error = place.node ? -EEXIST : -ENOENT;
	return error ? error : fs_make(call, &place, mode, device, target, length, &node);
}

int64_t fs_mkdir(struct fs_call *call)
{
	return make(call, S_IFDIR | (call->argument & 01777), 0, NULL, 0);
}

int64_t fs_mknod(struct fs_call *call)
{
	uint32_t mode = call->argument & (S_IFMT | 07777);
	uint64_t device = call->argument >> 32;

	if (S_ISCHR(mode) || S_ISBLK(mode))
		return call->identity->is.uid ? -EPERM : make(call, mode, device, NULL, 0);
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (!S_ISREG(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
		return -EINVAL;
	return make(call, mode, 0, NULL, 0);
}

int64_t fs_symlink(struct fs_call *call)
{
	if (call->second_length == 0)
		return -ENOENT;
	if (memchr(call->second, 0, call->second_length))
		return -EINVAL;
	return make(call, S_IFLNK | 0777, 0, call->second, call->second_length);
}

int64_t fs_readlink(struct fs_call *call)
{
	struct fs_node *node;
	int error;

	if (call->path_length)
		call->flags |= FILE_NOFOLLOW;
	error = fs_find(call, &node);
	if (!error)
		error = S_ISLNK(node->mode) ? fs_target(call, node) : -EINVAL;
	if (error)
		return error;
	call->out_length = strlen(node->target);
	memcpy(call->out, node->target, call->out_length);
	return (int64_t)call->out_length;
}

/* The base of a second path. */
static int second_base(struct fs_call *call, struct fs_node **base)
{
	struct fs_open *open;

	*base = call->port_base;
	if (!call->argument)
		return 0;
	open = fs_open_at(call->fs, call->argument);
	if (!open)
		return -EBADF;
	*base = open->node;
	return 0;
}

/* The second path; a redirect is marked as its. */
static int walk_second(struct fs_call *call, struct fs_place *place)
{
	struct fs_node *base;
	int error = second_base(call, &base);

	if (error)
		return error;
	error = fs_walk(call, base, call->second, call->second_length, false, place);
	if (error == -EREMOTE)
		call->words[1] |= FILE_REDIRECT_SECOND;
	return error;
}

int64_t fs_link(struct fs_call *call)
{
	struct fs *fs = call->fs;
	struct fs_place place;
	struct fs_node *node;
	uint64_t cookie = 0;
	int error;

	if (!(call->flags & FILE_FOLLOW))
		call->flags |= FILE_NOFOLLOW;
	error = fs_find(call, &node);
	if (!error)
		error = walk_second(call, &place);
	if (error)
		return error;
	if (place.node || place.wants_directory)
		return place.node ? -EEXIST : -ENOENT;
	if (S_ISDIR(node->mode))
		return -EPERM;
	if (node->links == 0)
		return -ENOENT;
	if (node->links >= FS_LINKS_MAX)
		return -EMLINK;
	error = check_new(call, &place);
	if (error)
		return error;
	fs_unlock(fs);
	error = fs->operations->link(fs, place.directory, place.name, place.length, node, &cookie);
	fs_relock(fs);
	if (!error)
		error = name_enter(fs, &place, node, cookie);
	if (error)
		return error;
	node->links++;
	fs_node_changed(fs, node);
	touch(fs, place.directory);
	return 0;
}

/* A name of the node is gone; a directory has only one. */
static void drop_link(struct fs *fs, struct fs_node *directory, struct fs_node *node)
{
	if (S_ISDIR(node->mode)) {
		node->links = 0;
		lose_subdirectory(directory);
	} else if (node->links) {
		node->links--;
	}
	fs_node_changed(fs, node);
	if (node->links)
		return;
	if (node->references && S_ISDIR(node->mode)) {
		node->parent = directory->inode;
		node->holds_parent = true;
		fs_node_refer(fs, directory);
	}
	if (node->references && fs->operations->orphan) {
		fs_unlock(fs);
		fs->operations->orphan(fs, node);
		fs_relock(fs);
	}
	fs_node_doom(fs, node);
}

/* What a path that ends with no name ends with. */
static int no_name(const struct fs_call *call)
{
	const char *path = call->path;
	size_t length = call->path_length;

	while (length && path[length - 1] == '/')
		length--;
	if (length && path[length - 1] == '.') {
		if (length == 1 || path[length - 2] == '/')
			return -EINVAL;
		return -ENOTEMPTY;
	}
	return -EBUSY;
}

static int check_remove(struct fs_call *call, const struct fs_place *place)
{
	const struct fs_node *node = place->node;
	bool wants_directory = call->flags & FILE_DIRECTORY;

	if (!place->name)
		return wants_directory ? no_name(call) : -EISDIR;
	if (!node)
		return -ENOENT;
	if (!S_ISDIR(node->mode) && (wants_directory || place->wants_directory))
		return -ENOTDIR;
	if (S_ISDIR(node->mode) && !wants_directory)
		return -EISDIR;
	return fs_may_remove(call->identity, place->directory, node);
}

int64_t fs_unlink(struct fs_call *call)
{
	struct fs *fs = call->fs;
	struct fs_place place;
	int error = fs_walk(call, call->base, call->path, call->path_length, false, &place);

	if (!error)
		error = check_remove(call, &place);
	if (!error && S_ISDIR(place.node->mode))
		error = place.node == call->root ? -EBUSY : fs_is_empty(call, place.node);
	if (error)
		return error;
	fs_unlock(fs);
	error = fs->operations->unlink(fs, place.directory, place.name, place.length);
	fs_relock(fs);
	if (error)
		return error;
	name_forget(fs, &place);
	touch(fs, place.directory);
	drop_link(fs, place.directory, place.node);
	return 0;
}

/* ------------------------------------------------------------------------------------ rename */

struct rename {
	struct fs_place from, to;
	char from_name[FILE_NAME_MAX + 1]; /* the first walk's buffers are the second's, too */
};

static int find_both(struct fs_call *call, struct rename *rename)
{
	struct fs_place *from = &rename->from, *to = &rename->to;
	int error = fs_walk(call, call->base, call->path, call->path_length, false, from);

	if (error)
		return error;
	if (!from->name)
		return -EBUSY;
	memcpy(rename->from_name, from->name, from->length);
	from->name = rename->from_name;
	error = walk_second(call, to);
	if (!error && !from->node)
		error = -ENOENT;
	if (error)
		return error;
	if (!to->name)
		return call->flags & FILE_NOREPLACE ? -EEXIST : -EBUSY;
	if ((from->wants_directory || to->wants_directory) && !S_ISDIR(from->node->mode))
		return -ENOTDIR;
	return 0;
}

/* `directory` must not be `node` or lie below it. */
static int check_no_loop(struct fs_call *call, struct fs_node *directory, struct fs_node *node)
{
	unsigned depth;
	int error;

	if (!S_ISDIR(node->mode))
		return 0;
	for (depth = 0; depth < 65536; depth++) {
		if (directory == node)
			return -EINVAL;
		if (directory->inode == call->fs->root_inode)
			return 0;
		error = fs_node_get(call, directory->parent, &directory);
		if (error)
			return error;
	}
	return -ELOOP;
}

static int check_replace(struct fs_call *call, const struct rename *rename)
{
	struct fs_node *node = rename->from.node, *target = rename->to.node;
	int error = fs_may_remove(call->identity, rename->to.directory, target);

	if (error || call->flags & FILE_EXCHANGE)
		return error;
	if (S_ISDIR(node->mode) && !S_ISDIR(target->mode))
		return -ENOTDIR;
	if (!S_ISDIR(node->mode) && S_ISDIR(target->mode))
		return -EISDIR;
	if (target == call->root)
		return -EBUSY;
	return S_ISDIR(target->mode) ? fs_is_empty(call, target) : 0;
}

/* What does not depend on who asks. */
static int check_places(struct fs_call *call, const struct rename *rename)
{
	const struct fs_place *from = &rename->from, *to = &rename->to;
	bool is_exchange = call->flags & FILE_EXCHANGE;
	int error;

	if (!to->node && is_exchange)
		return -ENOENT;
	if (to->node && call->flags & FILE_NOREPLACE)
		return -EEXIST;
	error = check_no_loop(call, to->directory, from->node);
	if (error || !to->node)
		return error;
	error = check_no_loop(call, from->directory, to->node);
	return error == -EINVAL && !is_exchange ? -ENOTEMPTY : error;
}

/* A directory that moves to another one changes, and that one's link count. */
static int check_reparent(struct fs_call *call, const struct fs_place *from,
			  const struct fs_place *to)
{
	int error;

	if (!S_ISDIR(from->node->mode) || from->directory == to->directory)
		return 0;
	error = fs_may(call->identity, from->node, 2);
	if (!error && !(to->node && S_ISDIR(to->node->mode)) &&
	    to->directory->links >= FS_LINKS_MAX)
		error = -EMLINK;
	return error;
}

static int check_rename(struct fs_call *call, const struct rename *rename)
{
	const struct fs_place *from = &rename->from, *to = &rename->to;
	int error = check_places(call, rename);

	if (!error)
		error = fs_may_remove(call->identity, from->directory, from->node);
	if (!error)
		error = to->node ? check_replace(call, rename) : check_new(call, to);
	if (!error)
		error = check_reparent(call, from, to);
	if (!error && call->flags & FILE_EXCHANGE)
		error = check_reparent(call, to, from);
	return error;
}

/* Storage's part of moving `node` to another directory. */
static int reparent(struct fs *fs, struct fs_node *node, const struct fs_node *from,
		    const struct fs_node *to)
{
	if (!S_ISDIR(node->mode) || from == to)
		return 0;
	return fs->operations->set_parent(fs, node, to->inode);
}

/* Where `node` is now, and the directories' link counts. */
static void moved(struct fs_node *node, struct fs_node *from, struct fs_node *to)
{
	node->parent = to->inode;
	if (!S_ISDIR(node->mode))
		return;
	lose_subdirectory(from);
	gain_subdirectory(to);
}

/* Storage's part of an exchange: all of it or, after an error, nothing. */
static int exchange_stored(struct fs *fs, const struct rename *rename)
{
	const struct fs_operations *storage = fs->operations;
	const struct fs_place *from = &rename->from, *to = &rename->to;
	int error = reparent(fs, from->node, from->directory, to->directory);

	if (!error)
		error = reparent(fs, to->node, to->directory, from->directory);
	if (!error)
		error = storage->relink(fs, to->directory, to->name, to->length, from->node);
	if (!error) {
		error = storage->relink(fs, from->directory, from->name, from->length, to->node);
		if (error)
			storage->relink(fs, to->directory, to->name, to->length, to->node);
	}
	if (error) {
		reparent(fs, from->node, to->directory, from->directory);
		reparent(fs, to->node, from->directory, to->directory);
	}
	return error;
}

static int exchange(struct fs *fs, const struct rename *rename)
{
	const struct fs_place *from = &rename->from, *to = &rename->to;
	int error;

	fs_unlock(fs);
	error = exchange_stored(fs, rename);
	fs_relock(fs);
	if (error)
		return error;
	name_enter(fs, from, to->node, 0);
	name_enter(fs, to, from->node, 0);
	moved(from->node, from->directory, to->directory);
	moved(to->node, to->directory, from->directory);
	return 0;
}

/* The same of a move. *cookie: of a new name. */
static int move_stored(struct fs *fs, const struct rename *rename, uint64_t *cookie)
{
	const struct fs_operations *storage = fs->operations;
	const struct fs_place *from = &rename->from, *to = &rename->to;
	int error = reparent(fs, from->node, from->directory, to->directory);

	if (!error && to->node)
		error = storage->relink(fs, to->directory, to->name, to->length, from->node);
	else if (!error)
		error = storage->link(fs, to->directory, to->name, to->length, from->node, cookie);
	if (!error) {
		error = storage->unlink(fs, from->directory, from->name, from->length);
		if (error && to->node)
			storage->relink(fs, to->directory, to->name, to->length, to->node);
		else if (error)
			storage->unlink(fs, to->directory, to->name, to->length);
	}
	if (error)
		reparent(fs, from->node, to->directory, from->directory);
	return error;
}

static int move(struct fs *fs, const struct rename *rename)
{
	const struct fs_place *from = &rename->from, *to = &rename->to;
	uint64_t cookie = 0;
	int error;

	fs_unlock(fs);
	error = move_stored(fs, rename, &cookie);
	fs_relock(fs);
	if (!error)
		error = name_enter(fs, to, from->node, cookie);
	if (error)
		return error;
	name_forget(fs, from);
	moved(from->node, from->directory, to->directory);
	if (to->node)
		drop_link(fs, to->directory, to->node);
	return 0;
}

int64_t fs_rename(struct fs_call *call)
{
	struct fs *fs = call->fs;
	struct rename rename;
	int error = find_both(call, &rename);

	if ((call->flags & (FILE_EXCHANGE | FILE_NOREPLACE)) == (FILE_EXCHANGE | FILE_NOREPLACE))
		return -EINVAL;
	if (!error && rename.from.node == rename.to.node)
		return call->flags & FILE_NOREPLACE ? -EEXIST : 0;
	if (!error)
		error = check_rename(call, &rename);
	if (error)
		return error;
	error = call->flags & FILE_EXCHANGE ? exchange(fs, &rename) : move(fs, &rename);
	if (error)
		return error;
	fs_node_changed(fs, rename.from.node);
	touch(fs, rename.from.directory);
	if (rename.to.directory != rename.from.directory)
		touch(fs, rename.to.directory);
	return 0;
}
