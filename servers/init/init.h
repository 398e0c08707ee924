/*
 * What init's files share: the running servers. An *instance* is a server of the manifest with what
 * init holds for it. Listener, ports, device handles and `state` memory belong to init and outlive the
 * process; the process and everything that it makes is paid by an account, which ends with it.
 */
#ifndef INIT_INIT_H
#define INIT_INIT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bundle/bundle.h"
#include "lib/manifest/manifest.h"
#include "proto/init.h"
#include "tern/system.h"

struct instance {
	const struct server *server;
	enum init_state state;
	tern_handle listener; /* 0: none, or destroyed */
	tern_handle control;  /* client port there: see INIT_KIND_CONTROL */
	tern_handle watch;    /* client port to init: where the process's death is notified */
	tern_handle grants[MANIFEST_HANDLES_MAX];
	struct bundle_file program;
	/* Of the process that runs: */
	tern_handle account, process;
	uint64_t started_at;
	bool is_killed; /* on request: it says nothing about the server */
	/* Of those before it: */
	uint64_t restarts, restart_ns;
	uint32_t status;
	unsigned int early_deaths; /* in a row */
	uint64_t start_at;         /* INIT_WAITING: when */
};

extern struct manifest manifest;
extern struct instance instances[MANIFEST_SERVERS_MAX];
extern const struct tern_boot_info *const boot;
extern tern_handle own_listener;
extern const char *manifest_name;

/* --- main.c --- */
/* The manifest cannot be carried out: say where and why, and power off. */
_Noreturn void manifest_fail(unsigned int line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Without this init cannot go on. */
tern_handle require(tern_handle result, const char *what);
/* Earlier deadline of two; 0: none. */
uint64_t earlier(uint64_t a, uint64_t b);

/* --- devices.c --- */
void devices_init(void);
/* Where the device is. Returns false if there is none. */
bool device_find(const struct place *place, uint64_t *address, uint64_t *length,
		 uint32_t *interrupt);

/* --- grants.c: what a server is given --- */
void bundle_init(void);
void instance_prepare(struct instance *instance);
/* Starts its process. Returns 0, or an error and *reason, if it has one. */
int instance_launch(struct instance *instance, const char **reason);

/* --- supervise.c: lives and deaths --- */
void instance_start(struct instance *instance);
/* Its process may have died. */
void instance_died(struct instance *instance);
/* Give everything back that the process had. */
void instance_end(struct instance *instance);
void instance_give_up(struct instance *instance);
/* Start what is due. Returns when to come again, or 0. */
uint64_t supervise(uint64_t now);

/* --- shutdown.c --- */
extern bool is_shutting_down;
void shutdown_begin(uint32_t status, bool is_reboot);
/* Go on, after a death or when the time is up. Returns when to come again, or 0. */
uint64_t shutdown_continue(uint64_t now);

/* --- admin.c: include/proto/init.h --- */
/* Replaces the call's words by the answer's. */
void admin_serve(uint64_t *words);

#endif
