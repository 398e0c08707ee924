/* The file protocol over the tree. */
#include "devfs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fs/pack.h"
#include "lib/server/file.h"
#include "pty.h"
#include "tern/event.h"
#include "tern/handle.h"

#define TMPFS_MAGIC 0x01021994
#define DEVPTS_MAGIC 0x1cd1
#define BLOCK 4096
#define OUT_MAX 4096

/* A request, decoded. */
struct request {
	unsigned int operation;
	uint32_t flags;
	uint64_t argument;
	size_t length; /* of the path */
	char path[FILE_PATH_MAX];
	unsigned char data[sizeof(struct file_identity)]; /* what followed the strings */
	struct view view;
};

static size_t data_size(unsigned int operation, const uint64_t *words)
{
	if (operation == FILE_SESSION)
		return words[2];
	return operation == FILE_READDIR ? sizeof(uint64_t) : 0;
}

static int decode(const struct server_call *call, struct request *request)
{
	const uint64_t *words = call->message.words;
	size_t second = FILE_WORD_SECOND(words[0]), size, total;
	int error;

	request->operation = FILE_WORD_OPERATION(words[0]);
	request->flags = FILE_WORD_FLAGS(words[0]);
	request->argument = words[2];
	request->length = FILE_WORD_LENGTH(words[0]);
	size = data_size(request->operation, words);
	if (request->length >= FILE_PATH_MAX || second >= FILE_PATH_MAX)
		return -ENAMETOOLONG;
	if (size > sizeof(request->data))
		return -EINVAL;
	memset(request->data, 0, sizeof(request->data));
	total = request->length + second + size;
	error = file_payload(call, total, 0, request->path, request->length);
	if (!error)
		error = file_payload(call, total, request->length + second, request->data, size);
	return error;
}

/* The node that the path means. A path out of the tree is answered with what remains of it. */
static int64_t locate(struct server_call *call, struct request *request)
{
	uint32_t covered;
	size_t rest = 0;
	int64_t inode = node_walk(&request->view.place, request->path, request->length, &rest,
				  &covered);

	if (inode > 0 && request->flags & FILE_DIRECTORY && node_at((unsigned int)inode).device)
		return -ENOTDIR;
	if (inode != -EREMOTE)
		return inode;
	return file_answer_redirect(call, covered, request->path + rest, request->length - rest);
}

static bool is_member(const struct file_identity *identity, uint32_t gid)
{
	bool result = identity->gid == gid;

	for (uint32_t i = 0; i < identity->group_count && i < FILE_GROUPS_MAX; i++)
		result |= identity->groups[i] == gid;
	return result;
}

/* `wanted`: 4 read, 2 write, 1 search. */
static int64_t may(const struct request *request, const struct node *node, uint32_t wanted)
{
	const struct file_identity *identity = &request->view.identity;
	uint32_t bits = node->mode & 7;

	if (identity->uid == 0)
		return wanted & 1 && node->device ? -EACCES : 0;
	if (identity->uid == node->uid)
		bits = node->mode >> 6 & 7;
	else if (is_member(identity, node->gid))
		bits = node->mode >> 3 & 7;
	return wanted & ~bits ? -EACCES : 0;
}

/* ---------------------------------------------------------------------------------- operations */

static const struct tern_time_page *const time_page = (const struct tern_time_page *)TERN_TIME_PAGE;

static int64_t do_stat(struct server_call *call, struct request *request)
{
	int64_t inode = locate(call, request);
	struct node node;

	if (inode < 0)
		return inode;
	node = node_at((unsigned int)inode);
	call->message.words[1] = (uint64_t)inode;
	call->message.words[2] = node_device_number(&node);
	call->message.words[3] = node.mode;
	call->message.words[4] = (uint64_t)node.gid << 32 | node.uid;
	for (int i = 5; i < 8; i++) /* nothing has changed since the start */
		call->message.words[i] = time_page->boot_seconds * 1000000000;
	return node.device ? 1 : 2;
}

static int64_t do_access(struct server_call *call, struct request *request)
{
	int64_t inode = locate(call, request);
	struct node node;

	if (inode < 0)
		return inode;
	node = node_at((unsigned int)inode);
	return may(request, &node, request->argument & 7);
}

/* The node has been found and may be opened. */
static int64_t open_node(struct server_call *call, struct request *request, unsigned int inode,
			 const struct node *node)
{
	tern_handle file, device = 0;
	uint64_t token;
	int64_t result;

	if (node->device && !(request->flags & FILE_PATH_ONLY)) {
		device = device_open(inode, node->device, request->flags & (FILE_READ | FILE_WRITE),
				     &request->view.identity);
		if (device < 0)
			return device;
	}
	result = open_create(&request->view, inode, &token, &file);
	if (result < 0) {
		if (device)
			tern_handle_close(device);
		return result;
	}
	server_give(call, file, GIVEN_RIGHTS);
	if (device)
		server_give(call, device, GIVEN_RIGHTS);
	call->message.words[1] = token;
	call->message.words[2] = node_device_number(node);
	call->message.words[3] = inode;
	call->message.words[4] = 0;
	return node->mode;
}

