/* The first program of the benchmark: runs posixbench on tmpfs and on ext4, and names its figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/bench/posixbench"
#define SIZE "16" /* MiB of the sequential files */

static void run(const char *folder, int output)
{
	dup2(output, STDOUT_FILENO);
	execl(PROGRAM, PROGRAM, "-d", folder, "-m", SIZE, NULL);
	_exit(127);
}

/* "NAME VALUE UNIT ITERATIONS", or a reason why there is no value. */
static void report(const char *prefix, const char *line)
{
	char name[64], value[64];

	if (sscanf(line, "%63s %63s", name, value) == 2 && strcmp(value, "skipped"))
		printf("BENCH %s%s %s\n", prefix, name, value);
	else
		printf("%s%s", prefix, line);
}

static int measure(const char *prefix, const char *folder)
{
	char line[256];
	int ends[2], status;
	pid_t child;
	FILE *lines;

	if (pipe(ends))
		return 1;
	child = fork();
	if (child < 0)
		return 1;
	if (!child) {
		close(ends[0]);
		run(folder, ends[1]);
	}
	close(ends[1]);
	lines = fdopen(ends[0], "r");
	while (lines && fgets(line, sizeof(line), lines))
		report(prefix, line);
	fclose(lines);
	return waitpid(child, &status, 0) != child || status;
}

int main(void)
{
	int failed;

	setvbuf(stdout, NULL, _IOLBF, 0);
	failed = measure("", "/tmp");
	failed |= measure("ext4_", "/");
	return failed;
}
