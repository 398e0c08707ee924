/* Entries have the same bits on the build machine: the real header will do. */
#include "../../../../arch/riscv/include/arch/page_table.h"
