/* The first program of the conformance tests: runs the others in its folder, one after the other. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER "/tests"

static int is_program(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strcmp(entry->d_name, "runner");
}

static int run(const char *name)
{
	char path[512];
	int status = -1;
	pid_t child;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	child = fork();
	if (!child) {
		execl(path, name, NULL);
		perror(path);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		perror("runner");
	if (status && !WIFEXITED(status))
		printf("FAIL %s: ended with %#x\n", name, status);
	return status != 0;
}

int main(int argc, char **argv)
{
	struct dirent **list;
	int count, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (chdir("/tmp"))
		return 1;
	if (argc > 1)
		return run(argv[1]);
	count = scandir(FOLDER, &list, is_program, alphasort);
	if (count <= 0)
		return 1;
	for (int i = 0; i < count; i++)
		failed |= run(list[i]->d_name);
	return failed;
}
