/* Calls with windows; see client.h. */
#include "lib/server/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOUCH_STEP (4ul << 20) /* the most that tern_touch takes */

static int64_t call_once(tern_handle port, struct tern_received *message,
			 const struct tern_received *request, const struct tern_extended *extended)
{
	tern_result result;

	*message = *request;
	result = tern_call_ext(port, message, extended);
	return result < 0 ? result : (int64_t)message->words[0];
}

static int touch(uint64_t address, uint64_t length, int write)
{
	while (length) {
		uint64_t step = length < TOUCH_STEP ? length : TOUCH_STEP;
		tern_result result = tern_touch((const void *)address, step, write);

		if (result)
			return (int)result;
		address += step;
		length -= step;
	}
	return 0;
}

static int touch_windows(const struct tern_extended *extended)
{
	int error = touch(extended->in_address, extended->in_length, 0);

	return error ? error : touch(extended->out_address, extended->out_length, 1);
}

static int64_t call_bounced(tern_handle port, struct tern_received *message,
			    const struct tern_received *request,
			    const struct tern_extended *extended)
{
	struct tern_extended bounced = *extended;
	char *buffer;
	int64_t result;

	if (extended->in_length > CLIENT_BOUNCE_MAX ||
	    extended->out_length > CLIENT_BOUNCE_MAX - extended->in_length)
		return -EFAULT;
	buffer = calloc(1, extended->in_length + extended->out_length + 1);
	if (!buffer)
		return -ENOMEM;
	bounced.in_address = (uint64_t)buffer;
	bounced.out_address = (uint64_t)buffer + extended->in_length;
	memcpy(buffer, (const void *)extended->in_address, extended->in_length);
	/* The out window goes both ways: the server may write some of it. */
	memcpy(buffer + extended->in_length, (const void *)extended->out_address,
	       extended->out_length);
	result = touch_windows(&bounced);
	if (!result)
		result = call_once(port, message, request, &bounced);
	if (result >= 0)
		memcpy((void *)extended->out_address, buffer + extended->in_length,
		       extended->out_length);
	free(buffer);
	return result;
}

int64_t client_call(tern_handle port, struct tern_received *message,
		    const struct tern_extended *extended)
{
	struct tern_received request = *message;
	int64_t result = call_once(port, message, &request, extended);

	if (result != -EFAULT)
		return result;
	result = touch_windows(extended);
	if (result)
		return result;
	result = call_once(port, message, &request, extended);
	return result == -EFAULT ? call_bounced(port, message, &request, extended) : result;
}
