/* The posix server's logic: signals, groups, terminals, timers, users, and everything at random. */
#include "process_world.h"

/* ---------------------------------------------------------------------------------------- signals */

static void stop_and_continue_take_each_other_away(void **state)
{
	struct process *child = fork_of(first);

	(void)state;
	send_kill(first, child->pid, SIGTSTP);
	send_kill(first, child->pid, SIGCONT);
	assert_int_equal(take(child, NULL), SIGCONT);
	assert_int_equal(take(child, NULL), 0);
	send_kill(first, child->pid, SIGCONT);
	send_kill(first, child->pid, SIGTTIN);
	assert_int_equal(take(child, NULL), SIGTTIN);
	assert_int_equal(take(child, NULL), 0);
}

static void stop_that_is_out_of_date_is_none(void **state)
{
	struct process *child = fork_of(first);

	(void)state;
	process_set_group(&table, first, child->pid, 0);
	assert_int_equal(process_stop(&table, child, SIGTSTP, 5), 0);
	assert_int_equal(process_stop(&table, child, SIGUSR1, 0), -EINVAL);
	assert_int_equal(process_stop(&table, child, SIGTSTP, 0), 1);
	assert_true(child->is_stopped);
}

static void killed_process_gives_locks_back(void **state)
{
	uint64_t words[8] = { POSIX_OP_timer_set, POSIX_TIMER_KILL, INT64_MAX };
	struct process *child = fork_of(first);
	int64_t handle = child->handle;

	(void)state;
	child->has_robust = true;
	assert_int_equal(send_kill(first, child->pid, SIGSTOP), 0);
	assert_int_equal(send_kill(first, child->pid, SIGKILL), 0);
	assert_int_equal(send_kill(first, child->pid, SIGKILL), 0);
	assert_int_equal(take(child, NULL), SIGKILL);
	assert_int_equal(take(child, NULL), 0);
	assert_true(world.interrupts[handle] && world.resumes[handle]);
	assert_int_equal(world.kills[handle], 0);
	/* It does not, and stops nobody from looking. */
	assert_int_equal(process_timer_set(&table, child, words), -EINVAL);
	world.now = world.timer;
	process_timers_run(&table);
	assert_int_equal(world.kills[handle], 1);
}

static void users_may_signal_their_own(void **state)
{
	struct process *child = fork_of(first), *other = fork_of(first);
	const uint64_t ids[8] = { 0, 1000, 1000, 1000 };

	(void)state;
	assert_int_equal(process_set_ids(child, false, ids), 0);
	assert_int_equal(send_kill(child, first->pid, SIGTERM), -EPERM);
	assert_int_equal(send_kill(child, first->pid, SIGCONT), 0);
	assert_int_equal(send_kill(child, 1, SIGUSR2), -EPERM);
	assert_int_equal(send_kill(child, 1, 0), -EPERM);
	assert_int_equal(process_set_ids(other, false, ids), 0);
	assert_int_equal(send_kill(child, other->pid, SIGTERM), 0);
	assert_int_equal(send_kill(child, -1, SIGTERM), 0);
	assert_int_equal(send_kill(first, 1, SIGUSR2), 0);
	assert_int_equal(world.shut_downs, 1);
}

static void programs_give_identities(void **state)
{
	const uint64_t ids[8] = { 0, 1000, 1000, 1000 };
	const uint32_t program = 0100000, groups[] = { 7, 9 };
	struct process *child = fork_of(first);
	struct process_identity gained;

	(void)state;
	assert_int_equal(process_set_groups(child, groups, 2), 0);
	assert_int_equal(process_set_ids(child, true, ids), 0);
	assert_int_equal(process_set_ids(child, false, ids), 0);
	assert_int_equal(process_gain(child, program | 0755, 5, 6, &gained), 0);
	assert_int_equal(process_gain(child, program | 02745, 5, 6, &gained), 0);
	assert_int_equal(process_gain(child, program | 06755, 1000, 1000, &gained), 0);
	assert_int_equal(process_gain(child, program | 04755, 5, 6, &gained), 1);
	assert_int_equal(gained.user, 1000);
	assert_int_equal(gained.effective_user, 5);
	assert_int_equal(gained.saved_user, 5);
	assert_int_equal(gained.effective_group, 1000);
	assert_int_equal(process_gain(child, program | 02755, 5, 6, &gained), 1);
	assert_int_equal(gained.effective_user, 1000);
	assert_int_equal(gained.effective_group, 6);
	/* Whoever may not execute it gains nothing: owner, group, others. */
	assert_int_equal(process_gain(child, program | 04677, 1000, 6, &gained), -EACCES);
	assert_int_equal(process_gain(child, program | 04767, 5, 9, &gained), -EACCES);
	assert_int_equal(process_gain(child, program | 04776, 5, 6, &gained), -EACCES);
	assert_int_equal(process_gain(child, program | 04010, 5, 9, &gained), 1);
	assert_int_equal(process_gain(first, program | 04666, 5, 6, &gained), -EACCES);
	assert_int_equal(process_gain(child, 0040000 | 04777, 5, 6, &gained), -EACCES);
	assert_int_equal(process_gain(child, program | 04755, 5, 6, &gained), 1);
	send_kill(first, child->pid, SIGUSR1);
	send_kill(first, child->pid, SIGSTOP);
	process_replaced(&table, child, 40, &gained);
	assert_int_equal(world.stops[40], 1);
	assert_int_equal(world.closes[2], 1);
	assert_int_equal(world.interrupts[40], 1);
	assert_int_equal(child->identity.effective_user, 5);
	assert_int_equal(take(child, NULL), SIGUSR1);
}

