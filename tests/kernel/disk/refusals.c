/* Requests that are wrong, and disks that fail. */
#include "disk.h"

static struct mirror mirror;

/* A plain call, without the library: the result. */
static int64_t raw(tern_handle port, const struct block_request *request)
{
	struct tern_received message;

	memcpy(message.words, request, sizeof(*request));
	CHECK_EQ(tern_call(port, &message), 0);
	return (int64_t)message.words[0];
}

void read_only_disk_stays_as_it_is(void)
{
	mirror_open(&mirror, driver_port(DISK_READ_ONLY, 1), 4);
	CHECK(mirror.disk.info.flags & BLOCK_IS_READ_ONLY);
	check_disk(&mirror, 0, mirror.size);
	CHECK_EQ(block_write(&mirror.memory, 0, 4096, 0), -EROFS);
	CHECK_EQ(block_discard(&mirror.disk, 0, 4096), -EROFS);
	CHECK_EQ(block_write_zeroes(&mirror.disk, 0, 4096, 0), -EROFS);
	mirror_close(&mirror);
}

/* A change of one word of a good request, and what comes of it. */
struct bad {
	unsigned int word;
	uint64_t value;
	int64_t result;
};

static void try_bad(const struct block_request *good, const struct bad *bad, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct block_request request = *good;

		((uint64_t *)&request)[bad[i].word] = bad[i].value;
		CHECK_EQ(raw(mirror.disk.port, &request), bad[i].result);
	}
}

enum { OP, COOKIE, OFFSET, LENGTH, POSITION };

void bad_requests_are_refused(void)
{
	static const struct bad any[] = {
		{ OP, BLOCK_OP_COUNT, -ENOSYS },
		{ OP, UINT64_MAX, -ENOSYS },
		{ COOKIE, 0, -ENOENT },
		{ COOKIE, 1, -ENOENT },
		{ COOKIE, UINT64_MAX, -ENOENT },
		{ OFFSET, 1, -EINVAL },
		{ OFFSET, UINT64_MAX & ~4095ul, -ERANGE },
		{ LENGTH, 0, -EINVAL },
		{ LENGTH, 511, -EINVAL },
		{ LENGTH, UINT64_MAX & ~4095ul, -ERANGE },
		{ POSITION, 1, -EINVAL },
		{ POSITION, UINT64_MAX & ~511ul, -ERANGE },
	};
	struct block_request request = { .length = 4096 };
	struct bad behind = { POSITION, 0, -ERANGE };
	tern_handle nowhere = driver_port(DISK_NONE, 1);
	struct block_disk none;

	mirror_open(&mirror, driver_port(DISK_ODD, 1), 1);
	request.cookie = mirror.memory.cookie;
	for (uint64_t op = BLOCK_FILL; op <= BLOCK_WRITE; op++) {
		request.op = op;
		try_bad(&request, any, RT_COUNT(any));
		behind.value = mirror.size;
		try_bad(&request, &behind, 1);
	}
	request.op = BLOCK_READ;
	behind.value = mirror.size - 512;
	try_bad(&request, &behind, 1);
	request.op = BLOCK_FILL; /* nobody asks for that page */
	CHECK_EQ(raw(mirror.disk.port, &request), -ESRCH);
	request.op = BLOCK_ATTACH;
	CHECK_EQ(raw(mirror.disk.port, &request), -EINVAL);
	CHECK_EQ(block_discard(&mirror.disk, mirror.size, 512), -ERANGE);
	CHECK_EQ(block_open(&none, nowhere), -ENODEV);
	tern_handle_close(nowhere);
	mirror_close(&mirror);
}

