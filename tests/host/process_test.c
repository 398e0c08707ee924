/* The posix server's logic: lives, deaths, wait. process_signal_test.c has the rest. */
#include "process_world.h"

/* ---------------------------------------------------------------------------- births and deaths */

static void embryo_becomes_a_process(void **state)
{
	struct process *child = process_fork(&table, first);

	(void)state;
	assert_int_equal(child->pid, POSIX_FIRST_PID + 1);
	assert_int_equal(board.slot[child->slot].pid, child->pid);
	assert_int_equal(board.slot[child->slot].parent, first->pid);
	assert_int_equal(board.slot[child->slot].session, first->pid);
	assert_int_equal(send_kill(first, child->pid, SIGUSR1), 0);
	assert_int_equal(send_kill(first, child->pid, SIGSTOP), 0);
	process_born(&table, child, 5);
	assert_int_equal(world.stops[5], 1);
	assert_int_equal(world.interrupts[5], 1);
	exits(child, 3);
	assert_int_equal(world.closes[5], 1);
}

static void embryo_that_was_killed_dies_at_birth(void **state)
{
	struct process *child = process_fork(&table, first);

	(void)state;
	assert_int_equal(send_kill(first, child->pid, SIGKILL), 0);
	process_born(&table, child, 5);
	assert_int_equal(world.kills[5], 1);
}

static void whoever_forks_dies_when_the_child_is_known(void **state)
{
	struct process *parent = fork_of(first), *child = process_fork(&table, parent);
	struct process *grandchild = process_fork(&table, child);
	int64_t handle = parent->handle;

	(void)state;
	assert_int_equal(send_kill(first, parent->pid, SIGKILL), 0);
	assert_int_equal(send_kill(first, child->pid, SIGKILL), 0);
	assert_int_equal(send_kill(first, grandchild->pid, SIGKILL), 0);
	assert_int_equal(world.kills[handle], 0);
	assert_null(process_fork(&table, parent));
	process_born(&table, child, 25);
	assert_int_equal(world.kills[handle], 1);
	assert_int_equal(world.kills[25], 0);
	process_born(&table, grandchild, 26);
	assert_int_equal(world.kills[25], 1);
	assert_int_equal(world.kills[26], 1);
}

static void a_fork_that_never_ends_puts_off_no_death(void **state)
{
	struct process *parent = fork_of(first);

	(void)state;
	process_fork(&table, parent);
	assert_int_equal(send_kill(first, parent->pid, SIGKILL), 0);
	assert_int_equal(world.kills[parent->handle], 0);
	world.now += 3000000000;
	assert_int_equal(send_kill(first, parent->pid, SIGKILL), 0);
	assert_int_equal(world.kills[parent->handle], 1);
}

static void aborted_embryo_is_no_child(void **state)
{
	struct process *child = process_fork(&table, first);
	uint32_t pid = child->pid;

	(void)state;
	assert_int_equal(wait_for(first, POSIX_ALL, 0, PROCESS_WEXITED, 9, NULL), WAITS);
	process_aborted(&table, child);
	assert_true(world.is_answered[9]);
	assert_int_equal((int64_t)world.answers[9][0], -ECHILD);
	assert_null(process_find(&table, pid));
}

static void zombie_waits_to_be_told(void **state)
{
	struct process *child = fork_of(first);
	uint32_t pid = child->pid;
	uint64_t status;

	(void)state;
	assert_int_equal(wait_any(first, &status), 0);
	exits(child, 7);
	assert_int_equal(send_kill(first, pid, SIGTERM), 0);
	assert_int_equal(wait_any(first, &status), pid);
	assert_int_equal(status, 7 << 8);
	assert_int_equal(wait_any(first, &status), -ECHILD);
	assert_int_equal(send_kill(first, pid, 0), -ESRCH);
	assert_int_equal(board.slot[child->slot].pid, 0);
	assert_int_equal(first->child_used, 2000);
}

