/* Splits the manifest into lines of words. Private to the parser. */
#ifndef LIB_MANIFEST_WORDS_H
#define LIB_MANIFEST_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS_MAX 20 /* in a line */
#define LINE_MAX_BYTES 512

struct line {
	char storage[LINE_MAX_BYTES];
	const char *words[WORDS_MAX];
	unsigned int count, number;
	const char *error; /* NULL, or what is wrong with it */
};

/*
 * The next line of `text` that has words: separated by blanks, "..." around a word that has some,
 * # starts a comment. Returns false at the end. *at and line->number are 0 at first.
 */
bool line_next(struct line *line, const char *text, size_t length, size_t *at);

/* The whole word as a number, decimal or 0x...; `suffixes`: K, M, G are factors. */
bool word_number(const char *word, bool suffixes, uint64_t *value);

/* Letters, digits, - and _ only, beginning with a letter, and short enough. */
bool word_is_name(const char *word, size_t size);

#endif
