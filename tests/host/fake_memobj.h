/* Memobjs for host tests of file servers: their lengths and times only, by handle. */
#ifndef TESTS_FAKE_MEMOBJ_H
#define TESTS_FAKE_MEMOBJ_H

#include "memobj_calls.h"

#define FAKE_MEMOBJS 4096

static struct {
	uint64_t length, modified;
} fake_memobjs[FAKE_MEMOBJS];

static int64_t fake_memobj_next = 1, fake_memobjs_left = INT64_MAX;

tern_result tern_memobj_create(tern_handle account, uint64_t length)
{
	(void)account;
	if (fake_memobjs_left-- <= 0)
		return -ENOMEM;
	fake_memobj_next = fake_memobj_next % (FAKE_MEMOBJS - 1) + 1;
	fake_memobjs[fake_memobj_next].length = length;
	fake_memobjs[fake_memobj_next].modified = 0;
	handles_alive++;
	return fake_memobj_next;
}

tern_result tern_memobj_info(tern_handle memobj, uint64_t query)
{
	switch (query) {
	case TERN_MEMOBJ_LENGTH:
		return (tern_result)fake_memobjs[memobj].length;
	case TERN_MEMOBJ_MODIFIED:
		return (tern_result)fake_memobjs[memobj].modified;
	case TERN_MEMOBJ_RESIDENT:
		return (tern_result)(fake_memobjs[memobj].length + 4095) / 4096;
	default:
		return -EINVAL;
	}
}

tern_result tern_memobj_set_length(tern_handle memobj, uint64_t length)
{
	fake_memobjs[memobj].length = length;
	return 0;
}

/* A write by a client. */
static inline void fake_write_memobj(tern_handle memobj, uint64_t length)
{
	fake_memobjs[memobj].length = length;
	fake_memobjs[memobj].modified++;
}

tern_result tern_handle_duplicate(tern_handle handle, uint32_t rights)
{
	(void)rights;
	handles_alive++;
	return handle;
}

tern_result tern_stream_create(tern_handle account, tern_handle memobj, uint64_t flags)
{
	(void)account;
	(void)flags;
	handles_alive++;
	return memobj;
}

tern_result tern_account_info(tern_handle account, uint64_t query)
{
	(void)account;
	return query == TERN_ACCOUNT_LIMIT ? 1 << 24 : 1 << 20;
}

#endif
