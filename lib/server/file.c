#include "lib/server/file.h"

#include <errno.h>
#include <string.h>

#include "proto/file.h"

int file_payload(const struct server_call *call, size_t total, size_t offset, void *to,
		 size_t length)
{
	if (total > FILE_INLINE)
		return server_read(call, offset, to, length);
	memcpy(to, (const char *)&call->message.words[FILE_INLINE_WORD] + offset, length);
	return 0;
}

int64_t file_answer_redirect(struct server_call *call, uint32_t covered, const char *rest,
			     size_t length)
{
	while (length && *rest == '/')
		rest++, length--;
	call->message.words[1] = covered ? FILE_REDIRECT_COVERED : FILE_REDIRECT_ABOVE;
	call->message.words[2] = FILE_REDIRECT_WORD(covered, length);
	if (length <= FILE_INLINE)
		memcpy(&call->message.words[FILE_INLINE_WORD], rest, length);
	else if (server_write(call, 0, rest, length) == -EFAULT)
		return -EFAULT;
	return -EREMOTE;
}

int64_t file_answer_entries(struct server_call *call, const char *entries, size_t length,
			    uint64_t cookie)
{
	int error = server_write(call, 0, entries, length);

	call->message.words[1] = cookie;
	return error ? error : (int64_t)length;
}
