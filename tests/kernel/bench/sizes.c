/*
 * What objects cost in memory. bytes_per_... is what a fresh account is charged for SAMPLE of them.
 * So that memory which no account pays for does not stay hidden, more of them are made, and the
 * pages that the machine has lost by that are reported as physical_bytes_per_...: it is higher
 * by the allocator's headers and what does not fit into a slab.
 */
#include "bench.h"

#define SAMPLE 64
#define MANY 1024
#define UNPAID_PARTS 8 /* an eighth more than was charged is the most that may be lost */
#define PATIENCE 1000000
#define LIMIT (32ul << 20)

static struct pair crowd;
static tern_handle host; /* process of the threads */
static tern_handle hosts_listener;

static tern_handle make_port(tern_handle account)
{
	return tern_port_create(account, crowd.listener, 7, 0);
}

static tern_handle make_process(tern_handle account)
{
	return tern_process_create(account);
}

/* Blocked once wait_until_all_block returns. */
static tern_handle make_thread(tern_handle account)
{
	(void)account; /* the host's */
	return tern_thread_create(host, (uint64_t)thread_waits, TERN_USER_TOP,
				  (uint64_t)hosts_listener, 0, PRIORITY);
}

static uint64_t used(tern_handle account)
{
	return (uint64_t)tern_account_info(account, TERN_ACCOUNT_USED);
}

/* Once all that was given up before has been given back. */
static uint64_t free_bytes(void)
{
	uint32_t word = 0;

	while (tern_system_info(TERN_INFO_RECLAIM_PENDING))
		tern_futex_wait(&word, 0, tern_time() + PATIENCE);
	return (uint64_t)tern_system_info(TERN_INFO_FREE_PAGES) * RT_PAGE;
}

static tern_handle made[MANY];

static void make_more(unsigned int from, unsigned int to, tern_handle (*make)(tern_handle),
		      tern_handle account, const char *name)
{
	for (unsigned int i = from; i < to; i++) {
		made[i] = make(account);
		rt_require(made[i] > 0, name);
	}
	wait_until_all_block();
}

static void close_all(void)
{
	for (unsigned int i = 0; i < MANY; i++)
		tern_handle_close(made[i]);
}

static void bench_size(const char *name, tern_handle (*make)(tern_handle), tern_handle account)
{
	uint64_t used_before = used(account), free_before = free_bytes(), charged, lost;

	make_more(0, SAMPLE, make, account, name);
	report(name, (used(account) - used_before) / SAMPLE);
	make_more(SAMPLE, MANY, make, account, name);
	charged = used(account) - used_before;
	lost = free_before - free_bytes();
	rt_printf("BENCH physical_%s %lu\n", name, lost / MANY);
	rt_require(lost <= charged + charged / UNPAID_PARTS, "memory that no account pays for");
	close_all();
}

/* A handle table never shrinks: from now on it does not grow either. */
static void grow_own_table(void)
{
	make_more(0, MANY, make_port, 0, "handles");
	close_all();
}

static tern_handle account_create(void)
{
	tern_handle account = tern_account_create(0, LIMIT);

	rt_require(account > 0, "an account");
	return account;
}

static void bench_in_fresh_account(const char *name, tern_handle (*make)(tern_handle))
{
	tern_handle account = account_create();

	bench_size(name, make, account);
	rt_require(tern_account_destroy(account) == 0, "destroying an account");
	tern_handle_close(account);
}

/* A thread is charged to the account of its process, so that is made first. */
static void bench_thread_size(void)
{
	tern_handle account = account_create();

	host = rt_process(account);
	rt_require(host > 0, "a process for threads");
	hosts_listener = rt_give(host, crowd.listener);
	/* The page of their code is present and mapped before anything is counted. */
	rt_require(make_thread(account) > 0, "a thread");
	wait_until_all_block();
	bench_size("bytes_per_blocked_thread", make_thread, account);
	rt_require(tern_account_destroy(account) == 0, "destroying an account");
	tern_handle_close(account);
}

void bench_sizes(void)
{
	crowd = pair_create();
	grow_own_table();
	bench_thread_size();
	bench_in_fresh_account("bytes_per_client_port", make_port);
	bench_in_fresh_account("bytes_per_empty_process", make_process);
	pair_close(&crowd);
}
