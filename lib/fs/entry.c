/* READDIR: entries are packed into the call's out buffer. */
#include "lib/fs/fs.h"
#include "lib/fs/pack.h"

/* Cookies of "." and ".."; those of names are larger. */
#define COOKIE_SELF 1
#define COOKIE_PARENT 2

/* False: no room; the caller stops. */
bool fs_entry_add(struct fs_call *call, const char *name, size_t length, uint64_t inode,
		  uint8_t type, uint64_t next)
{
	size_t size = file_entry_pack(call->out + call->out_length,
				      call->out_limit - call->out_length, name, length, inode, type,
				      next);

	call->is_out_full = !size;
	if (!size)
		return false;
	call->out_length += size;
	call->out_next = next;
	return true;
}

/* The first name behind the cookie: where the last call ended, or by a search. */
static struct fs_name *name_behind(struct fs_call *call, const struct fs_node *directory,
				   uint64_t cookie)
{
	struct fs_name *name = directory->first;

	if (call->open && call->open->readdir_next && call->open->readdir_cookie == cookie)
		return call->open->readdir_next;
	while (name && name->cookie <= cookie)
		name = name->next;
	return name;
}

static void read_names(struct fs_call *call, struct fs_node *directory)
{
	struct fs_name *name = name_behind(call, directory, call->out_next);

	while (name &&
	       fs_entry_add(call, name->text, name->length, name->inode, name->type, name->cookie))
		name = name->next;
	if (call->open && call->open->node == directory) {
		call->open->readdir_next = name;
		call->open->readdir_cookie = call->out_next;
	}
}

int fs_read_directory(struct fs_call *call)
{
	struct fs *fs = call->fs;
	struct fs_node *directory = call->base;
	int error = 0;

	call->out_next = call->argument;
	if (call->out_next < COOKIE_SELF)
		fs_entry_add(call, ".", 1, directory->inode, S_IFDIR >> 12, COOKIE_SELF);
	if (call->out_next < COOKIE_PARENT)
		fs_entry_add(call, "..", 2,
			     directory == call->root ? directory->inode : directory->parent,
			     S_IFDIR >> 12, COOKIE_PARENT);
	if (!fs->operations->read_directory) {
		read_names(call, directory);
	} else {
		fs_unlock(fs);
		error = fs->operations->read_directory(fs, directory, call->out_next, call);
		fs_relock(fs);
	}
	return error;
}
