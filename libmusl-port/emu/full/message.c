/* Messages of sockets: send and receive with everything, addresses and descriptors included. */
#include "socket.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "emu_full.h"
#include "files_internal.h"
#include "mqueue.h"
#include "path.h"
#include "stream.h"

#define PARTS_MAX 1024
#define SENT_MAX EMU_BUFFER_SIZE /* that goes through a buffer at a time */

uint32_t emu_message_flags(const struct emu_description *socket, int flags)
{
	return (flags & MSG_DONTWAIT ? IO_NONBLOCK : 0) | (flags & MSG_PEEK ? PIPE_PEEK : 0) |
	       emu_stream_flags(socket);
}

/* Do reads and writes keep what was sent apart? */
static bool type_is_messages(const struct emu_description *socket)
{
	struct tern_received message = { .words = { PIPE_OP_type } };

	return io_ask(socket->io, &message) != PIPE_STREAM;
}

/* --------------------------------------------------------------------------------- buffers */

static long total_of(const struct iovec *user, uint64_t count, size_t *total)
{
	*total = 0;
	if (count > PARTS_MAX)
		return -EMSGSIZE;
	for (uint64_t i = 0; i < count; i++) {
		struct iovec part;

		if (emu_copy_in(&part, &user[i], sizeof(part)))
			return -EFAULT;
		if (part.iov_len > INT32_MAX)
			return -EINVAL;
		*total += part.iov_len;
	}
	return 0;
}

/* Between the parts in user memory and the buffer. */
static long copy_parts(const struct iovec *user, uint64_t count, char *buffer, size_t length,
		       bool is_out)
{
	for (uint64_t i = 0; i < count && length; i++) {
		struct iovec part;
		size_t piece;
		long result = emu_copy_in(&part, &user[i], sizeof(part));

		if (result)
			return result;
		piece = part.iov_len < length ? part.iov_len : length;
		result = is_out ? emu_copy_out(part.iov_base, buffer, piece)
				: emu_copy_in(buffer, part.iov_base, piece);
		if (result)
			return result;
		buffer += piece;
		length -= piece;
	}
	return 0;
}

/* ------------------------------------------------------------------------------------- sending */

struct sending {
	struct emu_description *socket;
	uint64_t address[2];
	tern_handle box; /* descriptors; 0: none */
	uint32_t flags;
};

/* One message, or as many bytes as go at once. `data` may be the user's. */
static long send_once(const struct sending *sending, const void *data, size_t length)
{
	struct tern_extended extended = { .in_address = (uint64_t)data, .in_length = length };
	struct tern_received message = {
		.words = { PIPE_OP_send | sending->flags, length, sending->address[0],
			   sending->address[1] },
	};
	tern_result result;

	if (sending->box) {
		extended.handle_count = 1;
		extended.handles[0].handle = sending->box;
		extended.handles[0].rights = TERN_RIGHTS_ALL & ~TERN_RIGHT_NO_INHERIT;
		extended.handles[0].mode = TERN_SEND_COPY;
	}
	if (emu_is_due())
		return -EINTR;
	result = tern_call_ext(sending->socket->io, &message, &extended);
	if (result < 0)
		return result == -EINVAL ? -EFAULT : result;
	result = (tern_result)message.words[0];
	return result > (tern_result)length ? -EIO : result;
}

static long send_in_time(const struct sending *sending, const void *data, size_t length)
{
	struct sending now = *sending;
	uint64_t deadline = 0;
	long result;

	if (!emu_socket_has_time(sending->socket, sending->flags, true))
		return send_once(sending, data, length);
	now.flags |= IO_NONBLOCK;
	do
		result = send_once(&now, data, length);
	while (result == -EAGAIN &&
	       !(result = emu_socket_wait(sending->socket, IO_OUT, &deadline)));
	return result;
}

