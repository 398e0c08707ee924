/*
 * Descriptors and open file descriptions, inside the part of emu that has to do with files.
 *
 * A descriptor is a slot in a table; it names a description, which all that dup made of it share. Fork
 * copies both; what a child and its parent share then lies behind the handles: a stream has a file's
 * position, a pipe's or terminal's port is the description itself.
 *
 * A record of a description keeps its type for ever: a thread that reads without a lock while another
 * closes the descriptor finds a closed record and handles that are not valid any more, never other
 * memory.
 */
#ifndef EMU_FULL_DESCRIPTOR_H
#define EMU_FULL_DESCRIPTOR_H

#include "files.h"

#include "emu_full.h"

enum emu_kind {
	EMU_CLOSED,
	EMU_FILE,      /* a regular file of a file server: memobj, and a stream when it is shared */
	EMU_DIRECTORY, /* a file port; `position` is READDIR's cookie */
	EMU_PATH,      /* O_PATH: a file port */
	EMU_STREAM,    /* what speaks io.h: `io` is its port */
	EMU_MEMORY,    /* memfd: a memobj without a server */
	EMU_EPOLL,     /* epoll.c */
	EMU_SIGNALS,   /* signalfd.c */
	EMU_WAKE,      /* wake.c */
};

#define EMU_DEVICE_ZERO (1ul << 32 | 5)

/*
 * A file that nobody shares yet is *bare*: its server knows it by its token, within this process's
 * session, and there is neither a port nor a memobj here until they are needed. It gets its port when
 * it is shared (fork), since a child has another session.
 */
struct emu_watch {
	uint64_t number; /* of the io server; 0: none */
	uint32_t poller; /* whose port it notifies */
};

struct emu_description {
	uint8_t kind;    /* enum emu_kind */
	uint8_t io_kind; /* EMU_STREAM: enum io_kind, or EMU_IO_... */
	bool is_shared;  /* it was there when the process forked, or has been sent: see file.c */
	bool is_at_end;  /* EMU_FILE: the position is the end of the file */
	bool is_in_epoll;
	uint32_t activity; /* EMU_STREAM: counts reads and writes, for epoll */
	uint32_t references;
	uint32_t flags; /* O_ACCMODE, O_APPEND, O_NONBLOCK ... as F_GETFL tells */
	uint32_t mount;
	tern_handle port;   /* of the file protocol; 0: bare, or no file */
	tern_handle io;     /* io port, or the stream of a regular file, or 0 */
	tern_handle memobj; /* of a regular file; 0: not asked for yet */
	uint64_t token;     /* in its mount; 0: no file */
	union {
		uint64_t position;
		struct { /* sockets: milliseconds; 0: for ever */
			uint32_t receive_time, send_time;
		};
	};
	struct emu_lock lock; /* protects position, watch */
	struct emu_watch watch;
	union {
		struct emu_epoll *epoll;
		struct emu_wake *wake;
		uint64_t signals;
		uint64_t device; /* EMU_STREAM: major << 32 | minor */
		uint32_t seals;  /* EMU_MEMORY */
	};
	struct emu_description *next_free;
};

struct emu_slot {
	struct emu_description *description; /* NULL: free */
	uint64_t flags;                      /* FD_CLOEXEC */
};

extern struct emu_slot emu_slots[EMU_DESCRIPTORS_MAX];
extern struct emu_lock emu_descriptors_lock;

/* The description, for use right now; NULL: no such descriptor. */
static inline struct emu_description *emu_descriptor(long number)
{
	return (unsigned long)number < EMU_DESCRIPTORS_MAX ? emu_slots[number].description : NULL;
}

/* The same, counted: for those who keep it. */
struct emu_description *emu_descriptor_get(long number);
void emu_description_put(struct emu_description *description);
void emu_description_refer(struct emu_description *description);

/* A new description with one reference, or NULL. */
struct emu_description *emu_description_new(enum emu_kind kind, uint32_t flags);

/*
 * The lowest free descriptor from `lowest` on names the description, whose reference it takes over
 * (in any case: it is put when there is none). The number or -EMFILE.
 */
long emu_descriptor_install(struct emu_description *description, long lowest, uint32_t flags);

/* Both, or neither: for pairs. */
long emu_descriptor_install_pair(struct emu_description *const pair[2], uint32_t flags,
				 int numbers[2]);

/* Is there a file of a file server behind it? */
static inline bool emu_has_file(const struct emu_description *description)
{
	return description->token;
}

/* What the kind does when the last reference goes; called without locks. */
void emu_description_end(struct emu_description *description);

#endif
