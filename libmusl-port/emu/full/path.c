/* Paths: where they begin, the request about them, and what to do when they leave a mount: see path.h. */
#include "path.h"

#include <fcntl.h>

#include "emu_full.h"

#define REDIRECTS_MAX 40

long emu_guarded_string(char *to, const char *from, size_t size);
struct emu_description *emu_working_directory, *emu_root_directory;

/* --------------------------------------------------------------------------------- the start */

static void begin_absolute(struct emu_path *path)
{
	size_t skip = 0;

	path->token = 0;
	if (emu_root_directory) {
		path->mount = emu_root_directory->mount;
		return;
	}
	if (path->text[1] == 'd')
		emu_path_rename(path);
	if (path->text[1] == 'p' && emu_path_leads_on(path))
		return;
	path->mount = emu_mount_of_path(path->text, path->length, &skip);
	path->text += skip;
	path->length -= skip;
}

void emu_path_begin_at(struct emu_path *path, const struct emu_description *directory)
{
	if (directory) {
		path->mount = directory->mount;
		path->token = directory->token;
		return;
	}
	path->token = 0;
	path->mount = emu_mount_of_path("/", 1, &(size_t){ 0 });
}

/* The text stands in the path's own memory or its buffer. */
static long begin(struct emu_path *path, int base, bool is_empty_allowed)
{
	const struct emu_description *directory;

	if (path->length && path->text[0] == '/') {
		begin_absolute(path);
		return 0;
	}
	if (!path->length && !is_empty_allowed)
		return -ENOENT;
	if (base == AT_FDCWD) {
		emu_path_begin_at(path, emu_working_directory);
		return 0;
	}
	directory = emu_descriptor(base);
	if (!directory)
		return -EBADF;
	if (path->length && directory->kind != EMU_DIRECTORY && directory->kind != EMU_PATH)
		return -ENOTDIR;
	return emu_path_of(path, directory);
}

/* A string that is longer than a path's own memory. */
static long take_long(struct emu_path *path, const char *text, bool is_user)
{
	long length;

	path->buffer = emu_buffer_take();
	if (!path->buffer)
		return -ENOMEM;
	length = is_user ? emu_copy_string(path->buffer, text, FILE_PATH_MAX)
			 : emu_guarded_string(path->buffer, text, FILE_PATH_MAX);
	if (length == FILE_PATH_MAX)
		length = -ENAMETOOLONG;
	path->text = path->buffer;
	return length;
}

static long take(struct emu_path *path, int base, const char *text, bool is_user,
		 bool is_empty_allowed)
{
	long length;

	path->port = 0;
	path->buffer = NULL;
	path->text = path->own;
	length = is_user ? emu_copy_string(path->own, text, sizeof(path->own))
			 : emu_guarded_string(path->own, text, sizeof(path->own));
	if (length == -ENAMETOOLONG || length == sizeof(path->own))
		length = take_long(path, text, is_user);
	if (length >= 0) {
		path->length = (size_t)length;
		length = begin(path, base, is_empty_allowed);
	}
	if (length < 0)
		emu_path_end(path);
	return length;
}

long emu_path_user(struct emu_path *path, int base, const char *text, bool is_empty_allowed)
{
	return take(path, base, text, true, is_empty_allowed);
}

long emu_path_kernel(struct emu_path *path, int base, const char *text, bool is_empty_allowed)
{
	return take(path, base, text, false, is_empty_allowed);
}

long emu_path_of(struct emu_path *path, const struct emu_description *description)
{
	if (!emu_has_file(description))
		return -EBADF;
	path->mount = description->mount;
	path->token = description->token;
	/* The open file itself needs no session. */
	if (!path->length)
		path->port = description->port;
	return 0;
}

void emu_path_end(struct emu_path *path)
{
	if (path->buffer)
		emu_buffer_give(path->buffer);
	path->buffer = NULL;
}

/* ------------------------------------------------------------------------------- redirection */

/* The text is now `head`, a slash, and `length` bytes of `rest`. */
static long replace(struct emu_path *path, const char *head, size_t head_length, const char *rest,
		    size_t length)
{
	size_t total = head_length + 1 + length;
	char *to = path->own;

	if (total >= FILE_PATH_MAX)
		return -ENAMETOOLONG;
	if (total >= sizeof(path->own)) {
		if (!path->buffer)
			path->buffer = emu_buffer_take();
		if (!path->buffer)
			return -ENOMEM;
		to = path->buffer;
	}
	__builtin_memmove(to + head_length + 1, rest, length);
	__builtin_memcpy(to, head, head_length);
	to[head_length] = '/';
	to[total] = 0;
	path->text = to;
	path->length = total;
	return 0;
}