static void groups_are_signalled_whole(void **state)
{
	struct process *child = fork_of(first), *other = fork_of(first);

	(void)state;
	process_set_group(&table, first, child->pid, 0);
	process_set_group(&table, first, other->pid, child->pid);
	assert_int_equal(send_kill(first, -(int64_t)child->pid, SIGHUP), 0);
	assert_int_equal(take(child, NULL), SIGHUP);
	assert_int_equal(take(other, NULL), SIGHUP);
	assert_int_equal(take(first, NULL), 0);
	assert_int_equal(send_kill(first, -77777, SIGHUP), -ESRCH);
	assert_int_equal(send_kill(first, INT64_MIN, SIGHUP), -ESRCH);
	assert_int_equal(send_kill(first, first->pid, 65), -EINVAL);
}

static void mailbox_is_bounded(void **state)
{
	unsigned int count = 0;

	(void)state;
	while (!send_kill(first, first->pid, 40))
		count++;
	assert_int_equal(count, PROCESS_QUEUE_MAX);
	process_mail_discard(first, ~0ul);
	assert_int_equal(send_kill(first, first->pid, 40), 0);
	assert_int_equal(first->mail_count, 1);
}

/* ----------------------------------------------------------------------------- groups, terminals */

static void groups_have_rules(void **state)
{
	struct process *child = fork_of(first), *other = fork_of(child);

	(void)state;
	assert_int_equal(process_set_group(&table, first, other->pid, 0), -ESRCH);
	assert_int_equal(process_set_group(&table, first, first->pid, 0), -EPERM);
	assert_int_equal(process_set_group(&table, first, child->pid, 4321), -EPERM);
	assert_int_equal(process_exec(&table, child, "xy", 1, 1), 0);
	assert_int_equal(process_set_group(&table, first, child->pid, 0), -EACCES);
	assert_int_equal(process_set_group(&table, child, 0, 0), 0);
	assert_int_equal(process_new_session(&table, child), -EPERM);
	assert_int_equal(process_new_session(&table, other), other->pid);
	assert_int_equal(process_set_group(&table, child, other->pid, child->pid), -EPERM);
}

static void orphaned_group_with_a_stopped_member_is_hung_up(void **state)
{
	struct process *shell = fork_of(first), *job = fork_of(shell);

	(void)state;
	process_set_group(&table, shell, job->pid, 0);
	send_kill(first, job->pid, SIGSTOP);
	assert_false(process_group_is_orphaned(&table, job->group, NULL));
	exits(shell, 0);
	assert_true(process_group_is_orphaned(&table, job->group, NULL));
	assert_int_equal(take(job, NULL), SIGHUP);
	assert_int_equal(take(job, NULL), SIGCONT);
	assert_false(job->is_stopped);
}

#define DEVICE (5ul << 32 | 1)

