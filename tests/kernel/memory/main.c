/* Regions, faults, isolation, upcalls, floating point, futexes, timers, interrupts, death. */
#include "memory.h"

static uint64_t map(uint64_t length, uint64_t flags)
{
	tern_handle memobj = tern_memobj_create(0, length);
	tern_result address = tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, length, flags);

	CHECK(address > 0);
	tern_handle_close(memobj);
	return (uint64_t)address;
}

#define RW (TERN_MAP_READ | TERN_MAP_WRITE)

static void fresh_memory_is_zero_and_keeps_what_is_written(void)
{
	volatile uint64_t *words = (uint64_t *)map(16 * RT_PAGE, RW);

	for (unsigned int i = 0; i < 16 * RT_PAGE / 8; i += 64) {
		CHECK_EQ(words[i], 0);
		words[i] = i;
	}
	for (unsigned int i = 0; i < 16 * RT_PAGE / 8; i += 64)
		CHECK_EQ(words[i], i);
	rt_unmap((void *)words, 16 * RT_PAGE);
}

static void regions_are_split_and_unmapped(void)
{
	uint64_t start = map(8 * RT_PAGE, RW);
	uint64_t guard;

	memset((void *)start, 1, 8 * RT_PAGE);
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, start + 2 * RT_PAGE, RT_PAGE), 0);
	CHECK_EQ(tern_touch((void *)(start + 2 * RT_PAGE), 1, 0), -EFAULT);
	CHECK_EQ(tern_touch((void *)(start + RT_PAGE), RT_PAGE, 1), 0);
	CHECK_EQ(tern_touch((void *)(start + RT_PAGE), RT_PAGE + 1, 0), -EFAULT);
	CHECK_EQ(((char *)start)[3 * RT_PAGE], 1);
	guard = (uint64_t)tern_region_map(TERN_SELF_PROCESS, 0, 0, start + 2 * RT_PAGE, RT_PAGE,
					  TERN_MAP_GUARD | TERN_MAP_FIXED);
	CHECK_EQ(guard, start + 2 * RT_PAGE);
	CHECK_EQ(tern_touch((void *)guard, 1, 0), -EFAULT);
	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, 0, 0, start, RT_PAGE,
				 TERN_MAP_GUARD | TERN_MAP_FIXED),
		 -EEXIST);
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, start, 8 * RT_PAGE), 0);
	CHECK_EQ(tern_touch((void *)start, 1, 0), -EFAULT);
}

static void protection_is_changed_and_enforced(void)
{
	uint64_t start = map(4 * RT_PAGE, RW);
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	tern_handle readable = tern_handle_duplicate(memobj, TERN_RIGHT_READ);

	memset((void *)start, 7, 4 * RT_PAGE);
	CHECK_EQ(tern_region_protect(TERN_SELF_PROCESS, start + RT_PAGE, RT_PAGE, TERN_MAP_READ),
		 0);
	CHECK_EQ(tern_touch((void *)(start + RT_PAGE), 1, 1), -EFAULT);
	CHECK_EQ(tern_touch((void *)(start + RT_PAGE), 1, 0), 0);
	CHECK_EQ(((char *)start)[RT_PAGE], 7);
	CHECK_EQ(tern_region_protect(TERN_SELF_PROCESS, start, RT_PAGE, RW | TERN_MAP_EXECUTE),
		 -EINVAL);
	CHECK_EQ(tern_region_protect(TERN_SELF_PROCESS, start, 5 * RT_PAGE, TERN_MAP_READ),
		 -EFAULT);
	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, readable, 0, 0, RT_PAGE, RW), -EPERM);
	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, RT_PAGE, RW | TERN_MAP_EXECUTE),
		 -EINVAL);
	rt_unmap((void *)start, 4 * RT_PAGE);
	tern_handle_close(readable);
	tern_handle_close(memobj);
}

static void memory_is_shared_through_a_memobj(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	volatile uint32_t *a = (uint32_t *)tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, RT_PAGE,
							   RW);
	volatile uint32_t *b = (uint32_t *)tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, RT_PAGE,
							   TERN_MAP_READ);

	*a = 4711;
	CHECK_EQ(*b, 4711);
	rt_unmap((void *)a, RT_PAGE);
	rt_unmap((void *)b, RT_PAGE);
	tern_handle_close(memobj);
}

