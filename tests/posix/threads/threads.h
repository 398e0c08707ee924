/* The tests of futex.c. */
#ifndef POSIX_THREADS_H
#define POSIX_THREADS_H

void robust_locks_survive_killed_owners(void);
void robust_locks_survive_sigkill(void);
void locks_that_inherit_priority(void);
void locks_of_threads_that_end(void);
void raw_locks_that_inherit_priority(void);
void futex_requeues(void);
void futex_looks_at_bit_sets(void);
void futex_wakes_with_an_operation(void);
void futex_refuses_nonsense(void);

#endif
