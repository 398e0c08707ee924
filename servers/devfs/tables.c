/*
 * Sessions and open files. Both are tables with bounds: what is in them was paid for by a session,
 * which may have so many files open and no more, and sessions are made by the supervisor alone.
 */
#include "devfs.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "tern/handle.h"

#define SESSIONS_MAX 1024
#define OPENS_MAX 16384
#define OPENS_PER_SESSION 256
#define NO_SESSION UINT32_MAX

struct session {
	tern_handle port; /* 0: free */
	uint32_t opens;
	unsigned int top, root;
	struct file_identity identity;
};

struct open {
	tern_handle port; /* 0: free */
	uint64_t token;
	uint32_t session; /* NO_SESSION: it has ended */
	uint32_t inode;
	unsigned int top, root;
	struct file_identity identity; /* of who opened it: descriptors outlive sessions */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* protects both tables */
static struct session sessions[SESSIONS_MAX];
static struct open opens[OPENS_MAX];

static struct session *session_at(uint32_t index)
{
	return index < SESSIONS_MAX && sessions[index].port ? &sessions[index] : NULL;
}

/* A token is an index below random bits that nobody can guess. */
static struct open *open_of(uint64_t token)
{
	struct open *open = &opens[token % OPENS_MAX];

	return open->port && open->token == token ? open : NULL;
}

static int64_t view_from_open(const struct open *open, struct view *view)
{
	view->session = open->session;
	view->place = (struct place){ open->top, open->root, open->inode };
	view->identity = open->identity;
	return 0;
}

static int64_t view_from_session(uint32_t index, struct view *view)
{
	const struct session *session = session_at(index);

	if (!session)
		return -EBADF;
	view->session = index;
	view->place = (struct place){ session->top, session->root, session->root };
	view->identity = session->identity;
	return 0;
}

static int64_t fill_view(uint64_t userdata, uint64_t token, struct view *view)
{
	uint32_t index = PORT_INDEX(userdata);
	const struct open *base = token ? open_of(token) : NULL;
	int64_t result = -EBADF;

	if (token && !base)
		return -EBADF;
	if (PORT_KIND(userdata) == PORT_SESSION)
		result = view_from_session(index, view);
	else if (index < OPENS_MAX && opens[index].port)
		result = view_from_open(&opens[index], view);
	if (!result && base)
		view->place.base = base->inode;
	return result;
}

int64_t view_of(uint64_t userdata, uint64_t token, struct view *view)
{
	int64_t result;

	pthread_mutex_lock(&mutex);
	result = fill_view(userdata, token, view);
	pthread_mutex_unlock(&mutex);
	return result;
}

/* A port with this userdata: ours in *port, a client's as the result. */
static tern_handle make_port(uint64_t userdata, tern_handle *port)
{
	tern_handle client;

	*port = tern_port_create(0, server.listener, userdata, 0);
	if (*port < 0)
		return *port;
	client = tern_port_mint(*port, TERN_RIGHT_CALL | TERN_RIGHT_COPY | TERN_RIGHT_MOVE);
	if (client < 0)
		tern_handle_close(*port);
	return client;
}

/* The root that an identity asks for: a directory that is open, or the mount's. */
static unsigned int root_of(unsigned int top, const struct file_identity *identity)
{
	const struct open *open = identity->root ? open_of(identity->root) : NULL;

	return open && !node_at(open->inode).device ? open->inode : top;
}

static int64_t session_fill(uint32_t index, unsigned int top, const struct file_identity *identity,
			    tern_handle *client)
{
	struct session *session = &sessions[index];
	tern_handle port;

	*client = make_port(PORT_USERDATA(PORT_SESSION, index), &port);
	if (*client < 0)
		return *client;
	session->port = port;
	session->opens = 0;
	session->identity = *identity;
	session->top = top;
	session->root = root_of(top, identity);
	return index;
}

int64_t session_create(unsigned int top, const struct file_identity *identity, tern_handle *client)
{
	int64_t result = -ENFILE;

	pthread_mutex_lock(&mutex);
	for (uint32_t index = 0; index < SESSIONS_MAX; index++) {
		if (sessions[index].port)
			continue;
		result = session_fill(index, top, identity, client);
		break;
	}
	pthread_mutex_unlock(&mutex);
	return result;
}

static void open_free(struct open *open)
{
	struct session *session = session_at(open->session);

	if (session)
		session->opens--;
	tern_handle_close(open->port);
	open->port = 0;
}

/* Its files stay: another process may have inherited them. */
static void session_free(uint32_t index)
{
	struct session *session = &sessions[index];

	for (uint32_t i = 0; i < OPENS_MAX && session->opens; i++) {
		if (!opens[i].port || opens[i].session != index)
			continue;
		opens[i].session = NO_SESSION;
		session->opens--;
	}
	tern_port_revoke(session->port);
	tern_handle_close(session->port);
	session->port = 0;
}

int64_t session_revoke(uint64_t index)
{
	int64_t result = -EINVAL;

	pthread_mutex_lock(&mutex);
	if (index < SESSIONS_MAX && session_at((uint32_t)index)) {
		session_free((uint32_t)index);
		result = 0;
	}
	pthread_mutex_unlock(&mutex);
	return result;
}

static int64_t open_fill(uint32_t index, const struct view *view, unsigned int inode,
			 uint64_t random, tern_handle *client)
{
	struct open *open = &opens[index];
	tern_handle port;

	*client = make_port(PORT_USERDATA(PORT_FILE, index), &port);
	if (*client < 0)
		return *client;
	open->port = port;
	open->token = random - random % OPENS_MAX + index;
	open->session = view->session;
	open->inode = inode;
	open->top = view->place.top;
	open->root = view->place.root;
	open->identity = view->identity;
	if (view->session != NO_SESSION)
		sessions[view->session].opens++;
	return index;
}

int64_t open_create(const struct view *view, unsigned int inode, uint64_t *token,
		    tern_handle *client)
{
	int64_t result = -ENFILE;
	uint64_t random = 0;

	/* Without a source of random bytes there are no tokens, but files can be opened. */
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = 0;
	pthread_mutex_lock(&mutex);
	if (view->session != NO_SESSION && sessions[view->session].opens >= OPENS_PER_SESSION)
		result = -EMFILE;
	for (uint32_t index = 0; result == -ENFILE && index < OPENS_MAX; index++)
		if (!opens[index].port)
			result = open_fill(index, view, inode, random, client);
	if (result >= 0 && !random)
		opens[result].token = 0;
	if (result >= 0)
		*token = opens[result].token;
	pthread_mutex_unlock(&mutex);
	return result;
}

int64_t open_inode(uint64_t token)
{
	const struct open *open;
	int64_t result;

	pthread_mutex_lock(&mutex);
	open = open_of(token);
	result = open && token ? (int64_t)open->inode : -EBADF;
	pthread_mutex_unlock(&mutex);
	return result;
}

void table_no_clients(uint64_t userdata, uint64_t minted)
{
	uint32_t index = PORT_INDEX(userdata);

	(void)minted; /* each of these ports is minted once */
	pthread_mutex_lock(&mutex);
	if (PORT_KIND(userdata) == PORT_FILE && index < OPENS_MAX && opens[index].port)
		open_free(&opens[index]);
	else if (PORT_KIND(userdata) == PORT_SESSION && session_at(index))
		session_free(index);
	pthread_mutex_unlock(&mutex);
}
