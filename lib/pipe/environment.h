/*
 * What the pipe server's logic needs from the world: copies between callers, parked replies, ports,
 * memory, sleeping. In the server these are system calls (servers/pipe/environment.c); the host's
 * tests put a model in their place.
 */
#ifndef PIPE_ENVIRONMENT_H
#define PIPE_ENVIRONMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tern/ipc.h"

/* Copies by the kernel, as tern_reply_read, _write and _copy: counts, possibly short, or errors. */
int64_t env_window_read(int64_t reply, uint64_t offset, void *to, size_t length);
int64_t env_window_write(int64_t reply, uint64_t offset, const void *from, size_t length);
int64_t env_window_copy(int64_t from, uint64_t from_offset, int64_t to, uint64_t to_offset,
			size_t length);

/* Park the call that is being served, cancellable. The reply's handle, or an error. */
int64_t env_park(uint64_t cookie);
/* Answer a parked reply, which is used up; with `extended`, handles go along. */
int64_t env_answer(int64_t reply, struct tern_received *message);
int64_t env_answer_handles(int64_t reply, struct tern_received *message,
			   const struct tern_extended *extended);
void env_close(int64_t handle);
int64_t env_notify(int64_t port, uint64_t bits);

/*
 * A client port on the server's listener: *owner is the server's handle, *client a first handle for
 * a client. env_mint: one more. Negative on failure.
 */
int64_t env_port_create(uint64_t userdata, int64_t *owner, int64_t *client);
int64_t env_port_mint(int64_t owner);

/* Zeroed memory of the server's own, for ever. NULL when there is no more. */
void *env_pages(size_t length);

/*
 * Memory that `payer` (a reply) pays for. It can vanish when the payer's account is destroyed, so
 * the server touches it with env_guarded_copy alone, which then returns false.
 */
int64_t env_ring_create(int64_t payer, size_t length, char **memory);
void env_ring_destroy(int64_t memobj, char *memory, size_t length);
bool env_ring_is_alive(int64_t memobj);
bool env_guarded_copy(void *to, const void *from, size_t length);

/* Sleep while *word is `value`; wake one sleeper. */
void env_sleep(_Atomic uint32_t *word, uint32_t value);
void env_wake(_Atomic uint32_t *word);

/*
 * A timer that notifies a port of its own with this userdata: both are closed by the caller. It fires at
 * `deadline`, in nanoseconds of env_now; 0: never.
 */
int64_t env_timer_create(uint64_t userdata, int64_t *timer, int64_t *port);
void env_timer_set(int64_t timer, uint64_t deadline);
uint64_t env_now(void);

uint64_t env_random(void);

#endif
