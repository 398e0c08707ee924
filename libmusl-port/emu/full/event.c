/*
 * eventfd and timerfd: counters of the pipe server, so that a child, or whoever is sent the descriptor, shares
 * them, and waiting for them is as for pipes. Times of the wall clock become times of the kernel's.
 */
#include "path.h"
#include "stream.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "emu_full.h"
#include "proto/pipe.h"

static long install(struct tern_received *message, enum io_kind kind, int flags)
{
	struct emu_description *description;
	tern_handle port;
	long result = emu_pipe_call(message, &port, 1);

	if (result < 0)
		return result;
	description = emu_stream_new(port, kind, O_RDWR);
	if (!description)
		return -ENFILE;
	return emu_descriptor_install(description, 0, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
}

static uint64_t operation(uint64_t number, int flags)
{
	return number | (flags & O_NONBLOCK ? IO_NONBLOCK : 0);
}

long emu_eventfd(uint32_t value, int flags)
{
	struct tern_received message = {
		.words = { operation(PIPE_OP_event, flags), value, flags & EFD_SEMAPHORE },
	};

	if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	return install(&message, IO_KIND_EVENT, flags);
}

/* ----------------------------------------------------------------------------------- timerfd */

static bool is_realtime(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
}

long emu_timerfd_create(int clock, int flags)
{
	struct tern_received message = { .words = { operation(PIPE_OP_timer, flags) } };
	long number;

	if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	if (!is_realtime(clock) && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
	    clock != CLOCK_BOOTTIME_ALARM)
		return -EINVAL;
	number = install(&message, IO_KIND_TIMER, flags);
	if (number >= 0)
		emu_slots[number].description->device = is_realtime(clock);
	return number;
}

static long tell(struct itimerspec *user, const struct tern_received *answer)
{
	const struct itimerspec times = { .it_interval = emu_timespec(answer->words[2]),
					  .it_value = emu_timespec(answer->words[1]) };

	return emu_copy_out(user, &times, sizeof(times));
}

static struct emu_description *timer_of(int number, long *error)
{
	struct emu_description *description = emu_descriptor(number);

	*error = !description ? -EBADF : 0;
	if (description &&
	    (description->kind != EMU_STREAM || description->io_kind != IO_KIND_TIMER))
		*error = -EINVAL;
	return *error ? NULL : description;
}

/* The kernel's deadline; 0: the timer is to stop. A time that has passed expires at once. */
static uint64_t deadline_of(const struct emu_description *timer, uint64_t value, int flags)
{
	uint64_t deadline;

	if (!value)
		return 0;
	if (!(flags & TFD_TIMER_ABSTIME))
		deadline = emu_deadline(value);
	else
		deadline = timer->device ? emu_from_realtime(value) : value;
	return deadline ? deadline : 1;
}

long emu_timerfd_settime(int number, int flags, const struct itimerspec *user,
			 struct itimerspec *old)
{
	struct tern_received message = { .words = { PIPE_OP_timer_set } };
	struct itimerspec times;
	int64_t value, interval;
	long result;
	struct emu_description *timer = timer_of(number, &result);

	if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return -EINVAL;
	if (emu_copy_in(&times, user, sizeof(times)))
		return -EFAULT;
	value = emu_nanoseconds(&times.it_value);
	interval = emu_nanoseconds(&times.it_interval);
	if (value < 0 || interval < 0)
		return -EINVAL;
	if (!timer)
		return result;
	message.words[1] = deadline_of(timer, (uint64_t)value, flags);
	message.words[2] = (uint64_t)interval;
	result = io_ask(timer->io, &message);
	return result < 0 || !old ? result : tell(old, &message);
}

long emu_timerfd_gettime(int number, struct itimerspec *user)
{
	struct tern_received message = { .words = { PIPE_OP_timer_get } };
	long result;
	struct emu_description *timer = timer_of(number, &result);

	if (timer)
		result = io_ask(timer->io, &message);
	return result < 0 ? result : tell(user, &message);
}
