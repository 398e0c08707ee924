/* Handles in the answer of the call that is being served. */
#ifndef PIPE_CONNECT_H
#define PIPE_CONNECT_H

#include "end.h"

/* Move `handle` to the caller with the answer; at most four. */
void call_extend(struct call *call, int64_t handle);

#endif