static int64_t do_open(struct server_call *call, struct request *request)
{
	uint32_t wanted = (request->flags & FILE_READ ? 4 : 0) |
			  (request->flags & FILE_WRITE ? 2 : 0);
	int64_t inode = locate(call, request), error;
	struct node node;

	if (inode == -ENOENT && request->flags & FILE_CREATE)
		return -EROFS;
	if (inode < 0)
		return inode;
	if (request->flags & FILE_CREATE && request->flags & FILE_EXCLUSIVE)
		return -EEXIST;
	node = node_at((unsigned int)inode);
	if (!node.device && request->flags & (FILE_WRITE | FILE_CREATE))
		return -EISDIR;
	error = request->flags & FILE_PATH_ONLY ? 0 : may(request, &node, wanted);
	return error ? error : open_node(call, request, (unsigned int)inode, &node);
}

#define COOKIE_END UINT32_MAX

/* What cookie n stands for, and the cookie behind it: `.`, `..`, then the entry with inode n. */
static unsigned int listed(unsigned int directory, uint64_t cookie, struct node *node,
			   uint64_t *next)
{
	unsigned int inode = cookie == 0   ? directory
			     : cookie == 1 ? node_at(directory).parent
					   : (unsigned int)cookie;
	unsigned int after = cookie < 2 ? (unsigned int)cookie + 1 : node_next(inode);

	*next = after ? after : COOKIE_END;
	*node = node_at(inode);
	if (cookie < 2)
		strcpy(node->name, cookie ? ".." : ".");
	else if (node->parent != directory)
		node->mode = 0;
	return inode;
}

static size_t list(unsigned int directory, uint64_t *cookie, char *out, size_t size)
{
	size_t used = 0;

	while (*cookie < COOKIE_END) {
		struct node node;
		uint64_t next;
		unsigned int inode = listed(directory, *cookie, &node, &next);
		size_t length;

		if (node.mode) {
			length = file_entry_pack(out + used, size - used, node.name,
						 strlen(node.name), inode,
						 (uint8_t)(node.mode >> 12), next);
			if (!length)
				break;
			used += length;
		}
		*cookie = next;
	}
	return used;
}

static int64_t do_readdir(struct server_call *call, struct request *request)
{
	char out[OUT_MAX] __attribute__((aligned(8)));
	int64_t inode = locate(call, request);
	uint64_t size, cookie = request->argument;
	size_t used;

	if (inode < 0)
		return inode;
	if (node_at((unsigned int)inode).device)
		return -ENOTDIR;
	memcpy(&size, request->data, sizeof(size));
	used = list((unsigned int)inode, &cookie, out, size < OUT_MAX ? size : OUT_MAX);
	if (!used)
		return cookie < COOKIE_END ? -EINVAL : 0;
	return file_answer_entries(call, out, used, cookie);
}

static int64_t do_statfs(struct server_call *call, struct request *request)
{
	int64_t inode = locate(call, request);

	if (inode < 0)
		return inode;
	memset(&call->message.words[1], 0, 7 * sizeof(uint64_t));
	call->message.words[4] = node_count();
	call->message.words[6] = (uint64_t)FILE_NAME_MAX << 32 | BLOCK;
	call->message.words[7] = request->view.place.top == PTS ? DEVPTS_MAGIC : TMPFS_MAGIC;
	return 0;
}

/* READLINK and the like: the file must be there, and is none of that kind. */
static int64_t do_not_a_link(struct server_call *call, struct request *request)
{
	int64_t inode = locate(call, request);

	return inode < 0 ? inode : -EINVAL;
}

/* Whatever would make a name. */
static int64_t do_make(struct server_call *call, struct request *request)
{
	int64_t inode = locate(call, request);

	return inode == -EREMOTE || inode == -ENOTDIR ? inode : inode > 0 ? -EEXIST : -EROFS;
}

/* Whatever would change something. */
static int64_t do_change(struct server_call *call, struct request *request)
{
	int64_t inode = locate(call, request);

	return inode < 0 ? inode : -EROFS;
}

/* Times are not kept: setting them is allowed and does nothing. */
static int64_t do_nothing(struct server_call *call, struct request *request)
{
	int64_t inode = locate(call, request);

	return inode < 0 ? inode : 0;
}

