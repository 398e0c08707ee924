/*
 * Directories: linear blocks of entries. The names are found through lib/fs's cache, whose cookies are
 * places (byte offset + COOKIE_BASE), so no block is searched for a name that is cached; `gaps` knows
 * for each block how long an entry it has room for, so none is searched for room. A hash tree that
 * Linux made is kept as long as names only go; the first new one makes its inner blocks plain ones
 * (e2fsck and Linux accept that, and rebuild the tree if they like).
 */
#include <stdlib.h>
#include <string.h>

#include "extfs.h"

#define COOKIE_BASE 16
#define HEAD 8               /* of an entry, before the name */
#define NAMES_MAX (4u << 20) /* bytes of a directory whose names are all cached */

struct entry {
	uint32_t inode;
	uint16_t length; /* of the entry */
	uint8_t name_length;
	uint8_t type;
	char name[];
};

static uint32_t block_size(const struct ext *ext)
{
	return ext->ext2->blocksize;
}

static uint64_t block_count(const struct ext *ext, const struct ext_node *directory)
{
	return directory->inode.i_size / block_size(ext);
}

/* Bytes of a block that entries may use: a checksum may stand behind them. */
static uint32_t usable(const struct ext *ext)
{
	return block_size(ext) - (ext2fs_has_feature_metadata_csum(ext->ext2->super)
					  ? (uint32_t)sizeof(struct ext2_dir_entry_tail)
					  : 0);
}

static uint32_t needed(size_t name_length)
{
	return (uint32_t)(HEAD + name_length + 3) & ~3u;
}

static struct entry *entry_at(uint8_t *data, uint32_t offset)
{
	return (struct entry *)(data + offset);
}

/* A damaged entry would send us astray. */
static bool is_sane(const struct ext *ext, const struct entry *entry, uint32_t offset)
{
	return entry->length >= HEAD && entry->length % 4 == 0 &&
	       entry->length <= block_size(ext) - offset &&
	       needed(entry->name_length) <= entry->length &&
	       entry->inode <= ext->ext2->super->s_inodes_count;
}

static uint8_t file_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return EXT2_FT_REG_FILE;
	case S_IFDIR:
		return EXT2_FT_DIR;
	case S_IFCHR:
		return EXT2_FT_CHRDEV;
	case S_IFBLK:
		return EXT2_FT_BLKDEV;
	case S_IFIFO:
		return EXT2_FT_FIFO;
	case S_IFSOCK:
		return EXT2_FT_SOCK;
	default:
		return EXT2_FT_SYMLINK;
	}
}

/* The type as READDIR shows it; 0: not known. */
static uint8_t shown_type(const struct entry *entry)
{
	static const uint8_t types[] = { 0,
					 S_IFREG >> 12,
					 S_IFDIR >> 12,
					 S_IFCHR >> 12,
					 S_IFBLK >> 12,
					 S_IFIFO >> 12,
					 S_IFSOCK >> 12,
					 S_IFLNK >> 12 };

	return entry->type < sizeof(types) ? types[entry->type] : 0;
}

/* Calls visit for each entry in a block, used or not; it ends the walk with a result that is not 0. */
typedef int visit_function(void *context, struct entry *entry, uint32_t offset);

static int visit_block(struct ext *ext, uint8_t *data, visit_function *visit, void *context)
{
	uint32_t offset = 0;
	int result;

	while (offset < block_size(ext)) {
		struct entry *entry = entry_at(data, offset);

		if (block_size(ext) - offset < HEAD || !is_sane(ext, entry, offset))
			return -EIO;
		result = visit(context, entry, offset);
		if (result)
			return result;
		offset += entry->length;
	}
	return 0;
}

/* Names with a slash would lead whoever uses them elsewhere. */
static int check_entry(void *context, struct entry *entry, uint32_t offset)
{
	(void)context;
	(void)offset;
	return !entry->inode || fs_name_is_valid(entry->name, entry->name_length) ? 0 : -EIO;
}

/* One block of the directory, checked when it comes from the disk. */
static int get_block(struct ext *ext, struct ext_node *directory, uint64_t index,
		     struct ext_block **block)
{
	struct ext_run run;
	int error = ext_map(ext, directory, index, 1, &run);