static long send_touched(const struct sending *sending, const void *data, size_t length)
{
	long result = send_in_time(sending, data, length);

	for (int i = 0; i < IO_FAULT_TRIES && result == -EFAULT && length; i++) {
		if (tern_touch(data, length < TERN_TOUCH_MAX ? length : TERN_TOUCH_MAX, 0) < 0)
			break;
		result = send_in_time(sending, data, length);
	}
	return result;
}

/* All of it; what has a box or an address is one message. */
static long send_all(struct sending *sending, const char *data, size_t length, int flags)
{
	size_t done = 0;
	long result;

	do {
		result = send_touched(sending, data + done, length - done);
		if (result < 0)
			break;
		sending->box = 0;
		done += (size_t)result;
	} while (result && done < length && !(sending->flags & IO_NONBLOCK));
	if (result == -EPIPE && !done && !(flags & MSG_NOSIGNAL))
		emu_signal_self(SIGPIPE);
	return done ? (long)done : result;
}

long emu_sendto(int number, const void *user, size_t length, int flags, const void *user_address,
		uint32_t address_length)
{
	struct sending sending = { .address = { 0, 0 } };
	struct emu_address address;
	long result;

	sending.socket = emu_socket_of(number, &result);
	if (!sending.socket)
		return result;
	sending.flags = emu_message_flags(sending.socket, flags & ~MSG_PEEK);
	if (user_address) {
		result = emu_address_get(&address, user_address, address_length);
		if (!result)
			result = emu_address_find(&address, sending.address);
	}
	return result < 0 ? result : send_all(&sending, user, length, flags);
}

/* The descriptors that the control data name go into a box. */
static long pack_control(const struct msghdr *header, tern_handle *box)
{
	int numbers[EMU_RIGHTS_MAX];
	struct cmsghdr control;
	const char *user = header->msg_control;
	uint32_t count;

	*box = 0;
	if (!header->msg_controllen || !user)
		return 0;
	if (header->msg_controllen < sizeof(control) ||
	    emu_copy_in(&control, user, sizeof(control)))
		return -EINVAL;
	if (control.cmsg_level != SOL_SOCKET || control.cmsg_type != SCM_RIGHTS)
		return control.cmsg_level == SOL_SOCKET ? 0 : -EINVAL;
	if (control.cmsg_len < sizeof(control) || control.cmsg_len > header->msg_controllen)
		return -EINVAL;
	count = (uint32_t)((control.cmsg_len - sizeof(control)) / sizeof(int));
	if (count > EMU_RIGHTS_MAX)
		return -EINVAL;
	if (emu_copy_in(numbers, user + sizeof(control), count * sizeof(int)))
		return -EFAULT;
	return count ? emu_rights_pack(numbers, count, box) : 0;
}

static long send_parts(struct sending *sending, const struct msghdr *header, int flags)
{
	size_t total;
	char *buffer;
	long result = total_of(header->msg_iov, (uint64_t)header->msg_iovlen, &total);

	if (result)
		return result;
	if (total > SENT_MAX && type_is_messages(sending->socket))
		return -EMSGSIZE;
	if (total > SENT_MAX)
		total = SENT_MAX;
	buffer = emu_buffer_take();
	if (!buffer)
		return -ENOMEM;
	result = copy_parts(header->msg_iov, (uint64_t)header->msg_iovlen, buffer, total, false);
	if (!result)
		result = send_all(sending, buffer, total, flags);
	emu_buffer_give(buffer);
	return result;
}

long emu_sendmsg(int number, const struct msghdr *user, int flags)
{
	struct sending sending = { .address = { 0, 0 } };
	struct emu_address address;
	struct msghdr header;
	tern_handle box = 0;
	long result;

	sending.socket = emu_socket_of(number, &result);
	if (!sending.socket)
		return result;
	if (emu_copy_in(&header, user, sizeof(header)))
		return -EFAULT;
	sending.flags = emu_message_flags(sending.socket, flags & ~MSG_PEEK);
	if (header.msg_name && header.msg_namelen) {
		result = emu_address_get(&address, header.msg_name, header.msg_namelen);
		if (!result)
			result = emu_address_find(&address, sending.address);
	}
	if (result >= 0)
		result = pack_control(&header, &box);
	if (result < 0)
		return result;
	sending.box = box;
	result = send_parts(&sending, &header, flags);
	if (box)
		tern_handle_close(box);
	return result;
}

