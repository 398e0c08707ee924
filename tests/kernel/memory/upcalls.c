/* Upcalls: faults, interrupts and foreign system calls come to the thread itself. */
#include "memory.h"

#define UPCALL_STACK 8192
#define FOREIGN 172
#define A0 9 /* index of x10 in struct tern_registers.x */
#define A7 16
#define S11 26
#define REGISTERS 31
#define RA 0

static struct tern_upcall seen;
static volatile uint32_t upcalls, may_end;

static void note(struct tern_upcall *upcall)
{
	seen = *upcall;
	upcalls++;
}

void upcall_set(upcall_handler *handler)
{
	static char stack[UPCALL_STACK] __attribute__((aligned(16)));

	upcalls = 0;
	may_end = 0;
	CHECK_EQ(tern_thread_set_upcall(handler ? (uint64_t)upcall_entry : 0,
					(uint64_t)stack + sizeof(stack), (uint64_t)handler),
		 0);
}

static void map_there(struct tern_upcall *upcall)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);

	note(upcall);
	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, memobj, 0, upcall->value & ~(RT_PAGE - 1),
				 RT_PAGE, READ_WRITE | TERN_MAP_FIXED),
		 upcall->value & ~(RT_PAGE - 1));
	tern_handle_close(memobj);
}

void fault_is_mended_and_resumed(void)
{
	upcall_set(map_there);
	CHECK_EQ(*(volatile uint32_t *)(ELSEWHERE + 8), 0);
	CHECK_EQ(upcalls, 1);
	CHECK_EQ(seen.cause, TERN_UPCALL_FAULT_READ);
	CHECK_EQ(seen.value, ELSEWHERE + 8);
	CHECK_EQ(seen.word, (uint64_t)map_there);
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, ELSEWHERE, RT_PAGE), 0);
	upcall_set(NULL);
}

void write_fault_is_reported(void)
{
	upcall_set(map_there);
	*(volatile uint64_t *)(ELSEWHERE + 16) = 99;
	CHECK_EQ(seen.cause, TERN_UPCALL_FAULT_WRITE);
	CHECK_EQ(seen.value, ELSEWHERE + 16);
	CHECK_EQ(*(volatile uint64_t *)(ELSEWHERE + 16), 99);
	CHECK_EQ(upcalls, 1);
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, ELSEWHERE, RT_PAGE), 0);
	upcall_set(NULL);
}

static void return_to_caller(struct tern_upcall *upcall)
{
	note(upcall);
	upcall->registers.pc = upcall->registers.x[RA];
	upcall->registers.x[A0] = 1234;
}

void jump_to_nowhere_is_reported(void)
{
	upcall_set(return_to_caller);
	CHECK_EQ(((int (*)(void))ELSEWHERE)(), 1234);
	CHECK_EQ(seen.cause, TERN_UPCALL_FAULT_EXECUTE);
	CHECK_EQ(seen.value, ELSEWHERE);
	CHECK_EQ(seen.registers.pc, ELSEWHERE);
	upcall_set(NULL);
}

static void skip_instruction(struct tern_upcall *upcall)
{
	note(upcall);
	upcall->registers.pc += 4;
}

void illegal_instruction_is_reported(void)
{
	upcall_set(skip_instruction);
	__asm__ volatile("csrr t0, sstatus" ::: "t0");
	CHECK_EQ(seen.cause, TERN_UPCALL_ILLEGAL);
	CHECK(seen.value == 0 || seen.value == 0x100022f3);
	CHECK_EQ(upcalls, 1);
	upcall_set(NULL);
}

void breakpoint_is_reported(void)
{
	upcall_set(skip_instruction);
	__asm__ volatile(".option push\n.option norvc\nebreak\n.option pop");
	CHECK_EQ(seen.cause, TERN_UPCALL_BREAKPOINT);
	CHECK_EQ(upcalls, 1);
	upcall_set(NULL);
}

static void answer_foreign(struct tern_upcall *upcall)
{
	note(upcall);
	upcall->registers.x[A0] = 4711;
}

void foreign_call_keeps_all_registers(void)
{
	static struct rt_registers registers;

	for (uint64_t i = 0; i < REGISTERS; i++)
		registers.in[i] = 0x1111000000000000ul * (i % 15 + 1) + i;
	registers.in[A7] = FOREIGN;
	registers.in[S11] = (uint64_t)&registers;
	upcall_set(answer_foreign);
	rt_ecall(&registers);
	CHECK_EQ(upcalls, 1);
	CHECK_EQ(seen.cause, TERN_UPCALL_FOREIGN);
	CHECK_EQ(seen.registers.pc, (uint64_t)rt_ecall_return);
	for (uint64_t i = 0; i < REGISTERS; i++) {
		CHECK_EQ(seen.registers.x[i], registers.in[i]);
		CHECK_EQ(registers.out[i], i == A0 ? 4711 : registers.in[i]);
	}
	upcall_set(NULL);
}