static void orphans_are_the_servers(void **state)
{
	struct process *child = fork_of(first), *grandchild = fork_of(child),
		       *dead = fork_of(child);
	uint32_t pid = dead->pid;

	(void)state;
	exits(dead, 0);
	assert_non_null(process_find(&table, pid));
	exits(child, 0);
	assert_null(process_find(&table, pid));
	assert_int_equal(board.slot[grandchild->slot].parent, POSIX_SERVER_PID);
	pid = grandchild->pid;
	exits(grandchild, 0);
	assert_null(process_find(&table, pid));
}

static void end_of_the_first_ends_all(void **state)
{
	(void)state;
	process_died(&table, first, POSIX_EXITED | SIGTERM);
	assert_int_equal(world.shut_downs, 1);
	assert_int_equal(world.status, 128 + SIGTERM);
}

static void faults_are_segmentation_faults(void **state)
{
	struct process *child = fork_of(first);
	uint64_t status;

	(void)state;
	process_died(&table, child, TERN_STATUS_FAULT);
	wait_any(first, &status);
	assert_int_equal(status, SIGSEGV);
}

static void pids_are_not_used_while_somebody_has_them(void **state)
{
	struct process *leader = fork_of(first), *member = fork_of(first);
	uint32_t group = leader->pid, seen = 0;

	(void)state;
	assert_int_equal(process_set_group(&table, first, leader->pid, 0), 0);
	assert_int_equal(process_set_group(&table, first, member->pid, group), 0);
	exits(leader, 0);
	wait_any(first, NULL);
	table.next_pid = PROCESS_PID_LIMIT - 2;
	for (int i = 0; i < 10; i++) {
		struct process *child = process_fork(&table, first);

		assert_true(child->pid < PROCESS_PID_LIMIT);
		assert_true(child->pid != group && child->pid != first->pid);
		seen |= child->pid < 10;
		process_aborted(&table, child);
	}
	assert_true(seen);
	table.next_pid = PROCESS_PID_LIMIT - 1;
	assert_int_equal(process_fork(&table, first)->pid, PROCESS_PID_LIMIT - 1);
	table.next_pid = PROCESS_PID_LIMIT - 1;
	assert_true(process_fork(&table, first)->pid < PROCESS_PID_LIMIT - 1);
}

static void full_table_refuses(void **state)
{
	unsigned int count = 0;

	(void)state;
	while (process_fork(&table, first))
		count++;
	assert_int_equal(count, POSIX_SLOTS - 1);
}

/* Whoever holds the port of a dead process keeps its place from the next as long as there are others. */
static void held_places_are_used_last(void **state)
{
	struct process *child = process_fork(&table, first), *next;

	(void)state;
	child->has_clients = true;
	process_aborted(&table, child);
	next = process_fork(&table, first);
	assert_ptr_not_equal(next, child);
	process_released(&table, child);
	process_aborted(&table, next);
	process_fork(&table, first);
	assert_ptr_equal(process_fork(&table, first), child);
}

/* ------------------------------------------------------------------------------------------- wait */

static void parked_wait_is_answered(void **state)
{
	struct process *child = fork_of(first), *other = fork_of(first);

	(void)state;
	assert_int_equal(wait_for(first, POSIX_PID, child->pid, PROCESS_WEXITED, 1, NULL), WAITS);
	exits(other, 1);
	assert_false(world.is_answered[1]);
	exits(child, 2);
	assert_true(world.is_answered[1]);
	assert_int_equal(world.answers[1][1], 2 << 8);
}

static void answer_that_comes_too_late_leaves_the_child(void **state)
{
	struct process *child = fork_of(first);
	uint32_t pid = child->pid;
	uint64_t status;

	(void)state;
	assert_int_equal(wait_for(first, POSIX_ALL, 0, PROCESS_WEXITED, 1, NULL), WAITS);
	world.is_gone[1] = true;
	exits(child, 2);
	assert_int_equal(wait_any(first, &status), pid);
}

static void cancelled_wait_is_forgotten(void **state)
{
	uint64_t words[8] = { POSIX_OP_wait, POSIX_ALL, 0, PROCESS_WEXITED }, cookie;

	(void)state;
	fork_of(first);
	assert_int_equal(process_wait(&table, first, words), -EAGAIN);
	cookie = process_wait_cookie(&table, first, words);
	process_wait_parked(first, cookie, 4);
	assert_true(process_wait_cancel(&table, cookie));
	assert_true(world.is_dropped[4]);
	assert_false(process_wait_cancel(&table, cookie));
	assert_false(process_wait_cancel(&table, 0x123456789));
}

