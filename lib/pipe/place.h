/* Places where sockets can be found: abstract names, and files that a file server names by id. */
#ifndef PIPE_PLACE_H
#define PIPE_PLACE_H

#include "sleeper.h"

struct name {
	uint32_t length;
	unsigned char bytes[PIPE_NAME_MAX];
};

struct place {
	struct pooled pooled;
	struct place *next; /* in its hash bucket */
	struct name key;
	struct socket *socket; /* who is bound here */
	int64_t port;          /* of a file's place: ours; 0: an abstract name */
	uint64_t mints;
	bool has_clients;
};

/* The bytes that a call brings as a name: 0, or -EINVAL, -EFAULT. */
int64_t name_receive(const struct call *call, uint64_t length, struct name *name);

/* All of these with names_lock held. */
struct place *place_lookup(const struct name *key);
struct place *place_create(const struct name *key);
/* Gives it back if nobody is bound there and no client has its port. */
void place_free_if_unused(struct place *place);
void place_unbind(struct socket *socket);

/* A file's id as a key: no abstract name, which begins with another byte, equals it. */
void key_of_file(struct name *key, uint64_t service, const uint64_t id[2]);
void key_of_abstract(struct name *key, const struct name *name);

enum outcome place_find_name(struct call *call, uint64_t service);
enum outcome place_bind(struct call *call, uint64_t name);
enum outcome place_find(struct call *call, uint64_t name);
/* The port's last client has gone; `mints` is the event's. */
void place_close(uint64_t name, uint64_t mints);

int64_t place_port(const struct name *key, int64_t *client);

#endif