/* Where a directory is, from the root; no name is longer than what fits into the words. */
static int64_t do_path(struct server_call *call, struct request *request)
{
	int64_t inode = locate(call, request);
	char text[FILE_INLINE], *at = text + sizeof(text);
	struct node node;

	if (inode < 0)
		return inode;
	for (; (unsigned int)inode != request->view.place.root; inode = node.parent) {
		size_t length;

		if (inode == ROOT)
			return -ENOENT;
		node = node_at((unsigned int)inode);
		length = strlen(node.name);
		at -= length + 1;
		at[0] = '/';
		memcpy(at + 1, node.name, length);
	}
	if (at == text + sizeof(text))
		*--at = '/';
	memcpy(&call->message.words[FILE_INLINE_WORD], at, (size_t)(text + sizeof(text) - at));
	return text + sizeof(text) - at;
}

static int64_t do_session(struct server_call *call, struct request *request)
{
	struct file_identity identity;
	tern_handle client;
	int64_t index;

	if (request->argument != sizeof(identity))
		return -EINVAL;
	memcpy(&identity, request->data, sizeof(identity));
	index = session_create(call->message.userdata == ADMIN_PTS ? PTS : ROOT, &identity,
			       &client);
	if (index < 0)
		return index;
	server_give(call, client, GIVEN_RIGHTS);
	call->message.words[1] = (uint64_t)index;
	return 0;
}

static int64_t do_revoke(struct server_call *call, struct request *request)
{
	(void)call;
	return session_revoke(request->argument);
}

static int64_t do_chmod(struct server_call *call, struct request *request)
{
	int64_t inode = locate(call, request);

	if (inode < (int64_t)PTY_INODE)
		return inode < 0 ? inode : -EROFS;
	return pty_change_mode((unsigned int)inode - PTY_INODE, request->view.identity.uid,
			       (uint32_t)request->argument);
}

static int64_t do_chown(struct server_call *call, struct request *request)
{
	int64_t inode = locate(call, request);

	if (inode < (int64_t)PTY_INODE)
		return inode < 0 ? inode : -EROFS;
	return pty_change_owner((unsigned int)inode - PTY_INODE, &request->view.identity,
				(uint32_t)request->argument, (uint32_t)(request->argument >> 32));
}

/* From the tree's own root, whichever mount asks. */
static int64_t do_cover(struct server_call *call, struct request *request)
{
	int64_t inode;

	request->view.place = (struct place){ ROOT, ROOT, ROOT };
	inode = locate(call, request);
	return inode < 0 ? inode : node_cover((unsigned int)inode, (uint32_t)request->argument);
}

static int64_t do_terminal(struct server_call *call, struct request *request)
{
	uint64_t *words = call->message.words;
	int64_t inode = open_inode(request->argument);
	tern_handle handle;

	if (inode < 0)
		return inode;
	handle = device_control_port((unsigned int)inode, &words[1], &words[2]);
	if (handle < 0)
		return handle;
	server_give(call, handle, GIVEN_RIGHTS);
	return 0;
}

typedef int64_t function(struct server_call *call, struct request *request);

static function *const functions[FILE_OPERATION_COUNT] = {
	[FILE_STAT] = do_stat,           [FILE_ACCESS] = do_access,
	[FILE_OPEN] = do_open,           [FILE_MKDIR] = do_make,
	[FILE_MKNOD] = do_make,          [FILE_SYMLINK] = do_make,
	[FILE_LINK] = do_change,         [FILE_RENAME] = do_change,
	[FILE_UNLINK] = do_change,       [FILE_READDIR] = do_readdir,
	[FILE_READLINK] = do_not_a_link, [FILE_TRUNCATE] = do_not_a_link,
	[FILE_CHMOD] = do_chmod,         [FILE_CHOWN] = do_chown,
	[FILE_UTIMES] = do_nothing,      [FILE_STATFS] = do_statfs,
	[FILE_FSYNC] = do_not_a_link,    [FILE_SYNCFS] = do_nothing,
	[FILE_SESSION] = do_session,     [FILE_REVOKE] = do_revoke,
	[FILE_PATH] = do_path,           [FILE_COVER] = do_cover,
	[FILE_TERMINAL] = do_terminal,
};

static bool is_for_admins(unsigned int operation)
{
	return operation == FILE_SESSION || operation == FILE_REVOKE || operation == FILE_COVER ||
	       operation == FILE_TERMINAL;
}

int64_t file_operation(struct server_call *call)
{
	struct request request;
	bool is_admin = PORT_KIND(call->message.userdata) == PORT_ADMIN;
	int64_t error = decode(call, &request);

	if (error)
		return error;
	if (request.operation >= FILE_OPERATION_COUNT || !functions[request.operation])
		return -ENOSYS;
	if (is_admin != is_for_admins(request.operation))
		error = -EACCES;
	else if (!is_admin)
		error = view_of(call->message.userdata, call->message.words[1], &request.view);
	return error ? error : functions[request.operation](call, &request);
}
