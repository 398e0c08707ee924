/* libFuzzer: the kernel's memory half agrees with byte arrays after any sequence of operations. */
#include "memory_model/large.h"

#define OPERATIONS_MAX 400
#define ARENA 12288 /* pages */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(void (*do_one)(const struct operation *), const uint8_t *data, size_t size)
{
	for (u32 i = 0; i < OPERATIONS_MAX && size >= 4; i++, size -= 4, data += 4)
		do_one(&(struct operation){ data[0], data[1], data[2], data[3] });
}

/* The first byte chooses the model. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_ready;

	if (!is_ready)
		world_init(ARENA);
	is_ready = true;
	if (!size)
		return 0;
	if (*data % 8) {
		model_begin();
		run(model_do, data + 1, size - 1);
		model_end();
	} else {
		large_begin();
		run(large_do, data + 1, size - 1);
		large_end();
	}
	return 0;
}