/* The directory that holds the mount. */
static long above(struct emu_path *path, const char *rest, size_t length)
{
	size_t parent;
	const char *prefix = emu_mount_prefix(path->mount, &parent);

	while (parent && prefix[parent - 1] != '/')
		parent--;
	return replace(path, prefix, parent ? parent - 1 : 0, rest, length);
}

static long redirect(struct emu_path *path, const struct tern_received *answer, const char *rest,
		     size_t length)
{
	long result;

	path->port = 0;
	switch (answer->words[1] & 0xff) {
	case FILE_REDIRECT_ABSOLUTE:
		while (length && *rest == '/')
			rest++, length--;
		result = replace(path, "", 0, rest, length);
		break;
	case FILE_REDIRECT_ABOVE:
		result = above(path, rest, length);
		break;
	case FILE_REDIRECT_COVERED:
		result = replace(path, "", 0, rest, length);
		path->token = 0;
		path->mount = (uint32_t)answer->words[2];
		return result;
	default:
		return -EIO;
	}
	if (!result)
		begin_absolute(path);
	return result;
}

/* ------------------------------------------------------------------------------- the request */

struct exchange {
	const struct emu_request *request;
	tern_handle port;
	const char *rest; /* of a redirected path; NULL: not answered */
	char *window;     /* for that */
};

/* All in registers. */
static long ask_short(struct emu_path *path, struct exchange *exchange,
		      struct tern_received *message)
{
	const struct emu_request *request = exchange->request;
	tern_result result;

	message->words[0] = FILE_WORD(request->operation, path->length, 0, request->flags);
	message->words[1] = path->port ? 0 : path->token;
	message->words[2] = request->argument;
	for (int i = 0; i < 5; i++)
		message->words[FILE_INLINE_WORD + i] = 0;
	__builtin_memcpy(&message->words[FILE_INLINE_WORD], path->text, path->length);
	result = tern_call(exchange->port, message);
	return result < 0 ? result : (long)message->words[0];
}

/* Strings and data one behind the other; NULL: the first string is all. */
static char *gather(const struct emu_path *path, const struct emu_request *request)
{
	const struct emu_path *second = request->second;
	size_t length = path->length;
	char *to;

	if (!second && !request->data_length)
		return NULL;
	to = emu_buffer_take();
	if (!to)
		return NULL;
	__builtin_memcpy(to, path->text, path->length);
	if (second) {
		__builtin_memcpy(to + length, second->text, second->length);
		length += second->length;
	}
	__builtin_memcpy(to + length, request->data, request->data_length);
	return to;
}

static long ask_long(struct emu_path *path, struct exchange *exchange,
		     struct tern_received *message)
{
	const struct emu_request *request = exchange->request;
	const struct emu_path *second = request->second;
	size_t second_length = second ? second->length : request->second_length;
	char *payload = gather(path, request);
	struct file_long_call call = {
		.op = request->operation,
		.flags = request->flags,
		.length = path->length,
		.second = second_length,
		.payload = payload ? payload : path->text,
		.payload_length = path->length + (second ? second->length : 0) +
				  request->data_length,
		.out = exchange->window ? exchange->window : request->out,
		.out_length = exchange->window ? FILE_PATH_MAX : request->out_length,
		.accept = request->accept,
	};
	long result = -ENOMEM;

	message->words[1] = path->port ? 0 : path->token;
	message->words[2] = second ? second->token : request->argument;
	if (payload || (!second && !request->data_length))
		result = file_call_long(exchange->port, &call, message);
	emu_buffer_give(payload);
	return result;
}

/*
 * A call that says it takes handles leaves the kernel's fast path. Opening a bare file brings none, so it is
 * tried without first; a server that has some to give then answers -E2BIG, and is known for it.
 */
static bool takes_handles(const struct emu_path *path, const struct emu_request *request)
{
	return request->accept && !(request->flags & FILE_BARE && request->operation == FILE_OPEN &&
				    !emu_mount_gives_handles(path->mount, false));
}

static long ask(struct emu_path *path, struct exchange *exchange, struct tern_received *message)
{
	const struct emu_request *request = exchange->request;
	long result;

	do {
		if (request->may_wait && emu_is_due())
			return -EINTR;
		if (path->length > FILE_INLINE || request->second || request->data_length ||
		    request->out_length || exchange->window || takes_handles(path, request))
			result = ask_long(path, exchange, message);
		else
			result = ask_short(path, exchange, message);
		if (result == -E2BIG && !takes_handles(path, request)) {
			emu_mount_gives_handles(path->mount, true);
			result = -EINTR;
		}
	} while (result == -EINTR && !request->may_wait);
	return result;
}

