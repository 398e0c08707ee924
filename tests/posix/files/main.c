/* Conformance of files: everything twice, on tmpfs and on the root disk. */
#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOTH(function)                                                                             \
	{                                                                                          \
#function, function                                                                \
	}

static const struct test tests[] = {
	BOTH(reads_and_writes_move_one_position),
	BOTH(duplicates_and_children_share_the_position),
	BOTH(appends_go_to_the_end),
	BOTH(appends_of_many_processes_do_not_overwrite),
	BOTH(vectors_are_one_transfer),
	BOTH(positions_can_be_given),
	BOTH(lengths_can_be_set),
	BOTH(holes_read_as_zeroes),
	BOTH(sendfile_copies),
	BOTH(ranges_are_copied),
	BOTH(splices_move_bytes),
	BOTH(temporary_files_have_no_name),
	BOTH(synchronous_writes_are_writes),
	BOTH(pipes_have_one_size),
	BOTH(bad_pointers_are_efault),
	BOTH(mappings_show_the_file),
	BOTH(mappings_outlive_descriptors),
	BOTH(memory_files_obey_their_seals),
	BOTH(names_come_and_go),
	BOTH(renames_replace),
	BOTH(symbolic_links_are_followed),
	BOTH(links_to_open_files_keep_them),
	BOTH(directories_are_listed),
	BOTH(listings_survive_removal),
	BOTH(removed_directories_have_parents),
	BOTH(the_working_directory_is_told),
	BOTH(directory_descriptors_are_bases),
	BOTH(mounts_are_crossed),
	BOTH(open_flags_are_obeyed),
	BOTH(wrong_descriptors_are_refused),
	BOTH(modes_and_owners_are_kept),
	BOTH(times_are_kept),
	BOTH(permissions_are_checked),
	BOTH(writes_take_set_id_bits),
	BOTH(files_tell_their_blocks),
	BOTH(umask_applies),
	BOTH(file_systems_tell_their_size),
	BOTH(extended_attributes_are_kept),
	BOTH(the_lowest_descriptor_is_used),
	BOTH(own_descriptors_have_names),
	BOTH(close_on_exec_is_per_descriptor),
	BOTH(the_limit_of_descriptors_holds),
	BOTH(status_flags_are_the_descriptions),
	BOTH(record_locks_exclude),
	BOTH(closing_any_descriptor_drops_record_locks),
	BOTH(record_locks_wait_and_deadlocks_are_found),
	BOTH(flocks_are_the_descriptions),
	{ NULL, NULL },
};

#define TESTS (sizeof(tests) / sizeof(tests[0]))

static const char *folder;

/* Each test begins in an empty directory; what it leaves there stays until the end of the system. */
static void enter(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/files-%d", folder, getpid());
	if (mkdir(path, 0755) || chdir(path))
		check_failed(__FILE__, __LINE__, path, -1, 0);
}

static int run_in(const char *where)
{
	struct test moved[TESTS];
	static char names[TESTS][80];

	folder = where;
	for (size_t i = 0; i < TESTS; i++) {
		moved[i] = tests[i];
		if (!tests[i].name)
			continue;
		snprintf(names[i], sizeof(names[i]), "%s%s", tests[i].name,
			 where[1] == 't' ? "" : "_on_disk");
		moved[i].name = names[i];
	}
	check_before = enter;
	return check_run(moved);
}

int main(void)
{
	int status = run_in("/tmp");

	return run_in("/root") | status;
}