	if (!error && !run.physical)
		error = -EIO;
	if (!error)
		error = ext_block_get(ext, run.physical, block);
	if (error)
		return error;
	if (!(*block)->is_directory) {
		if (!ext2fs_dir_block_csum_verify(ext->ext2, (ext2_ino_t)directory->node.inode,
						  (struct ext2_dir_entry *)(*block)->data))
			return -EIO;
		error = visit_block(ext, (*block)->data, check_entry, NULL);
		if (!error)
			(*block)->is_directory = EXT_DIRECTORY;
	}
	return error;
}

/* The block was changed; its checksum is computed when the transaction ends. */
static int put_block(struct ext *ext, struct ext_node *directory, struct ext_block *block,
		     uint8_t kind)
{
	block->is_directory |= EXT_DIRECTORY | kind;
	block->owner = (uint32_t)directory->node.inode;
	ext_block_dirty(ext, block);
	return 0;
}

/*
 * A name came or went. A directory must neither have none nor two, and its ".." must lead to the one that
 * has it: all blocks of its move are written together, as if each got names and lost some.
 */
static uint8_t kind_of(uint8_t kind, bool is_directory)
{
	return is_directory ? EXT_GAINED | EXT_LOST : kind;
}

static bool is_dots(const struct entry *entry)
{
	return entry->name[0] == '.' &&
	       (entry->name_length == 1 || (entry->name_length == 2 && entry->name[1] == '.'));
}

/* ----------------------------------------------------------------------------- reading */

struct reading {
	struct ext *ext;
	struct ext_node *directory;
	uint64_t base; /* the block's offset in the directory */
	uint32_t gap;  /* the longest entry that fits */
	struct fs_call *call;
	uint64_t cookie;  /* entries behind it */
	const char *name; /* looked for */
	size_t length;
	uint64_t inode; /* found */
	uint64_t offset;
};

static uint32_t room_in(const struct entry *entry)
{
	return entry->inode ? entry->length - needed(entry->name_length) : entry->length;
}

static int load_entry(void *context, struct entry *entry, uint32_t offset)
{
	struct reading *reading = context;

	/* The checksum at the block's end looks like an unused entry. */
	if (offset < usable(reading->ext) && room_in(entry) > reading->gap)
		reading->gap = room_in(entry);
	if (!entry->inode || is_dots(entry))
		return 0;
	return fs_name_add(reading->ext->fs, &reading->directory->node, entry->name,
			   entry->name_length, entry->inode, shown_type(entry),
			   reading->base + offset + COOKIE_BASE);
}

static int reset_gaps(struct ext *ext, struct ext_node *directory)
{
	uint64_t count = block_count(ext, directory);

	free(directory->gaps);
	directory->gaps = calloc(count + 1, sizeof(*directory->gaps));
	directory->gap_count = directory->gaps ? count : 0;
	return directory->gaps ? 0 : -ENOMEM;
}

int ext_directory_names(struct ext *ext, struct ext_node *directory)
{
	struct reading reading = { .ext = ext, .directory = directory };
	uint64_t count = block_count(ext, directory), index;
	struct ext_block *block;
	int error = reset_gaps(ext, directory);

	for (index = 0; index < count && !error; index++) {
		error = get_block(ext, directory, index, &block);
		if (error)
			break;
		reading.base = index * block_size(ext);
		reading.gap = 0;
		if (directory->inode.i_size > NAMES_MAX) {
			directory->gaps[index] = UINT16_MAX;
			continue;
		}
		fs_relock(ext->fs);
		error = visit_block(ext, block->data, load_entry, &reading);
		fs_unlock(ext->fs);
		directory->gaps[index] = (uint16_t)reading.gap;
	}
	if (!error && directory->inode.i_size > NAMES_MAX)
		return -E2BIG;
	return error;
}

static int find_entry(void *context, struct entry *entry, uint32_t offset)
{
	struct reading *reading = context;

	if (!entry->inode || entry->name_length != reading->length ||
	    memcmp(entry->name, reading->name, reading->length))
		return 0;
	reading->inode = entry->inode;
	reading->offset = reading->base + offset;
	return 1;
}

