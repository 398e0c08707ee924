/* The process: who it is, its group and session, how it ends. The posix server knows the others. */
#include "emu_full.h"

#include <string.h>
#include <sys/prctl.h>

#include "calls.h"
#include "proto/posix.h"
#include "proto/random.h"

struct emu_process emu_process;
tern_handle emu_posix;
const struct posix_board *emu_board;

static struct {
	uint64_t state[2];
} generator;

/* ------------------------------------------------------------------------------------- random */

static void seed(void)
{
	tern_handle random = tern_start_handle("random");

	if (random > 0 &&
	    random_read(random, &generator, sizeof(generator)) == (int64_t)sizeof(generator))
		return;
	generator.state[0] = tern_time();
	generator.state[1] = (uint64_t)&generator ^ tern_time() << 20;
}

/* xoroshiro128+, and the clock: a fork does not repeat its parent's numbers. */
void emu_random(void *buffer, uint64_t length)
{
	uint64_t *state = generator.state;

	state[0] ^= tern_time() ^ (uint64_t)emu_process.pid << 40;
	for (uint64_t done = 0; done < length; done += sizeof(uint64_t)) {
		uint64_t a = state[0], b = state[1] ^ a, sum = a + state[1];
		uint64_t part = length - done < sizeof(sum) ? length - done : sizeof(sum);

		state[0] = (a << 24 | a >> 40) ^ b ^ b << 16;
		state[1] = b << 37 | b >> 27;
		memcpy((char *)buffer + done, &sum, part);
	}
}

/* ------------------------------------------------------------------------------- start and end */

static void map_board(void)
{
	tern_handle board = tern_start_handle("board");
	long result = tern_region_map(TERN_SELF_PROCESS, board, 0, EMU_AREA, POSIX_BOARD_SIZE,
				      TERN_MAP_READ);

	if (result < 0)
		emu_process_end(127 << 8);
	emu_board = (const struct posix_board *)result;
	tern_handle_close(board);
}

static void fetch_credentials(void)
{
	struct tern_received message = { .words = { POSIX_OP_credentials } };

	if (posix_call(emu_posix, &message) < 0)
		return;
	emu_process.uid = (uint32_t)message.words[1];
	emu_process.euid = (uint32_t)(message.words[1] >> 32);
	emu_process.suid = (uint32_t)message.words[2];
	emu_process.gid = (uint32_t)message.words[3];
	emu_process.egid = (uint32_t)(message.words[3] >> 32);
	emu_process.sgid = (uint32_t)message.words[4];
}

void emu_process_start(void)
{
	struct tern_received message = { .words = { POSIX_OP_self } };
	tern_handle given = tern_start_handle("posix");

	emu_posix = tern_handle_duplicate(given, TERN_RIGHTS_ALL); /* NO_INHERIT among them */
	tern_handle_close(given);
	if (posix_call(emu_posix, &message) < 0)
		emu_process_end(127 << 8);
	emu_process.pid = (int)message.words[1];
	emu_process.slot = (uint32_t)message.words[2];
	map_board();
	fetch_credentials();
	seed();
}

void emu_process_end(uint32_t wstatus)
{
	emu_threads_release_robust();
	for (;;)
		tern_process_kill(TERN_SELF_PROCESS, EMU_DIED(wstatus));
}

long emu_full_exit_group(int status)
{
	emu_files_end();
	emu_process_end(((uint32_t)status & 255) << 8);
}

/* ------------------------------------------------------------------------------------ who it is */

static const struct posix_slot *slot(void)
{
	return &emu_board->slot[emu_process.slot];
}

long emu_full_getpid(void)
{
	return emu_process.pid;
}

long emu_getppid(void)
{
	return slot()->parent;
}

long emu_getpgid(int pid)
{
	if (!pid || pid == emu_process.pid)
		return slot()->group;
	return pid < 0 ? -ESRCH : posix_simple(emu_posix, POSIX_OP_group_of, (uint64_t)pid, 0, 0);
}

long emu_setpgid(int pid, int group)
{
	if (group < 0)
		return -EINVAL;
	if (pid < 0)
		return -ESRCH;
	return posix_simple(emu_posix, POSIX_OP_set_group_of, (uint64_t)pid, (uint64_t)group, 0);
}

long emu_getsid(int pid)
{
	if (!pid || pid == emu_process.pid)
		return slot()->session;
	return pid < 0 ? -ESRCH : posix_simple(emu_posix, POSIX_OP_session_of, (uint64_t)pid, 0, 0);
}

long emu_setsid(void)
{
	return posix_simple(emu_posix, POSIX_OP_new_session, 0, 0, 0);
}

/* --------------------------------------------------------------------------------------- prctl */

static long set_name(const char *name)
{
	char copy[sizeof(emu_process.name)] = "";
	long length = emu_copy_string(copy, name, sizeof(copy));

	if (length == -EFAULT)
		return length;
	copy[sizeof(copy) - 1] = 0;
	memcpy(emu_process.name, copy, sizeof(copy));
	return 0;
}

static long put_int(uint64_t address, int value)
{
	return emu_copy_out((void *)address, &value, sizeof(value));
}

long emu_prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	(void)b, (void)c, (void)d;
	switch (option) {
	case PR_SET_NAME:
		return set_name((const char *)a);
	case PR_GET_NAME:
		return emu_copy_out((void *)a, emu_process.name, sizeof(emu_process.name));
	case PR_GET_DUMPABLE:
		return 1;
	case PR_SET_DUMPABLE:
		return a > 1 ? -EINVAL : 0;
	case PR_GET_KEEPCAPS:
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return emu_process.has_no_new_privileges;
	case PR_SET_NO_NEW_PRIVS:
		emu_process.has_no_new_privileges |= a == 1;
		return a == 1 ? 0 : -EINVAL;
	case PR_GET_PDEATHSIG:
		return put_int(a, 0);
	case PR_GET_TIMERSLACK:
		return 1;
	case PR_SET_TIMERSLACK:
		return 0;
	default:
		return -EINVAL;
	}
}
