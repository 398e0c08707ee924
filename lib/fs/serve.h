/* A file server as a program on Tern: lib/fs on lib/server's loop. */
#ifndef LIB_FS_SERVE_H
#define LIB_FS_SERVE_H

#include "lib/fs/fs.h"

/* Kernel calls for struct fs. Before the first use: fs_transport_start with the server's listener. */
extern const struct fs_transport fs_kernel_transport;
void fs_transport_start(int64_t listener);

/* Nanoseconds since 1970 when the clock of the time page was 0. */
int64_t fs_boot_time(void);

/*
 * Serves until the listener's end, FILE_UNMOUNT or init's INIT_STOP. `notified`: what comes through ports of the server's own, whose
 * userdata has the kind FS_PORT_OWN; or NULL.
 */
int fs_server_run(struct fs *fs, unsigned threads,
		  void (*notified)(uint64_t userdata, uint64_t bits));

#endif
