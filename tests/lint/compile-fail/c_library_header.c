/* expect: stdio.h: No such file or directory */
#include <stdio.h>

int use(void);

int use(void)
{
	return puts("the kernel has no C library");
}
