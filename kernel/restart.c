/* Restartable system calls, see restart.h. */
#include "kernel/restart.h"

#include "kernel/hart.h"
#include "kernel/stream.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"
#include "tern/syscall.h"

void call_rewind(struct thread *thread)
{
	frame_restart(&thread->frame);
	thread->wait.is_call = true;
}

s64 call_again(const u64 registers[7])
{
	struct hart *hart = arch_hart();
	struct frame *frame = &hart->current->frame;

	frame->result = registers[0];
	for (u32 i = 0; i < 6; i++)
		frame->words[i] = registers[i + 1];
	return hart->may_block ? syscall_again() : CALL_AGAIN;
}

s64 call_resume(void)
{
	struct hart *hart = arch_hart();
	const struct frame *frame = &hart->current->frame;
	s64 operation = (s64)frame->operation, result;

	/* It has just stopped for an interrupt: that comes first. */
	if (arch_interrupt_pending())
		return syscall_again();
	hart->may_block = true;
	result = syscall_functions[operation + TERN_SYSCALL_COUNT - 1](
		frame->result, frame->words[0], frame->words[1], frame->words[2], frame->words[3],
		frame->words[4], frame->words[5]);
	hart->may_block = false;
	return result;
}

void call_cancelled(struct thread *thread)
{
	s64 done = (s64)thread->io.done;

	io_release(thread);
	frame_skip_call(&thread->frame);
	frame_set_result(&thread->frame, done ? (u64)done : (u64)-EINTR, 0);
}

void call_give_up(struct thread *thread)
{
	thread->wait.error = 0;
	if (thread->io.memobj)
		call_cancelled(thread);
}
