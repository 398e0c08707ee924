/* Appends of a megabyte by several writers at once, each through a stream of its own: all whole. */
#include "memstress.h"

#define APPEND_WORDS (APPEND_SIZE / sizeof(uint64_t))

struct writer {
	struct rt_thread thread;
	tern_handle memobj;
	uint64_t round, number;
	uint64_t *words;
};

static uint64_t append_word(uint64_t round, uint64_t writer, uint64_t place)
{
	return (round << 32 | writer << 24 | place) * 0x9e3779b97f4a7c15 + 1;
}

static void append(uint64_t argument)
{
	struct writer *writer = (struct writer *)argument;
	tern_handle stream = tern_stream_create(0, writer->memobj, TERN_STREAM_APPEND);

	for (uint64_t i = 0; i < APPEND_WORDS; i++)
		writer->words[i] = append_word(writer->round, writer->number, i);
	stress_expect("an append", tern_stream_write(stream, writer->words, APPEND_SIZE, 0),
		      APPEND_SIZE);
	tern_handle_close(stream);
}

/* One writer's megabyte, whoever's it is. */
static void check_append(tern_handle memobj, uint64_t at, uint64_t round)
{
	static uint64_t words[RT_PAGE / sizeof(uint64_t)];
	uint64_t writer = APPENDERS;

	for (uint64_t done = 0; done < APPEND_SIZE; done += RT_PAGE) {
		uint64_t place = done / sizeof(uint64_t);

		stress_expect("reading what was appended",
			      tern_memobj_read(memobj, at + done, words, RT_PAGE, 0), RT_PAGE);
		for (uint64_t i = 0; !done && i < APPENDERS; i++)
			if (words[0] == append_word(round, i, 0))
				writer = i;
		for (uint64_t i = 0; i < RT_COUNT(words); i++)
			if (words[i] != append_word(round, writer, place + i)) {
				stress_fail("an appended word", (int64_t)words[i],
					    (int64_t)append_word(round, writer, place + i));
				return;
			}
	}
}

static void append_round(tern_handle memobj, struct writer *writers, uint64_t round)
{
	for (uint64_t i = 0; i < APPENDERS; i++) {
		writers[i].memobj = memobj;
		writers[i].round = round;
		writers[i].number = i;
		rt_thread(&writers[i].thread, append, (uint64_t)&writers[i], 16);
	}
	for (uint64_t i = 0; i < APPENDERS; i++)
		rt_join(&writers[i].thread);
	stress_expect("the length", tern_memobj_info(memobj, TERN_MEMOBJ_LENGTH), LOG_LENGTH);
	for (uint64_t i = 0; i < APPENDERS; i++)
		check_append(memobj, i * APPEND_SIZE, round);
	stress_expect("cutting the log", tern_memobj_set_length(memobj, 0), 0);
}

/* number 0: a paged memobj; 1: an anonymous one. */
void append_actor(uint64_t number)
{
	static struct writer writers[APPENDERS];
	tern_handle memobj = number ? tern_memobj_create(0, 0) : stress->files[LOG_PAGED].memobj;
	uint64_t *words = rt_map(APPENDERS * APPEND_SIZE);

	for (uint64_t i = 0; i < APPENDERS; i++)
		writers[i].words = words + i * APPEND_WORDS;
	for (uint64_t round = 1; !is_over(); round++) {
		append_round(memobj, writers, round);
		atomic_fetch_add(&stress->done[4], 1);
	}
}
