/* SPDX-License-Identifier: MIT */
#include "pkg/sys/tty.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/open.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif
#define DEVPTS_MAGIC 0x1cd1

int tty_open_pair(int devpts, int *ret_master, int *ret_slave)
{
	AUTO_CLOSE int master = open_nofollow(devpts, "ptmx", O_RDWR | O_NOCTTY, 0), slave = -EBADF;
	struct stat st;
	int zero = 0;

	if (master < 0)
		return master;
	if (fstat(master, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2) ||
	    mount_is_fs(master, DEVPTS_MAGIC) != 1)
		return err_new(-EXDEV, "ptmx is not the kernel's");
	if (ioctl(master, TIOCSPTLCK, &zero) < 0)
		return err_new(-errno, "unlock a pseudo terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_new(-errno, "open the slave of a pseudo terminal");
	*ret_master = TAKE_FD(master);
	*ret_slave = TAKE_FD(slave);
	return 0;
}

int tty_set_size(int fd, uint16_t rows, uint16_t cols)
{
	struct winsize ws = {.ws_row = rows, .ws_col = cols};

	if (rows && cols && ioctl(fd, TIOCSWINSZ, &ws) < 0)
		return err_new(-errno, "set the size of a terminal");
	return 0;
}

int tty_make_controlling(int fd)
{
	if (setsid() < 0 && errno != EPERM)
		return err_new(-errno, "setsid");
	if (ioctl(fd, TIOCSCTTY, 0) < 0)
		return err_new(-errno, "make a terminal the controlling one");
	return 0;
}

void tty_raw_enter(struct tty_raw *t, int fd)
{
	struct termios raw;

	t->fd = -EBADF;
	if (tcgetattr(fd, &t->before) < 0)
		return;
	raw = t->before;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) == 0)
		t->fd = fd;
}

void tty_raw_leave(struct tty_raw *t)
{
	if (t->fd >= 0)
		(void)tcsetattr(t->fd, TCSADRAIN, &t->before);
	t->fd = -EBADF;
}
