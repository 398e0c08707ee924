/* Requests to pagers, see pager.h. Answers are in supply.c. */
#include "kernel/pager.h"

#include "kernel/account.h"
#include "kernel/hart.h"
#include "kernel/ipc.h"
#include "kernel/memobj_calls.h"
#include "kernel/memobj_pages.h"
#include "kernel/object_alloc.h"
#include "kernel/pressure.h"
#include "kernel/user_copy.h"
#include "tern/memobj.h"

#define READ_AHEAD_FIRST 4
#define READ_AHEAD_MAX 32
#define READ_AHEAD_DISTANCE (8 * READ_AHEAD_MAX)
#define FETCH_MAX 64

struct request {
	struct list link; /* pager->queue */
	u64 id;
	u64 first;
	u32 count;
	u32 kind; /* enum tern_request_kind */
};

/* ------------------------------------------------------------------------------ life and death */

static void enter_list(struct pager **list, struct pager *pager)
{
	pager->next = *list;
	pager->place = list;
	if (pager->next)
		pager->next->place = &pager->next;
	*list = pager;
}

static void leave_list(struct pager *pager)
{
	if (!pager->place)
		return;
	*pager->place = pager->next;
	if (pager->next)
		pager->next->place = pager->place;
	pager->place = NULL;
}

int pager_attach(struct memobj *memobj, struct client_port *port)
{
	struct account *account = memobj->object.account;
	struct pager *pager;

	if (!account_charge(account, kernel_alloc_size(sizeof(*pager))))
		return -ENOMEM;
	pager = kernel_alloc(sizeof(*pager));
	if (!pager) {
		account_uncharge(account, kernel_alloc_size(sizeof(*pager)));
		return -ENOMEM;
	}
	pager->memobj = memobj;
	pager->next_id = 1;
	list_init(&pager->queue);
	object_get(&port->object);
	pager->port = &port->object;
	memobj->pager = pager;
	spin_lock(&port->listener->lock);
	if (atomic_load(&port->object.callee))
		enter_list(&port->pagers, pager);
	else
		pager->is_dead = true;
	spin_unlock(&port->listener->lock);
	return pager->is_dead ? -EPIPE : 0;
}

static void request_free(struct memobj *memobj, struct request *request)
{
	list_remove(&request->link);
	kernel_free(request, sizeof(*request));
	account_uncharge(memobj->object.account, kernel_alloc_size(sizeof(*request)));
}

static void drop_queue(struct memobj *memobj)
{
	struct list *node;

	while ((node = list_first(&memobj->pager->queue)))
		request_free(memobj, container_of(node, struct request, link));
}

/* The pager's memory goes with the memobj's: others may have borrowed a pointer to it. */
void pager_detach(struct memobj *memobj)
{
	struct pager *pager = memobj->pager;
	struct listener *listener = port_of(pager->port)->listener;

	spin_lock(&listener->lock);
	leave_list(pager);
	spin_unlock(&listener->lock);
	memobj_lock(memobj);
	pager->is_dead = true;
	drop_queue(memobj);
	memobj_wake(memobj, 0, UINT64_MAX, -EIO);
	memobj_unlock(memobj);
	object_put(pager->port);
	account_uncharge(memobj->object.account, kernel_alloc_size(sizeof(*pager)));
}

/* Nobody will answer any more: what waits for a page, or for pages to be cleaned, fails. */
static void pager_died(struct reclaim_node *node)
{
	struct pager *pager = container_of(node, struct pager, death);
	struct memobj *memobj = pager->memobj;

	memobj_lock(memobj);
	pager->is_dead = true;
	drop_queue(memobj);
	memobj_wake(memobj, 0, MEMOBJ_PAGES_MAX - 1, -EIO);
	memobj_unlock(memobj);
	pressure_wake();
	object_put(&memobj->object);
}

void pager_port_died(struct client_port *port)
{
	struct pager *pager;

	/* The listener's lock comes after the memobj's, so the memobj hears of it later. */
	while ((pager = port->pagers)) {
		leave_list(pager);
		if (object_get_live(&pager->memobj->object))
			reclaim_defer(&pager->death, pager_died);
	}
}

/* ----------------------------------------------------------------------------------- requests */

static struct request *request_create(struct memobj *memobj, u64 first, u32 kind, int *error)
{
	struct account *account = memobj->object.account;
	struct request *request;

	*error = -ENOMEM;
	if (!account_charge(account, kernel_alloc_size(sizeof(*request))))
		return NULL;
	request = kernel_alloc(sizeof(*request));
	if (!request) {
		account_uncharge(account, kernel_alloc_size(sizeof(*request)));
		*error = pressure_no_memory();
		return NULL;
	}
	request->id = memobj->pager->next_id++;
	request->first = first;
	request->count = 1;
	request->kind = kind;
	list_init(&request->link);
	return request;
}

/* A pager fetches until nothing is left, so only the first on the queue needs telling. */
static void request_queue(struct memobj *memobj, struct request *request)
{
	struct pager *pager = memobj->pager;
	bool was_empty = list_is_empty(&pager->queue);

	list_append(&pager->queue, &request->link);
	if (was_empty)
		port_notify(pager->port, TERN_PAGER_REQUEST);
}

/* How many pages to ask for: more each time that the reader goes on where it was expected. */
static u32 window_of(struct memobj_hint *hint, u64 index)
{
	if (!hint)
		return 1;
	if (hint->next != index)
		hint->window = 1;
	else
		hint->window = hint->window < READ_AHEAD_FIRST
				       ? READ_AHEAD_FIRST
				       : (u32)min_u64(2 * hint->window, READ_AHEAD_MAX);
	return hint->window;
}

