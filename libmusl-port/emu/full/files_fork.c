/* What fork does to files: one copy becomes two, and what lies behind handles is shared. */
#include "path.h"
#include "stream.h"

#include "emu_full.h"
#include "files_internal.h"
#include "mqueue.h"

static void keep(struct emu_description *description)
{
	if (emu_has_file(description) && !description->port)
		emu_file_make_port(description);
}

static void share(struct emu_description *description)
{
	keep(description);
	if (description->kind != EMU_FILE && description->kind != EMU_MEMORY)
		return;
	if (description->is_shared)
		return;
	emu_lock(&description->lock);
	emu_file_share(description);
	emu_unlock(&description->lock);
}

/* Ports are made of the present session, which is of no use afterwards. */
void emu_files_keep(void)
{
	emu_lock(&emu_descriptors_lock);
	emu_descriptions_each(keep);
	emu_unlock(&emu_descriptors_lock);
}

/* In the order in which they are taken elsewhere. */
static struct emu_lock *const locks[] = {
	&emu_pollers_lock, &emu_mapped_lock,  &emu_descriptors_lock,
	&emu_path_lock,    &emu_buffers_lock, &emu_epolls_lock,
};
#define LOCKS (sizeof(locks) / sizeof(locks[0]))
#define LOCKS_OF_DESCRIPTORS 3 /* those up to emu_descriptors_lock */

static void lock_some(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		emu_lock(locks[i]);
}

void emu_files_lock(void)
{
	lock_some(0, LOCKS);
}

/* Sharing asks servers, for which the other locks must be free. */
void emu_files_fork(void)
{
	lock_some(0, LOCKS_OF_DESCRIPTORS);
	emu_descriptions_each(share);
	lock_some(LOCKS_OF_DESCRIPTORS, LOCKS);
}

void emu_files_unlock(void)
{
	for (unsigned i = LOCKS; i > 0; i--)
		emu_unlock(locks[i - 1]);
}

/* Threads that were in the middle of a call are not there any more. */
static void unlock(struct emu_description *description)
{
	description->lock = (struct emu_lock){ 0 };
	if (description->kind == EMU_EPOLL)
		emu_epoll_reset(description);
	if (description->kind == EMU_WAKE)
		emu_wake_reset(description);
}

static void reset(struct emu_description *description)
{
	unlock(description);
	description->watch = (struct emu_watch){ 0 };
}

void emu_files_child(bool had_threads)
{
	emu_descriptions_each(reset);
	emu_sessions_forget(true);
	emu_pipe_service_forget(true);
	emu_pollers_forget();
	emu_has_record_locks = false;
	emu_notices_child();
	emu_files_unlock();
	if (had_threads)
		emu_descriptions_recount(NULL, true);
}

void emu_files_alone(struct emu_description *kept)
{
	emu_descriptions_each(unlock);
	emu_pollers_give_all();
	emu_descriptions_recount(kept, false);
}
