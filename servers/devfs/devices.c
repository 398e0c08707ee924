/* The devices that are devfs's own, behind io.h. None of them ever waits. */
#include "devfs.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "lib/random/random.h"
#include "proto/io.h"
#include "pty.h"
#include "tern/handle.h"

#define ZERO_BYTES 65536
#define READ_MAX (1u << 20) /* in one call; the rest is for the next one */
#define RESEED_BYTES (1u << 20)
#define STIR_MAX 512 /* of what is written to random */
#define RNDGETENTCNT 0x80045200u
#define ENTROPY_BITS 256

/* The userdata of a device port: device | access << 8. */
#define DEVICE_OF(userdata) ((enum device_id)((userdata)&0xff))
#define ACCESS_SHIFT 8

static tern_handle console;
static const char zeros[ZERO_BYTES];

/* ---------------------------------------------------------------------------------- randomness */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* protects what follows */
static struct random_generator generator;
static uint64_t seeded_for; /* bytes that may still be taken from this seed; 0: none */

/* Something that cannot be guessed goes into the generator; false: there is no source. */
static bool reseed(void)
{
	unsigned char seed[RANDOM_SEED];

	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return false;
	random_stir(&generator, seed, sizeof(seed));
	seeded_for = RESEED_BYTES;
	return true;
}

/* -EIO: nothing that could be guessed is ever given out. */
static int random_take(void *bytes, size_t length)
{
	int error = 0;

	pthread_mutex_lock(&mutex);
	if (!seeded_for && !reseed())
		error = -EIO;
	if (!error) {
		random_bytes(&generator, bytes, length);
		seeded_for -= length < seeded_for ? length : seeded_for;
	}
	pthread_mutex_unlock(&mutex);
	return error;
}

static void random_give(const void *bytes, size_t length)
{
	pthread_mutex_lock(&mutex);
	random_stir(&generator, bytes, length);
	pthread_mutex_unlock(&mutex);
}

/* ---------------------------------------------------------------------------------- operations */

/* `length` bytes of the device's at `offset` of the window. 0 or an error. */
static int put(struct server_call *call, enum device_id device, uint64_t offset, size_t length)
{
	char bytes[4096];
	int error;

	if (device == DEVICE_ZERO || device == DEVICE_FULL)
		return server_write(call, offset, zeros, length);
	error = random_take(bytes, length);
	return error ? error : server_write(call, offset, bytes, length);
}

static int64_t read_window(struct server_call *call, enum device_id device, uint64_t length)
{
	size_t chunk = device == DEVICE_ZERO || device == DEVICE_FULL ? ZERO_BYTES : 4096;
	uint64_t done = 0;

	length = length < READ_MAX ? length : READ_MAX;
	while (done < length) {
		size_t part = length - done < chunk ? length - done : chunk;
		int error = put(call, device, done, part);

		if (error)
			return done ? (int64_t)done : error;
		done += part;
	}
	return (int64_t)done;
}

static int64_t device_read(struct server_call *call, enum device_id device)
{
	uint64_t length = call->message.words[1];
	void *bytes = &call->message.words[IO_INLINE_WORD];
	int error = 0;

	call->message.words[1] = 0;
	if (device == DEVICE_NULL || !length)
		return 0;
	if (call->has_windows)
		return read_window(call, device, length);
	length = length < IO_INLINE_MAX ? length : IO_INLINE_MAX;
	memset(bytes, 0, IO_INLINE_MAX);
	if (device != DEVICE_ZERO && device != DEVICE_FULL)
		error = random_take(bytes, length);
	call->message.words[1] = IO_INLINE;
	return error ? error : (int64_t)length;
}

/* What is written to a generator changes what it will give, and makes nothing easier to guess. */
static int64_t write_random(struct server_call *call, uint64_t length)
{
	char bytes[STIR_MAX];
	size_t part = length < STIR_MAX ? length : STIR_MAX;
	int error = 0;

	if (call->has_windows)
		error = server_read(call, 0, bytes, part);
	else
		memcpy(bytes, &call->message.words[IO_INLINE_WORD], part);
	if (!error)
		random_give(bytes, part);
	return error ? error : (int64_t)length;
}

static int64_t device_write(struct server_call *call, enum device_id device)
{
	uint64_t length = call->message.words[1];

	if ((int64_t)length < 0 || (!call->has_windows && length > IO_INLINE_MAX))
		return -EINVAL;
	if (device == DEVICE_FULL)
		return length ? -ENOSPC : 0;
	if (device == DEVICE_RANDOM || device == DEVICE_URANDOM)
		return write_random(call, length);
	return (int64_t)length;
}

