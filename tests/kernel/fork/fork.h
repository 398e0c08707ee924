/* What the files of the fork tests share. */
#ifndef FORK_H
#define FORK_H

#include "test.h"

#define PRIVATE (TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_PRIVATE)

/* Private memory anywhere. */
uint64_t *fork_map(uint64_t length);
void fork_unmap(void *address, uint64_t length);

/* Fork; the child runs `function` and exits with what it returns. Waits; returns that status. */
typedef uint32_t fork_function(uint64_t argument);
uint32_t fork_run(fork_function *function, uint64_t argument);

/* memory.c */
void child_gets_zero_and_parent_a_handle(void);
void private_memory_is_copied(void);
void shared_memory_is_shared(void);
void parked_pages_are_copied(void);
void pages_go_with_their_last_holder(void);
void forks_of_forks_cost_the_same(void);
void fork_over_quota_leaves_nothing(void);

/* inherit.c */
void handles_keep_their_values(void);
void marked_handles_stay_behind(void);
void inherited_port_serves_the_child(void);
void own_handles_become_the_childs(void);
void registers_and_upcall_are_inherited(void);

/* large.c */
void memory_in_order_comes_in_large_pages(void);
void large_pages_change_in_parts(void);
void large_pages_are_copied_in_parts(void);
void memobjs_have_large_pages(void);
void harts_change_large_pages(void);

/* stress.c */
void forking_thread_can_be_killed(void);
void harts_fork_write_and_unmap(void);

#endif
