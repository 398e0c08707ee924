/* Copying to, from and between user spaces, page by page through the direct map. */
#include "kernel/user_copy.h"

#include "kernel/address_space.h"
#include "kernel/memory.h"
#include "kernel/process.h"

bool user_range_is_valid(u64 address, u64 length)
{
	return address <= TERN_USER_TOP && length <= TERN_USER_TOP - address;
}

static size_t to_page_end(u64 address)
{
	return PAGE_SIZE - (address & (PAGE_SIZE - 1));
}

int copy_from_user(struct process *process, void *to, uaddr from, size_t length)
{
	int error = 0;

	while (length) {
		size_t step = min_u64(length, to_page_end(from.value));
		const void *source = address_space_resolve(process, from, ACCESS_READ, &error);

		if (!source)
			return error;
		memcpy(to, source, step);
		to = (char *)to + step;
		from.value += step;
		length -= step;
	}
	return 0;
}

int copy_to_user(struct process *process, uaddr to, const void *from, size_t length)
{
	int error = 0;

	while (length) {
		size_t step = min_u64(length, to_page_end(to.value));
		void *target = address_space_resolve(process, to, ACCESS_WRITE, &error);

		if (!target)
			return error;
		memcpy(target, from, step);
		from = (const char *)from + step;
		to.value += step;
		length -= step;
	}
	return 0;
}

s64 copy_between(struct process *to_process, uaddr to, struct process *from_process, uaddr from,
		 size_t length)
{
	size_t done = 0;
	int error = 0;

	while (done < length) {
		size_t step = min_u64(length - done,
				      min_u64(to_page_end(to.value), to_page_end(from.value)));
		const void *source = address_space_resolve(from_process, from, ACCESS_READ, &error);
		void *target = source ? address_space_resolve(to_process, to, ACCESS_WRITE, &error)
				      : NULL;

		if (!target)
			return done ? (s64)done : error;
		memmove(target, source, step);
		to.value += step;
		from.value += step;
		done += step;
	}
	return (s64)done;
}
