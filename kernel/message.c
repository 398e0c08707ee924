/*
 * Handles in messages. A transfer has two halves around the sender's point of no return: prepare
 * checks and reserves room at the receiver and may fail, commit moves and cannot.
 */
#include "kernel/hart.h"
#include "kernel/ipc.h"
#include "kernel/user_copy.h"

#define SENDABLE_RIGHTS TERN_RIGHTS_ALL

static bool extended_is_valid(const struct tern_extended *extended)
{
	if (extended->handle_count > TERN_MESSAGE_HANDLES ||
	    extended->accept_count > TERN_MESSAGE_HANDLES)
		return false;
	for (u32 i = 0; i < extended->handle_count; i++)
		if (extended->handles[i].mode > TERN_SEND_MOVE ||
		    extended->handles[i].rights & ~SENDABLE_RIGHTS)
			return false;
	return user_range_is_valid(extended->in_address, extended->in_length) &&
	       user_range_is_valid(extended->out_address, extended->out_length);
}

int message_read(uaddr address, struct tern_extended *extended)
{
	int error = copy_from_user(arch_hart()->current->process, extended, address,
				   sizeof(*extended));

	if (error)
		return error;
	return extended_is_valid(extended) ? 0 : -EINVAL;
}

void message_keep_handles(const struct tern_extended *extended, struct message_handles *handles)
{
	handles->count = extended->handle_count;
	for (u32 i = 0; i < extended->handle_count; i++) {
		handles->entries[i].handle = extended->handles[i].handle;
		handles->entries[i].rights = extended->handles[i].rights;
		handles->entries[i].mode = extended->handles[i].mode;
	}
}

/* A handle that may be sent so; *object gets a reference. */
static int sendable(struct process *from, s64 handle, u32 mode, struct object **object)
{
	u32 right = mode == TERN_SEND_MOVE ? TERN_RIGHT_MOVE : TERN_RIGHT_COPY;
	int error = handle_resolve(from, handle, TERN_TYPE_NONE, right, object);

	if (!error && !object_get_live(*object))
		error = -EBADF;
	return error;
}

static bool is_repeated(const struct message_handles *handles, u32 index)
{
	for (u32 i = 0; i < index; i++)
		if (handles->entries[i].handle == handles->entries[index].handle &&
		    (handles->entries[i].mode == TERN_SEND_MOVE ||
		     handles->entries[index].mode == TERN_SEND_MOVE))
			return true;
	return false;
}

static void put_objects(struct transfer *transfer, u32 count)
{
	for (u32 i = 0; i < count; i++)
		object_put(transfer->objects[i]);
}

int transfer_prepare(struct transfer *transfer, struct process *from, struct process *to,
		     const struct message_handles *handles, u32 accept)
{
	u32 done = 0;
	int error = 0;

	transfer->from = from;
	transfer->to = to;
	transfer->handles = handles;
	if (handles->count > accept)
		return -E2BIG;
	for (; done < handles->count; done++) {
		error = is_repeated(handles, done)
				? -EINVAL
				: sendable(from, handles->entries[done].handle,
					   handles->entries[done].mode, &transfer->objects[done]);
		if (error)
			break;
	}
	if (!error)
		error = handle_reserve(to, handles->count);
	if (error)
		put_objects(transfer, done);
	return error;
}

void transfer_abort(struct transfer *transfer)
{
	handle_unreserve(transfer->to, transfer->handles->count);
	put_objects(transfer, transfer->handles->count);
}

u64 transfer_commit(struct transfer *transfer, struct frame *frame)
{
	u32 count = transfer->handles->count;

	for (u32 i = 0; i < count; i++) {
		s64 old = transfer->handles->entries[i].handle;
		u32 rights = transfer->handles->entries[i].rights & handle_rights(old);
		struct object *removed = NULL;

		/* Insert before remove: a client port must not look abandoned on its way. */
		frame->extra[i] = (u64)handle_insert_reserved(transfer->to, transfer->objects[i],
							      rights);
		if (transfer->handles->entries[i].mode == TERN_SEND_MOVE)
			removed = handle_remove(transfer->from, old);
		if (removed)
			object_put(removed);
	}
	frame->extra[TERN_MESSAGE_HANDLES] = count;
	return count ? TERN_EVENT_HANDLES : 0;
}
