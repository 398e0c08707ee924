/*
 * The name cache: one hash table for (directory, name) -> inode, and a list per directory. Where
 * storage keeps no names itself (tmpfs) these are the directories. A name with inode 0 says that
 * there is no such name; it is only made where the directory's names are not all here.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/fs/fs.h"

uint32_t fs_name_hash(const char *name, size_t length)
{
	uint64_t hash = length, chunk;

	for (; length >= 8; length -= 8, name += 8) {
		memcpy(&chunk, name, 8);
		hash = (hash ^ chunk) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	chunk = 0;
	memcpy(&chunk, name, length);
	hash = (hash ^ chunk) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(hash >> 32);
}

static struct fs_name **name_bucket(struct fs *fs, const struct fs_node *directory, uint32_t hash)
{
	uint32_t mixed = hash ^ (uint32_t)(directory->inode * 0x85ebca6bu);

	return &fs->names[mixed & (fs->name_buckets - 1)];
}

struct fs_name *fs_name_find(struct fs *fs, const struct fs_node *directory, const char *text,
			     size_t length)
{
	uint32_t hash = fs_name_hash(text, length);
	struct fs_name *name = *name_bucket(fs, directory, hash);

	for (; name; name = name->hash_next)
		if (name->hash == hash && name->directory == directory && name->length == length &&
		    !memcmp(name->text, text, length))
			return name;
	return NULL;
}

/* Twice the buckets, when there is memory for it. */
static void names_grow(struct fs *fs)
{
	uint64_t old_count = fs->name_buckets;
	struct fs_name **old = fs->names, **table = calloc(old_count * 2, sizeof(*table)), *name;

	if (!table)
		return;
	fs->names = table;
	fs->name_buckets = old_count * 2;
	for (uint64_t i = 0; i < old_count; i++) {
		while ((name = old[i])) {
			struct fs_name **bucket = name_bucket(fs, name->directory, name->hash);

			old[i] = name->hash_next;
			name->hash_next = *bucket;
			*bucket = name;
		}
	}
	free(old);
}

int fs_name_add(struct fs *fs, struct fs_node *directory, const char *text, size_t length,
		uint64_t inode, uint8_t type, uint64_t cookie)
{
	struct fs_name *name = malloc(sizeof(*name) + length + 1), **bucket;

	if (!name)
		return -ENOMEM;
	if (fs->name_count > fs->name_buckets)
		names_grow(fs);
	*name = (struct fs_name){ .directory = directory,
				  .inode = inode,
				  .cookie = cookie,
				  .hash = fs_name_hash(text, length),
				  .type = type,
				  .length = (uint8_t)length,
				  .previous = directory->last };
	memcpy(name->text, text, length);
	name->text[length] = 0;
	bucket = name_bucket(fs, directory, name->hash);
	name->hash_next = *bucket;
	*bucket = name;
	if (directory->last)
		directory->last->next = name;
	else
		directory->first = name;
	directory->last = name;
	directory->name_count++;
	fs->name_count++;
	return 0;
}

/* Readers of the directory that would go on with this name go on with the next one. */
static void skip_in_readers(struct fs *fs, const struct fs_name *name)
{
	for (uint32_t i = 0; i < fs->open_count; i++)
		if (fs->opens[i] && fs->opens[i]->readdir_next == name)
			fs->opens[i]->readdir_next = NULL;
}

void fs_name_remove(struct fs *fs, struct fs_name *name)
{
	struct fs_node *directory = name->directory;
	struct fs_name **link = name_bucket(fs, directory, name->hash);

	while (*link != name)
		link = &(*link)->hash_next;
	*link = name->hash_next;
	if (name->previous)
		name->previous->next = name->next;
	else
		directory->first = name->next;
	if (name->next)
		name->next->previous = name->previous;
	else
		directory->last = name->previous;
	if (directory->references)
		skip_in_readers(fs, name);
	directory->name_count--;
	fs->name_count--;
	free(name);
}

void fs_names_drop(struct fs *fs, struct fs_node *directory)
{
	while (directory->first)
		fs_name_remove(fs, directory->first);
	directory->has_all_names = false;
}

bool fs_name_is_valid(const char *name, size_t length)
{
	if (length == 0 || length > FILE_NAME_MAX)
		return false;
	return !memchr(name, 0, length) && !memchr(name, '/', length);
}
