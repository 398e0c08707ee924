/* Constants only: the real header will do. */
#include "../../../../arch/riscv/include/arch/csr.h"