/* Searches all blocks: for directories with too many names, and "..". */
static int search(struct ext *ext, struct ext_node *directory, struct reading *reading)
{
	uint64_t count = block_count(ext, directory);
	struct ext_block *block;
	int result;

	for (uint64_t index = 0; index < count; index++) {
		result = get_block(ext, directory, index, &block);
		if (result)
			return result;
		reading->base = index * block_size(ext);
		result = visit_block(ext, block->data, find_entry, reading);
		if (result)
			return result < 0 ? result : 0;
	}
	return -ENOENT;
}

int ext_directory_find(struct ext *ext, struct ext_node *directory, const char *name, size_t length,
		       uint64_t *inode)
{
	struct reading reading = { .ext = ext, .name = name, .length = length };
	int error = search(ext, directory, &reading);

	*inode = reading.inode;
	return error;
}

int ext_directory_parent(struct ext *ext, struct ext_node *directory, uint64_t *parent)
{
	struct reading reading = { .ext = ext, .name = "..", .length = 2 };
	struct ext_block *block;
	int error = get_block(ext, directory, 0, &block);

	if (!error)
		error = visit_block(ext, block->data, find_entry, &reading);
	*parent = reading.inode;
	return error == 1 ? 0 : error ? error : -EIO;
}

static int show_entry(void *context, struct entry *entry, uint32_t offset)
{
	struct reading *reading = context;
	uint64_t cookie = reading->base + offset + COOKIE_BASE;

	if (!entry->inode || is_dots(entry) || cookie <= reading->cookie)
		return 0;
	return !fs_entry_add(reading->call, entry->name, entry->name_length, entry->inode,
			     shown_type(entry), cookie);
}

int ext_directory_read(struct ext *ext, struct ext_node *directory, uint64_t cookie,
		       struct fs_call *call)
{
	struct reading reading = { .ext = ext, .call = call, .cookie = cookie };
	uint64_t index = cookie < COOKIE_BASE ? 0 : (cookie - COOKIE_BASE) / block_size(ext);
	uint64_t count = block_count(ext, directory);
	struct ext_block *block;
	int result = 0;

	for (; index < count && !result; index++) {
		result = get_block(ext, directory, index, &block);
		if (result)
			break;
		reading.base = index * block_size(ext);
		result = visit_block(ext, block->data, show_entry, &reading);
	}
	return result < 0 ? result : 0;
}

/* ---------------------------------------------------------------------------- changing */

/* Where a name's entry is. */
static int locate(struct ext *ext, struct ext_node *directory, const char *text, size_t length,
		  uint64_t *offset)
{
	struct reading reading = { .ext = ext, .name = text, .length = length };
	struct fs_name *name;
	int error;

	*offset = 0;
	fs_relock(ext->fs);
	name = fs_name_find(ext->fs, &directory->node, text, length);
	if (name && name->cookie >= COOKIE_BASE)
		*offset = name->cookie - COOKIE_BASE;
	fs_unlock(ext->fs);
	if (*offset)
		return 0;
	error = search(ext, directory, &reading);
	*offset = reading.offset;
	return error;
}

/* The entry at `offset`, which must be the name's, and the one in front of it in its block. */
struct found {
	struct ext_block *block;
	struct entry *entry, *before;
	uint64_t index;
};

static int find_at(struct ext *ext, struct ext_node *directory, const char *name, size_t length,
		   struct found *found)
{
	uint64_t offset;
	uint32_t at = 0;
	int error = locate(ext, directory, name, length, &offset);

	*found = (struct found){ .index = offset / block_size(ext) };
	if (!error)
		error = get_block(ext, directory, found->index, &found->block);
	if (error)
		return error;
	offset %= block_size(ext);
	while (at <= offset && at + HEAD <= block_size(ext)) {
		struct entry *entry = entry_at(found->block->data, at);

		if (!is_sane(ext, entry, at))
			return -EIO;
		found->before = found->entry;
		found->entry = entry;
		if (at == offset)
			return entry->inode && entry->name_length == length &&
					       !memcmp(entry->name, name, length)
				       ? 0
				       : -EIO;
		at += entry->length;
	}
	return -EIO;
}

static void note_gap(struct ext_node *directory, uint64_t index, uint32_t room)
{
	if (index < directory->gap_count && directory->gaps[index] < room)
		directory->gaps[index] = (uint16_t)room;
}

