/* SPDX-License-Identifier: MIT */
#include "pkg/conmon/log_journal.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"

#define PATIENCE_NS NS_PER_S
#define PATIENCE_REFILL 20 /* of the time that passes, one part in this many comes back */

#define PRIORITY_OUT "PRIORITY=6\n" /* info, and err: what journalctl -p tells apart */
#define PRIORITY_ERR "PRIORITY=3\n"
#define PARTIAL JOURNAL_PARTIAL_FIELD "=true\n"

static int connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int journal_open(struct log_journal *j, const char *path, const char *fields)
{
	int fd = connect_to(path);

	if (fd < 0)
		return err_new(fd, "journald does not listen on %s", path);
	*j = (struct log_journal){.fd = fd,
				  .path = path,
				  .fields = fields,
				  .patience_ns = PATIENCE_NS,
				  .seen_ns = clock_monotonic_ns()};
	return 0;
}

/* It takes nothing: wait as long as there is patience. Return: it may take something now. */
static bool await_room(struct log_journal *j)
{
	struct pollfd p = {.fd = j->fd, .events = POLLOUT};
	int64_t now = clock_monotonic_ns(), spent;
	int r;

	j->patience_ns += (now - j->seen_ns) / PATIENCE_REFILL;
	if (j->patience_ns > PATIENCE_NS)
		j->patience_ns = PATIENCE_NS;
	j->seen_ns = now;
	if (j->patience_ns < NS_PER_MS)
		return false;
	r = poll(&p, 1, (int)(j->patience_ns / NS_PER_MS));
	spent = clock_monotonic_ns() - now;
	j->seen_ns += spent;
	j->patience_ns = spent > j->patience_ns ? 0 : j->patience_ns - spent;
	return r > 0;
}

static bool send_entry(struct log_journal *j, struct iovec *v, size_t n)
{
	const struct msghdr m = {.msg_iov = v, .msg_iovlen = n};

	for (int again = 0; again < 3; again++) {
		if (j->fd >= 0 && sendmsg(j->fd, &m, MSG_NOSIGNAL) >= 0)
			return true;
		if (j->fd >= 0 && errno == EINTR)
			continue;
		if (j->fd >= 0 && (errno == EAGAIN || errno == ENOBUFS)) {
			if (!await_room(j))
				return false;
			continue;
		}
		/* A journald that was started anew has another socket under the old name. */
		closep(&j->fd);
		j->fd = connect_to(j->path);
		if (j->fd < 0)
			return false;
	}
	return false;
}

static struct iovec piece(const char *p, size_t n)
{
	return (struct iovec){.iov_base = (char *)(size_t)p, .iov_len = n};
}

static bool send_message(struct log_journal *j, int stream, const char *p, size_t n,
			 const char *more)
{
	const char *priority = stream == 2 ? PRIORITY_ERR : PRIORITY_OUT;
	char head[16] = "MESSAGE\n";
	struct iovec v[6];

	for (unsigned i = 0; i < 8; i++)
		head[8 + i] = (char)((uint64_t)n >> (8 * i) & 0xff);
	v[0] = piece(priority, strlen(priority));
	v[1] = piece(j->fields, strlen(j->fields));
	v[2] = piece(more, strlen(more));
	v[3] = piece(head, sizeof(head));
	v[4] = piece(p, n);
	v[5] = piece("\n", 1);
	return send_entry(j, v, ARRAY_LEN(v));
}

void journal_add(struct log_journal *j, int stream, const char *p, size_t n, bool whole)
{
	char note[96];

	if (j->lost) {
		int len = snprintf(note, sizeof(note),
				   "[cuddy: %llu bytes of log were lost: the journal took no more]",
				   (unsigned long long)j->lost);

		if (!send_message(j, 2, note, (size_t)len, "")) {
			j->lost += n + whole;
			return;
		}
		j->lost = 0;
	}
	if (!send_message(j, stream, p, n, whole ? "" : PARTIAL))
		j->lost += n + whole;
}

void journal_close(struct log_journal *j)
{
	static const char words[] = "the container has ended";

	if (j->fd >= 0)
		(void)send_message(j, 1, words, sizeof(words) - 1, JOURNAL_END_FIELD "=1\n");
	closep(&j->fd);
}
