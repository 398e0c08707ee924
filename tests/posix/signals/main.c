/* Handlers, masks, queues, stacks. */
#include <fenv.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <ucontext.h>

#include "tests/posix/family.h"

static volatile sig_atomic_t count, last, nested;
static volatile int code, value;
static siginfo_t info;

static void on_signal(int number)
{
	count++;
	last = number;
}

static void on_info(int number, siginfo_t *what, void *context)
{
	(void)context;
	info = *what;
	last = number;
	value = value * 10 + what->si_value.sival_int;
	count++;
}

static void handle_info(int number, int flags)
{
	struct sigaction action = { .sa_sigaction = on_info, .sa_flags = flags | SA_SIGINFO };

	CHECK_EQ(sigaction(number, &action, NULL), 0);
}

static sigset_t set_of(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	return set;
}

static void raise_calls_the_handler_before_it_returns(void)
{
	handle(SIGUSR1, on_signal, 0);
	for (int i = 1; i <= 1000; i++) {
		CHECK_EQ(raise(SIGUSR1), 0);
		CHECK_EQ(count, i);
	}
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(count, 1001);
}

static void registers_survive_a_handler(void)
{
	double sum = 0;
	long numbers[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	handle(SIGUSR1, on_signal, 0);
	for (int i = 0; i < 1000; i++) {
		for (int k = 0; k < 8; k++)
			numbers[k] = numbers[k] * 3 + k;
		sum = sum * 0.5 + i;
		raise(SIGUSR1);
	}
	CHECK_EQ(count, 1000);
	CHECK(sum > 1995.9 && sum < 1996.1);
}

/* An upcall in the middle of a computation. */
static void asynchronous_signals_do_not_disturb(void)
{
	pid_t parent = getpid(), pid;
	uint64_t hash = 1, again = 1;
	double sum = 1, other = 1;
	long rounds = 0;

	handle(SIGUSR1, on_signal, SA_RESTART);
	pid = fork();
	if (!pid) {
		for (;;) {
			kill(parent, SIGUSR1);
			nap(2);
		}
	}
	while (count < 20) {
		hash = hash * 6364136223846793005u + 1442695040888963407u;
		sum = sum * 0.999 + (double)(hash >> 60);
		rounds++;
	}
	while (rounds--) {
		again = again * 6364136223846793005u + 1442695040888963407u;
		other = other * 0.999 + (double)(again >> 60);
	}
	CHECK_EQ(hash, again);
	CHECK(sum == other);
	kill(pid, SIGKILL);
	CHECK_EQ(reap(pid), SIGKILL);
}

static void blocked_signals_wait(void)
{
	sigset_t set = set_of(SIGUSR1), old, pending;

	handle(SIGUSR1, on_signal, 0);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, &old), 0);
	CHECK_EQ(sigismember(&old, SIGUSR1), 0);
	raise(SIGUSR1);
	raise(SIGUSR1);
	CHECK_EQ(count, 0);
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_EQ(sigismember(&pending, SIGUSR1), 1);
	CHECK_EQ(sigismember(&pending, SIGUSR2), 0);
	CHECK_EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
	CHECK_EQ(count, 1);
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_EQ(sigismember(&pending, SIGUSR1), 0);
}

static void ignoring_forgets_what_is_pending(void)
{
	sigset_t set = set_of(SIGUSR1), pending;

	handle(SIGUSR1, on_signal, 0);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	handle(SIGUSR1, SIG_IGN, 0);
	sigpending(&pending);
	CHECK_EQ(sigismember(&pending, SIGUSR1), 0);
	handle(SIGUSR1, on_signal, 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	CHECK_EQ(count, 0);
}

static void on_nested(int number)
{
	nested++;
	if (number == SIGUSR1 && nested < 2)
		raise(SIGUSR1); /* blocked in here: comes afterwards */
	if (nested == 1)
		count++;
}

static void own_signal_is_blocked_in_a_handler(void)
{
	handle(SIGUSR1, on_nested, 0);
	raise(SIGUSR1);
	CHECK_EQ(nested, 2);
	CHECK_EQ(count, 1);
}

static void nodefer_and_resethand(void)
{
	struct sigaction action;

	handle(SIGUSR1, on_signal, (int)(SA_RESETHAND | SA_NODEFER));
	raise(SIGUSR1);
	CHECK_EQ(count, 1);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &action), 0);
	CHECK(action.sa_handler == SIG_DFL);
}

