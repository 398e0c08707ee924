/* The calls about signals. */
#include "signal_internal.h"

#include <string.h>

#define SET_SIZE sizeof(uint64_t)
#define MINIMUM_STACK 2048

long emu_sigaction(int number, const struct emu_action *user, struct emu_action *user_old,
		   uint64_t size)
{
	struct emu_action action, old;

	if (size != SET_SIZE || number < 1 || number > POSIX_SIGNALS)
		return -EINVAL;
	if (user && emu_copy_in(&action, user, sizeof(action)))
		return -EFAULT;
	if (user && SIGNAL_BIT(number) & SIGNALS_ALWAYS)
		return -EINVAL;
	old = emu_actions[number];
	if (user) {
		emu_lock(&emu_threads_lock);
		emu_signals_lock();
		emu_actions[number] = action;
		emu_actions[number].mask &= ~SIGNALS_ALWAYS;
		if (emu_signal_is_ignored(number))
			emu_signals_discard(SIGNAL_BIT(number));
		emu_signals_unlock();
		emu_unlock(&emu_threads_lock);
		if (number == SIGCHLD)
			emu_signals_want_child(0);
	}
	return user_old ? emu_copy_out(user_old, &old, sizeof(old)) : 0;
}

long emu_full_sigprocmask(int how, const uint64_t *user, uint64_t *user_old, uint64_t size)
{
	struct emu_thread *thread = emu_current();
	uint64_t set, old = thread->signals.blocked;

	if (size != SET_SIZE)
		return -EINVAL;
	if (user) {
		if (emu_get_long(&set, user))
			return -EFAULT;
		if (how < SIG_BLOCK || how > SIG_SETMASK)
			return -EINVAL;
		set = how == SIG_BLOCK ? old | set : how == SIG_UNBLOCK ? old & ~set : set;
		emu_signals_block(thread, set);
	}
	return user_old ? emu_copy_out(user_old, &old, sizeof(old)) : 0;
}

long emu_sigpending(uint64_t *user, uint64_t size)
{
	struct emu_thread *thread = emu_current();
	uint64_t set;

	if (size > SET_SIZE)
		return -EINVAL;
	emu_signals_want_child(SIGNAL_BIT(SIGCHLD));
	emu_signals_fetch();
	set = emu_signals_pending(thread) & thread->signals.blocked;
	return emu_copy_out(user, &set, size);
}

/* -------------------------------------------------------------------------------------- waiting */

long emu_sleep_until(uint64_t deadline)
{
	volatile uint32_t word = 0;

	for (;;) {
		long result = emu_interrupted() ? -EINTR : tern_futex_wait(&word, 0, deadline);

		if (result == -ETIMEDOUT)
			return 0;
		if (result == -EINTR && emu_interrupted())
			return -EINTR;
	}
}

/* The mask of before comes back when the handler has returned. */
static void set_mask_for_now(struct emu_thread *thread, uint64_t mask)
{
	thread->signals.saved = thread->signals.blocked;
	thread->signals.has_saved = true;
	emu_signals_block(thread, mask);
}

long emu_sigsuspend(const uint64_t *user, uint64_t size)
{
	uint64_t mask;

	if (size != SET_SIZE)
		return -EINVAL;
	if (emu_get_long(&mask, user))
		return -EFAULT;
	set_mask_for_now(emu_current(), mask);
	return emu_sleep_until(TERN_DEADLINE_NONE);
}

long emu_with_mask(const uint64_t *user, uint64_t size, long (*function)(void *), void *argument)
{
	struct emu_thread *thread = emu_current();
	uint64_t mask;
	long result;

	if (!user)
		return function(argument);
	if (size != SET_SIZE)
		return -EINVAL;
	if (emu_get_long(&mask, user))
		return -EFAULT;
	set_mask_for_now(thread, mask);
	/* One that was pending already ends the first wait; readiness comes before it. */
	if (emu_interrupted())
		tern_thread_interrupt(thread->handle, 0);
	result = function(argument);
	if (result == -EINTR && emu_interrupted())
		return result;
	thread->signals.has_saved = false;
	emu_signals_block(thread, thread->signals.saved);
	return result;
}

