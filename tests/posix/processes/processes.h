/* The tests of this program. */
#ifndef PROCESSES_H
#define PROCESSES_H

#include "tests/posix/check.h"

/* fork.c */
void a_child_is_a_copy(void);
void statuses_arrive(void);
void wait_chooses(void);
void wait_does_not_wait_with_nohang(void);
void waitid_tells_and_leaves(void);
void children_of_the_dead_are_adopted(void);
void many_children_at_once(void);

/* exec.c */
int exec_target(int argc, char **argv);
void vfork_and_spawn(void);
void exec_passes_arguments_and_environment(void);
void exec_closes_what_is_marked(void);
void exec_of_scripts(void);
void exec_fails_without_a_trace(void);
void exec_with_threads(void);
void long_arguments(void);

/* privilege.c */
int privilege_target(int argc, char **argv);
void set_user_id_programs(void);
void set_user_id_programs_go_on(void);
void privileges_can_be_given_up(void);

/* identity.c */
void groups_and_sessions(void);
void credentials_are_given_up(void);
void limits_are_kept(void);
void names_and_figures(void);
void random_bytes_come(void);

#endif
