/*
 * Reads a cached file byte by byte with read(), for the tracer (study/scenarios.json), and says what
 * one costs: the loop with its three instructions included. The file is on tmpfs.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define ROUNDS 2000
#define WARM_UP 100
#define FILE_NAME "/tmp/reader"

static uint64_t instructions(void)
{
	uint64_t count;

	__asm__ volatile("rdinstret %0" : "=r"(count));
	return count;
}

/* Returns how many bytes were not read. */
static __attribute__((noinline)) int read_bytes(int file, int rounds)
{
	char byte;

	for (; rounds; rounds--) {
		__asm__ volatile(".globl study_read\nstudy_read:");
		if (read(file, &byte, 1) != 1)
			break;
	}
	return rounds;
}

int main(void)
{
	int file = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0600), left;
	char content[WARM_UP + ROUNDS] = { 0 };
	uint64_t before;

	if (file < 0 || write(file, content, sizeof(content)) != sizeof(content) ||
	    lseek(file, 0, SEEK_SET) != 0)
		return 1;
	left = read_bytes(file, WARM_UP);
	before = instructions();
	left += read_bytes(file, ROUNDS);
	printf("BENCH c_read_1 %lu\n", (unsigned long)(instructions() - before) / ROUNDS);
	return left != 0;
}
