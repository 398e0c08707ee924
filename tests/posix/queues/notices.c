#include "queues.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define SIGNAL SIGUSR1

static volatile sig_atomic_t told;
static siginfo_t told_info;

static void note(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	told_info = *info;
	told++;
}

static void listen_to_signals(void)
{
	struct sigaction action = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };

	CHECK_EQ(sigaction(SIGNAL, &action, NULL), 0);
}

static int ask(mqd_t queue)
{
	const struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
					.sigev_signo = SIGNAL,
					.sigev_value.sival_ptr = (void *)0x123456789a };

	return mq_notify(queue, &event);
}

static void drain(mqd_t queue)
{
	char byte;

	while (count_of(queue))
		CHECK_EQ(mq_receive(queue, &byte, 1, NULL), 1);
}

void a_signal_tells_once(void)
{
	mqd_t queue = make_queue(3, 1);

	listen_to_signals();
	CHECK_EQ(ask(queue), 0);
	CHECK_EQ(told, 0);
	CHECK_EQ(mq_send(queue, "a", 1, 0), 0);
	/* From the process itself it has come before the call returns. */
	CHECK_EQ(told, 1);
	CHECK_EQ(told_info.si_code, SI_MESGQ);
	CHECK_EQ(told_info.si_pid, getpid());
	CHECK_EQ(told_info.si_uid, getuid());
	CHECK_EQ(told_info.si_value.sival_ptr, 0x123456789a);
	drain(queue);
	CHECK_EQ(mq_send(queue, "b", 1, 0), 0);
	CHECK_EQ(told, 1);
	/* Only a message that comes to an empty queue tells. */
	CHECK_EQ(ask(queue), 0);
	CHECK_EQ(mq_send(queue, "c", 1, 0), 0);
	CHECK_EQ(told, 1);
	drain(queue);
	CHECK_EQ(mq_send(queue, "d", 1, 0), 0);
	CHECK_EQ(told, 2);
	drain(queue);
	CHECK_EQ(ask(queue), 0);
	CHECK_EQ(mq_notify(queue, NULL), 0);
	CHECK_EQ(mq_notify(queue, NULL), 0);
	CHECK_EQ(mq_send(queue, "e", 1, 0), 0);
	CHECK_EQ(told, 2);
}

static void run_thread(union sigval value)
{
	__atomic_fetch_add((int *)value.sival_ptr, 1, __ATOMIC_SEQ_CST);
}

void a_thread_is_told(void)
{
	static int runs;
	const struct sigevent event = { .sigev_notify = SIGEV_THREAD,
					.sigev_notify_function = run_thread,
					.sigev_value.sival_ptr = &runs };
	mqd_t queue = make_queue(3, 1);

	CHECK_EQ(mq_notify(queue, &event), 0);
	CHECK_ERROR(mq_notify(queue, &event), EBUSY);
	CHECK_EQ(mq_send(queue, "a", 1, 0), 0);
	CHECK_SOON(__atomic_load_n(&runs, __ATOMIC_SEQ_CST) == 1);
	drain(queue);
	CHECK_EQ(mq_notify(queue, &event), 0);
	CHECK_EQ(mq_notify(queue, NULL), 0);
	check_settle();
	CHECK_EQ(runs, 1);
	CHECK_EQ(mq_notify(queue, &event), 0);
	CHECK_EQ(mq_send(queue, "b", 1, 0), 0);
	CHECK_SOON(__atomic_load_n(&runs, __ATOMIC_SEQ_CST) == 2);
}

static void receive_a(mqd_t queue)
{
	char byte = 0;

	CHECK_EQ(mq_receive(queue, &byte, 1, NULL), 1);
	CHECK_EQ(byte, 'a');
}

void waiting_receivers_go_first(void)
{
	mqd_t queue = make_queue(3, 1);
	pid_t child = start(receive_a, queue);

	check_settle();
	listen_to_signals();
	CHECK_EQ(ask(queue), 0);
	CHECK_EQ(mq_send(queue, "a", 1, 0), 0);
	CHECK_EQ(reap(child), 0);
	CHECK_EQ(told, 0);
	CHECK_EQ(mq_send(queue, "b", 1, 0), 0);
	CHECK_EQ(told, 1);
}

