/*
 * The posix server's protocol by hand: a program of the small profile that forks with the kernel's own
 * call and talks to the server as the emulation does. The children share memory with it in which they
 * leave what they saw.
 */
#include "client.h"

/* ---------------------------------------------------------------------------- births and deaths */

static void process_knows_who_it_is(void)
{
	struct tern_received message = { .words = { POSIX_OP_self } };

	CHECK_EQ(posix_call(port, &message), 0);
	CHECK_EQ(message.words[1], POSIX_FIRST_PID);
	CHECK_EQ(message.words[2], slot);
	CHECK_EQ(message.words[3], POSIX_SERVER_PID);
	CHECK_EQ(board->slot[slot].pid, POSIX_FIRST_PID);
	CHECK_EQ(board->slot[slot].parent, POSIX_SERVER_PID);
	CHECK_EQ(board->slot[slot].session, POSIX_FIRST_PID);
	CHECK_EQ(call0(POSIX_OP_group_of), POSIX_FIRST_PID);
	CHECK(!strcmp(board->host_name, "tern"));
}

static void child_is_waited_for(void)
{
	uint64_t status;
	uint32_t pid = do_fork();

	if (!pid)
		leave(board->slot[slot].parent == POSIX_FIRST_PID ? 42 : 1);
	CHECK_EQ(reap(pid), 42 << 8);
	CHECK_EQ(wait_for(pid, WEXITED_, &status), -ECHILD);
	CHECK_EQ(wait_for(0, WEXITED_ | WNOHANG_, &status), -ECHILD);
	CHECK_EQ(wait_for(0, 0, &status), -EINVAL);
	CHECK_EQ(wait_for(0, WEXITED_ | 0x40, &status), -EINVAL);
	CHECK_EQ(posix_kill(port, pid, 0, 0, 0, 0), -ESRCH);
}

static void wait_selects(void)
{
	uint32_t first = do_fork(), second;
	struct posix_waited waited = { 0 };
	uint64_t status;

	if (!first) {
		sleep_long();
		leave(1);
	}
	CHECK_EQ(posix_simple(port, POSIX_OP_set_group_of, first, first, 0), 0);
	second = do_fork();
	if (!second)
		leave(2);
	CHECK_EQ(wait_for(first, WEXITED_ | WNOHANG_, &status), 0);
	CHECK_EQ(posix_wait(port, POSIX_GROUP, 0, WEXITED_ | WNOWAIT_, &waited), second);
	CHECK_EQ(posix_wait(port, POSIX_GROUP, 0, WEXITED_, &waited), second);
	CHECK_EQ(posix_wait(port, POSIX_GROUP, 0, WEXITED_, &waited), -ECHILD);
	CHECK_EQ(posix_kill(port, -(int64_t)first, SIGUSR1, 0, 0, 0), 0);
	CHECK_EQ(posix_wait(port, POSIX_GROUP, first, WEXITED_, &waited), first);
	CHECK_EQ(waited.status, 1 << 8);
}

static void deaths_by_signal_and_fault_are_told(void)
{
	uint32_t pid = do_fork();

	if (!pid) {
		sleep_long();
		leave(1);
	}
	CHECK_EQ(posix_kill(port, pid, SIGKILL, 0, 0, 0), 0);
	CHECK_EQ(reap(pid), SIGKILL);
	pid = do_fork();
	if (!pid) {
		__asm__ volatile("sd zero, 8(zero)");
		leave(1);
	}
	CHECK_EQ(reap(pid), SIGSEGV);
}

static void orphan_is_adopted(void)
{
	uint32_t pid;

	shared->value[0] = 0;
	pid = do_fork();
	if (!pid) {
		if (do_fork())
			leave(0);
		while (board->slot[slot].parent != POSIX_SERVER_PID)
			nap(1);
		shared->value[0] = board->slot[slot].parent;
		leave(3);
	}
	reap(pid);
	await(0, POSIX_SERVER_PID);
}

static void many_come_and_go(void)
{
	uint32_t pids[MANY];
	struct tern_received message = { .words = { POSIX_OP_system } };

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			pids[i] = do_fork();
			if (!pids[i])
				leave((uint32_t)i);
		}
		for (int i = MANY; i-- > 0;)
			CHECK_EQ(reap(pids[i]), i << 8);
	}
	CHECK_EQ(posix_call(port, &message), 0);
	CHECK_EQ(message.words[1], 1);
}

