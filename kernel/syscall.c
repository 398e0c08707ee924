/*
 * The system call table.
 *
 * A *quick* call runs like a function call and returns to the thread that made it: nothing of its
 * frame is saved. The others may block, switch or end the calling thread: trap.S saves first what
 * a function call preserves, and
 *   for a *message* call the words and the descriptor's address: what it returns with, or blocked
 *   with and is woken with, is written to the frame as a whole (frame_set_result, _message);
 *   for a *wait* nothing more, it sends nothing;
 *   for a *full* one everything that a system call may carry.
 */
#include "kernel/syscall.h"

#include "kernel/account.h"
#include "kernel/address_space.h"
#include "kernel/debug.h"
#include "kernel/futex.h"
#include "kernel/interrupt.h"
#include "kernel/memobj.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "kernel/timer.h"
#include "tern/syscall.h"

/* Every call, with what it is. */
#define SYSCALL_KINDS(QUICK, FULL, MESSAGE, WAIT)                                                  \
	MESSAGE(call)                                                                              \
	MESSAGE(reply_wait)                                                                        \
	MESSAGE(call_ext)                                                                          \
	MESSAGE(reply_wait_ext)                                                                    \
	WAIT(wait)                                                                                 \
	FULL(reply)                                                                                \
	FULL(reply_ext)                                                                            \
	QUICK(notify)                                                                              \
	QUICK(listener_create)                                                                     \
	QUICK(listener_takeover)                                                                   \
	QUICK(listener_destroy)                                                                    \
	QUICK(port_create)                                                                         \
	QUICK(port_mint)                                                                           \
	QUICK(port_revoke)                                                                         \
	QUICK(reply_park)                                                                          \
	QUICK(reply_status)                                                                        \
	QUICK(reply_read)                                                                          \
	QUICK(reply_write)                                                                         \
	QUICK(reply_copy)                                                                          \
	QUICK(touch)                                                                               \
	QUICK(handle_close)                                                                        \
	QUICK(handle_duplicate)                                                                    \
	QUICK(handle_info)                                                                         \
	QUICK(handle_give)                                                                         \
	QUICK(process_create)                                                                      \
	FULL(process_kill)                                                                         \
	FULL(process_fork)                                                                         \
	QUICK(process_watch)                                                                       \
	QUICK(process_status)                                                                      \
	QUICK(thread_create)                                                                       \
	FULL(thread_exit)                                                                          \
	FULL(thread_kill)                                                                          \
	QUICK(thread_watch)                                                                        \
	FULL(thread_interrupt)                                                                     \
	QUICK(thread_set_upcall)                                                                   \
	FULL(thread_resume)                                                                        \
	QUICK(thread_set_priority)                                                                 \
	FULL(thread_yield)                                                                         \
	QUICK(thread_accept_handles)                                                               \
	QUICK(memobj_create)                                                                       \
	QUICK(memobj_create_physical)                                                              \
	QUICK(memobj_physical_address)                                                             \
	QUICK(memobj_read)                                                                         \
	QUICK(memobj_write)                                                                        \
	QUICK(memobj_length)                                                                       \
	QUICK(region_map)                                                                          \
	FULL(region_unmap)                                                                         \
	QUICK(region_protect)                                                                      \
	FULL(futex_wait)                                                                           \
	QUICK(futex_wake)                                                                          \
	QUICK(timer_create)                                                                        \
	QUICK(timer_set)                                                                           \
	QUICK(interrupt_create)                                                                    \
	QUICK(interrupt_ack)                                                                       \
	QUICK(account_create)                                                                      \
	QUICK(account_info)                                                                        \
	FULL(account_destroy)                                                                      \
	QUICK(debug_log)                                                                           \
	QUICK(system_info)                                                                         \
	QUICK(system_control)                                                                      \
	QUICK(null)

#define PLACE(name) [TERN_OP_##name + TERN_SYSCALL_COUNT - 1]
#define FUNCTION(name) (s64(*)()) sys_##name
#define BARE(name) PLACE(name) = FUNCTION(name),
#define FULL(name) PLACE(name) = { FUNCTION(name), SYSCALL_FULL },
#define MESSAGE(name) PLACE(name) = { FUNCTION(name), SYSCALL_MESSAGE },
#define WAIT(name) PLACE(name) = { FUNCTION(name), SYSCALL_WAIT },
#define QUICK(name)                                                                                \
	PLACE(name) = { DEBUG_BUILD ? (s64(*)())syscall_checked : FUNCTION(name), SYSCALL_QUICK },

/* In the order of operation numbers: the highest, which is the most negative, first. */
const struct syscall_entry syscall_table[TERN_SYSCALL_COUNT - 1] = { SYSCALL_KINDS(QUICK, FULL,
										   MESSAGE, WAIT) };

s64 (*const syscall_functions[TERN_SYSCALL_COUNT - 1])() = { SYSCALL_KINDS(BARE, BARE, BARE,
									   BARE) };
