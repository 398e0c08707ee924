/* A process reaches its own memory and nothing else; whoever tries dies, alone. */
#include "memory.h"

#define SECRET 0x5000000000ul
#define POOR_PAGES 128
#define RICH_PAGES 1024

static const uint64_t addresses[] = {
	0xffffffff80200000ul, /* the kernel's image */
	0xffffffc000000000ul, /* a direct map would be about here, or */
	0xffff800080200000ul, /* here */
	0xffff888000000000ul,
	0x0000800000000000ul, /* not canonical */
	0x7fffffffffffffff,
	0x80200000ul, /* the kernel's physical address */
	0x10000000ul, /* a device's */
	TERN_USER_TOP - 2 * RT_PAGE,
	SECRET, /* another process has something there */
	0,
	UINT64_MAX,
};

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_EXECUTE, ACCESS_COUNT };

static void try_address(uint64_t argument)
{
	uint64_t address = addresses[argument / ACCESS_COUNT];

	switch (argument % ACCESS_COUNT) {
	case ACCESS_READ:
		(void)*(volatile char *)address;
		break;
	case ACCESS_WRITE:
		*(volatile char *)address = 1;
		break;
	default:
		((void (*)(void))address)();
	}
	rt_exit(0);
}

static uint32_t status_of(rt_function *function, uint64_t argument)
{
	struct rt_child child = rt_child(function, argument, PRIORITY, NULL);

	return rt_child_join(&child);
}

void other_addresses_fault(void)
{
	for (uint64_t i = 0; i < RT_COUNT(addresses) * ACCESS_COUNT; i++) {
		uint32_t status = status_of(try_address, i);

		if (status != TERN_STATUS_FAULT)
			rt_printf("  access %d at %lx\n", (int)(i % ACCESS_COUNT),
				  addresses[i / ACCESS_COUNT]);
		CHECK_EQ(status, TERN_STATUS_FAULT);
	}
}

static void try_instruction(uint64_t argument)
{
	switch (argument) {
	case 0:
		__asm__ volatile("csrr t0, sstatus" ::: "t0");
		break;
	case 1:
		__asm__ volatile("csrw satp, zero");
		break;
	case 2:
		__asm__ volatile("sret");
		break;
	case 3:
		__asm__ volatile("sfence.vma");
		break;
	case 4:
		__asm__ volatile("csrsi sstatus, 2");
		break;
	case 5:
		__asm__ volatile("csrr t0, mstatus" ::: "t0");
		break;
	case 6:
		__asm__ volatile("csrw sscratch, zero");
		break;
	default:
		__asm__ volatile(".word 0");
	}
	rt_exit(0);
}

void privileged_instructions_fault(void)
{
	for (uint64_t i = 0; i < 8; i++)
		CHECK_EQ(status_of(try_instruction, i), TERN_STATUS_FAULT);
}

static void try_program(uint64_t argument)
{
	static const uint32_t constant = 1;
	uint32_t data[2] = { 0x00008067, 0x00008067 }; /* ret */

	__asm__ volatile("fence.i" ::: "memory");
	switch (argument) {
	case 0:
		*(volatile uint32_t *)(uintptr_t)try_program = 0;
		break;
	case 1:
		*(volatile uint32_t *)(uintptr_t)&constant = 0;
		break;
	case 2:
		((void (*)(void))(uintptr_t)data)();
		break;
	default:
		((void (*)(void))(uintptr_t)&constant)();
	}
	rt_exit(0);
}

void protection_holds_for_the_program(void)
{
	for (uint64_t i = 0; i < 4; i++)
		CHECK_EQ(status_of(try_program, i), TERN_STATUS_FAULT);
}

void memory_of_others_is_unreachable(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	uint64_t read_secret = 0;
	volatile uint32_t *secret = (volatile uint32_t *)tern_region_map(
		TERN_SELF_PROCESS, memobj, 0, SECRET, RT_PAGE, READ_WRITE | TERN_MAP_FIXED);

	while (addresses[read_secret / ACCESS_COUNT] != SECRET)
		read_secret++;
	*secret = 12345;
	for (uint64_t access = 0; access < ACCESS_COUNT; access++)
		CHECK_EQ(status_of(try_address, read_secret + access), TERN_STATUS_FAULT);
	CHECK_EQ(*secret, 12345);
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, SECRET, RT_PAGE), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
}

/* Uses memory until there is none. */
static void spend(uint64_t use_touch)
{
	tern_handle memobj = tern_memobj_create(0, RICH_PAGES * RT_PAGE);
	tern_result address = tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, RICH_PAGES * RT_PAGE,
					      READ_WRITE);

	for (uint64_t i = 0; i < RICH_PAGES; i++) {
		char *page = (char *)address + i * RT_PAGE;

		if (use_touch && tern_touch(page, 1, 1) == -ENOMEM)
			rt_exit(7);
		*(volatile char *)page = 1;
	}
	rt_exit(0);
}

static uint32_t spend_with_account(uint64_t use_touch)
{
	tern_handle account = tern_account_create(0, POOR_PAGES * RT_PAGE);
	tern_handle process = rt_process(account);
	tern_handle thread = rt_run(process, spend, use_touch, PRIORITY);
	uint32_t status = rt_wait_process(process);

	CHECK(thread > 0);
	CHECK(tern_account_info(account, TERN_ACCOUNT_USED) <= POOR_PAGES * (int64_t)RT_PAGE);
	CHECK_EQ(tern_handle_close(thread), 0);
	CHECK_EQ(tern_handle_close(process), 0);
	CHECK_EQ(tern_handle_close(account), 0);
	return status;
}

void quota_ends_only_its_process(void)
{
	CHECK_EQ(spend_with_account(0), TERN_STATUS_FAULT);
}

void quota_of_touch_is_enomem(void)
{
	CHECK_EQ(spend_with_account(1), 7);
}