static void ask_in_vain(mqd_t queue)
{
	CHECK_ERROR(ask(queue), EBUSY);
	/* Only who asked takes it back. */
	CHECK_EQ(mq_notify(queue, NULL), 0);
	CHECK_ERROR(ask(queue), EBUSY);
}

void one_is_told(void)
{
	mqd_t queue = make_queue(3, 1);

	CHECK_EQ(ask(queue), 0);
	CHECK_ERROR(ask(queue), EBUSY);
	CHECK_EQ(reap(start(ask_in_vain, queue)), 0);
	listen_to_signals();
	CHECK_EQ(mq_send(queue, "a", 1, 0), 0);
	CHECK_EQ(told, 1);
}

static void ask_and_wait(mqd_t queue)
{
	CHECK_EQ(ask(queue), 0);
	pause();
}

static void ask_and_end(mqd_t queue)
{
	CHECK_EQ(ask(queue), 0);
}

void the_dead_are_not_told(void)
{
	mqd_t queue = make_queue(3, 1);
	pid_t child = start(ask_and_wait, queue);

	check_settle();
	CHECK_ERROR(ask(queue), EBUSY);
	kill(child, SIGKILL);
	reap(child);
	CHECK_EQ(ask(queue), 0);
	CHECK_EQ(mq_notify(queue, NULL), 0);
	CHECK_EQ(reap(start(ask_and_end, queue)), 0);
	CHECK_EQ(ask(queue), 0);
}

void closing_takes_back(void)
{
	mqd_t queue = make_queue(3, 1), twin = dup(queue);

	listen_to_signals();
	CHECK_EQ(ask(queue), 0);
	CHECK_EQ(mq_close(twin), 0);
	CHECK_EQ(mq_send(queue, "a", 1, 0), 0);
	CHECK_EQ(told, 0);
	drain(queue);
	CHECK_EQ(ask(queue), 0);
}

static void send_a(mqd_t queue)
{
	CHECK_EQ(mq_send(queue, "a", 1, 0), 0);
}

/* The parent's wish is not the child's, and what the child sends tells the parent. */
void children_are_told(void)
{
	mqd_t queue = make_queue(3, 1);
	pid_t child;

	listen_to_signals();
	CHECK_EQ(ask(queue), 0);
	child = start(send_a, queue);
	CHECK_EQ(reap(child), 0);
	CHECK_SOON(told);
	CHECK_EQ(told_info.si_pid, child);
	CHECK_EQ(told_info.si_code, SI_MESGQ);
}

void wrong_notices(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65 };
	mqd_t queue = make_queue(1, 1);
	int netlink;

	CHECK_ERROR(mq_notify(queue, &event), EINVAL);
	event.sigev_signo = -1;
	CHECK_ERROR(mq_notify(queue, &event), EINVAL);
	event.sigev_notify = 77;
	CHECK_ERROR(mq_notify(queue, &event), EINVAL);
	CHECK_ERROR(syscall(SYS_mq_notify, queue, 16), EFAULT);
	CHECK_ERROR(ask(0), EBADF);
	CHECK_ERROR(mq_notify(-1, NULL), EBADF);
	/* That nobody is told is a wish as well. */
	event.sigev_notify = SIGEV_NONE;
	CHECK_EQ(mq_notify(queue, &event), 0);
	CHECK_ERROR(ask(queue), EBUSY);
	CHECK_EQ(mq_send(queue, "a", 1, 0), 0);
	CHECK_EQ(ask(queue), 0);
	/* Netlink sockets are for this alone. */
	netlink = socket(AF_NETLINK, SOCK_RAW, 0);
	CHECK(netlink >= 0);
	CHECK_ERROR(send(netlink, "x", 1, 0), EOPNOTSUPP);
	CHECK_ERROR(socket(AF_NETLINK, SOCK_RAW, 15), EPROTONOSUPPORT);
	CHECK_ERROR(socket(AF_NETLINK, SOCK_STREAM, 0), ESOCKTNOSUPPORT);
	CHECK_EQ(close(netlink), 0);
}
