/*
 * The posix server: what processes are to each other. Each process holds one *identity port*, minted for it
 * alone; who calls is told by the port's userdata, so nothing in a message says "I am". The port is
 * marked NO_INHERIT by its owner; a child gets one of its own (fork_begin).
 *
 * Message words: w0 operation, w1... arguments; of an answer: w0 result (0 or positive, or -Exxx), the
 * rest by operation. Numbers of signals, wait options and statuses, si_code and errors are Linux's.
 *
 * Beside its port a process may map the *board* (handle "board"): memory that the server writes and
 * every process reads: see struct posix_board. So getppid and the like need no call.
 *
 * Signals. The server keeps a *mailbox* for each process: what was sent and not fetched yet. After it has
 * put something in it calls tern_process_interrupt. The process fetches everything (signals), and keeps
 * what is blocked itself. SIGKILL (but see `robust`), SIGSTOP and the continuing half of SIGCONT are carried
 * out by the server alone.
 *
 * A process ends by tern_process_kill(TERN_SELF_PROCESS, POSIX_EXITED | status), status as wait answers
 * it. The server hears of it from the kernel. An end without that mark (a fault without an upcall entry) is
 * reported as SIGSEGV.
 */
#ifndef PROTO_POSIX_H
#define PROTO_POSIX_H

#include "proto/error.h"
#include "tern/handle.h"
#include "tern/ipc.h"

#define POSIX_SIGNALS 64 /* 1 .. 64; from 32 on they are queued */
#define POSIX_EXITED 0x10000u
#define POSIX_SERVER_PID 1 /* adopts orphans */
#define POSIX_FIRST_PID 2  /* the first program */
#define POSIX_GROUPS_MAX 32
#define POSIX_INLINE 40 /* bytes in words 3 to 7 */
#define POSIX_INLINE_WORD 3
#define POSIX_NAME_MAX 16        /* of a program, with the zero */
#define POSIX_ARGUMENTS_MAX 4096 /* of its arguments are kept for others to see */
/* The token that the session of process `pid` has of the directory /proc/PID/fd. */
#define POSIX_DESCRIPTORS(pid) (1ul << 62 | (uint64_t)(pid) << 32 | (uint64_t)(pid) << 8 | 1)
#define POSIX_LEAVE UINT32_MAX /* set_user, set_group: this one stays as it is */

