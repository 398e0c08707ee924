/*
 * Clients of the disk, of pipes and of the terminal, that work while the servers below them are killed.
 * What all files of this program share.
 */
#ifndef SURVIVOR_H
#define SURVIVOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tern/types.h"

/* A client: a thread that works in rounds until `is_over`. */
struct client {
	const char *name;
	void (*work)(struct client *client); /* one round, which ends whatever happens */
	uint64_t random;
	atomic_ulong rounds;
	unsigned number; /* among its kind */
	void *state;
};

extern atomic_bool is_over;

uint64_t random_number(uint64_t *state);

/* Says what is wrong, and ends the program with status 1. */
_Noreturn void fail(const char *who, const char *what, int64_t value);
void require(bool good, const struct client *client, const char *what, int64_t value);

/* files.c */
#define FILE_CLIENTS 3
void files_begin(void);
void file_work(struct client *client); /* appends, synchronises, reads back */
void cold_work(struct client *client); /* reads what the host has written */
void files_check(void);                /* with a new extfs: all that was acknowledged is there */
void files_end(void);                  /* and is deleted */

/* pipes.c */
extern atomic_ulong pipes_broken, pipes_whole;
void pipe_work(struct client *client);

/* terminal.c */
extern atomic_ulong lines_written, bytes_typed;
void terminal_begin(void);
void line_work(struct client *client);
void key_work(struct client *client);

#endif
