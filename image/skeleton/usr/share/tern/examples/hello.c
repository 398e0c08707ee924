#include <stdio.h>
#include <unistd.h>

int main(void)
{
	printf("Hello from Tern, process %d\n", (int)getpid());
	return 0;
}
