/* Tests of pseudo-terminals. */
#ifndef POSIX_PTYS_H
#define POSIX_PTYS_H

#include <grp.h>
#include <termios.h>

#include "tests/posix/family.h"

/* An unlocked master; its slave. */
int open_master(void);
int open_slave(int master);
void make_raw(int fd);
/* These bytes are the next that can be read there. */
void expect(int fd, const char *wanted);

/* --- sessions.c --- */
void forkpty_makes_a_session(void);
void typed_signals_go_to_the_foreground(void);
void who_is_in_the_background_must_not_read(void);
void a_new_size_is_told(void);
void dev_tty_is_the_own_terminal(void);
void closing_the_master_hangs_up(void);
void the_leaders_end_hangs_up(void);
void vhangup_hangs_up(void);
void the_terminal_can_be_given_up(void);
void a_terminal_has_one_session(void);

#endif
