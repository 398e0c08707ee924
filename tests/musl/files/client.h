/* A client of file servers, for tests: short names for calls. */
#ifndef FILES_CLIENT_H
#define FILES_CLIENT_H

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/file.h"
#include "tern/memobj.h"
#include "tests/musl/check.h"

struct opened {
	tern_handle port, data; /* data: a stream or the memobj */
	uint64_t token, size;
	int64_t result;
};

/* One path and an argument; words 1.. of the answer are in *answer. */
static inline int64_t path_call(tern_handle port, unsigned op, uint32_t flags, const char *path,
				uint64_t argument, struct tern_received *answer)
{
	struct file_long_call call = { .op = op,
				       .flags = flags,
				       .length = strlen(path),
				       .payload = path,
				       .payload_length = strlen(path) };

	answer->words[1] = 0;
	answer->words[2] = argument;
	if (call.length <= FILE_INLINE)
		return file_call(port, op, flags, path, call.length, answer);
	return file_call_long(port, &call, answer);
}

static inline int64_t do_path(tern_handle port, unsigned op, uint32_t flags, const char *path,
			      uint64_t argument)
{
	struct tern_received answer = { .words = { 0 } };

	return path_call(port, op, flags, path, argument, &answer);
}

static inline int64_t two_paths(tern_handle port, unsigned op, uint32_t flags, const char *path,
				const char *second)
{
	struct tern_received answer = { .words = { 0 } };
	char payload[2 * FILE_PATH_MAX];
	struct file_long_call call = { .op = op,
				       .flags = flags,
				       .length = strlen(path),
				       .second = strlen(second),
				       .payload = payload };

	call.payload_length = call.length + call.second;
	memcpy(payload, path, call.length);
	memcpy(payload + call.length, second, call.second);
	return file_call_long(port, &call, &answer);
}

static inline struct opened open_file(tern_handle port, const char *path, uint32_t flags,
				      uint32_t mode)
{
	struct tern_received answer = { .words = { 0, 0, mode } };
	struct file_long_call call = { .op = FILE_OPEN,
				       .flags = flags,
				       .length = strlen(path),
				       .payload = path,
				       .payload_length = strlen(path),
				       .accept = 2 };
	struct opened opened = { .result = file_call_long(port, &call, &answer) };

	if (opened.result < 0)
		return opened;
	opened.port = answer.handles[0];
	opened.data = answer.handle_count > 1 ? answer.handles[1] : 0;
	opened.token = answer.words[1];
	opened.size = answer.words[2];
	return opened;
}

static inline void close_file(const struct opened *opened)
{
	if (opened->data)
		tern_handle_close(opened->data);
	tern_handle_close(opened->port);
}

/* Writes all, growing the file where the server must be asked. */
static inline int64_t write_all(const struct opened *opened, const void *bytes, size_t length)
{
	struct tern_received answer = { .words = { 0 } };
	size_t done = 0;

	while (done < length) {
		int64_t result = tern_stream_write(opened->data, (const char *)bytes + done,
						   length - done, 0);

		if (result == -ENOSPC) {
			int64_t at = tern_stream_seek(opened->data, 0, TERN_SEEK_CURRENT);

			result = path_call(opened->port, FILE_GROW, 0, "",
					   (uint64_t)at + length - done, &answer);
			if (result < 0)
				return result;
			continue;
		}
		if (result < 0)
			return result;
		done += (size_t)result;
	}
	return (int64_t)done;
}

/* How many entries; `names`: their bytes, FS-ordered, or NULL. */
static inline int64_t read_directory(const struct opened *opened, uint64_t size)
{
	static char buffer[32768];
	struct tern_received answer = { .words = { 0 } };
	struct file_long_call call = { .op = FILE_READDIR,
				       .payload = &size,
				       .payload_length = sizeof(size),
				       .out = buffer,
				       .out_length = size };
	int64_t result, count = 0;
	uint64_t cookie = 0;

	do {
		answer.words[1] = 0;
		answer.words[2] = cookie;
		result = file_call_long(opened->port, &call, &answer);
		cookie = answer.words[1];
		for (int64_t at = 0; at < result; count++)
			at += ((struct file_entry *)(buffer + at))->length;
	} while (result > 0);
	return result < 0 ? result : count;
}

