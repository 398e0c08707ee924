/* What speaks io.h, and what is read and written like it. */
#ifndef EMU_FULL_STREAM_H
#define EMU_FULL_STREAM_H

#include "descriptor.h"

#include "proto/io.h"

/* A device or terminal was opened: which of the two it is becomes known. */
long emu_stream_opened(struct emu_description *description);
/* pipe.c: the FIFO of the description, whose node is open. */
long emu_fifo_open(struct emu_description *description);

/* A new description over a port, with a reference; the port is closed if there is none: NULL. */
struct emu_description *emu_stream_new(tern_handle port, enum io_kind kind, uint32_t flags);

/* `buffer` may be the user's or emu's own. As read(2) and write(2), without SIGPIPE. */
long emu_stream_read(struct emu_description *description, void *buffer, size_t length,
		     uint32_t flags);
long emu_stream_write(struct emu_description *description, const void *buffer, size_t length,
		      uint32_t flags);

/*
 * SO_RCVTIMEO and SO_SNDTIMEO. A call on a socket with such a time is made with IO_NONBLOCK; while it
 * answers -EAGAIN this waits, until the deadline (0: of this call, which begins): 0, -EAGAIN, -EINTR.
 */
long emu_socket_wait(struct emu_description *socket, uint32_t events, uint64_t *deadline);
static inline bool emu_socket_has_time(const struct emu_description *socket, uint32_t flags,
				       bool is_send)
{
	return socket->io_kind == IO_KIND_SOCKET && !(flags & IO_NONBLOCK) &&
	       (is_send ? socket->send_time : socket->receive_time);
}

/* IO_NONBLOCK if the description does not wait. */
static inline uint32_t emu_stream_flags(const struct emu_description *description)
{
	/* 04000 is O_NONBLOCK. */
	return description->flags & 04000 ? IO_NONBLOCK : 0;
}

/* A service port of the pipe server, or an error. */
tern_handle emu_pipe_service(void);
void emu_pipe_service_forget(bool is_child);

/* file.c: regular files */
long emu_file_read(struct emu_description *description, void *buffer, size_t length);
long emu_file_write(struct emu_description *description, const void *buffer, size_t length);
long emu_file_read_at(struct emu_description *description, void *buffer, size_t length,
		      uint64_t offset);
long emu_file_write_at(struct emu_description *description, const void *buffer, size_t length,
		       uint64_t offset);
/* Its memobj, or an error; its position's lock is not held. */
tern_handle emu_file_memobj(struct emu_description *description);
/* Its position goes to where a child shares it; its lock is held. */
void emu_file_share(struct emu_description *description);

/* readwrite.c: whatever the kind; `buffer` as above */
long emu_read_from(struct emu_description *description, void *buffer, size_t length);
long emu_write_to(struct emu_description *description, const void *buffer, size_t length);

/* epoll.c: an instance is closed; a description that may be in one is. */
void emu_epoll_end(struct emu_description *description);
void emu_epoll_forget(struct emu_description *description);
/* In the child of a fork: nobody is in the middle of a call. */
void emu_epoll_reset(struct emu_description *description);

/* fork.c: around what brings handles without waiting for anybody, until descriptors name them. */
void emu_arrival_begin(void);
void emu_arrival_end(void);
/* fork, exec; with the process's lock. go_on: the other threads are gone. */
void emu_arrivals_await(void);
void emu_arrivals_go_on(void);

/* pipe.c: as pipe_call_for_handles, on the process's service port */
struct tern_received;
struct tern_extended;
long emu_pipe_call(struct tern_received *message, tern_handle *handles, uint32_t count);
/* The same with windows; `extended` says how many handles it brings. */
long emu_pipe_call_ext(struct tern_received *message, const struct tern_extended *extended,
		       tern_handle *handles);
/* Two descriptors for two ports; their numbers go to `user`. */
long emu_stream_pair(const tern_handle ports[2], enum io_kind kind, const uint32_t flags[2],
		     uint32_t slot_flags, int *user);

/* open.c */
long emu_open_description(int base, const char *user_path, int flags,
			  struct emu_description **description);

#endif
