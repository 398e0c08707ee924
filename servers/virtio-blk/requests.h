/*
 * Clients' requests to disks. A request is carried out in pieces: as many pages as one operation of the
 * device takes. Each piece has a slot of the disk while it is in flight, and pins on its pages. Requests
 * that find no slot wait in order of arrival, without pins.
 *
 * Everything runs on one thread.
 */
#ifndef SERVERS_VIRTIO_BLK_REQUESTS_H
#define SERVERS_VIRTIO_BLK_REQUESTS_H

#include "disk.h"
#include "memories.h"
#include "pins.h"
#include "proto/block.h"

#define REQUESTS_MAX 512 /* of all disks, in flight or waiting */

struct request {
	struct request *next;
	struct memory *memory; /* NULL: it is about the disk alone */
	tern_handle reply;     /* parked */
	uint32_t op;           /* enum block_op */
	uint32_t attempts;     /* of the piece in flight */
	bool is_short;         /* FILL: not all pages of the piece got frames: it is done again */
	bool is_done;          /* FILL: there were pages that were asked for */
	uint64_t id, flags;
	uint64_t offset, length, position; /* what is left of it, the piece in flight included */
	uint64_t piece;                    /* bytes of it */
	uint64_t started;                  /* when: in ticks of the driver's clock */
	unsigned int starved;              /* how often there was no memory for it */
};

/* A disk and those who wait for it. */
struct unit {
	struct disk disk;
	struct pins *pins; /* by slot */
	struct request *first, *last;
	struct request *starved;            /* FILLs that memory was too short for */
	struct request *active[DISK_SLOTS]; /* by slot */
};

void requests_init(void);

/*
 * A client's request, which has been checked: it is parked, and answered when it is done. `memory` is
 * NULL where the operation needs none. -EBUSY: too many; nothing has happened.
 */
int request_start(struct unit *unit, struct memory *memory, const struct block_request *words,
		  uint64_t now);

/* Finish what the device has done, and begin what waits. */
void requests_finish(struct unit *unit, uint64_t now);

/*
 * A disk that is broken, or has been busy with something for longer than `patience`, is started again.
 * What was in flight is submitted again; the third time it fails. True: that was so.
 */
bool requests_check(struct unit *unit, uint64_t now, uint64_t patience);

/* Try those again that found no memory. To be called every REQUESTS_PAUSE_NS while there are any. */
void requests_retry(struct unit *unit, uint64_t now);
#define REQUESTS_PAUSE_NS 5000000

/* How many there are in all. */
unsigned int requests_count(void);

/* The way back to clients: park whoever called last (negative: cannot), and answer. */
tern_handle client_park(void);
void client_answer(tern_handle reply, int result);

#endif