/* ----------------------------------------------------------------------------------- receiving */

struct receiving {
	struct emu_description *socket;
	uint32_t flags;
	bool wants_box;
	/* What came. */
	tern_handle box;
	uint64_t sender;
	size_t full_length;
	bool is_truncated;
};

static long receive_once(struct receiving *receiving, void *data, size_t length)
{
	struct tern_extended extended = { .accept_count = receiving->wants_box ? 1 : 0,
					  .out_address = (uint64_t)data,
					  .out_length = length };
	struct tern_received message = { .words = { PIPE_OP_receive | receiving->flags, length } };
	tern_result result;

	if (emu_is_due())
		return -EINTR;
	result = tern_call_ext(receiving->socket->io, &message, &extended);
	if (result < 0)
		return result == -EINVAL ? -EFAULT : result;
	receiving->box = message.handle_count ? message.handles[0] : 0;
	result = (tern_result)message.words[0];
	if (result > (tern_result)length)
		return -EIO;
	if (result < 0)
		return result;
	if (message.words[1] & IO_INLINE && result <= IO_INLINE_MAX)
		__builtin_memcpy(data, io_inline(&message), (size_t)result);
	receiving->sender = message.words[2];
	receiving->is_truncated = message.words[1] & PIPE_TRUNCATED;
	receiving->full_length = receiving->is_truncated ? message.words[1] >> 32 : (size_t)result;
	return result;
}

static long receive_in_time(struct receiving *receiving, void *data, size_t length)
{
	uint32_t flags = receiving->flags;
	uint64_t deadline = 0;
	long result;

	if (!emu_socket_has_time(receiving->socket, flags, false))
		return receive_once(receiving, data, length);
	receiving->flags |= IO_NONBLOCK;
	do
		result = receive_once(receiving, data, length);
	while (result == -EAGAIN &&
	       !(result = emu_socket_wait(receiving->socket, IO_IN, &deadline)));
	receiving->flags = flags;
	return result;
}

/* Into emu's buffer, which is there: one message, or what there is. */
static long receive_all(struct receiving *receiving, char *buffer, size_t length, int flags)
{
	bool is_whole = flags & MSG_WAITALL && !(flags & MSG_PEEK) &&
			!type_is_messages(receiving->socket);
	long result = receive_in_time(receiving, buffer, length);

	while (is_whole && result > 0 && (size_t)result < length && !receiving->box) {
		long more = receive_in_time(receiving, buffer + result, length - (size_t)result);

		if (more <= 0)
			break;
		result += more;
	}
	return result;
}

static long prepare(struct receiving *receiving, int number, int flags)
{
	long result;

	receiving->socket = emu_socket_of(number, &result);
	if (receiving->socket)
		receiving->flags = emu_message_flags(receiving->socket, flags);
	return result;
}

static long told_length(const struct receiving *receiving, long result, int flags)
{
	return result >= 0 && flags & MSG_TRUNC ? (long)receiving->full_length : result;
}

static void drop_box(struct receiving *receiving)
{
	if (receiving->box)
		tern_handle_close(receiving->box);
	receiving->box = 0;
}

/* Sockets that are connected tell nobody. */
static long tell_sender(const struct receiving *receiving, void *user, uint32_t *user_length)
{
	uint32_t none = 0;

	if (receiving->sender > 1)
		return emu_address_tell(receiving->socket, receiving->sender, user, user_length);
	return emu_copy_out(user_length, &none, sizeof(none));
}

