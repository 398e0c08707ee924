/*
 * The matrix of wrong arguments: a table says what each system call takes, and every wrong value
 * of every argument is tried with all the others right.
 */
#ifndef CALLS_H
#define CALLS_H

#include "test.h"

#define ARGUMENTS_MAX 7
#define WINDOW 256
#define EXCHANGE 1u  /* words in registers and a descriptor: called through tern_exchange */
#define CREATES 2u   /* right arguments are tried too: makes an object, returns its handle */
#define HARMLESS 4u  /* right arguments are tried too: the result is `expected` */
#define NOT_ALONE 8u /* right arguments would end, block or take away what the matrix needs */

enum argument_kind {
	ARGUMENT_NONE,
	ARGUMENT_ANY,     /* every value is right */
	ARGUMENT_NUMBER,  /* right: `right`; wrong: as listed */
	ARGUMENT_HANDLE,  /* of `type` with `rights`; 0 is wrong */
	ARGUMENT_ACCOUNT, /* charged: 0, an account, or a reply */
	ARGUMENT_PORT_OR_NONE,
	ARGUMENT_REPLY_TO, /* the second of two replies */
	ARGUMENT_READABLE, /* user memory of at least WINDOW bytes */
	ARGUMENT_WRITABLE,
	ARGUMENT_WORD /* an aligned 32-bit word that may be read */
};

struct wrong {
	uint64_t value;
	int64_t error;
};

#define WRONG_MAX 7
struct argument {
	enum argument_kind kind;
	enum tern_type type;
	uint32_t rights;
	uint64_t right;
	struct wrong wrong[WRONG_MAX]; /* ends with error 0 */
};

struct call {
	const char *name;
	int64_t operation;
	unsigned int flags;
	int64_t expected; /* of right arguments, HARMLESS */
	struct argument arguments[ARGUMENTS_MAX];
};

extern const struct call calls[];
extern const size_t call_count;

/* One object of each type, and memory of each kind. */
struct fixture {
	tern_handle handles[TERN_TYPE_COUNT];
	tern_handle second_reply, client;
	tern_handle stale, closed;
	char *writable, *readable, *guard;
	struct tern_extended extended;
	struct rt_thread callers[2];
	struct rt_thread sleeper;
	volatile uint32_t sleeps;
};
extern struct fixture fixture;
void fixture_create(void);
void fixture_destroy(void);

/* The argument's right value. */
uint64_t argument_right(const struct argument *argument);
int64_t call_invoke(const struct call *call, const uint64_t *values);

/* Tests, by file. */
void wrong_handles_are_refused(void);
void handles_of_other_types_are_refused(void);
void missing_rights_are_refused(void);
void wrong_numbers_are_refused(void);
void wrong_addresses_are_refused(void);
void wrong_descriptors_are_refused(void);
void right_arguments_are_accepted(void);
void empty_account_means_enomem(void);

void unknown_operations_are_enosys(void);
void handle_table_grows_and_survives(void);
void duplicate_has_fewer_rights(void);
void handle_given_to_a_dead_process_is_refused(void);
void closed_and_reused_slot_is_another_handle(void);
void log_takes_at_most_a_line(void);
void figures_are_plausible(void);
void busy_harts_are_counted(void);
void priorities_are_bounded_by_ones_own(void);
void self_names_are_not_handles(void);
void handles_to_oneself(void);

#endif
