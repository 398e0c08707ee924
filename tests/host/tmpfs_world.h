/* tmpfs as the file server, for tests of the file protocol: with memobjs that only pretend. */
#ifndef TESTS_TMPFS_WORLD_H
#define TESTS_TMPFS_WORLD_H

#include "file_client.h"

#include "servers/tmpfs/tmpfs.h"

#include "fake_memobj.h"

static struct tmpfs tmpfs;

static int set_up(void **state)
{
	(void)state;
	memset(&tmpfs, 0, sizeof(tmpfs));
	handles_alive = 0;
	answers = 0;
	is_waited_for = true;
	assert_int_equal(
		fs_init(&file_system, &tmpfs_operations, &fake_transport, &tmpfs, TMPFS_ROOT), 0);
	return tmpfs_start(&file_system, &tmpfs, the_time);
}

static int tear_down(void **state)
{
	(void)state;
	fs_destroy(&file_system);
	assert_int_equal(handles_alive, 0);
	return 0;
}

#endif
