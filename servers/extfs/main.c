/*
 * extfs. Handles: "listener"; "disk", a client port of a block device. Its account should be marked as
 * a pager's. Its admin port's userdata is any small number. It unmounts when its listener is destroyed.
 */
#include <stdio.h>

#include "file.h"
#include "lib/fs/serve.h"
#include "tern/start.h"

#define THREADS 10

struct ext_block_disk ext_block_disk;
static struct fs fs;
static struct ext ext;
static tern_handle listener;

int64_t ext_own_port(uint64_t inode)
{
	return tern_port_create(TERN_SELF_ACCOUNT, listener, FS_USERDATA(FS_PORT_OWN, 0, inode), 0);
}

static int start(void)
{
	tern_handle disk = tern_start_handle("disk");
	int64_t port;
	int error;

	if (listener < 0 || disk < 0)
		return -ENOENT;
	if (tern_listener_takeover(listener) < 0)
		return -EPERM;
	fs_transport_start(listener);
	port = ext_own_port(0);
	error = port < 0 ? (int)port : ext_block_disk_open(&ext_block_disk, disk, port);
	if (!error)
		error = fs_init(&fs, &ext_operations, &fs_kernel_transport, &ext, EXT2_ROOT_INO);
	if (!error)
		error = ext_mount(&ext, &fs, &ext_block_disk.disk);
	return error ? error : ext_pager_start(&fs);
}

int main(void)
{
	int error;

	listener = tern_start_handle("listener");
	error = start();
	if (error) {
		printf("cannot mount the disk: error %d\n", -error);
		return 1;
	}
	error = fs_server_run(&fs, THREADS, ext_pager_notified);
	ext_files_sync(&fs);
	/* For good: the writer's thread is still there, and does nothing more. */
	pthread_mutex_lock(&ext.committer);
	pthread_mutex_lock(&fs.change);
	if (ext_unmount(&ext) || error)
		printf("ended with error %d\n", -error);
	return error ? 1 : 0;
}
