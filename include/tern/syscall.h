/*
 * System call numbers and the calling convention.
 *
 * A system call is an `ecall` with the operation number in a7 and arguments in a0..a6; the result
 * comes back in a0. To the compiler it is a function call: ra, t0..t6 and a0..a7 are lost, s0..s11,
 * sp, gp and tp are kept, floating-point registers are kept by the kernel. Registers that carry no
 * result come back as zero or as the caller left them: never with another thread's values.
 *
 * Operation numbers are negative. A non-negative a7 is a foreign system call (Linux): the thread's
 * upcall entry gets it, or the call returns -ENOSYS when there is none.
 */
#ifndef TERN_SYSCALL_H
#define TERN_SYSCALL_H

/* X(number, name): the operation is -number; the kernel's function is sys_<name>. */
#define TERN_SYSCALLS(X)                                                                           \
	X(1, call)                                                                                 \
	X(2, reply_wait)                                                                           \
	X(3, call_ext)                                                                             \
	X(4, reply_wait_ext)                                                                       \
	X(5, wait)                                                                                 \
	X(6, reply)                                                                                \
	X(7, reply_ext)                                                                            \
	X(8, notify)                                                                               \
	X(9, listener_create)                                                                      \
	X(10, listener_takeover)                                                                   \
	X(11, listener_destroy)                                                                    \
	X(12, port_create)                                                                         \
	X(13, port_mint)                                                                           \
	X(14, port_revoke)                                                                         \
	X(15, reply_park)                                                                          \
	X(16, reply_status)                                                                        \
	X(17, reply_read)                                                                          \
	X(18, reply_write)                                                                         \
	X(19, reply_copy)                                                                          \
	X(20, touch)                                                                               \
	X(21, handle_close)                                                                        \
	X(22, handle_duplicate)                                                                    \
	X(23, handle_info)                                                                         \
	X(24, handle_give)                                                                         \
	X(25, process_create)                                                                      \
	X(26, process_kill)                                                                        \
	X(27, process_watch)                                                                       \
	X(28, process_status)                                                                      \
	X(29, thread_create)                                                                       \
	X(30, thread_exit)                                                                         \
	X(31, thread_kill)                                                                         \
	X(32, thread_watch)                                                                        \
	X(33, thread_interrupt)                                                                    \
	X(34, thread_set_upcall)                                                                   \
	X(35, thread_resume)                                                                       \
	X(36, thread_set_priority)                                                                 \
	X(37, thread_yield)                                                                        \
	X(38, thread_accept_handles)                                                               \
	X(39, memobj_create)                                                                       \
	X(40, memobj_create_physical)                                                              \
	X(41, memobj_physical_address)                                                             \
	X(42, region_map)                                                                          \
	X(43, region_unmap)                                                                        \
	X(44, region_protect)                                                                      \
	X(45, futex_wait)                                                                          \
	X(46, futex_wake)                                                                          \
	X(47, timer_create)                                                                        \
	X(48, timer_set)                                                                           \
	X(49, interrupt_create)                                                                    \
	X(50, interrupt_ack)                                                                       \
	X(51, account_create)                                                                      \
	X(52, account_info)                                                                        \
	X(53, account_destroy)                                                                     \
	X(54, debug_log)                                                                           \
	X(55, system_info)                                                                         \
	X(56, system_control)                                                                      \
	X(57, null)                                                                                \
	X(58, memobj_create_paged)                                                                 \
	X(59, memobj_info)                                                                         \
	X(60, memobj_set_length)                                                                   \
	X(61, memobj_set_limit)                                                                    \
	X(62, memobj_set_modified)                                                                 \
	X(63, memobj_read)                                                                         \
	X(64, memobj_write)                                                                        \
	X(65, memobj_clone)                                                                        \
	X(66, stream_create)                                                                       \
	X(67, stream_read)                                                                         \
	X(68, stream_write)                                                                        \
	X(69, stream_seek)                                                                         \
	X(70, pager_fetch)                                                                         \
	X(71, pager_supply)                                                                        \
	X(72, pager_move)                                                                          \
	X(73, pager_fail)                                                                          \
	X(74, pager_prepare)                                                                       \
	X(75, pager_commit)                                                                        \
	X(76, memobj_pin)                                                                          \
	X(77, memobj_unpin)                                                                        \
	X(78, memobj_query)                                                                        \
	X(79, memobj_clean_begin)                                                                  \
	X(80, memobj_clean_end)                                                                    \
	X(81, memobj_evict)                                                                        \
	X(82, memobj_punch)                                                                        \
	X(83, account_set_pager)                                                                   \
	X(84, process_fork)                                                                        \
	X(85, region_set_pager)                                                                    \
	X(86, region_fetch_fault)                                                                  \
	X(87, region_end_fault)                                                                    \
	X(88, device_create)                                                                       \
	X(89, device_release)                                                                      \
	X(90, process_interrupt)                                                                   \
	X(91, process_stop)                                                                        \
	X(92, process_continue)                                                                    \
	X(93, process_info)                                                                        \
	X(94, region_info)

#define TERN_SYSCALL_COUNT 95 /* one more than the highest number */

/* The two operations that have a fast path; assembly uses these names. */
#define TERN_OP_CALL (-1)
#define TERN_OP_REPLY_WAIT (-2)

#ifndef __ASSEMBLER__
enum tern_op {
#define TERN_OP_ENUM(number, name) TERN_OP_##name = -(number),
	TERN_SYSCALLS(TERN_OP_ENUM)
#undef TERN_OP_ENUM
};
#endif

#endif
