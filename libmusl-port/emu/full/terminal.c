/*
 * ioctl: terminals, and what a few other descriptions know. Settings and sizes are structures of at most 40
 * bytes that travel in registers; who is in the foreground is the posix server's business.
 */
#include "path.h"
#include "stream.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "emu_full.h"
#include "files_internal.h"
#include "proto/posix.h"
#include "proto/tty.h"

#define MASTER_DEVICE (5ul << 32 | 2)
#define PTY_MAJOR 136ul
#define PTS "/dev/pts/"
#define DIGITS 10
#define SENT 0x40000000u /* bits of a number: the structure goes in, comes out */
#define TOLD 0x80000000u
#define SIZED(request) ((request) & (SENT | TOLD))
#define SIZE_OF(request) ((request) >> 16 & 0x3fff)

/* ---------------------------------------------------------------------- access to terminals */

static bool is_terminal(const struct emu_description *description)
{
	return description->io_kind == IO_KIND_TERMINAL;
}

static bool is_master(const struct emu_description *description)
{
	return description->device == MASTER_DEVICE;
}

static uint32_t slot_flags(void)
{
	return emu_board->slot[emu_process.slot].flags;
}

static bool is_leader_without_terminal(void)
{
	const struct posix_slot *slot = &emu_board->slot[emu_process.slot];

	return !(slot->flags & POSIX_SLOT_TERMINAL) && slot->session == slot->pid;
}

/*
 * A process in the background that reads its terminal (SIGTTIN), or changes it (SIGTTOU), is stopped, and
 * the call made again when it goes on.
 */
long emu_terminal_access(const struct emu_description *description, int signal)
{
	uint64_t is_exempt;

	if (!is_terminal(description) || !(slot_flags() & POSIX_SLOT_BACKGROUND))
		return 0;
	is_exempt = emu_signal_is_held(signal);
	return posix_simple(emu_posix, POSIX_OP_terminal_access, description->device,
			    (uint64_t)signal, is_exempt);
}

/* What a terminal says at once: an interrupt only makes it be asked again. */
static long ask(const struct emu_description *description, uint64_t request, void *data,
		size_t length)
{
	tern_result result;

	do
		result = io_control(description->io, request, 0, data, length);
	while (result == -EINTR);
	return result;
}

long emu_terminal_output(const struct emu_description *description)
{
	struct tty_settings settings = { 0 };

	if (!is_terminal(description) || !(slot_flags() & POSIX_SLOT_BACKGROUND))
		return 0;
	if (ask(description, TTY_GET, &settings, sizeof(settings)) < 0 ||
	    !(settings.local & TOSTOP))
		return 0;
	return emu_terminal_access(description, SIGTTOU);
}

/* ------------------------------------------------------------------------------ foreground */

/* The number of a master's slave. */
static long slave_number(const struct emu_description *master, uint32_t *number)
{
	*number = 0;
	return ask(master, TTY_NUMBER, number, sizeof(*number));
}

/* A master may ask for its slave's, whose terminal it need not be; 0: nobody's. */
static long get_group(const struct emu_description *description, int *user, bool wants_session)
{
	struct tern_received message = { .words = { POSIX_OP_terminal, description->device } };
	uint32_t number;
	long result = 0;
	int told;

	if (is_master(description)) {
		result = slave_number(description, &number);
		message.words[1] = PTY_MAJOR << 32 | number;
		message.words[2] = 1;
	}
	if (result >= 0)
		result = posix_call(emu_posix, &message);
	told = result < 0 ? 0 : (int)message.words[wants_session ? 2 : 1];
	if (result < 0 && !(is_master(description) && !wants_session))
		return result;
	return emu_copy_out(user, &told, sizeof(told));
}

static long set_group(const struct emu_description *description, const int *user)
{
	int group;
	long result = emu_copy_in(&group, user, sizeof(group));

	if (result)
		return result;
	if (group < 0)
		return -EINVAL;
	return posix_simple(emu_posix, POSIX_OP_terminal_foreground, description->device,
			    (uint64_t)group, emu_signal_is_held(SIGTTOU));
}

