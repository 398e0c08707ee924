/*
 * The stress test's supervisor. Boot options: seconds=N, seed=N, actors=BITS (who takes part, as in the
 * table below), spare=N (pages that are left to what is not there from the start), pinned=N (pages that
 * are taken away beyond all quotas).
 */
#include "memstress.h"

#define PAGER_ACCOUNT_PAGES 64
#define END 1000 /* userdata of ports that tell pagers to end */
#define ENDS 4
#define PATIENCE 240000 /* of 0.5 ms */
#define SPARE_PAGES 300
#define SECONDS 2
#define PIN_BATCH 64
#define PINNED_PAGES 256
#define PINNED_MAX 8192

struct actor {
	const char *name;
	rt_function *function;
	uint64_t number;
	uint64_t pages; /* of memory that it takes */
};

static const struct actor actors[] = {
	{ "worker 0", worker_actor, 0, 60 },
	{ "worker 1", worker_actor, 1, 60 },
	{ "worker 2", worker_actor, 2, 60 },
	{ "private", private_actor, 0, 300 },
	{ "clones", clone_actor, 0, 500 },
	{ "appends, paged", append_actor, 0, 800 },
	{ "appends, anonymous", append_actor, 1, 1600 },
	{ "victims", victim_actor, 0, 150 },
	{ "the poor", poor_actor, 0, 150 },
	{ "bad pagers", unreliable_actor, 0, 60 },
	{ "large pages", large_actor, 0, 6000 },
};

#define ACTORS RT_COUNT(actors)

struct supervisor {
	struct rt_shared shared, disks, ballast;
	tern_handle listeners[2], accounts[2], pagers[2], ends[2 * ENDS];
	tern_handle processes[ACTORS];
	tern_handle device, pinned, pinned_port;
	uint64_t pinned_pages, addresses[PINNED_MAX];
};

static struct supervisor supervisor;

/* ------------------------------------------------------------------------------ setting it up */

static void make_file(uint32_t number, tern_handle listener, uint64_t length, uint8_t *disk,
		      uint64_t disk_length)
{
	struct file *file = &stress->files[number];

	if (number == FILE_ANONYMOUS) {
		file->memobj = tern_memobj_create(0, length);
		return;
	}
	file->port = tern_port_create(0, listener, number, 0);
	file->memobj = tern_memobj_create_paged(0, file->port, length, 0);
	file->disk = disk;
	file->disk_length = disk_length;
	rt_require(file->memobj > 0, "a file");
	tern_memobj_set_limit(file->memobj, disk_length ? disk_length : 1024 * RT_PAGE);
}

static void make_files(void)
{
	uint8_t *disks;

	supervisor.shared = rt_share(sizeof(struct stress));
	stress = supervisor.shared.address;
	supervisor.disks = rt_share(2 * FILE_LENGTH + LOG_LENGTH);
	disks = supervisor.disks.address;
	memset(stress, 0, sizeof(*stress));
	memset(disks, 0, 2 * FILE_LENGTH + LOG_LENGTH);
	stress->seed = rt_option("seed", 1);
	for (int i = 0; i < 2; i++) {
		supervisor.listeners[i] = tern_listener_create(0, 64);
		for (uint64_t j = 0; j < ENDS; j++)
			supervisor.ends[i * ENDS + j] = tern_port_create(0, supervisor.listeners[i],
									 END + j, 0);
	}
	make_file(FILE_ONE, supervisor.listeners[0], FILE_LENGTH, disks, FILE_LENGTH);
	make_file(FILE_TWO, supervisor.listeners[1], FILE_LENGTH, disks + FILE_LENGTH, FILE_LENGTH);
	make_file(FILE_ANONYMOUS, 0, FILE_LENGTH, NULL, 0);
	make_file(LOG_PAGED, supervisor.listeners[1], 0, disks + 2 * FILE_LENGTH, LOG_LENGTH);
	make_file(WASTE, supervisor.listeners[0], 256 * RT_PAGE, NULL, 0);
}

static tern_handle start(rt_function *function, uint64_t number, tern_handle account,
			 unsigned int priority)
{
	tern_handle process = tern_process_fork(account, 0);

	if (process == 0) {
		tern_thread_set_priority(TERN_SELF_THREAD, priority);
		function(number);
		rt_exit(0);
	}
	rt_require(process > 0, "a process of the stress test");
	return process;
}