static void physical_memory_has_an_address(void)
{
	tern_handle dma = tern_memobj_create_physical(0, rt_boot->resource, 0, 3 * RT_PAGE,
						      TERN_PHYSICAL_CONTIGUOUS);
	tern_handle plain = tern_memobj_create(0, RT_PAGE);
	tern_result address = tern_memobj_physical_address(rt_boot->resource, dma);

	CHECK(address > 0 && !(address & (4 * (tern_result)RT_PAGE - 1)));
	CHECK_EQ(tern_memobj_physical_address(rt_boot->resource, plain), -EINVAL);
	CHECK_EQ(tern_memobj_create_physical(0, rt_boot->resource, (uint64_t)address, RT_PAGE,
					     TERN_PHYSICAL_DEVICE),
		 -ENODEV);
	tern_handle_close(plain);
	tern_handle_close(dma);
}

/* --------------------------------------------------------------------------------- isolation */

static void child_reads(uint64_t address)
{
	rt_exit((uint32_t) * (volatile uint8_t *)address);
}

static void child_writes(uint64_t address)
{
	*(volatile uint8_t *)address = 1;
	rt_exit(0);
}

static void child_jumps(uint64_t address)
{
	((void (*)(void))address)();
	rt_exit(0);
}

static uint32_t fate_of(rt_function *function, uint64_t argument)
{
	tern_handle process = rt_process(0);
	tern_handle thread = rt_run(process, function, argument, 20);
	uint32_t status = rt_wait_process(process);

	tern_handle_close(thread);
	tern_handle_close(process);
	return status;
}

static void children_cannot_reach_the_kernel_or_each_other(void)
{
	static const uint64_t forbidden[] = { 0,
					      8,
					      0xffffffff80200000,
					      0xffffc00080200000,
					      0xffffffff00001000,
					      0x800000000000,
					      0x7ffffffff000 - 0x100000 };

	for (unsigned int i = 0; i < RT_COUNT(forbidden); i++) {
		CHECK_EQ(fate_of(child_reads, forbidden[i]), TERN_STATUS_FAULT);
		CHECK_EQ(fate_of(child_writes, forbidden[i]), TERN_STATUS_FAULT);
		CHECK_EQ(fate_of(child_jumps, forbidden[i]), TERN_STATUS_FAULT);
	}
	CHECK_EQ(fate_of(child_writes, (uint64_t)child_writes), TERN_STATUS_FAULT);
	CHECK_EQ(fate_of(child_writes, TERN_TIME_PAGE), TERN_STATUS_FAULT);
	CHECK_EQ(fate_of(child_reads, (uint64_t)rt_boot), TERN_STATUS_FAULT);
}

static void child_uses_memory(uint64_t pages)
{
	char *memory = rt_map(pages * RT_PAGE);

	for (uint64_t i = 0; i < pages; i++)
		memory[i * RT_PAGE] = 1;
	rt_exit(0);
}

static void quota_hurts_only_its_process(void)
{
	tern_handle account = tern_account_create(0, 128 * RT_PAGE);
	tern_handle process = rt_process(account);
	tern_handle thread = rt_run(process, child_uses_memory, 200, 20);

	CHECK_EQ(rt_wait_process(process), TERN_STATUS_FAULT);
	tern_handle_close(thread);
	tern_handle_close(process);
	tern_handle_close(account);
	CHECK_EQ(fate_of(child_uses_memory, 200), 0);
}

/* ------------------------------------------------------------------------------------ upcalls */

static uint64_t upcall_stack[256] __attribute__((aligned(16)));
static volatile uint64_t upcall_cause, upcall_value, upcall_word, upcall_count;

void upcall_handle(struct tern_upcall *upcall)
{
	upcall_cause = upcall->cause;
	upcall_value = upcall->value;
	upcall_word = upcall->word;
	upcall_count++;
	if (upcall->cause == TERN_UPCALL_FOREIGN)
		upcall->registers.x[9] = upcall->registers.x[16] * 2; /* a0 = a7 * 2 */
	else if (upcall->cause != TERN_UPCALL_INTERRUPT)
		upcall->registers.pc += 4;
	tern_thread_resume(&upcall->registers);
}

