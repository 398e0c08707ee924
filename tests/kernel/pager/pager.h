/* Tests of memobjs, streams and pagers: what the files of this program share. */
#ifndef PAGER_H
#define PAGER_H

#include "tern/memobj.h"
#include "test.h"

/* A paged memobj with a pager in the same process: a thread that answers as the test tells it. */
enum pager_manner {
	PAGER_GOOD,  /* supplies each page with its pattern */
	PAGER_FAIL,  /* fails each request */
	PAGER_HOLES, /* supplies holes, and reserves them when asked */
	PAGER_FULL,  /* supplies holes, and refuses to reserve them */
	PAGER_DEAF,  /* fetches and does not answer */
};

struct pager {
	tern_handle listener, port, memobj;
	struct rt_thread thread;
	volatile uint32_t manner;
	volatile uint32_t requests; /* fetched */
	volatile uint32_t pages;    /* asked for */
	volatile uint32_t cleans;   /* told to write back */
	struct tern_request last;
};

void pager_start(struct pager *pager, uint64_t pages, enum pager_manner manner);
void pager_stop(struct pager *pager);

/* What a good pager puts at a byte. */
static inline uint8_t pattern(uint64_t offset)
{
	return (uint8_t)(offset * 7 + (offset >> 12) * 13 + 1);
}

bool is_pattern(const void *bytes, uint64_t offset, uint64_t length);

/* Room for a test's data: some pages, page-aligned. */
#define BUFFER_PAGES 16
extern uint8_t *buffer, *other;

void anonymous_reads_back_what_was_written(void);
void reads_stop_at_the_end(void);
void writes_extend_up_to_the_limit(void);
void truncated_bytes_never_come_back(void);
void streams_share_their_position(void);
void io_checks_its_arguments(void);
void io_respects_rights(void);
void clones_are_snapshots(void);
void clones_pay_for_their_pages(void);
void anonymous_memory_is_charged(void);
void punched_pages_are_zero(void);
void appends_do_not_interleave(void);
void interrupts_do_not_shorten_no_wait(void);

void pager_fills_reads(void);
void pager_fills_mappings(void);
void stream_reads_ahead(void);
void stream_asks_before_it_misses(void);
void failing_pager_fails_the_access(void);
void dead_pager_fails_those_who_wait(void);
void late_answers_find_nothing(void);
void answers_count_once(void);
void wrong_answers_are_refused(void);
void late_answers_bring_no_old_bytes(void);
void waiters_can_be_interrupted(void);
void read_ahead_survives_a_gap(void);
void ends_are_not_interrupted(void);
void waiters_can_be_killed(void);
void no_wait_does_not_wait(void);
void moved_pages_leave_their_source(void);
void holes_ask_for_backing(void);
void refused_holes_fail_the_write(void);

void dirty_pages_are_found_and_cleaned(void);
void page_written_while_writing_stays_dirty(void);
void mapping_written_while_writing_stays_dirty(void);
void failed_write_back_is_kept(void);
void evicted_pages_are_asked_for_again(void);
void neighbours_are_mapped_and_go_with_their_pages(void);
void prepared_pages_are_filled_by_devices(void);
void pinned_pages_stay(void);
void pinned_pages_are_moved_as_copies(void);
void anonymous_pages_can_be_pinned(void);
void released_pages_are_asked_for_again(void);
void writers_wait_for_write_back(void);
void memory_is_taken_back(void);

#endif
