/* What the files of these tests share. */
#ifndef POSIX_LIMITS_H
#define POSIX_LIMITS_H

#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>

/* How often this signal came, since count_signal. */
extern volatile sig_atomic_t signals;
void count_signal(int number);
/* Uses the processor until so much of it is used, or the condition's word is not 0. Nanoseconds. */
void use_processor(uint64_t nanoseconds);
uint64_t used_by_process(void);
void set_limit(int resource, uint64_t soft, uint64_t hard);

/* processor.c */
void interval_timers_count_processor_time(void);
void timers_count_processor_time(void);
void processor_clocks(void);
void processor_limit(void);
void use_is_told_alike(void);

/* sizes.c */
void file_size_limit(void);
void memory_limits(void);
void process_limit(void);

#endif
