/* What the files of the process tests share. */
#ifndef PROCESSES_H
#define PROCESSES_H

#include "test.h"

#define PRIORITY 16

/* A child process of several threads; `shared` lies at the same address in it. */
struct family {
	struct rt_shared memory;
	struct rt_child child;
	struct family_shared *shared;
};

#define FAMILY_THREADS 4
struct family_shared {
	tern_handle port, listener; /* the child's */
	volatile uint32_t word, steps, is_done;
	volatile uint32_t counts[FAMILY_THREADS];
	volatile int64_t result;
	volatile uint64_t cause, upcall_word;
	struct tern_received message;
};

/* The child's first thread runs `function` with the address of the shared memory. */
void family_start(struct family *family, rt_function *function, const struct test_port *port);
uint32_t family_join(struct family *family);
void family_kill(struct family *family);

/* In the child: an upcall that counts itself, and what it was told. */
void family_take_upcalls(struct family_shared *shared);

/* interrupt.c */
void blocked_process_is_interrupted(void);
void interrupt_takes_an_upcall(void);
void first_living_thread_is_interrupted(void);
void interrupt_without_a_thread_is_refused(void);

/* stop.c */
void stopped_process_stands_still(void);
void stopping_twice_is_stopping(void);
void stopped_process_can_be_killed(void);
void threads_made_in_a_stopped_process_wait(void);
void answer_waits_for_a_stopped_caller(void);
void stopped_server_answers_later(void);
void stopped_sleeper_is_woken_but_waits(void);
void interrupt_waits_for_a_stopped_process(void);
void process_stops_itself(void);
void dead_process_is_not_stopped(void);

/* stop_stress.c */
void stops_race_with_messages(void);

/* info.c */
void cpu_time_is_charged(void);
void cpu_time_of_who_preempts_is_its_own(void);
void cpu_time_of_a_server_is_its_callers(void);
void cpu_time_of_who_was_woken_is_its_own(void);
void memory_is_counted(void);
void regions_are_listed(void);
void region_info_needs_a_right(void);

#endif
