/*
 * Pipes: a round is a pipe, a writer and a reader. What is in a pipe may be lost with its server; but
 * then both ends learn it (-EPIPE), nobody waits for ever, and no byte is wrong.
 */
#include <errno.h>
#include <pthread.h>

#include "proto/pipe.h"
#include "survivor.h"
#include "tern/start.h"

#define ROUND_BYTES 200000
#define PIECE_MAX 6000

atomic_ulong pipes_broken, pipes_whole;

struct writer {
	const struct client *client;
	tern_handle end;
	uint64_t random, done;
	tern_result result;
};

static char byte_at(uint64_t at)
{
	return (char)(at * 13 + (at >> 8));
}

static void *write_bytes(void *argument)
{
	struct writer *writer = argument;
	char bytes[PIECE_MAX];

	while (writer->done < ROUND_BYTES && !is_over) {
		uint64_t length = random_number(&writer->random) % PIECE_MAX + 1;

		for (uint64_t i = 0; i < length; i++)
			bytes[i] = byte_at(writer->done + i);
		writer->result = io_write(writer->end, bytes, length, 0, 0);
		if (writer->result <= 0)
			break;
		writer->done += (uint64_t)writer->result;
	}
	tern_handle_close(writer->end);
	return NULL;
}

/* How many bytes came; *result: what the last read returned. */
static uint64_t read_bytes(struct client *client, tern_handle end, tern_result *result)
{
	char bytes[PIECE_MAX];
	uint64_t done = 0;

	while ((*result = io_read(end, bytes, random_number(&client->random) % PIECE_MAX + 1, 0,
				  0)) > 0) {
		for (uint64_t i = 0; i < (uint64_t)*result; i++)
			require(bytes[i] == byte_at(done + i), client, "byte at",
				(int64_t)(done + i));
		done += (uint64_t)*result;
	}
	return done;
}

void pipe_work(struct client *client)
{
	struct writer writer = { .client = client, .random = client->random + 1 };
	tern_handle ends[2] = { 0, 0 };
	tern_result result = pipe_create(tern_start_handle("pipe"), ends, 0);
	pthread_t thread;
	uint64_t done;

	if (result == -EPIPE)
		return;
	require(result == 0, client, "creating", result);
	writer.end = ends[1];
	require(!pthread_create(&thread, NULL, write_bytes, &writer), client, "a thread", 0);
	done = read_bytes(client, ends[0], &result);
	/* Before the writer's end: it must not be waiting for a reader that has gone. */
	tern_handle_close(ends[0]);
	pthread_join(thread, NULL);
	require(result == 0 || result == -EPIPE, client, "read", result);
	require(writer.result >= 0 || writer.result == -EPIPE, client, "write", writer.result);
	/* An end of file comes behind everything that was written. */
	if (result == 0)
		require(done == writer.done && writer.result >= 0, client, "bytes", (int64_t)done);
	(*(result ? &pipes_broken : &pipes_whole))++;
}