static void terminal_has_a_foreground(void **state)
{
	struct process *job = fork_of(first);
	struct process_terminal *terminal;
	int64_t error;

	(void)state;
	assert_null(process_terminal_claim(&table, job, DEVICE, 1, &error));
	assert_int_equal(error, -EPERM);
	terminal = process_terminal_claim(&table, first, DEVICE, 1, &error);
	assert_non_null(terminal);
	assert_int_equal(board.slot[job->slot].flags, POSIX_SLOT_TERMINAL);
	process_set_group(&table, first, job->pid, 0);
	assert_int_equal(board.slot[job->slot].flags, POSIX_SLOT_TERMINAL | POSIX_SLOT_BACKGROUND);
	assert_int_equal(process_terminal_access(&table, job, DEVICE, SIGTTIN, false), -EINTR);
	assert_int_equal(take(job, NULL), SIGTTIN);
	assert_int_equal(process_terminal_access(&table, job, DEVICE, SIGTTIN, true), -EIO);
	assert_int_equal(process_terminal_access(&table, job, DEVICE, SIGTTOU, true), 0);
	assert_int_equal(process_terminal_access(&table, job, 77, SIGTTIN, false), 0);
	assert_int_equal(process_terminal_foreground(&table, job, 0, job->pid, false), -EINTR);
	assert_int_equal(take(job, NULL), SIGTTOU);
	assert_int_equal(process_terminal_foreground(&table, first, 0, job->pid, false), 0);
	process_terminal_signals(&table, terminal, 1ul << SIGINT);
	assert_int_equal(take(job, NULL), SIGINT);
	assert_int_equal(take(first, NULL), 0);
	assert_int_equal(process_terminal_foreground(&table, job, 0, 9999, false), -EPERM);
}

static void death_of_the_leader_hangs_up(void **state)
{
	struct process *leader = fork_of(first), *job;
	int64_t error;

	(void)state;
	process_new_session(&table, leader);
	assert_non_null(process_terminal_claim(&table, leader, DEVICE, 1, &error));
	job = fork_of(leader);
	exits(leader, 0);
	assert_int_equal(take(job, NULL), SIGHUP);
	assert_int_equal(board.slot[job->slot].flags, 0);
	assert_int_equal(process_terminal_access(&table, job, DEVICE, SIGTTIN, false), 0);
}

static void a_terminal_that_goes_tells_leader_and_foreground(void **state)
{
	struct process *leader = fork_of(first), *job;
	struct process_terminal *terminal;
	int64_t error;

	(void)state;
	process_new_session(&table, leader);
	terminal = process_terminal_claim(&table, leader, DEVICE, 1, &error);
	job = fork_of(leader);
	process_set_group(&table, leader, job->pid, 0);
	process_terminal_foreground(&table, leader, DEVICE, job->pid, true);
	world.releases = 0;
	process_terminal_signals(&table, terminal, 1ul << SIGHUP);
	assert_int_equal(world.releases, 1);
	assert_int_equal(world.released, DEVICE);
	assert_int_equal(take(leader, NULL), SIGHUP);
	assert_int_equal(take(job, NULL), SIGHUP);
	assert_int_equal(board.slot[leader->slot].flags, 0);
	assert_null(process_terminal_find(&table, DEVICE));
}

/* The number is another's before the end of the first has been heard of. */
static void a_number_that_comes_again_is_another_terminal(void **state)
{
	struct process *old = fork_of(first), *leader = fork_of(first);
	struct process_terminal *terminal;
	int64_t error;

	(void)state;
	process_new_session(&table, old);
	process_new_session(&table, leader);
	assert_non_null(process_terminal_claim(&table, old, DEVICE, 1, &error));
	assert_null(process_terminal_claim(&table, leader, DEVICE, 1, &error));
	assert_int_equal(error, -EPERM);
	terminal = process_terminal_claim(&table, leader, DEVICE, 2, &error);
	assert_non_null(terminal);
	assert_int_equal(take(old, NULL), SIGHUP);
	assert_int_equal(board.slot[old->slot].flags, 0);
	assert_int_equal(terminal->session, leader->pid);
}

/* ----------------------------------------------------------------------------------------- timers */

static void set(struct process *process, uint64_t timer, uint64_t deadline, uint64_t interval)
{
	uint64_t words[8] = { 0, timer, deadline, interval };

	assert_int_equal(process_timer_set(&table, process, words), 0);
}

static void run_at(uint64_t time)
{
	world.now = time;
	process_timers_run(&table);
}

static void timers_fire_in_order(void **state)
{
	struct process *child = fork_of(first);

	(void)state;
	set(first, POSIX_TIMER_REAL, 2000000, 0);
	set(child, POSIX_TIMER_REAL, 1000000, 0);
	assert_int_equal(world.timer, 1000000);
	run_at(1000000);
	assert_int_equal(world.timer, 2000000);
	assert_int_equal(take(child, NULL), SIGALRM);
	assert_int_equal(take(first, NULL), 0);
	run_at(2500000);
	assert_int_equal(take(first, NULL), SIGALRM);
	assert_int_equal(world.timer, 0);
}