/* Ask for the absent page `index` and for absent ones behind it, `count` at most. -EAGAIN: when there is
 * memory again; -ENOMEM. */
static int request_pages(struct memobj *memobj, u64 index, u64 count)
{
	u64 end = min_u64(index + count, pages_of(memobj->length));
	int error;
	struct request *request = request_create(memobj, index, TERN_REQUEST_FILL, &error);
	u64 word;

	if (!request)
		return error;
	word = request->id << MEMOBJ_FLIGHT_ID_SHIFT | MEMOBJ_IN_FLIGHT;
	if (radix_set(&memobj->pages, index, word)) {
		request_free(memobj, request);
		return pressure_no_memory();
	}
	while (++index < end && !radix_get(&memobj->pages, index) &&
	       !radix_set(&memobj->pages, index, word))
		request->count++;
	request_queue(memobj, request);
	return 0;
}

/*
 * A reader that has gone on for so long that it gets large windows has several of them on their way:
 * whenever it comes to a new one, another one is asked for. What fails now is asked for when it is missed.
 */
void pager_read_ahead(struct memobj *memobj, u64 index, struct memobj_hint *hint)
{
	u64 end = min_u64(index + READ_AHEAD_DISTANCE, pages_of(memobj->length));

	while (hint->ahead < end) {
		u64 first = hint->ahead;

		hint->ahead += READ_AHEAD_MAX;
		while (first < hint->ahead && radix_get(&memobj->pages, first))
			first++;
		if (first < min_u64(hint->ahead, end) &&
		    request_pages(memobj, first, hint->ahead - first))
			break;
	}
	/* For want of memory nobody waits here. */
	arch_hart()->current->wait.is_for_clean = false;
	hint->mark = index + READ_AHEAD_MAX;
}

int pager_request_fill(struct memobj *memobj, u64 index, struct memobj_hint *hint)
{
	u32 count = window_of(hint, index);
	int error = request_pages(memobj, index, count);

	if (error)
		return error;
	if (!hint)
		return -EAGAIN;
	hint->ahead = index + count;
	hint->mark = 0;
	if (count == READ_AHEAD_MAX)
		pager_read_ahead(memobj, index, hint);
	return -EAGAIN;
}

int pager_request_reserve(struct memobj *memobj, struct page *page)
{
	struct request *request;
	int error = memobj_take_error(memobj, page->index);

	if (error)
		return error;
	if (!(page->flags & PAGE_FLAG_RESERVING)) {
		request = request_create(memobj, page->index, TERN_REQUEST_RESERVE, &error);
		if (!request)
			return error;
		page->request = (u32)request->id;
		page->flags |= PAGE_FLAG_RESERVING;
		request_queue(memobj, request);
	}
	arch_hart()->current->wait.is_for_clean = false;
	return -EAGAIN;
}

/* ------------------------------------------------------------------------------------ fetching */

static bool is_asked_for(struct memobj *memobj, const struct request *request, u64 index)
{
	u64 word = radix_get(&memobj->pages, index);

	if (request->kind == TERN_REQUEST_FILL)
		return is_asked_by(word, request->id);
	return word && !(word & MEMOBJ_IN_FLIGHT) && page_of(word)->flags & PAGE_FLAG_RESERVING &&
	       page_of(word)->request == (u32)request->id;
}

/*
 * Less what nobody asks for any more at either end: pages may have been supplied unasked, or cut off.
 * In between they stay, since those behind have no other request. False: nothing is left.
 */
static bool request_trim(struct memobj *memobj, struct request *request)
{
	while (request->count && !is_asked_for(memobj, request, request->first)) {
		request->first++;
		request->count--;
	}
	while (request->count &&
	       !is_asked_for(memobj, request, request->first + request->count - 1))
		request->count--;
	return request->count;
}

static struct request *next_request(struct memobj *memobj)
{
	struct list *node;

	while ((node = list_first(&memobj->pager->queue))) {
		struct request *request = container_of(node, struct request, link);

		if (request_trim(memobj, request)) {
			list_remove(node);
			return request;
		}
		request_free(memobj, request);
	}
	return NULL;
}

/* 1: fetched; 0: there is none. */
static int fetch_one(struct memobj *memobj, uaddr to)
{
	struct process *process = arch_hart()->current->process;
	struct request *request;
	int error;

	memobj_lock(memobj);
	request = next_request(memobj);
	memobj_unlock(memobj);
	if (!request)
		return 0;
	error = copy_to_user(process, to,
			     &(struct tern_request){ .id = request->id,
						     .first = request->first,
						     .count = request->count,
						     .kind = request->kind },
			     sizeof(struct tern_request));
	memobj_lock(memobj);
	if (error)
		list_prepend(&memobj->pager->queue, &request->link);
	else
		request_free(memobj, request);
	memobj_unlock(memobj);
	return error ? error : 1;
}

s64 sys_pager_fetch(u64 handle, u64 requests, u64 count)
{
	struct memobj *memobj;
	s64 fetched = 0;
	int result = memobj_resolve_paged(handle, &memobj);

	if (result)
		return result;
	if (!count || count > FETCH_MAX)
		return -EINVAL;
	while (fetched < (s64)count &&
	       (result = fetch_one(
			memobj, UADDR(requests + (u64)fetched * sizeof(struct tern_request)))) > 0)
		fetched++;
	/* What is left is for another thread. */
	memobj_lock(memobj);
	if (!list_is_empty(&memobj->pager->queue))
		port_notify(memobj->pager->port, TERN_PAGER_REQUEST);
	memobj_unlock(memobj);
	return fetched ? fetched : result;
}
