/* What every host test needs from the kernel and the architecture around the code it tests. */
#include <stdio.h>
#include <stdlib.h>

#include "host.h"

char host_memory[HOST_MEMORY_SIZE] __attribute__((aligned(1 << 22)));

struct hart harts[MAX_HARTS];
_Atomic u64 idle_harts;
u32 hart_count = 1;
_Thread_local struct hart *host_hart = &harts[0];
u64 host_ipis;
u64 host_now;
u64 host_timer;

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
	for (u32 i = 0; i < MAX_HARTS; i++) {
		harts[i] = (struct hart){ .index = i };
		harts[i].is_online = i < count;
	}
	atomic_store(&idle_harts, 0);
	host_hart = &harts[0];
}
