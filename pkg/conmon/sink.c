/* SPDX-License-Identifier: MIT */
#include "pkg/conmon/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/sys/open.h"

/* A terminal reports POLLOUT with little room left; this much always fits into a pty's buffer. */
#define CAREFUL_TTY 64

void sink_init(struct sink *s, int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	*s = (struct sink){.fd = fd, .kind = SINK_PLAIN};
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	s->is_pipe = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode);
	if (S_ISSOCK(st.st_mode))
		s->kind = SINK_SOCKET;
	else if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode) && flags >= 0 &&
		 !(flags & O_NONBLOCK))
		s->kind = SINK_CAREFUL;
}

void sink_drop(struct sink *s)
{
	closep(&s->fd);
}

ssize_t sink_write(struct sink *s, const void *p, size_t n)
{
	struct pollfd pfd = {.fd = s->fd, .events = POLLOUT};
	ssize_t r;

	if (s->fd < 0)
		return -EBADF;
	if (s->kind == SINK_CAREFUL) {
		size_t most = s->is_pipe ? PIPE_BUF : CAREFUL_TTY;

		if (poll(&pfd, 1, 0) <= 0)
			return 0;
		n = n < most ? n : most;
	}
	do {
		r = s->kind == SINK_SOCKET ? send(s->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL)
					   : write(s->fd, p, n);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? 0 : -errno;
	return r;
}

int sink_reopen(int fd, int access_mode)
{
	struct stat st;
	char path[32];
	int own;

	if (fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || (S_ISCHR(st.st_mode) && isatty(fd)))) {
		own = open(fd_path(fd, path), access_mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (own >= 0)
			return own;
	}
	return fd_dup(fd);
}