static void start_pagers(void)
{
	for (int i = 0; i < 2; i++) {
		supervisor.accounts[i] = tern_account_create(0, PAGER_ACCOUNT_PAGES * RT_PAGE);
		rt_require(!tern_account_set_pager(rt_boot->resource, supervisor.accounts[i]),
			   "a pager's account");
		supervisor.pagers[i] = start(pager_actor, (uint64_t)supervisor.listeners[i],
					     supervisor.accounts[i], 24);
	}
}

/* All of the quota but for the pages that are to be left; shared, so that no fork pays for it. */
static void take_ballast(uint64_t left)
{
	uint64_t limit = (uint64_t)tern_account_info(rt_boot->account, TERN_ACCOUNT_LIMIT);
	uint64_t used = (uint64_t)tern_account_info(rt_boot->account, TERN_ACCOUNT_USED);

	rt_require(limit > used + left * RT_PAGE, "memory");
	supervisor.ballast = rt_share((limit - used) / RT_PAGE * RT_PAGE - left * RT_PAGE);
	for (uint64_t at = 0; at < supervisor.ballast.length; at += RT_PAGE)
		((volatile uint8_t *)supervisor.ballast.address)[at] = 1;
}

/* Memory that no quota knows of: pages of a paged memobj, as if devices worked on them. */
static void take_pinned(uint64_t pages)
{
	uint64_t addresses[PIN_BATCH];

	supervisor.pinned_pages = pages / PIN_BATCH * PIN_BATCH;
	supervisor.device = tern_device_create(0, rt_boot->resource, TERN_DEVICE_PINS_MAX);
	supervisor.pinned_port = tern_port_create(0, supervisor.listeners[0], PAGED_COUNT, 0);
	supervisor.pinned = tern_memobj_create_paged(0, supervisor.pinned_port,
						     supervisor.pinned_pages * RT_PAGE, 0);
	for (uint64_t i = 0; i < supervisor.pinned_pages; i += PIN_BATCH) {
		/* Not all of them may be to be had at once, or stay. */
		while (tern_memobj_pin(supervisor.pinned, supervisor.device, i, PIN_BATCH,
				       addresses))
			if (tern_pager_supply(supervisor.pinned, 0, i, PIN_BATCH, NULL,
					      TERN_SUPPLY_ZERO) <= 0)
				test_sleep(100000);
		for (uint64_t j = 0; j < PIN_BATCH; j++)
			supervisor.addresses[i + j] = addresses[j];
	}
}

static void drop_pinned(void)
{
	for (uint64_t i = 0; i < supervisor.pinned_pages; i += PIN_BATCH)
		stress_expect(
			"unpinning",
			tern_memobj_unpin(supervisor.device, &supervisor.addresses[i], PIN_BATCH),
			0);
	tern_handle_close(supervisor.device);
	tern_handle_close(supervisor.pinned);
	tern_handle_close(supervisor.pinned_port);
}

/* ---------------------------------------------------------------------------- and ending it */

static uint32_t count_in_flight(const struct file *file)
{
	static uint8_t states[LOG_LENGTH / RT_PAGE];
	uint32_t count = 0;

	tern_memobj_query(file->memobj, 0, RT_COUNT(states), states);
	for (uint64_t i = 0; i < RT_COUNT(states); i++)
		count += states[i] & TERN_PAGE_IN_FLIGHT ? 1 : 0;
	return count;
}

/* Who is left, and what there is to wait for. */
static void report_hang(const char *name)
{
	rt_printf("  %s hangs; %ld of %ld pages are free, %ld wait; %ld bytes of %ld are charged\n",
		  name, tern_system_info(TERN_INFO_FREE_PAGES),
		  tern_system_info(TERN_INFO_TOTAL_PAGES),
		  tern_system_info(TERN_INFO_RECLAIM_PENDING),
		  tern_account_info(rt_boot->account, TERN_ACCOUNT_USED),
		  tern_account_info(rt_boot->account, TERN_ACCOUNT_LIMIT));
	for (uint64_t type = 1; type < TERN_TYPE_COUNT; type++)
		rt_printf("  %ld objects of type %lu\n",
			  tern_system_info(TERN_INFO_OBJECTS_OF_TYPE + type), type);
	for (uint64_t i = 0; i < ACTORS; i++)
		if (supervisor.processes[i] > 0 &&
		    tern_process_status(supervisor.processes[i]) == TERN_PROCESS_RUNNING)
			rt_printf("  %s is running\n", actors[i].name);
	for (uint32_t i = 0; i < PAGED_COUNT; i++) {
		const struct file *file = &stress->files[i];

		rt_printf("  file %u: %ld bytes, %ld resident, %ld dirty, %u in flight, "
			  "locks: cut %u, disk %u, clean %u\n",
			  i, tern_memobj_info(file->memobj, TERN_MEMOBJ_LENGTH),
			  tern_memobj_info(file->memobj, TERN_MEMOBJ_RESIDENT),
			  tern_memobj_info(file->memobj, TERN_MEMOBJ_DIRTY), count_in_flight(file),
			  file->cut_lock, file->disk_lock, file->clean_lock);
	}
	rt_power_off(1);
}

