/* The manifest: what it says, and every mistake with its line and reason. */
#include "cmocka_all.h"

#include "../../lib/manifest/manifest.c"
#include "../../lib/manifest/words.c"

#define BLOCK_OF(directives) "server s\nlistener\n" directives

static struct manifest manifest;

static int parse(const char *text)
{
	return manifest_parse(&manifest, text, strlen(text));
}

static void a_block_says_all_there_is(void **state)
{
	const struct server *s = manifest.servers;

	(void)state;
	assert_int_equal(parse("# what runs\n"
			       "server console   # the UART\n"
			       "\tprogram con\n"
			       "\targuments -x \"two words\" \"\"\n"
			       "\tpriority 20\n"
			       "\tmemory 3M\n"
			       "\tlistener 99\n"
			       "\tregisters registers device ns16550a 1\n"
			       "\tinterrupt interrupt number 10\n"
			       "\trestart always 3\n"
			       "\tstop 250\n"
			       "\n"
			       "server test\n"
			       "\tport console console 7\n"
			       "\tport init init 0x10\n"
			       "\trestart shutdown\r\n"),
			 0);
	assert_int_equal(manifest.server_count, 2);
	assert_string_equal(s[0].program, "con");
	assert_int_equal(s[0].argument_count, 3);
	assert_string_equal(s[0].arguments[1], "two words");
	assert_string_equal(s[0].arguments[2], "");
	assert_int_equal(s[0].priority, 20);
	assert_int_equal(s[0].memory, 3 << 20);
	assert_int_equal(s[0].sender_limit, 99);
	assert_int_equal(s[0].restart_limit, 3);
	assert_int_equal(s[0].stop_ms, 250);
	assert_int_equal(s[0].grants[0].place.kind, PLACE_DEVICE);
	assert_string_equal(s[0].grants[0].place.compatible, "ns16550a");
	assert_int_equal(s[0].grants[0].place.index, 1);
	assert_int_equal(s[0].grants[1].place.address, 10);
	assert_string_equal(s[1].program, "test");
	assert_int_equal(s[1].restart, RESTART_SHUTDOWN);
	assert_int_equal(s[1].sender_limit, 0);
	assert_int_equal(s[1].grants[0].server, 0);
	assert_int_equal(s[1].grants[0].session, 7);
	assert_int_equal(s[1].grants[1].server, MANIFEST_INIT);
	assert_int_equal(s[1].grants[1].session, 16);
}

static void what_is_not_said_has_a_default(void **state)
{
	const struct server *server = manifest.servers;

	(void)state;
	assert_int_equal(parse("server s"), 0);
	assert_string_equal(server->program, "s");
	assert_int_equal(server->priority, PRIORITY_DEFAULT);
	assert_int_equal(server->memory, MEMORY_DEFAULT);
	assert_int_equal(server->restart, RESTART_ALWAYS);
	assert_int_equal(server->restart_limit, RESTART_LIMIT_DEFAULT);
	assert_int_equal(server->sender_limit + server->stop_ms + server->grant_count, 0);
	assert_false(server->is_optional || server->is_pager);
}

static void every_kind_of_handle_can_be_given(void **state)
{
	static const enum grant_kind kinds[] = { GRANT_REGISTERS,   GRANT_REGISTERS,
						 GRANT_INTERRUPT,   GRANT_DMA,
						 GRANT_DEVICE_TREE, GRANT_BUNDLE,
						 GRANT_KERNEL_LOG,  GRANT_STATE };

	(void)state;
	assert_int_equal(parse(BLOCK_OF("registers a physical 0x10000000 4096\n"
					"registers b virtio 2 1\n"
					"interrupt c virtio 2 1\n"
					"dma d 77\ndevice-tree e\nbundle f\n"
					"kernel-log g\nstate h 5000\noptional\npager\n")),
			 0);
	assert_int_equal(manifest.servers[0].grant_count, 8);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(manifest.servers[0].grants[i].kind, kinds[i]);
	assert_int_equal(manifest.servers[0].grants[0].place.address, 0x10000000);
	assert_int_equal(manifest.servers[0].grants[1].place.address, 2);
	assert_int_equal(manifest.servers[0].grants[3].pins, 77);
	assert_int_equal(manifest.servers[0].grants[7].place.length, 8192);
	assert_true(manifest.servers[0].is_optional && manifest.servers[0].is_pager);
}

