/* Between the files of this part: what regular files offer beside stream.h. */
#ifndef EMU_FULL_FILES_INTERNAL_H
#define EMU_FULL_FILES_INTERNAL_H

#include "descriptor.h"

/* Bytes in the file. */
long emu_file_length(struct emu_description *description);
long emu_file_seek(struct emu_description *description, int64_t offset, int whence);
/* At the offset, or at the end if the description appends. */
long emu_file_write_anywhere(struct emu_description *description, const void *buffer, size_t length,
			     uint64_t offset);

/* readwrite.c, attribute.c: the calls */
struct iovec;
long emu_readv(int number, const struct iovec *parts, int count);
long emu_writev(int number, const struct iovec *parts, int count);
long emu_fsync(int number);

/* directory.c */
long emu_getcwd(char *user, size_t size);
/* The same in emu's own memory, as below. */
long emu_working_path(char *buffer);
/* The path of an open file, with a zero; its length without. `buffer` is one of emu_buffer_take. */
long emu_description_path(const struct emu_description *description, char *buffer);

/* control.c: the process may have record locks; and it has none on this file any more. */
extern bool emu_has_record_locks;
void emu_locks_drop(struct emu_description *description);
long emu_set_nonblocking(struct emu_description *description, bool is_on);

/* A device number as struct stat has it, from the forms that servers tell it in. */
uint64_t emu_device_number(uint64_t told);

/* memfd.c */
long emu_memory_seals(struct emu_description *description, int command, uint64_t argument);

/* name.c */
extern uint32_t emu_umask;

/* terminal.c: before a terminal is read (SIGTTIN) or written (SIGTTOU): 0, or why not. */
long emu_terminal_access(const struct emu_description *description, int signal);
/* Before output to one: SIGTTOU, if the terminal has TOSTOP. */
long emu_terminal_output(const struct emu_description *description);
/* /dev/tty was opened. */
long emu_terminal_open_own(struct emu_description *description);
/* What readlink says of the descriptor in /proc/self/fd; its length. -ENOENT: it is no terminal. */
#define EMU_TERMINAL_NAME 24
long emu_terminal_name(long number, char *name);
/* It may become the controlling one. */
void emu_terminal_opened(const struct emu_description *description);

/* memfd.c: -EPERM if a write up to `end` is sealed off; and a new length. */
long emu_memory_may_write(struct emu_description *description, uint64_t end);
long emu_memory_truncate(struct emu_description *description, uint64_t length);

/* descriptor.c */
long emu_close(int number);
long emu_dup(int number);
void emu_descriptions_each(void (*function)(struct emu_description *description));
/*
 * The other threads are gone: what they had counted, were about to install or were closing is nobody's, and
 * ends. `kept`, if not NULL, is counted once more. `is_child`: they were the parent's.
 */
void emu_descriptions_recount(struct emu_description *kept, bool is_child);

/* mapped.c, poll.c: for fork and exec */
void emu_mapping_each(void (*function)(struct emu_description *description));
void emu_pollers_give_all(void);
extern struct emu_lock emu_mapped_lock, emu_pollers_lock, emu_epolls_lock;
void emu_pollers_forget(void);

#endif
