/* Conformance of POSIX message queues. */
#include "queues.h"

#define TEST(function)                                                                             \
	{                                                                                          \
#function, function                                                                \
	}

mqd_t make_queue(long capacity, long size)
{
	struct mq_attr attributes = { .mq_maxmsg = capacity, .mq_msgsize = size };
	mqd_t queue = mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);

	CHECK(queue >= 0);
	CHECK_EQ(mq_unlink(NAME), 0);
	return queue;
}

pid_t start(void (*function)(mqd_t), mqd_t queue)
{
	pid_t child = fork();

	if (!child) {
		function(queue);
		_exit(check_result());
	}
	return child;
}

long count_of(mqd_t queue)
{
	struct mq_attr attributes;

	CHECK_EQ(mq_getattr(queue, &attributes), 0);
	return attributes.mq_curmsgs;
}

static const struct test tests[] = {
	TEST(queues_are_found_by_name),
	TEST(wrong_names_and_flags),
	TEST(attributes_and_their_limits),
	TEST(unlinked_queues_live_on),
	TEST(messages_outlive_processes),
	TEST(modes_say_who_may),
	TEST(groups_say_who_may),
	TEST(only_owners_unlink),
	TEST(users_have_so_many_bytes),
	TEST(stat_tells_of_queues),
	TEST(exec_closes_queues),
	TEST(priorities_go_first),
	TEST(many_messages_keep_their_order),
	TEST(messages_of_all_lengths),
	TEST(wrong_arguments),
	TEST(access_modes),
	TEST(queues_that_do_not_wait),
	TEST(deadlines_end_waits),
	TEST(receivers_wait),
	TEST(senders_wait),
	TEST(waits_are_interrupted),
	TEST(waits_are_restarted),
	TEST(waits_are_cancelled),
	TEST(first_come_first_served),
	TEST(killed_waiters_take_nothing),
	TEST(poll_tells_of_queues),
	TEST(epoll_tells_of_queues),
	TEST(absent_pages),
	TEST(a_signal_tells_once),
	TEST(a_thread_is_told),
	TEST(waiting_receivers_go_first),
	TEST(one_is_told),
	TEST(the_dead_are_not_told),
	TEST(closing_takes_back),
	TEST(children_are_told),
	TEST(wrong_notices),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	/* For exec_closes_queues: is the descriptor open? */
	if (argc == 3 && !strcmp(argv[1], "open"))
		return fcntl(atoi(argv[2]), F_GETFD) >= 0;
	return check_run(tests);
}
