/* Reading and writing cached pages through a stream: instructions a call. */
#include "memorybench.h"

#define MIB (1ul << 20)
#define CALLS 100

static char *buffer;
static tern_handle memobj;

/* So many calls of `length` bytes, each behind the last one. */
__attribute__((noinline)) static uint64_t call(tern_handle stream, uint64_t length, bool is_write,
					       uint64_t calls)
{
	uint64_t before;

	rt_require(tern_stream_seek(stream, 0, TERN_SEEK_SET) == 0, "seek");
	before = rt_instructions();
	for (uint64_t i = 0; i < calls; i++) {
		tern_result done;

		STUDY_LABEL(study_stream);
		done = is_write ? tern_stream_write(stream, buffer, length, 0)
				: tern_stream_read(stream, buffer, length, 0);

		rt_require(done == (tern_result)length, "all of it");
	}
	return (rt_instructions() - before) / calls;
}

static void bench(const char *name, uint64_t length, bool is_write)
{
	tern_handle stream = tern_stream_create(0, memobj, 0);
	uint64_t calls = length < MIB ? CALLS : 8;

	call(stream, length, is_write, calls);
	report(name, call(stream, length, is_write, calls));
	tern_handle_close(stream);
}

/* What a call costs that does nothing but find out whose stream it is. */
static void bench_seek(void)
{
	tern_handle stream = tern_stream_create(0, memobj, 0);
	uint64_t before = rt_instructions();

	for (int i = 0; i < CALLS; i++)
		tern_stream_seek(stream, 0, TERN_SEEK_SET);
	report("seek", (rt_instructions() - before) / CALLS);
	tern_handle_close(stream);
}

void bench_streams(void)
{
	uint64_t pages = 8 * MIB >> TERN_PAGE_SHIFT, hundredths;

	memobj = tern_memobj_create(0, 8 * MIB);
	buffer = map(0, MIB >> TERN_PAGE_SHIFT, PRIVATE);
	write_each(buffer, MIB >> TERN_PAGE_SHIFT);
	for (uint64_t i = 0; i < pages; i++)
		tern_memobj_write(memobj, i * RT_PAGE, buffer, RT_PAGE, 0);
	bench_seek();
	bench("read_1", 1, false);
	bench("write_1", 1, true);
	bench("read_4096", 4096, false);
	bench("write_4096", 4096, true);
	bench("read_65536", 65536, false);
	bench("write_65536", 65536, true);
	bench("read_1m", MIB, false);
	bench("write_1m", MIB, true);
	hundredths = 100 * MIB / call(tern_stream_create(0, memobj, 0), MIB, false, 8);
	rt_printf("BENCH read_bytes_per_insn %lu.%lu%lu\n", hundredths / 100, hundredths / 10 % 10,
		  hundredths % 10);
	unmap(buffer, MIB >> TERN_PAGE_SHIFT);
	tern_handle_close(memobj);
}
