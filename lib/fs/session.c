/* Sessions (who is calling) and open files. Both live in tables; ports carry the index. */
#include <stdlib.h>
#include <string.h>

#include "lib/fs/fs.h"

#define SPARE_OPENS_MAX 64
#define OPENS_MAX (1u << 20) /* so many indices fit into a token */

void fs_give(struct fs_call *call, int64_t handle, uint32_t rights, bool is_copied)
{
	call->is_copied[call->handle_count] = is_copied;
	call->handles[call->handle_count] = handle;
	call->rights[call->handle_count++] = rights;
}

static int session_slot(struct fs *fs, uint32_t *index)
{
	struct fs_session *sessions;
	uint32_t count;

	for (*index = 0; *index < fs->session_count; ++*index)
		if (!fs->sessions[*index].is_used)
			return 0;
	count = fs->session_count ? fs->session_count * 2 : 16;
	sessions = realloc(fs->sessions, count * sizeof(*sessions));
	if (!sessions)
		return -ENOMEM;
	memset(sessions + fs->session_count, 0, (count - fs->session_count) * sizeof(*sessions));
	/* Who remembers a number of an earlier instance does not mean another's session by it. */
	for (uint32_t i = fs->session_count; i < count; i++)
		sessions[i].generation = (uint32_t)fs->transport->random() & 0xffffff;
	fs->sessions = sessions;
	fs->session_count = count;
	return 0;
}

/* The directory that an identity names as its root. */
static struct fs_node *root_of(struct fs *fs, const struct file_identity *identity)
{
	struct fs_open *open;

	if (!identity->root)
		return fs_node_find(fs, fs->root_inode);
	open = fs_open_at(fs, identity->root);
	return open && S_ISDIR(open->node->mode) ? open->node : NULL;
}

/* The session's number; its port's handle for the client goes to call->handles. */
int64_t fs_session_new(struct fs_call *call, const struct file_identity *is)
{
	struct fs *fs = call->fs;
	struct fs_node *root = root_of(fs, is);
	struct fs_session *session;
	struct fs_identity *identity;
	uint32_t index;
	int64_t port, minted;

	if (!root || is->group_count > FILE_GROUPS_MAX)
		return -EINVAL;
	if (session_slot(fs, &index))
		return -ENOMEM;
	session = &fs->sessions[index];
	identity = malloc(sizeof(*identity));
	if (!identity)
		return -ENOMEM;
	*identity = (struct fs_identity){ 1, *is };
	session->generation++;
	port = fs->transport->make_port(fs,
					FS_USERDATA(FS_PORT_SESSION, session->generation, index));
	minted = port < 0 ? port : fs->transport->mint(fs, port);
	if (minted < 0) {
		if (port >= 0)
			fs->transport->close(fs, port);
		free(identity);
		return minted;
	}
	session->is_used = true;
	session->opens = 0;
	session->port = port;
	session->identity = identity;
	session->root = root;
	fs_node_refer(fs, root);
	fs_give(call, minted, FS_PORT_RIGHTS, false);
	return (int64_t)FS_USERDATA(0, session->generation, index);
}

struct fs_session *fs_session_at(struct fs *fs, uint64_t userdata)
{
	uint32_t index = (uint32_t)userdata;
	struct fs_session *session;

	if (index >= fs->session_count)
		return NULL;
	session = &fs->sessions[index];
	if (!session->is_used || (session->generation & 0xffffff) != (userdata >> 32 & 0xffffff))
		return NULL;
	return session;
}

static void leave_open(struct fs *fs, struct fs_open *open)
{
	if (open->is_bare) {
		fs_open_close(fs, open);
	} else {
		fs->sessions[open->session].opens--;
		open->session = UINT32_MAX;
	}
}

/* Open files outlive their session, as descriptors outlive a change of identity. */
void fs_session_end(struct fs *fs, uint32_t index)
{
	struct fs_session *session = &fs->sessions[index];

	fs_locks_drop_session(fs, index);
	for (uint32_t i = 0; session->opens && i < fs->open_count; i++)
		if (fs->opens[i] && fs->opens[i]->session == index)
			leave_open(fs, fs->opens[i]);
	fs->transport->revoke_port(fs, session->port);
	fs_node_release(fs, session->root);
	fs_identity_put(session->identity);
	session->is_used = false;
}

