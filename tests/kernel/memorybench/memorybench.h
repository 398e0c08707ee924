/* Benchmarks of memory: what the files of this program share. */
#ifndef MEMORYBENCH_H
#define MEMORYBENCH_H

#include "rt.h"

#define READ_WRITE (TERN_MAP_READ | TERN_MAP_WRITE)
#define PRIVATE (READ_WRITE | TERN_MAP_PRIVATE)

void report(const char *name, uint64_t figure);

char *map(tern_handle memobj, uint64_t pages, uint64_t flags);
void unmap(char *memory, uint64_t pages);

/* Access each page once. Return the instructions that one takes. */
uint64_t write_each(volatile char *memory, uint64_t pages);
uint64_t read_each(volatile const char *memory, uint64_t pages);

void bench_streams(void);
void bench_pagers(void);

/* How late the thread that is woken at regular times has been at most since the last report. */
void report_latest(const char *name);
void bench_late_pager(void);

#endif
