/*
 * Sv48 page tables of user spaces. Four levels of 512 entries; only 4 KiB leaves. The kernel's
 * half of each root is a copy of the kernel's root, whose tables all exist since boot.
 */
#include "arch/page_table.h"

#include "arch/boot.h"
#include "arch/csr.h"
#include "arch/sbi.h"
#include "kernel/bits.h"
#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/log.h"
#include "kernel/memory.h"
#include "kernel/page_alloc.h"
#include "kernel/process.h"
#include "kernel/reclaim.h"
#include "kernel/spinlock.h"
#include "tern/memory.h"

#define LEVELS 4
#define ENTRIES 512
#define KERNEL_HALF 256
#define ASID_BITS 16
#define ASIDS (1u << ASID_BITS)

typedef u64 pte;

extern pte *kernel_root;

static u32 pte_index(u64 address, u32 level)
{
	return (u32)(address >> (PAGE_SHIFT + 9 * level)) & (ENTRIES - 1);
}

static paddr pte_page(pte entry)
{
	return (entry >> 10 & ((1ul << 44) - 1)) << PAGE_SHIFT;
}

static pte *pte_table(pte entry)
{
	return phys_to_virt(pte_page(entry));
}

static pte leaf(paddr page, u32 protection)
{
	pte frame = page >> PAGE_SHIFT << PTE_FRAME_SHIFT;

	frame |= (protection & MAP_PRIVATE ? PTE_PRIVATE_MARK : 0);
	if (!(protection & (TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_EXECUTE)))
		return frame;
	return frame | PTE_VALID | PTE_USER | PTE_ACCESSED |
	       (protection & TERN_MAP_READ ? PTE_READ : 0) |
	       (protection & TERN_MAP_WRITE ? PTE_WRITE | PTE_DIRTY : 0) |
	       (protection & TERN_MAP_EXECUTE ? PTE_EXECUTE : 0) |
	       (protection & MAP_DEVICE ? PTE_DEVICE_MARK : 0);
}

static u32 leaf_protection(pte entry)
{
	return (entry & PTE_READ ? TERN_MAP_READ : 0) | (entry & PTE_WRITE ? TERN_MAP_WRITE : 0) |
	       (entry & PTE_EXECUTE ? TERN_MAP_EXECUTE : 0) |
	       (entry & PTE_DEVICE_MARK ? MAP_DEVICE : 0) |
	       (entry & PTE_PRIVATE_MARK ? MAP_PRIVATE : 0);
}

paddr page_table_create(void)
{
	paddr root = page_alloc_zeroed(0);

	if (root)
		memcpy((pte *)phys_to_virt(root) + KERNEL_HALF, kernel_root + KERNEL_HALF,
		       KERNEL_HALF * sizeof(pte));
	return root;
}

/* Entries are read by hardware and by lockless walks: written whole, after what they point to. */
static void pte_write(pte *place, pte entry)
{
	atomic_store_explicit((_Atomic pte *)place, entry, memory_order_release);
}

static pte pte_read(const pte *place)
{
	return atomic_load_explicit((const _Atomic pte *)place, memory_order_acquire);
}

int page_table_map(paddr root, u64 address, paddr page, u32 protection, u64 *tables)
{
	pte *table = phys_to_virt(root);

	if (!(protection & (TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_EXECUTE | MAP_PRIVATE)))
		return -EINVAL;
	for (u32 level = LEVELS - 1; level > 0; level--) {
		pte *place = &table[pte_index(address, level)];

		if (!(pte_read(place) & PTE_VALID)) {
			paddr new = page_alloc_zeroed(0);

			if (!new)
				return -ENOMEM;
			pte_write(place, new >> PAGE_SHIFT << 10 | PTE_VALID);
			(*tables)++;
		}
		table = pte_table(pte_read(place));
	}
	pte_write(&table[pte_index(address, 0)], leaf(page, protection));
	return 0;
}

bool page_table_lookup(paddr root, u64 address, paddr *page, u32 *protection)
{
	const pte *table = phys_to_virt(root);
	pte entry = 0;

	for (u32 level = LEVELS; level-- > 0;) {
		entry = pte_read(&table[pte_index(address, level)]);
		if (!(entry & PTE_VALID))
			return false;
		table = pte_table(entry);
	}
	*page = pte_page(entry);
	*protection = leaf_protection(entry);
	return true;
}

/* The table of the lowest level for an address, or NULL and where the next could begin. */
static pte *find_leaf_table(paddr root, u64 address, u64 *next)
{
	pte *table = phys_to_virt(root);

	for (u32 level = LEVELS - 1; level > 0; level--) {
		pte entry = pte_read(&table[pte_index(address, level)]);
		u64 span = PAGE_SIZE << (9 * level);

		*next = (address & ~(span - 1)) + span;
		if (!(entry & PTE_VALID))
			return NULL;
		table = pte_table(entry);
	}
	return table;
}

