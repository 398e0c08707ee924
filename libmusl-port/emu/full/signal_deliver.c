/*
 * Delivery: a handler is entered with a frame on the program's stack that has Linux's layout, and
 * rt_sigreturn goes on from what the frame says. docs/signals.md has the whole picture.
 *
 * Upcalls enter at emu_upcall_taken. While one is handled no other comes, and a fault kills the process;
 * all memory of the program is touched in guarded copies.
 */
#include "signal_internal.h"

#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define REGISTER_RA 1
#define REGISTER_SP 2
#define REGISTER_A0 10

/* As Linux lays it out. */
struct frame {
	siginfo_t info;
	ucontext_t context;
};

_Static_assert(sizeof(siginfo_t) == 128, "Linux's siginfo");
_Static_assert(offsetof(ucontext_t, uc_mcontext) == 176, "Linux's ucontext");
_Static_assert(sizeof(struct tern_registers) == sizeof(((mcontext_t *)0)->__gregs),
	       "the same registers in the same order");

/* The first bytes of a ucontext, up to the registers. */
struct context_head {
	uint64_t flags, link;
	uint64_t stack, stack_flags, stack_length;
	uint64_t mask;
};

struct fp_state {
	uint64_t f[32];
	uint64_t status;
};

/* upcall.S */
void emu_fp_save(struct fp_state *state);
void emu_fp_restore(const struct fp_state *state);
extern const char emu_text_end[], emu_restorer[], emu_jump_table[];
extern const char emu_leave[], emu_leave_last[], emu_left[], emu_left_last[], emu_resume_last[];
/* The program goes on there. Returns 0 if the thread has been told of a signal, or an error. */
long emu_resume(const struct tern_registers *registers, const uint32_t *is_told);

static uint64_t *register_of(struct tern_registers *registers, int number)
{
	return &registers->x[number - 1];
}

/* ------------------------------------------------------------------------------- default actions */

/* SIGCONT has continued the process already, in the posix server. */
static void stop_process(int number)
{
	posix_simple(emu_posix, POSIX_OP_stop, (uint64_t)number, emu_signal_continues, 0);
}

/* What happens without a handler; false: this is one. */
static bool act(int number, uint64_t handler)
{
	if (handler > HANDLER_IGNORE)
		return false;
	if (emu_handler_ignores(handler, number))
		return true;
	if (!(SIGNAL_BIT(number) & SIGNALS_STOP)) {
		emu_files_end();
		emu_process_end((uint32_t)number);
	}
	stop_process(number);
	return true;
}

void emu_signal_describe(const struct posix_signal *signal, siginfo_t *info)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = signal_number(signal);
	info->si_code = POSIX_SIGNAL_CODE(signal);
	info->si_pid = (pid_t)signal->pid;
	info->si_uid = signal->uid;
	if (info->si_signo == SIGCHLD && info->si_code > 0)
		info->si_status = (int)signal->value;
	else
		info->si_value.sival_ptr = (void *)signal->value;
	if (info->si_code == SI_TIMER)
		info->si_timerid = (int)signal->pid - 1; /* from 0 for programs */
}

/* ---------------------------------------------------------------------------------------- frames */

static bool is_on_stack(const struct emu_thread_signals *signals, uint64_t sp)
{
	return sp > signals->stack && sp <= signals->stack + signals->stack_length;
}

static uint64_t frame_address(const struct emu_thread_signals *signals, uint64_t sp,
			      const struct emu_action *action)
{
	if (action->flags & SA_ONSTACK && signals->stack_length && !is_on_stack(signals, sp))
		sp = signals->stack + signals->stack_length;
	return (sp - sizeof(struct frame)) & ~15ul;
}

static struct context_head make_head(const struct emu_thread_signals *signals, uint64_t sp)
{
	struct context_head head = {
		.stack = signals->stack,
		.stack_length = signals->stack_length,
		.stack_flags = signals->stack_flags,
		.mask = signals->has_saved ? signals->saved : signals->blocked,
	};

	if (!signals->stack_length)
		head.stack_flags = SS_DISABLE;
	else if (is_on_stack(signals, sp))
		head.stack_flags |= SS_ONSTACK;
	return head;
}

