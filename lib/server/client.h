/*
 * The client's side of calls with windows: the answer -EFAULT means that a page of a window was not
 * there. The pages are made present and the call is made again; if that does not help, because they
 * are gone again, the windows are put into buffers of our own.
 */
#ifndef LIB_SERVER_CLIENT_H
#define LIB_SERVER_CLIENT_H

#include "tern/ipc.h"

#define CLIENT_BOUNCE_MAX (1ul << 20) /* both windows together */

/*
 * Calls with the words of *message and the handles (copies, since it may be made again) and windows of
 * *extended. Returns the kernel's error, or
 * the answer's w0; the answer is in *message. -EFAULT: the windows are not our memory.
 */
int64_t client_call(tern_handle port, struct tern_received *message,
		    const struct tern_extended *extended);

#endif