static void realtime_signals_queue_in_order(void)
{
	sigset_t set = set_of(SIGRTMIN + 1);

	handle_info(SIGRTMIN + 1, 0);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 1; i <= 5; i++) {
		union sigval data = { .sival_int = i };

		CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 1, data), 0);
	}
	CHECK_EQ(count, 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	CHECK_EQ(count, 5);
	CHECK_EQ(value, 12345);
	CHECK_EQ(info.si_code, SI_QUEUE);
	CHECK_EQ(info.si_pid, getpid());
}

static void signals_of_others_carry_values(void)
{
	sigset_t set = set_of(SIGRTMIN + 2), old;
	pid_t parent = getpid(), pid;

	handle_info(SIGRTMIN + 2, 0);
	sigprocmask(SIG_BLOCK, &set, &old);
	pid = fork();
	if (!pid) {
		for (int i = 1; i <= 9; i++)
			sigqueue(parent, SIGRTMIN + 2, (union sigval){ .sival_int = i });
		_exit(0);
	}
	reap(pid);
	CHECK_EQ(count, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	while (count < 9)
		nap(1);
	CHECK_EQ(value, 123456789);
	CHECK_EQ(info.si_pid, pid);
}

/* ---------------------------------------------------------------------------------------- faults */

static sigjmp_buf back;

static void on_fault(int number, siginfo_t *what, void *context)
{
	(void)context;
	info = *what;
	last = number;
	siglongjmp(back, 1);
}

static void catch_fault(int number)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	CHECK_EQ(sigaction(number, &action, NULL), 0);
}

/* Opaque to the compiler, which knows that nothing is there. */
static char *volatile nowhere = (char *)0x1230;

static void faults_have_addresses(void)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	catch_fault(SIGSEGV);
	catch_fault(SIGILL);
	catch_fault(SIGTRAP);
	if (!sigsetjmp(back, 1))
		*(volatile char *)nowhere = 1;
	CHECK_EQ(last, SIGSEGV);
	CHECK_EQ((long)info.si_addr, 0x1230);
	CHECK_EQ(info.si_code, SEGV_MAPERR);
	if (!sigsetjmp(back, 1))
		*(volatile char *)(page + 7) = 1;
	CHECK_EQ((long)info.si_addr, (long)page + 7);
	CHECK_EQ(info.si_code, SEGV_ACCERR);
	last = 0;
	if (!sigsetjmp(back, 1))
		__asm__ volatile(".word 0");
	CHECK_EQ(last, SIGILL);
	last = 0;
	if (!sigsetjmp(back, 1))
		__asm__ volatile("ebreak");
	CHECK_EQ(last, SIGTRAP);
}

static void bad_pointers_are_errors_and_no_faults(void)
{
	CHECK_ERROR(write(1, nowhere, 5), EFAULT);
	CHECK_ERROR(sigprocmask(SIG_BLOCK, (sigset_t *)nowhere, NULL), EFAULT);
	CHECK_ERROR(pipe((int *)nowhere), EFAULT);
	CHECK_ERROR(getrandom(nowhere, 5, 0), EFAULT);
	CHECK_ERROR(getrandom(nowhere, 500, 0), EFAULT);
}

