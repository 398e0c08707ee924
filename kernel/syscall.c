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
 * One that may be made *again* begins as a quick one, see restart.h.
 */
#include "kernel/syscall.h"

#include "kernel/account.h"
#include "kernel/address_space.h"
#include "kernel/debug.h"
#include "kernel/device.h"
#include "kernel/fork.h"
#include "kernel/futex.h"
#include "kernel/interrupt.h"
#include "kernel/memobj_calls.h"
#include "kernel/pager.h"
#include "kernel/process.h"
#include "kernel/region_pager.h"
#include "kernel/stream.h"
#include "kernel/thread.h"
#include "kernel/timer.h"
#include "kernel/writeback.h"
#include "tern/syscall.h"

/* Every call, with what it is. */
#define SYSCALL_KINDS(QUICK, FULL, AGAIN, MESSAGE, WAIT)                                           \
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
	FULL(touch)                                                                                \
	QUICK(handle_close)                                                                        \
	QUICK(handle_duplicate)                                                                    \
	QUICK(handle_info)                                                                         \
	QUICK(handle_give)                                                                         \
	QUICK(process_create)                                                                      \
	FULL(process_kill)                                                                         \
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
	QUICK(region_map)                                                                          \
	FULL(region_unmap)                                                                         \
	FULL(region_protect)                                                                       \
	FULL(futex_wait)                                                                           \
	QUICK(futex_wake)                                                                          \
	QUICK(timer_create)                                                                        \
	QUICK(timer_set)                                                                           \
	QUICK(interrupt_create)                                                                    \
	QUICK(interrupt_ack)                                                                       \
	QUICK(account_create)                                                                      \
	QUICK(account_info)                                                                        \
	FULL(account_destroy)                                                                      \
	FULL(debug_log)                                                                            \
	QUICK(system_info)                                                                         \
	QUICK(system_control)                                                                      \
	QUICK(null)                                                                                \
	QUICK(memobj_create_paged)                                                                 \
	QUICK(memobj_info)                                                                         \
	AGAIN(memobj_set_length)                                                                   \
	QUICK(memobj_set_limit)                                                                    \
	QUICK(memobj_set_modified)                                                                 \
	AGAIN(memobj_read)                                                                         \
	AGAIN(memobj_write)                                                                        \
	AGAIN(memobj_clone)                                                                        \
	QUICK(stream_create)                                                                       \
	AGAIN(stream_read)                                                                         \
	AGAIN(stream_write)                                                                        \
	AGAIN(stream_seek)                                                                         \
	QUICK(pager_fetch)                                                                         \
	AGAIN(pager_supply)                                                                        \
	AGAIN(pager_move)                                                                          \
	QUICK(pager_fail)                                                                          \
	QUICK(pager_prepare)                                                                       \
	QUICK(pager_commit)                                                                        \
	QUICK(memobj_pin)                                                                          \
	QUICK(memobj_unpin)                                                                        \
	AGAIN(memobj_query)                                                                        \
	AGAIN(memobj_clean_begin)                                                                  \
	QUICK(memobj_clean_end)                                                                    \
	AGAIN(memobj_evict)                                                                        \
	AGAIN(memobj_punch)                                                                        \
	QUICK(account_set_pager)                                                                   \
	FULL(process_fork)                                                                         \
	QUICK(region_set_pager)                                                                    \
	FULL(region_fetch_fault)                                                                   \
	QUICK(region_end_fault)                                                                    \
	QUICK(device_create)                                                                       \
	FULL(device_release)                                                                       \
	FULL(process_interrupt)                                                                    \
	FULL(process_stop)                                                                         \
	QUICK(process_continue)                                                                    \
	QUICK(process_info)                                                                        \
	FULL(region_info)

#define PLACE(name) [TERN_OP_##name + TERN_SYSCALL_COUNT - 1]
#define FUNCTION(name) (s64(*)()) sys_##name
#define BARE(name) PLACE(name) = FUNCTION(name),
#define CHECKED(name) (DEBUG_BUILD ? (s64(*)())syscall_checked : FUNCTION(name))
#define QUICK(name) PLACE(name) = { CHECKED(name), SYSCALL_QUICK },
#define FULL(name) PLACE(name) = { FUNCTION(name), SYSCALL_FULL },
#define AGAIN(name) PLACE(name) = { CHECKED(name), SYSCALL_AGAIN },
#define MESSAGE(name) PLACE(name) = { FUNCTION(name), SYSCALL_MESSAGE },
#define WAIT(name) PLACE(name) = { FUNCTION(name), SYSCALL_WAIT },

/* In the order of operation numbers: the highest, which is the most negative, first. */
const struct syscall_entry syscall_table[TERN_SYSCALL_COUNT - 1] = { SYSCALL_KINDS(
	QUICK, FULL, AGAIN, MESSAGE, WAIT) };

s64 (*const syscall_functions[TERN_SYSCALL_COUNT - 1])() = { SYSCALL_KINDS(BARE, BARE, BARE, BARE,
									   BARE) };