static void peeking_takes_nothing(void **state)
{
	struct process *child = fork_of(first);
	uint32_t pid = child->pid;

	(void)state;
	exits(child, 1);
	assert_int_equal(
		wait_for(first, POSIX_GROUP, 0, PROCESS_WEXITED | PROCESS_WNOWAIT, 0, NULL), pid);
	assert_int_equal(wait_any(first, NULL), pid);
}

static void stops_and_continues_are_told_once(void **state)
{
	struct process *child = fork_of(first);
	uint64_t options = PROCESS_WSTOPPED | PROCESS_WCONTINUED | PROCESS_WNOHANG, status;

	(void)state;
	send_kill(first, child->pid, SIGSTOP);
	send_kill(first, child->pid, SIGSTOP);
	assert_int_equal(world.stops[child->handle], 1);
	assert_int_equal(wait_for(first, POSIX_ALL, 0, options, 0, &status), child->pid);
	assert_int_equal(status, SIGSTOP << 8 | 0x7f);
	assert_int_equal(wait_for(first, POSIX_ALL, 0, options, 0, &status), 0);
	send_kill(first, child->pid, SIGCONT);
	assert_int_equal(world.resumes[child->handle], 1);
	assert_int_equal(wait_for(first, POSIX_ALL, 0, options, 0, &status), child->pid);
	assert_int_equal(status, 0xffff);
	assert_int_equal(take(child, NULL), SIGCONT);
}

static void ignored_children_are_not_kept(void **state)
{
	struct process *child = fork_of(first);
	uint32_t pid = child->pid;

	(void)state;
	process_child_action(&table, first, POSIX_CHILD_IGNORE);
	assert_int_equal(wait_for(first, POSIX_ALL, 0, PROCESS_WEXITED, 3, NULL), WAITS);
	exits(child, 0);
	assert_null(process_find(&table, pid));
	assert_int_equal((int64_t)world.answers[3][0], -ECHILD);
}

static void child_signals_are_sent_to_those_who_care(void **state)
{
	struct process *child = fork_of(first), *second = fork_of(first);
	struct posix_signal signal;

	(void)state;
	exits(child, 4);
	assert_int_equal(take(first, NULL), 0);
	process_child_action(&table, first, POSIX_CHILD_NOTIFY);
	assert_int_equal(take(first, NULL), SIGCHLD);
	send_kill(first, second->pid, SIGSTOP);
	assert_int_equal(take(first, &signal), SIGCHLD);
	assert_int_equal(POSIX_SIGNAL_CODE(&signal), 5);
	assert_int_equal(signal.pid, second->pid);
	process_child_action(&table, first, POSIX_CHILD_NOTIFY | POSIX_CHILD_NO_STOP);
	send_kill(first, second->pid, SIGCONT);
	assert_int_equal(take(first, &signal), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
	const struct CMUnitTest tests[] = {
		TEST(embryo_becomes_a_process),
		TEST(embryo_that_was_killed_dies_at_birth),
		TEST(whoever_forks_dies_when_the_child_is_known),
		TEST(a_fork_that_never_ends_puts_off_no_death),
		TEST(aborted_embryo_is_no_child),
		TEST(zombie_waits_to_be_told),
		TEST(orphans_are_the_servers),
		TEST(end_of_the_first_ends_all),
		TEST(faults_are_segmentation_faults),
		TEST(pids_are_not_used_while_somebody_has_them),
		TEST(full_table_refuses),
		TEST(held_places_are_used_last),
		TEST(parked_wait_is_answered),
		TEST(answer_that_comes_too_late_leaves_the_child),
		TEST(cancelled_wait_is_forgotten),
		TEST(peeking_takes_nothing),
		TEST(stops_and_continues_are_told_once),
		TEST(ignored_children_are_not_kept),
		TEST(child_signals_are_sent_to_those_who_care),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
