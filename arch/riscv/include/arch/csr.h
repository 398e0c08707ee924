/* Control and status register bits, for C and assembly. */
#ifndef ARCH_CSR_H
#define ARCH_CSR_H

#define CAUSE_USER_ECALL 8

#define SSTATUS_SIE 0x2
#define SSTATUS_SPP 0x100
#define SSTATUS_FS 0x6000
#define SSTATUS_SUM 0x40000
#define SSTATUS_MXR 0x80000

#ifndef __ASSEMBLER__
#define SATP_SV48 (9ul << 60)
#define SATP_ASID_SHIFT 44

#define PTE_VALID 0x01
#define PTE_READ 0x02
#define PTE_WRITE 0x04
#define PTE_EXECUTE 0x08
#define PTE_USER 0x10
#define PTE_GLOBAL 0x20
#define PTE_ACCESSED 0x40
#define PTE_DIRTY 0x80
#define PTE_DEVICE_MARK 0x100 /* software: device registers, not in the direct map */
#define PTE_ANONYMOUS 0x200   /* software: a counted reference to a private page */

#define INTERRUPT_SOFTWARE 0x002
#define INTERRUPT_TIMER 0x020
#define INTERRUPT_EXTERNAL 0x200
#endif

#endif