static int open_slot(struct fs *fs, uint32_t *index)
{
	struct fs_open **opens;
	uint32_t count;

	for (*index = fs->open_free; *index < fs->open_count; ++*index)
		if (!fs->opens[*index])
			return 0;
	count = fs->open_count ? fs->open_count * 2 : 64;
	if (count > OPENS_MAX)
		return -ENFILE;
	opens = realloc(fs->opens, count * sizeof(struct fs_open *));
	if (!opens)
		return -ENOMEM;
	memset(opens + fs->open_count, 0, (count - fs->open_count) * sizeof(struct fs_open *));
	fs->opens = opens;
	fs->open_count = count;
	return 0;
}

/* While storage was asked the session may have ended, and another one have its place. */
static int session_may_open(const struct fs_call *call)
{
	const struct fs_session *session;

	if (call->session == UINT32_MAX)
		return 0;
	session = &call->fs->sessions[call->session];
	if (!session->is_used || session->generation != call->session_generation)
		return -EPIPE;
	return session->opens < FS_OPEN_MAX ? 0 : -EMFILE;
}

static struct fs_open *open_alloc(struct fs *fs)
{
	struct fs_open *open = fs->spare_opens;

	if (!open)
		return malloc(sizeof(*open));
	fs->spare_opens = open->next_spare;
	fs->spare_open_count--;
	return open;
}

static void open_free(struct fs *fs, struct fs_open *open)
{
	if (fs->spare_open_count >= SPARE_OPENS_MAX) {
		free(open);
		return;
	}
	open->next_spare = fs->spare_opens;
	fs->spare_opens = open;
	fs->spare_open_count++;
}

void fs_opens_free(struct fs *fs)
{
	while (fs->spare_opens)
		free(open_alloc(fs));
	free(fs->opens);
}

/* An open file; its port's handle for the client goes to call->handles. NULL: call->words[0] is why. */
struct fs_open *fs_open_new(struct fs_call *call, struct fs_node *node, uint32_t flags)
{
	struct fs *fs = call->fs;
	struct fs_open *open = NULL;
	uint32_t index = 0;
	int64_t port = session_may_open(call);

	if (!port)
		port = open_slot(fs, &index);
	if (!port && !(open = open_alloc(fs)))
		port = -ENOMEM;
	if (!port) {
		*open = (struct fs_open){ .token = fs->transport->random() << 20 | index,
					  .index = index,
					  .session = call->session,
					  .flags = flags & ~FILE_BARE,
					  .is_bare = flags & FILE_BARE,
					  .node = node,
					  .identity = call->identity,
					  .root = call->root };
		if (!open->is_bare)
			port = fs_open_port(call, open);
	}
	if (port < 0) {
		if (open)
			open_free(fs, open);
		call->words[0] = (uint64_t)port;
		return NULL;
	}
	fs->opens[index] = open;
	fs->open_free = index + 1;
	call->identity->references++;
	fs_node_refer(fs, node);
	fs_node_refer(fs, call->root);
	node->writers += (flags & FILE_WRITE) != 0;
	node->has_user_writers |= flags & FILE_WRITE && call->identity->is.uid;
	if (call->session != UINT32_MAX)
		fs->sessions[call->session].opens++;
	return open;
}

int64_t fs_open_port(struct fs_call *call, struct fs_open *open)
{
	int64_t port = call->fs->transport->make_port(call->fs, fs_open_userdata(open));

	if (port < 0)
		return port;
	fs_give(call, port, FS_PORT_RIGHTS, false);
	open->is_bare = false;
	return 0;
}

struct fs_open *fs_open_at(struct fs *fs, uint64_t token)
{
	uint32_t index = token & (OPENS_MAX - 1);
	struct fs_open *open = index < fs->open_count ? fs->opens[index] : NULL;

	return open && open->token == token ? open : NULL;
}

uint64_t fs_open_userdata(const struct fs_open *open)
{
	return FS_USERDATA(FS_PORT_OPEN, open->token >> 20, open->index);
}

void fs_open_close(struct fs *fs, struct fs_open *open)
{
	struct fs_node *node = open->node;

	if (open->session != UINT32_MAX)
		fs->sessions[open->session].opens--;
	fs_locks_drop(fs, node, open->token | 1ULL << 63);
	if (open->flags & FILE_WRITE) {
		fs->operations->refresh(fs, node);
		if (--node->writers == 0)
			node->has_user_writers = false;
	}
	fs->opens[open->index] = NULL;
	if (open->index < fs->open_free)
		fs->open_free = open->index;
	fs_identity_put(open->identity);
	fs_node_release(fs, open->root);
	open_free(fs, open);
	fs_node_release(fs, node);
}
