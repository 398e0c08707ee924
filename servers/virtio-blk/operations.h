/* What clients ask for: checks each call of proto/block.h, and carries it out or begins to. */
#ifndef SERVERS_VIRTIO_BLK_OPERATIONS_H
#define SERVERS_VIRTIO_BLK_OPERATIONS_H

#include "requests.h"

/*
 * A call that has been received, with its handles; `unit` NULL: the port names a disk that is not there.
 * Afterwards `message` holds the answer, unless the call was parked.
 */
void operation_run(struct unit *unit, struct tern_received *message, uint64_t now);

#endif
