/*
 * Error numbers. They have Linux's values and names; system calls return them negated. One list
 * makes the constants and the names that logs print.
 */
#ifndef TERN_ERROR_H
#define TERN_ERROR_H

#define TERN_ERRORS(X)                                                                             \
	X(EPERM, 1)       /* the handle lacks a right that the call needs */                       \
	X(ENOENT, 2)      /* nothing is there or behind it */                                      \
	X(ESRCH, 3)       /* the caller that a reply was meant for is gone */                      \
	X(EINTR, 4)       /* interrupted by thread_interrupt before anything happened */           \
	X(EIO, 5)         /* the pager or the device failed */                                     \
	X(E2BIG, 7)       /* more handles in the message than the receiver accepts */              \
	X(EBADF, 9)       /* no such handle, or a stale one */                                     \
	X(EAGAIN, 11)     /* not now: the value changed, or it would block */                      \
	X(ENOMEM, 12)     /* the account's quota or the machine's memory is exhausted */           \
	X(EFAULT, 14)     /* a user address that is not mapped as the call needs it */             \
	X(EBUSY, 16)      /* in use already */                                                     \
	X(EEXIST, 17)     /* the address range is taken */                                         \
	X(ENODEV, 19)     /* no such interrupt or device range */                                  \
	X(EINVAL, 22)     /* an argument out of range, unaligned, or contradicting another */      \
	X(EMFILE, 24)     /* the handle table is full */                                           \
	X(ENOSPC, 28)     /* past the limit */                                                     \
	X(EPIPE, 32)      /* the other side is gone: port revoked, reply dropped, server dead */   \
	X(ERANGE, 34)     /* offset and length do not fit the object */                            \
	X(EDEADLK, 35)    /* the call would wait for itself */                                     \
	X(ENOSYS, 38)     /* no such system call */                                                \
	X(EPROTOTYPE, 91) /* the handle is of another type than the call needs */                  \
	X(ETIMEDOUT, 110) /* the deadline passed */                                                \
	X(ECANCELED, 125) /* the caller was interrupted before its reply could be parked */

#ifndef TERN_NO_ERRNO_NAMES
enum tern_error {
#define TERN_ERROR_ENUM(name, number) name = number,
	TERN_ERRORS(TERN_ERROR_ENUM)
#undef TERN_ERROR_ENUM
};
#endif

#endif