/*
 * The operations.
 *
 * self        Answer: w1 pid, w2 its slot on the board, w3 parent, w4 group, w5 session.
 *
 * fork_begin  A child is about to be made. w1: so many may its user have (0: no limit). Answer: w0 its
 *             pid, w1 its slot; handle: its identity port. -EAGAIN: too many processes.
 * fork_end    w1 the pid; handle: the child (OWNER, READ, WATCH). Without a handle: it was not made after
 *             all. 0; -ESRCH (nobody that this process began), -EBADF (not such a handle). The child may
 *             run, and even end, before this.
 * exec        The process runs another program: w1 bytes of its name, w2 bytes of its arguments (each
 *             ends with a zero), both in words 3 to 7 if they fit, else in the in window; longer ones
 *             are cut. Timers but the real one are deleted, SIGCHLD is not caught any more.
 *
 * become      The process is to run a set-user-ID or set-group-ID program: w1 number of a mount, w2 token of
 *             its file, which is open there; handles: a memobj and a port, which say how the process goes
 *             on. If the file server calls the file such a program, and the process may execute it, the
 *             process is killed, and its record goes on with the file's ids and a new process, in
 *             which the programs' image begins with those handles ("exec", "box") and arguments
 *             { name, w1, the inode }. Then nobody gets an answer. 0: there is nothing to gain, exec as
 *             usual. -EACCES, -EBADF; -EAGAIN: the process has not been told of yet (fork_end).
 *
 * wait        w1 enum posix_select, w2 id, w3 options (WNOHANG, WSTOPPED, WEXITED, WCONTINUED, WNOWAIT).
 *             Answer: w0 pid, 0: none yet (WNOHANG); w1 status as of wait4, w2 user, w3 user time, w4
 *             system time in nanoseconds, w5 largest size in bytes. Parked cancellable. -ECHILD, -EINVAL.
 * child_action w1 POSIX_CHILD_* for SIGCHLD. Until it says so a process is not sent any, since mostly
 *             nobody cares: it must say so when it catches SIGCHLD, and before it looks for a blocked
 *             one. If that is new and a child's end waits to be fetched, SIGCHLD is sent at once.
 *
 * kill        w1 pid as of kill(2), w2 signal (0: only look), w3 si_code (< 0, or 0), w4 value, w5
 *             thread (its number in the target) or 0. 0; -ESRCH, -EPERM, -EINVAL; -EAGAIN: its queue
 *             is full.
 * signals     Takes up to two signals out of the own mailbox. Answer: w0 how many (w1..w3, w4..w6:
 *             struct posix_signal), w7 how many are left (lower half), and the count of continues (upper
 *             half) that `stop` wants.
 * robust      The process has robust locks from now on, which it alone can give back. SIGKILL then comes by the
 *             mailbox for it to do so and end; if it has not in a second, it is killed as others are.
 * stop        The default action of signal w1; w2 the count of continues that came with it (or the
 *             latest). The process stops before the answer reaches it. Answer 1; 0: it does not stop, as
 *             SIGCONT came after that signal or its group is orphaned.
 *
 * set_group_of  setpgid: w1 pid, w2 group; 0: self, its own. -ESRCH, -EPERM, -EACCES, -EINVAL.
 * group_of    getpgid: w1 pid or 0. Answer: w0 group. -ESRCH.      session_of  getsid: the same.
 * new_session setsid. Answer: w0 its number. -EPERM.
 *
 * credentials w1 pid or 0. Answer: w1 user, effective << 32; w2 saved; w3 group, effective << 32; w4 saved;
 *             w5 count of supplementary groups, uint32_t each in the out window if there is one.
 * set_user    w1 real, w2 effective, w3 saved, or POSIX_LEAVE: the rules of setresuid. -EPERM. The
 *             sessions of file servers that the process was given are of no use from now on: it asks
 *             for new ones.                              set_groups  w1 count, in window. -EPERM.
 * set_group   the same for groups.
 *
 * session     w1 number of a mount, w2 token of the root directory (0: the mount's). Answer: handle: a
 *             session port of its file server with the process's identity. -ENOENT; the server's errors.
 * mounts      struct posix_mount each in the out window, from number w1 on. Answer: w0 how many.
 * service     Answer: handle: a service port of the pipe server. -ENXIO: there is none.
 * place       w1 number of a mount, w2 token of a socket's node that is open for writing there. Answer:
 *             handle: a port of its place (pipe.h). -EACCES, -EBADF, -ENXIO.
 * fifo        w1 number of a mount, w2 token of a FIFO's node that is open there; flag in w3: IO_NONBLOCK.
 *             Answer: handle: the FIFO, open for what the node is open for. -ENXIO, -EBADF.
 * notice      w1 signal (0: none), w2 value. Answer: w1 its number; handle: a port. When that is notified as
 *             pipe.h says of message queues (QUEUE_TELLS_*), the process is sent the signal, SI_MESGQ, and
 *             the port is revoked. -EAGAIN: it has too many.
 * notice_now  w1 number. The port has been notified, by a message of the process itself, which is not to go
 *             on before it has the signal.
 *
 * timer_create w1 signal (0: none), or with POSIX_TIMER_COUNTS_CPU, w2 value, w3 thread or 0. Answer: w0
 *             its number, above 0. -EAGAIN.
 * timer_set   w1 number (or enum posix_timer_number), w2 deadline in nanoseconds of the time page, or of
 *             the processor time of the process (0: stop), w3 interval. Answer: as timer_get, of
 *             before. -EINVAL.
 * timer_get   w1 number. Answer: w1 nanoseconds left (0: stopped), w2 interval, w3 overruns. Of timers of
 *             processor time w1 is the time that is waited for: an embryo's use is not known here.
 * timer_delete w1 number.
 *
 * terminal    w1 device (major << 32 | minor), 0: the controlling one; w2: 1: it need not be that. Answer: w1
 *             its foreground group, w2 session, w3 device. -ENOTTY: it is not the controlling one, or
 *             nobody's.
 * terminal_claim w1 number of a mount, w2 token of a terminal's node that is open there: it becomes the
 *             session's terminal. -EPERM (no session leader, has one, or it is another session's), -ENOTTY.
 * terminal_open Answer: handle: the controlling terminal, which speaks tty.h. -ENXIO: there is none.
 * terminal_release The session leader gives its terminal up. w1: 1: vhangup: user 0 hangs up its session's, if
 *             there is one. -ENOTTY, -EPERM.
 * terminal_foreground w1 device or 0, w2 group; w3: 1: SIGTTOU is blocked or ignored. -EINTR: SIGTTOU has
 *             been sent, since the caller is in the background; -ENOTTY, -EPERM, -EINVAL, -EIO.
 * terminal_access To be asked when the board says POSIX_SLOT_BACKGROUND. w1 device, w2 SIGTTIN (to read) or
 *             SIGTTOU (to write, to change settings), w3: 1: that is blocked or ignored. 0: go on; -EINTR:
 *             it has been sent; -EIO.
 *
 * processor   w1 pid or 0. Answer: w1 nanoseconds of processor time that it has used. -ESRCH.
 * times       of children that were waited for: w1 user, w2 system nanoseconds, w3 largest size.
 * system      w1 processes, w2..w4 loads (16 bits of fraction), w5 memory in bytes, w6 free.
 * priority    getpriority, setpriority: w1 enum posix_select, w2 id, w3: 1: set to w4. Answer: w1 the
 *             nice value (the least). -ESRCH, -EPERM, -EACCES.
 * set_name    sethostname (w1 = 0), setdomainname (1): w2 bytes in words 3 to 7 or the in window. -EPERM.
 * reboot      w1 enum posix_reboot, w2 status for the host. Programs are ended, files written. -EPERM.
 */
