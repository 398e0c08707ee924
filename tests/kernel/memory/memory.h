/* What the files of the memory and thread tests share. */
#ifndef MEMORY_H
#define MEMORY_H

#include "test.h"

#define PRIORITY 20
#define OWN_PRIORITY 32          /* of the thread that runs the tests */
#define ELSEWHERE 0x3000000000ul /* nothing is mapped here */
#define READ_WRITE (TERN_MAP_READ | TERN_MAP_WRITE)

/* The kernel enters here; calls the handler that was registered as the upcall's word. */
extern char upcall_entry[];
typedef void upcall_handler(struct tern_upcall *upcall);
/* Register a handler for the calling thread, with a stack of its own; NULL: none. */
void upcall_set(upcall_handler *handler);
/* f0 .. f31 and fcsr. */
void upcall_save_fp(uint64_t *registers);
void upcall_load_fp(const uint64_t *registers);

/* regions.c */
void pages_start_zeroed(void);
void fixed_mapping_does_not_replace(void);
void hint_is_taken_when_free(void);
void unmap_splits_regions(void);
void protect_splits_regions(void);
void protection_is_bounded_by_rights(void);
void write_and_execute_together_are_refused(void);
void guard_faults(void);
void two_mappings_show_the_same_memory(void);
void memory_ends_at_the_length(void);
void written_code_runs(void);
void physical_memory_is_contiguous(void);
void large_pages_can_be_cut(void);
void device_registers_can_be_mapped(void);
void many_regions_are_found(void);

/* private.c */
void private_memory_is_zeroed_and_charged(void);
void private_copy_leaves_the_memobj_alone(void);
void readable_memobj_can_be_written_privately(void);
void protection_keeps_private_pages(void);
void long_ranges_are_done_to_the_end(void);

/* pagers.c */
void region_pager_brings_pages(void);
void region_pager_refuses(void);
void dead_region_pager_is_eio(void);
void removed_region_pager_lets_go(void);
void waiting_for_a_region_pager_ends_with_the_thread(void);

/* isolation.c */
void other_addresses_fault(void);
void privileged_instructions_fault(void);
void protection_holds_for_the_program(void);
void memory_of_others_is_unreachable(void);
void quota_ends_only_its_process(void);
void quota_of_touch_is_enomem(void);

/* upcalls.c */
void fault_is_mended_and_resumed(void);
void write_fault_is_reported(void);
void jump_to_nowhere_is_reported(void);
void illegal_instruction_is_reported(void);
void breakpoint_is_reported(void);
void foreign_call_keeps_all_registers(void);
void foreign_call_in_an_upcall_is_enosys(void);
void interrupt_upcall_comes_to_a_running_thread(void);
void interrupt_upcall_ends_a_wait(void);
void interrupt_upcall_is_held_back(void);
void fault_in_an_upcall_kills(void);
void unusable_upcall_stack_kills(void);
void resume_checks_its_registers(void);

/* floating.c */
void fp_registers_start_zeroed(void);
void fp_registers_survive_system_calls(void);
void fp_registers_survive_messages(void);
void fp_registers_survive_fast_messages(void);
void fp_registers_survive_preemption(void);
void fp_registers_survive_upcalls(void);
void upcalls_can_save_and_load_fp_registers(void);
void upcalls_can_change_fp_registers(void);

/* futexes.c */
void futex_waits_for_its_value(void);
void futex_times_out(void);
void futex_wakes_in_order(void);
void futex_wakes_as_many_as_asked(void);
void futex_is_shared_between_processes(void);
void futex_wait_is_interrupted(void);
void futex_waiter_can_be_killed(void);

/* events.c */
void time_page_counts(void);
void timer_fires_once(void);
void timer_fires_periodically(void);
void stopped_timer_is_silent(void);
void timer_is_set_again(void);
void closed_timer_is_silent(void);
void many_timers_fire_in_order(void);
void interrupt_waits_for_its_acknowledgement(void);
void interrupt_line_has_one_owner(void);
void unbound_line_is_enodev(void);

/* lives.c */
void last_thread_ends_its_process(void);
void exit_clears_the_word(void);
void process_death_is_notified(void);
void thread_death_is_notified(void);
void watcher_can_be_replaced_and_removed(void);
void closing_its_handle_does_not_end_a_process(void);
void kill_ends_all_threads(void);
void threads_of_one_process_share_memory(void);

/* accounts.c */
void account_is_drawn_from_its_parent(void);
void objects_are_charged_and_given_back(void);
void destroyed_account_takes_its_objects_along(void);
void destroyed_account_gives_back_what_it_had_left(void);
void destroyed_account_ends_its_processes(void);
void account_outlives_its_handle(void);
void pages_are_charged_when_touched(void);

/* account_ports.c */
void server_hears_that_a_port_died_with_its_account(void);
void server_hears_once_of_a_dead_port(void);
void dead_ports_event_does_not_survive_a_takeover(void);
void queued_call_ends_with_the_ports_account(void);
void server_hears_of_clients_that_died_with_their_account(void);

#endif