int ext_directory_remove(struct ext *ext, struct ext_node *directory, const char *name,
			 size_t length)
{
	struct found found;
	int error = find_at(ext, directory, name, length, &found);
	uint8_t kind;

	if (error)
		return error;
	kind = kind_of(EXT_LOST, found.entry->type == EXT2_FT_DIR);
	if (found.before) {
		found.before->length += found.entry->length;
		found.entry = found.before;
	} else {
		found.entry->inode = 0;
	}
	note_gap(directory, found.index, room_in(found.entry));
	return put_block(ext, directory, found.block, kind);
}

static void set_entry(struct ext *ext, struct entry *entry, uint32_t inode, uint32_t mode)
{
	entry->inode = inode;
	entry->type = ext2fs_has_feature_filetype(ext->ext2->super) ? file_type(mode) : 0;
}

int ext_directory_set(struct ext *ext, struct ext_node *directory, const char *name, size_t length,
		      uint32_t inode, uint32_t mode)
{
	struct reading reading = { .ext = ext, .name = name, .length = length };
	struct ext_block *block;
	struct found found;
	int error;

	/* ".." is in no cache; it is in the first block. */
	if (length == 2 && name[0] == '.' && name[1] == '.') {
		error = get_block(ext, directory, 0, &block);
		if (!error)
			error = visit_block(ext, block->data, find_entry, &reading);
		if (error != 1)
			return error ? error : -EIO;
		set_entry(ext, entry_at(block->data, (uint32_t)reading.offset), inode, mode);
		return put_block(ext, directory, block, kind_of(EXT_GAINED, true));
	}
	error = find_at(ext, directory, name, length, &found);
	if (error)
		return error;
	set_entry(ext, found.entry, inode, mode);
	return put_block(ext, directory, found.block, EXT_GAINED | EXT_LOST);
}

struct adding {
	struct ext *ext;
	uint32_t wanted, offset;
	uint32_t gap; /* the longest that fits afterwards */
	bool is_done;
	const char *name;
	size_t length;
	uint32_t inode, mode;
};

/* The first entry with room becomes two. */
static int add_here(void *context, struct entry *entry, uint32_t offset)
{
	struct adding *adding = context;
	uint32_t used = entry->inode ? needed(entry->name_length) : 0, room = entry->length - used;
	struct entry *new = (struct entry *)((uint8_t *)entry + used);

	if (offset >= usable(adding->ext))
		return 0;
	if (!adding->is_done && room >= adding->wanted) {
		if (used)
			entry->length = (uint16_t)used;
		new->length = (uint16_t)room;
		new->name_length = (uint8_t)adding->length;
		memcpy(new->name, adding->name, adding->length);
		set_entry(adding->ext, new, adding->inode, adding->mode);
		adding->offset = offset + used;
		adding->is_done = true;
		/* If it was split the new one is visited next. */
		room = used ? 0 : room_in(new);
	}
	if (room > adding->gap)
		adding->gap = room;
	return 0;
}

static int try_block(struct ext *ext, struct ext_node *directory, uint64_t index,
		     struct adding *adding)
{
	struct ext_block *block;
	int error = get_block(ext, directory, index, &block);

	if (!error) {
		adding->gap = 0;
		error = visit_block(ext, block->data, add_here, adding);
	}
	if (error)
		return error;
	directory->gaps[index] = (uint16_t)adding->gap;
	return adding->is_done ? put_block(ext, directory, block,
					   kind_of(EXT_GAINED, S_ISDIR(adding->mode)))
			       : 0;
}

/* An empty block at the end: one unused entry, and the checksum's place. */
static void format_block(struct ext *ext, uint8_t *data)
{
	entry_at(data, 0)->length = (uint16_t)usable(ext);
	if (usable(ext) != block_size(ext))
		ext2fs_initialize_dirent_tail(ext->ext2, EXT2_DIRENT_TAIL(data, block_size(ext)));
}

static int append_block(struct ext *ext, struct ext_node *directory)
{
	uint64_t index = block_count(ext, directory), physical;
	uint16_t *gaps = realloc(directory->gaps, (index + 2) * sizeof(*gaps));
	struct ext_block *block;
	int error;

	if (!gaps)
		return -ENOMEM;
	directory->gaps = gaps;
	if ((index + 1) * block_size(ext) > UINT32_MAX)
		return -ENOSPC;
	error = ext_map_append(ext, directory, index, &physical);
	if (!error)
		error = ext_block_new(ext, physical, &block);
	if (error)
		return error;
	format_block(ext, block->data);
	gaps[index] = (uint16_t)usable(ext);
	directory->gap_count = index + 1;
	directory->inode.i_size += block_size(ext);
	directory->node.size = directory->inode.i_size;
	error = put_block(ext, directory, block, EXT_GAINED);
	return error ? error : ext_inode_write(ext, directory);
}