static void upcalls_on(void)
{
	upcall_count = 0;
	CHECK_EQ(tern_thread_set_upcall((uint64_t)upcall_entry,
					(uint64_t)(upcall_stack + RT_COUNT(upcall_stack)), 99),
		 0);
}

static void faults_become_upcalls(void)
{
	upcalls_on();
	fault_load((void *)0x5000000000);
	CHECK_EQ(upcall_cause, TERN_UPCALL_FAULT_READ);
	CHECK_EQ(upcall_value, 0x5000000000);
	CHECK_EQ(upcall_word, 99);
	fault_store((void *)faults_become_upcalls);
	CHECK_EQ(upcall_cause, TERN_UPCALL_FAULT_WRITE);
	fault_illegal();
	CHECK_EQ(upcall_cause, TERN_UPCALL_ILLEGAL);
	CHECK_EQ(upcall_count, 3);
	CHECK_EQ(tern_thread_set_upcall(0, 0, 0), 0);
	CHECK_EQ(tern_thread_set_upcall(0x10000, 0x1001, 0), -EINVAL);
	CHECK_EQ(tern_thread_set_upcall(0xffffffff80200000, 0x20000, 0), -EINVAL);
}

static void foreign_calls_keep_every_register(void)
{
	upcalls_on();
	CHECK_EQ(foreign_call(1234), 2468);
	CHECK_EQ(upcall_cause, TERN_UPCALL_FOREIGN);
	CHECK_EQ(tern_thread_set_upcall(0, 0, 0), 0);
	CHECK_EQ(tern_syscall0(1234), -ENOSYS);
}

static void interrupt_upcall_comes_before_the_next_instruction(void)
{
	CHECK_EQ(tern_thread_interrupt(TERN_SELF_THREAD, TERN_INTERRUPT_UPCALL), -EINVAL);
	upcalls_on();
	CHECK_EQ(tern_thread_interrupt(TERN_SELF_THREAD, TERN_INTERRUPT_UPCALL), 0);
	CHECK_EQ(upcall_count, 1);
	CHECK_EQ(upcall_cause, TERN_UPCALL_INTERRUPT);
	CHECK_EQ(tern_thread_set_upcall(0, 0, 0), 0);
}

static void child_double_faults(uint64_t unused)
{
	(void)unused;
	tern_thread_set_upcall((uint64_t)fault_illegal,
			       (uint64_t)(upcall_stack + RT_COUNT(upcall_stack)), 0);
	fault_load((void *)8);
	rt_exit(0);
}

static void fault_in_an_upcall_kills(void)
{
	CHECK_EQ(fate_of(child_double_faults, 0), TERN_STATUS_FAULT);
}

static const struct test tests[] = {
	{ "fresh_memory_is_zero_and_keeps_what_is_written",
	  fresh_memory_is_zero_and_keeps_what_is_written },
	{ "regions_are_split_and_unmapped", regions_are_split_and_unmapped },
	{ "protection_is_changed_and_enforced", protection_is_changed_and_enforced },
	{ "memory_is_shared_through_a_memobj", memory_is_shared_through_a_memobj },
	{ "physical_memory_has_an_address", physical_memory_has_an_address },
	{ "children_cannot_reach_the_kernel_or_each_other",
	  children_cannot_reach_the_kernel_or_each_other },
	{ "quota_hurts_only_its_process", quota_hurts_only_its_process },
	{ "faults_become_upcalls", faults_become_upcalls },
	{ "foreign_calls_keep_every_register", foreign_calls_keep_every_register },
	{ "interrupt_upcall_comes_before_the_next_instruction",
	  interrupt_upcall_comes_before_the_next_instruction },
	{ "fault_in_an_upcall_kills", fault_in_an_upcall_kills },
	{ "registers_do_not_leak", registers_do_not_leak },
	{ "fp_registers_survive_switches", fp_registers_survive_switches },
	{ "futex_wakes_and_times_out", futex_wakes_and_times_out },
	{ "futex_is_interrupted", futex_is_interrupted },
	{ "timers_notify", timers_notify },
	{ "interrupts_notify_until_acknowledged", interrupts_notify_until_acknowledged },
	{ "deaths_are_notified", deaths_are_notified },
	{ "time_goes_on_without_a_call", time_goes_on_without_a_call },
};

TEST_MAIN(tests)