static const struct mistake {
	const char *text;
	unsigned int line;
	const char *reason;
} mistakes[] = {
	{ "", 0, "the manifest names no server" },
	{ "priority 3\n", 1, "'priority' stands before the first server" },
	{ "server s\n\nprogramme x\n", 3, "'programme' is not known here" },
	{ "server\n", 1, "'server' needs more words behind it" },
	{ "server a b\n", 1, "'server' has too many words behind it" },
	{ "server 1st\n", 1, "'1st' is no name for a server" },
	{ "server abcdefghijklmnopqrstuvwx\n", 1,
	  "'abcdefghijklmnopqrstuvwx' is no name for a server" },
	{ "server init\n", 1, "the name 'init' is taken by init itself" },
	{ "server s\nserver s\n", 2, "there is a server 's' already, in line 1" },
	{ BLOCK_OF("priority 0\n"), 3, "priority must be a number from 1 to 31, not '0'" },
	{ BLOCK_OF("priority 32\n"), 3, "priority must be a number from 1 to 31, not '32'" },
	{ BLOCK_OF("priority high\n"), 3, "priority must be a number from 1 to 31, not 'high'" },
	{ BLOCK_OF("priority 18446744073709551617\n"), 3,
	  "priority must be a number from 1 to 31, not '18446744073709551617'" },
	{ BLOCK_OF("priority 3\npriority 3\n"), 4, "'priority' stands twice in the block" },
	{ BLOCK_OF("dma-memory d 5M\n"), 3, "dma-memory can be 4M at most, not '5M'" },
	{ BLOCK_OF("dma-memory d 0\n"), 3,
	  "dma-memory must be a size of at least 1, as in 4M, not '0'" },
	{ BLOCK_OF("memory 4X\n"), 3,
	  "memory must be a size of at least 256K, as in 4M, not '4X'" },
	{ BLOCK_OF("memory 4K\n"), 3,
	  "memory must be a size of at least 256K, as in 4M, not '4K'" },
	{ BLOCK_OF("memory 99999999999G\n"), 3,
	  "memory must be a size of at least 256K, as in 4M, not '99999999999G'" },
	{ "server s\nmemory 0%\n", 2, "memory must be from 1% to 90% of all, not '0%'" },
	{ "server s\nmemory 12% 6%\n", 2, "behind '12%' no other share of memory can stand" },
	{ "server s\nmemory rest 6%\n", 2, "behind 'rest' no other share of memory can stand" },
	{ "server s\nmemory 4M 6\n", 2, "memory must be from 1% to 90% of all, not '6'" },
	{ BLOCK_OF("memory \"\"\n"), 3,
	  "memory must be a size of at least 256K, as in 4M, not ''" },
	{ "server s\nmemory 100%\n", 2, "memory must be from 1% to 90% of all, not '100%'" },
	{ "server s\nwhen disk 1 2\n", 2,
	  "when: device COMPATIBLE INDEX or virtio TYPE INDEX is missing" },
	{ "server a\nlistener\nserver b\nport p a 1 mine\n", 4,
	  "behind the session only 'shared' can stand, not 'mine'" },
	{ "server s\nlistener 0\n", 2,
	  "the number of senders must be a number from 1 to 65536, not '0'" },
	{ BLOCK_OF("restart sometimes\n"), 3,
	  "restart must be always, never or shutdown, not 'sometimes'" },
	{ BLOCK_OF("restart never 3\n"), 3, "only restart always has a limit" },
	{ BLOCK_OF("restart always 0\n"), 3,
	  "the limit of restarts must be a number from 1 to 1000000, not '0'" },
	{ "server s\n#\nstop 100\n", 1, "server 's' has no listener to be told to stop at" },
	{ BLOCK_OF("dma d 0\n"), 3, "pins must be a number from 1 to 32768, not '0'" },
	{ BLOCK_OF("dma d 32769\n"), 3, "pins must be a number from 1 to 32768, not '32769'" },
	{ BLOCK_OF("dma 9\n"), 3, "'9' is no name for a handle" },
	{ BLOCK_OF("dma listener\n"), 3, "the handle 'listener' is given without being named" },
	{ BLOCK_OF("dma a\nbundle a\n"), 4, "a handle is called 'a' already, in line 3" },
	{ BLOCK_OF("registers r physical 0x1000\n"), 3,
	  "registers: physical ADDRESS LENGTH, device COMPATIBLE INDEX or virtio TYPE INDEX is "
	  "missing" },
	{ BLOCK_OF("registers r physical 0x1001 4096\n"), 3,
	  "address and length of registers are multiples of 4096" },
	{ BLOCK_OF("registers r device uart\n"), 3, "'device' takes two words" },
	{ BLOCK_OF("registers r device uart x\n"), 3,
	  "the index of a device must be a number from 0 to 1000, not 'x'" },
	{ BLOCK_OF("interrupt i 10\n"), 3,
	  "interrupt: number N, device COMPATIBLE INDEX or virtio TYPE INDEX is missing" },
	{ BLOCK_OF("interrupt i number 0\n"), 3,
	  "the number of an interrupt must be a number from 1 to 4095, not '0'" },
	{ "server s\ninterrupt i number 10\n", 2,
	  "'i' needs a listener to notify: server 's' has none" },
	{ "server a\nlistener\ninterrupt i number 10\nserver b\nlistener\ninterrupt j number 10\n",
	  6, "'j' is given to server 'a' already, in line 3" },
	{ "server a\nregisters r device x 0\nregisters q device x 0\n", 3,
	  "'q' is given to server 'a' already, in line 2" },
	{ "server a\nlistener\nkernel-log l\nserver b\nlistener\nkernel-log l\n", 6,
	  "'l' is given to server 'a' already, in line 3" },
	{ "server a\nkernel-log l\n", 2, "'l' needs a listener to notify: server 'a' has none" },
	{ BLOCK_OF("state m 0\n"), 3, "state must be a size of at least 1, as in 4M, not '0'" },
	{ BLOCK_OF("port p nobody 1\n"), 3, "there is no server 'nobody'" },
	{ BLOCK_OF("port p s 1\n"), 3, "server 's' cannot be its own client" },
	{ BLOCK_OF("port p later 1\nserver later\nlistener\n"), 3,
	  "server 'later' starts later, in line 4: calls only go downwards" },
	{ "server deaf\nserver s\nport p deaf 1\n", 3, "server 'deaf' has no listener" },
	{ "server a\nlistener\nserver b\nport p a 1\nserver c\nport q a 1\n", 6,
	  "'q' is given to server 'b' already, in line 4" },
	{ BLOCK_OF("port p init 4294967296\n"), 3,
	  "a session must be a number from 0 to 4294967295, not '4294967296'" },
	{ BLOCK_OF("arguments \"x\n"), 3, "a quotation mark is not closed" },
	{ BLOCK_OF("arguments x\"y\"\n"), 3, "a quotation mark inside a word" },
	{ BLOCK_OF("arguments \"x\"y\n"), 3, "no blank behind a quotation mark" },
	{ BLOCK_OF("arguments 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n"
		   "arguments 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"),
	  4, "more than 32 arguments" },
	{ BLOCK_OF("arguments 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20\n"), 3,
	  "too many words in the line" },
};

