/* What every host test needs from the kernel and the architecture around the code it tests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

char host_memory[HOST_MEMORY_SIZE] __attribute__((aligned(1 << 22)));

struct hart harts[MAX_HARTS];
_Atomic u64 idle_harts;
u32 hart_count = 1;
_Thread_local struct hart *host_hart = &harts[0];
u64 host_ipis;
u64 host_now;
u64 host_timer;
bool host_interrupt_pending;

void page_clear(void *page)
{
	memset(page, 0, PAGE_SIZE);
}

void (*host_in_copy)(void);

void page_copy(void *restrict to, const void *restrict from)
{
	void (*hook)(void) = host_in_copy;

	host_in_copy = NULL;
	memcpy(to, from, PAGE_SIZE / 2);
	if (hook)
		hook();
	memcpy((char *)to + PAGE_SIZE / 2, (const char *)from + PAGE_SIZE / 2, PAGE_SIZE / 2);
}

void arch_send_ipi(u32 hart_index)
{
	(void)hart_index;
	__atomic_fetch_add(&host_ipis, 1, __ATOMIC_RELAXED);
}

u64 arch_time(void)
{
	return host_now;
}

void arch_timer_set(u64 nanoseconds)
{
	host_timer = nanoseconds;
}

bool arch_interrupt_pending(void)
{
	return host_interrupt_pending;
}

void hart_set_attention(struct hart *hart, u32 bits)
{
	atomic_fetch_or(&hart->attention, bits);
}

void hart_clear_attention(u32 bits)
{
	atomic_fetch_and(&arch_hart()->attention, ~bits);
}

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	abort();
}

void host_harts(u32 count)
{
	hart_count = count;
	host_interrupt_pending = false;
	for (u32 i = 0; i < MAX_HARTS; i++) {
		harts[i] = (struct hart){ .index = i };
		harts[i].is_online = i < count;
	}
	atomic_store(&idle_harts, 0);
	host_hart = &harts[0];
}
