/*
 * Path lookup. A path is walked component by component with what is in memory; when something is
 * missing, an exclusive call has it read, any other ends with FS_EXCLUSIVE. A symbolic link on the
 * way is put in front of what remains of the path (in call->rest, whose halves take turns).
 */
#include <stdlib.h>
#include <string.h>

#include "lib/fs/fs.h"

/* A directory's names come from storage: all, or if they are too many this one. */
static int names_read(struct fs_call *call, struct fs_node *directory, const char *name,
		      size_t length)
{
	struct fs *fs = call->fs;
	uint64_t inode = 0;
	int error;

	fs_names_drop(fs, directory);
	fs_unlock(fs);
	error = fs->operations->read_names(fs, directory);
	fs_relock(fs);
	if (!error)
		directory->has_all_names = true;
	if (error != -E2BIG)
		return error;
	fs_unlock(fs);
	error = fs->operations->find_name(fs, directory, name, length, &inode);
	fs_relock(fs);
	if (error && error != -ENOENT)
		return error;
	return fs_name_add(fs, directory, name, length, inode, 0, 0);
}

/* The node of one name; 0 and NULL: there is no such name. */
int fs_lookup(struct fs_call *call, struct fs_node *directory, const char *text, size_t length,
	      struct fs_node **node)
{
	struct fs_name *name = fs_name_find(call->fs, directory, text, length);
	int error;

	*node = NULL;
	if (!name) {
		if (directory->has_all_names || call->fs->operations->is_in_memory)
			return 0;
		if (!call->is_exclusive)
			return FS_EXCLUSIVE;
		error = names_read(call, directory, text, length);
		if (error)
			return error;
		name = fs_name_find(call->fs, directory, text, length);
	}
	if (!name || !name->inode)
		return 0;
	return fs_node_get(call, name->inode, node);
}

/* Of a directory whose names are too many for the cache, or were. 0 or -ENOTEMPTY. */
static int is_empty_stored(struct fs_call *call, struct fs_node *directory)
{
	struct fs *fs = call->fs;
	size_t length;
	int error;

	fs_unlock(fs);
	error = fs->operations->read_directory(fs, directory, 0, call);
	fs_relock(fs);
	length = call->out_length;
	call->out_length = 0;
	return error ? error : length ? -ENOTEMPTY : 0;
}

int fs_is_empty(struct fs_call *call, struct fs_node *directory)
{
	int error;

	if (!directory->has_all_names && !call->fs->operations->is_in_memory) {
		error = names_read(call, directory, "", 0);
		if (error)
			return error;
	}
	if (directory->has_all_names || call->fs->operations->is_in_memory)
		return directory->name_count == 0 ? 0 : -ENOTEMPTY;
	return is_empty_stored(call, directory);
}

/* node->target is there. */
int fs_target(struct fs_call *call, struct fs_node *node)
{
	struct fs *fs = call->fs;
	char *target;
	int error;

	if (node->target)
		return 0;
	if (!call->is_exclusive)
		return FS_EXCLUSIVE;
	target = calloc(1, FILE_PATH_MAX + 1);
	if (!target)
		return -ENOMEM;
	fs_unlock(fs);
	error = fs->operations->read_target(fs, node, target);
	fs_relock(fs);
	if (!error)
		node->target = strdup(target);
	free(target);
	return error ? error : node->target ? 0 : -ENOMEM;
}

static int redirect(struct fs_call *call, enum file_redirect reason, uint32_t number,
		    const char *rest, size_t length)
{
	memcpy(call->out, rest, length);
	call->out_length = length;
	call->words[1] = reason;
	call->words[2] = FILE_REDIRECT_WORD(number, length);
	return -EREMOTE;
}

struct walk {
	struct fs_call *call;
	struct fs_node *directory;
	const char *at, *end; /* what remains */
	const char *name;     /* the component ... */
	size_t length;
	bool is_last, has_slash; /* ... is the path's last, a slash stands behind it */
	unsigned links;
};

