/* Calls into the firmware. */
#include "arch/sbi.h"

#define EXTENSION_TIME 0x54494d45
#define EXTENSION_IPI 0x735049
#define EXTENSION_RFENCE 0x52464e43
#define EXTENSION_HSM 0x48534d
#define EXTENSION_RESET 0x53525354
#define LEGACY_PUTCHAR 1
#define RFENCE_SFENCE 1
#define RFENCE_SFENCE_ASID 2

struct sbi_result sbi_call(u64 extension, u64 function, u64 x0, u64 x1, u64 x2, u64 x3, u64 x4)
{
	register u64 a0 __asm__("a0") = x0;
	register u64 a1 __asm__("a1") = x1;
	register u64 a2 __asm__("a2") = x2;
	register u64 a3 __asm__("a3") = x3;
	register u64 a4 __asm__("a4") = x4;
	register u64 a6 __asm__("a6") = function;
	register u64 a7 __asm__("a7") = extension;

	__asm__ volatile("ecall"
			 : "+r"(a0), "+r"(a1)
			 : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7)
			 : "memory");
	return (struct sbi_result){ (s64)a0, (s64)a1 };
}

void sbi_putchar(char c)
{
	sbi_call(LEGACY_PUTCHAR, 0, (u8)c, 0, 0, 0, 0);
}

void sbi_set_timer(u64 ticks)
{
	sbi_call(EXTENSION_TIME, 0, ticks, 0, 0, 0, 0);
}

void sbi_send_ipi(u64 hardware_id)
{
	sbi_call(EXTENSION_IPI, 0, 1, hardware_id, 0, 0, 0);
}

void sbi_remote_sfence(u64 hart_mask, u64 start, u64 size, u64 asid)
{
	sbi_call(EXTENSION_RFENCE, RFENCE_SFENCE_ASID, hart_mask, 0, start, size, asid);
}

void sbi_remote_sfence_all(u64 hart_mask)
{
	sbi_call(EXTENSION_RFENCE, RFENCE_SFENCE, hart_mask, 0, 0, UINT64_MAX, 0);
}

bool sbi_start_hart(u64 hardware_id, paddr entry, u64 argument)
{
	return sbi_call(EXTENSION_HSM, 0, hardware_id, entry, argument, 0, 0).error == 0;
}

void sbi_reset(bool is_reboot, bool is_failure)
{
	sbi_call(EXTENSION_RESET, 0, is_reboot, is_failure, 0, 0, 0);
}
