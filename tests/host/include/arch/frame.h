/* Frames have nothing of the processor in them but names: the real header will do. */
#include "../../../../arch/riscv/include/arch/frame.h"
