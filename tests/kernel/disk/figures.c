/*
 * What reading and writing a disk costs, in instructions per KiB of all that runs; on one hart.
 *
 * Under --icount the counter also counts the time while the hart sleeps. So it never does: a thread of
 * the lowest priority counts its own rounds while the disk is at work, and those are taken off.
 */
#include "disk.h"

#define STEP (16 * RT_PAGE)
#define LENGTH (64 * 1024 * 1024ul)

static struct mirror mirror;

#define ROUND_INSTRUCTIONS 4

static volatile uint64_t idle_rounds;
static volatile uint32_t is_over;

static void idle_body(uint64_t argument)
{
	uint64_t rounds = 0, over;

	(void)argument;
	__asm__ volatile("1: addi %0, %0, 1\n"
			 "   sd %0, (%2)\n"
			 "   lw %1, (%3)\n"
			 "   beqz %1, 1b"
			 : "+r"(rounds), "=&r"(over)
			 : "r"(&idle_rounds), "r"(&is_over)
			 : "memory");
}

/* Instructions so far, without those of the idle thread. */
static uint64_t instructions(void)
{
	return rt_instructions() - idle_rounds * ROUND_INSTRUCTIONS;
}

static void say(const char *name, uint64_t count)
{
	rt_printf("FIGURE %s %lu per KiB\n", name, count / (LENGTH / 1024));
}

static uint64_t read_all(void)
{
	tern_handle stream = tern_stream_create(0, mirror.memory.memobj, 0);
	uint64_t before = instructions();

	for (uint64_t at = 0; at < LENGTH; at += STEP)
		if (tern_stream_read(stream, buffer, STEP, 0) != (int64_t)STEP)
			rt_power_off(1);
	before = instructions() - before;
	tern_handle_close(stream);
	return before;
}

/* Only so much may be dirty at a time. What is counted is the way from dirty pages to the disk. */
#define PORTION (4 * 1024 * 1024ul)

static uint64_t write_all(void)
{
	uint64_t total = 0, before;

	for (uint64_t at = 0; at < LENGTH; at += PORTION) {
		for (uint64_t page = at; page < at + PORTION; page += RT_PAGE)
			tern_memobj_write(mirror.memory.memobj, page, buffer, 1, 0);
		before = instructions();
		if (mirror_clean(&mirror, at / RT_PAGE, PORTION / RT_PAGE))
			rt_power_off(1);
		total += instructions() - before;
	}
	return total;
}

int print_figures(void)
{
	const struct block_info *info = &mirror.disk.info;
	static struct rt_thread idle;
	uint64_t cold, cached;

	rt_thread(&idle, idle_body, 0, 1);
	mirror_open(&mirror, driver_port(DISK_BIG, 1), 8);
	cold = read_all();
	cached = read_all();
	say("read_cold", cold);
	say("read_cached", cached);
	say("disk_to_memobj", cold - cached);
	block_update(&mirror.disk);
	rt_printf("FIGURE operations %lu, in flight %lu hundredths on average\n", info->operations,
		  info->in_flight_sum * 100 / info->operations);
	say("memobj_to_disk", write_all());
	mirror_close(&mirror);
	is_over = 1;
	rt_join(&idle);
	return 0;
}
