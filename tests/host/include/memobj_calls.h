/* The system calls that file servers make, as functions: host tests bring fakes of them. */
#ifndef TESTS_MEMOBJ_CALLS_H
#define TESTS_MEMOBJ_CALLS_H

#include "tern/types.h"

#include "tern/memobj.h"
#include "tern/process.h"

tern_result tern_memobj_create(tern_handle account, uint64_t length);
tern_result tern_memobj_info(tern_handle memobj, uint64_t query);
tern_result tern_memobj_set_length(tern_handle memobj, uint64_t length);
tern_result tern_handle_duplicate(tern_handle handle, uint32_t rights);
tern_result tern_stream_create(tern_handle account, tern_handle memobj, uint64_t flags);
tern_result tern_account_info(tern_handle account, uint64_t query);

#endif
