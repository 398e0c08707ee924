/* The kernel's memory half for tests that are not about it: nothing waits for a page, nobody pages. */
#include "host.h"
#include "kernel/memobj.h"
#include "kernel/page.h"
#include "kernel/pager.h"
#include "kernel/pressure.h"
#include "kernel/resource.h"
#include "kernel/stream.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"

#define WEAK __attribute__((weak))

WEAK struct page *page_frames;

WEAK void pressure_pages_freed(void)
{
}

WEAK void pressure_wake(void)
{
}

WEAK void pager_port_died(struct client_port *port)
{
	(void)port;
}

WEAK void stream_destroy(struct object *object)
{
	(void)object;
}

WEAK int resource_check(s64 handle)
{
	(void)handle;
	return -EPERM;
}

WEAK s64 syscall_again(void)
{
	struct frame *frame = &arch_hart()->current->frame;

	frame->pc -= 4;
	return (s64)frame->result;
}

WEAK void device_destroy(struct object *object)
{
	(void)object;
}

WEAK void memobj_unprepare(struct memobj *memobj, struct page *page)
{
	(void)memobj;
	(void)page;
}

WEAK bool syscall_is_late(void)
{
	return arch_interrupt_pending();
}
