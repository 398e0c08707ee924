/* Child processes that share memory and a port with the test. */
#include "processes.h"

#define UPCALL_STACK 0x6000000000ul

void family_start(struct family *family, rt_function *function, const struct test_port *port)
{
	family->memory = rt_share(sizeof(struct family_shared));
	family->shared = family->memory.address;
	family->child.process = rt_process(0);
	rt_share_with(&family->memory, family->child.process);
	if (port) {
		family->shared->port = rt_give(family->child.process, port->client);
		family->shared->listener = rt_give(family->child.process, port->listener);
	}
	family->child.thread = rt_run(family->child.process, function,
				      (uint64_t)family->memory.address, PRIORITY);
	rt_require(family->child.thread > 0, "a family");
}

uint32_t family_join(struct family *family)
{
	uint32_t status = rt_child_join(&family->child);

	rt_unshare(&family->memory);
	return status;
}

void family_kill(struct family *family)
{
	CHECK_EQ(tern_process_kill(family->child.process, 99), 0);
	CHECK_EQ(family_join(family), 99);
}

extern char process_upcall[];
void process_upcall_handler(struct tern_upcall *upcall);

void process_upcall_handler(struct tern_upcall *upcall)
{
	struct family_shared *shared = (struct family_shared *)upcall->word;

	shared->cause = upcall->cause;
	shared->upcall_word = upcall->word;
	shared->steps++;
	tern_thread_resume(&upcall->registers);
}

void family_take_upcalls(struct family_shared *shared)
{
	CHECK(tern_region_map(TERN_SELF_PROCESS, 0, 0, UPCALL_STACK, 4 * RT_PAGE,
			      TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_PRIVATE | TERN_MAP_FIXED) >
	      0);
	CHECK_EQ(tern_thread_set_upcall((uint64_t)process_upcall, UPCALL_STACK + 4 * RT_PAGE,
					(uint64_t)shared),
		 0);
}
