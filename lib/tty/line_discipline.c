/* The terminal line discipline; see the header. POSIX, chapter 11, and what Linux adds. */
#include "line_discipline.h"

#include <signal.h>
#include <unistd.h>

#define DISABLED _POSIX_VDISABLE
#define TAB_WIDTH 8
#define DELETE 0x7f
#define VTIME_NS 100000000ul

void tty_init(struct tty *tty, const struct tty_callbacks *callbacks, void *context)
{
	*tty = (struct tty){ .callbacks = callbacks, .context = context };
	tty->settings = (struct termios){
		.c_iflag = ICRNL | IXON | IUTF8 | IMAXBEL,
		.c_oflag = OPOST | ONLCR,
		.c_cflag = B38400 | CS8 | CREAD | HUPCL,
		.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
		.c_cc = { [VINTR] = 3,
			  [VQUIT] = 28,
			  [VERASE] = DELETE,
			  [VKILL] = 21,
			  [VEOF] = 4,
			  [VMIN] = 1,
			  [VSTART] = 17,
			  [VSTOP] = 19,
			  [VSUSP] = 26,
			  [VREPRINT] = 18,
			  [VDISCARD] = 15,
			  [VWERASE] = 23,
			  [VLNEXT] = 22 },
	};
}

/* ----------------------------------------------------------------------------------- the ring */

static bool has_input_flag(const struct tty *tty, tcflag_t flag)
{
	return tty->settings.c_iflag & flag;
}

static bool has_local_flag(const struct tty *tty, tcflag_t flag)
{
	return tty->settings.c_lflag & flag;
}

static uint8_t byte_at(const struct tty *tty, uint32_t place)
{
	return tty->input[place % TTY_INPUT_MAX];
}

static bool is_end_at(const struct tty *tty, uint32_t place)
{
	place %= TTY_INPUT_MAX;
	return tty->is_end[place / 8] >> place % 8 & 1;
}

static void push(struct tty *tty, uint8_t byte, bool is_end)
{
	uint32_t place = tty->tail++ % TTY_INPUT_MAX;
	uint8_t bit = (uint8_t)(1u << place % 8);

	tty->input[place] = byte;
	tty->is_end[place / 8] = (uint8_t)(is_end ? tty->is_end[place / 8] | bit
						  : tty->is_end[place / 8] & ~bit);
}

/* Is it one of the special characters that is switched on? */
static bool is_special(const struct tty *tty, uint8_t byte, unsigned int which)
{
	return byte != DISABLED && tty->settings.c_cc[which] == byte;
}

static bool is_end_of_file(const struct tty *tty, uint32_t place)
{
	return is_end_at(tty, place) && is_special(tty, byte_at(tty, place), VEOF);
}

/* ------------------------------------------------------------------------------------- output */

static void show(struct tty *tty, const char *bytes, size_t length)
{
	tty->callbacks->output(tty->context, bytes, length);
}

static bool is_continuation(const struct tty *tty, uint8_t byte)
{
	return has_input_flag(tty, IUTF8) && (byte & 0xc0) == 0x80;
}

/* One character with output processing. */
static void put(struct tty *tty, uint8_t byte)
{
	tcflag_t flags = tty->settings.c_oflag & OPOST ? tty->settings.c_oflag : 0;
	char text[2] = { (char)byte, '\n' };
	size_t length = 1;

	if (byte == '\n' && flags & ONLCR) {
		text[0] = '\r';
		length = 2;
	} else if (byte == '\r' && flags & ONOCR && tty->column == 0) {
		return;
	} else if (byte == '\r' && flags & OCRNL) {
		text[0] = '\n';
	}
	if (byte == '\r' || (byte == '\n' && flags & (ONLCR | ONLRET)))
		tty->column = 0;
	else if (byte == '\b')
		tty->column -= tty->column > 0;
	else if (byte == '\t')
		tty->column = tty->column / TAB_WIDTH * TAB_WIDTH + TAB_WIDTH;
	else if (byte >= ' ' && byte != DELETE && !is_continuation(tty, byte))
		tty->column++;
	show(tty, text, length);
}

void tty_write(struct tty *tty, const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		put(tty, ((const uint8_t *)bytes)[i]);
}

/* ------------------------------------------------------------------------------------ echoing */

/* Shown as ^X rather than as itself. */
static bool is_control(const struct tty *tty, uint8_t byte)
{
	return has_local_flag(tty, ECHOCTL) && byte != '\t' && byte != '\n' &&
	       (byte < ' ' || byte == DELETE);
}

static void echo(struct tty *tty, uint8_t byte)
{
	if (!has_local_flag(tty, ECHO) && !(byte == '\n' && has_local_flag(tty, ECHONL)))
		return;
	if (is_control(tty, byte)) {
		put(tty, '^');
		put(tty, byte ^ 0x40);
	} else {
		put(tty, byte);
	}
}