/* One of several clients: files of its own come to `folder`, and all but each `keep`th go. */
static inline void make_files(tern_handle session, const char *folder, long client, int count,
			      int sync, int keep)
{
	char path[40], other[40];

	for (int i = 0; i < count; i++) {
		struct opened opened;

		snprintf(path, sizeof(path), "%sfile-%ld-%d", folder, client, i);
		snprintf(other, sizeof(other), "%sother-%ld-%d", folder, client, i);
		opened = open_file(session, path, FILE_CREATE | FILE_WRITE, 0600);
		CHECK(opened.result >= 0);
		CHECK_EQ(write_all(&opened, path, sizeof(path)), sizeof(path));
		if (sync && i % sync == 0)
			CHECK_EQ(do_path(opened.port, FILE_FSYNC, 0, "", 0), 0);
		close_file(&opened);
		CHECK_EQ(two_paths(session, FILE_RENAME, 0, path, other), 0);
		if (!keep || i % keep)
			CHECK_EQ(do_path(session, FILE_UNLINK, 0, other, 0), 0);
	}
}

/* Several clients at once, each with its number as the argument. */
static inline void run_clients(void *(*client)(void *))
{
	pthread_t threads[6];

	for (long i = 0; i < 6; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, client, (void *)i), 0);
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
}

/* Words of a request that makes no sense, or a little. Nothing of it waits. */
static inline void make_nonsense(uint64_t *words, uint64_t choice, uint64_t *state)
{
	for (int word = 0; word < 8; word++)
		words[word] = check_random(state) >> (choice >> word * 6 & 63);
	words[0] = FILE_WORD(choice % 40, choice >> 8 & (choice & 1 ? 63 : 0xffff),
			     choice >> 24 & (choice & 2 ? 31 : 0xffff), choice >> 40);
	if (FILE_WORD_OPERATION(words[0]) == FILE_LOCK)
		words[0] &= ~((uint64_t)FILE_WAIT << 40);
}

/* Random words, handles and windows, through a session and the port of a file, which is made. */
static inline void talk_nonsense(tern_handle session)
{
	static const char letters[] = "keep/f.x";
	static char window[4096];
	struct opened file;
	uint64_t state = 4711;

	CHECK_EQ(do_path(session, FILE_MKDIR, 0, "keep", 0755), 0);
	file = open_file(session, "keep/f", FILE_CREATE | FILE_WRITE, 0600);
	for (size_t i = 0; i < sizeof(window); i++)
		window[i] = letters[check_random(&state) % (sizeof(letters) - 1)];
	for (int i = 0; i < 5000; i++) {
		uint64_t choice = check_random(&state), other = check_random(&state);
		struct tern_received message = { .words = { 0 } };
		struct tern_extended extended = {
			.accept_count = 2,
			.handle_count = other % 8 == 0,
			.handles = { { file.port, TERN_RIGHTS_ALL, TERN_SEND_COPY } },
			.in_address = other & 0x700 ? (uint64_t)window + (other >> 16 & 255) : 4096,
			.in_length = choice & 4 ? choice >> 32 & 4095 : 0,
			.out_address = other & 0x7000 ? (uint64_t)window : 4096,
			.out_length = choice & 8 ? choice >> 20 & 4095 : 0,
		};

		make_nonsense(message.words, choice, &state);
		if (tern_call_ext(choice >> 4 & 1 ? file.port : session, &message, &extended) < 0)
			continue;
		for (uint64_t handle = 0; handle < message.handle_count; handle++)
			tern_handle_close(message.handles[handle]);
	}
	close_file(&file);
}

/* A session; a negative error if there is none. */
static inline tern_handle new_session(tern_handle admin, uint32_t uid)
{
	struct file_identity identity = { .uid = uid, .gid = uid, .umask = 022, .pid = uid };
	struct tern_received answer = { .words = { 0, 0, sizeof(identity) } };
	struct file_long_call call = { .op = FILE_SESSION,
				       .payload = &identity,
				       .payload_length = sizeof(identity),
				       .accept = 1 };
	int64_t result = file_call_long(admin, &call, &answer);

	return result < 0 ? result : answer.handles[0];
}

#endif
