/* What the files of the memory and event tests share. */
#ifndef MEMORY_TESTS_H
#define MEMORY_TESTS_H

#include "test.h"

/* asm.S: one instruction of four bytes that faults, at a known place. */
void fault_load(void *address);
void fault_store(void *address);
void fault_illegal(void);
void upcall_entry(void);
/* Linux-style system call with every register checked; the result, or -1 if one has changed. */
int64_t foreign_call(uint64_t number);
/* Calls a system call with every caller-saved register set to the pattern; how many of them hold
 * the other side's pattern afterwards. */
uint64_t leak_call(tern_handle port, uint64_t own, uint64_t other);
void leak_serve(tern_handle listener, uint64_t own);
/* All f registers := seed + n; and how many are not. */
void fp_fill(uint64_t seed);
uint64_t fp_differs(uint64_t seed);

void registers_do_not_leak(void);
void fp_registers_survive_switches(void);
void futex_wakes_and_times_out(void);
void futex_is_interrupted(void);
void timers_notify(void);
void interrupts_notify_until_acknowledged(void);
void deaths_are_notified(void);
void time_goes_on_without_a_call(void);

#endif
