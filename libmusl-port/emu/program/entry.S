/*
 * All that a program of the full profile holds of emu: where the image's entry is. The launcher of
 * such a program is the image itself, so its argument block is always on the stack.
 */
#include "tern/emu.h"

	.section .rodata, "a"
	.balign 8
	.globl	__emu_syscall
	.type	__emu_syscall, @object
__emu_syscall:
	.dword	EMU_BASE + EMU_ENTRY_CALL
	.size	__emu_syscall, . - __emu_syscall

	.globl	__emu_syscall_cp
	.type	__emu_syscall_cp, @object
__emu_syscall_cp:
	.dword	EMU_BASE + EMU_ENTRY_CANCELLABLE
	.size	__emu_syscall_cp, . - __emu_syscall_cp

	.text
	.globl	__emu_start
	.type	__emu_start, @function
__emu_start:
	ret				/* the block's address is in a0 */
	.size	__emu_start, . - __emu_start

	.section .note.GNU-stack, "", @progbits
