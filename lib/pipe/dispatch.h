/* From what a port received to the operation that answers it. */
#ifndef PIPE_DISPATCH_H
#define PIPE_DISPATCH_H

#include "lib/pipe/end.h"

/*
 * Serve the call in `call`, which came through a port with that userdata. ANSWERED: the answer stands
 * in its place. Handles that came along and that nobody took over are closed.
 */
enum outcome dispatch_call(struct call *call);
/* The last client of this port has gone, of so many that were minted. */
void dispatch_no_clients(uint64_t userdata, uint64_t mints);
/* The port of a timer was notified. */
void dispatch_notified(uint64_t userdata);
/* The caller of a parked call was interrupted. */
void dispatch_cancelled(uint64_t cookie);

#endif