/* A hash tree's inner blocks hide behind unused entries; they become empty blocks. */
static int make_linear(struct ext *ext, struct ext_node *directory)
{
	uint64_t count = block_count(ext, directory);
	struct ext_block *block;
	int error = 0;

	for (uint64_t index = 0; index < count && !error; index++) {
		struct entry *entry;

		error = get_block(ext, directory, index, &block);
		if (error)
			break;
		entry = entry_at(block->data, index ? 0 : 12);
		if (index && (entry->inode || entry->length != block_size(ext)))
			continue;
		if (index == 0 && entry->length != block_size(ext) - 12)
			return -EIO;
		memset((uint8_t *)entry + (index ? 0 : 12), 0, block_size(ext) - (index ? 0 : 24));
		entry->length = (uint16_t)(usable(ext) - (index ? 0 : 12));
		if (usable(ext) != block_size(ext))
			ext2fs_initialize_dirent_tail(
				ext->ext2, EXT2_DIRENT_TAIL(block->data, block_size(ext)));
		directory->inode.i_flags &= ~(uint32_t)EXT2_INDEX_FL;
		error = put_block(ext, directory, block, EXT_LOST);
		if (!error && index < directory->gap_count)
			directory->gaps[index] = (uint16_t)room_in(entry);
	}
	directory->inode.i_flags &= ~(uint32_t)EXT2_INDEX_FL;
	return error ? error : ext_inode_write(ext, directory);
}

static int prepare_to_add(struct ext *ext, struct ext_node *directory)
{
	int error = 0;

	if (directory->gap_count != block_count(ext, directory)) {
		error = reset_gaps(ext, directory);
		for (uint64_t i = 0; i < directory->gap_count; i++)
			directory->gaps[i] = UINT16_MAX;
	}
	if (!error && directory->inode.i_flags & EXT2_INDEX_FL)
		error = make_linear(ext, directory);
	return error;
}

int ext_directory_add(struct ext *ext, struct ext_node *directory, const char *name, size_t length,
		      uint32_t inode, uint32_t mode, uint64_t *cookie)
{
	struct adding adding = { .ext = ext,
				 .wanted = needed(length),
				 .name = name,
				 .length = length,
				 .inode = inode,
				 .mode = mode };
	uint64_t index;
	int error = prepare_to_add(ext, directory);

	for (index = directory->gap_count; index-- > 0 && !error && !adding.is_done;)
		if (directory->gaps[index] >= adding.wanted)
			error = try_block(ext, directory, index, &adding);
	index++;
	if (!error && !adding.is_done) {
		error = append_block(ext, directory);
		index = directory->gap_count - 1;
		if (!error)
			error = try_block(ext, directory, index, &adding);
	}
	*cookie = index * block_size(ext) + adding.offset + COOKIE_BASE;
	return error ? error : adding.is_done ? 0 : -EIO;
}

/* A new directory's first block. */
int ext_directory_make(struct ext *ext, struct ext_node *directory, uint32_t parent)
{
	struct ext_block *block;
	uint64_t physical;
	struct entry *entry;
	int error = ext_map_append(ext, directory, 0, &physical);

	if (!error)
		error = ext_block_new(ext, physical, &block);
	if (error)
		return error;
	format_block(ext, block->data);
	entry = entry_at(block->data, 0);
	entry->length = 12;
	entry->name_length = 1;
	entry->name[0] = '.';
	set_entry(ext, entry, (uint32_t)directory->node.inode, S_IFDIR);
	entry = entry_at(block->data, 12);
	entry->length = (uint16_t)(usable(ext) - 12);
	entry->name_length = 2;
	memcpy(entry->name, "..", 2);
	set_entry(ext, entry, parent, S_IFDIR);
	directory->inode.i_size = block_size(ext);
	error = put_block(ext, directory, block, EXT_GAINED);
	if (!error)
		error = reset_gaps(ext, directory);
	if (!error)
		directory->gaps[0] = (uint16_t)(usable(ext) - 24);
	return error;
}