#define POSIX_OPS(X)                                                                               \
	X(1, self)                                                                                 \
	X(2, fork_begin)                                                                           \
	X(3, fork_end)                                                                             \
	X(4, exec)                                                                                 \
	X(5, wait)                                                                                 \
	X(6, child_action)                                                                         \
	X(7, kill)                                                                                 \
	X(8, signals)                                                                              \
	X(9, stop)                                                                                 \
	X(10, set_group_of)                                                                        \
	X(11, group_of)                                                                            \
	X(12, session_of)                                                                          \
	X(13, new_session)                                                                         \
	X(14, credentials)                                                                         \
	X(15, set_user)                                                                            \
	X(16, set_group)                                                                           \
	X(17, set_groups)                                                                          \
	X(18, session)                                                                             \
	X(19, mounts)                                                                              \
	X(20, service)                                                                             \
	X(21, timer_create)                                                                        \
	X(22, timer_set)                                                                           \
	X(23, timer_get)                                                                           \
	X(24, timer_delete)                                                                        \
	X(25, terminal)                                                                            \
	X(26, terminal_claim)                                                                      \
	X(27, terminal_release)                                                                    \
	X(28, terminal_foreground)                                                                 \
	X(29, terminal_access)                                                                     \
	X(30, times)                                                                               \
	X(31, system)                                                                              \
	X(32, priority)                                                                            \
	X(33, set_name)                                                                            \
	X(34, reboot)                                                                              \
	X(35, place)                                                                               \
	X(36, fifo)                                                                                \
	X(37, terminal_open)                                                                       \
	X(38, processor)                                                                           \
	X(39, become)                                                                              \
	X(40, notice)                                                                              \
	X(41, notice_now)                                                                          \
	X(42, robust)

