/* What each system call takes, as include/tern documents it. */
#include "calls.h"

#define KERNEL 0xffffffff80200000ul
#define HUGE UINT64_MAX
#define PAGE RT_PAGE
#define UART 0x10000000ul /* QEMU's virt machine */
#define RAM 0x80000000ul
#define NO_LINE 5000
#define QUIET_LINE 30  /* nothing is connected to it */
#define CODE 0x10000ul /* where programs are linked */
#define ELSEWHERE 0x3000000000ul

#define OP(name) #name, TERN_OP_##name
#define H(t, r)                                                                                    \
	{                                                                                          \
		.kind = ARGUMENT_HANDLE, .type = TERN_TYPE_##t, .rights = (r)                      \
	}
#define ACCOUNT                                                                                    \
	{                                                                                          \
		.kind = ARGUMENT_ACCOUNT, .type = TERN_TYPE_ACCOUNT, .rights = TERN_RIGHT_CREATE   \
	}
#define PORT_OR_NONE                                                                               \
	{                                                                                          \
		.kind = ARGUMENT_PORT_OR_NONE, .type = TERN_TYPE_PORT, .rights = TERN_RIGHT_NOTIFY \
	}
#define ANY                                                                                        \
	{                                                                                          \
		.kind = ARGUMENT_ANY                                                               \
	}
#define N(value, ...)                                                                              \
	{                                                                                          \
		.kind = ARGUMENT_NUMBER, .right = (value), .wrong = { __VA_ARGS__ }                \
	}
#define READABLE                                                                                   \
	{                                                                                          \
		.kind = ARGUMENT_READABLE                                                          \
	}
#define WRITABLE                                                                                   \
	{                                                                                          \
		.kind = ARGUMENT_WRITABLE                                                          \
	}
#define WORD                                                                                       \
	{                                                                                          \
		.kind = ARGUMENT_WORD                                                              \
	}
#define ANY_HANDLE(r)                                                                              \
	{                                                                                          \
		.kind = ARGUMENT_HANDLE, .type = TERN_TYPE_NONE, .rights = (r)                     \
	}
#define LENGTH N(16, { WINDOW + 1, -ERANGE }, { HUGE, -ERANGE }, { 1ul << 63, -ERANGE })
/* With a buffer these lengths leave user space too. */
#define BUFFER_LENGTH N(16, { WINDOW + 1, -ERANGE }, { HUGE, -EFAULT }, { 1ul << 63, -EFAULT })
#define OFFSET N(0, { WINDOW + 1, -ERANGE }, { WINDOW - 15, -ERANGE }, { HUGE, -ERANGE })
#define RIGHTS N(TERN_RIGHTS_ALL, { TERN_RIGHTS_ALL + 1, -EINVAL }, { HUGE, -EINVAL })
#define RW (TERN_MAP_READ | TERN_MAP_WRITE)

