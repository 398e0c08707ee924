# __clone(a0 function, a1 stack, a2 flags, a3 argument, a4 ptid, a5 tls, a6 ctid)
#
# Becomes emu(SYS_clone, flags, stack, ptid, tls, ctid, where the child begins). emu returns to
# our caller; the child begins below with the given stack and tls.
.global __clone
.hidden __clone
.type __clone, %function
__clone:
	andi a1, a1, -16
	addi a1, a1, -16
	sd a0, 0(a1)
	sd a3, 8(a1)

	mv t0, a1
	mv a1, a2
	mv a2, t0
	mv a3, a4
	mv a4, a5
	mv a5, a6
	lla a6, child
	li a0, 220			# SYS_clone
	lla t0, __emu_syscall
	ld t0, (t0)
	jr t0

child:
	.option push
	.option norelax
	lla gp, __global_pointer$
	.option pop
	ld t0, 0(sp)
	ld a0, 8(sp)
	jalr t0

	mv a1, a0
	li a0, 93			# SYS_exit
	lla t0, __emu_syscall
	ld t0, (t0)
	jalr t0
	unimp