#define POSIX_OP_COUNT 43 /* one more than the highest number */

enum posix_op {
#define POSIX_OP_ENUM(number, name) POSIX_OP_##name = (number),
	POSIX_OPS(POSIX_OP_ENUM)
#undef POSIX_OP_ENUM
};

/* P_ALL, P_PID, P_PGID. */
enum posix_select { POSIX_ALL, POSIX_PID, POSIX_GROUP };

#define POSIX_CHILD_NOTIFY 1u  /* SIGCHLD is to be sent */
#define POSIX_CHILD_IGNORE 2u  /* SIG_IGN or SA_NOCLDWAIT: dead children are not kept */
#define POSIX_CHILD_NO_STOP 4u /* SA_NOCLDSTOP */

#define POSIX_TIMER_COUNTS_CPU 256u

/* Timers that every process has; all but the first count processor time. Exec keeps them. */
enum posix_timer_number {
	POSIX_TIMER_REAL,         /* of alarm and setitimer */
	POSIX_TIMER_VIRTUAL = 64, /* the others of setitimer */
	POSIX_TIMER_PROFILE,
	POSIX_TIMER_LIMIT, /* SIGXCPU, SIGKILL */
	POSIX_TIMER_HARD_LIMIT,
	POSIX_TIMER_KILL, /* the server's own: SIGKILL that waits for robust locks */
	POSIX_TIMER_NUMBERS
};

enum posix_reboot { POSIX_POWER_OFF, POSIX_REBOOT };

/* A signal on its way. */
struct posix_signal {
	int32_t number_and_code; /* number in the low 8 bits, si_code above */
	uint32_t thread;         /* whom it is for; 0: the process */
	uint32_t pid;            /* the sender's; SI_TIMER: the timer's number */
	uint32_t uid;            /* the sender's; SI_TIMER: overruns */
	uint64_t value;          /* sigval; SIGCHLD: si_status */
};
_Static_assert(sizeof(struct posix_signal) == 24, "two fit into w1..w6");

#define POSIX_SIGNAL(number, code) ((int32_t)((uint32_t)(code) << 8 | (uint32_t)(number)))
#define POSIX_SIGNAL_NUMBER(signal) ((signal)->number_and_code & 0xff)
#define POSIX_SIGNAL_CODE(signal) ((signal)->number_and_code >> 8)

/* A pid is below; what is above names the thread: so thread ids are unique in the whole system. */
#define POSIX_PID_LIMIT (1u << 16)
#define POSIX_PID_MASK (POSIX_PID_LIMIT - 1)

#define POSIX_MOUNT_READ_ONLY 1u

struct posix_mount {
	uint32_t number; /* for `session`; from 1 */
	uint32_t flags;  /* POSIX_MOUNT_* */
	char prefix[64]; /* absolute, without a slash at its end but for "/" */
	char type[16];   /* "ext4" ... */
	char source[40];
};

/* What every process may read about itself. One word is written at a time. */
struct posix_slot {
	uint32_t pid; /* 0: nobody's */
	uint32_t parent;
	uint32_t group;
	uint32_t session;
	uint32_t flags; /* POSIX_SLOT_* */
	uint32_t reserved[11];
};

#define POSIX_SLOT_TERMINAL 1u   /* it has a controlling terminal ... */
#define POSIX_SLOT_BACKGROUND 2u /* ... and is not in its foreground group */

#define POSIX_HOST_NAME_MAX 64
#define POSIX_SLOTS 1020
#define POSIX_BOARD_SIZE (64u << 10)