/* --------------------------------------------------------------------------------------- signals */

static void signal_interrupts_and_is_fetched(void)
{
	struct posix_signal signal;
	uint64_t status;
	uint32_t pid;

	shared->value[0] = 0;
	pid = do_fork();
	if (!pid) {
		uint32_t child = do_fork();

		if (!child)
			for (;;)
				sleep_long();
		shared->value[0] = 1;
		status = (uint64_t)wait_for(child, WEXITED_, &status);
		shared->value[1] = (int64_t)status;
		shared->value[2] = fetch(&signal);
		shared->value[3] = signal.pid;
		shared->value[4] = (int64_t)signal.value;
		shared->value[5] = POSIX_SIGNAL_CODE(&signal);
		posix_kill(port, child, SIGKILL, 0, 0, 0);
		leave(0);
	}
	await(0, 1);
	nap(5);
	CHECK_EQ(posix_kill(port, pid, SIGUSR2, -1, 0x123456789a, 0), 0);
	CHECK_EQ(reap(pid), 0);
	CHECK_EQ(shared->value[1], -EINTR);
	CHECK_EQ(shared->value[2], SIGUSR2);
	CHECK_EQ(shared->value[3], POSIX_FIRST_PID);
	CHECK_EQ(shared->value[4], 0x123456789a);
	CHECK_EQ(shared->value[5], -1);
}

static void realtime_signals_queue_and_others_do_not(void)
{
	struct posix_signal signals[2] = { 0 };
	uint32_t left = 0, continues = 0;

	drain();
	for (uint64_t i = 0; i < 3; i++) {
		CHECK_EQ(posix_kill(port, POSIX_FIRST_PID, 40, -1, i, 0), 0);
		CHECK_EQ(posix_kill(port, POSIX_FIRST_PID, SIGUSR1, 0, i, 0), 0);
	}
	CHECK_EQ(posix_signals(port, signals, &left, &continues), 2);
	CHECK_EQ(left, 2);
	CHECK_EQ(POSIX_SIGNAL_NUMBER(&signals[0]), 40);
	CHECK_EQ(POSIX_SIGNAL_NUMBER(&signals[1]), SIGUSR1);
	CHECK_EQ(posix_signals(port, signals, &left, &continues), 2);
	CHECK_EQ(signals[0].value, 1);
	CHECK_EQ(signals[1].value, 2);
	CHECK_EQ(posix_signals(port, signals, &left, &continues), 0);
}

static void mailbox_is_bounded(void)
{
	uint64_t sent = 0;
	int64_t result;

	do
		result = posix_kill(port, POSIX_FIRST_PID, 50, -1, sent++, 0);
	while (!result && sent < 100000);
	CHECK_EQ(result, -EAGAIN);
	CHECK(sent >= 1000);
	drain();
}

static void stop_and_continue(void)
{
	int64_t seen;
	uint64_t status;
	uint32_t pid;

	shared->value[0] = 0;
	pid = do_fork();
	if (!pid)
		for (;;)
			shared->value[0]++;
	while (!shared->value[0])
		nap(1);
	CHECK_EQ(posix_kill(port, pid, SIGSTOP, 0, 0, 0), 0);
	CHECK_EQ(wait_for(pid, WSTOPPED_, &status), pid);
	CHECK_EQ(status, SIGSTOP << 8 | 0x7f);
	CHECK_EQ(wait_for(pid, WSTOPPED_ | WNOHANG_, &status), 0);
	seen = shared->value[0];
	nap(10);
	CHECK_EQ(shared->value[0], seen);
	CHECK_EQ(posix_kill(port, pid, SIGCONT, 0, 0, 0), 0);
	CHECK_EQ(wait_for(pid, WCONTINUED_, &status), pid);
	CHECK_EQ(status, 0xffff);
	while (shared->value[0] == seen)
		nap(1);
	CHECK_EQ(posix_kill(port, pid, SIGSTOP, 0, 0, 0), 0);
	CHECK_EQ(posix_kill(port, pid, SIGKILL, 0, 0, 0), 0);
	CHECK_EQ(reap(pid), SIGKILL);
}

