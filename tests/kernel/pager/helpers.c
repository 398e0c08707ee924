/* A pager in a thread, see pager.h. */
#include <stdatomic.h>

#include "pager.h"

#define FETCH 8

bool is_pattern(const void *bytes, uint64_t offset, uint64_t length)
{
	for (uint64_t i = 0; i < length; i++)
		if (((const uint8_t *)bytes)[i] != pattern(offset + i))
			return false;
	return true;
}

static void supply_pattern(struct pager *pager, const struct tern_request *request, uint8_t *page)
{
	for (uint64_t i = 0; i < request->count; i++) {
		uint64_t index = request->first + i;

		for (uint64_t j = 0; j < RT_PAGE; j++)
			page[j] = pattern(index * RT_PAGE + j);
		while (tern_pager_supply(pager->memobj, request->id, index, 1, page, 0) == -ENOMEM)
			test_sleep(100000);
	}
}

static void answer(struct pager *pager, const struct tern_request *request, uint8_t *page)
{
	uint64_t first = request->first, count = request->count;

	switch (pager->manner) {
	case PAGER_GOOD:
		supply_pattern(pager, request, page);
		break;
	case PAGER_FAIL:
		tern_pager_fail(pager->memobj, request->id, first, count, EIO);
		break;
	case PAGER_HOLES:
		tern_pager_supply(pager->memobj, request->id, first, count, NULL,
				  request->kind == TERN_REQUEST_RESERVE ? TERN_SUPPLY_RESERVED
									: TERN_SUPPLY_HOLE);
		break;
	case PAGER_FULL:
		if (request->kind == TERN_REQUEST_RESERVE)
			tern_pager_fail(pager->memobj, request->id, first, count, ENOSPC);
		else
			tern_pager_supply(pager->memobj, request->id, first, count, NULL,
					  TERN_SUPPLY_HOLE);
		break;
	default:
		break;
	}
}

/* Notified with its userdata: 0 requests, 1 the end. */
static void pager_loop(uint64_t argument)
{
	struct pager *pager = (struct pager *)argument;
	struct tern_request requests[FETCH];
	static uint8_t page[RT_PAGE] __attribute__((aligned(4096)));
	struct tern_received message = { 0 };
	tern_result fetched;

	for (;;) {
		tern_result event = tern_wait(pager->listener, &message);

		if (!(event & TERN_EVENT_NOTIFY) || message.userdata == 1)
			return;
		if (message.words[0] & TERN_PAGER_CLEAN)
			pager->cleans++;
		while ((fetched = tern_pager_fetch(pager->memobj, requests, FETCH)) > 0) {
			for (tern_result i = 0; i < fetched; i++) {
				pager->last = requests[i];
				pager->pages += requests[i].count;
				/* With test_await's: who sees the count finds the request. */
				atomic_thread_fence(memory_order_release);
				pager->requests++;
				answer(pager, &requests[i], page);
			}
		}
	}
}

void pager_start(struct pager *pager, uint64_t pages, enum pager_manner manner)
{
	*pager = (struct pager){ .manner = manner };
	pager->listener = tern_listener_create(0, 16);
	pager->port = tern_port_create(0, pager->listener, 0, 0);
	pager->memobj = tern_memobj_create_paged(0, pager->port, pages * RT_PAGE, 0);
	rt_require(pager->memobj > 0, "a paged memobj");
	rt_thread(&pager->thread, pager_loop, (uint64_t)pager, 31);
}

void pager_stop(struct pager *pager)
{
	tern_handle end = tern_port_create(0, pager->listener, 1, 0);

	tern_notify(end, 1);
	rt_join(&pager->thread);
	tern_handle_close(end);
	tern_handle_close(pager->port);
	tern_handle_close(pager->memobj);
	tern_handle_close(pager->listener);
}