static int64_t device_attributes(struct server_call *call, enum device_id device)
{
	struct io_attributes attributes = { .kind = IO_KIND_DEVICE, .id = device };

	for (unsigned int inode = ROOT; inode && inode < PTY_INODE; inode = node_next(inode)) {
		struct node node = node_at(inode);

		if (node.device == device)
			attributes.device = (uint64_t)node.major << 32 | node.minor;
	}
	memcpy(&call->message.words[1], &attributes, sizeof(attributes));
	return 0;
}

static int64_t device_control(struct server_call *call, enum device_id device)
{
	bool is_random = device == DEVICE_RANDOM || device == DEVICE_URANDOM;
	int bits = ENTROPY_BITS;

	if (!is_random || call->message.words[1] != RNDGETENTCNT)
		return -ENOTTY;
	memcpy(&call->message.words[IO_INLINE_WORD], &bits, sizeof(bits));
	return 0;
}

int64_t device_operation(struct server_call *call)
{
	enum device_id device = DEVICE_OF(call->message.userdata);
	uint32_t access = PORT_INDEX(call->message.userdata) >> ACCESS_SHIFT;
	const uint64_t *words = call->message.words;

	if (device == DEVICE_NONE || device >= DEVICE_OWN_COUNT)
		return -ENXIO;
	switch (words[0] & IO_OP_MASK) {
	case IO_OP_read:
		return access & FILE_READ ? device_read(call, device) : -EBADF;
	case IO_OP_write:
		return access & FILE_WRITE ? device_write(call, device) : -EBADF;
	case IO_OP_poll: /* always ready: no watch ever has anything to tell */
		return IO_IN | IO_OUT;
	case IO_OP_watch:
		return call->message.handle_count == 1 && words[1] ? 1 : -EINVAL;
	case IO_OP_unwatch:
		return words[1] == 1 ? 0 : -ENOENT;
	case IO_OP_attributes:
		return device_attributes(call, device);
	case IO_OP_set_flags: /* it never waits, with or without the flag */
		return (int64_t)(words[1] & words[2] & IO_NONBLOCK);
	case IO_OP_control:
		return device_control(call, device);
	default:
		return -ENOSYS;
	}
}

/* ------------------------------------------------------------------------------------- opening */

void devices_start(tern_handle the_console)
{
	console = the_console;
}

static tern_handle console_handle(void)
{
	return console > 0
		       ? tern_handle_duplicate(console, TERN_RIGHTS_ALL & ~TERN_RIGHT_NO_INHERIT)
		       : -ENXIO;
}

/*
 * Each opening gets a port of its own with the same userdata, which the opener pays for: devfs's own
 * account may be destroyed with a dead instance. Our handle is given up at once: the port lives as
 * long as clients have it, and there is nothing to do when they are gone.
 */
static tern_handle own_handle(enum device_id device, uint32_t access)
{
	uint64_t userdata = PORT_USERDATA(PORT_DEVICE, access << ACCESS_SHIFT | device);
	tern_handle port = tern_port_create(TERN_REPLY, server.listener, userdata,
					    TERN_PORT_PERSISTENT);
	tern_handle client;

	if (port < 0)
		return port;
	client = tern_port_mint(port, TERN_RIGHT_CALL | TERN_RIGHT_COPY | TERN_RIGHT_MOVE);
	tern_handle_close(port);
	return client;
}

tern_handle device_open(unsigned int inode, enum device_id device, uint32_t access,
			const struct file_identity *identity)
{
	switch (device) {
	case DEVICE_CONSOLE:
		return console_handle();
	case DEVICE_TTY:
		return 0;
	case DEVICE_PTMX:
		return pty_create(identity);
	case DEVICE_PTY:
		return pty_open_slave(inode - PTY_INODE, identity);
	default:
		return own_handle(device, access);
	}
}

tern_handle device_control_port(unsigned int inode, uint64_t *number, uint64_t *id)
{
	struct node node = node_at(inode);

	if (node.device == DEVICE_PTY)
		return pty_control_port(inode - PTY_INODE, number, id);
	if (node.device != DEVICE_CONSOLE)
		return node.mode ? -ENOTTY : -EIO; /* it was a pseudo-terminal */
	*number = (uint64_t)node.major << 32 | node.minor;
	*id = 0; /* pseudo-terminals count from 1 */
	return console_handle();
}
