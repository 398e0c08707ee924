/* expect: invalid initializer */
#include "kernel/types.h"

u64 use(paddr address);

u64 use(paddr address)
{
	uaddr user = address;

	return user.value;
}