/* The default action of SIGTSTP, which a SIGCONT that came later undoes beforehand. */
static void stop_by_itself(void)
{
	uint32_t pid = do_fork();
	uint64_t status;

	if (!pid) {
		struct posix_signal signals[2] = { 0 };
		uint32_t left = 0, continues = 0;

		posix_simple(port, POSIX_OP_set_group_of, 0, 0, 0);
		posix_signals(port, signals, &left, &continues);
		posix_kill(port, board->slot[slot].pid, SIGCONT, 0, 0, 0);
		shared->value[1] = posix_simple(port, POSIX_OP_stop, SIGTSTP, continues, 0);
		posix_signals(port, signals, &left, &continues);
		shared->value[2] = posix_simple(port, POSIX_OP_stop, SIGTSTP, continues, 0);
		leave(0);
	}
	CHECK_EQ(wait_for(pid, WSTOPPED_, &status), pid);
	CHECK_EQ(status, SIGTSTP << 8 | 0x7f);
	CHECK_EQ(posix_kill(port, pid, SIGCONT, 0, 0, 0), 0);
	CHECK_EQ(reap(pid), 0);
	CHECK_EQ(shared->value[1], 0);
	CHECK_EQ(shared->value[2], 1);
}

static void child_signal_comes_when_wanted(void)
{
	struct posix_signal signal = { 0 };
	uint32_t pid = do_fork();

	if (!pid)
		leave(9);
	CHECK_EQ(reap(pid), 9 << 8);
	CHECK_EQ(fetch(&signal), 0);
	CHECK_EQ(posix_simple(port, POSIX_OP_child_action, POSIX_CHILD_NOTIFY, 0, 0), 0);
	pid = do_fork();
	if (!pid)
		leave(9);
	CHECK_EQ(reap(pid), 9 << 8);
	CHECK_EQ(fetch(&signal), SIGCHLD);
	CHECK_EQ(signal.pid, pid);
	CHECK_EQ(signal.value, 9);
	CHECK_EQ(POSIX_SIGNAL_CODE(&signal), 1);
	CHECK_EQ(posix_simple(port, POSIX_OP_child_action, POSIX_CHILD_IGNORE, 0, 0), 0);
	pid = do_fork();
	if (!pid)
		leave(9);
	CHECK_EQ(posix_wait(port, POSIX_ALL, 0, WEXITED_, &(struct posix_waited){ 0 }), -ECHILD);
	CHECK_EQ(posix_simple(port, POSIX_OP_child_action, 0, 0, 0), 0);
	drain();
}

static void timer_sends_signals(void)
{
	struct posix_timer timer = { 0 };
	struct posix_signal signal = { 0 };
	int64_t number;

	drain();
	CHECK_EQ(posix_timer_set(port, POSIX_TIMER_REAL, tern_time() + 3600000000000ul, 0, NULL),
		 0);
	CHECK_EQ(posix_timer_set(port, POSIX_TIMER_REAL, tern_time() + 2000000, 0, &timer), 0);
	CHECK(timer.left > 3000000000000ul);
	sleep_long();
	CHECK_EQ(fetch(&signal), SIGALRM);
	CHECK_EQ(POSIX_SIGNAL_CODE(&signal), 0x80);
	CHECK_EQ(posix_timer_get(port, POSIX_TIMER_REAL, &timer), 0);
	CHECK_EQ(timer.left, 0);

	number = posix_simple(port, POSIX_OP_timer_create, SIGUSR1, 77, 0);
	CHECK(number > 0);
	CHECK_EQ(posix_timer_set(port, (uint32_t)number, tern_time() + 1000000, 1000000, NULL), 0);
	/* The server may be late once, but not always. */
	signal = (struct posix_signal){ 0 };
	for (int tries = 0; tries < 100 && signal.uid <= 2; tries++) {
		for (uint64_t end = tern_time() + 20000000; tern_time() < end;)
			nap(1);
		if (fetch(&signal) != SIGUSR1)
			continue;
		CHECK_EQ(POSIX_SIGNAL_CODE(&signal), -2);
		CHECK_EQ(signal.pid, number);
		CHECK_EQ(signal.value, 77);
	}
	CHECK_EQ(POSIX_SIGNAL_NUMBER(&signal), SIGUSR1);
	CHECK(signal.uid > 2);
	CHECK_EQ(posix_simple(port, POSIX_OP_timer_delete, (uint64_t)number, 0, 0), 0);
	CHECK_EQ(posix_timer_get(port, (uint32_t)number, &timer), -EINVAL);
	drain();
}

/* --------------------------------------------------------------------- groups, users, other servers */

