/*
 * Files: each client appends to a file of its own, asks for it to be on disk, and notes how much was
 * acknowledged. Nobody here ever sees an error: the disk's driver is all that dies, and extfs makes its
 * requests again.
 */
#include <stdio.h>
#include <string.h>

#include "survivor.h"
#include "tern/start.h"
#include "tests/musl/files/client.h"

#define RECORD_MAX 20000
#define FILE_MAX (1u << 20)
#define COLD_CHUNK 65536

static tern_handle session;

static struct log_file {
	char path[32];
	uint64_t generation, length, acknowledged;
	char bytes[RECORD_MAX], copy[RECORD_MAX];
} files[FILE_CLIENTS];

static uint64_t cold_position;

static char byte_at(uint64_t seed, uint64_t at)
{
	return (char)(seed * 31 + at * 7 + (at >> 9));
}

static uint64_t seed_of(const struct log_file *file)
{
	return (uint64_t)(file - files) + 5 * file->generation;
}

void files_begin(void)
{
	session = new_session(tern_start_handle("files"), 0);
	if (session < 0)
		fail("files", "a session", session);
}

/* Bytes [from, length) are as they were written. */
static void check_bytes(const struct client *client, struct log_file *file, uint64_t from,
			uint64_t length)
{
	struct opened opened = open_file(session, file->path, FILE_READ, 0);

	require(opened.result >= 0, client, "opening to read", opened.result);
	require(opened.size >= length, client, "size", (int64_t)opened.size);
	tern_stream_seek(opened.data, (int64_t)from, TERN_SEEK_SET);
	while (from < length) {
		uint64_t part = length - from < RECORD_MAX ? length - from : RECORD_MAX;
		int64_t count = tern_stream_read(opened.data, file->copy, part, 0);

		require(count == (int64_t)part, client, "reading", count);
		for (uint64_t i = 0; i < part; i++)
			require(file->copy[i] == byte_at(seed_of(file), from + i), client,
				"byte at", (int64_t)(from + i));
		from += part;
	}
	close_file(&opened);
}

/* A file that is long enough goes, and another one begins. */
static void begin_anew(struct client *client, struct log_file *file)
{
	int64_t result = file->length ? do_path(session, FILE_UNLINK, 0, file->path, 0) : 0;

	require(result == 0, client, "unlinking", result);
	file->generation++;
	file->length = file->acknowledged = 0;
	snprintf(file->path, sizeof(file->path), "log-%u-%lu", client->number, file->generation);
}

void file_work(struct client *client)
{
	struct log_file *file = &files[client->number];
	uint64_t length = random_number(&client->random) % RECORD_MAX + 1;
	struct opened opened;
	int64_t result;

	if (!file->length || file->length > FILE_MAX)
		begin_anew(client, file);
	for (uint64_t i = 0; i < length; i++)
		file->bytes[i] = byte_at(seed_of(file), file->length + i);
	opened = open_file(session, file->path, FILE_CREATE | FILE_WRITE | FILE_APPEND, 0600);
	require(opened.result >= 0, client, "opening to write", opened.result);
	tern_stream_seek(opened.data, (int64_t)file->length, TERN_SEEK_SET);
	result = write_all(&opened, file->bytes, length);
	require(result == (int64_t)length, client, "writing", result);
	file->length += length;
	if (random_number(&client->random) % 2) {
		result = do_path(opened.port, FILE_FSYNC, 0, "", 0);
		require(result == 0, client, "fsync", result);
		file->acknowledged = file->length;
	}
	close_file(&opened);
	check_bytes(client, file, file->length - length, file->length);
}

/* The word that the host has put at a place: see tests/system/disks.py. */
static uint64_t word_at(uint64_t offset)
{
	return (offset / 8 + 1) * 0x9e3779b97f4a7c15ul;
}

/* Each part of the file once, so that it comes from the disk. */
void cold_work(struct client *client)
{
	static uint64_t words[COLD_CHUNK / 8];
	struct opened opened = open_file(session, "cold", FILE_READ, 0);
	int64_t count;

	require(opened.result >= 0, client, "opening", opened.result);
	tern_stream_seek(opened.data, (int64_t)cold_position, TERN_SEEK_SET);
	count = tern_stream_read(opened.data, words, sizeof(words), 0);
	require(count == sizeof(words), client, "reading", count);
	for (uint64_t i = 0; i < sizeof(words) / 8; i++)
		require(words[i] == word_at(cold_position + i * 8), client, "word at",
			(int64_t)(cold_position + i * 8));
	cold_position = (cold_position + COLD_CHUNK) % opened.size;
	close_file(&opened);
}

void files_check(void)
{
	struct client nobody = { .name = "after the restart" };

	tern_handle_close(session);
	files_begin();
	for (unsigned i = 0; i < FILE_CLIENTS; i++)
		check_bytes(&nobody, &files[i], 0, files[i].acknowledged);
}

void files_end(void)
{
	for (unsigned i = 0; i < FILE_CLIENTS; i++) {
		do_path(session, FILE_UNLINK, 0, files[i].path, 0);
		files[i].length = files[i].acknowledged = 0;
	}
	do_path(session, FILE_SYNCFS, 0, "", 0);
	tern_handle_close(session);
}
