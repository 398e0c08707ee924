# What a signal handler returns to: emu finds the interrupted frame at sp.
.global __restore
.hidden __restore
.type __restore, %function
__restore:
.global __restore_rt
.hidden __restore_rt
.type __restore_rt, %function
__restore_rt:
	li a0, 139			# SYS_rt_sigreturn
	lla t0, __emu_syscall
	ld t0, (t0)
	jr t0