static long wait_for(struct emu_thread *thread, uint64_t set, uint64_t deadline,
		     struct posix_signal *signal)
{
	volatile uint32_t word = 0;
	bool is_late = false;

	for (;;) {
		if (__atomic_load_n(&emu_pending, __ATOMIC_SEQ_CST) & EMU_PENDING_MAIL)
			emu_signals_fetch();
		if (emu_signal_take(thread, set, signal))
			return signal_number(signal);
		if (is_late)
			return -EAGAIN;
		if (emu_interrupted())
			return -EINTR;
		is_late = tern_futex_wait(&word, 0, deadline) == -ETIMEDOUT;
	}
}

long emu_sigtimedwait(const uint64_t *user, siginfo_t *user_info, const struct timespec *user_time,
		      uint64_t size)
{
	struct emu_thread *thread = emu_current();
	struct posix_signal signal;
	uint64_t set, deadline;
	siginfo_t info;
	long result;

	if (size != SET_SIZE)
		return -EINVAL;
	if (emu_get_long(&set, user))
		return -EFAULT;
	result = emu_get_deadline(user_time, emu_deadline, &deadline);
	if (result)
		return result;
	set &= ~SIGNALS_ALWAYS;
	emu_signals_want_child(set);
	emu_signals_await(thread, set);
	emu_signals_fetch();
	result = wait_for(thread, set, deadline, &signal);
	emu_signals_await(thread, 0);
	if (result < 0 || !user_info)
		return result;
	emu_signal_describe(&signal, &info);
	return emu_copy_out(user_info, &info, sizeof(info)) ? -EFAULT : result;
}

/* -------------------------------------------------------------------------------------- sending */

static struct posix_signal from_self(int number, int code)
{
	return (struct posix_signal){ .number_and_code = POSIX_SIGNAL(number, code),
				      .pid = (uint32_t)emu_process.pid,
				      .uid = emu_process.uid };
}

/* To the own process. What stops or continues it is the posix server's business. */
static long send_self(const struct posix_signal *signal)
{
	int number = signal_number(signal);
	long result;

	if (number == SIGKILL)
		emu_process_end(SIGKILL);
	if (number == SIGCONT || (number && SIGNAL_BIT(number) & SIGNALS_STOP)) {
		result = posix_kill(emu_posix, emu_process.pid, (uint32_t)number,
				    POSIX_SIGNAL_CODE(signal), signal->value, 0);
		emu_signals_fetch(); /* it is to come before the call returns */
		return result;
	}
	return number ? emu_signal_generate(0, signal) : 0;
}

long emu_full_kill(int pid, int number)
{
	struct posix_signal signal = from_self(number, SI_USER);
	long result;

	if (number < 0 || number > POSIX_SIGNALS)
		return -EINVAL;
	if (pid == emu_process.pid)
		return send_self(&signal);
	result = posix_kill(emu_posix, pid, (uint32_t)number, SI_USER, 0, 0);
	if (!result && pid <= 0)
		emu_signals_fetch(); /* perhaps to this process as well: before the call returns */
	return result;
}

/* A thread of this process; of another it is that process's to find the thread. */
static long send_thread(int tid, const struct posix_signal *signal)
{
	int number = signal_number(signal);
	bool is_here;

	if (number && number != SIGKILL && number != SIGCONT &&
	    !(SIGNAL_BIT(number) & SIGNALS_STOP))
		return emu_signal_generate(tid, signal);
	emu_lock(&emu_threads_lock);
	is_here = emu_thread_find(tid) != NULL;
	emu_unlock(&emu_threads_lock);
	if (!is_here)
		return -ESRCH;
	return number ? send_self(signal) : 0;
}

