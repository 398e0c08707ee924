/* See serve.h. Every worker has one struct fs_call of its own, which is large. */
#include "lib/fs/serve.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "lib/server/server.h"
#include "proto/init.h"
#include "tern/event.h"
#include "tern/start.h"

#define SECOND 1000000000

static struct fs *file_system;
static struct server the_server;
static int64_t listener;

int64_t fs_boot_time(void)
{
	const struct tern_time_page *page = (const struct tern_time_page *)TERN_TIME_PAGE;

	return (int64_t)page->boot_seconds * SECOND;
}

static int64_t now(void)
{
	return fs_boot_time() + (int64_t)tern_time();
}

/* -------------------------------------------------------------------- numbers nobody can guess */

static uint64_t key[2], counter;

static inline uint64_t rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static inline __attribute__((always_inline)) void mix(uint64_t *v)
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 of a counter, with the key that the launcher gave. */
static uint64_t random_number(void)
{
	uint64_t message = __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
			  key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 };

	v[3] ^= message;
	mix(v);
	v[0] ^= message;
	v[2] ^= 0xff;
	mix(v);
	mix(v);
	mix(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void fs_transport_start(int64_t port_listener)
{
	const void *random = (const void *)getauxval(AT_RANDOM);

	listener = port_listener;
	if (random)
		memcpy(key, random, sizeof(key));
	key[0] ^= tern_time();
}

/* ---------------------------------------------------------------------------------- transport */

static int64_t read_in(struct fs_call *call, uint64_t offset, void *buffer, size_t length)
{
	(void)call;
	return tern_reply_read(TERN_REPLY, offset, buffer, length);
}

static int64_t write_out(struct fs_call *call, uint64_t offset, const void *buffer, size_t length)
{
	(void)call;
	return tern_reply_write(TERN_REPLY, offset, buffer, length);
}

static int64_t make_port(struct fs *fs, uint64_t userdata)
{
	(void)fs;
	return tern_port_create(TERN_SELF_ACCOUNT, listener, userdata, 0);
}

static void close_handle(struct fs *fs, int64_t handle)
{
	(void)fs;
	tern_handle_close(handle);
}

static void revoke_port(struct fs *fs, int64_t port)
{
	tern_port_revoke(port);
	close_handle(fs, port);
}

static int64_t mint(struct fs *fs, int64_t port)
{
	(void)fs;
	return tern_port_mint(port, FS_PORT_RIGHTS);
}

static int64_t park(struct fs_call *call, uint64_t cookie)
{
	(void)call;
	return tern_reply_park(cookie, TERN_PARK_CANCELLABLE);
}

static bool answer(struct fs *fs, int64_t parked, int64_t result)
{
	struct tern_received message = { .words = { (uint64_t)result } };

	if (tern_reply(parked, &message) >= 0)
		return true;
	close_handle(fs, parked);
	return false;
}

const struct fs_transport fs_kernel_transport = {
	.now = now,
	.random = random_number,
	.read = read_in,
	.write = write_out,
	.make_port = make_port,
	.revoke_port = revoke_port,
	.close = close_handle,
	.mint = mint,
	.park = park,
	.answer = answer,
};

/* ---------------------------------------------------------------------------------- the loop */

static _Thread_local struct fs_call *own_call;

static int64_t serve(struct server_call *server_call)
{
	struct fs_call *call = own_call;

	if (!call)
		call = own_call = malloc(sizeof(*call));
	if (!call)
		return -ENOMEM;
	call->fs = file_system;
	call->words = server_call->message.words;
	call->userdata = server_call->message.userdata;
	call->has_windows = server_call->has_windows;
	if (!fs_serve(call))
		return SERVER_PARKED;
	server_call->answer.handle_count = call->handle_count;
	for (uint32_t i = 0; i < call->handle_count; i++) {
		server_call->answer.handles[i].handle = call->handles[i];
		server_call->answer.handles[i].rights = call->rights[i];
		server_call->answer.handles[i].mode = call->is_copied[i] ? TERN_SEND_COPY
									 : TERN_SEND_MOVE;
	}
	return (int64_t)call->words[0];
}

static void unsent(struct server_call *server_call)
{
	(void)server_call;
	fs_unsent(own_call);
}

static void no_clients(uint64_t userdata, uint64_t minted)
{
	(void)minted;
	fs_no_clients(file_system, userdata);
}

static void cancelled(uint64_t cookie)
{
	fs_lock_cancel(file_system, cookie);
}

static void (*own_notified)(uint64_t userdata, uint64_t bits);

static void stop(void)
{
	server_stop(&the_server);
}

static void notified(uint64_t userdata, uint64_t bits)
{
	if (INIT_KIND(userdata) == INIT_KIND_CONTROL && bits & INIT_STOP)
		stop();
	else if (own_notified)
		own_notified(userdata, bits);
}

int fs_server_run(struct fs *fs, unsigned threads,
		  void (*notified_own)(uint64_t userdata, uint64_t bits))
{
	own_notified = notified_own;
	the_server = (struct server){ .listener = listener,
				      .threads = threads,
				      .call = serve,
				      .notified = notified,
				      .no_clients = no_clients,
				      .cancelled = cancelled,
				      .unsent = unsent };
	file_system = fs;
	fs->stop = stop;
	return server_run(&the_server);
}
