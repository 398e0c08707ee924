/*
 * signalfd: pending signals of the process that reads, taken as sigtimedwait takes them. While a thread waits
 * for such a descriptor, the signals are awaited by it, so that their arrival ends the wait.
 */
#include "signal_internal.h"

#include <fcntl.h>
#include <sys/signalfd.h>

#include "files_internal.h"
#include "poll.h"
#include "stream.h"

#define SET_SIZE 8

_Static_assert(sizeof(struct signalfd_siginfo) == 128, "Linux's");

long emu_signalfd(int number, const uint64_t *user, uint64_t size, int flags)
{
	struct emu_description *description;
	uint64_t set;

	if (size != SET_SIZE || flags & ~(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	if (emu_get_long(&set, user))
		return -EFAULT;
	set &= ~SIGNALS_ALWAYS;
	emu_signals_want_child(set);
	if (number != -1) {
		description = emu_descriptor(number);
		if (!description)
			return -EBADF;
		if (description->kind != EMU_SIGNALS)
			return -EINVAL;
		description->signals = set;
		return number;
	}
	description = emu_description_new(EMU_SIGNALS, O_RDWR | (flags & O_NONBLOCK));
	if (!description)
		return -ENFILE;
	description->signals = set;
	return emu_descriptor_install(description, 0, flags & SFD_CLOEXEC ? FD_CLOEXEC : 0);
}

static void fetch(void)
{
	if (__atomic_load_n(&emu_pending, __ATOMIC_SEQ_CST) & EMU_PENDING_MAIL)
		emu_signals_fetch();
}

bool emu_signalfd_is_ready(struct emu_description *description)
{
	fetch();
	return emu_signals_pending(emu_current()) & description->signals;
}

bool emu_signalfd_watch(struct emu_description *description)
{
	struct emu_thread *thread = emu_current();

	emu_signals_await(thread, thread->signals.awaited | description->signals);
	return emu_signalfd_is_ready(description);
}

void emu_signalfd_unwatch(void)
{
	emu_signals_await(emu_current(), 0);
}

/* ------------------------------------------------------------------------------------- reading */

/* The next signal; 0: there is none, and the description does not wait; or an error. */
static long next(struct emu_description *description, struct posix_signal *signal, bool waits)
{
	struct emu_thread *thread = emu_current();
	volatile uint32_t word = 0;

	for (;;) {
		fetch();
		if (emu_signal_take(thread, description->signals, signal))
			return 1;
		if (!waits)
			return 0;
		if (emu_interrupted())
			return -EINTR;
		tern_futex_wait(&word, 0, TERN_DEADLINE_NONE);
	}
}

static void describe(const struct posix_signal *signal, struct signalfd_siginfo *told)
{
	siginfo_t info;

	emu_signal_describe(signal, &info);
	*told = (struct signalfd_siginfo){
		.ssi_signo = (uint32_t)info.si_signo,
		.ssi_code = info.si_code,
		.ssi_pid = (uint32_t)info.si_pid,
		.ssi_uid = info.si_uid,
		.ssi_int = info.si_value.sival_int,
		.ssi_ptr = (uint64_t)info.si_value.sival_ptr,
	};
	if (info.si_signo == SIGCHLD)
		told->ssi_status = info.si_status;
}

long emu_signalfd_read(struct emu_description *description, void *user, size_t length)
{
	struct emu_thread *thread = emu_current();
	bool waits = !(description->flags & O_NONBLOCK);
	struct signalfd_siginfo told;
	struct posix_signal signal;
	size_t done = 0;
	long result = 0;

	if (length < sizeof(told))
		return -EINVAL;
	emu_signals_await(thread, description->signals);
	emu_signals_fetch();
	while (length - done >= sizeof(told)) {
		result = next(description, &signal, waits && !done);
		if (result <= 0)
			break;
		describe(&signal, &told);
		result = emu_copy_out((char *)user + done, &told, sizeof(told));
		if (result < 0)
			break;
		done += sizeof(told);
	}
	emu_signals_await(thread, 0);
	if (done)
		return (long)done;
	return result ? result : -EAGAIN;
}
