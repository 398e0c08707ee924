/* Tests of files, by source file; each works in a directory of its own on tmpfs and again on the disk. */
#ifndef POSIX_FILES_H
#define POSIX_FILES_H

#include "tests/posix/check.h"

/* contents.c */
void reads_and_writes_move_one_position(void);
void duplicates_and_children_share_the_position(void);
void appends_go_to_the_end(void);
void appends_of_many_processes_do_not_overwrite(void);
void vectors_are_one_transfer(void);
void positions_can_be_given(void);
void lengths_can_be_set(void);
void holes_read_as_zeroes(void);
void sendfile_copies(void);
void bad_pointers_are_efault(void);
void mappings_show_the_file(void);
void mappings_outlive_descriptors(void);
void memory_files_obey_their_seals(void);

/* transfer.c */
void ranges_are_copied(void);
void splices_move_bytes(void);
void temporary_files_have_no_name(void);
void synchronous_writes_are_writes(void);
void pipes_have_one_size(void);

/* names.c */
void names_come_and_go(void);
void renames_replace(void);
void symbolic_links_are_followed(void);
void links_to_open_files_keep_them(void);
void directories_are_listed(void);
void listings_survive_removal(void);
void removed_directories_have_parents(void);
void the_working_directory_is_told(void);
void directory_descriptors_are_bases(void);
void mounts_are_crossed(void);
void open_flags_are_obeyed(void);
void wrong_descriptors_are_refused(void);

/* attributes.c */
void modes_and_owners_are_kept(void);
void times_are_kept(void);
void permissions_are_checked(void);
void writes_take_set_id_bits(void);
void files_tell_their_blocks(void);
void umask_applies(void);
void file_systems_tell_their_size(void);
void extended_attributes_are_kept(void);

/* descriptors.c */
void the_lowest_descriptor_is_used(void);
void own_descriptors_have_names(void);
void close_on_exec_is_per_descriptor(void);
void the_limit_of_descriptors_holds(void);
void status_flags_are_the_descriptions(void);
void record_locks_exclude(void);
void closing_any_descriptor_drops_record_locks(void);
void record_locks_wait_and_deadlocks_are_found(void);
void flocks_are_the_descriptions(void);

#endif
