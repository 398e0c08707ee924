/*
 * memfd_create: a file that is nothing but memory. Its memobj is the file, so mapping, reading and fork are
 * as with regular ones; seals are kept with the description.
 */
#include "path.h"
#include "stream.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "emu_full.h"
#include "files_internal.h"

#define NAME_MAX_LENGTH 249
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

long emu_memfd_create(const char *user_name, uint32_t flags)
{
	struct emu_description *description;
	char name[NAME_MAX_LENGTH + 1];
	tern_handle memobj;
	long result;

	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	result = emu_copy_string(name, user_name, sizeof(name));
	if (result < 0)
		return result == -ENAMETOOLONG ? -EINVAL : result;
	memobj = tern_memobj_create(TERN_SELF_ACCOUNT, 0);
	if (memobj < 0)
		return memobj;
	description = emu_description_new(EMU_MEMORY, O_RDWR);
	if (!description) {
		tern_handle_close(memobj);
		return -ENFILE;
	}
	description->memobj = memobj;
	description->seals = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
	return emu_descriptor_install(description, 0, flags & MFD_CLOEXEC ? FD_CLOEXEC : 0);
}

long emu_memory_seals(struct emu_description *description, int command, uint64_t argument)
{
	if (description->kind != EMU_MEMORY)
		return -EINVAL;
	if (command == F_GET_SEALS)
		return description->seals;
	if (argument & ~(uint64_t)SEALS)
		return -EINVAL;
	if (description->seals & F_SEAL_SEAL)
		return -EPERM;
	description->seals |= (uint32_t)argument;
	return 0;
}

long emu_memory_may_write(struct emu_description *description, uint64_t end)
{
	if (description->seals & F_SEAL_WRITE)
		return -EPERM;
	if (description->seals & F_SEAL_GROW && end > (uint64_t)emu_file_length(description))
		return -EPERM;
	return 0;
}

long emu_memory_truncate(struct emu_description *description, uint64_t length)
{
	uint64_t old = (uint64_t)emu_file_length(description);

	if (length > old && description->seals & F_SEAL_GROW)
		return -EPERM;
	if (length < old && description->seals & F_SEAL_SHRINK)
		return -EPERM;
	return tern_memobj_set_length(description->memobj, length);
}