/* 0 or -EFAULT: there is no room for it. */
static long write_frame(struct frame *frame, const siginfo_t *info, const struct context_head *head,
			const struct tern_registers *registers)
{
	struct fp_state state;

	emu_fp_save(&state);
	if (emu_copy_out(&frame->info, info, sizeof(*info)) ||
	    emu_copy_out(&frame->context, head, sizeof(*head)) ||
	    emu_copy_out(&frame->context.uc_mcontext, registers, sizeof(*registers)) ||
	    emu_copy_out(&frame->context.uc_mcontext.__fpregs, &state, sizeof(state)))
		return -EFAULT;
	return 0;
}

/* The mask while the handler runs; and what the frame says is to come back. */
static void change_mask(struct emu_thread *thread, int number, const struct emu_action *action)
{
	uint64_t mask = thread->signals.blocked | action->mask;

	if (!(action->flags & SA_NODEFER))
		mask |= SIGNAL_BIT(number);
	thread->signals.has_saved = false;
	emu_signals_block(thread, mask);
}

/* `registers` become those of the handler's first instruction. */
static void enter_handler(struct emu_thread *thread, const siginfo_t *info,
			  const struct emu_action *action, struct tern_registers *registers)
{
	int number = info->si_signo;
	uint64_t sp = *register_of(registers, REGISTER_SP);
	uint64_t address = frame_address(&thread->signals, sp, action);
	struct context_head head = make_head(&thread->signals, sp);
	struct frame *frame = (struct frame *)address;

	if (write_frame(frame, info, &head, registers))
		emu_process_end(SIGSEGV);
	change_mask(thread, number, action);
	registers->pc = action->handler;
	*register_of(registers, REGISTER_RA) = action->flags & FLAG_RESTORER
						       ? action->restorer
						       : (uint64_t)emu_restorer;
	*register_of(registers, REGISTER_SP) = address;
	*register_of(registers, REGISTER_A0) = (uint64_t)number;
	*register_of(registers, REGISTER_A0 + 1) = (uint64_t)&frame->info;
	*register_of(registers, REGISTER_A0 + 2) = (uint64_t)&frame->context;
}

/* The next signal that has a handler, and that; the others take effect on the way. */
static bool next_for_handler(struct emu_thread *thread, siginfo_t *info, struct emu_action *action)
{
	struct posix_signal signal;

	for (;;) {
		if (__atomic_load_n(&emu_pending, __ATOMIC_SEQ_CST) & EMU_PENDING_MAIL)
			emu_signals_fetch();
		if (!emu_signal_take(thread, ~thread->signals.blocked, &signal))
			return false;
		*action = emu_action_take(signal_number(&signal));
		if (act(signal_number(&signal), action->handler))
			continue;
		emu_signal_describe(&signal, info);
		return true;
	}
}

/* No thread has anything to look for. Another that has was told, and looks by itself. */
static void settle(void)
{
	__atomic_and_fetch(&emu_pending, ~(uint32_t)EMU_PENDING_LOOK, __ATOMIC_SEQ_CST);
	emu_lock(&emu_threads_lock);
	emu_signals_lock();
	for (struct emu_thread *at = emu_threads; at; at = at->next)
		if (emu_signals_due(at))
			emu_signals_look();
	emu_signals_unlock();
	emu_unlock(&emu_threads_lock);
}

/* -------------------------------------------------------------------------------- the way out */

enum outcome { RETURN, HANDLER, AGAIN }; /* image.S knows the numbers */

/* In a0 and a1. The call returns if nobody has told the thread of anything since. */
struct delivered {
	uint64_t outcome;
	const uint32_t *is_told;
};

struct delivered emu_deliver(struct tern_registers *registers, const struct emu_frame *frame,
			     long result);

/* Delivery has a stack of its own: what it writes to the program's lies where the call's stack was. */
struct tern_registers *emu_delivery_stack(void);

struct tern_registers *emu_delivery_stack(void)
{
	return (struct tern_registers *)((char *)emu_current() + TERN_PAGE_SIZE) - 1;
}

_Static_assert(sizeof(struct emu_thread) < 1024, "and there is room for it in the record's page");