struct posix_board {
	uint32_t slots;  /* how many there are */
	uint32_t mounts; /* changes when the mount table does */
	char host_name[POSIX_HOST_NAME_MAX + 1];
	char domain_name[POSIX_HOST_NAME_MAX + 1];
	char reserved[118];
	struct posix_slot slot[POSIX_SLOTS];
};
_Static_assert(sizeof(struct posix_board) == POSIX_BOARD_SIZE, "it fills its pages");

#ifndef TERN_KERNEL
/*
 * A call that does not wait for anything: an interrupt that is delivered at its beginning (then nothing
 * has happened) only makes it begin again. Before it then waits
 * elsewhere the caller must look for signals, since the interrupt is used up.
 */
static inline tern_result posix_call_ext(tern_handle port, struct tern_received *message,
					 const struct tern_extended *extended)
{
	struct tern_received request = *message;
	tern_result result;

	do {
		*message = request;
		result = tern_exchange(extended ? TERN_OP_call_ext : TERN_OP_call, port, message,
				       extended);
	} while (result == -EINTR);
	return result < 0 ? result : (tern_result)message->words[0];
}

static inline tern_result posix_call(tern_handle port, struct tern_received *message)
{
	return posix_call_ext(port, message, 0);
}

/* An operation of up to three arguments whose result is all that is wanted. */
static inline tern_result posix_simple(tern_handle port, enum posix_op operation, uint64_t a,
				       uint64_t b, uint64_t c)
{
	struct tern_received message = { .words = { operation, a, b, c } };

	return posix_call(port, &message);
}

/* A call that brings one handle: 0 or positive and *handle, or an error. */
static inline tern_result posix_call_for_handle(tern_handle port, struct tern_received *message,
						tern_handle *handle)
{
	struct tern_extended extended = { .accept_count = 1 };
	tern_result result = posix_call_ext(port, message, &extended);

	if (result >= 0 && message->handle_count != 1)
		return -EIO;
	if (result >= 0)
		*handle = message->handles[0];
	return result;
}

/* posix_fork_begin: the child's pid, its port and its slot. */
static inline tern_result posix_fork_begin(tern_handle port, uint64_t limit, tern_handle *child,
					   uint32_t *slot)
{
	struct tern_received message = { .words = { POSIX_OP_fork_begin, limit } };
	tern_result result = posix_call_for_handle(port, &message, child);

	*slot = (uint32_t)message.words[1];
	return result;
}

/* posix_fork_end: `process` is copied to the server; 0: there is no child. */
static inline tern_result posix_fork_end(tern_handle port, uint32_t pid, tern_handle process)
{
	struct tern_extended extended = {
		.handle_count = 1,
		.handles = { { process, TERN_RIGHT_OWNER | TERN_RIGHT_READ | TERN_RIGHT_WATCH,
			       TERN_SEND_COPY } },
	};
	struct tern_received message = { .words = { POSIX_OP_fork_end, pid } };

	return posix_call_ext(port, &message, process ? &extended : 0);
}

/* posix_exec: `name` and `arguments` as in the in window (see above), in one piece. */
static inline tern_result posix_exec(tern_handle port, const char *name_and_arguments,
				     size_t name_length, size_t arguments_length)
{
	size_t length = name_length + arguments_length;
	struct tern_extended extended = { .in_address = (uint64_t)name_and_arguments,
					  .in_length = length };
	struct tern_received message = {
		.words = { POSIX_OP_exec, name_length, arguments_length },
	};

	if (length <= POSIX_INLINE)
		__builtin_memcpy(&message.words[POSIX_INLINE_WORD], name_and_arguments, length);
	return posix_call_ext(port, &message, length <= POSIX_INLINE ? 0 : &extended);
}

/* posix_become: returns only 0 or an error. */
static inline tern_result posix_become(tern_handle port, uint32_t mount, uint64_t token,
				       tern_handle memobj, tern_handle box)
{
	struct tern_extended extended = {
		.handle_count = 2,
		.handles = { { memobj, TERN_RIGHT_READ | TERN_RIGHT_COPY, TERN_SEND_COPY },
			     { box, TERN_RIGHT_CALL | TERN_RIGHT_COPY, TERN_SEND_COPY } },
	};
	struct tern_received message = { .words = { POSIX_OP_become, mount, token } };

	return posix_call_ext(port, &message, &extended);
}