static void overruns_are_counted(void **state)
{
	int64_t timer = process_timer_create(first, SIGUSR1, 99, 0, false);
	struct posix_signal signal;

	(void)state;
	assert_true(timer > 0);
	set(first, (uint64_t)timer, 1000000, 1000000);
	run_at(1000000);
	run_at(2000000);
	run_at(5500000); /* three periods at once */
	assert_int_equal(take(first, &signal), SIGUSR1);
	assert_int_equal(signal.value, 99);
	assert_int_equal(signal.uid, 4);
	assert_int_equal(world.timer, 6000000);
	run_at(6000000);
	assert_int_equal(take(first, &signal), SIGUSR1);
	assert_int_equal(signal.uid, 0);
	assert_int_equal(process_timer_delete(&table, first, (uint32_t)timer), 0);
	assert_int_equal(world.timer, 0);
	assert_int_equal(process_timer_delete(&table, first, (uint32_t)timer), -EINVAL);
}

static void short_periods_count_all(void **state)
{
	int64_t timer = process_timer_create(first, SIGUSR1, 0, 0, false);
	struct posix_signal signal;

	(void)state;
	set(first, (uint64_t)timer, 1000000, 200);
	run_at(1000000);
	assert_true(world.timer > 1050000); /* it is not looked at for each */
	run_at(world.timer);
	run_at(2000000);
	assert_int_equal(take(first, &signal), SIGUSR1);
	assert_int_equal(signal.uid, 1000000 / 200);
}

/* The process has used 1000 at the beginning. */
static void processor_time_is_looked_at(void **state)
{
	int64_t timer = process_timer_create(first, SIGUSR1, 0, 0, true);

	(void)state;
	world.now = 5000000;
	world.threads = 1;
	set(first, (uint64_t)timer, 50001000, 0);
	assert_int_equal(world.timer, 55000001);
	world.used[1] = 30000000;
	run_at(world.timer);
	assert_int_equal(take(first, NULL), 0);
	assert_int_equal(world.timer, 75000002);
	/* Who does nothing is looked at less and less exactly. */
	world.used[1] = 49999000;
	run_at(world.timer);
	assert_int_equal(world.timer, 76000003);
	run_at(world.timer);
	assert_int_equal(world.timer, 96000004);
	world.used[1] = 50000000;
	run_at(world.timer);
	assert_int_equal(take(first, NULL), SIGUSR1);
	assert_int_equal(world.timer, 0);
	/* As if all threads ran. */
	world.threads = 4;
	set(first, POSIX_TIMER_PROFILE, 90001000, 10000000);
	assert_int_equal(world.timer, 96000004 + 10000001);
	world.used[1] = 125000000;
	run_at(world.timer);
	assert_int_equal(take(first, NULL), SIGPROF);
	assert_int_equal(process_timer_delete(&table, first, POSIX_TIMER_PROFILE), -EINVAL);
	set(first, POSIX_TIMER_HARD_LIMIT, 1000, 0);
	run_at(world.timer);
	assert_int_equal(world.kills[1], 1);
}

/* One processor of several is used for a minute, and none for five. */
static void loads_follow_what_is_used(void **state)
{
	const uint64_t second = 1000000000ul;
	const uint64_t *loads = process_loads(&table);

	(void)state;
	assert_int_equal(loads[0], 0);
	world.now = 60 * second;
	world.used[1] = 60 * second;
	loads = process_loads(&table);
	assert_in_range(loads[0], 41000, 41800); /* 1 - 1/e */
	assert_in_range(loads[1], 11600, 12100);
	assert_in_range(loads[2], 4100, 4400);
	world.now += 4 * second;
	assert_in_range(process_loads(&table)[0], 41000, 41800);
	world.now += 296 * second;
	loads = process_loads(&table);
	assert_in_range(loads[0], 200, 350);
	assert_in_range(loads[1], 4200, 4500);
	world.now += 100000 * second;
	assert_int_equal(process_loads(&table)[2], 0);
}

static void exec_keeps_alarms_alone(void **state)
{
	int64_t timer = process_timer_create(first, SIGUSR1, 0, 0, false);

	(void)state;
	set(first, POSIX_TIMER_REAL, 1000000, 0);
	set(first, (uint64_t)timer, 500000, 0);
	process_exec(&table, first, "nameargument", 4, 8);
	assert_string_equal(first->name, "name");
	assert_memory_equal(first->arguments, "argument", 8);
	assert_int_equal(world.timer, 1000000);
}

