/* The file protocol over /proc; see proc.h. */
#include "proc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fs/pack.h"
#include "lib/server/file.h"
#include "proto/file.h"
#include "tern/event.h"
#include "tern/memobj.h"

#define TOKEN (1ul << 62)
#define MAGIC 0x9fa0
#define BLOCK 4096
#define OUT_MAX 4096
#define SELF 1            /* of proc_top */
#define FIRST_PROCESS 256 /* cookies from here on are pids */
#define CLIENT_RIGHTS (TERN_RIGHT_CALL | TERN_RIGHT_COPY | TERN_RIGHT_MOVE)

/* A request, decoded. */
struct request {
	uint32_t flags, session;
	uint64_t base, argument, size;
	size_t length;
	char path[FILE_PATH_MAX];
};

/* Of a port: the session's process, and a node. */
static uint64_t userdata_of(uint32_t session, uint64_t node)
{
	return PORT_USERDATA(PORT_PROC, session, node);
}

static tern_handle make_port(uint64_t userdata)
{
	tern_handle port = tern_port_create(0, server.listener, userdata, 0), client;

	if (port < 0)
		return port;
	client = tern_port_mint(port, CLIENT_RIGHTS);
	tern_handle_close(port);
	return client;
}

tern_handle proc_session(uint32_t pid)
{
	return make_port(userdata_of(pid, PROC_ROOT));
}

static const struct proc_file *file_of(uint64_t node)
{
	return &(PROC_PID(node) ? proc_each : proc_top)[PROC_FILE(node)];
}

/*
 * Descriptors are known to their process alone, whose emu lists them and answers for each before it asks
 * here. To all others the directory is closed.
 */
static bool is_descriptors(uint64_t node)
{
	return PROC_PID(node) && PROC_FILE(node) == PROC_DESCRIPTORS;
}

_Static_assert(POSIX_DESCRIPTORS(5) == (TOKEN | 5ul << 32 | PROC_NODE(5, PROC_DESCRIPTORS)),
	       "the token of a process's own");

/* The links cwd and root, of which the same is true. */
static bool is_place(uint64_t node)
{
	unsigned int file = PROC_FILE(node);

	return PROC_PID(node) && (file == PROC_WORKING || file == PROC_PROCESS_ROOT);
}

static bool is_directory(uint64_t node)
{
	return PROC_FILE(node) == 0 || is_descriptors(node);
}

/* Embryos too: the child may run before its parent has told of it. */
static struct process *process_at(uint64_t node)
{
	return process_find(&table, PROC_PID(node));
}

/* --------------------------------------------------------------------------------------- paths */

static int64_t find_file(uint32_t pid, const char *name, size_t length)
{
	const struct proc_file *files = pid ? proc_each : proc_top;

	for (unsigned int i = 1; files[i].name; i++)
		if (strlen(files[i].name) == length && !memcmp(files[i].name, name, length))
			return (int64_t)PROC_NODE(pid, i);
	return -ENOENT;
}

/* Locked. */
static int64_t find_process(const char *name, size_t length)
{
	uint32_t pid = 0;

	for (size_t i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9' || i > 8 || (!i && name[i] == '0'))
			return -ENOENT;
		pid = pid * 10 + (uint32_t)(name[i] - '0');
	}
	return pid && process_at(PROC_NODE(pid, 0)) ? (int64_t)PROC_NODE(pid, 0) : -ENOENT;
}

static int64_t parent_of(uint64_t node)
{
	if (is_descriptors(node))
		return (int64_t)PROC_NODE(PROC_PID(node), 0);
	return PROC_PID(node) ? (int64_t)PROC_ROOT : -EREMOTE;
}

/* One name. -EREMOTE: it is above the root. Locked. */
static int64_t step(uint64_t node, const char *name, size_t length)
{
	int64_t result;

	if (length == 1 && name[0] == '.')
		return (int64_t)node;
	if (length == 2 && name[0] == '.' && name[1] == '.')
		return parent_of(node);
	if (PROC_PID(node) && !process_at(node))
		return -ENOENT;
	if (is_descriptors(node))
		return -ENOENT;
	result = find_file(PROC_PID(node), name, length);
	return result == -ENOENT && !PROC_PID(node) ? find_process(name, length) : result;
}

