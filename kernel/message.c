/*
 * Handles in messages. A transfer has two halves around the sender's point of no return: prepare
 * puts handles into the receiver's table, whose values it does not know yet, and may fail; commit
 * tells the values and takes moved handles from the sender, and cannot. Given before taken: a
 * client port must not look abandoned on its way.
 */
#include "arch/user_page.h"
#include "kernel/hart.h"
#include "kernel/ipc.h"
#include "kernel/user_copy.h"

/* ----------------------------------------------------------------------------- descriptors */

static ALWAYS_INLINE bool windows_are_valid(const struct tern_extended *extended)
{
	return user_range_is_valid(extended->in_address, extended->in_length) &&
	       user_range_is_valid(extended->out_address, extended->out_length);
}

static ALWAYS_INLINE bool copy_entry(struct tern_extended *to,
				     const volatile struct tern_extended *from, u32 i)
{
	to->handles[i].handle = from->handles[i].handle;
	to->handles[i].rights = from->handles[i].rights;
	to->handles[i].mode = from->handles[i].mode;
	return to->handles[i].mode <= TERN_SEND_MOVE && !(to->handles[i].rights & ~TERN_RIGHTS_ALL);
}

/* All but the first. */
static NOINLINE bool copy_entries(struct tern_extended *to,
				  const volatile struct tern_extended *from)
{
	for (u32 i = 1; i < to->handle_count; i++)
		if (!copy_entry(to, from, i))
			return false;
	return true;
}

/*
 * The descriptor lies in memory that its program may be changing: every word is read once, and
 * what is checked is the copy.
 */
static ALWAYS_INLINE int copy_checked(struct tern_extended *to,
				      const volatile struct tern_extended *from)
{
	u32 count = from->handle_count, accept = from->accept_count;

	to->handle_count = count;
	to->accept_count = accept;
	to->in_address = from->in_address;
	to->in_length = from->in_length;
	to->out_address = from->out_address;
	to->out_length = from->out_length;
	if (UNLIKELY(count > TERN_MESSAGE_HANDLES || accept > TERN_MESSAGE_HANDLES) ||
	    UNLIKELY((to->in_length | to->out_length) && !windows_are_valid(to)) ||
	    UNLIKELY(count && !copy_entry(to, from, 0)) ||
	    UNLIKELY(count > 1 && !copy_entries(to, from)))
		return -EINVAL;
	return 0;
}

/* It is not present, not aligned, or on two pages. */
static NOINLINE int message_read_slowly(uaddr address, struct tern_extended *extended)
{
	struct tern_extended copy;
	int error = copy_from_user(arch_hart()->current->process, &copy, address, sizeof(copy));

	return error ? error : copy_checked(extended, &copy);
}

FRAMELESS int message_read(uaddr address, struct tern_extended *extended)
{
	u64 offset = address.value & (PAGE_SIZE - 1);
	const void *there = NULL;

	if (LIKELY(offset <= PAGE_SIZE - sizeof(*extended) && !(offset & 7) &&
		   address.value < TERN_USER_TOP))
		there = user_page_peek(arch_hart()->current->process->space.root, address.value);
	return LIKELY(there) ? copy_checked(extended, there)
			     : message_read_slowly(address, extended);
}

s64 message_copy_failed(int error, s64 operation)
{
	arch_hart()->current->frame.operation = (u64)operation;
	return user_copy_failed(error);
}

/* ------------------------------------------------------------------------------- transfers */

/* The same handle twice, unless both times as a copy. */
static bool is_repeated(const struct tern_extended *extended, u32 index)
{
	for (u32 i = 0; i < index; i++)
		if (extended->handles[i].handle == extended->handles[index].handle &&
		    (extended->handles[i].mode == TERN_SEND_MOVE ||
		     extended->handles[index].mode == TERN_SEND_MOVE))
			return true;
	return false;
}

/* The receiver's handle for one of the sender's, with a reference of its own. */
static ALWAYS_INLINE s64 give(struct process *from, struct process *to, s64 handle, u32 rights,
			      u32 mode)
{
	u32 right = mode == TERN_SEND_MOVE ? TERN_RIGHT_MOVE : TERN_RIGHT_COPY;
	struct object *object;
	s64 result = handle_resolve(from, handle, TERN_TYPE_NONE, right, &object);

	if (UNLIKELY(result))
		return result;
	if (UNLIKELY(!object_get_live(object)))
		return -EBADF;
	result = handle_insert(to, object, rights & handle_rights(handle));
	if (UNLIKELY(result < 0))
		object_put(object);
	return result;
}

static void take_back(struct transfer *transfer, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		struct object *object = handle_remove(transfer->to, transfer->given[i]);

		if (object)
			object_put(object);
	}
}

FRAMELESS int transfer_prepare(struct transfer *transfer, struct process *from, struct process *to,
			       const struct tern_extended *extended, u32 accept)
{
	transfer->from = from;
	transfer->to = to;
	transfer->extended = extended;
	transfer->is_done = false;
	transfer->has_listener = false;
	if (UNLIKELY(extended->handle_count > accept))
		return -E2BIG;
	for (u32 i = 0; i < extended->handle_count; i++) {
		s64 given = is_repeated(extended, i)
				    ? -EINVAL
				    : give(from, to, extended->handles[i].handle,
					   extended->handles[i].rights, extended->handles[i].mode);

		if (UNLIKELY(given < 0)) {
			take_back(transfer, i);
			return (int)given;
		}
		transfer->given[i] = given;
	}
	return 0;
}

void transfer_abort(struct transfer *transfer)
{
	take_back(transfer, transfer->extended->handle_count);
}

FRAMELESS u64 transfer_commit(struct transfer *transfer, struct frame *frame)
{
	const struct tern_extended *extended = transfer->extended;

	for (u32 i = 0; i < extended->handle_count; i++) {
		struct object *removed = NULL;

		frame->extra[i] = (u64)transfer->given[i];
		if (extended->handles[i].mode == TERN_SEND_MOVE)
			removed = handle_remove(transfer->from, extended->handles[i].handle);
		if (removed) {
			transfer->has_listener |= removed->type == TERN_TYPE_LISTENER;
			object_put(removed);
		}
	}
	frame->extra[TERN_MESSAGE_HANDLES] = extended->handle_count;
	return TERN_EVENT_HANDLES;
}

void transfer_forget(struct transfer *transfer)
{
	for (u32 i = 0; transfer->has_listener && i < transfer->extended->handle_count; i++)
		if (transfer->extended->handles[i].mode == TERN_SEND_MOVE)
			thread_forget_listener_handle(transfer->from,
						      transfer->extended->handles[i].handle);
}
