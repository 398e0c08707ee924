/*
 * Descriptions that travel in a message (SCM_RIGHTS).
 *
 * A description is a few handles and what is known about them. They are put into a *box*: one message for
 * each in a pair of sockets made for this, whose reading end is the one handle that goes with the
 * user's bytes. So any number of descriptors takes one handle of the message, the pipe server knows
 * nothing about descriptors, and what nobody takes out is closed with the box.
 *
 * What comes out was put in by another process: nothing in it is believed but for the handles' types.
 */
#include "path.h"
#include "socket.h"
#include "stream.h"

#include <fcntl.h>

#include "emu_full.h"
#include "files_internal.h"

enum part { PORT, IO, MEMOBJ, PARTS };

struct label {
	uint8_t kind, io_kind, parts; /* a bit for each handle that comes along */
	uint8_t reserved;
	uint32_t flags;
	uint32_t mount;
	uint32_t seals;
	uint64_t token;
	uint64_t device;
};
_Static_assert(sizeof(struct label) <= IO_INLINE_MAX, "it travels in registers");

/* The box never makes anybody wait: a signal that comes now is for another call. */
static tern_result call_box(tern_handle box, struct tern_received *message,
			    const struct tern_extended *extended)
{
	const struct tern_received asked = *message;
	tern_result result;

	do {
		*message = asked;
		result = tern_call_ext(box, message, extended);
	} while (result == -EINTR);
	return result;
}

/* ---------------------------------------------------------------------------------- packing */

static long put(tern_handle box, struct emu_description *description)
{
	const tern_handle handles[PARTS] = { description->port, description->io,
					     description->memobj };
	struct label label = { .kind = description->kind,
			       .io_kind = description->io_kind,
			       .flags = description->flags,
			       .mount = description->mount,
			       .token = description->token };
	struct tern_received message = {
		.words = { PIPE_OP_send | IO_NONBLOCK, sizeof(label) },
	};
	struct tern_extended extended = { 0 };
	tern_result result;

	if (description->kind == EMU_MEMORY)
		label.seals = description->seals;
	else
		label.device = description->device;
	for (int i = 0; i < PARTS; i++) {
		if (!handles[i])
			continue;
		label.parts |= (uint8_t)(1 << i);
		extended.handles[extended.handle_count].handle = handles[i];
		extended.handles[extended.handle_count].rights = TERN_RIGHTS_ALL &
								 ~TERN_RIGHT_NO_INHERIT;
		extended.handles[extended.handle_count++].mode = TERN_SEND_COPY;
	}
	__builtin_memcpy(io_inline(&message), &label, sizeof(label));
	result = call_box(box, &message, &extended);
	return result < 0 ? result : (long)message.words[0];
}

/* Positions are shared from now on, as with a child. */
static long pack_description(tern_handle box, struct emu_description *description)
{
	if (description->kind == EMU_FILE || description->kind == EMU_MEMORY) {
		emu_lock(&description->lock);
		emu_file_share(description);
		emu_unlock(&description->lock);
	}
	if (emu_has_file(description) && !description->port)
		emu_file_make_port(description);
	return description->kind == EMU_EPOLL || description->kind == EMU_SIGNALS ||
			       description->kind == EMU_WAKE
		       ? -EINVAL
		       : put(box, description);
}

long emu_rights_box(struct emu_description *const *descriptions, uint32_t count, tern_handle *box)
{
	struct tern_received message = { .words = { PIPE_OP_pair, PIPE_PACKETS } };
	tern_handle pair[2];
	long result = emu_pipe_call(&message, pair, 2);

	if (result < 0)
		return result;
	for (uint32_t i = 0; i < count && result >= 0; i++)
		result = pack_description(pair[1], descriptions[i]);
	tern_handle_close(pair[1]);
	*box = pair[0];
	if (result < 0)
		tern_handle_close(pair[0]);
	return result < 0 ? result : 0;
}

