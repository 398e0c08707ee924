/* Typed at the shell's first prompt: how long the system took to get there. */
#include <stdio.h>
#include <time.h>

int main(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	printf("BENCH boot_to_prompt %ld\n", now.tv_sec * 1000000000L + now.tv_nsec);
	return 0;
}