long emu_recvfrom(int number, void *user, size_t length, int flags, void *user_address,
		  uint32_t *user_length)
{
	struct receiving receiving = { .box = 0 };
	long result = prepare(&receiving, number, flags), error = 0;
	char *buffer = result ? NULL : emu_buffer_take();

	if (result == -EOPNOTSUPP)
		return emu_wake_receive(emu_descriptor(number), user, length, flags);
	if (!buffer)
		return result ? result : -ENOMEM;
	if (length > EMU_BUFFER_SIZE)
		length = EMU_BUFFER_SIZE;
	result = receive_all(&receiving, buffer, length, flags);
	drop_box(&receiving);
	if (result > 0)
		error = emu_copy_out(user, buffer, (size_t)result);
	emu_buffer_give(buffer);
	if (result >= 0 && !error && user_address)
		error = tell_sender(&receiving, user_address, user_length);
	return error ? error : told_length(&receiving, result, flags);
}

/* The box's descriptors, as control data. */
static long tell_rights(struct receiving *receiving, struct msghdr *header, int flags)
{
	int numbers[EMU_RIGHTS_MAX];
	struct cmsghdr control = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	uint32_t room = 0;
	bool is_cut = true;
	long count;

	if (header->msg_controllen >= CMSG_LEN(sizeof(int)))
		room = (uint32_t)((header->msg_controllen - sizeof(control)) / sizeof(int));
	header->msg_controllen = 0;
	if (!receiving->box)
		return 0;
	count = emu_rights_unpack(receiving->box, numbers,
				  room < EMU_RIGHTS_MAX ? room : EMU_RIGHTS_MAX,
				  flags & MSG_CMSG_CLOEXEC ? FD_CLOEXEC : 0, &is_cut);
	receiving->box = 0;
	if (is_cut)
		header->msg_flags |= MSG_CTRUNC;
	if (!count)
		return 0;
	control.cmsg_len = (socklen_t)CMSG_LEN((size_t)count * sizeof(int));
	header->msg_controllen = (socklen_t)CMSG_SPACE((size_t)count * sizeof(int));
	if (emu_copy_out(header->msg_control, &control, sizeof(control)) ||
	    emu_copy_out((char *)header->msg_control + sizeof(control), numbers,
			 (size_t)count * sizeof(int)))
		return -EFAULT;
	return 0;
}

static long tell_header(struct receiving *receiving, struct msghdr *header, struct msghdr *user,
			int flags)
{
	long result = 0;

	header->msg_flags = receiving->is_truncated ? MSG_TRUNC : 0;
	if (header->msg_name)
		result = tell_sender(receiving, header->msg_name, &user->msg_namelen);
	if (!result)
		result = tell_rights(receiving, header, flags);
	if (!result)
		result = emu_copy_out(&user->msg_controllen, &header->msg_controllen,
				      sizeof(header->msg_controllen));
	if (!result)
		result = emu_copy_out(&user->msg_flags, &header->msg_flags,
				      sizeof(header->msg_flags));
	return result;
}

long emu_recvmsg(int number, struct msghdr *user, int flags)
{
	struct receiving receiving = { .wants_box = !(flags & MSG_PEEK) };
	struct msghdr header;
	size_t total;
	char *buffer;
	long result = prepare(&receiving, number, flags), error = 0;

	if (!result)
		result = emu_copy_in(&header, user, sizeof(header));
	if (!result)
		result = total_of(header.msg_iov, (uint64_t)header.msg_iovlen, &total);
	if (result)
		return result;
	buffer = emu_buffer_take();
	if (!buffer)
		return -ENOMEM;
	if (total > EMU_BUFFER_SIZE)
		total = EMU_BUFFER_SIZE;
	result = receive_all(&receiving, buffer, total, flags);
	if (result > 0)
		error = copy_parts(header.msg_iov, (uint64_t)header.msg_iovlen, buffer,
				   (size_t)result, true);
	emu_buffer_give(buffer);
	if (result >= 0 && !error)
		error = tell_header(&receiving, &header, user, flags);
	drop_box(&receiving);
	return error ? error : told_length(&receiving, result, flags);
}
