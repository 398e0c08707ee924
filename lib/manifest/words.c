/* Lines and words of the manifest; see the header. */
#include "lib/manifest/words.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* One word from text[at] on into storage[used]. Returns where it ends in the text. */
static size_t take_word(struct line *line, const char *text, size_t at, size_t end, size_t *used)
{
	bool is_quoted = text[at] == '"';

	if (line->count == WORDS_MAX) {
		line->error = "too many words in the line";
		return end;
	}
	line->words[line->count++] = line->storage + *used;
	for (at += is_quoted; at < end; at++) {
		if (is_quoted ? text[at] == '"' : is_blank(text[at]) || text[at] == '#')
			break;
		if (text[at] == '\0' || (!is_quoted && text[at] == '"'))
			line->error = text[at] ? "a quotation mark inside a word" : "a zero byte";
		line->storage[(*used)++] = text[at];
	}
	line->storage[(*used)++] = '\0';
	if (is_quoted && at == end)
		line->error = "a quotation mark is not closed";
	else if (is_quoted && ++at < end && !is_blank(text[at]) && text[at] != '#')
		line->error = "no blank behind a quotation mark";
	return at;
}

/* The words of [at, end), which has no newline. */
static void split(struct line *line, const char *text, size_t at, size_t end)
{
	size_t used = 0;

	line->count = 0;
	line->error = NULL;
	/* A word takes at most one byte more than it has in the text, and a blank separates two. */
	if (end - at >= LINE_MAX_BYTES) {
		line->error = "the line is too long";
		return;
	}
	while (at < end && !line->error) {
		if (is_blank(text[at]))
			at++;
		else if (text[at] == '#')
			break;
		else
			at = take_word(line, text, at, end, &used);
	}
}

bool line_next(struct line *line, const char *text, size_t length, size_t *at)
{
	while (*at < length) {
		const char *newline = memchr(text + *at, '\n', length - *at);
		size_t start = *at, end = newline ? (size_t)(newline - text) : length;

		line->number++;
		*at = end + 1;
		split(line, text, start, end);
		if (line->count || line->error)
			return true;
	}
	return false;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

static unsigned int factor_shift(const char *suffix)
{
	static const char names[] = "KMG";
	const char *name = suffix[0] && !suffix[1] ? strchr(names, suffix[0]) : NULL;

	return name ? 10 * (unsigned int)(name - names + 1) : 0;
}

bool word_number(const char *word, bool suffixes, uint64_t *value)
{
	uint64_t base = word[0] == '0' && word[1] == 'x' ? 16 : 10, number = 0;
	const char *at = base == 16 ? word + 2 : word;
	unsigned int shift;

	if (digit(*at) >= (int)base)
		return false;
	for (; digit(*at) < (int)base; at++) {
		uint64_t next = (uint64_t)digit(*at);

		if (number > (UINT64_MAX - next) / base)
			return false;
		number = number * base + next;
	}
	shift = suffixes ? factor_shift(at) : 0;
	if (*at && !shift)
		return false;
	*value = number << shift;
	return *value >> shift == number;
}

bool word_is_name(const char *word, size_t size)
{
	bool is_good = (word[0] >= 'a' && word[0] <= 'z') || (word[0] >= 'A' && word[0] <= 'Z');

	for (const char *at = word; *at && is_good; at++)
		is_good = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
			  (*at >= '0' && *at <= '9') || *at == '-' || *at == '_';
	return is_good && strlen(word) < size;
}