static void await_process(tern_handle process, const char *name)
{
	for (int i = 0; tern_process_status(process) == TERN_PROCESS_RUNNING; i++) {
		if (i == PATIENCE)
			report_hang(name);
		test_sleep(500000);
	}
	stress_expect(name, tern_process_status(process), 0);
	tern_handle_close(process);
}

/* All that was written is there, also when it comes from the disks. */
static void check_files(void)
{
	for (uint32_t i = 0; i < FILES; i++)
		file_check_whole(i);
	for (uint32_t i = 0; i < FILE_ANONYMOUS; i++) {
		struct file *file = &stress->files[i];

		file_clean_whole(file);
		stress_expect("dirty pages", tern_memobj_info(file->memobj, TERN_MEMOBJ_DIRTY), 0);
		tern_memobj_evict(file->memobj, 0, FILE_PAGES);
		stress_expect("resident pages",
			      tern_memobj_info(file->memobj, TERN_MEMOBJ_RESIDENT), 0);
		file_check_whole(i);
	}
	for (uint32_t i = 0; i < PAGED_COUNT; i++)
		if (stress->files[i].failures && !stress->files[i].errors)
			stress_fail("errors of write-back that were heard of", 0, 1);
}

static void end_pagers(void)
{
	for (int i = 0; i < 2; i++) {
		for (uint64_t j = 0; j < ENDS; j++)
			tern_notify(supervisor.ends[i * ENDS + j], 1);
		await_process(supervisor.pagers[i], "a pager");
		tern_handle_close(supervisor.accounts[i]);
		tern_handle_close(supervisor.listeners[i]);
		for (uint64_t j = 0; j < ENDS; j++)
			tern_handle_close(supervisor.ends[i * ENDS + j]);
	}
	for (uint32_t i = 0; i < PAGED_COUNT; i++) {
		tern_handle_close(stress->files[i].memobj);
		if (stress->files[i].port)
			tern_handle_close(stress->files[i].port);
	}
}

static void print_figures(void)
{
	rt_printf("  served %lu, worked %lu, private %lu, clones %lu, appends %lu, victims %lu, "
		  "poor %lu, bad pagers %lu, large %lu with %lu blocks\n",
		  stress->done[0], stress->done[1], stress->done[2], stress->done[3],
		  stress->done[4], stress->done[5], stress->done[6], stress->done[7],
		  stress->done[8], stress->done[9]);
}

static void run(uint64_t chosen, uint64_t milliseconds)
{
	uint64_t pages = rt_option("spare", SPARE_PAGES), end;

	make_files();
	start_pagers();
	for (uint64_t i = 0; i < ACTORS; i++)
		pages += chosen & 1ul << i ? actors[i].pages : 0;
	take_ballast(pages);
	take_pinned(rt_option("pinned", PINNED_PAGES));
	for (uint64_t i = 0; i < ACTORS; i++)
		if (chosen & 1ul << i)
			supervisor.processes[i] = start(actors[i].function, actors[i].number, 0,
							16);
	end = tern_time() + milliseconds * 1000000;
	while (tern_time() < end && !atomic_load(&stress->failures))
		test_sleep(10000000);
	atomic_store(&stress->stop, 1);
	for (uint64_t i = 0; i < ACTORS; i++)
		if (chosen & 1ul << i)
			await_process(supervisor.processes[i], actors[i].name);
	check_files();
	print_figures();
	CHECK_EQ(atomic_load(&stress->failures), 0);
	end_pagers();
	drop_pinned();
	rt_unshare(&supervisor.ballast);
	rt_unshare(&supervisor.disks);
	rt_unshare(&supervisor.shared);
}

/* All the things that must never happen are looked for by the actors. */
static void memory_stands_everything_at_once(void)
{
	run(rt_option("actors", (1ul << ACTORS) - 1), rt_option("seconds", SECONDS) * 1000);
}

static const struct test tests[] = {
	{ "memory_stands_everything_at_once", memory_stands_everything_at_once },
};

TEST_MAIN(tests)
