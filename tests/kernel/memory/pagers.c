/* Regions whose faults a thread of the same process handles. */
#include "memory.h"

#define PAGES 4
#define SIZE (PAGES * RT_PAGE)
#define READERS 3

static struct test_port port;
static tern_handle memobj;
static volatile uint64_t *window; /* where the pager writes the memobj */
static volatile uint32_t sum, errors;

static volatile uint64_t *word(uint64_t page)
{
	return (volatile uint64_t *)(ELSEWHERE + page * RT_PAGE);
}

/* Nothing may be accessed at ELSEWHERE, and faults there go to the port. */
static void set_up(void)
{
	port = test_port(1, 0);
	memobj = tern_memobj_create(0, SIZE);
	sum = errors = 0;
	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, memobj, 0, ELSEWHERE, SIZE, TERN_MAP_FIXED),
		 ELSEWHERE);
	window = (volatile uint64_t *)tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, SIZE,
						      READ_WRITE);
	CHECK_EQ(tern_region_set_pager(TERN_SELF_PROCESS, ELSEWHERE, SIZE, port.client), 0);
}

static void tear_down(void)
{
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)window, SIZE), 0);
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, ELSEWHERE, SIZE), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
	test_port_close(&port);
}

/* A fault that cannot be resolved: note why, and skip the instruction (a 4-byte load). */
static void note_error(struct tern_upcall *upcall)
{
	errors = errors * 1000 + (uint32_t)upcall->error;
	upcall->registers.pc += 4;
	tern_thread_resume(&upcall->registers);
}

static uint64_t load(const volatile uint64_t *address)
{
	uint64_t value = 0;

	__asm__ volatile(".option push\n.option norvc\nld %0, 0(%1)\n.option pop"
			 : "+r"(value)
			 : "r"(address)
			 : "memory");
	return value;
}

/* Registers, floating-point ones too, are as before when the fault has been handled. */
static void read_pages(uint64_t argument)
{
	upcall_set(note_error);
	rt_fp_load(argument);
	for (uint64_t i = 0; i < PAGES; i++)
		__atomic_fetch_add(&sum, (uint32_t)load(word(i)), __ATOMIC_RELAXED);
	CHECK_EQ(rt_fp_differences(argument), 0);
	upcall_set(NULL);
}

/* Handles faults until `count` pages have been brought in. */
static void serve(uint64_t count)
{
	struct tern_received message = { 0 };
	struct tern_fault fault;
	uint64_t brought = 0;

	while (brought < count) {
		CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
		CHECK_EQ(message.words[0], TERN_NOTIFY_FAULT);
		while (tern_region_fetch_fault(TERN_SELF_PROCESS, &fault) == 1) {
			uint64_t page = (fault.address - ELSEWHERE) / RT_PAGE;

			CHECK_EQ(fault.access, TERN_MAP_READ);
			CHECK_EQ(fault.error, EFAULT);
			if (!window[page * RT_PAGE / 8]) {
				window[page * RT_PAGE / 8] = 10 + page;
				brought++;
			}
			CHECK_EQ(tern_region_protect(TERN_SELF_PROCESS, ELSEWHERE + page * RT_PAGE,
						     RT_PAGE, TERN_MAP_READ),
				 0);
			CHECK_EQ(tern_region_end_fault(TERN_SELF_PROCESS, fault.address, 0), 0);
		}
	}
}

void region_pager_brings_pages(void)
{
	static struct rt_thread readers[READERS];

	set_up();
	for (uint64_t i = 0; i < READERS; i++)
		rt_thread(&readers[i], read_pages, i + 1, PRIORITY);
	serve(PAGES);
	for (uint64_t i = 0; i < READERS; i++) {
		/* Somebody may have faulted again just before the last page's protection. */
		tern_region_end_fault(TERN_SELF_PROCESS, ELSEWHERE + (PAGES - 1) * RT_PAGE, 0);
		rt_join(&readers[i]);
	}
	CHECK_EQ(sum, READERS * (10 + 11 + 12 + 13));
	CHECK_EQ(errors, 0);
	/* The kernel's own accesses do not wait. */
	CHECK_EQ(tern_region_protect(TERN_SELF_PROCESS, ELSEWHERE, SIZE, 0), 0);
	CHECK_EQ(tern_touch((void *)ELSEWHERE, 1, 0), -EFAULT);
	tear_down();
}

static void read_two(uint64_t argument)
{
	(void)argument;
	upcall_set(note_error);
	sum = (uint32_t)(load(word(0)) + load(word(1)));
	upcall_set(NULL);
}

void region_pager_refuses(void)
{
	struct tern_received message = { 0 };
	struct rt_thread reader;
	struct tern_fault fault;

	set_up();
	rt_thread(&reader, read_two, 0, PRIORITY);
	for (uint64_t i = 0; i < 2; i++) {
		CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
		CHECK_EQ(tern_region_fetch_fault(TERN_SELF_PROCESS, &fault), 1);
		CHECK_EQ(fault.address, ELSEWHERE + i * RT_PAGE);
		CHECK_EQ(tern_region_fetch_fault(TERN_SELF_PROCESS, &fault), 0);
		CHECK_EQ(tern_region_end_fault(TERN_SELF_PROCESS, fault.address, i ? ENOSPC : EIO),
			 0);
	}
	rt_join(&reader);
	CHECK_EQ(errors, EIO * 1000 + ENOSPC);
	tear_down();
}

void dead_region_pager_is_eio(void)
{
	struct rt_thread reader;

	set_up();
	CHECK_EQ(tern_port_revoke(port.owner), 0);
	rt_thread(&reader, read_two, 0, PRIORITY);
	rt_join(&reader);
	CHECK_EQ(errors, EIO * 1000 + EIO);
	tear_down();
}

/* And its faults are reported as if there had never been one. */
void removed_region_pager_lets_go(void)
{
	struct rt_thread reader;

	set_up();
	rt_thread(&reader, read_two, 0, PRIORITY);
	test_settle();
	CHECK_EQ(errors, 0);
	CHECK_EQ(tern_region_set_pager(TERN_SELF_PROCESS, ELSEWHERE, SIZE, 0), 0);
	rt_join(&reader);
	CHECK_EQ(errors, EFAULT * 1000 + EFAULT);
	tear_down();
}

void waiting_for_a_region_pager_ends_with_the_thread(void)
{
	struct rt_thread reader;
	struct tern_fault fault;

	set_up();
	rt_thread(&reader, read_two, 0, PRIORITY);
	test_settle();
	CHECK_EQ(tern_thread_kill(reader.handle), 0);
	test_settle();
	CHECK_EQ(tern_region_fetch_fault(TERN_SELF_PROCESS, &fault), 0);
	rt_discard(&reader);
	upcall_set(NULL);
	tear_down();
}