/* Linux's list of calls that a handler always ends, SA_RESTART or not. */
static bool is_never_restarted(const struct emu_frame *frame)
{
	switch (frame->a[0]) {
	case SYS_ppoll:
	case SYS_pselect6:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
	case SYS_nanosleep:
	case SYS_clock_nanosleep:
	case SYS_rt_sigsuspend:
	case SYS_rt_sigtimedwait:
		return true;
	case SYS_futex:
		return frame->a[4] != 0;
	default:
		return false;
	}
}

static void set_again(struct tern_registers *registers, const struct emu_frame *frame)
{
	registers->pc = frame->again;
	for (int i = 0; i < 7; i++)
		*register_of(registers, REGISTER_A0 + i) = frame->a[i];
}

/*
 * From image.S: a call's result is there, and something may be pending or the call was interrupted.
 * `registers` has the callee-saved ones. What to do next.
 */
static enum outcome deliver(struct emu_thread *thread, struct tern_registers *registers,
			    const struct emu_frame *frame, long result)
{
	struct emu_action action;
	siginfo_t info;
	bool has_handler = next_for_handler(thread, &info, &action);

	settle();
	if (thread->signals.has_saved && !has_handler) {
		thread->signals.has_saved = false;
		emu_signals_block(thread, thread->signals.saved);
	}
	if (!has_handler)
		return result == -EINTR ? AGAIN : RETURN;
	registers->pc = frame->ra;
	*register_of(registers, REGISTER_RA) = frame->ra;
	*register_of(registers, REGISTER_SP) = (uint64_t)(frame + 1);
	*register_of(registers, REGISTER_A0) = (uint64_t)result;
	if (result == -EINTR && !is_never_restarted(frame) && action.flags & SA_RESTART)
		set_again(registers, frame);
	enter_handler(thread, &info, &action, registers);
	return HANDLER;
}

struct delivered emu_deliver(struct tern_registers *registers, const struct emu_frame *frame,
			     long result)
{
	struct emu_thread *thread = emu_current();

	__atomic_store_n(&thread->signals.is_told, 0, __ATOMIC_SEQ_CST);
	return (struct delivered){ deliver(thread, registers, frame, result),
				   &thread->signals.is_told };
}

bool emu_interrupted(void)
{
	struct emu_thread *thread = emu_current();
	struct posix_signal signal;

	for (;;) {
		uint64_t due;

		if (__atomic_load_n(&emu_pending, __ATOMIC_SEQ_CST) & EMU_PENDING_MAIL)
			emu_signals_fetch();
		due = emu_signals_due(thread);
		if (!due)
			return false;
		if (emu_actions[__builtin_ctzl(due) + 1].handler > HANDLER_IGNORE) {
			emu_signals_look();
			return true;
		}
		/* A handler that it has been given since is for another round. */
		if (emu_signal_take(thread, due & -due, &signal) &&
		    !act(signal_number(&signal), emu_actions[signal_number(&signal)].handler))
			emu_signal_generate(thread->tid, &signal);
	}
}

/* --------------------------------------------------------------------------------------- return */

static void read_context(struct tern_registers *registers, uint64_t sp, struct context_head *head)
{
	const struct frame *frame = (const struct frame *)sp;
	struct fp_state state;

	if (emu_copy_in(head, &frame->context, sizeof(*head)) ||
	    emu_copy_in(registers, &frame->context.uc_mcontext, sizeof(*registers)) ||
	    emu_copy_in(&state, &frame->context.uc_mcontext.__fpregs, sizeof(state)))
		emu_process_end(SIGSEGV);
	emu_fp_restore(&state);
}

/* From upcall.S: `sp` is the program's, and so the frame's address. */
void emu_return_from(uint64_t sp) __attribute__((noreturn));

/* One round: what is pending is looked for. */
static void look(struct emu_thread *thread, struct tern_registers *registers)
{
	struct emu_action action;
	siginfo_t info;

	if (next_for_handler(thread, &info, &action))
		enter_handler(thread, &info, &action, registers);
	settle();
}

