/*
 * The one list of offsets and constants that assembly uses. This file is compiled to assembly
 * text, never linked; the build turns each marker below into a #define in
 * generated/asm_offsets.h. The static assertions hold what the fast path relies on beyond names.
 */
#include "kernel/hart.h"
#include "kernel/ipc.h"
#include "kernel/process.h"
#include "kernel/restart.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"

#define DEFINE(name, value) __asm__ volatile("\n->" #name " %0" : : "i"(value))
#define OFFSET(name, type, member) DEFINE(name, offsetof(type, member))

void asm_offsets(void);

static void frame_offsets(void)
{
	OFFSET(FRAME_S0, struct thread, frame.s[0]);
	OFFSET(FRAME_S1, struct thread, frame.s[1]);
	OFFSET(FRAME_S2, struct thread, frame.s[2]);
	OFFSET(FRAME_S3, struct thread, frame.s[3]);
	OFFSET(FRAME_S4, struct thread, frame.s[4]);
	OFFSET(FRAME_S5, struct thread, frame.s[5]);
	OFFSET(FRAME_S6, struct thread, frame.s[6]);
	OFFSET(FRAME_S7, struct thread, frame.s[7]);
	OFFSET(FRAME_S8, struct thread, frame.s[8]);
	OFFSET(FRAME_S9, struct thread, frame.s[9]);
	OFFSET(FRAME_S10, struct thread, frame.s[10]);
	OFFSET(FRAME_S11, struct thread, frame.s[11]);
	OFFSET(FRAME_SP, struct thread, frame.sp);
	OFFSET(FRAME_GP, struct thread, frame.gp);
	OFFSET(FRAME_TP, struct thread, frame.tp);
	OFFSET(FRAME_PC, struct thread, frame.pc);
	OFFSET(FRAME_RESULT, struct thread, frame.result);
	OFFSET(FRAME_MESSAGE, struct thread, frame.words);
	OFFSET(FRAME_A7, struct thread, frame.operation);
	OFFSET(FRAME_EXTRA, struct thread, frame.extra);
	OFFSET(FRAME_RA, struct thread, frame.ra);
}

static void ipc_offsets(void)
{
	OFFSET(THREAD_TOKEN, struct thread, token);
	OFFSET(THREAD_PROCESS, struct thread, process);
	OFFSET(THREAD_FAST_PRIORITY, struct thread, fast_priority);
	OFFSET(THREAD_CALL_PRIORITY, struct thread, call_priority);
	OFFSET(THREAD_CALLER, struct thread, caller);
	OFFSET(THREAD_CALLER_TOKEN, struct thread, caller_token);
	OFFSET(THREAD_NEXT, struct thread, next);
	OFFSET(THREAD_SERVER, struct thread, server);
	OFFSET(THREAD_LISTENER_HANDLE, struct thread, listener_handle);
	OFFSET(THREAD_FAST_LISTENER, struct thread, fast_listener);
	OFFSET(THREAD_FP, struct thread, fp);
	OFFSET(PROCESS_HANDLE_SLOTS, struct process, handles.slots);
	OFFSET(PROCESS_HANDLE_MASK, struct process, handles.mask);
	OFFSET(SLOT_OBJECT, struct handle_slot, object);
	OFFSET(SLOT_KEY, struct handle_slot, key);
	OFFSET(OBJECT_CALLEE, struct object, callee);
	OFFSET(PORT_USERDATA, struct client_port, userdata);
	OFFSET(LISTENER_RECEIVERS, struct listener, receivers);
	OFFSET(LISTENER_ATTENTION, struct listener, attention);
}

static void hart_offsets(void)
{
	OFFSET(HART_SCRATCH, struct hart, scratch);
	OFFSET(HART_HARDWARE_ID, struct hart, hardware_id);
	DEFINE(HART_SIZE, sizeof(struct hart));
	OFFSET(HART_CURRENT, struct hart, current);
	OFFSET(HART_FAST, struct hart, fast);
	OFFSET(HART_SATP_OFFSET, struct hart, satp_offset);
	OFFSET(HART_STACK_TOP, struct hart, stack_top);
	OFFSET(HART_EMERGENCY_STACK_TOP, struct hart, emergency_stack_top);
	OFFSET(SYSCALL_ENTRY_FUNCTION, struct syscall_entry, function);
	OFFSET(SYSCALL_ENTRY_KIND, struct syscall_entry, kind);
	DEFINE(KIND_WAIT, SYSCALL_WAIT);
	DEFINE(KIND_FULL, SYSCALL_FULL);
	DEFINE(SYSCALL_ENTRY_SHIFT, __builtin_ctzl(sizeof(struct syscall_entry)));
	DEFINE(ERROR_ENOSYS, ENOSYS);
	DEFINE(CALL_AGAIN_RESULT, CALL_AGAIN);
}

void asm_offsets(void)
{
	frame_offsets();
	ipc_offsets();
	hart_offsets();
}

#define LINE_OF(type, member) (offsetof(type, member) / CACHE_LINE)

_Static_assert(offsetof(struct thread, token) == 0, "the token is reached without an offset");
_Static_assert(LINE_OF(struct thread, fast_listener) == 0, "IPC state of a thread is one line");
_Static_assert(offsetof(struct thread, frame) == CACHE_LINE, "preserved registers: lines 1, 2");
_Static_assert(LINE_OF(struct thread, frame.pc) == 2, "preserved registers: lines 1, 2");
_Static_assert(sizeof(struct thread) <= 1024, "a blocked thread costs at most 1 KiB");
_Static_assert(offsetof(struct listener, lock.holder) == 0, "callee points at the lock");
_Static_assert(LINE_OF(struct listener, attention) == 0, "the listener is one line");
_Static_assert(offsetof(struct client_port, object) == 0, "handles point at the port");
_Static_assert(LINE_OF(struct client_port, userdata) == 0, "the port is one line");
_Static_assert(sizeof(struct client_port) <= 128, "a client port costs at most 128 bytes");
_Static_assert(sizeof(struct handle_slot) == 1 << HANDLE_SLOT_SHIFT, "handles are offsets");
_Static_assert(offsetof(struct process, handles) == 0, "the handle table is on line 0");
_Static_assert(LINE_OF(struct process, satp[5]) == 0, "satp of the first harts on line 0");
_Static_assert(LINE_OF(struct hart, stack_top) == 0, "the hart is one line");
_Static_assert(sizeof(struct syscall_entry) == 16, "the table is indexed by a shift");
