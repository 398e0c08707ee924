/* Translations that harts keep: address space identifiers, activation, shootdown. */
#include "arch/boot.h"
#include "arch/csr.h"
#include "arch/page_table.h"
#include "arch/sbi.h"
#include "kernel/bits.h"
#include "kernel/boot.h"
#include "kernel/hart.h"
#include "kernel/process.h"
#include "kernel/spinlock.h"

#define ASID_BITS 16
#define ASIDS (1u << ASID_BITS)
#define FEW_ASIDS 4

extern pte *kernel_root;

static void sfence_asid(u32 asid)
{
	__asm__ volatile("sfence.vma zero, %0" : : "r"((u64)asid) : "memory");
}

void tlb_flush_page(u64 address)
{
	__asm__ volatile("sfence.vma %0, zero" : : "r"(address) : "memory");
}

void tlb_flush_all(void)
{
	__asm__ volatile("sfence.vma" : : : "memory");
}

static bool has_run_on(const struct process *process, u32 hart)
{
	return atomic_load(&process->satp[hart]) ||
	       atomic_load(&process->space.shared_harts) >> hart & 1;
}

void tlb_shootdown(struct process *process, u64 start, u64 end)
{
	u64 remote = 0;

	atomic_thread_fence(memory_order_seq_cst);
	for (u32 i = 0; i < hart_count; i++) {
		if (!has_run_on(process, i))
			continue;
		if (&harts[i] == arch_hart())
			sfence_asid(process->space.asid);
		else if (!hart_forgets_later(&harts[i]))
			remote |= 1ul << harts[i].hardware_id;
	}
	if (remote)
		sbi_remote_sfence(remote, start, end - start, process->space.asid);
}

/* ----------------------------------------------------------------------------------- ASIDs */

/*
 * When there are more spaces than identifiers the last ones share one. A hart forgets it whenever
 * another of them runs there, and they are never marked active in process->satp, so the IPC fast path
 * leaves them to space_mark_active.
 */
static u32 shared_asid;
static _Atomic u64 shared_count; /* spaces that have ever shared it: names them */

static struct spinlock asid_lock = SPINLOCK_INIT(LOCK_RANK_PAGES);
static u64 asid_bitmap[ASIDS / 64] = { 1 }; /* 0 is the kernel's */
static u64 asid_left[ASIDS / 64];           /* nobody's any more, but harts may remember them */
static u32 asid_words, asid_cursor;         /* in words of the bitmap */
static bool any_left;

/* A hart keeps only as many of the bits that are written as it has. */
static u32 count_asids(void)
{
	u64 satp, read;

	__asm__ volatile("csrr %0, satp" : "=r"(satp));
	__asm__ volatile("csrw satp, %0"
			 :
			 : "r"(satp | (u64)(ASIDS - 1) << SATP_ASID_SHIFT)
			 : "memory");
	__asm__ volatile("csrr %0, satp" : "=r"(read));
	__asm__ volatile("csrw satp, %0\n\tsfence.vma" : : "r"(satp) : "memory");
	return (u32)(read >> SATP_ASID_SHIFT & (ASIDS - 1)) + 1;
}

void asid_init(void)
{
	u32 count = count_asids();

	if (boot_has_option("few-asids"))
		count = (u32)min_u64(count, FEW_ASIDS);
	shared_asid = count - 1; /* without any at all it is 0, and everything is shared */
	asid_words = (count + 63) / 64;
	if (count < 64)
		asid_bitmap[0] |= UINT64_MAX << count;
	asid_bitmap[shared_asid / 64] |= 1ul << (shared_asid % 64);
}

static u32 find_unused(void)
{
	for (u32 i = 0; i < asid_words; i++) {
		u32 word = (asid_cursor + i) % asid_words;

		if (asid_bitmap[word] != UINT64_MAX) {
			u32 bit = bit_lowest(~asid_bitmap[word]);

			asid_bitmap[word] |= 1ul << bit;
			asid_cursor = word;
			return word * 64 + bit;
		}
	}
	return shared_asid;
}

static void forget_everywhere(void)
{
	u64 remote = 0;

	for (u32 i = 0; i < hart_count; i++)
		if (&harts[i] != arch_hart() && atomic_load(&harts[i].is_online) &&
		    !hart_forgets_later(&harts[i]))
			remote |= 1ul << harts[i].hardware_id;
	tlb_flush_all();
	if (remote)
		sbi_remote_sfence_all(remote);
}

static u32 find_free(void)
{
	u32 asid = find_unused();

	if (asid != shared_asid || !any_left)
		return asid;
	forget_everywhere();
	for (u32 i = 0; i < asid_words; i++) {
		asid_bitmap[i] &= ~asid_left[i];
		asid_left[i] = 0;
	}
	any_left = false;
	return find_unused();
}

void asid_allocate(struct address_space *space)
{
	spin_lock(&asid_lock);
	space->asid = find_free();
	spin_unlock(&asid_lock);
	if (space->asid == shared_asid)
		space->shared_number = atomic_fetch_add(&shared_count, 1) + 1;
}

/* Harts may remember what it stood for. They are told to forget, all of them at once, when there is no
 * other identifier left: to wait for every hart whenever a process ends would cost more. */
void asid_release(u32 asid)
{
	if (asid == shared_asid)
		return;
	spin_lock(&asid_lock);
	asid_left[asid / 64] |= 1ul << (asid % 64);
	any_left = true;
	spin_unlock(&asid_lock);
}

/* ------------------------------------------------------------------------------- activation */

static u64 satp_of(const struct process *process)
{
	return SATP_SV48 | (u64)process->space.asid << SATP_ASID_SHIFT |
	       process->space.root >> PAGE_SHIFT;
}

static void activate_shared(struct process *process)
{
	struct hart *hart = arch_hart();

	atomic_fetch_or(&process->space.shared_harts, 1u << hart->index);
	space_activate(satp_of(process));
	if (hart->shared_number == process->space.shared_number)
		return;
	/* Not before the switch: until then the hart could remember more of the old one. */
	sfence_asid(shared_asid);
	hart->shared_number = process->space.shared_number;
}

u64 space_mark_active(struct process *process)
{
	u64 satp = satp_of(process);

	if (process->space.asid == shared_asid) {
		activate_shared(process);
		return satp;
	}
	/* Whoever changes page tables from now on sees the mark, or we see the change. */
	atomic_store(&process->satp[arch_hart()->index], satp);
	atomic_thread_fence(memory_order_seq_cst);
	return satp;
}

void space_activate_kernel(void)
{
	space_activate(SATP_SV48 | virt_to_phys(kernel_root) >> PAGE_SHIFT);
}
