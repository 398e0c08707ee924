#include "place.h"

#include "socket.h"

#define BUCKETS 256
#define KEY_FILE 'f'
#define KEY_ABSTRACT 'a'

static struct pool places = POOL_OF(struct place);
static struct place *buckets[BUCKETS];

int64_t name_receive(const struct call *call, uint64_t length, struct name *name)
{
	int64_t result = (int64_t)length;

	/* One byte is the key's. */
	if (!length || length >= PIPE_NAME_MAX || (!call->has_windows && length > IO_INLINE_MAX))
		return -EINVAL;
	if (call->has_windows)
		result = env_window_read(TERN_REPLY, 0, name->bytes, length);
	else
		__builtin_memcpy(name->bytes, &call->message.words[IO_INLINE_WORD], length);
	name->length = (uint32_t)length;
	if (result == -ERANGE)
		return -EINVAL;
	return result < 0 ? result : result == (int64_t)length ? 0 : -EFAULT;
}

/* FNV-1a over the key's bytes. */
static struct place **bucket_of(const struct name *key)
{
	uint32_t hash = 2166136261u;

	for (uint32_t i = 0; i < key->length; i++)
		hash = (hash ^ key->bytes[i]) * 16777619u;
	return &buckets[hash % BUCKETS];
}

struct place *place_lookup(const struct name *key)
{
	for (struct place *place = *bucket_of(key); place; place = place->next)
		if (place->key.length == key->length &&
		    !__builtin_memcmp(place->key.bytes, key->bytes, key->length))
			return place;
	return NULL;
}

struct place *place_create(const struct name *key)
{
	struct place *place = pool_take(&places), **bucket = bucket_of(key);

	if (!place)
		return NULL;
	place->key = *key;
	place->socket = NULL;
	place->port = 0;
	place->mints = 0;
	place->has_clients = false;
	place->next = *bucket;
	*bucket = place;
	return place;
}

void place_free_if_unused(struct place *place)
{
	struct place **at = bucket_of(&place->key);

	if (place->socket || place->has_clients)
		return;
	while (*at != place)
		at = &(*at)->next;
	*at = place->next;
	if (place->port)
		env_close(place->port);
	pool_retire(&place->pooled, atomic_load(&place->pooled.generation));
	pool_give(&places, &place->pooled);
}

void place_unbind(struct socket *socket)
{
	struct place *place = socket->place;

	if (!place)
		return;
	socket->place = NULL;
	place->socket = NULL;
	place_free_if_unused(place);
}

void key_of_file(struct name *key, uint64_t service, const uint64_t id[2])
{
	key->bytes[0] = KEY_FILE;
	key->bytes[1] = (unsigned char)service;
	__builtin_memcpy(&key->bytes[2], id, 2 * sizeof(*id));
	key->length = 2 + 2 * sizeof(*id);
}

void key_of_abstract(struct name *key, const struct name *name)
{
	key->bytes[0] = KEY_ABSTRACT;
	__builtin_memcpy(&key->bytes[1], name->bytes, name->length);
	key->length = name->length + 1;
}

/* A handle to the place's port; the place is made if there is none. 0 or an error. */
int64_t place_port(const struct name *key, int64_t *client)
{
	struct place *place = place_lookup(key);
	int64_t result;

	if (!place)
		place = place_create(key);
	if (!place)
		return -ENOBUFS;
	if (place->port) {
		*client = env_port_mint(place->port);
		result = *client < 0 ? *client : 0;
	} else {
		result = env_port_create((uint64_t)PORT_PLACE << PORT_KIND_SHIFT |
						 pool_name(&place->pooled),
					 &place->port, client);
		if (result < 0)
			place->port = 0;
	}
	if (!result) {
		place->has_clients = true;
		place->mints++;
	}
	place_free_if_unused(place);
	return result;
}

void place_close(uint64_t name, uint64_t mints)
{
	struct place *place;

	lock_acquire(&names_lock);
	place = pool_find(&places, name);
	/* Minted again since the event was made: it has clients. */
	if (place && place->mints == mints) {
		place->has_clients = false;
		place_free_if_unused(place);
	}
	lock_release(&names_lock);
}

/* ---------------------------------------------------------------------------------- operations */

static int64_t answer_address(struct call *call, const struct place *place)
{
	if (!place || !place->socket)
		return -ECONNREFUSED;
	call->message.words[1] = pool_name(&place->socket->pooled);
	call->message.words[2] = place->socket->key;
	return 0;
}

enum outcome place_find_name(struct call *call, uint64_t service)
{
	struct name name, key;
	int64_t result = service_find(service) ? name_receive(call, call->message.words[1], &name)
					       : -EPERM;

	if (result < 0)
		return answer_number(call, result);
	key_of_abstract(&key, &name);
	lock_acquire(&names_lock);
	result = answer_address(call, place_lookup(&key));
	lock_release(&names_lock);
	return answer_number(call, result);
}

enum outcome place_find(struct call *call, uint64_t name)
{
	int64_t result;

	lock_acquire(&names_lock);
	result = answer_address(call, pool_find(&places, name));
	lock_release(&names_lock);
	return answer_number(call, result);
}

enum outcome place_bind(struct call *call, uint64_t name)
{
	const uint64_t *words = call->message.words;
	struct name told = { 0 };
	struct socket *socket;
	struct place *place;
	int64_t result = words[3] ? name_receive(call, words[3], &told) : 0;

	if (result < 0)
		return answer_number(call, result);
	lock_acquire(&names_lock);
	place = pool_find(&places, name);
	socket = socket_find(words[1]);
	if (!socket || socket->secret != words[2])
		result = -EACCES;
	else if (!place || socket->place)
		result = -EINVAL;
	else if (place->socket)
		result = -EADDRINUSE;
	if (!result) {
		place->socket = socket;
		socket->place = place;
		socket->name = told;
	}
	lock_release(&names_lock);
	return answer_number(call, result);
}