static void every_mistake_names_line_and_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		assert_int_equal(parse(mistakes[i].text), -1);
		assert_string_equal(manifest.error, mistakes[i].reason);
		assert_int_equal(manifest.error_line, mistakes[i].line);
	}
}

static void long_lines_are_refused_and_the_longest_is_read(void **state)
{
	static char text[600] = "server s\narguments ";

	(void)state;
	memset(text + 19, 'x', 511 - 10);
	assert_int_equal(parse(text), 0);
	assert_int_equal(strlen(manifest.servers[0].arguments[0]), 501);
	memset(text + 19, 'x', 512 - 10);
	assert_int_equal(parse(text), -1);
	assert_string_equal(manifest.error, "the line is too long");
}

static void all_devices_of_a_type_can_be_given(void **state)
{
	const struct server *server = &manifest.servers[0];

	(void)state;
	assert_int_equal(parse("server s\n\tlistener\n\tvirtio-devices disk 2\n"), 0);
	assert_int_equal(server->grant_count, 2 * MANIFEST_DEVICES_MAX);
	for (unsigned int i = 0; i < server->grant_count; i++) {
		const struct grant *grant = &server->grants[i];

		assert_int_equal(grant->kind, i % 2 ? GRANT_INTERRUPT : GRANT_REGISTERS);
		assert_int_equal(grant->place.kind, PLACE_VIRTIO);
		assert_int_equal(grant->place.address, 2);
		assert_int_equal(grant->place.index, i / 2);
		assert_true(grant->is_optional);
	}
	assert_string_equal(server->grants[0].name, "disk-0");
	assert_string_equal(server->grants[15].name, "disk-7-interrupt");
	assert_int_equal(parse("server s\n\tlistener\n\tvirtio-devices disk 2\n"
			       "server t\n\tregisters r virtio 2 3\n"),
			 -1);
	assert_int_equal(manifest.error_line, 5);
	assert_int_equal(parse("server s\n\tlistener\n\tvirtio-devices a-name-too-long 2\n"), -1);
	assert_string_equal(manifest.error,
			    "'a-name-too-long-0-interrupt' is no name for a handle");
}