static long claim(const struct emu_description *description)
{
	return posix_simple(emu_posix, POSIX_OP_terminal_claim, description->mount,
			    description->token, 0);
}

/* A session leader without a terminal that opens one has it from then on; failing is no error. */
void emu_terminal_opened(const struct emu_description *description)
{
	if (is_terminal(description) && !is_master(description) && is_leader_without_terminal())
		claim(description);
}

long emu_terminal_open_own(struct emu_description *description)
{
	struct tern_received message = { .words = { POSIX_OP_terminal_open } };

	return posix_call_for_handle(emu_posix, &message, &description->io);
}

static size_t put_slave_name(char *name, uint32_t number)
{
	char digits[DIGITS];
	size_t at = sizeof(PTS) - 1, count = 0;

	__builtin_memcpy(name, PTS, at);
	do
		digits[count++] = (char)('0' + number % 10);
	while (number /= 10);
	while (count)
		name[at++] = digits[--count];
	name[at] = 0;
	return at;
}

/* TIOCGPTPEER: the slave's descriptor. */
static long open_peer(const struct emu_description *master, int flags)
{
	char name[EMU_TERMINAL_NAME];
	uint32_t number;
	long result = slave_number(master, &number);

	if (result < 0)
		return result;
	put_slave_name(name, number);
	return emu_open_kernel(name, flags, 0);
}

/* By the node that was opened: /dev/tty is another than the terminal that it leads to. */
long emu_terminal_name(long number, char *name)
{
	static const char *const others[] = { "/dev/tty", "/dev/console", "/dev/ptmx" };
	struct emu_request request = { .operation = FILE_STAT };
	struct emu_description *description = emu_descriptor(number);
	struct tern_received answer;
	uint64_t device;
	long result;

	if (!description || description->kind != EMU_STREAM || !is_terminal(description))
		return -ENOENT;
	result = emu_file_call(description, &request, &answer);
	if (result < 0)
		return result;
	device = answer.words[2];
	if (device >> 8 == PTY_MAJOR)
		return (long)put_slave_name(name, device & 0xff);
	if (device >> 8 != 5 || (device & 0xff) >= sizeof(others) / sizeof(others[0]))
		return -ENOENT;
	__builtin_strcpy(name, others[device & 0xff]);
	return (long)__builtin_strlen(name);
}

/* -------------------------------------------------------------------------- server's own */

/* A structure of the user's goes to the server, and back. */
static long with_structure(const struct emu_description *description, uint64_t request, void *user,
			   size_t length, bool is_sent, bool is_told)
{
	char words[IO_INLINE_MAX] = { 0 };
	long result = is_sent ? emu_copy_in(words, user, length) : 0;

	if (!result)
		result = is_sent ? io_control(description->io, request, 0, words, length)
				 : ask(description, request, words, length);
	if (result >= 0 && is_told && emu_copy_out(user, words, length))
		result = -EFAULT;
	return result;
}

static long change(const struct emu_description *description, uint64_t request, void *user,
		   size_t length)
{
	long result = emu_terminal_access(description, SIGTTOU);

	return result < 0 ? result
			  : with_structure(description, request, user, length, true, false);
}

static long control_count(const struct emu_description *description, uint64_t request, int *user)
{
	struct io_attributes attributes;
	long result = io_attributes(description->io, &attributes);
	int count = (int)attributes.readable;

	if (result < 0)
		return result;
	if (request == TTY_OUTPUT_COUNT) {
		result = io_control(description->io, request, 0, NULL, 0);
		count = (int)result;
	}
	return result < 0 ? result : emu_copy_out(user, &count, sizeof(count));
}

