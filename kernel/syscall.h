/* The system call table. */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include "kernel/types.h"

struct syscall_entry {
	s64 (*function)(); /* sys_<name>: its arguments arrive in registers as the user set them */
	s64 kind;
};

/* What trap.S saves before it calls the function: syscall.c says which is which. */
#define SYSCALL_WAIT -2
#define SYSCALL_MESSAGE -1
#define SYSCALL_QUICK 0
#define SYSCALL_FULL 1
#define SYSCALL_AGAIN 2

extern const struct syscall_entry syscall_table[];

/* The functions alone; and what debug builds call in front of the quick ones. */
extern s64 (*const syscall_functions[])();
s64 syscall_checked(u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6, s64 op);

/* IPC operations: they find their arguments in the current thread's frame as well. */
s64 sys_call(u64 port);
s64 sys_reply_wait(u64 listener);
s64 sys_call_ext(u64 port);
s64 sys_reply_wait_ext(u64 listener);
s64 sys_wait(u64 listener);
s64 sys_reply(u64 reply);
s64 sys_reply_ext(u64 reply);
s64 sys_notify(u64 port, u64 bits);
s64 sys_listener_create(u64 account, u64 sender_limit);
s64 sys_listener_takeover(u64 listener);
s64 sys_listener_destroy(u64 listener);
s64 sys_port_create(u64 account, u64 listener, u64 userdata, u64 flags);
s64 sys_port_mint(u64 port, u64 rights);
s64 sys_port_revoke(u64 port);
s64 sys_reply_park(u64 cookie, u64 flags);
s64 sys_reply_status(u64 reply);
s64 sys_reply_read(u64 reply, u64 offset, u64 buffer, u64 length);
s64 sys_reply_write(u64 reply, u64 offset, u64 buffer, u64 length);
s64 sys_reply_copy(u64 from, u64 from_offset, u64 to, u64 to_offset, u64 length);

s64 sys_debug_log(u64 text, u64 length);
s64 sys_system_info(u64 query);
s64 sys_system_control(u64 resource, u64 command, u64 value);
s64 sys_null(void);

#endif