static void too_many_servers_and_handles_are_refused(void **state)
{
	static char text[4096];
	size_t length = 0;

	(void)state;
	for (int i = 0; i <= MANIFEST_SERVERS_MAX; i++)
		length += (size_t)sprintf(text + length, "server s%d\n", i);
	assert_int_equal(parse(text), -1);
	assert_string_equal(manifest.error, "more than 32 servers");
	length = (size_t)sprintf(text, "server s\n");
	for (int i = 0; i <= MANIFEST_HANDLES_MAX; i++)
		length += (size_t)sprintf(text + length, "dma d%d\n", i);
	assert_int_equal(parse(text), -1);
	assert_string_equal(manifest.error, "more than 24 handles");
	assert_int_equal(manifest.error_line, MANIFEST_HANDLES_MAX + 2);
}

static void memory_may_be_a_share_or_what_is_left(void **state)
{
	(void)state;
	assert_int_equal(parse("server s\nmemory 12%\nserver t\nmemory rest\n"
			       "server u\nmemory 2M 5%\n"),
			 0);
	assert_int_equal(manifest.servers[2].memory, 2 << 20);
	assert_int_equal(manifest.servers[2].memory_percent, 5);
	assert_int_equal(manifest.servers[0].memory_percent, 12);
	assert_int_equal(manifest.servers[1].memory_percent, 0);
	assert_true(manifest.servers[1].memory == MANIFEST_MEMORY_REST);
}

static void a_server_may_depend_on_a_device(void **state)
{
	(void)state;
	assert_int_equal(parse("server s\nwhen virtio 2 6\nserver t\nwhen device x 1\n"), 0);
	assert_int_equal(manifest.servers[0].when.kind, PLACE_VIRTIO);
	assert_int_equal(manifest.servers[0].when.address, 2);
	assert_int_equal(manifest.servers[0].when.index, 6);
	assert_string_equal(manifest.servers[1].when.compatible, "x");
}

static void a_session_may_be_shared_when_all_say_so(void **state)
{
	(void)state;
	assert_int_equal(parse("server a\nlistener\nserver b\nport p a 1 shared\n"
			       "server c\nport p a 1 shared\n"),
			 0);
	assert_int_equal(parse("server a\nlistener\nserver b\nport p a 1 shared\n"
			       "server c\nport p a 1\n"),
			 -1);
	assert_int_equal(manifest.error_line, 6);
}

static void arguments_may_stand_in_several_lines(void **state)
{
	(void)state;
	assert_int_equal(parse("server s\narguments a b\narguments c\n"), 0);
	assert_int_equal(manifest.servers[0].argument_count, 3);
	assert_string_equal(manifest.servers[0].arguments[2], "c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_says_all_there_is),
		cmocka_unit_test(what_is_not_said_has_a_default),
		cmocka_unit_test(every_kind_of_handle_can_be_given),
		cmocka_unit_test(every_mistake_names_line_and_reason),
		cmocka_unit_test(long_lines_are_refused_and_the_longest_is_read),
		cmocka_unit_test(all_devices_of_a_type_can_be_given),
		cmocka_unit_test(too_many_servers_and_handles_are_refused),
		cmocka_unit_test(memory_may_be_a_share_or_what_is_left),
		cmocka_unit_test(a_server_may_depend_on_a_device),
		cmocka_unit_test(a_session_may_be_shared_when_all_say_so),
		cmocka_unit_test(arguments_may_stand_in_several_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
