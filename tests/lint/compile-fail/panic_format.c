/* expect: format '%s' expects argument of type 'char \*' */
#include "kernel/log.h"

void use(void);

void use(void)
{
	panic("%s", 1);
}
