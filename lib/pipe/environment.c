/* The environment of a server that runs on Tern: system calls. */
#include "environment.h"

#include "server.h"
#include "tern/error.h"
#include "tern/event.h"
#include "tern/memory.h"
#include "tern/process.h"
#include "tern/thread.h"

static tern_handle listener;

void environment_start(tern_handle the_listener)
{
	listener = the_listener;
}

int64_t env_window_read(int64_t reply, uint64_t offset, void *to, size_t length)
{
	return tern_reply_read(reply, offset, to, length);
}

int64_t env_window_write(int64_t reply, uint64_t offset, const void *from, size_t length)
{
	return tern_reply_write(reply, offset, from, length);
}

int64_t env_window_copy(int64_t from, uint64_t from_offset, int64_t to, uint64_t to_offset,
			size_t length)
{
	return tern_reply_copy(from, from_offset, to, to_offset, length);
}

int64_t env_park(uint64_t cookie)
{
	return tern_reply_park(cookie, TERN_PARK_CANCELLABLE);
}

int64_t env_answer(int64_t reply, struct tern_received *message)
{
	return tern_reply(reply, message);
}

int64_t env_answer_handles(int64_t reply, struct tern_received *message,
			   const struct tern_extended *extended)
{
	return tern_reply_ext(reply, message, extended);
}

void env_close(int64_t handle)
{
	tern_handle_close(handle);
}

int64_t env_notify(int64_t port, uint64_t bits)
{
	return tern_notify(port, bits);
}

int64_t env_port_create(uint64_t userdata, int64_t *owner, int64_t *client)
{
	*owner = tern_port_create(0, listener, userdata, 0);
	if (*owner < 0)
		return *owner;
	*client = env_port_mint(*owner);
	if (*client > 0)
		return 0;
	tern_handle_close(*owner);
	return *client;
}

int64_t env_port_mint(int64_t owner)
{
	return tern_port_mint(owner, TERN_RIGHT_CALL | TERN_RIGHT_COPY | TERN_RIGHT_MOVE);
}

static void *map(tern_handle memobj, size_t length, uint64_t flags)
{
	tern_result address = tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, length,
					      TERN_MAP_READ | TERN_MAP_WRITE | flags);

	return address > 0 ? (void *)address : NULL;
}

void *env_pages(size_t length)
{
	return map(0, (length + TERN_PAGE_SIZE - 1) & ~(TERN_PAGE_SIZE - 1), TERN_MAP_PRIVATE);
}

int64_t env_ring_create(int64_t payer, size_t length, char **memory)
{
	tern_handle memobj = tern_memobj_create(payer, length);

	if (memobj < 0)
		return memobj;
	*memory = map(memobj, length, 0);
	if (*memory)
		return memobj;
	tern_handle_close(memobj);
	return -ENOMEM;
}

void env_ring_destroy(int64_t memobj, char *memory, size_t length)
{
	tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)memory, length);
	tern_handle_close(memobj);
}

bool env_ring_is_alive(int64_t memobj)
{
	return tern_memobj_info(memobj, TERN_MEMOBJ_LENGTH) >= 0;
}

bool env_guarded_copy(void *to, const void *from, size_t length)
{
	return guarded_copy(to, from, length);
}

int64_t env_timer_create(uint64_t userdata, int64_t *timer, int64_t *port)
{
	*timer = 0;
	*port = tern_port_create(0, listener, userdata, 0);
	if (*port < 0)
		return *port;
	*timer = tern_timer_create(0, *port, 1);
	return *timer < 0 ? *timer : 0;
}

void env_timer_set(int64_t timer, uint64_t deadline)
{
	if (timer > 0)
		tern_timer_set(timer, deadline, 0);
}

uint64_t env_now(void)
{
	return tern_time();
}

void env_sleep(_Atomic uint32_t *word, uint32_t value)
{
	tern_futex_wait((volatile uint32_t *)word, value, TERN_DEADLINE_NONE);
}

void env_wake(_Atomic uint32_t *word)
{
	tern_futex_wake((volatile uint32_t *)word, 1);
}
