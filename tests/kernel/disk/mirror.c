/* A disk in a memobj, see disk.h. */
#include "disk.h"

static void count_in(struct mirror *mirror)
{
	uint32_t busy = ++mirror->busy, most = mirror->most_busy;

	while (busy > most &&
	       !__atomic_compare_exchange_n((uint32_t *)&mirror->most_busy, &most, busy, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static void fill(struct mirror *mirror, const struct tern_request *request)
{
	int error;

	count_in(mirror);
	error = block_fill(&mirror->memory, request->id, request->first, request->count,
			   request->first * RT_PAGE);
	mirror->busy--;
	mirror->fills++;
	if (!error || error == -ESRCH)
		return;
	mirror->failed++;
	tern_pager_fail(mirror->memory.memobj, request->id, request->first, request->count, EIO);
}

static void filler(uint64_t argument)
{
	struct mirror *mirror = (struct mirror *)argument;
	struct tern_received message = { 0 };
	struct tern_request request;

	for (;;) {
		tern_result event = tern_wait(mirror->listener, &message);

		if (event == -EPIPE || message.userdata == 1)
			break;
		while (tern_pager_fetch(mirror->memory.memobj, &request, 1) > 0)
			fill(mirror, &request);
	}
}

void mirror_open(struct mirror *mirror, tern_handle port, unsigned int fillers)
{
	tern_handle memobj;

	*mirror = (struct mirror){ .fillers = fillers };
	CHECK_EQ(block_open(&mirror->disk, port), 0);
	mirror->size = mirror->disk.info.size;
	mirror->listener = tern_listener_create(0, 16);
	mirror->port = tern_port_create(0, mirror->listener, 0, 0);
	memobj = tern_memobj_create_paged(0, mirror->port, mirror->size, 0);
	rt_require(memobj > 0, "a paged memobj");
	CHECK_EQ(block_attach(&mirror->disk, &mirror->memory, memobj), 0);
	for (unsigned int i = 0; i < fillers; i++)
		rt_thread(&mirror->threads[i], filler, (uint64_t)mirror, 31);
}

void mirror_close(struct mirror *mirror)
{
	block_detach(&mirror->memory);
	tern_listener_destroy(mirror->listener);
	for (unsigned int i = 0; i < mirror->fillers; i++)
		rt_join(&mirror->threads[i]);
	tern_handle_close(mirror->memory.memobj);
	tern_handle_close(mirror->port);
	tern_handle_close(mirror->listener);
	tern_handle_close(mirror->disk.port);
}

int mirror_clean(struct mirror *mirror, uint64_t first, uint64_t count)
{
	struct tern_page_run run = { 0, 0 };
	uint64_t end = first + count;
	int error = 0;

	while (!error && first < end &&
	       tern_memobj_clean_begin(mirror->memory.memobj, first, end - first, &run) > 0) {
		uint64_t offset = run.first * RT_PAGE, length = run.count * RT_PAGE;

		if (length > mirror->size - offset)
			length = mirror->size - offset;
		count_in(mirror);
		error = block_write(&mirror->memory, offset, length, offset);
		mirror->busy--;
		tern_memobj_clean_end(mirror->memory.memobj, run.first, run.count,
				      (uint64_t)-error);
		first = run.first + run.count;
	}
	return error;
}

void mirror_forget(struct mirror *mirror, uint64_t first, uint64_t count)
{
	tern_memobj_evict(mirror->memory.memobj, first, count);
}
