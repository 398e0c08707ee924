/* The machine: its names, figures, random numbers and end; and what the process has used of it. */
#include "emu_full.h"

#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>

#include "calls.h"
#include "proto/posix.h"
#include "stream.h"

#define SECOND 1000000000u
#define TICK (SECOND / 100)
#define RANDOM_AT_ONCE 256
#define REBOOT_MAGIC 0xfee1deadu
#define REBOOT_RESTART 0x01234567u
#define REBOOT_HALT 0xcdef0123u
#define REBOOT_POWER_OFF 0x4321fedcu
#define REBOOT_CAD_ON 0x89abcdefu
#define REBOOT_CAD_OFF 0u

long emu_uname(struct utsname *user)
{
	/* Programs look at the release to see what they may use: what is here is a recent Linux's. */
	struct utsname name = { .sysname = "Tern",
				.release = "6.1.0-tern",
				.version = "#1 SMP",
				.machine = "riscv64" };

	memcpy(name.nodename, emu_board->host_name, sizeof(name.nodename) - 1);
	memcpy(name.domainname, emu_board->domain_name, sizeof(name.domainname) - 1);
	return emu_copy_out(user, &name, sizeof(name));
}

static long set_name(const char *user, uint64_t length, uint64_t which)
{
	char name[POSIX_HOST_NAME_MAX];
	struct tern_extended extended = { .in_address = (uint64_t)name, .in_length = length };
	struct tern_received message = { .words = { POSIX_OP_set_name, which, length } };

	if (length > sizeof(name))
		return -EINVAL;
	if (emu_copy_in(name, user, length))
		return -EFAULT;
	if (length <= POSIX_INLINE) {
		memcpy(&message.words[POSIX_INLINE_WORD], name, length);
		return posix_call(emu_posix, &message);
	}
	return posix_call_ext(emu_posix, &message, &extended);
}

long emu_sethostname(const char *name, uint64_t length)
{
	return set_name(name, length, 0);
}

long emu_setdomainname(const char *name, uint64_t length)
{
	return set_name(name, length, 1);
}

long emu_sysinfo(struct sysinfo *user)
{
	struct tern_received message = { .words = { POSIX_OP_system } };
	long result = posix_call(emu_posix, &message);
	struct sysinfo info;

	if (result < 0)
		return result;
	memset(&info, 0, sizeof(info));
	info.uptime = (unsigned long)(tern_time() / SECOND);
	for (int i = 0; i < 3; i++)
		info.loads[i] = message.words[2 + i];
	info.totalram = message.words[5];
	info.freeram = message.words[6];
	info.procs = (unsigned short)message.words[1];
	info.mem_unit = 1;
	return emu_copy_out(user, &info, offsetof(struct sysinfo, __reserved));
}

/* ---------------------------------------------------------------------------------- used time */

/* Of children that were waited for. */
static struct posix_waited children_use(void)
{
	struct tern_received message = { .words = { POSIX_OP_times } };
	struct posix_waited waited = { 0 };

	if (posix_call(emu_posix, &message) >= 0) {
		waited.user_ns = message.words[1];
		waited.system_ns = message.words[2];
		waited.largest = message.words[3];
	}
	return waited;
}

/* All time is the user's: servers work on the caller's time as well, so there is no line to draw. */
long emu_times(struct tms *user)
{
	struct posix_waited children = children_use();
	struct tms times = { .tms_utime = (clock_t)(emu_cpu_time() / TICK),
			     .tms_cutime = (clock_t)(children.user_ns / TICK),
			     .tms_cstime = (clock_t)(children.system_ns / TICK) };

	if (user && emu_copy_out(user, &times, sizeof(times)))
		return -EFAULT;
	return (long)(tern_time() / TICK);
}

long emu_getrusage(int who, struct rusage *user)
{
	struct posix_waited use = { 0 };

	if (who == RUSAGE_CHILDREN) {
		use = children_use();
	} else if (who == RUSAGE_SELF || who == RUSAGE_THREAD) {
		use.user_ns = emu_cpu_time();
		use.largest = (uint64_t)tern_process_info(TERN_SELF_PROCESS, TERN_PROCESS_PRIVATE);
	} else {
		return -EINVAL;
	}
	return emu_put_usage(user, &use);
}

/* -------------------------------------------------------------------------- random numbers, the end */

/* Few bytes, as they fit into words: no signal keeps them back. */
static long read_few(const struct emu_description *source, char *buffer, uint64_t length)
{
	for (uint64_t done = 0; done < length;) {
		uint64_t wanted = length - done < IO_INLINE_MAX ? length - done : IO_INLINE_MAX;
		struct tern_received message = { .words = { IO_OP_read, wanted } };
		tern_result count = io_ask(source->io, &message);

		if (count <= 0 || count > (tern_result)wanted)
			return count < 0 ? count : -EIO;
		if (emu_copy_out(buffer + done, io_inline(&message), (uint64_t)count))
			return -EFAULT;
		done += (uint64_t)count;
	}
	return (long)length;
}

long emu_full_getrandom(char *buffer, uint64_t length, unsigned int flags)
{
	struct emu_description *source;
	long result;

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | 4u))
		return -EINVAL;
	result = emu_open_description(AT_FDCWD, "/dev/urandom", O_RDONLY, &source);
	if (result < 0)
		return result;
	result = length <= RANDOM_AT_ONCE ? read_few(source, buffer, length)
					  : emu_read_from(source, buffer, length);
	emu_description_put(source);
	return result;
}

/* Callers give unsigned numbers or signed ones with the same 32 bits, so a register may hold either. */
long emu_reboot(uint64_t magic, uint64_t magic2, uint64_t command)
{
	(void)magic2;
	if ((uint32_t)magic != REBOOT_MAGIC)
		return -EINVAL;
	if (emu_process.euid)
		return -EPERM;
	switch ((uint32_t)command) {
	case REBOOT_RESTART:
		return posix_simple(emu_posix, POSIX_OP_reboot, POSIX_REBOOT, 0, 0);
	case REBOOT_HALT:
	case REBOOT_POWER_OFF:
		return posix_simple(emu_posix, POSIX_OP_reboot, POSIX_POWER_OFF, 0, 0);
	case REBOOT_CAD_ON:
	case REBOOT_CAD_OFF:
		return 0;
	default:
		return -EINVAL;
	}
}
