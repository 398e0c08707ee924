/* Calls into the firmware (OpenSBI). */
#ifndef ARCH_SBI_H
#define ARCH_SBI_H

#include "kernel/types.h"

struct sbi_result {
	s64 error;
	s64 value;
};

struct sbi_result sbi_call(u64 extension, u64 function, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4);

void sbi_putchar(char c);
void sbi_set_timer(u64 ticks);
void sbi_send_ipi(u64 hardware_id);
/* Harts of the mask (bit i = hardware id i) forget [start, start + size) of an ASID. */
void sbi_remote_sfence(u64 hart_mask, u64 start, u64 size, u64 asid);
/* ... everything. */
void sbi_remote_sfence_all(u64 hart_mask);
bool sbi_start_hart(u64 hardware_id, paddr entry, u64 argument) MUST_USE;
void sbi_reset(bool is_reboot, bool is_failure);

#endif
