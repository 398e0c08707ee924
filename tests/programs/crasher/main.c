/* A server that dies at once, or after as many milliseconds as its argument says. */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc > 1)
		usleep((useconds_t)atoi(argv[1]) * 1000);
	__builtin_trap();
}
