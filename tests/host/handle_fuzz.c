/* libFuzzer: any sequence of operations on a handle table agrees with a list of what is open. */
#include <stdlib.h>

#include "handles.h"

#define OPEN_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct open {
	s64 handle;
	struct object *object;
};

static void check(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct process process;
	static struct object objects[4];
	static struct open open[OPEN_MAX];
	u32 count = 0;
	s64 closed = 0;

	host_process_init(&process, 1);
	for (u32 i = 0; i < 4; i++)
		objects[i] = (struct object){ .type = TERN_TYPE_MEMOBJ, .references = 1u << 30 };
	for (; size >= 2; size -= 2, data += 2) {
		u32 place = count ? data[1] % count : 0;

		if (data[0] % 3 && count < OPEN_MAX) {
			open[count].object = &objects[data[1] % 4];
			open[count].handle = handle_insert(&process, open[count].object,
							   (u32)data[1] << 3);
			check(open[count].handle > 0);
			count++;
		} else if (count) {
			closed = open[place].handle;
			check(handle_remove(&process, closed) == open[place].object);
			open[place] = open[--count];
		}
		check(!handle_lookup(&process, closed));
		for (u32 i = 0; i < count; i++)
			check(handle_lookup(&process, open[i].handle) == open[i].object);
	}
	while (!handle_table_close(&process, 16))
		;
	handle_table_free(&process);
	host_reclaim();
	check(host_charged == 0);
	return 0;
}
