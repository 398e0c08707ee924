/* How a thread ends, once nothing of emu's knows it any more. */
#include "emu.h"

void emu_end_thread(volatile uint32_t *clear)
{
	tern_thread_exit(clear);
	/* The word is not mapped any more. */
	tern_thread_exit(NULL);
	__builtin_unreachable();
}

/* The stack goes with the first ecall: nothing but registers from there on. */
void emu_end_thread_unmapping(volatile uint32_t *clear, uint64_t address, uint64_t length)
{
	register uint64_t a0 __asm__("a0") = TERN_SELF_PROCESS;
	register uint64_t a1 __asm__("a1") = address;
	register uint64_t a2 __asm__("a2") = length;
	register volatile uint32_t *s1 __asm__("s1") = clear;

	__asm__ volatile("li a7, %4\n\t"
			 "ecall\n\t"
			 "mv a0, s1\n\t"
			 "li a7, %5\n\t"
			 "ecall\n\t"
			 "li a0, 0\n\t"
			 "li a7, %5\n\t"
			 "ecall\n\t"
			 "unimp"
			 :
			 : "r"(a0), "r"(a1), "r"(a2), "r"(s1), "i"(TERN_OP_region_unmap),
			   "i"(TERN_OP_thread_exit)
			 : "memory");
	__builtin_unreachable();
}
