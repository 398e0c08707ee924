/* The tree: a table, and walking in it. */
#include "devfs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "pty.h"

#define DIRECTORY (S_IFDIR | 0755)
#define ANYBODY (S_IFCHR | 0666)
#define CHAR 4 /* the inode of `char`, where devices have their numbers as names */

/* X(name, device, mode, major, minor) of each device. */
#define DEVICES(X)                                                                                 \
	X("null", DEVICE_NULL, ANYBODY, 1, 3)                                                      \
	X("zero", DEVICE_ZERO, ANYBODY, 1, 5)                                                      \
	X("full", DEVICE_FULL, ANYBODY, 1, 7)                                                      \
	X("random", DEVICE_RANDOM, ANYBODY, 1, 8)                                                  \
	X("urandom", DEVICE_URANDOM, ANYBODY, 1, 9)                                                \
	X("tty", DEVICE_TTY, ANYBODY, 5, 0)                                                        \
	X("console", DEVICE_CONSOLE, S_IFCHR | 0600, 5, 1)                                         \
	X("ptmx", DEVICE_PTMX, ANYBODY, 5, 2)

static const struct node nodes[] = {
	[ROOT] = { "", ROOT, DEVICE_NONE, DIRECTORY, 0, 0, 0, 0 },
	[PTS] = { "pts", ROOT, DEVICE_NONE, DIRECTORY, 0, 0, 0, 0 },
	[SHM] = { "shm", ROOT, DEVICE_NONE, S_IFDIR | 01777, 0, 0, 0, 0 },
	[CHAR] = { "char", ROOT, DEVICE_NONE, DIRECTORY, 0, 0, 0, 0 },
#define BY_NAME(name, device, mode, major, minor) { name, ROOT, device, mode, major, minor, 0, 0 },
	DEVICES(BY_NAME)
#undef BY_NAME
#define BY_NUMBER(name, device, mode, major, minor)                                                \
	{ #major ":" #minor, CHAR, device, mode, major, minor, 0, 0 },
		DEVICES(BY_NUMBER)
#undef BY_NUMBER
};

#define TABLE_COUNT (sizeof(nodes) / sizeof(nodes[0]))

static _Atomic uint32_t covered_by[TABLE_COUNT]; /* a mount's number; 0: not covered */

struct node node_at(unsigned int inode)
{
	struct node none = { .mode = 0 };

	if (inode >= PTY_INODE)
		return pty_node(inode - PTY_INODE);
	return inode < TABLE_COUNT ? nodes[inode] : none;
}

unsigned int node_next(unsigned int inode)
{
	uint32_t serial;

	if (inode + 1 < TABLE_COUNT)
		return inode + 1;
	serial = pty_next(inode < PTY_INODE ? 0 : inode - PTY_INODE);
	return serial ? serial + PTY_INODE : 0;
}

unsigned int node_count(void)
{
	unsigned int count = 0;

	for (unsigned int inode = ROOT; inode; inode = node_next(inode))
		count++;
	return count;
}

int64_t node_cover(unsigned int inode, uint32_t mount)
{
	if (inode == ROOT || inode >= TABLE_COUNT || nodes[inode].device)
		return -ENOTDIR;
	covered_by[inode] = mount;
	return 0;
}

uint64_t node_device_number(const struct node *node)
{
	/* Linux's encoding, of numbers below 4096 and 256. */
	return (uint64_t)node->major << 8 | node->minor;
}

static unsigned int find(unsigned int parent, const char *name, size_t length)
{
	for (unsigned int inode = node_next(ROOT); inode; inode = node_next(inode)) {
		struct node node = node_at(inode);

		if (node.mode && node.parent == parent && strlen(node.name) == length &&
		    !memcmp(node.name, name, length))
			return inode;
	}
	return 0;
}

/* One name. The inode, -ENOENT, or -EREMOTE: *covered, or the parent of the mount's root. */
static int64_t step(const struct place *place, unsigned int at, const char *name, size_t length,
		    uint32_t *covered)
{
	unsigned int inode;

	if (length == 1 && name[0] == '.')
		return at;
	if (length == 2 && name[0] == '.' && name[1] == '.') {
		if (at == place->root)
			return at == place->top ? -EREMOTE : (int64_t)at;
		return node_at(at).parent;
	}
	inode = find(at, name, length);
	*covered = inode && inode < TABLE_COUNT ? covered_by[inode] : 0;
	if (*covered)
		return -EREMOTE;
	return inode ? (int64_t)inode : -ENOENT;
}

int64_t node_walk(const struct place *place, const char *path, size_t length, size_t *rest,
		  uint32_t *covered)
{
	bool is_absolute = length && path[0] == '/';
	int64_t at = is_absolute ? place->root : place->base;
	size_t i = 0;

	*covered = 0;
	while (i < length) {
		size_t start;

		while (i < length && path[i] == '/')
			i++;
		start = i;
		while (i < length && path[i] != '/')
			i++;
		/* A slash behind a name, or a further name, wants a directory in front of it. */
		if (!S_ISDIR(node_at((unsigned int)at).mode) && i > 0)
			return -ENOTDIR;
		if (i - start > FILE_NAME_MAX)
			return -ENAMETOOLONG;
		if (i > start)
			at = step(place, (unsigned int)at, path + start, i - start, covered);
		*rest = i;
		if (at < 0)
			return at;
	}
	return node_at((unsigned int)at).mode ? at : -ENOENT;
}