long emu_full_tgkill(int pid, int tid, int number)
{
	struct posix_signal signal = from_self(number, SI_TKILL);

	if (pid <= 0 || tid <= 0 || number < 0 || number > POSIX_SIGNALS)
		return -EINVAL;
	if (pid == emu_process.pid)
		return send_thread(tid, &signal);
	return posix_kill(emu_posix, pid, (uint32_t)number, SI_TKILL, 0,
			  tid == pid ? 0 : (uint32_t)tid);
}

/* A thread's number has its process's in the low bits: see thread.c. */
long emu_full_tkill(int tid, int number)
{
	struct posix_signal signal = from_self(number, SI_TKILL);
	long result;

	if (tid <= 0 || number < 0 || number > POSIX_SIGNALS)
		return -EINVAL;
	result = send_thread(tid, &signal);
	return result == -ESRCH && tid != emu_process.pid
		       ? posix_kill(emu_posix, tid, (uint32_t)number, SI_TKILL, 0, 0)
		       : result;
}

static long get_info(int number, const siginfo_t *user, int pid, siginfo_t *info)
{
	if (emu_copy_in(info, user, sizeof(*info)))
		return -EFAULT;
	if (number < 0 || number > POSIX_SIGNALS)
		return -EINVAL;
	/* Nobody may claim to be the kernel. */
	return (info->si_code >= 0 || info->si_code == SI_TKILL) && pid != emu_process.pid ? -EPERM
											   : 0;
}

long emu_sigqueueinfo(int pid, int number, const siginfo_t *user)
{
	struct posix_signal signal;
	siginfo_t info;
	long result = get_info(number, user, pid, &info);

	if (result)
		return result;
	signal = from_self(number, info.si_code);
	signal.value = (uint64_t)info.si_value.sival_ptr;
	if (pid == emu_process.pid)
		return send_self(&signal);
	return posix_kill(emu_posix, pid, (uint32_t)number, info.si_code, signal.value, 0);
}

long emu_tgsigqueueinfo(int pid, int tid, int number, const siginfo_t *user)
{
	struct posix_signal signal;
	siginfo_t info;
	long result = get_info(number, user, pid, &info);

	if (result)
		return result;
	if (pid <= 0 || tid <= 0)
		return -EINVAL;
	signal = from_self(number, info.si_code);
	signal.value = (uint64_t)info.si_value.sival_ptr;
	if (pid == emu_process.pid)
		return send_thread(tid, &signal);
	return posix_kill(emu_posix, pid, (uint32_t)number, info.si_code, signal.value,
			  (uint32_t)tid);
}

/* --------------------------------------------------------------------------------------- stacks */

/* On the stack now? The caller's frame is where the program's stack is. */
static bool is_on_stack(const struct emu_thread_signals *signals)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0);

	return here > signals->stack && here <= signals->stack + signals->stack_length;
}

long emu_sigaltstack(const stack_t *user, stack_t *user_old)
{
	struct emu_thread_signals *signals = &emu_current()->signals;
	bool is_in_use = is_on_stack(signals);
	stack_t stack, old = {
		.ss_sp = (void *)signals->stack,
		.ss_size = signals->stack_length,
		.ss_flags = !signals->stack_length ? SS_DISABLE
			    : is_in_use            ? SS_ONSTACK
						   : 0,
	};

	if (user && emu_copy_in(&stack, user, sizeof(stack)))
		return -EFAULT;
	if (user && is_in_use)
		return -EPERM;
	if (user && stack.ss_flags & ~(SS_DISABLE | SS_ONSTACK))
		return -EINVAL;
	if (user && !(stack.ss_flags & SS_DISABLE) && stack.ss_size < MINIMUM_STACK)
		return -ENOMEM;
	if (user) {
		bool is_off = stack.ss_flags & SS_DISABLE;

		signals->stack = is_off ? 0 : (uint64_t)stack.ss_sp;
		signals->stack_length = is_off ? 0 : stack.ss_size;
	}
	return user_old && emu_copy_out(user_old, &old, sizeof(old)) ? -EFAULT : 0;
}
