/* UNIX-domain sockets: what socket.c, message.c, address.c and rights.c share. */
#ifndef EMU_FULL_SOCKET_H
#define EMU_FULL_SOCKET_H

#include "descriptor.h"

#include "proto/pipe.h"

#define EMU_RIGHTS_MAX 64 /* descriptors that go with one message */

struct sockaddr_un;

/* The description of a socket, or NULL and *error: -EBADF, -ENOTSOCK. */
struct emu_description *emu_socket_of(int number, long *error);

/* address.c: what an address in user memory says. `name` has no zero byte in front of a path. */
struct emu_address {
	uint32_t length; /* of the name; 0: unnamed */
	bool is_abstract;
	char name[PIPE_NAME_MAX + 1];
};

long emu_address_get(struct emu_address *address, const void *user, uint32_t length);
/* The two words through which the socket at the address is spoken of. */
long emu_address_find(const struct emu_address *address, uint64_t words[2]);
/* `which` as in PIPE_OP_name; told as accept, getsockname and recvfrom do. */
long emu_address_tell(const struct emu_description *socket, uint64_t which, void *user,
		      uint32_t *user_length);
long emu_address_bind(const struct emu_description *socket, const struct emu_address *address);

/* message.c: w0 of an operation on a socket, for MSG_ flags. */
uint32_t emu_message_flags(const struct emu_description *socket, int flags);

/*
 * rights.c: descriptions that travel in a message. emu_rights_pack puts them into a box, a port that is
 * sent; emu_rights_unpack takes them out and closes it: how many descriptors were made.
 */
long emu_rights_pack(const int *numbers, uint32_t count, tern_handle *box);
/* The same of descriptions; and one taken out: NULL: there are no more. */
long emu_rights_box(struct emu_description *const *descriptions, uint32_t count, tern_handle *box);
struct emu_description *emu_rights_take(tern_handle box);
long emu_rights_unpack(tern_handle box, int *numbers, uint32_t room, uint32_t slot_flags,
		       bool *is_cut);

#endif
