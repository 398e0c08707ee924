# __unmapself(a0 base, a1 size): a detached thread's end, which takes its own stack away. emu has
# one call for both halves, because nothing may touch the stack between them.
.global __unmapself
.hidden __unmapself
.type __unmapself, %function
__unmapself:
	mv a2, a1
	mv a1, a0
	li a0, 0x7000			# EMU_UNMAP_EXIT
	lla t0, __emu_syscall
	ld t0, (t0)
	jr t0