static void groups_and_sessions(void)
{
	uint32_t pid;
	const char name[] = "program\0program\0an argument that is longer than the registers are";

	shared->value[0] = shared->value[1] = 0;
	pid = do_fork();
	if (!pid) {
		CHECK_EQ(call0(POSIX_OP_new_session), board->slot[slot].pid);
		CHECK_EQ(board->slot[slot].session, board->slot[slot].pid);
		CHECK_EQ(call0(POSIX_OP_new_session), -EPERM);
		CHECK_EQ(posix_simple(port, POSIX_OP_set_group_of, 0, 0, 0), -EPERM);
		shared->value[0] = 1;
		for (;;)
			sleep_long();
	}
	await(0, 1);
	CHECK_EQ(posix_simple(port, POSIX_OP_session_of, pid, 0, 0), pid);
	CHECK_EQ(posix_simple(port, POSIX_OP_set_group_of, pid, POSIX_FIRST_PID, 0), -EPERM);
	posix_kill(port, pid, SIGKILL, 0, 0, 0);
	reap(pid);
	pid = do_fork();
	if (!pid) {
		CHECK_EQ(posix_exec(port, name, 8, sizeof(name) - 8), 0);
		shared->value[1] = 1;
		for (;;)
			sleep_long();
	}
	await(1, 1);
	CHECK_EQ(posix_simple(port, POSIX_OP_set_group_of, pid, pid, 0), -EACCES);
	CHECK_EQ(posix_simple(port, POSIX_OP_set_group_of, 1 << 20, 0, 0), -ESRCH);
	posix_kill(port, pid, SIGKILL, 0, 0, 0);
	reap(pid);
	CHECK_EQ(posix_simple(port, POSIX_OP_terminal, 0, 0, 0), -ENOTTY);
	CHECK_EQ(posix_simple(port, POSIX_OP_terminal_foreground, 0, 2, 0), -ENOTTY);
}

static int64_t make_file(tern_handle session, const char *path)
{
	struct tern_received message = { .words = { 0, 0, 0644 } };
	const struct file_long_call call = { .op = FILE_OPEN,
					     .flags = FILE_CREATE | FILE_WRITE,
					     .length = strlen(path),
					     .payload = path,
					     .payload_length = strlen(path),
					     .accept = 2 };
	int64_t result = file_call_long(session, &call, &message);

	for (uint64_t i = 0; result >= 0 && i < message.handle_count; i++)
		tern_handle_close(message.handles[i]);
	return result < 0 ? result : 0;
}

static void identity_goes_to_file_servers(void)
{
	struct posix_mount mounts[4];
	uint32_t pid;
	tern_handle session = 0, first = 0, other = 0;
	struct tern_received message = { .handle_count = 0 };

	CHECK_EQ(posix_mounts(port, 0, mounts, 4), 1);
	CHECK(!strcmp(mounts[0].prefix, "/") && !strcmp(mounts[0].type, "tmpfs"));
	CHECK_EQ(posix_session(port, 0, 0, &session), -ENOENT);
	CHECK_EQ(posix_session(port, 2, 0, &session), -ENOENT);
	CHECK_EQ(posix_session(port, 1, 0, &session), 0);
	CHECK_EQ(make_file(session, "by-root"), 0);
	pid = do_fork();
	if (!pid) {
		struct tern_received ids = { .words = { POSIX_OP_set_user, USER, USER, USER } };

		/* One at a time: what is not remembered could not be revoked. */
		CHECK_EQ(posix_session(port, 1, 0, &first), 0);
		CHECK_EQ(posix_session(port, 1, 0, &other), 0);
		CHECK_EQ(make_file(first, "with-the-first"), -EPIPE);
		CHECK_EQ(make_file(other, "by-child"), 0);
		CHECK_EQ(posix_call(port, &ids), 0);
		CHECK_EQ(make_file(other, "with-the-old-one"), -EPIPE);
		CHECK_EQ(posix_session(port, 1, 0, &other), 0);
		CHECK_EQ(make_file(other, "by-root"), -EACCES);
		ids.words[0] = POSIX_OP_set_user;
		ids.words[1] = ids.words[2] = ids.words[3] = 0;
		CHECK_EQ(posix_call(port, &ids), -EPERM);
		CHECK_EQ(posix_kill(port, POSIX_FIRST_PID, 0, 0, 0, 0), -EPERM);
		CHECK_EQ(posix_simple(port, POSIX_OP_reboot, 0, 0, 0), -EPERM);
		CHECK_EQ(posix_simple(port, POSIX_OP_set_groups, 0, 0, 0), -EPERM);
		leave(11);
	}
	CHECK_EQ(reap(pid), 11 << 8);
	CHECK_EQ(file_call(session, FILE_UNLINK, 0, "by-root", 7, &message), 0);
	CHECK_EQ(file_call(session, FILE_UNLINK, 0, "by-child", 8, &message), 0);
	tern_handle_close(session);
}

