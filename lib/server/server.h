/*
 * The loop of a server: worker threads that receive from one listener, hand what comes to the
 * server's functions, and answer. docs/writing-a-server.md shows how to use it.
 *
 * A worker answers and receives with one system call, and registers alone when it can: that is the
 * kernel's fast path. The functions run in any worker, several at a time: what they share they lock.
 */
#ifndef LIB_SERVER_SERVER_H
#define LIB_SERVER_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tern/ipc.h"

#define SERVER_THREADS_MAX 64

/* What a call's function returns instead of a result when it has parked the reply. */
#define SERVER_PARKED INT64_MIN

/* A call that is being served. It belongs to the worker. */
struct server_call {
	struct tern_received message; /* words, userdata and handles; the answer's words go here */
	bool has_windows;
	/*
	 * Handles for the answer: set handle_count and handles. What could not be sent is closed if
	 * its mode was TERN_SEND_MOVE, and the caller gets the error as its result.
	 */
	struct tern_extended answer;
};

/*
 * Answers one call: returns the result for the answer's w0 (0 or positive, or -Exxx), having put the
 * other words in place; words that it leaves alone go back as they came. Or SERVER_PARKED. Handles
 * that came with the call are closed afterwards unless their places are set to 0.
 */
typedef int64_t server_function(struct server_call *call);

struct server {
	tern_handle listener;
	unsigned int threads;        /* workers, the caller of server_run included; 0 means 1 */
	unsigned int accept_handles; /* how many a call may bring, 0 to 4 */

	server_function *call;
	/* What else may come; NULL: it is ignored. */
	void (*notified)(uint64_t userdata, uint64_t bits);
	void (*no_clients)(uint64_t userdata, uint64_t minted);
	void (*cancelled)(uint64_t cookie);
	/* The call's answer brought handles that could not be sent; they are closed afterwards. */
	void (*unsent)(struct server_call *call);

	/* The library's own. */
	tern_handle stop_port;
	atomic_bool is_stopping;
};

/*
 * Takes the listener over from a dead instance, if there was one: ports that are not persistent are
 * revoked. To be called before the server hands out its first port. Returns 0 or an error.
 */
int server_start(struct server *server);

/*
 * Serves until server_stop or the listener's end. Returns 0 when all workers have ended, or an error:
 * what tern_reply_wait or pthread_create returned. Userdata equal to the address of `server` is
 * the library's own.
 */
int server_run(struct server *server);

/* Ends server_run: calls that are being served are answered, others wait for the next instance. */
void server_stop(struct server *server);

/*
 * For servers with one table of operations: calls `table[number]`, -ENOSYS if there is none.
 * `number` comes from the client.
 */
int64_t server_dispatch(server_function *const *table, uint64_t count, uint64_t number,
			struct server_call *call);

/*
 * The caller's windows while it waits. 0 when all of `length` bytes were copied; -EINVAL (no window, or
 * outside it), -ESRCH (the caller is gone), -EFAULT (a page is not there: return it to the client,
 * which makes the page present and calls again). Of a -EFAULT some bytes may have been copied.
 */
int server_read(const struct server_call *call, uint64_t offset, void *buffer, uint64_t length);
int server_write(const struct server_call *call, uint64_t offset, const void *buffer,
		 uint64_t length);

/* One more handle goes with the answer, and is the server's no more. */
void server_give(struct server_call *call, tern_handle handle, uint32_t rights);

#endif
