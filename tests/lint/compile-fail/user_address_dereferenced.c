/* expect: cannot convert to a pointer type */
#include "kernel/types.h"

int use(uaddr address);

int use(uaddr address)
{
	return *(int *)address;
}