void cookies_belong_to_their_client(void)
{
	struct block_request request = { .op = BLOCK_DETACH };
	tern_handle other = driver_port(DISK_BIG, 2), same = driver_port(DISK_BIG, 1);
	struct block_disk again;

	mirror_open(&mirror, driver_port(DISK_BIG, 1), 1);
	request.cookie = mirror.memory.cookie;
	CHECK_EQ(raw(other, &request), -ENOENT);
	check_disk(&mirror, 0, RT_PAGE);
	/* The next holder of the client's port does not inherit them. */
	CHECK_EQ(block_open(&again, same), 0);
	CHECK_EQ(raw(same, &request), -ENOENT);
	mirror_forget(&mirror, 0, 64);
	check_disk(&mirror, 0, RT_PAGE); /* the library attaches again */
	CHECK(mirror.memory.cookie != request.cookie);
	tern_handle_close(same);
	tern_handle_close(other);
	mirror_close(&mirror);
}

static void send_nonsense(uint64_t *random)
{
	const tern_handle handles[] = { driver.listener, driver.dma, mirror.memory.memobj };
	struct tern_extended extended = {
		.handle_count = 1,
		.handles[0] = { handles[test_random(random) % 3],
				(uint32_t)test_random(random) & TERN_RIGHTS_ALL, TERN_SEND_COPY },
	};
	struct tern_received message;
	unsigned int kind = test_random(random) % 4;

	for (unsigned int i = 0; i < TERN_MESSAGE_WORDS; i++)
		message.words[i] = test_random(random) >> test_random(random) % 64;
	message.words[0] = test_random(random) % (BLOCK_OP_COUNT + 1);
	if (message.words[0] == BLOCK_OPEN)
		message.words[0] = BLOCK_INFO;
	if (kind)
		message.words[1] = mirror.memory.cookie;
	if (kind > 1)
		message.words[3] &= ~4095ul;
	if (kind > 2)
		message.words[4] &= ~4095ul;
	if (kind && message.words[0] == BLOCK_DETACH)
		message.words[0] = BLOCK_FLUSH;
	if (test_random(random) % 4 == 0)
		tern_call_ext(mirror.disk.port, &message, &extended);
	else
		tern_call(mirror.disk.port, &message);
}

/* On the read-only disk: whatever it asks for, the disk stays as it is, and so does the driver. */
void nonsense_does_no_harm(void)
{
	uint64_t random = 88172645463325252ul;
	struct block_disk end;

	mirror_open(&mirror, driver_port(DISK_READ_ONLY, 1), 4);
	for (int i = 0; i < 3000; i++)
		send_nonsense(&random);
	check_disk(&mirror, 0, mirror.size);
	CHECK_EQ(tern_process_status(driver.process), TERN_PROCESS_RUNNING);
	CHECK_EQ(block_open(&end, mirror.disk.port), 0); /* drops what was attached */
	mirror_close(&mirror);
}

/* -------------------------------------------------------------------------------- a disk that fails */

/* Reads of the sector at READ_ERROR and writes of that at WRITE_ERROR fail, and so do flushes. */
#define READ_ERROR (100 * 4096ul)
#define WRITE_ERROR (150 * 4096ul)

void errors_are_reported(void)
{
	tern_handle memobj;

	mirror_open(&mirror, driver_port(DISK_BAD, 1), 4);
	memobj = mirror.memory.memobj;
	CHECK_EQ(tern_memobj_read(memobj, READ_ERROR, buffer, 1, 0), -EIO);
	test_await((volatile uint32_t *)&mirror.failed, 1);
	check_disk(&mirror, 0, READ_ERROR);
	check_disk(&mirror, READ_ERROR + RT_PAGE, mirror.size);
	CHECK_EQ(tern_memobj_read(memobj, READ_ERROR, buffer, 1, 0), -EIO);
	CHECK_EQ(block_write(&mirror.memory, WRITE_ERROR, 4096, WRITE_ERROR), -EIO);
	CHECK_EQ(block_write(&mirror.memory, WRITE_ERROR - 4096, 4096, WRITE_ERROR - 4096), 0);
	CHECK_EQ(block_flush(&mirror.disk), -EIO);
	mirror_close(&mirror);
}