static void timers_are_bounded(void **state)
{
	int64_t result;
	unsigned int count = 0;

	(void)state;
	while ((result = process_timer_create(first, SIGUSR1, 0, 0, false)) > 0)
		count++;
	assert_int_equal(result, -EAGAIN);
	assert_int_equal(count, PROCESS_TIMERS_MAX);
}

/* --------------------------------------------------------------------------------------- identity */

static void ids_have_rules(void **state)
{
	uint64_t words[8] = { 0, 1, 2, 3 };
	uint32_t groups[2] = { 7, 8 };

	(void)state;
	assert_int_equal(process_set_groups(first, groups, 2), 0);
	assert_int_equal(process_set_ids(first, true, words), 0);
	assert_int_equal(process_set_ids(first, false, words), 0);
	process_credentials(first, words);
	assert_int_equal(words[1], 2ul << 32 | 1);
	assert_int_equal(words[2], 3);
	assert_int_equal(words[5], 2);
	words[1] = 3;
	words[2] = 1;
	words[3] = POSIX_LEAVE;
	assert_int_equal(process_set_ids(first, false, words), 0);
	words[1] = 4;
	assert_int_equal(process_set_ids(first, false, words), -EPERM);
	words[1] = 1ul << 40;
	assert_int_equal(process_set_ids(first, false, words), -EINVAL);
	assert_int_equal(process_set_groups(first, groups, 1), -EPERM);
}

/* 1 if it was one that may die; the last takes its place. */
static unsigned int dies_at_random(struct process **processes, unsigned int count,
				   struct process *dying)
{
	for (unsigned int k = 1; k < count; k++) {
		if (processes[k] != dying)
			continue;
		processes[k] = processes[count - 1];
		process_died(&table, dying, POSIX_EXITED);
		return 1;
	}
	return 0;
}

/* Whatever is done in whatever order, the structure holds together; sanitizers look on. */
static void random_lives(void **state)
{
	uint64_t seed = 12345;
	struct process *processes[40] = { first };
	unsigned int count = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct process *one, *other;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		run_at(seed % 2000);
		one = processes[(seed >> 33) % count];
		other = processes[(seed >> 40) % count];
		switch (seed >> 60) {
		case 0:
		case 1:
		case 2:
			if (count == 40)
				break;
			processes[count] = process_fork(&table, one);
			process_born(&table, processes[count++], 1 + (int64_t)(seed >> 50) % 60);
			break;
		case 3:
		case 4:
			count -= dies_at_random(processes, count, one);
			break;
		case 5:
			wait_any(one, NULL);
			break;
		case 6:
			wait_for(one, POSIX_ALL, 0, PROCESS_WEXITED, 1, NULL);
			break;
		case 7:
			process_set_group(&table, one, other->pid, 0);
			break;
		case 8:
			process_new_session(&table, one);
			break;
		case 9:
			set(one, POSIX_TIMER_REAL, seed % 1000 + 1, 100);
			break;
		case 10:
			send_kill(one, -(int64_t)other->group, SIGSTOP);
			break;
		case 11:
			send_kill(one, other->pid, SIGCONT);
			break;
		default:
			send_kill(one, other->pid, 1 + (seed >> 20) % 64 % 8);
			take(other, NULL);
		}
	}
	assert_true(table.count >= count);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
	const struct CMUnitTest tests[] = {
		TEST(stop_and_continue_take_each_other_away),
		TEST(stop_that_is_out_of_date_is_none),
		TEST(killed_process_gives_locks_back),
		TEST(users_may_signal_their_own),
		TEST(programs_give_identities),
		TEST(groups_are_signalled_whole),
		TEST(mailbox_is_bounded),
		TEST(groups_have_rules),
		TEST(orphaned_group_with_a_stopped_member_is_hung_up),
		TEST(terminal_has_a_foreground),
		TEST(a_terminal_that_goes_tells_leader_and_foreground),
		TEST(a_number_that_comes_again_is_another_terminal),
		TEST(death_of_the_leader_hangs_up),
		TEST(timers_fire_in_order),
		TEST(overruns_are_counted),
		TEST(short_periods_count_all),
		TEST(processor_time_is_looked_at),
		TEST(loads_follow_what_is_used),
		TEST(exec_keeps_alarms_alone),
		TEST(timers_are_bounded),
		TEST(ids_have_rules),
		TEST(random_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