static void unhandled_faults_kill(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		*(volatile char *)nowhere = 1;
		_exit(0);
	}
	status = reap(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	pid = fork();
	if (!pid) {
		sigset_t set = set_of(SIGSEGV);

		handle(SIGSEGV, on_signal, 0);
		sigprocmask(SIG_BLOCK, &set, NULL);
		*(volatile char *)nowhere = 1;
		_exit(0);
	}
	status = reap(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* ---------------------------------------------------------------------------------------- stacks */

static char other_stack[65536];
static volatile long where;

static void on_other_stack(int number)
{
	char here;
	stack_t stack;

	last = number;
	where = (long)&here;
	CHECK_EQ(sigaltstack(NULL, &stack), 0);
	CHECK_EQ(stack.ss_flags & SS_ONSTACK, SS_ONSTACK);
	stack.ss_flags = 0;
	CHECK_ERROR(sigaltstack(&stack, NULL), EPERM);
}

static void handlers_run_on_the_other_stack(void)
{
	stack_t stack = { .ss_sp = other_stack, .ss_size = sizeof(other_stack) }, old;

	CHECK_EQ(sigaltstack(&stack, &old), 0);
	CHECK_EQ(old.ss_flags & SS_DISABLE, SS_DISABLE);
	handle(SIGUSR1, on_other_stack, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(where > (long)other_stack && where < (long)other_stack + 65536);
	stack.ss_size = 100;
	CHECK_ERROR(sigaltstack(&stack, NULL), ENOMEM);
	stack.ss_flags = SS_DISABLE;
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	handle(SIGUSR1, on_signal, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK_EQ(count, 1);
}

static volatile int depth_left;

static int overflow(int depth)
{
	volatile char room[4096];

	room[0] = (char)depth;
	return depth_left ? overflow(depth + 1) + room[0] : 0;
}

static void stack_overflow_is_caught_on_the_other_stack(void)
{
	stack_t stack = { .ss_sp = other_stack, .ss_size = sizeof(other_stack) };
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
	depth_left = 1;
	if (!sigsetjmp(back, 1))
		overflow(0);
	CHECK_EQ(last, SIGSEGV);
}

/* A handler may change where the program goes on. */
static void on_skip(int number, siginfo_t *what, void *context)
{
	ucontext_t *here = context;

	(void)what;
	last = number;
	here->uc_mcontext.__gregs[0] += 2; /* c.ebreak */
	here->uc_mcontext.__gregs[10] = 77;
}

static void context_can_be_changed(void)
{
	struct sigaction action = { .sa_sigaction = on_skip, .sa_flags = SA_SIGINFO };
	register long a0 __asm__("a0") = 1;

	sigaction(SIGTRAP, &action, NULL);
	__asm__ volatile(".option push\n.option rvc\nc.ebreak\n.option pop" : "+r"(a0)::"memory");
	CHECK_EQ(a0, 77);
	CHECK_EQ(last, SIGTRAP);
}

/* --------------------------------------------------------------------------------------- refusals */

static void wrong_arguments(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN };

	CHECK_ERROR(sigaction(SIGKILL, &action, NULL), EINVAL);
	CHECK_ERROR(sigaction(SIGSTOP, &action, NULL), EINVAL);
	CHECK_ERROR(sigaction(0, &action, NULL), EINVAL);
	CHECK_ERROR(sigaction(65, &action, NULL), EINVAL);
	CHECK_ERROR(kill(getpid(), 65), EINVAL);
	CHECK_ERROR(kill(4000000, 0), ESRCH);
	CHECK_ERROR(kill(-4000000, 0), ESRCH);
	CHECK_EQ(kill(1, 0), 0);
	CHECK_EQ(kill(getpid(), 0), 0);
}

static const struct test tests[] = {
	{ "raise_calls_the_handler_before_it_returns", raise_calls_the_handler_before_it_returns },
	{ "registers_survive_a_handler", registers_survive_a_handler },
	{ "asynchronous_signals_do_not_disturb", asynchronous_signals_do_not_disturb },
	{ "blocked_signals_wait", blocked_signals_wait },
	{ "ignoring_forgets_what_is_pending", ignoring_forgets_what_is_pending },
	{ "own_signal_is_blocked_in_a_handler", own_signal_is_blocked_in_a_handler },
	{ "nodefer_and_resethand", nodefer_and_resethand },
	{ "realtime_signals_queue_in_order", realtime_signals_queue_in_order },
	{ "signals_of_others_carry_values", signals_of_others_carry_values },
	{ "faults_have_addresses", faults_have_addresses },
	{ "bad_pointers_are_errors_and_no_faults", bad_pointers_are_errors_and_no_faults },
	{ "unhandled_faults_kill", unhandled_faults_kill },
	{ "handlers_run_on_the_other_stack", handlers_run_on_the_other_stack },
	{ "stack_overflow_is_caught_on_the_other_stack",
	  stack_overflow_is_caught_on_the_other_stack },
	{ "context_can_be_changed", context_can_be_changed },
	{ "wrong_arguments", wrong_arguments },
	{ NULL, NULL },
};

int main(void)
{
	return check_run(tests);
}
