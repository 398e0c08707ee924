/*
 * Where a program begins. emu looks at the stack and at a0 first and says where the argument block
 * is: the first process of a boot bundle has none on its stack.
 */
__asm__(".text\n"
	".global " START "\n"
	".type " START ",%function\n" START ":\n"
	".weak __global_pointer$\n"
	".hidden __global_pointer$\n"
	".option push\n"
	".option norelax\n\t"
	"lla gp, __global_pointer$\n"
	".option pop\n\t"
	"mv a1, a0\n\t"
	"mv a0, sp\n\t"
	"andi sp, sp, -16\n\t"
	"call __emu_start\n\t"
	"tail " START "_c");
