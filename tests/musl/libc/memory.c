/* malloc, and the mappings below it. */
#define _GNU_SOURCE
#include "libc.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tern/ipc.h"

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define BLOCKS 64
#define ROUNDS 600
#define THREADS 4
#define FAR ((char *)0x3000000000)

struct block {
	unsigned char *memory;
	size_t length;
	unsigned char byte;
};

static void check_block(const struct block *block)
{
	for (size_t i = 0; i < block->length; i++)
		if (block->memory[i] != block->byte) {
			CHECK_EQ(block->memory[i], block->byte);
			return;
		}
}

static void change_block(struct block *block, uint64_t *state)
{
	size_t length = check_random(state) % (check_random(state) % 16 ? 600 : 200000);
	unsigned char *memory;

	if (block->memory)
		check_block(block);
	if (check_random(state) % 3) {
		memory = realloc(block->memory, length + 1);
		CHECK(memory != NULL);
		block->memory = memory;
		block->length = length < block->length ? length : block->length;
		check_block(block);
		block->length = length;
		block->byte = (unsigned char)check_random(state);
		memset(memory, block->byte, length);
	} else {
		free(block->memory);
		*block = (struct block){ 0 };
	}
}

static void *stress(void *seed)
{
	struct block blocks[BLOCKS] = { 0 };
	uint64_t state = (uint64_t)seed + 1;

	for (int i = 0; i < ROUNDS; i++)
		change_block(&blocks[check_random(&state) % BLOCKS], &state);
	for (int i = 0; i < BLOCKS; i++) {
		check_block(&blocks[i]);
		free(blocks[i].memory);
	}
	return NULL;
}

static void malloc_under_stress(void)
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, stress, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void large_blocks_keep_their_contents(void)
{
	unsigned int *block = malloc(1 << 20);

	for (unsigned int i = 0; i < 1 << 18; i++)
		block[i] = i * 7;
	for (int shift = 21; shift < 24; shift++) {
		block = realloc(block, 1ul << shift);
		CHECK(block != NULL);
	}
	for (unsigned int i = 0; i < 1 << 18; i++)
		if (block[i] != i * 7) {
			CHECK_EQ(block[i], i * 7);
			break;
		}
	free(block);
	block = calloc(1 << 16, 16);
	CHECK(block && !block[0] && !block[1 << 17]);
	free(block);
	CHECK(!malloc(1ul << 50));
	CHECK_EQ(errno, ENOMEM);
}

static void aligned_blocks(void)
{
	for (size_t alignment = 16; alignment <= 1 << 16; alignment *= 4) {
		void *block = aligned_alloc(alignment, alignment * 2);

		CHECK_EQ((uintptr_t)block % alignment, 0);
		free(block);
	}
}

static void fixed_mappings_replace(void)
{
	char *at = mmap(FAR, 4 * PAGE, RW, ANONYMOUS, -1, 0);

	CHECK(at == FAR);
	memset(at, 1, 4 * PAGE);
	CHECK(mmap(at + PAGE, PAGE, RW, ANONYMOUS | MAP_FIXED, -1, 0) == at + PAGE);
	CHECK(at[0] == 1 && at[PAGE] == 0 && at[2 * PAGE - 1] == 0 && at[2 * PAGE] == 1);
	CHECK(mmap(at, PAGE, RW, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED);
	CHECK_EQ(errno, EEXIST);
	CHECK_EQ(munmap(at + 2 * PAGE, PAGE), 0);
	CHECK(at[3 * PAGE] == 1);
	CHECK_EQ(munmap(at, 4 * PAGE), 0);
	CHECK_EQ(tern_touch(at, PAGE, 0), -EFAULT);
}

static void protection_is_enforced(void)
{
	char *at = mmap(NULL, 2 * PAGE, PROT_NONE, ANONYMOUS, -1, 0);

	CHECK_EQ(tern_touch(at, PAGE, 0), -EFAULT);
	CHECK_EQ(mprotect(at, PAGE, RW), 0);
	at[0] = 5;
	CHECK_EQ(mprotect(at, PAGE, PROT_READ), 0);
	CHECK_EQ(tern_touch(at, PAGE, 1), -EFAULT);
	CHECK_EQ(at[0], 5);
	CHECK_EQ(mprotect(at, PAGE, RW | PROT_EXEC), -1);
	CHECK_EQ(errno, EACCES);
	CHECK_EQ(munmap(at + PAGE, PAGE), 0);
	CHECK_EQ(mprotect(at, 2 * PAGE, RW), -1);
	CHECK_EQ(errno, ENOMEM);
	CHECK_EQ(munmap(at, PAGE), 0);
}

static void wrong_mappings_are_refused(void)
{
	CHECK(mmap(NULL, 0, RW, ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	CHECK(mmap(NULL, 1ul << 48, RW, ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	CHECK(mmap(NULL, PAGE, RW, MAP_PRIVATE, 3, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENODEV);
	CHECK(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	CHECK(mmap(NULL, PAGE, RW, ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
	CHECK_EQ(munmap(FAR + 1, PAGE), -1);
	CHECK_EQ(errno, EINVAL);
}

static void mremap_grows_shrinks_and_moves(void)
{
	char *at = mmap(FAR, 2 * PAGE, RW, ANONYMOUS, -1, 0), *moved;

	CHECK(at == FAR);
	at[0] = 1;
	at[PAGE] = 2;
	CHECK(mremap(at, 2 * PAGE, 4 * PAGE, 0) == at);
	at[3 * PAGE] = 4;
	CHECK(mremap(at, 4 * PAGE, PAGE, 0) == at);
	CHECK_EQ(tern_touch(at + PAGE, PAGE, 0), -EFAULT);
	CHECK(mmap(at + PAGE, PAGE, RW, ANONYMOUS | MAP_FIXED, -1, 0) == at + PAGE);
	CHECK(mremap(at, PAGE, 2 * PAGE, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	moved = mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	CHECK(moved != MAP_FAILED && moved != at && moved[0] == 1 && moved[PAGE] == 0);
	CHECK_EQ(tern_touch(at, PAGE, 0), -EFAULT);
	CHECK(mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK_EQ(errno, EFAULT);
	CHECK_EQ(munmap(moved, 2 * PAGE), 0);
	CHECK_EQ(munmap(at + PAGE, PAGE), 0);
}

static void shared_memory_and_advice(void)
{
	char *at = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(at != MAP_FAILED && at[PAGE] == 0);
	at[PAGE] = 9;
	CHECK_EQ(madvise(at, PAGE, MADV_WILLNEED), 0);
	CHECK_EQ(madvise(at, PAGE, MADV_DONTNEED), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(at[PAGE], 9);
	CHECK_EQ(munmap(at, 2 * PAGE), 0);
}

const struct test memory_tests[] = {
	{ "malloc_under_stress", malloc_under_stress },
	{ "large_blocks_keep_their_contents", large_blocks_keep_their_contents },
	{ "aligned_blocks", aligned_blocks },
	{ "fixed_mappings_replace", fixed_mappings_replace },
	{ "protection_is_enforced", protection_is_enforced },
	{ "wrong_mappings_are_refused", wrong_mappings_are_refused },
	{ "mremap_grows_shrinks_and_moves", mremap_grows_shrinks_and_moves },
	{ "shared_memory_and_advice", shared_memory_and_advice },
	{ NULL, NULL },
};