/* What wait tells of a child. */
struct posix_waited {
	uint64_t status;
	uint64_t uid;
	uint64_t user_ns, system_ns;
	uint64_t largest; /* bytes */
};

/* posix_wait: the pid, 0 (WNOHANG), -ECHILD, -EINTR, -EINVAL. */
static inline tern_result posix_wait(tern_handle port, enum posix_select select, uint32_t id,
				     uint32_t options, struct posix_waited *waited)
{
	struct tern_received message = { .words = { POSIX_OP_wait, select, id, options } };
	tern_result result = tern_call(port, &message);

	if (result < 0)
		return result;
	__builtin_memcpy(waited, &message.words[1], sizeof(*waited));
	return (tern_result)message.words[0];
}

static inline tern_result posix_kill(tern_handle port, int64_t pid, uint32_t signal, int32_t code,
				     uint64_t value, uint32_t thread)
{
	struct tern_received message = {
		.words = { POSIX_OP_kill, (uint64_t)pid, signal, (uint64_t)code, value, thread },
	};

	return posix_call(port, &message);
}

/* posix_signals: how many of signals[0..1] were fetched. */
static inline tern_result posix_signals(tern_handle port, struct posix_signal signals[2],
					uint32_t *left, uint32_t *continues)
{
	struct tern_received message = { .words = { POSIX_OP_signals } };
	tern_result result = posix_call(port, &message);

	if (result < 0)
		return result;
	__builtin_memcpy(signals, &message.words[1], 2 * sizeof(*signals));
	*left = (uint32_t)message.words[7];
	*continues = (uint32_t)(message.words[7] >> 32);
	return result;
}

/* posix_session: a session port for a mount. */
static inline tern_result posix_session(tern_handle port, uint32_t mount, uint64_t root,
					tern_handle *session)
{
	struct tern_received message = { .words = { POSIX_OP_session, mount, root } };

	return posix_call_for_handle(port, &message, session);
}

/* posix_service: a service port of the pipe server. */
static inline tern_result posix_service(tern_handle port, tern_handle *service)
{
	struct tern_received message = { .words = { POSIX_OP_service } };

	return posix_call_for_handle(port, &message, service);
}

/* posix_mounts: up to `count` mounts, from the first-th on (0); how many. -EFAULT: touch them. */
static inline tern_result posix_mounts(tern_handle port, uint32_t first, struct posix_mount *mounts,
				       size_t count)
{
	struct tern_extended extended = { .out_address = (uint64_t)mounts,
					  .out_length = count * sizeof(*mounts) };
	struct tern_received message = { .words = { POSIX_OP_mounts, first } };

	return posix_call_ext(port, &message, &extended);
}

struct posix_timer {
	uint64_t left; /* nanoseconds; 0: stopped */
	uint64_t interval;
	uint64_t overruns;
};

/* posix_timer_set: *old (or NULL) is what it was before. */
static inline tern_result posix_timer_set(tern_handle port, uint32_t timer, uint64_t deadline,
					  uint64_t interval, struct posix_timer *old)
{
	struct tern_received message = {
		.words = { POSIX_OP_timer_set, timer, deadline, interval },
	};
	tern_result result = posix_call(port, &message);

	if (result >= 0 && old)
		__builtin_memcpy(old, &message.words[1], sizeof(*old));
	return result;
}

static inline tern_result posix_timer_get(tern_handle port, uint32_t timer, struct posix_timer *now)
{
	struct tern_received message = { .words = { POSIX_OP_timer_get, timer } };
	tern_result result = posix_call(port, &message);

	if (result >= 0)
		__builtin_memcpy(now, &message.words[1], sizeof(*now));
	return result;
}
#endif

#endif