/* The column behind the line being edited, had it been shown up to `end`. */
static uint32_t column_at(const struct tty *tty, uint32_t end)
{
	uint32_t column = tty->line_column;

	for (uint32_t place = tty->line; place != end; place++) {
		uint8_t byte = byte_at(tty, place);

		if (byte == '\t')
			column = column / TAB_WIDTH * TAB_WIDTH + TAB_WIDTH;
		else if (is_control(tty, byte))
			column += 2;
		else if (byte >= ' ' && !is_continuation(tty, byte))
			column++;
	}
	return column;
}

/* ------------------------------------------------------------------------------------ editing */

/* Take the last character of the line back, with all its bytes. */
static void drop_character(struct tty *tty)
{
	do
		tty->tail--;
	while (tty->tail != tty->line && is_continuation(tty, byte_at(tty, tty->tail)));
}

/* Back the cursor to where the line now ends. */
static void erase_shown(struct tty *tty)
{
	uint32_t column = column_at(tty, tty->tail);

	if (!has_local_flag(tty, ECHO))
		return;
	while (tty->column > column) {
		show(tty, "\b \b", 3);
		tty->column--;
	}
}

static void erase(struct tty *tty, uint8_t byte)
{
	if (tty->tail == tty->line)
		return;
	drop_character(tty);
	if (has_local_flag(tty, ECHOE))
		erase_shown(tty);
	else
		echo(tty, byte);
}

static bool is_word_byte(uint8_t byte)
{
	return byte != ' ' && byte != '\t';
}

static void erase_word(struct tty *tty)
{
	while (tty->tail != tty->line && !is_word_byte(byte_at(tty, tty->tail - 1)))
		drop_character(tty);
	while (tty->tail != tty->line && is_word_byte(byte_at(tty, tty->tail - 1)))
		drop_character(tty);
	erase_shown(tty);
}

static void erase_line(struct tty *tty, uint8_t byte)
{
	tty->tail = tty->line;
	if (has_local_flag(tty, ECHOKE) && has_local_flag(tty, ECHOE)) {
		erase_shown(tty);
		return;
	}
	echo(tty, byte);
	if (has_local_flag(tty, ECHOK))
		echo(tty, '\n');
}

static void reprint(struct tty *tty, uint8_t byte)
{
	echo(tty, byte);
	echo(tty, '\n');
	tty->line_column = tty->column;
	for (uint32_t place = tty->line; place != tty->tail; place++)
		echo(tty, byte_at(tty, place));
}

/* True: it was an editing character. */
static bool edit(struct tty *tty, uint8_t byte)
{
	bool is_extended = has_local_flag(tty, IEXTEN);

	if (is_special(tty, byte, VERASE))
		erase(tty, byte);
	else if (is_special(tty, byte, VKILL))
		erase_line(tty, byte);
	else if (is_extended && is_special(tty, byte, VWERASE))
		erase_word(tty);
	else if (is_extended && is_special(tty, byte, VREPRINT))
		reprint(tty, byte);
	else
		return false;
	return true;
}

/* -------------------------------------------------------------------------------------- input */

static void ring_bell(struct tty *tty)
{
	if (has_input_flag(tty, IMAXBEL))
		show(tty, "\a", 1);
}

/* True: it was typed to raise a signal. */
static bool raise_signal(struct tty *tty, uint8_t byte)
{
	int signal = 0;

	if (!has_local_flag(tty, ISIG))
		return false;
	if (is_special(tty, byte, VINTR))
		signal = SIGINT;
	else if (is_special(tty, byte, VQUIT))
		signal = SIGQUIT;
	else if (is_special(tty, byte, VSUSP))
		signal = SIGTSTP;
	if (!signal)
		return false;
	tty->is_stopped = false;
	echo(tty, byte);
	if (!has_local_flag(tty, NOFLSH))
		tty_flush_input(tty);
	tty->callbacks->signal(tty->context, signal);
	return true;
}

/* True: it was typed to stop or start output. */
static bool control_flow(struct tty *tty, uint8_t byte)
{
	bool is_start = is_special(tty, byte, VSTART), is_stop = is_special(tty, byte, VSTOP);

	if (!has_input_flag(tty, IXON))
		return false;
	if (is_start || is_stop) {
		tty->is_stopped = is_stop && !(is_start && tty->is_stopped);
		return true;
	}
	if (has_input_flag(tty, IXANY))
		tty->is_stopped = false;
	return false;
}

/* False: it is ignored. */
static bool translate(const struct tty *tty, uint8_t *byte)
{
	if (has_input_flag(tty, ISTRIP))
		*byte &= 0x7f;
	if (*byte == '\r' && has_input_flag(tty, IGNCR))
		return false;
	if (*byte == '\r' && has_input_flag(tty, ICRNL))
		*byte = '\n';
	else if (*byte == '\n' && has_input_flag(tty, INLCR))
		*byte = '\r';
	return true;
}