/* Where the path leads, from the base on; *rest: what of it is used up. Locked. */
static int64_t walk(const struct request *request, size_t *rest)
{
	const char *path = request->path;
	int64_t node = request->length && path[0] == '/' ? (int64_t)PROC_ROOT
							 : (int64_t)request->base;
	bool is_followed = !(request->flags & FILE_NOFOLLOW);
	size_t at = 0, start;

	while (at < request->length) {
		while (at < request->length && path[at] == '/')
			at++;
		start = at;
		while (at < request->length && path[at] != '/')
			at++;
		if (at == start)
			break;
		if (!is_directory((uint64_t)node))
			return -ENOTDIR;
		node = step((uint64_t)node, path + start, at - start);
		*rest = at;
		if (node < 0)
			return node;
		if (node == (int64_t)PROC_NODE(0, SELF) && (at < request->length || is_followed))
			node = (int64_t)PROC_NODE(request->session, 0);
		else if (is_place((uint64_t)node) && (at < request->length || is_followed))
			return -EACCES;
	}
	return node;
}

static int64_t locate(struct server_call *call, const struct request *request)
{
	size_t rest = 0;
	int64_t node;

	pthread_mutex_lock(&table_lock);
	node = walk(request, &rest);
	if (node >= 0 && PROC_PID((uint64_t)node) && !process_at((uint64_t)node))
		node = -ENOENT;
	pthread_mutex_unlock(&table_lock);
	if (node == -EREMOTE)
		return file_answer_redirect(call, 0, request->path + rest, request->length - rest);
	if (node >= 0 && request->flags & FILE_DIRECTORY && !is_directory((uint64_t)node))
		return -ENOTDIR;
	return node;
}

/* ---------------------------------------------------------------------------------- operations */

static uint64_t owner_of(uint64_t node, uint64_t *since)
{
	const struct tern_time_page *page = (const struct tern_time_page *)TERN_TIME_PAGE;
	const struct process *process;
	uint64_t owner = 0;

	*since = page->boot_seconds * 1000000000;
	pthread_mutex_lock(&table_lock);
	process = PROC_PID(node) ? process_at(node) : NULL;
	if (process) {
		owner = (uint64_t)process->identity.effective_group << 32 |
			process->identity.effective_user;
		*since += process->started;
	}
	pthread_mutex_unlock(&table_lock);
	return owner;
}

static int64_t do_stat(struct server_call *call, const struct request *request)
{
	int64_t node = locate(call, request);
	uint64_t *words = call->message.words;

	if (node < 0)
		return node;
	words[1] = (uint64_t)node + 1;
	words[2] = 0;
	words[3] = file_of((uint64_t)node)->mode;
	words[4] = owner_of((uint64_t)node, &words[5]);
	words[6] = words[7] = words[5];
	return is_directory((uint64_t)node) ? 2 : 1;
}

static int64_t do_access(struct server_call *call, const struct request *request)
{
	int64_t node = locate(call, request);
	uint32_t bits;

	if (node < 0)
		return node;
	bits = file_of((uint64_t)node)->mode & 7;
	if (is_descriptors((uint64_t)node) && PROC_PID((uint64_t)node) == request->session)
		bits = 5;
	return request->argument & 7 & ~(uint64_t)bits ? -EACCES : 0;
}

/* The text, as a memobj that the caller pays for. */
static tern_handle make_memobj(uint64_t node)
{
	struct proc_text *text = malloc(sizeof(*text));
	const struct process *process;
	tern_handle memobj = -ENOMEM;
	tern_result result;

	if (!text)
		return -ENOMEM;
	text->length = 0;
	pthread_mutex_lock(&table_lock);
	process = PROC_PID(node) ? process_at(node) : NULL;
	if (process || !PROC_PID(node))
		file_of(node)->write(text, process);
	pthread_mutex_unlock(&table_lock);
	memobj = tern_memobj_create(0, text->length);
	result = memobj < 0 || !text->length
			 ? 0
			 : tern_memobj_write(memobj, 0, text->bytes, text->length, 0);
	free(text);
	if (result >= 0)
		return memobj;
	tern_handle_close(memobj);
	return result;
}

/* What a regular file is read through. */
static tern_handle make_content(uint64_t node, uint32_t flags)
{
	tern_handle memobj = make_memobj(node), reader, stream;

	if (memobj < 0 || flags & FILE_WITH_MEMOBJ)
		return memobj;
	reader = tern_handle_duplicate(memobj, TERN_RIGHT_READ | TERN_RIGHT_COPY);
	tern_handle_close(memobj);
	if (reader < 0)
		return reader;
	stream = tern_stream_create(0, reader, 0);
	tern_handle_close(reader);
	return stream;
}

