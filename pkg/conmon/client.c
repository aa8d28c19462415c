/* SPDX-License-Identifier: MIT */
/* Talking to a running monitor. */
#include "pkg/conmon/client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/port_change.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/conmon/health.h"
#include "pkg/conmon/talk.h"
#include "pkg/sys/socket.h"

/* After its container's end a monitor normally goes at once; a stuck foreground may keep it. */
#define LINGER_MS 2000

int talk_send(int fd, enum cm_type type, int a, int b, const void *p, size_t n)
{
	char msg[sizeof(struct cm_head) + CM_STDIN_MAX];
	struct cm_head h = {.type = type, .a = a, .b = b, .len = (uint32_t)n};

	if (n > CM_STDIN_MAX)
		return -EMSGSIZE;
	memcpy(msg, &h, sizeof(h));
	if (n)
		memcpy(msg + sizeof(h), p, n);
	return socket_send(fd, msg, sizeof(h) + n, NULL, 0);
}

int talk_receive(int fd, struct cm_head *h, char *data, size_t room)
{
	struct iovec iov[2] = {{h, sizeof(*h)}, {data, room}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
	int reset = 0;
	ssize_t n;

	/*
	 * A peer that closed with a message of ours unread (a resize that crossed the end) is reported
	 * once as a reset, ahead of what it had sent: its last words are behind that.
	 */
	do {
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	} while (n < 0 && (errno == EINTR || (errno == ECONNRESET && !reset++)));
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	if (n == 0)
		return 0;
	if ((size_t)n < sizeof(*h) || (m.msg_flags & MSG_TRUNC) || (size_t)n != sizeof(*h) + h->len)
		return -EPROTO;
	return 1;
}

int talk_connect(int state_dir)
{
	int fd = socket_connect_at(state_dir, "attach");

	return fd == -ENOENT || fd == -ECONNREFUSED ? -ESRCH : fd;
}

/* Read until the monitor answers with @type or leaves. 1: got it, 0: it left. */
static int await(int fd, enum cm_type type, int *ret_a)
{
	struct cm_head h;
	char data[512];
	int r;

	while ((r = talk_receive(fd, &h, data, sizeof(data))) > 0)
		if (h.type == (uint32_t)type) {
			*ret_a = h.a;
			return 1;
		}
	return r < 0 ? err_new(r, "talk to the container's monitor") : 0;
}

/* Wait until @fd's monitor is gone, but only so long. */
static void linger(int fd)
{
	struct pollfd p = {.fd = fd};
	int64_t end = clock_monotonic_ns() + LINGER_MS * NS_PER_MS;

	while (!(p.revents & (POLLHUP | POLLERR)) && clock_monotonic_ns() < end)
		if (poll(&p, 1, (int)((end - clock_monotonic_ns()) / NS_PER_MS) + 1) < 0 &&
		    errno != EINTR)
			return;
}

int conmon_watch(int state_dir)
{
	return talk_connect(state_dir);
}

int conmon_watched(int watch, int *ret_exit)
{
	struct pollfd p = {.fd = watch, .events = POLLIN};
	struct cm_head h;
	char data[512];
	int r;

	while (poll(&p, 1, 0) > 0) {
		r = talk_receive(watch, &h, data, sizeof(data));
		if (r <= 0)
			return r < 0 ? err_new(r, "talk to the container's monitor") : -ESRCH;
		if (h.type == CM_EXIT) {
			*ret_exit = h.a;
			linger(watch);
			return 1;
		}
	}
	return 0;
}

int conmon_stop(int state_dir, int signal_or_0, int64_t grace_ms)
{
	AUTO_CLOSE int fd = talk_connect(state_dir);
	int r, code;

	if (fd < 0)
		return fd;
	if (grace_ms < 0 || grace_ms > CM_GRACE_ENDLESS)
		grace_ms = CM_GRACE_ENDLESS;
	r = talk_send(fd, CM_STOP, signal_or_0, (int)grace_ms, NULL, 0);
	if (r == -EPIPE || r == -ECONNRESET)
		return -ESRCH;
	if (r < 0)
		return err_new(r, "ask the container's monitor to stop it");
	r = await(fd, CM_EXIT, &code);
	if (r == 1)
		linger(fd);
	return r < 0 ? r : 0;
}

/* A request with an answer; @msg begins with its head. */
static int ask(int state_dir, const void *msg, size_t n, const int *fds, unsigned n_fds)
{
	AUTO_CLOSE int fd = talk_connect(state_dir);
	int r, answer = 0;

	if (fd < 0)
		return fd;
	r = socket_send(fd, msg, n, fds, n_fds);
	if (r == -EPIPE || r == -ECONNRESET)
		return -ESRCH;
	if (r < 0)
		return err_new(r, "talk to the container's monitor");
	r = await(fd, CM_REPLY, &answer);
	if (r < 0)
		return r;
	if (r == 0)
		return -ESRCH;
	return answer;
}

static int request(int state_dir, enum cm_type type, int a, int b)
{
	const struct cm_head h = {.type = type, .a = a, .b = b};

	return ask(state_dir, &h, sizeof(h), NULL, 0);
}

static void put_check(struct cm_check *to, const struct conmon_check *from, int *fds, unsigned *n)
{
	*to = (struct cm_check){.interval_ns = from->interval_ns,
				.timeout_ns = from->timeout_ns,
				.retries = from->retries,
				.successes = from->successes,
				.is_set = from->fd >= 0};
	if (from->fd >= 0)
		fds[(*n)++] = from->fd;
}

int conmon_set_health(int state_dir, const struct conmon_config *cfg)
{
	struct {
		struct cm_head head;
		struct cm_health body;
		char dir[HEALTH_DIR_MAX];
	} msg = {.head = {.type = CM_HEALTH, .len = sizeof(msg.body)},
		 .body = {.start_period_ns = cfg->health_start_period_ns,
			  .start_interval_ns = cfg->health_start_interval_ns,
			  .max_size = cfg->health_max_size,
			  .max_count = cfg->health_max_count,
			  .to_events = cfg->health_to_events,
			  .on_failure = cfg->on_failure}};
	const char *dir = cfg->health_log_dir ? cfg->health_log_dir : "";
	size_t len = strlen(dir);
	unsigned n = 0;
	int fds[2];

	put_check(&msg.body.health, &cfg->health, fds, &n);
	put_check(&msg.body.startup, &cfg->startup, fds, &n);
	if (len >= sizeof(msg.dir))
		return err_new(-CE_LIMIT, "%s: too long a path", dir);
	memcpy(msg.dir, dir, len);
	msg.head.len += (uint32_t)len;
	return ask(state_dir, &msg, offsetof(typeof(msg), dir) + len, fds, n);
}

int conmon_begin(int state_dir)
{
	return request(state_dir, CM_START, 0, 0);
}

int conmon_set_name(int state_dir, const char *name)
{
	struct {
		struct cm_head head;
		char name[CM_NAME_MAX];
	} msg = {.head = {.type = CM_NAME, .len = (uint32_t)strlen(name)}};

	if (msg.head.len >= sizeof(msg.name))
		return -ENAMETOOLONG;
	memcpy(msg.name, name, msg.head.len);
	return ask(state_dir, &msg, sizeof(msg.head) + msg.head.len, NULL, 0);
}

int conmon_publish(int state_dir, const struct net_port_change *c, int fd)
{
	struct {
		struct cm_head head;
		struct net_port_change body;
	} msg = {.head = {.type = CM_PUBLISH, .len = sizeof(msg.body)}, .body = *c};

	return ask(state_dir, &msg, sizeof(msg), &fd, c->add ? 1 : 0);
}

int conmon_kill(int state_dir, int sig)
{
	int r = request(state_dir, CM_SIGNAL, sig, 0);

	return r < 0 && r != -ESRCH ? err_wrap(r, "send signal %d", sig) : r;
}

/* A request that takes its time, and whose answer may have words. */
static int long_request(int state_dir, enum cm_type type, int a, int b)
{
	AUTO_CLOSE int fd = talk_connect(state_dir);
	struct cm_head h;
	char trail[2048];
	int r;

	if (fd < 0)
		return fd;
	r = talk_send(fd, type, a, b, NULL, 0);
	if (r == -EPIPE || r == -ECONNRESET)
		return -ESRCH;
	while (r == 0 && (r = talk_receive(fd, &h, trail, sizeof(trail) - 1)) > 0) {
		if (h.type == CM_REPLY && h.a < 0 && h.len) {
			trail[h.len] = '\0';
			return err_set(h.a, trail);
		}
		if (h.type == CM_REPLY)
			return h.a;
		r = 0;
	}
	return r < 0 ? err_new(r, "talk to the container's monitor") : -ESRCH;
}

int conmon_restart(int state_dir, int signal_or_0, int64_t grace_ms)
{
	if (grace_ms < 0 || grace_ms > CM_GRACE_ENDLESS)
		grace_ms = CM_GRACE_ENDLESS;
	return long_request(state_dir, CM_RESTART, signal_or_0, (int)grace_ms);
}

int conmon_renew_networks(int state_dir)
{
	int r = long_request(state_dir, CM_NETWORKS, 0, 0);

	return r == -ESRCH || r == -EAGAIN
		       ? err_new(-CE_BAD_STATE, "its networks are not ready to be changed")
		       : r;
}

int conmon_set_restart(int state_dir, enum conmon_restart policy, uint32_t max)
{
	return request(state_dir, CM_POLICY, (int)policy, (int)max);
}

int conmon_member(int state_dir)
{
	int fd = openat(state_dir, CONMON_MEMBERS, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0)
		return fd;
	/* ENXIO: nobody reads it any more. */
	return err_new(errno == ENXIO || errno == ENOENT ? -ESRCH : -errno, "join the pod");
}

int conmon_check(int state_dir)
{
	return request(state_dir, CM_CHECK, 0, 0);
}

int conmon_pause(int state_dir, bool pause)
{
	int r = request(state_dir, CM_PAUSE, pause, 0);

	return r < 0 && r != -ESRCH ? err_wrap(r, pause ? "freeze" : "thaw") : r;
}