static void pipes_are_there(void)
{
	tern_handle service = 0, ends[2] = { 0 };
	char byte = 'x';

	CHECK_EQ(posix_service(port, &service), 0);
	CHECK_EQ(pipe_create(service, ends, 0), 0);
	CHECK_EQ(io_write(ends[1], "y", 1, 0, 0), 1);
	CHECK_EQ(io_read(ends[0], &byte, 1, 0, 0), 1);
	CHECK_EQ(byte, 'y');
	tern_handle_close(ends[0]);
	tern_handle_close(ends[1]);
	tern_handle_close(service);
}

static void names_and_priorities(void)
{
	struct tern_received message = { .words = { POSIX_OP_set_name, 0, 5 } };

	memcpy(&message.words[3], "robin", 5);
	CHECK_EQ(posix_call(port, &message), 0);
	CHECK(!strcmp(board->host_name, "robin"));
	message.words[0] = POSIX_OP_set_name;
	message.words[1] = 0;
	message.words[2] = 65;
	CHECK_EQ(posix_call(port, &message), -EINVAL);
	message.words[0] = POSIX_OP_priority;
	message.words[1] = POSIX_PID;
	message.words[2] = 0;
	message.words[3] = 1;
	message.words[4] = 5;
	CHECK_EQ(posix_call(port, &message), 0);
	CHECK_EQ(message.words[1], 5);
}

/* ------------------------------------------------------------------------------ what nobody should do */

static void forged_handles_are_refused(void)
{
	tern_handle child = 0, listener = tern_listener_create(0, 1), weak;
	uint32_t child_slot;
	int64_t pid = posix_fork_begin(port, 0, &child, &child_slot);

	weak = tern_handle_duplicate(TERN_SELF_PROCESS, TERN_RIGHTS_ALL & ~TERN_RIGHT_NO_INHERIT);
	CHECK(weak > 0);
	CHECK_EQ(posix_fork_end(port, POSIX_FIRST_PID, weak), -ESRCH);
	CHECK_EQ(posix_fork_end(port, (uint32_t)pid, listener), -EBADF);
	tern_handle_close(weak);
	weak = tern_handle_duplicate(TERN_SELF_PROCESS, TERN_RIGHT_READ | TERN_RIGHT_COPY);
	CHECK_EQ(posix_fork_end(port, (uint32_t)pid, weak), -EBADF);
	CHECK_EQ(posix_fork_end(child, (uint32_t)pid, 0), -ESRCH);
	CHECK_EQ(tern_notify(port, 1), -EPERM);
	CHECK_EQ(posix_fork_end(port, (uint32_t)pid, 0), 0);
	CHECK_EQ(posix_simple(child, POSIX_OP_self, 0, 0, 0), -ESRCH);
	tern_handle_close(weak);
	tern_handle_close(child);
	tern_handle_close(listener);
}

/* A child that never comes to be is forgotten when nobody can become it any more. */
static void embryos_do_not_stay(void)
{
	struct tern_received message;
	uint32_t pid = do_fork();

	if (!pid) {
		tern_handle child;
		uint32_t child_slot;

		for (int i = 0; i < 10; i++)
			posix_fork_begin(port, 0, &child, &child_slot);
		leave(0);
	}
	reap(pid);
	for (int i = 0; i < 60000; i++) {
		message = (struct tern_received){ .words = { POSIX_OP_system } };
		posix_call(port, &message);
		if (message.words[1] == 1)
			break;
		nap(1);
	}
	CHECK_EQ(message.words[1], 1);
}

/* The server keeps the ports that it makes for this. */
static void fill_the_table(void)
{
	static tern_handle children[POSIX_SLOTS];
	uint32_t child_slot;
	int64_t pid, count = 0;

	while ((pid = posix_fork_begin(port, 0, &children[count], &child_slot)) > 0)
		count++;
	CHECK_EQ(pid, -EAGAIN);
	CHECK_EQ(count, POSIX_SLOTS - 1);
	while (count-- > 0)
		tern_handle_close(children[count]);
}