long emu_rights_pack(const int *numbers, uint32_t count, tern_handle *box)
{
	struct emu_description *descriptions[EMU_RIGHTS_MAX] = { NULL };
	uint32_t found = 0;
	long result = -EBADF;

	while (found < count && (descriptions[found] = emu_descriptor_get(numbers[found])))
		found++;
	if (found == count)
		result = emu_rights_box(descriptions, count, box);
	while (found)
		emu_description_put(descriptions[--found]);
	return result;
}

/* -------------------------------------------------------------------------------- unpacking */

static bool is_of_type(tern_handle handle, enum tern_type type)
{
	return tern_handle_info(handle) >> 16 == type;
}

/* Are the handles what the label says? */
static bool is_sound(const struct label *label, const tern_handle parts[PARTS])
{
	bool is_file = label->kind == EMU_FILE;

	for (int i = 0; i < PARTS; i++) {
		enum tern_type type = i == MEMOBJ ? TERN_TYPE_MEMOBJ : TERN_TYPE_PORT;

		if (i == IO && label->kind != EMU_STREAM)
			type = TERN_TYPE_STREAM;
		if (parts[i] && !is_of_type(parts[i], type))
			return false;
	}
	switch (label->kind) {
	case EMU_FILE:
	case EMU_MEMORY:
		return parts[IO] && parts[MEMOBJ] && (!is_file || parts[PORT]);
	case EMU_DIRECTORY:
	case EMU_PATH:
		return parts[PORT];
	case EMU_STREAM:
		return parts[IO];
	default:
		return false;
	}
}

static struct emu_description *make(const struct label *label, const tern_handle parts[PARTS])
{
	struct emu_description *description = NULL;

	if (is_sound(label, parts))
		description = emu_description_new((enum emu_kind)label->kind, label->flags);
	if (!description)
		return NULL;
	description->io_kind = label->io_kind;
	description->mount = label->mount;
	description->token = label->token;
	description->port = parts[PORT];
	description->io = parts[IO];
	description->memobj = parts[MEMOBJ];
	if (label->kind == EMU_FILE || label->kind == EMU_MEMORY)
		description->is_shared = true;
	if (label->kind == EMU_MEMORY)
		description->seals = label->seals;
	else
		description->device = label->device;
	return description;
}

/* The next one in the box: NULL: there are no more. */
struct emu_description *emu_rights_take(tern_handle box)
{
	struct tern_extended extended = { .accept_count = TERN_MESSAGE_HANDLES };
	struct tern_received message = {
		.words = { PIPE_OP_receive | IO_NONBLOCK, sizeof(struct label) },
	};
	struct emu_description *description = NULL;
	tern_handle parts[PARTS] = { 0 };
	struct label label;
	uint64_t used = 0;

	if (call_box(box, &message, &extended) < 0)
		return NULL;
	if (message.words[0] == sizeof(label)) {
		__builtin_memcpy(&label, io_inline(&message), sizeof(label));
		for (int i = 0; i < PARTS; i++)
			if (label.parts & 1 << i && used < message.handle_count)
				parts[i] = message.handles[used++];
		description = make(&label, parts);
	}
	for (uint64_t i = description ? used : 0; i < message.handle_count; i++)
		tern_handle_close(message.handles[i]);
	return description;
}

long emu_rights_unpack(tern_handle box, int *numbers, uint32_t room, uint32_t slot_flags,
		       bool *is_cut)
{
	struct emu_description *description;
	uint32_t count = 0;

	*is_cut = false;
	while ((description = emu_rights_take(box))) {
		long number = -EMFILE;

		if (count < room)
			number = emu_descriptor_install(description, 0, slot_flags);
		else
			emu_description_put(description);
		if (number < 0) {
			*is_cut = true;
			break;
		}
		numbers[count++] = (int)number;
	}
	tern_handle_close(box);
	return count;
}
