/* SPDX-License-Identifier: MIT */
#include "pkg/sys/socket.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"

static int address_in(int dir, const char *name, struct sockaddr_un *ret)
{
	int n;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dir, name);
	return n < 0 || (size_t)n >= sizeof(ret->sun_path) ? -ENAMETOOLONG : 0;
}

static int listen_at(int dir, const char *name, int type)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr;
	int r;

	if (fd < 0)
		return err_new(-errno, "socket");
	r = address_in(dir, name, &addr);
	if (r < 0)
		return err_new(r, "socket %s", name);
	(void)unlinkat(dir, name, 0);
	/* The mode of the inode is the socket's before bind. */
	if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, 64) < 0)
		return err_new(-errno, "listen on %s", name);
	return TAKE_FD(fd);
}

static int connect_at(int dir, const char *name, int type)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr;
	int r;

	if (fd < 0)
		return err_new(-errno, "socket");
	r = address_in(dir, name, &addr);
	if (r < 0)
		return err_new(r, "socket %s", name);
	do {
		r = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
	} while (r == -EINTR);
	if (r == -ECONNREFUSED || r == -ENOENT) {
		err_drop();
		return r;
	}
	return r < 0 ? err_new(r, "connect to %s", name) : TAKE_FD(fd);
}

int socket_listen_at(int dir, const char *name)
{
	return listen_at(dir, name, SOCK_SEQPACKET);
}

int socket_connect_at(int dir, const char *name)
{
	return connect_at(dir, name, SOCK_SEQPACKET);
}

int socket_stream_listen_at(int dir, const char *name)
{
	return listen_at(dir, name, SOCK_STREAM);
}

int socket_stream_connect_at(int dir, const char *name)
{
	return connect_at(dir, name, SOCK_STREAM);
}

int socket_datagram_at(int dir, const char *name)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un addr;
	int r;

	if (fd < 0)
		return err_new(-errno, "socket");
	r = address_in(dir, name, &addr);
	if (r < 0)
		return err_new(r, "socket %s", name);
	(void)unlinkat(dir, name, 0);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    fchmodat(dir, name, 0666, 0) < 0) /* after: the umask had its say */
		return err_new(-errno, "make the socket %s", name);
	return TAKE_FD(fd);
}

int socket_datagram_to(const char *address, int timeout_ms)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timeval patience = {.tv_sec = timeout_ms / 1000,
				   .tv_usec = timeout_ms % 1000 * 1000};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t n = strlen(address);

	if (fd < 0)
		return err_new(-errno, "socket");
	if (n < 2 || n >= sizeof(addr.sun_path) || (*address != '/' && *address != '@'))
		return err_new(-EINVAL, "socket %s", address);
	memcpy(addr.sun_path, address, n);
	if (*address == '@') /* an abstract one: its name has no end but its length */
		addr.sun_path[0] = '\0';
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(fd, (struct sockaddr *)&addr,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		return err_new(-errno, "connect to %s", address);
	return TAKE_FD(fd);
}

int socket_pair(int ret[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
		return err_new(-errno, "socketpair");
	return 0;
}

int socket_peer_is_us(int fd)
{
	struct ucred c;
	socklen_t n = sizeof(c);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) < 0)
		return -errno;
	return c.uid == geteuid() ? 0 : -EPERM;
}

int socket_send(int fd, const void *p, size_t n, const int *fds, unsigned n_fds)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * SOCKET_FDS_MAX)];
		struct cmsghdr align;
	} c = {0};
	struct iovec iov = {.iov_base = (void *)(size_t)p, .iov_len = n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds > SOCKET_FDS_MAX)
		return -E2BIG;
	if (n_fds) {
		struct cmsghdr *h;

		m.msg_control = c.buf;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(h), fds, sizeof(int) * n_fds);
	}
	while (sendmsg(fd, &m, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static void keep_fds(struct cmsghdr *h, int *fds, unsigned max_fds, unsigned *n)
{
	size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
		if (*n < max_fds)
			fds[(*n)++] = fd;
		else
			(void)close(fd);
	}
}

ssize_t socket_recv(int fd, void *p, size_t max, int *fds, unsigned max_fds, unsigned *ret_n_fds)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * SOCKET_FDS_MAX)];
		struct cmsghdr align;
	} c;
	struct iovec iov = {.iov_base = p, .iov_len = max};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = c.buf,
			   .msg_controllen = sizeof(c.buf)};
	unsigned n = 0;
	int reset = 0;
	ssize_t got;

	/*
	 * A local peer that closed with something of ours unread is reported once as a reset, ahead of
	 * what it had sent: its last words are behind that.
	 */
	do {
		got = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	} while (got < 0 && (errno == EINTR || (errno == ECONNRESET && !reset++)));
	if (got < 0)
		return -errno;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
			keep_fds(h, fds, max_fds, &n);
	if (ret_n_fds)
		*ret_n_fds = n;
	return (m.msg_flags & MSG_TRUNC) ? -EMSGSIZE : got;
}