/* A child that calls with nonsense; what would end the test is left out. */
static void random_calls_do_no_harm(void)
{
	uint32_t pid = do_fork();
	uint64_t state = 88172645463325252u;

	if (!pid) {
		for (int i = 0; i < ROUNDS; i++) {
			struct tern_received message = { .handle_count = 0 };
			struct tern_extended extended = {
				.accept_count = 1,
				.in_address = (uint64_t)&shared->value,
				.in_length = check_random(&state) & 127,
				.out_address = (uint64_t)&shared->value,
				.out_length = check_random(&state) & 127,
			};

			for (int word = 0; word < TERN_MESSAGE_WORDS; word++)
				message.words[word] = check_random(&state) >>
						      (check_random(&state) & 63);
			message.words[0] = check_random(&state) % (POSIX_OP_COUNT + 5);
			if (message.words[0] == POSIX_OP_kill ||
			    message.words[0] == POSIX_OP_reboot ||
			    message.words[0] == POSIX_OP_stop)
				continue;
			if (message.words[0] == POSIX_OP_wait)
				message.words[3] |= WNOHANG_;
			if (tern_call_ext(port, &message, &extended) >= 0 && message.handle_count)
				tern_handle_close(message.handles[0]);
		}
		leave(0);
	}
	CHECK_EQ(reap(pid), 0);
	drain();
}

static const struct test tests[] = {
	{ "process_knows_who_it_is", process_knows_who_it_is },
	{ "child_is_waited_for", child_is_waited_for },
	{ "wait_selects", wait_selects },
	{ "deaths_by_signal_and_fault_are_told", deaths_by_signal_and_fault_are_told },
	{ "orphan_is_adopted", orphan_is_adopted },
	{ "many_come_and_go", many_come_and_go },
	{ "signal_interrupts_and_is_fetched", signal_interrupts_and_is_fetched },
	{ "realtime_signals_queue_and_others_do_not", realtime_signals_queue_and_others_do_not },
	{ "mailbox_is_bounded", mailbox_is_bounded },
	{ "stop_and_continue", stop_and_continue },
	{ "stop_by_itself", stop_by_itself },
	{ "child_signal_comes_when_wanted", child_signal_comes_when_wanted },
	{ "timer_sends_signals", timer_sends_signals },
	{ "groups_and_sessions", groups_and_sessions },
	{ "identity_goes_to_file_servers", identity_goes_to_file_servers },
	{ "pipes_are_there", pipes_are_there },
	{ "names_and_priorities", names_and_priorities },
	{ "forged_handles_are_refused", forged_handles_are_refused },
	{ "embryos_do_not_stay", embryos_do_not_stay },
	{ "random_calls_do_no_harm", random_calls_do_no_harm },
	{ NULL, NULL },
};

/* ------------------------------------------------------------------------------------------ main */

static void prepare(void)
{
	struct tern_received message = { .words = { POSIX_OP_self } };
	tern_handle memobj = tern_memobj_create(0, TERN_PAGE_SIZE);

	port = tern_start_handle("posix");
	board = (const struct posix_board *)tern_region_map(TERN_SELF_PROCESS,
							    tern_start_handle("board"), 0, 0,
							    POSIX_BOARD_SIZE, TERN_MAP_READ);
	shared = (struct shared *)tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, TERN_PAGE_SIZE,
						  TERN_MAP_READ | TERN_MAP_WRITE);
	posix_call(port, &message);
	slot = (uint32_t)message.words[2];
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	prepare();

	if (!strcmp(what, "tests")) {
		fill_the_table();
		leave((uint32_t)check_run(tests));
	}
	if (!strcmp(what, "warm")) {
		identity_goes_to_file_servers();
		pipes_are_there();
		leave(0);
	}
	if (!strcmp(what, "exit"))
		leave(7);
	if (!strcmp(what, "killed"))
		tern_process_kill(TERN_SELF_PROCESS, POSIX_EXITED | SIGTERM);
	if (!strcmp(what, "reboot")) {
		do_fork();
		posix_simple(port, POSIX_OP_reboot, POSIX_POWER_OFF, 5, 0);
		for (;;)
			sleep_long();
	}
	leave(99);
}
