/* getrandom, from the server behind the start handle "random". */
#include "emu.h"

#include "proto/random.h"

#define AT_ONCE 256 /* up to so many bytes come whole or not at all */

long emu_getrandom(char *buffer, uint64_t length)
{
	tern_handle random = tern_start_handle("random");
	uint64_t done = 0;

	if (random < 0)
		return -ENOSYS;
	while (done < length) {
		int64_t count = random_read(random, buffer + done, length - done);

		if (count == -EINTR && done < AT_ONCE)
			continue;
		if (count <= 0)
			return done ? (long)done : count ? count : -EIO;
		done += (uint64_t)count;
	}
	return (long)done;
}
