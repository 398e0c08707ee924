/* Futex operations as Linux numbers them, for both profiles. */
#ifndef EMU_FUTEX_H
#define EMU_FUTEX_H

#include <stdint.h>

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAKE_OP 5
#define FUTEX_LOCK_PI 6
#define FUTEX_UNLOCK_PI 7
#define FUTEX_TRYLOCK_PI 8
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_LOCK_PI2 13
#define FUTEX_REALTIME 256
#define FUTEX_COMMANDS 127

struct timespec;

/* WAIT has a relative time-out, WAIT_BITSET an absolute one; NULL: none. 0 or -EINVAL. */
long emu_futex_deadline(int operation, const struct timespec *timeout, uint64_t *deadline);

#endif
