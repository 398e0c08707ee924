# __syscall_cp_asm(a0 &cancel, a1 number, a2..a7 arguments): a system call that is a cancellation
# point. A signal that interrupts it while it blocks shows a pc from which the call would be made again:
# that is the one in t1, which lies between __cp_begin and __cp_end, so the handler of the cancellation
# signal knows that nothing has happened yet.
.global __cp_begin
.hidden __cp_begin
.global __cp_end
.hidden __cp_end
.global __cp_cancel
.hidden __cp_cancel
.hidden __cancel
.global __syscall_cp_asm
.hidden __syscall_cp_asm
.type __syscall_cp_asm, %function
__syscall_cp_asm:
__cp_begin:
	lw t0, 0(a0)
	bnez t0, __cp_cancel

	mv a0, a1
	mv a1, a2
	mv a2, a3
	mv a3, a4
	mv a4, a5
	mv a5, a6
	mv a6, a7
again:
	lla t1, again
	lla t0, __emu_syscall_cp
	ld t0, (t0)
	jr t0
__cp_end:
	ret
__cp_cancel:
	tail __cancel
