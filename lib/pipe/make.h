/* The operations of service ports, which make things; and FIFOs. */
#ifndef PIPE_MAKE_H
#define PIPE_MAKE_H

#include "end.h"

/* `service` is the port's userdata. */
enum outcome make_pipe(struct call *call, uint64_t service);
enum outcome make_fifo(struct call *call, uint64_t service);
enum outcome make_socket(struct call *call, uint64_t service);
enum outcome make_pair(struct call *call, uint64_t service);
enum outcome make_service(struct call *call, uint64_t service);
enum outcome make_place(struct call *call, uint64_t service);

enum outcome fifo_await_peer(struct call *call, uint64_t name);

/* The end is stale and still counted at its channels. */
void fifo_close(struct end *end, uint64_t name);

#endif
