/*
 * Error numbers that servers answer beside the kernel's. They have Linux's values. A program whose C
 * library has <errno.h> includes that first and gets these names from there.
 */
#ifndef PROTO_ERROR_H
#define PROTO_ERROR_H

#ifndef EPERM
#include "tern/error.h"

#define PROTO_ERRORS(X)                                                                            \
	X(ENXIO, 6)          /* a FIFO that nobody reads, a device that is not there */            \
	X(EACCES, 13)        /* not allowed for this identity */                                   \
	X(ENOTDIR, 20)       /* a part of the path is no directory */                              \
	X(EISDIR, 21)        /* a directory where a file is needed */                              \
	X(ENFILE, 23)        /* the server's table is full */                                      \
	X(ENOTTY, 25)        /* this control means nothing here */                                 \
	X(ESPIPE, 29)        /* it has no position */                                              \
	X(EROFS, 30)         /* cannot be changed */                                               \
	X(ENAMETOOLONG, 36)  /* */                                                                 \
	X(EMSGSIZE, 90)      /* the message does not fit at all */                                 \
	X(EADDRINUSE, 98)    /* the name is taken */                                               \
	X(ECONNRESET, 104)   /* the peer has gone with data unread */                              \
	X(ENOBUFS, 105)      /* the server's share of memory for this client is used up */         \
	X(EALREADY, 114)     /* it is under way */                                                 \
	X(EISCONN, 106)      /* connected already */                                               \
	X(ENOTCONN, 107)     /* not connected */                                                   \
	X(ECONNREFUSED, 111) /* nobody listens there, or its backlog is full */                    \
	X(EOPNOTSUPP, 95)    /* not on this kind of object */

enum proto_error {
#define PROTO_ERROR_ENUM(name, number) name = number,
	PROTO_ERRORS(PROTO_ERROR_ENUM)
#undef PROTO_ERROR_ENUM
};
#endif

#endif