static bool ends_line(const struct tty *tty, uint8_t byte)
{
	return byte == '\n' || is_special(tty, byte, VEOF) || is_special(tty, byte, VEOL) ||
	       (has_local_flag(tty, IEXTEN) && is_special(tty, byte, VEOL2));
}

static void append(struct tty *tty, uint8_t byte, bool is_end)
{
	/* The last place of a line is kept for what ends it. */
	uint32_t room = TTY_INPUT_MAX - (tty->tail - tty->head);

	if (room <= (has_local_flag(tty, ICANON) && !is_end)) {
		ring_bell(tty);
		return;
	}
	if (tty->tail == tty->line)
		tty->line_column = tty->column;
	if (!(is_end && is_special(tty, byte, VEOF)))
		echo(tty, byte);
	push(tty, byte, is_end);
	if (is_end || !has_local_flag(tty, ICANON))
		tty->line = tty->tail;
}

void tty_receive(struct tty *tty, uint8_t byte)
{
	bool is_canonical = has_local_flag(tty, ICANON);

	if (tty->is_literal) {
		tty->is_literal = false;
		append(tty, byte, false);
		return;
	}
	if (control_flow(tty, byte) || raise_signal(tty, byte) || !translate(tty, &byte))
		return;
	if (is_canonical && has_local_flag(tty, IEXTEN) && is_special(tty, byte, VLNEXT)) {
		tty->is_literal = true;
		return;
	}
	if (is_canonical && edit(tty, byte))
		return;
	append(tty, byte, is_canonical && ends_line(tty, byte));
}

/* ------------------------------------------------------------------------------------ reading */

bool tty_has_input(const struct tty *tty)
{
	return tty->head != tty->line;
}

size_t tty_input_length(const struct tty *tty)
{
	uint32_t place = tty->head;

	if (!has_local_flag(tty, ICANON))
		return tty->line - tty->head;
	for (; place != tty->line; place++)
		if (is_end_at(tty, place))
			return place - tty->head + !is_end_of_file(tty, place);
	return place - tty->head;
}

enum tty_wait tty_ready(const struct tty *tty, size_t wanted, bool has_timed_out)
{
	size_t available = tty->line - tty->head;
	cc_t least = tty->settings.c_cc[VMIN], time = tty->settings.c_cc[VTIME];

	if (has_local_flag(tty, ICANON))
		return available ? TTY_READ : TTY_WAIT_INPUT;
	if (available >= wanted || (least && available >= least) || (!least && available))
		return TTY_READ;
	if (!time)
		return least ? TTY_WAIT_INPUT : TTY_READ;
	if (!least)
		return has_timed_out ? TTY_READ : TTY_WAIT_TIMER;
	if (!available)
		return TTY_WAIT_INPUT;
	return has_timed_out ? TTY_READ : TTY_WAIT_BETWEEN;
}

bool tty_waits(const struct tty *tty, struct tty_patience *patience, size_t wanted, uint64_t now,
	       uint64_t *deadline)
{
	uint64_t time = tty->settings.c_cc[VTIME] * VTIME_NS;
	bool has_timed_out = patience->deadline && now >= patience->deadline;
	enum tty_wait wait = tty_ready(tty, wanted, has_timed_out);

	if (wait == TTY_WAIT_TIMER && !patience->deadline)
		patience->deadline = now + time;
	else if (wait == TTY_WAIT_BETWEEN)
		patience->deadline = patience->last_arrival + time;
	else if (wait != TTY_WAIT_TIMER)
		patience->deadline = 0;
	*deadline = patience->deadline;
	return wait != TTY_READ;
}

/* A line that is longer than the queue has room for loses bytes: nobody could read it before its end. */
size_t tty_room(const struct tty *tty)
{
	size_t used = tty->tail - tty->head;

	if (!has_local_flag(tty, ICANON))
		return TTY_INPUT_MAX - used;
	if (tty->head == tty->line)
		return SIZE_MAX;
	return used < TTY_INPUT_MAX ? TTY_INPUT_MAX - 1 - used : 0;
}

size_t tty_read(struct tty *tty, void *to, size_t length)
{
	bool is_canonical = has_local_flag(tty, ICANON);
	size_t done = 0;

	while (tty->head != tty->line) {
		uint32_t place = tty->head;
		bool is_end = is_canonical && is_end_at(tty, place);

		if (is_canonical && is_end_of_file(tty, place)) {
			tty->head++;
			break;
		}
		if (done == length)
			break;
		((uint8_t *)to)[done++] = byte_at(tty, place);
		tty->head++;
		if (is_end)
			break;
	}
	return done;
}

/* ----------------------------------------------------------------------------------- settings */

void tty_flush_input(struct tty *tty)
{
	tty->head = tty->line = tty->tail;
	tty->is_literal = false;
}

void tty_set(struct tty *tty, const struct termios *settings)
{
	tty->settings = *settings;
	if (!has_local_flag(tty, ICANON))
		tty->line = tty->tail;
	if (!has_input_flag(tty, IXON))
		tty->is_stopped = false;
}