/* Where the path goes on. */
static long follow(struct emu_path *path, struct exchange *exchange, struct tern_received *message)
{
	size_t length = (size_t)(message->words[2] >> 32);

	if (length >= FILE_PATH_MAX)
		return -EIO;
	if (length <= FILE_INLINE)
		return redirect(path, message, (const char *)&message->words[FILE_INLINE_WORD],
				length);
	if (exchange->window) {
		long result = redirect(path, message, exchange->window, length);

		emu_buffer_give(exchange->window);
		exchange->window = NULL;
		return result;
	}
	/* Once more, with room for the rest. */
	exchange->window = emu_buffer_take();
	return exchange->window ? 0 : -ENOMEM;
}

/* The first path has gone to another mount than the second. */
static bool request_is_torn(const struct emu_path *path, const struct emu_request *request)
{
	return request->second && request->second->mount != path->mount;
}

static long call_until_found(struct emu_path *path, struct exchange *exchange,
			     struct tern_received *answer)
{
	bool is_new_session = false;

	for (int i = 0; i < REDIRECTS_MAX; i++) {
		long result;

		exchange->port = path->port ? path->port : emu_session(path->mount);
		if (exchange->port < 0)
			return exchange->port;
		result = ask(path, exchange, answer);
		if (result == -EREMOTE && !(answer->words[1] & FILE_REDIRECT_SECOND)) {
			result = follow(path, exchange, answer);
			if (result)
				return result;
			if (request_is_torn(path, exchange->request))
				return -EXDEV;
			continue;
		}
		if (result != -EPIPE || path->port || is_new_session)
			return result;
		/* The server was restarted: it does not know this session any more. */
		emu_session_drop(path->mount, exchange->port);
		is_new_session = true;
	}
	return -ELOOP;
}

long emu_file_call(const struct emu_description *description, const struct emu_request *request,
		   struct tern_received *answer)
{
	struct emu_path path;
	struct exchange exchange = { .request = request, .port = description->port };

	if (!emu_has_file(description))
		return -EINVAL;
	path.text = "";
	path.length = 0;
	path.port = description->port;
	path.token = description->token;
	path.mount = description->mount;
	path.buffer = NULL;
	return call_until_found(&path, &exchange, answer);
}

void emu_file_close(const struct emu_description *description)
{
	struct emu_request request = { .operation = FILE_CLOSE };
	struct tern_received answer;

	emu_file_call(description, &request, &answer);
}

long emu_file_make_port(struct emu_description *description)
{
	struct emu_request request = { .operation = FILE_PORT, .accept = 1 };
	struct tern_received answer;
	long result = emu_file_call(description, &request, &answer);

	if (result < 0)
		return result;
	if (answer.handle_count != 1)
		return -EIO;
	description->port = answer.handles[0];
	return 0;
}

/* ------------------------------------------------------------------------------- two paths */

/* The path is looked up, so that it begins in the mount where its last name is. */
static long settle(struct emu_path *path)
{
	struct emu_request request = { .operation = FILE_STAT, .flags = FILE_NOFOLLOW };
	struct tern_received answer;
	struct exchange exchange = { .request = &request };
	long result = call_until_found(path, &exchange, &answer);

	emu_buffer_give(exchange.window);
	return result == -ENOENT ? 0 : result;
}

/* Both begin in the same mount afterwards, or -EXDEV. */
static long settle_both(struct emu_path *first, struct emu_path *second)
{
	long result;

	if (first->mount == second->mount)
		return 0;
	result = settle(first);
	if (result >= 0)
		result = settle(second);
	if (result < 0)
		return result;
	return first->mount == second->mount ? 0 : -EXDEV;
}

static long call_with_second(struct emu_path *path, struct exchange *exchange,
			     struct tern_received *answer)
{
	struct emu_path *second = exchange->request->second;
	long result = 0;

	for (int i = 0; i < REDIRECTS_MAX && !result; i++) {
		uint32_t mount = path->mount;

		result = settle_both(path, second);
		if (!result)
			result = call_until_found(path, exchange, answer);
		if (result == -EREMOTE)
			result = follow(second, exchange, answer);
		else if (result == -EXDEV && path->mount != mount)
			result = 0;
		else
			return result;
	}
	return result ? result : -ELOOP;
}

bool emu_path_is_program(const struct emu_path *path)
{
	static const char name[] = "/self/exe";

	return path->length == sizeof(name) - 1 &&
	       !__builtin_memcmp(path->text, name, sizeof(name) - 1) &&
	       path->mount == emu_mount_of_type("proc") && *emu_program_path();
}

long emu_path_call(struct emu_path *path, const struct emu_request *request,
		   struct tern_received *answer)
{
	struct exchange exchange = { .request = request };
	long result;

	if (request->second)
		result = call_with_second(path, &exchange, answer);
	else
		result = call_until_found(path, &exchange, answer);
	if (result == -ENOENT && emu_path_is_program(path)) {
		path->text = emu_program_path();
		path->length = __builtin_strlen(path->text);
		begin_absolute(path);
		result = call_until_found(path, &exchange, answer);
	}
	emu_buffer_give(exchange.window);
	return result;
}
