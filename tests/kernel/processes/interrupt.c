/* process_interrupt: thread_interrupt by those who know the process only. */
#include "processes.h"

static void sleep_once(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;

	shared->is_done = 1;
	shared->result = tern_futex_wait(&shared->word, 0, TERN_DEADLINE_NONE);
	rt_exit(7);
}

void blocked_process_is_interrupted(void)
{
	struct family family;

	family_start(&family, sleep_once, NULL);
	test_await(&family.shared->is_done, 1);
	test_settle();
	CHECK_EQ(tern_process_interrupt(family.child.process, TERN_INTERRUPT_UPCALL), -EINVAL);
	CHECK_EQ(tern_process_status(family.child.process), TERN_PROCESS_RUNNING);
	CHECK_EQ(tern_process_interrupt(family.child.process, 0), 0);
	rt_wait_process(family.child.process);
	CHECK_EQ(family.shared->result, -EINTR);
	CHECK_EQ(family_join(&family), 7);
}

static void spin_for_upcalls(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;

	family_take_upcalls(shared);
	shared->is_done = 1;
	while (!shared->word)
		shared->counts[0]++;
	rt_exit(8);
}

void interrupt_takes_an_upcall(void)
{
	struct family family;

	family_start(&family, spin_for_upcalls, NULL);
	test_await(&family.shared->is_done, 1);
	for (uint32_t i = 1; i <= 20; i++) {
		CHECK_EQ(tern_process_interrupt(family.child.process, TERN_INTERRUPT_UPCALL), 0);
		test_await(&family.shared->steps, i);
	}
	CHECK_EQ(family.shared->cause, TERN_UPCALL_INTERRUPT);
	CHECK_EQ(family.shared->upcall_word, family.shared);
	family.shared->word = 1;
	CHECK_EQ(family_join(&family), 8);
}

static void second_thread(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;

	shared->is_done = 1;
	shared->result = tern_futex_wait(&shared->word, 0, TERN_DEADLINE_NONE);
	rt_exit(9);
}

static void leave_second_thread(uint64_t argument)
{
	static struct rt_thread thread;

	rt_thread(&thread, second_thread, argument, PRIORITY);
}

/* The first thread has gone: the next one is the process's. */
void first_living_thread_is_interrupted(void)
{
	struct family family;

	family_start(&family, leave_second_thread, NULL);
	test_await(&family.shared->is_done, 1);
	while (tern_process_info(family.child.process, TERN_PROCESS_THREADS) > 1)
		test_sleep(50000);
	test_settle();
	CHECK_EQ(tern_process_interrupt(family.child.process, 0), 0);
	rt_wait_process(family.child.process);
	CHECK_EQ(family.shared->result, -EINTR);
	CHECK_EQ(family_join(&family), 9);
}

void interrupt_without_a_thread_is_refused(void)
{
	tern_handle process = tern_process_create(0);
	tern_handle weak = tern_handle_duplicate(process, TERN_RIGHT_READ);

	CHECK_EQ(tern_process_interrupt(weak, 0), -EPERM);
	CHECK_EQ(tern_process_interrupt(process, 2), -EINVAL);
	CHECK_EQ(tern_process_interrupt(process, 0), -ESRCH);
	CHECK_EQ(tern_process_kill(process, 0), 0);
	CHECK_EQ(tern_process_interrupt(process, 0), -ESRCH);
	CHECK_EQ(tern_handle_close(weak), 0);
	CHECK_EQ(tern_handle_close(process), 0);
}