const struct call calls[] = {
	{ OP(call), EXCHANGE | NOT_ALONE, 0, { H(PORT, TERN_RIGHT_CALL) } },
	{ OP(call_ext), EXCHANGE | NOT_ALONE, 0, { H(PORT, TERN_RIGHT_CALL) } },
	{ OP(reply_wait), EXCHANGE | NOT_ALONE, 0, { H(LISTENER, TERN_RIGHT_RECEIVE) } },
	{ OP(reply_wait_ext), EXCHANGE | NOT_ALONE, 0, { H(LISTENER, TERN_RIGHT_RECEIVE) } },
	{ OP(wait), EXCHANGE | NOT_ALONE, 0, { H(LISTENER, TERN_RIGHT_RECEIVE) } },
	{ OP(reply), EXCHANGE | NOT_ALONE, 0, { H(REPLY, 0) } },
	{ OP(reply_ext), EXCHANGE | NOT_ALONE, 0, { H(REPLY, 0) } },
	{ OP(notify), HARMLESS, 0, { H(PORT, TERN_RIGHT_NOTIFY), N(1, { 0, -EINVAL }) } },
	{ OP(listener_create),
	  CREATES,
	  0,
	  { ACCOUNT, N(16, { 0, -EINVAL }, { 65537, -EINVAL }, { HUGE, -EINVAL }) } },
	{ OP(listener_takeover), NOT_ALONE, 0, { H(LISTENER, TERN_RIGHT_OWNER) } },
	{ OP(listener_destroy), NOT_ALONE, 0, { H(LISTENER, TERN_RIGHT_OWNER) } },
	{ OP(port_create),
	  CREATES,
	  0,
	  { ACCOUNT, H(LISTENER, TERN_RIGHT_MINT), ANY, N(0, { 2, -EINVAL }, { HUGE, -EINVAL }) } },
	{ OP(port_mint), CREATES, 0, { H(PORT, TERN_RIGHT_OWNER), RIGHTS } },
	{ OP(port_revoke), NOT_ALONE, 0, { H(PORT, TERN_RIGHT_OWNER) } },
	{ OP(reply_park), HARMLESS, -ESRCH, { ANY, N(0) } },
	{ OP(reply_status), HARMLESS, 0, { H(REPLY, 0) } },
	{ OP(reply_read), HARMLESS, 16, { H(REPLY, 0), OFFSET, WRITABLE, BUFFER_LENGTH } },
	{ OP(reply_write), HARMLESS, 16, { H(REPLY, 0), OFFSET, READABLE, BUFFER_LENGTH } },
	{ OP(reply_copy),
	  HARMLESS,
	  16,
	  { H(REPLY, 0),
	    OFFSET,
	    { .kind = ARGUMENT_REPLY_TO, .type = TERN_TYPE_REPLY },
	    OFFSET,
	    LENGTH } },
	{ OP(touch),
	  HARMLESS,
	  0,
	  { { .kind = ARGUMENT_WRITABLE,
	      .wrong = { { KERNEL, -EINVAL },
			 { TERN_USER_TOP - 8, -EINVAL },
			 { HUGE - 8, -EINVAL } } },
	    N(16, { (4ul << 20) + 1, -EINVAL }, { HUGE, -EINVAL }),
	    N(1, { 2, -EINVAL }, { HUGE, -EINVAL }) } },
	{ OP(handle_close), NOT_ALONE, 0, { ANY_HANDLE(0) } },
	{ OP(handle_duplicate), CREATES, 0, { ANY_HANDLE(TERN_RIGHT_COPY), RIGHTS } },
	{ OP(handle_info), NOT_ALONE, 0, { ANY_HANDLE(0) } },
	{ OP(handle_give),
	  NOT_ALONE,
	  0,
	  { H(PROCESS, TERN_RIGHT_GIVE), ANY_HANDLE(TERN_RIGHT_COPY), RIGHTS } },
	{ OP(process_create), CREATES, 0, { ACCOUNT } },
	{ OP(process_fork), NOT_ALONE, 0, { ACCOUNT, N(0, { 1, -EBADF }, { HUGE, -EBADF }) } },
	{ OP(process_kill), NOT_ALONE, 0, { H(PROCESS, TERN_RIGHT_OWNER), ANY } },
	{ OP(process_watch), HARMLESS, 0, { H(PROCESS, TERN_RIGHT_WATCH), PORT_OR_NONE } },
	{ OP(process_status), HARMLESS, TERN_PROCESS_RUNNING, { H(PROCESS, TERN_RIGHT_READ) } },
	{ OP(thread_create),
	  NOT_ALONE,
	  0,
	  { H(PROCESS, TERN_RIGHT_CREATE),
	    N(CODE, { 0, -EINVAL }, { CODE + 1, -EINVAL }, { KERNEL, -EINVAL },
	      { TERN_USER_TOP, -EINVAL }, { HUGE - 1, -EINVAL }),
	    N(CODE, { TERN_USER_TOP + 16, -EINVAL }, { KERNEL, -EINVAL }), ANY, ANY,
	    N(1, { TERN_PRIORITIES, -EINVAL }, { HUGE, -EINVAL }, { 1ul << 32, -EINVAL },
	      { TERN_PRIORITIES - 1, -EPERM }) } },
	{ OP(thread_exit),
	  NOT_ALONE,
	  0,
	  { { .kind = ARGUMENT_WORD, .wrong = { { CODE, -EFAULT } } } } },
	{ OP(thread_kill), NOT_ALONE, 0, { H(THREAD, TERN_RIGHT_OWNER) } },
	{ OP(thread_watch), HARMLESS, 0, { H(THREAD, TERN_RIGHT_WATCH), PORT_OR_NONE } },
	{ OP(thread_interrupt),
	  NOT_ALONE,
	  0,
	  { H(THREAD, TERN_RIGHT_OWNER),
	    N(0, { 1, -EINVAL }, { 2, -EINVAL }, { HUGE, -EINVAL }) } },
	{ OP(thread_set_upcall),
	  NOT_ALONE,
	  0,
	  { N(CODE, { CODE + 1, -EINVAL }, { KERNEL, -EINVAL }, { TERN_USER_TOP, -EINVAL },
	      { HUGE - 1, -EINVAL }),
	    N(ELSEWHERE, { ELSEWHERE + 8, -EINVAL }, { KERNEL, -EINVAL }, { 0, -EINVAL },
	      { 16, -EINVAL }),
	    ANY } },
	{ OP(thread_resume), NOT_ALONE, 0, { READABLE } },
	{ OP(thread_set_priority),
	  HARMLESS,
	  0,
	  { H(THREAD, TERN_RIGHT_OWNER),
	    N(1, { TERN_PRIORITIES, -EINVAL }, { HUGE, -EINVAL }, { 1ul << 32, -EINVAL },
	      { TERN_PRIORITIES - 1, -EPERM }) } },
	{ OP(thread_yield), HARMLESS, 0, { ANY } },
	{ OP(thread_accept_handles),
	  HARMLESS,
	  0,
	  { N(0, { 5, -EINVAL }, { 256, -EINVAL }, { HUGE, -EINVAL }) } },
	{ OP(memobj_create),
	  CREATES,
	  0,
	  { ACCOUNT, N(PAGE, { 0, -EINVAL }, { (1ul << 46) + 1, -EINVAL }, { HUGE, -EINVAL }) } },
	{ OP(memobj_create_physical),
	  CREATES,
	  0,
	  { ACCOUNT, H(RESOURCE, TERN_RIGHT_OWNER),
	    N(UART, { 1, -EINVAL }, { UART + 8, -EINVAL }, { RAM, -ENODEV },
	      { RAM - PAGE + PAGE, -ENODEV }),
	    N(PAGE, { 0, -EINVAL }, { 1, -EINVAL }, { HUGE, -EINVAL }, { RAM, -ENODEV },
	      { (1ul << 46) + PAGE, -EINVAL }),
	    N(TERN_PHYSICAL_DEVICE, { 0, -EINVAL }, { 3, -EINVAL }, { 4, -EINVAL },
	      { HUGE, -EINVAL }, { TERN_PHYSICAL_CONTIGUOUS, -EINVAL }) } },
	{ OP(memobj_create_physical),
	  CREATES,
	  0,
	  { ACCOUNT, H(RESOURCE, TERN_RIGHT_OWNER), N(0, { PAGE, -EINVAL }),
	    N(PAGE, { 0, -EINVAL }, { 8ul << 20, -EINVAL }, { HUGE, -EINVAL }),
	    N(TERN_PHYSICAL_CONTIGUOUS, { 0, -EINVAL }, { 3, -EINVAL }) } },
	{ OP(memobj_physical_address),
	  NOT_ALONE,
	  0,
	  { H(RESOURCE, TERN_RIGHT_OWNER), H(MEMOBJ, 0) } },
	{ OP(memobj_read),
	  HARMLESS,
	  16,
	  { H(MEMOBJ, TERN_RIGHT_READ), ANY, WRITABLE, N(16, { HUGE, -EFAULT }) } },
	{ OP(memobj_write),
	  HARMLESS,
	  16,
	  { H(MEMOBJ, TERN_RIGHT_WRITE), N(0, { HUGE, -ENOSPC }), READABLE,
	    N(16, { HUGE, -EFAULT }) } },
	{ OP(memobj_length), NOT_ALONE, 0, { H(MEMOBJ, 0) } },
	{ OP(region_map),
	  NOT_ALONE,
	  0,
	  { H(PROCESS, TERN_RIGHT_OWNER), H(MEMOBJ, TERN_RIGHT_READ | TERN_RIGHT_WRITE),
	    N(0, { 1, -EINVAL }, { PAGE / 2, -EINVAL }, { -PAGE, -EINVAL }),
	    N(ELSEWHERE, { ELSEWHERE + 1, -EINVAL }, { KERNEL, -EINVAL },
	      { TERN_USER_TOP, -EINVAL }, { -PAGE, -EINVAL }),
	    N(PAGE, { 0, -EINVAL }, { 1, -EINVAL }, { PAGE + 1, -EINVAL }, { -PAGE, -EINVAL },
	      { TERN_USER_TOP, -EINVAL }),
	    N(RW, { TERN_MAP_WRITE, -EINVAL }, { RW | TERN_MAP_EXECUTE, -EINVAL },
	      { TERN_MAP_WRITE | TERN_MAP_EXECUTE, -EINVAL }, { TERN_MAP_GUARD, -EINVAL },
	      { 64, -EINVAL }, { TERN_MAP_GUARD | TERN_MAP_PRIVATE, -EINVAL },
	      { HUGE, -EINVAL }) } },
	{ OP(region_unmap),
	  HARMLESS,
	  0,
	  { H(PROCESS, TERN_RIGHT_OWNER),
	    N(ELSEWHERE, { ELSEWHERE + 1, -EINVAL }, { KERNEL, -EINVAL },
	      { TERN_USER_TOP, -EINVAL }, { -PAGE, -EINVAL }),
	    N(PAGE, { 0, -EINVAL }, { 1, -EINVAL }, { -PAGE, -EINVAL },
	      { TERN_USER_TOP, -EINVAL }) } },
	{ OP(region_protect),
	  HARMLESS,
	  -EFAULT,
	  { H(PROCESS, TERN_RIGHT_OWNER),
	    N(ELSEWHERE, { ELSEWHERE + 1, -EINVAL }, { KERNEL, -EINVAL }, { -PAGE, -EINVAL }),
	    N(PAGE, { 0, -EINVAL }, { 1, -EINVAL }, { -PAGE, -EINVAL }),
	    N(RW, { TERN_MAP_WRITE, -EINVAL }, { RW | TERN_MAP_EXECUTE, -EINVAL },
	      { TERN_MAP_FIXED, -EINVAL }, { 32, -EINVAL }, { HUGE, -EINVAL }) } },
	{ OP(futex_wait), HARMLESS, -EAGAIN, { WORD, N(0x55), ANY } },
	{ OP(futex_wake), HARMLESS, 0, { WORD, ANY } },
	{ OP(timer_create),
	  CREATES,
	  0,
	  { ACCOUNT, H(PORT, TERN_RIGHT_NOTIFY), N(1, { 0, -EINVAL }) } },
	{ OP(timer_set),
	  HARMLESS,
	  0,
	  { H(TIMER, TERN_RIGHT_OWNER), N(0),
	    N(0, { 1, -EINVAL }, { 9999, -EINVAL }, { HUGE, -EINVAL }, { 1ul << 63, -EINVAL }) } },
	{ OP(interrupt_create),
	  CREATES,
	  0,
	  { ACCOUNT, H(RESOURCE, TERN_RIGHT_OWNER),
	    N(QUIET_LINE, { 0, -ENODEV }, { NO_LINE, -ENODEV }, { HUGE, -ENODEV },
	      { (1ul << 32) + QUIET_LINE, -ENODEV }),
	    H(PORT, TERN_RIGHT_NOTIFY), N(1, { 0, -EINVAL }) } },
	{ OP(interrupt_ack), HARMLESS, -EAGAIN, { H(INTERRUPT, TERN_RIGHT_OWNER) } },
	{ OP(account_create),
	  CREATES,
	  0,
	  { ACCOUNT, N(PAGE, { 0, -EINVAL }, { 1, -EINVAL }, { PAGE + 1, -EINVAL },
		       { -PAGE, -ENOMEM }, { 1ul << 60, -ENOMEM }) } },
	{ OP(account_info),
	  NOT_ALONE,
	  0,
	  { { .kind = ARGUMENT_ACCOUNT, .type = TERN_TYPE_ACCOUNT, .rights = TERN_RIGHT_READ },
	    N(0, { 2, -EINVAL }, { HUGE, -EINVAL }) } },
	{ OP(account_destroy), NOT_ALONE, 0, { H(ACCOUNT, TERN_RIGHT_OWNER) } },
	{ OP(debug_log),
	  NOT_ALONE,
	  0,
	  { READABLE, N(1, { TERN_LOG_MAX + 1, -EINVAL }, { HUGE, -EINVAL }) } },
	{ OP(system_info),
	  NOT_ALONE,
	  0,
	  { N(0, { 7, -EINVAL }, { 32, -EINVAL }, { HUGE, -EINVAL }) } },
	{ OP(system_control),
	  NOT_ALONE,
	  0,
	  { H(RESOURCE, TERN_RIGHT_OWNER),
	    N(TERN_CONTROL_FORCE_SLOW, { 4, -EINVAL }, { HUGE, -EINVAL }),
	    N(0, { 2, -EINVAL }, { HUGE, -EINVAL }) } },
	{ OP(system_control),
	  NOT_ALONE,
	  0,
	  { H(RESOURCE, TERN_RIGHT_OWNER), N(TERN_CONTROL_IRQ_RAISE),
	    N(QUIET_LINE, { 0, -ENODEV }, { NO_LINE, -ENODEV }, { HUGE, -ENODEV }) } },
	{ OP(system_control),
	  NOT_ALONE,
	  0,
	  { H(RESOURCE, TERN_RIGHT_OWNER), N(TERN_CONTROL_POWER_OFF),
	    N(0, { 128, -EINVAL }, { HUGE, -EINVAL }) } },
	{ OP(null), HARMLESS, 0, { ANY } },
};

const size_t call_count = RT_COUNT(calls);