static long control_terminal(const struct emu_description *description, uint64_t request,
			     uint64_t argument)
{
	void *user = (void *)argument;
	long result;

	switch (request) {
	case TTY_GET:
		return with_structure(description, request, user, sizeof(struct tty_settings),
				      false, true);
	case TTY_SET:
	case TTY_SET_DRAIN:
	case TTY_SET_FLUSH:
		return change(description, request, user, sizeof(struct tty_settings));
	case TTY_GET_SIZE:
		return with_structure(description, request, user, sizeof(struct tty_size), false,
				      true);
	case TTY_SET_SIZE:
		return with_structure(description, request, user, sizeof(struct tty_size), true,
				      false);
	case TTY_BREAK:
	case TTY_FLOW:
	case TTY_FLUSH:
		return io_control(description->io, request, argument, NULL, 0);
	case TTY_OUTPUT_COUNT:
	case TTY_INPUT_COUNT:
		return control_count(description, request, user);
	case TIOCGPGRP:
		return get_group(description, user, false);
	case TIOCGSID:
		return get_group(description, user, true);
	case TIOCSPGRP:
		return set_group(description, user);
	case TIOCSCTTY:
		return claim(description);
	case TIOCNOTTY:
		return posix_simple(emu_posix, POSIX_OP_terminal_release, 0, 0, 0);
	case TIOCEXCL:
	case TIOCNXCL:
		result = io_control(description->io, request, 0, NULL, 0);
		return result == -ENOTTY ? 0 : result; /* the console has one user */
	case TIOCSIG:
		return io_control(description->io, request, argument, NULL, 0);
	case TIOCGPTPEER:
		return is_master(description) ? open_peer(description, (int)argument) : -ENOTTY;
	default:
		return -ENOSYS;
	}
}

/* A number whose encoding says how large its structure is, and which way it goes. */
static long control_sized(const struct emu_description *description, uint64_t request, void *user)
{
	size_t length = SIZE_OF(request);

	if (!SIZED(request) || length > IO_INLINE_MAX)
		return io_control(description->io, request, (uint64_t)user, NULL, 0);
	return with_structure(description, request, user, length, request & SENT, request & TOLD);
}

static long control_stream(const struct emu_description *description, uint64_t request,
			   uint64_t argument)
{
	long result = -ENOSYS;

	if (request == FIONREAD)
		return control_count(description, request, (int *)argument);
	if (is_terminal(description))
		result = control_terminal(description, request, argument);
	else if (request >= TTY_GET && request <= TTY_INPUT_COUNT)
		result = -ENOTTY;
	if (result == -ENOSYS)
		result = control_sized(description, request, (void *)argument);
	return result == -ENOSYS ? -ENOTTY : result;
}

long emu_vhangup(void)
{
	long result = posix_simple(emu_posix, POSIX_OP_terminal_release, 1, 0, 0);

	if (!result)
		emu_signals_fetch(); /* SIGHUP is this process's as well: before the call returns */
	return result;
}

/* ---------------------------------------------------------------------------------- ioctl */

static long unread_of_file(struct emu_description *description, int *user)
{
	long position = emu_file_seek(description, 0, SEEK_CUR);
	long left = emu_file_length(description) - position;
	int count = left > 0 ? (int)left : 0;

	return emu_copy_out(user, &count, sizeof(count));
}

static long set_nonblocking(struct emu_description *description, const int *user)
{
	int value;
	long result = emu_copy_in(&value, user, sizeof(value));

	return result ? result : emu_set_nonblocking(description, value != 0);
}

long emu_ioctl(int number, uint32_t request, uint64_t argument)
{
	struct emu_description *description = emu_descriptor(number);

	if (!description || description->kind == EMU_PATH)
		return -EBADF;
	switch (request) {
	case FIOCLEX:
	case FIONCLEX:
		emu_slots[number].flags = request == FIOCLEX ? FD_CLOEXEC : 0;
		return 0;
	case FIONBIO:
		return set_nonblocking(description, (int *)argument);
	}
	if (description->kind == EMU_STREAM)
		return control_stream(description, request, argument);
	if (request == FIONREAD &&
	    (description->kind == EMU_FILE || description->kind == EMU_MEMORY))
		return unread_of_file(description, (int *)argument);
	return -ENOTTY;
}