/* The next component; false: there is none. */
static bool next_component(struct walk *walk)
{
	const char *at = walk->at, *end = walk->end;

	while (at < end && *at == '/')
		at++;
	walk->name = at;
	while (at < end && *at != '/')
		at++;
	walk->length = (size_t)(at - walk->name);
	walk->has_slash = at < end;
	while (at < end && *at == '/')
		at++;
	walk->is_last = at == end;
	walk->at = at;
	return walk->length > 0;
}

/* What remains of the path is the link's target and what was behind the link. */
static int follow_link(struct walk *walk, struct fs_node *link)
{
	struct fs_call *call = walk->call;
	char *half = call->rest;
	size_t length, rest = (size_t)(walk->end - walk->at);
	int error = fs_target(call, link);

	if (error)
		return error;
	if (++walk->links > FS_SYMLINKS_MAX)
		return -ELOOP;
	length = strlen(link->target);
	if (length == 0)
		return -ENOENT;
	if (length + 1 + rest >= FILE_PATH_MAX)
		return -ENAMETOOLONG;
	if (walk->at >= half && walk->at <= half + FILE_PATH_MAX)
		half += FILE_PATH_MAX;
	memcpy(half, link->target, length);
	if (walk->has_slash)
		half[length++] = '/';
	memcpy(half + length, walk->at, rest);
	walk->at = half;
	walk->end = half + length + rest;
	if (*half == '/')
		return redirect(call, FILE_REDIRECT_ABSOLUTE, 0, half, length + rest);
	return 0;
}

/* "." and "..": 1, or 0 if it is another name. */
static int dots(struct walk *walk)
{
	struct fs_node *parent;
	int error;

	if (walk->length == 1 && walk->name[0] == '.')
		return 1;
	if (walk->length != 2 || walk->name[0] != '.' || walk->name[1] != '.')
		return 0;
	if (walk->directory == walk->call->root)
		return redirect(walk->call, FILE_REDIRECT_ABOVE, 0, walk->at,
				(size_t)(walk->end - walk->at));
	error = fs_node_get(walk->call, walk->directory->parent, &parent);
	if (error)
		return error;
	walk->directory = parent;
	return 1;
}

/* One component. 1: the walk has ended at it; 0: go on. */
static int step(struct walk *walk, bool follow, struct fs_place *place)
{
	struct fs_call *call = walk->call;
	struct fs_node *node;
	int result;

	if (!S_ISDIR(walk->directory->mode))
		return -ENOTDIR;
	result = fs_may(call->identity, walk->directory, 1);
	if (!result)
		result = dots(walk);
	if (result)
		return result < 0 ? result : 0;
	if (walk->length > FILE_NAME_MAX)
		return -ENAMETOOLONG;
	result = fs_lookup(call, walk->directory, walk->name, walk->length, &node);
	if (result)
		return result;
	if (node && S_ISLNK(node->mode) && (!walk->is_last || follow || walk->has_slash))
		return follow_link(walk, node);
	if (node && node->covered)
		return redirect(call, FILE_REDIRECT_COVERED, node->covered, walk->at,
				(size_t)(walk->end - walk->at));
	if (walk->is_last) {
		*place = (struct fs_place){ walk->directory, walk->name, walk->length, node,
					    walk->has_slash };
		return 1;
	}
	if (!node)
		return -ENOENT;
	walk->directory = node;
	return 0;
}

int fs_walk(struct fs_call *call, struct fs_node *base, const char *path, size_t length,
	    bool follow, struct fs_place *place)
{
	struct walk walk = { .call = call, .directory = base, .at = path, .end = path + length };
	int result;

	if (length && *path == '/')
		walk.directory = call->root;
	while (next_component(&walk)) {
		result = step(&walk, follow, place);
		if (result)
			return result < 0 ? result : 0;
	}
	*place = (struct fs_place){ walk.directory, NULL, 0, walk.directory, length > 0 };
	return 0;
}

int fs_find(struct fs_call *call, struct fs_node **node)
{
	struct fs_place place;
	int error = fs_walk(call, call->base, call->path, call->path_length,
			    !(call->flags & FILE_NOFOLLOW), &place);

	if (error)
		return error;
	if (!place.node)
		return -ENOENT;
	if (place.wants_directory && !S_ISDIR(place.node->mode))
		return -ENOTDIR;
	*node = place.node;
	return 0;
}
