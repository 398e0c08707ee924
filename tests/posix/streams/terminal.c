#include "streams.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

void terminals_have_settings(void)
{
	struct termios settings, again;
	struct winsize size, old;
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);
	struct stat stat;

	CHECK(fd >= 0);
	CHECK_EQ(isatty(fd), 1);
	CHECK_EQ(fstat(fd, &stat), 0);
	CHECK(S_ISCHR(stat.st_mode));
	CHECK_EQ(stat.st_rdev, 5 << 8 | 1);
	CHECK_EQ(tcgetattr(fd, &settings), 0);
	CHECK(settings.c_lflag & ICANON);

	CHECK_EQ(ioctl(fd, TIOCGWINSZ, &old), 0);
	size = (struct winsize){ .ws_row = 33, .ws_col = 101 };
	CHECK_EQ(ioctl(fd, TIOCSWINSZ, &size), 0);
	memset(&size, 0, sizeof(size));
	CHECK_EQ(ioctl(fd, TIOCGWINSZ, &size), 0);
	CHECK_EQ(size.ws_row, 33);
	CHECK_EQ(size.ws_col, 101);
	CHECK_EQ(ioctl(fd, TIOCSWINSZ, &old), 0);
	CHECK_EQ(tcgetattr(fd, &again), 0);
	CHECK_EQ(again.c_lflag, settings.c_lflag);
	CHECK_ERROR(ioctl(fd, TCGETS, (void *)8), EFAULT);
}

void others_are_no_terminals(void)
{
	struct termios settings;
	int ends[2], file = open("/tmp/no-terminal", O_CREAT | O_RDWR, 0600);

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(isatty(ends[0]), 0);
	CHECK_EQ(errno, ENOTTY);
	CHECK_ERROR(tcgetattr(file, &settings), ENOTTY);
	CHECK_ERROR(tcgetattr(open("/dev/null", O_RDWR), &settings), ENOTTY);
	CHECK_ERROR(ioctl(file, 0x12345678, 0), ENOTTY);
	CHECK_ERROR(ioctl(99, TIOCGWINSZ, &settings), EBADF);
}