static int64_t open_node(struct server_call *call, const struct request *request, uint64_t node)
{
	uint64_t *words = call->message.words;
	tern_handle file, content = 0;
	bool is_regular = S_ISREG(file_of(node)->mode);

	if (is_regular && !(request->flags & FILE_PATH_ONLY)) {
		content = make_content(node, request->flags);
		if (content < 0)
			return content;
	}
	file = make_port(userdata_of(request->session, node));
	if (file < 0) {
		if (content)
			tern_handle_close(content);
		return file;
	}
	server_give(call, file, CLIENT_RIGHTS);
	if (content)
		server_give(call, content, TERN_RIGHT_READ | TERN_RIGHT_COPY | TERN_RIGHT_MOVE);
	words[1] = TOKEN | (uint64_t)request->session << 32 | node;
	words[2] = 0;
	words[3] = node + 1;
	words[4] = 0;
	return file_of(node)->mode;
}

static int64_t do_open(struct server_call *call, const struct request *request)
{
	int64_t node = locate(call, request);

	if (node == -ENOENT && request->flags & FILE_CREATE)
		return -EROFS;
	if (node < 0)
		return node;
	if (request->flags & FILE_CREATE && request->flags & FILE_EXCLUSIVE)
		return -EEXIST;
	if (S_ISLNK(file_of((uint64_t)node)->mode) && !(request->flags & FILE_PATH_ONLY))
		return -ELOOP;
	if (request->flags & FILE_WRITE)
		return is_directory((uint64_t)node) ? -EISDIR : -EACCES;
	if (is_descriptors((uint64_t)node) && PROC_PID((uint64_t)node) != request->session)
		return -EACCES;
	return open_node(call, request, (uint64_t)node);
}

static int64_t do_readlink(struct server_call *call, const struct request *request)
{
	struct request unfollowed = *request;
	int64_t node;

	unfollowed.flags |= FILE_NOFOLLOW;
	node = locate(call, &unfollowed);
	if (node < 0)
		return node;
	if (is_place((uint64_t)node))
		return -EACCES;
	if (node != (int64_t)PROC_NODE(0, SELF))
		return -EINVAL;
	return snprintf((char *)&call->message.words[FILE_INLINE_WORD], FILE_INLINE, "%u",
			request->session);
}

/* ------------------------------------------------------------------------------------- listing */

struct listing {
	char bytes[OUT_MAX] __attribute__((aligned(8)));
	size_t used, size;
};

static bool put_entry(struct listing *list, const char *name, uint64_t node, uint32_t mode,
		      uint64_t next)
{
	size_t length = file_entry_pack(list->bytes + list->used, list->size - list->used, name,
					strlen(name), node + 1, (uint8_t)(mode >> 12), next);

	list->used += length;
	return length;
}

/* Cookie 0 is `.`, 1 is `..`, then file n - 1; at the top processes follow, by pid. False: no room. */
static bool list_files(struct listing *list, uint64_t node, uint64_t *cookie)
{
	const struct proc_file *files = PROC_PID(node) ? proc_each : proc_top;
	uint32_t pid = PROC_PID(node);

	for (unsigned int i = 0; !i || files[i - 1].name; i++) {
		const char *name = i == 1 ? ".." : i ? files[i - 1].name : ".";
		unsigned int file = i < 2 ? 0 : i - 1;

		if (i < *cookie)
			continue;
		if (!put_entry(list, name, PROC_NODE(i == 1 ? 0 : pid, file), files[file].mode,
			       i + 1))
			return false;
		*cookie = i + 1;
	}
	return true;
}

/* Locked. The least pid that is not below `from`; 0: none. */
static uint32_t next_pid(uint32_t from)
{
	uint32_t best = 0;

	PROCESS_FOR_EACH(&table, process)
		if (process->pid >= from && (!best || process->pid < best))
			best = process->pid;
	return best;
}

/* As list_files. */
static bool list_processes(struct listing *list, uint64_t *cookie)
{
	uint32_t pid = *cookie > FIRST_PROCESS ? (uint32_t)(*cookie - FIRST_PROCESS) : 1;
	char name[16];

	pthread_mutex_lock(&table_lock);
	while ((pid = next_pid(pid))) {
		snprintf(name, sizeof(name), "%u", pid);
		if (!put_entry(list, name, PROC_NODE(pid, 0), S_IFDIR, FIRST_PROCESS + pid + 1))
			break;
		*cookie = FIRST_PROCESS + ++pid;
	}
	pthread_mutex_unlock(&table_lock);
	return !pid;
}