void emu_return_from(uint64_t sp)
{
	struct emu_thread *thread = emu_current();
	struct tern_registers registers;
	struct context_head head;

	read_context(&registers, sp, &head);
	emu_signals_block(thread, head.mask);
	do {
		__atomic_store_n(&thread->signals.is_told, 0, __ATOMIC_SEQ_CST);
		if (emu_pending)
			look(thread, &registers);
	} while (!emu_resume(&registers, &thread->signals.is_told));
	emu_process_end(SIGSEGV);
}

/* --------------------------------------------------------------------------------------- upcalls */

static bool is_in_image(uint64_t pc)
{
	return pc >= (uint64_t)emu_jump_table && pc < (uint64_t)emu_text_end;
}

/*
 * The last instructions of a call, behind the look at emu_pending: they look again. The very last one,
 * which returns, is as good as done.
 */
static bool leave_again(struct tern_registers *registers)
{
	uint64_t pc = registers->pc;

	if (pc == (uint64_t)emu_leave_last || pc == (uint64_t)emu_left_last) {
		registers->pc = *register_of(registers, REGISTER_RA);
		return true;
	}
	if ((pc > (uint64_t)emu_leave && pc < (uint64_t)emu_leave_last) ||
	    (pc >= (uint64_t)emu_left && pc < (uint64_t)emu_left_last))
		registers->pc = (uint64_t)emu_leave;
	if (pc > (uint64_t)emu_resume && pc <= (uint64_t)emu_resume_last)
		registers->pc = (uint64_t)emu_resume;
	return false;
}

static void take_interrupt(struct emu_thread *thread, struct tern_registers *registers)
{
	__atomic_or_fetch(&emu_pending, EMU_PENDING_LOOK | EMU_PENDING_MAIL, __ATOMIC_SEQ_CST);
	if (is_in_image(registers->pc) && !leave_again(registers)) {
		__atomic_store_n(&thread->signals.is_told, 1, __ATOMIC_SEQ_CST);
		tern_thread_interrupt(thread->handle, 0);
		return;
	}
	look(thread, registers);
}

static int fault_signal(const struct tern_upcall *upcall, int *code)
{
	struct tern_region region;

	switch (upcall->cause) {
	case TERN_UPCALL_ILLEGAL:
		*code = ILL_ILLOPC;
		return SIGILL;
	case TERN_UPCALL_BREAKPOINT:
		*code = TRAP_BRKPT;
		return SIGTRAP;
	case TERN_UPCALL_MISALIGNED:
		*code = BUS_ADRALN;
		return SIGBUS;
	default:
		break;
	}
	*code = BUS_ADRERR;
	if (upcall->error != EFAULT)
		return SIGBUS;
	*code = SEGV_MAPERR;
	if (tern_region_info(TERN_SELF_PROCESS, upcall->value, &region) == 0 &&
	    region.start <= upcall->value)
		*code = SEGV_ACCERR;
	return SIGSEGV;
}

/* It cannot be put off: blocked or ignored, it ends the process. */
static void take_fault(struct emu_thread *thread, struct tern_upcall *upcall)
{
	siginfo_t info;
	int code, number = fault_signal(upcall, &code);
	struct emu_action action;

	if (is_in_image(upcall->registers.pc))
		emu_process_end((uint32_t)number);
	action = emu_action_take(number);
	if (action.handler <= HANDLER_IGNORE || thread->signals.blocked & SIGNAL_BIT(number))
		emu_process_end((uint32_t)number);
	memset(&info, 0, sizeof(info));
	info.si_signo = number;
	info.si_code = code;
	info.si_addr = (void *)(number == SIGILL || number == SIGTRAP ? upcall->registers.pc
								      : upcall->value);
	enter_handler(thread, &info, &action, &upcall->registers);
}

void emu_upcall_taken(struct tern_upcall *upcall) __attribute__((noreturn));

void emu_upcall_taken(struct tern_upcall *upcall)
{
	struct emu_thread *thread = (struct emu_thread *)upcall->word;

	if (upcall->cause == TERN_UPCALL_INTERRUPT)
		take_interrupt(thread, &upcall->registers);
	else if (upcall->cause == TERN_UPCALL_FOREIGN)
		emu_process_end(SIGSYS);
	else if (!emu_copy_fault(&upcall->registers))
		take_fault(thread, upcall);
	tern_thread_resume(&upcall->registers);
	emu_process_end(SIGSEGV);
}
