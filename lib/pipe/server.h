/* The pipe server's threads, for whoever has a listener. */
#ifndef PIPE_SERVER_H
#define PIPE_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "tern/types.h"

#define PIPE_WORKER_STACK 2048 /* for its faults: see guarded_copy.S */

/* Once, before the first worker. `seed`: 32 bytes that nobody can guess. */
void pipe_server_start(tern_handle listener, const unsigned char *seed);

/* What a worker thread does until the listener is destroyed. `fault_stack`: PIPE_WORKER_STACK bytes. */
void pipe_server_work(tern_handle listener, char *fault_stack);

void environment_start(tern_handle listener);

/* The calling thread's faults in guarded_copy make it return false; others kill the process. */
void guarded_start(char *fault_stack);

/* guarded_copy.S */
bool guarded_copy(void *to, const void *from, size_t length);
extern const char guarded_copy_end[], guarded_copy_fault[];
void guarded_upcall(void);

#endif