/* False: there is nothing in it. */
static bool visit_entry(pte *place, u64 address, page_visitor *visit, void *context)
{
	pte old = pte_read(place), new;
	struct page_entry entry = { .page = pte_page(old), .protection = leaf_protection(old) };

	if (!(old & (PTE_VALID | PTE_PRIVATE_MARK)))
		return false;
	visit(context, address, &entry);
	new = entry.page ? leaf(entry.page, entry.protection) : 0;
	if (new != old)
		pte_write(place, new);
	return true;
}

u64 page_table_visit(paddr root, u64 start, u64 end, u64 limit, page_visitor *visit, void *context)
{
	u64 address = start;

	while (address < end && limit) {
		u64 next;
		pte *table = find_leaf_table(root, address, &next);

		if (!table) {
			address = next;
			continue;
		}
		for (; address < next && address < end && limit; address += PAGE_SIZE)
			limit -= visit_entry(&table[pte_index(address, 0)], address, visit,
					     context);
	}
	return min_u64(address, end);
}

static u64 free_tables(pte *table, u32 level, u32 entries)
{
	u64 freed = 1;

	for (u32 i = 0; level > 0 && i < entries; i++)
		if (table[i] & PTE_VALID)
			freed += free_tables(pte_table(table[i]), level - 1, ENTRIES);
	reclaim_pages(virt_to_phys(table), 0);
	return freed;
}

u64 page_table_free(paddr root)
{
	return free_tables(phys_to_virt(root), LEVELS - 1, KERNEL_HALF);
}

/* ------------------------------------------------------------------------------------ TLBs */

static void sfence_asid(u32 asid)
{
	__asm__ volatile("sfence.vma zero, %0" : : "r"((u64)asid) : "memory");
}

void tlb_flush_page(u64 address)
{
	__asm__ volatile("sfence.vma %0, zero" : : "r"(address) : "memory");
}

void tlb_shootdown(struct process *process, u64 start, u64 end)
{
	u64 remote = 0;

	atomic_thread_fence(memory_order_seq_cst);
	for (u32 i = 0; i < hart_count; i++) {
		if (!atomic_load(&process->satp[i]))
			continue;
		if (&harts[i] == arch_hart())
			sfence_asid(process->space.asid);
		else
			remote |= 1ul << harts[i].hardware_id;
	}
	if (remote)
		sbi_remote_sfence(remote, start, end - start, process->space.asid);
}

/* ----------------------------------------------------------------------------------- ASIDs */

static struct spinlock asid_lock = SPINLOCK_INIT(LOCK_RANK_PAGES);
static u64 asid_bitmap[ASIDS / 64] = { 1 }; /* 0 is the kernel's */
static u32 asid_words, asid_cursor;         /* in words of the bitmap */

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

	if (count == 1)
		fatal("this processor has no address space identifiers");
	asid_words = (count + 63) / 64;
	if (count < 64)
		asid_bitmap[0] |= UINT64_MAX << count;
}

u32 asid_allocate(void)
{
	u32 asid = 0;

	spin_lock(&asid_lock);
	for (u32 i = 0; i < asid_words && !asid; i++) {
		u32 word = (asid_cursor + i) % asid_words;

		if (asid_bitmap[word] != UINT64_MAX) {
			u32 bit = bit_lowest(~asid_bitmap[word]);

			asid_bitmap[word] |= 1ul << bit;
			asid_cursor = word;
			asid = word * 64 + bit;
		}
	}
	spin_unlock(&asid_lock);
	return asid;
}

/* All harts forget the ASID before it can be used again. */
void asid_release(u32 asid)
{
	u64 remote = 0;

	for (u32 i = 0; i < hart_count; i++)
		if (&harts[i] != arch_hart() && atomic_load(&harts[i].is_online))
			remote |= 1ul << harts[i].hardware_id;
	sfence_asid(asid);
	if (remote)
		sbi_remote_sfence(remote, 0, UINT64_MAX, asid);
	spin_lock(&asid_lock);
	asid_bitmap[asid / 64] &= ~(1ul << (asid % 64));
	spin_unlock(&asid_lock);
}

/* ------------------------------------------------------------------------------- activation */

u64 space_mark_active(struct process *process)
{
	u64 satp = SATP_SV48 | (u64)process->space.asid << SATP_ASID_SHIFT |
		   process->space.root >> PAGE_SHIFT;

	/* Whoever changes page tables from now on sees the mark, or we see the change. */
	atomic_store(&process->satp[arch_hart()->index], satp);
	atomic_thread_fence(memory_order_seq_cst);
	return satp;
}

void space_activate_kernel(void)
{
	space_activate(SATP_SV48 | virt_to_phys(kernel_root) >> PAGE_SHIFT);
}
