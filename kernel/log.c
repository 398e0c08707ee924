/*
 * The log: whole lines, with time and level. It goes straight to the console's device until a program
 * has that; then to a ring which this program reads. The ring is shared with it, so nothing that the
 * program can write there is trusted: `ring_written` is the kernel's own, `read` is checked.
 */
#include "kernel/log.h"

#include "arch/page_table.h"
#include "kernel/boot.h"
#include "kernel/hart.h"
#include "kernel/ipc.h"
#include "kernel/page_alloc.h"
#include "tern/system.h"

#define RING_ORDER 2
_Static_assert(PAGE_SIZE << RING_ORDER == TERN_LOG_RING_LENGTH, "the ring's pages");
_Static_assert(sizeof(struct tern_log_ring) == TERN_LOG_RING_LENGTH, "the ring's pages");

enum log_level log_threshold = LOG_INFO;

static struct spinlock log_lock = SPINLOCK_INIT(LOCK_RANK_LOG); /* all below */
static struct tern_log_ring *ring;
static u64 ring_written;
static struct object *reader; /* a client port, with a reference; NULL: print */

paddr log_ring_init(void)
{
	paddr pages = page_alloc_zeroed(RING_ORDER);

	ring = pages ? phys_to_virt(pages) : NULL;
	return pages;
}

/* How many bytes nobody has printed. A reader that writes nonsense loses or repeats its own. */
static u64 ring_unread(void)
{
	u64 unread = ring_written - __atomic_load_n(&ring->read, __ATOMIC_RELAXED);

	return unread <= sizeof(ring->data) ? unread : 0;
}

static void ring_print(void)
{
	for (u64 at = ring_written - ring_unread(); at != ring_written; at++)
		arch_console_write(&ring->data[at % sizeof(ring->data)], 1);
	__atomic_store_n(&ring->read, ring_written, __ATOMIC_RELAXED);
}

static void ring_append(const char *text, size_t length)
{
	if (ring_unread() + length > sizeof(ring->data))
		ring_print();
	for (size_t i = 0; i < length; i++)
		ring->data[ring_written++ % sizeof(ring->data)] = text[i];
	/* Pairs with the reader's acquire: it finds the bytes. */
	__atomic_store_n(&ring->written, ring_written, __ATOMIC_RELEASE);
}

void log_write(const char *text, size_t length)
{
	spin_lock(&log_lock);
	if (!reader) {
		arch_console_write(text, length);
	} else if (port_of(reader)->is_revoked) {
		ring_print();
		arch_console_write(text, length);
	} else {
		ring_append(text, length);
	}
	spin_unlock(&log_lock);
}

void log_announce(void)
{
	struct object *port;

	spin_lock(&log_lock);
	port = reader;
	if (port)
		object_get(port);
	spin_unlock(&log_lock);
	if (!port)
		return;
	port_notify(port, TERN_LOG_WRITTEN);
	object_put(port);
}

void log_set_reader(struct object *port)
{
	struct object *old;

	spin_lock(&log_lock);
	old = reader;
	reader = port;
	if (!port && ring)
		ring_print();
	spin_unlock(&log_lock);
	if (old)
		object_put(old);
}

void log_break_lock(void)
{
	spin_init(&log_lock, LOCK_RANK_LOG);
	arch_hart()->held_count = 0;
	if (reader)
		ring_print();
	reader = NULL;
}

static int prefix(char *line, size_t size, const char *format, ...)
{
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = log_format(line, size, format, arguments);
	va_end(arguments);
	return (int)length;
}

void log_print(enum log_level level, const char *format, ...)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	char line[256];
	u64 now = machine.time_multiplier ? arch_time() / 1000 : 0;
	size_t length;
	va_list arguments;

	if (level > log_threshold)
		return;
	length = (size_t)prefix(line, sizeof(line), "[%lu.%06lu] %s: ", now / 1000000,
				now % 1000000, names[level]);
	va_start(arguments, format);
	length += log_format(line + length, sizeof(line) - length - 1, format, arguments);
	va_end(arguments);
	length = min_u64(length, sizeof(line) - 2);
	line[length] = '\n';
	log_write(line, length + 1);
}
