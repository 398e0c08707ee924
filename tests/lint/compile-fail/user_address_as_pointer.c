/* expect: incompatible type for argument 2 of 'memcpy' */
#include "kernel/memory.h"
#include "kernel/types.h"

void use(char *buffer, uaddr address);

void use(char *buffer, uaddr address)
{
	memcpy(buffer, address, 8);
}
