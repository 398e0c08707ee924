/* What the launch test starts: the first argument says what to do; the exit status is the answer. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "tern/ipc.h"
#include "tern/process.h"
#include "tern/start.h"

#define PAGE 4096ul
#define MANY 1024
#define STACK 16384

static __thread int local = 6;

/* One bit for each thing that is as it should be. */
static int look_around(int argc, char **argv)
{
	int64_t info = tern_handle_info(tern_start_handle("port"));
	int seen = 0;

	seen |= argc == 3 && !strcmp(argv[2], "two words") && !argv[3] ? 1 : 0;
	seen |= getenv("COLOUR") && !strcmp(getenv("COLOUR"), "green") ? 2 : 0;
	seen |= local == 6 ? 4 : 0;
	seen |= info >> 16 == TERN_TYPE_PORT && (info & 0xffff) == TERN_RIGHT_NOTIFY ? 8 : 0;
	seen |= tern_process_status(tern_start_handle("self")) == TERN_PROCESS_RUNNING ? 16 : 0;
	seen |= getauxval(AT_PAGESZ) == PAGE && getauxval(AT_RANDOM) ? 32 : 0;
	return seen;
}

static int notify(void)
{
	return tern_notify(tern_start_handle("port"), 0x55) ? 1 : 0;
}

/* tests/system/test_programs.py looks for all of it. */
static int print(void)
{
	if (open("/a/file", O_RDONLY) >= 0)
		return 1;
	printf("a whole line\n");
	fprintf(stderr, "PASS as if the test said so\n");
	printf("and one without an end");
	return 0;
}

static int write_text(void)
{
	*(volatile int *)(uintptr_t)printf = 0;
	return 0;
}

static int run_data(void)
{
	static int data[4];

	((void (*)(void))(uintptr_t)data)();
	return 0;
}

static int overflow(volatile int depth)
{
	volatile char space[1024];

	space[0] = (char)depth;
	return depth < 0 ? 0 : overflow(depth + 1) + space[0];
}

/* As large as the launcher asked for; the pages are not touched before. */
static int use_stack(void)
{
	volatile char space[900 << 10];

	for (size_t i = 0; i < sizeof(space); i += PAGE)
		space[sizeof(space) - 1 - i] = 1;
	return space[sizeof(space) - 1];
}

/* What the account can pay for is not known to malloc: memory is paid for when it is touched. */
static int use_memory(void)
{
	size_t room = 64ul << 20;
	char *at = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < room; i += PAGE)
		if (tern_touch(at + i, PAGE, 1))
			return i > PAGE && tern_touch(at + i, PAGE, 1) == -ENOMEM ? 7 : 2;
	return 3;
}

static sem_t go;

static void *wait_to_go(void *argument)
{
	sem_wait(&go);
	return argument;
}

/* Stacks that are paid for already: so what the account cannot pay is a thread in the kernel. */
static int make_threads(void)
{
	static char stacks[MANY][STACK] __attribute__((aligned(4096)));
	static pthread_t threads[MANY];
	pthread_attr_t attributes;
	int count = 0, error = 0, joined = 0;

	memset(stacks, 1, sizeof(stacks));
	printf("creating threads\n");
	pthread_attr_init(&attributes);
	while (count < MANY && !error) {
		pthread_attr_setstack(&attributes, stacks[count], STACK);
		error = pthread_create(&threads[count], &attributes, wait_to_go, NULL);
		count += !error;
	}
	for (int i = 0; i < count; i++)
		sem_post(&go);
	for (int i = 0; i < count; i++)
		joined += !pthread_join(threads[i], NULL);
	printf("%d threads, then error %d\n", count, error);
	return error == EAGAIN && joined == count && count > 10 ? 7 : 1;
}

/* The server answers with bytes that count up from 0 in each call. */
static int get_random(void)
{
	unsigned char bytes[130];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return 1;
	for (size_t i = 0; i < sizeof(bytes); i++)
		if (bytes[i] != i % 56)
			return 2;
	return 7;
}

static int leave_by_pthread_exit(void)
{
	pthread_exit(NULL);
}

int main(int argc, char **argv)
{
	static int (*const actions[])(
		void) = { notify,    print,      write_text,   run_data,
			  use_stack, use_memory, make_threads, leave_by_pthread_exit };
	static const char *const names[] = { "notify",       "print",       "write-text",
					     "run-data",     "use-stack",   "use-memory",
					     "make-threads", "pthread-exit" };
	const char *action = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(action, names[i]))
			return actions[i]();
	if (!strcmp(action, "get-random"))
		return get_random();
	if (!strcmp(action, "look-around"))
		return look_around(argc, argv);
	if (!strcmp(action, "overflow"))
		return overflow(0);
	if (!strcmp(action, "abort"))
		abort();
	if (!strncmp(action, "exit-", 5))
		exit(atoi(action + 5));
	return 99;
}
