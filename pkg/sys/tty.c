/* SPDX-License-Identifier: MIT */
#include "pkg/sys/tty.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
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

static int read_line(int fd, int signals, struct sbuf *out)
{
	char buf[512];
	ssize_t n;

	for (;;) {
		struct pollfd p[2] = {{.fd = fd, .events = POLLIN},
				      {.fd = signals, .events = POLLIN}};

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return err_new(-errno, "wait for the terminal");
		if (p[1].revents)
			return err_new(-CE_INTERRUPTED, "input");
		if (!p[0].revents)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_new(-errno, "read from the terminal");
		sbuf_add(out, buf, (size_t)n);
		explicit_bzero(buf, sizeof(buf));
		if (n == 0 || memchr(out->s, '\n', out->len))
			break;
	}
	out->len = strcspn(out->s, "\r\n");
	out->s[out->len] = '\0';
	return 0;
}

int tty_read_secret(int fd, int out, const char *prompt, struct sbuf *ret)
{
	AUTO_CLOSE int signals = -EBADF;
	struct termios shown, hidden;
	sigset_t set, old;
	int r;

	if (tcgetattr(fd, &shown) < 0)
		return err_new(-errno, "terminal");
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGQUIT);
	(void)sigaddset(&set, SIGTSTP);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0 || sigprocmask(SIG_BLOCK, &set, &old) < 0)
		return err_new(-errno, "signals");
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ECHONL | ICANON | ISIG;
	/* Not flushed: a password pasted ahead of the prompt is still read. */
	r = tcsetattr(fd, TCSADRAIN, &hidden) < 0 ? err_new(-errno, "terminal") : 0;
	if (r == 0) {
		(void)write_full(out, prompt, strlen(prompt));
		r = read_line(fd, signals, ret);
	}
	(void)tcsetattr(fd, TCSADRAIN, &shown);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}