static int64_t do_readdir(struct server_call *call, const struct request *request)
{
	int64_t node = locate(call, request);
	struct listing list = { .size = request->size < OUT_MAX ? request->size : OUT_MAX };
	uint64_t cookie = request->argument;
	bool is_all;

	if (node < 0)
		return node;
	if (!is_directory((uint64_t)node))
		return -ENOTDIR;
	if (is_descriptors((uint64_t)node))
		return -EACCES;
	is_all = cookie > FIRST_PROCESS || list_files(&list, (uint64_t)node, &cookie);
	if (is_all && !PROC_PID((uint64_t)node))
		is_all = list_processes(&list, &cookie);
	if (!list.used)
		return is_all ? 0 : -EINVAL;
	return file_answer_entries(call, list.bytes, list.used, cookie);
}

/* -------------------------------------------------------------------------------------- others */

static int64_t do_path(struct server_call *call, const struct request *request)
{
	int64_t node = locate(call, request);
	char *to = (char *)&call->message.words[FILE_INLINE_WORD];
	const char *name;

	if (node < 0)
		return node;
	name = PROC_FILE((uint64_t)node) ? file_of((uint64_t)node)->name : "";
	if (!PROC_PID((uint64_t)node))
		return snprintf(to, FILE_INLINE, "/%s", name);
	return snprintf(to, FILE_INLINE, "/%u%s%s", PROC_PID((uint64_t)node), *name ? "/" : "",
			name);
}

static int64_t do_statfs(struct server_call *call, const struct request *request)
{
	int64_t node = locate(call, request);

	if (node < 0)
		return node;
	memset(&call->message.words[1], 0, 7 * sizeof(uint64_t));
	call->message.words[6] = (uint64_t)FILE_NAME_MAX << 32 | BLOCK;
	call->message.words[7] = MAGIC;
	return 0;
}

static int64_t do_change(struct server_call *call, const struct request *request)
{
	int64_t node = locate(call, request);

	return node < 0 && node != -ENOENT ? node : -EROFS;
}

static int64_t do_nothing(struct server_call *call, const struct request *request)
{
	int64_t node = locate(call, request);

	return node < 0 ? node : 0;
}

static int64_t (*const functions[FILE_OPERATION_COUNT])(struct server_call *call,
							const struct request *request) = {
	[FILE_STAT] = do_stat,         [FILE_ACCESS] = do_access,   [FILE_OPEN] = do_open,
	[FILE_READLINK] = do_readlink, [FILE_READDIR] = do_readdir, [FILE_STATFS] = do_statfs,
	[FILE_PATH] = do_path,         [FILE_MKDIR] = do_change,    [FILE_MKNOD] = do_change,
	[FILE_SYMLINK] = do_change,    [FILE_LINK] = do_change,     [FILE_RENAME] = do_change,
	[FILE_UNLINK] = do_change,     [FILE_CHMOD] = do_change,    [FILE_CHOWN] = do_change,
	[FILE_UTIMES] = do_change,     [FILE_TRUNCATE] = do_change, [FILE_SYNCFS] = do_nothing,
	[FILE_FSYNC] = do_nothing,
};

/* A token that was not given out names a node that is not there, or one that anybody may see. */
static uint64_t base_of(const struct server_call *call)
{
	uint64_t token = call->message.words[1];

	return token ? token & 0xffffffff : PORT_INDEX(call->message.userdata);
}

static int decode(const struct server_call *call, unsigned int operation, struct request *request)
{
	const uint64_t *words = call->message.words;
	size_t size = operation == FILE_READDIR ? sizeof(request->size) : 0;
	size_t second = FILE_WORD_SECOND(words[0]);
	int error;

	request->flags = FILE_WORD_FLAGS(words[0]);
	request->argument = words[2];
	request->length = FILE_WORD_LENGTH(words[0]);
	request->session = (uint32_t)(call->message.userdata >> 32) & 0xffffff;
	request->base = base_of(call);
	request->size = 0;
	if (request->length >= FILE_PATH_MAX || second >= FILE_PATH_MAX)
		return -ENAMETOOLONG;
	if (words[1] && !(words[1] & TOKEN))
		return -EBADF;
	if (PROC_FILE(request->base) >=
	    (PROC_PID(request->base) ? proc_each_count : proc_top_count))
		return -EBADF;
	size += request->length + second;
	error = file_payload(call, size, 0, request->path, request->length);
	if (!error && operation == FILE_READDIR)
		error = file_payload(call, size, request->length + second, &request->size,
				     sizeof(request->size));
	return error;
}

int64_t proc_operation(struct server_call *call)
{
	unsigned int operation = FILE_WORD_OPERATION(call->message.words[0]);
	struct request request;
	int64_t error;

	if (operation >= FILE_OPERATION_COUNT || !functions[operation])
		return -ENOSYS;
	error = decode(call, operation, &request);
	return error ? error : functions[operation](call, &request);
}
