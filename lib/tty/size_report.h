/*
 * A terminal's size as its other end reports it in the midst of what is typed: telnet's option NAWS (RFC
 * 1073), IAC SB NAWS, columns, rows, IAC SE, two bytes each, the higher first, 255 doubled. It begins with
 * a byte that no UTF-8 text has, so nothing that is typed has to be held back until it is known to be none.
 */
#ifndef LIB_TTY_SIZE_REPORT_H
#define LIB_TTY_SIZE_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "proto/tty.h"

#define SIZE_REPORT_MAX 13 /* with every byte of the size doubled */

enum size_report {
	SIZE_REPORT_NONE, /* the first byte is no report's */
	SIZE_REPORT_PART, /* it may become one */
	SIZE_REPORT_WHOLE
};

/* What do these bytes (at least one) begin with? A whole one: *size. */
enum size_report size_report_look(const uint8_t *bytes, size_t length, struct tty_size *size);

#endif