static void call_foreign(struct tern_upcall *upcall)
{
	note(upcall);
	upcall->registers.x[A0] = (uint64_t)tern_syscall0(FOREIGN);
}

void foreign_call_in_an_upcall_is_enosys(void)
{
	upcall_set(call_foreign);
	CHECK_EQ(tern_syscall0(FOREIGN), -ENOSYS);
	CHECK_EQ(upcalls, 1);
	upcall_set(NULL);
	CHECK_EQ(tern_syscall0(FOREIGN), -ENOSYS);
	CHECK_EQ(upcalls, 0);
}

static void spin_until_upcall(uint64_t argument)
{
	(void)argument;
	upcall_set(note);
	may_end = 1;
	while (!upcalls)
		;
	CHECK_EQ(seen.cause, TERN_UPCALL_INTERRUPT);
	upcall_set(NULL);
}

void interrupt_upcall_comes_to_a_running_thread(void)
{
	struct rt_thread thread;

	rt_thread(&thread, spin_until_upcall, 0, PRIORITY);
	test_await(&may_end, 1);
	CHECK_EQ(tern_thread_interrupt(thread.handle, TERN_INTERRUPT_UPCALL), 0);
	rt_join(&thread);
}

static void wait_until_upcall(uint64_t listener)
{
	struct tern_received message = { 0 };

	upcall_set(note);
	may_end = 1;
	CHECK_EQ(tern_wait((tern_handle)listener, &message), -EINTR);
	CHECK_EQ(upcalls, 1);
	CHECK_EQ(seen.cause, TERN_UPCALL_INTERRUPT);
	CHECK_EQ(seen.registers.x[A0], -EINTR);
	upcall_set(NULL);
}

void interrupt_upcall_ends_a_wait(void)
{
	tern_handle listener = tern_listener_create(0, 1);
	struct rt_thread thread;

	rt_thread(&thread, wait_until_upcall, (uint64_t)listener, PRIORITY);
	test_await(&may_end, 1);
	test_settle();
	CHECK_EQ(tern_thread_interrupt(thread.handle, TERN_INTERRUPT_UPCALL), 0);
	rt_join(&thread);
	CHECK_EQ(tern_handle_close(listener), 0);
}

static void interrupt_self(struct tern_upcall *upcall)
{
	if (upcall->cause == TERN_UPCALL_FOREIGN) {
		CHECK_EQ(tern_thread_interrupt(TERN_SELF_THREAD, TERN_INTERRUPT_UPCALL), 0);
		CHECK_EQ(upcalls, 0);
	}
	note(upcall);
}

void interrupt_upcall_is_held_back(void)
{
	upcall_set(interrupt_self);
	tern_syscall0(FOREIGN);
	CHECK_EQ(upcalls, 2);
	CHECK_EQ(seen.cause, TERN_UPCALL_INTERRUPT);
	upcall_set(NULL);
	CHECK_EQ(tern_thread_interrupt(TERN_SELF_THREAD, TERN_INTERRUPT_UPCALL), -EINVAL);
}

static void fault_again(struct tern_upcall *upcall)
{
	(void)upcall;
	(void)*(volatile char *)ELSEWHERE;
}

static void fault_twice(uint64_t argument)
{
	(void)argument;
	upcall_set(fault_again);
	(void)*(volatile char *)ELSEWHERE;
	rt_exit(0);
}

void fault_in_an_upcall_kills(void)
{
	struct rt_child child = rt_child(fault_twice, 0, PRIORITY, NULL);

	CHECK_EQ(rt_child_join(&child), TERN_STATUS_FAULT);
}

static void fault_without_stack(uint64_t argument)
{
	(void)argument;
	tern_thread_set_upcall((uint64_t)upcall_entry, ELSEWHERE, 0);
	tern_syscall0(FOREIGN);
	rt_exit(0);
}

void unusable_upcall_stack_kills(void)
{
	struct rt_child child = rt_child(fault_without_stack, 0, PRIORITY, NULL);

	CHECK_EQ(rt_child_join(&child), TERN_STATUS_FAULT);
}

void resume_checks_its_registers(void)
{
	struct tern_registers registers = { .pc = 0 };

	CHECK_EQ(tern_thread_resume(&registers), -EINVAL);
	registers.pc = 0xffffffff80200000ul;
	CHECK_EQ(tern_thread_resume(&registers), -EINVAL);
	registers.pc = TERN_USER_TOP;
	CHECK_EQ(tern_thread_resume(&registers), -EINVAL);
	registers.pc = (uint64_t)upcall_entry + 1;
	CHECK_EQ(tern_thread_resume(&registers), -EINVAL);
	CHECK_EQ(tern_thread_resume((const struct tern_registers *)ELSEWHERE), -EFAULT);
}
