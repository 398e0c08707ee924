/*
 * A client of the file protocol for host tests: calls go straight to fs_serve, with a transport that
 * only pretends. Include lib/fs's .c files before.
 */
#ifndef TESTS_FILE_CLIENT_H
#define TESTS_FILE_CLIENT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fs/fs.h"

static struct fs file_system;
static uint64_t the_words[8];
static struct fs_call the_call = { .words = the_words };
static const void *in_window;
static void *out_window;
static size_t in_size, out_size;
static int64_t the_time = 1000000000;
static int64_t last_answer, answers, handles_alive, next_handle = 100;
static bool may_park = true, windows_fault, no_handles, is_waited_for = true;

static inline int64_t fake_now(void)
{
	return the_time;
}

static inline uint64_t fake_random(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static inline int64_t fake_read(struct fs_call *call, uint64_t offset, void *buffer, size_t length)
{
	(void)call;
	if (offset + length > in_size)
		return -ERANGE;
	if (windows_fault)
		return -EFAULT;
	memcpy(buffer, (const char *)in_window + offset, length);
	return (int64_t)length;
}

static inline int64_t fake_write(struct fs_call *call, uint64_t offset, const void *buffer,
				 size_t length)
{
	(void)call;
	if (offset + length > out_size)
		return -ERANGE;
	if (windows_fault)
		return -EFAULT;
	memcpy((char *)out_window + offset, buffer, length);
	return (int64_t)length;
}

static inline int64_t fake_make_port(struct fs *fs, uint64_t userdata)
{
	(void)fs;
	(void)userdata;
	if (no_handles)
		return -EMFILE;
	handles_alive++;
	return next_handle++;
}

static inline void fake_close(struct fs *fs, int64_t handle)
{
	(void)fs;
	(void)handle;
	handles_alive--;
}

static inline int64_t fake_mint(struct fs *fs, int64_t port)
{
	return fake_make_port(fs, (uint64_t)port);
}

static inline int64_t fake_park(struct fs_call *call, uint64_t cookie)
{
	(void)cookie;
	return may_park ? fake_make_port(call->fs, 0) : -ECANCELED;
}

static inline bool fake_answer(struct fs *fs, int64_t parked, int64_t result)
{
	fake_close(fs, parked);
	last_answer = result;
	answers++;
	return is_waited_for;
}

static const struct fs_transport fake_transport = {
	fake_now,   fake_random, fake_read, fake_write, fake_make_port,
	fake_close, fake_close,  fake_mint, fake_park,  fake_answer,
};

/* What a request consists of; unset members are what most requests have. */
struct request {
	unsigned op;
	uint32_t flags;
	const char *path, *second;
	const void *data;
	size_t data_size;
	uint64_t token, argument;
	void *out;
	size_t out_size;
	uint64_t userdata; /* 0: the admin's port */
};

#define WAITS INT64_MIN /* the result of a call that was parked */

static inline int64_t file_request(const struct request *request)
{
	size_t length = request->path ? strlen(request->path) : 0;
	size_t second = request->second ? strlen(request->second) : 0;
	char payload[FILE_PATH_MAX * 2 + FILE_DATA_MAX + 64];
	struct fs_call *call = &the_call;

	if (length)
		memcpy(payload, request->path, length);
	if (second)
		memcpy(payload + length, request->second, second);
	if (request->data_size)
		memcpy(payload + length + second, request->data, request->data_size);
	in_window = payload;
	in_size = length + second + request->data_size;
	out_window = request->out;
	out_size = request->out_size;
	call->fs = &file_system;
	call->userdata = request->userdata;
	call->has_windows = in_size > FILE_INLINE || out_size;
	call->words[0] = FILE_WORD(request->op, length, second, request->flags);
	call->words[1] = request->token;
	call->words[2] = request->argument;
	memset(&call->words[3], 0, FILE_INLINE);
	if (in_size <= FILE_INLINE)
		memcpy(&call->words[3], payload, in_size);
	if (!fs_serve(call))
		return WAITS;
	return (int64_t)call->words[0];
}

#define REQUEST(...) file_request(&(struct request){ __VA_ARGS__ })

/* The last answer's bytes, from the registers or the out window. */
static inline const char *answered_bytes(void)
{
	return the_call.out_length <= FILE_INLINE ? (char *)&the_call.words[3] : out_window;
}

struct opened {
	uint64_t token, userdata, size, inode;
	bool is_created;
	int64_t result, handle;
};

/* Opens through the port `from`; the handles that were given are counted as closed. */
static inline struct opened open_from(uint64_t from, const char *path, uint32_t flags,
				      uint32_t mode)
{
	struct opened opened = { 0 };
	struct fs_open *open;

	opened.result = REQUEST(.op = FILE_OPEN, .flags = flags, .path = path, .argument = mode,
				.userdata = from);
	if (opened.result < 0)
		return opened;
	opened.token = the_call.words[1];
	opened.size = the_call.words[2];
	opened.inode = the_call.words[3];
	opened.is_created = the_call.words[4] & FILE_OPENED_CREATED;
	opened.handle = the_call.handle_count > 1 ? the_call.handles[1] : 0;
	handles_alive -= the_call.handle_count;
	open = fs_open_at(&file_system, opened.token);
	opened.userdata = fs_open_userdata(open);
	return opened;
}

static inline struct opened open_path(const char *path, uint32_t flags, uint32_t mode)
{
	return open_from(0, path, flags, mode);
}

static inline void close_opened(const struct opened *opened)
{
	fs_no_clients(&file_system, opened->userdata);
}

/* A session; returns its port's userdata. */
static inline uint64_t open_session(uint32_t uid, uint32_t gid, uint32_t umask)
{
	struct file_identity identity = { .uid = uid, .gid = gid, .umask = umask, .pid = uid };
	int64_t result = REQUEST(.op = FILE_SESSION, .data = &identity,
				 .data_size = sizeof(identity), .argument = sizeof(identity));

	if (result)
		return 0;
	handles_alive--;
	return the_call.words[1] | (uint64_t)FS_PORT_SESSION << 56;
}

static inline int64_t stat_path(const char *path)
{
	return REQUEST(.op = FILE_STAT, .path = path, .flags = FILE_NOFOLLOW);
}

static inline int64_t make_directory(const char *path)
{
	return REQUEST(.op = FILE_MKDIR, .path = path, .argument = 0755);
}

static inline int64_t make_file(const char *path)
{
	struct opened opened = open_path(path, FILE_CREATE | FILE_EXCLUSIVE | FILE_WRITE, 0644);

	if (opened.result >= 0)
		close_opened(&opened);
	return opened.result < 0 ? opened.result : 0;
}

static inline int64_t remove_file(const char *path)
{
	return REQUEST(.op = FILE_UNLINK, .path = path);
}

static inline int64_t remove_directory(const char *path)
{
	return REQUEST(.op = FILE_UNLINK, .path = path, .flags = FILE_DIRECTORY);
}

static inline int64_t rename_path(const char *from, const char *to, uint32_t flags)
{
	return REQUEST(.op = FILE_RENAME, .path = from, .second = to, .flags = flags);
}

/* How many entries a directory has, "." and ".." not counted; `batch` bytes at a time. */
static inline int64_t count_entries(const char *path, size_t batch)
{
	struct opened opened = open_path(path, FILE_READ | FILE_DIRECTORY, 0);
	uint64_t cookie = 0, size = batch;
	int64_t count = -2, result;
	char buffer[FS_OUT_MAX];

	if (opened.result < 0)
		return opened.result;
	while ((result = REQUEST(.op = FILE_READDIR, .token = opened.token, .argument = cookie,
				 .data = &size, .data_size = 8, .out = buffer, .out_size = batch)) >
	       0) {
		cookie = the_call.words[1];
		for (int64_t at = 0; at < result; count++)
			at += ((struct file_entry *)(buffer + at))->length;
	}
	close_opened(&opened);
	return result < 0 ? result : count;
}

#endif
