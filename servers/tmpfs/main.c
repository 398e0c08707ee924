/*
 * tmpfs. Handles: "listener". Its admin port's userdata is any small number. Of the account that it
 * runs in an eighth stays with the server, the rest pays for the files.
 */
#include <stdio.h>

#include "lib/fs/serve.h"
#include "tern/ipc.h"
#include "tern/process.h"
#include "tern/start.h"
#include "tmpfs.h"

#define THREADS 4

static struct fs fs;
static struct tmpfs tmpfs;

/* An account for the files' contents, or a negative error. */
static tern_handle contents_account(void)
{
	uint64_t limit = (uint64_t)tern_account_info(TERN_SELF_ACCOUNT, TERN_ACCOUNT_LIMIT);
	uint64_t used = (uint64_t)tern_account_info(TERN_SELF_ACCOUNT, TERN_ACCOUNT_USED);
	uint64_t kept = used + limit / 8, rest = limit > kept ? limit - kept : 0;

	return tern_account_create(TERN_SELF_ACCOUNT,
				   rest > TERN_PAGE_SIZE ? rest & -TERN_PAGE_SIZE : TERN_PAGE_SIZE);
}

int main(void)
{
	tern_handle listener = tern_start_handle("listener");
	int error = listener < 0 ? (int)listener : (int)tern_listener_takeover(listener);

	if (error >= 0) {
		tmpfs.account = contents_account();
		error = tmpfs.account < 0 ? (int)tmpfs.account : 0;
	}
	if (error >= 0) {
		fs_transport_start(listener);
		tmpfs.boot = fs_boot_time();
		error = fs_init(&fs, &tmpfs_operations, &fs_kernel_transport, &tmpfs, TMPFS_ROOT);
	}
	if (!error)
		error = tmpfs_start(&fs, &tmpfs, fs_kernel_transport.now());
	if (!error)
		error = fs_server_run(&fs, THREADS, NULL);
	if (error)
		printf("cannot go on: error %d\n", -error);
	return error ? 1 : 0;
}
