/* Copies between emu and the program; see copy.h and guarded.S. */
#include "copy.h"

long emu_guarded_copy(void *to, const void *from, size_t length);
long emu_guarded_string(char *to, const char *from, size_t size);
long emu_guarded_length(const char *from, size_t size);
extern const char emu_guarded_start[], emu_guarded_end[], emu_guarded_fault[];

long emu_copy_in(void *to, const void *user, size_t length)
{
	return emu_guarded_copy(to, user, length);
}

long emu_copy_out(void *user, const void *from, size_t length)
{
	return emu_guarded_copy(user, from, length);
}

long emu_copy_string(char *to, const char *user, size_t size)
{
	long length = emu_guarded_string(to, user, size);

	return length == (long)size ? -ENAMETOOLONG : length;
}

long emu_string_length(const char *user, size_t limit)
{
	long length = emu_guarded_length(user, limit + 1);

	return length > (long)limit ? -ENAMETOOLONG : length;
}

bool emu_copy_fault(struct tern_registers *registers)
{
	if (registers->pc < (uint64_t)emu_guarded_start ||
	    registers->pc >= (uint64_t)emu_guarded_end)
		return false;
	registers->pc = (uint64_t)emu_guarded_fault;
	return true;
}
