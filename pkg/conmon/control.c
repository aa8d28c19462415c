/* SPDX-License-Identifier: MIT */
/*
 * The sockets: slot 0 is the cuddy that started us (its end of file means that it died: its stdio is
 * dropped and the container goes on), the others came through state_dir/attach. Every message is
 * checked; a peer that breaks the rules is closed. Nothing here blocks.
 */
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/port_change.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/conmon/monitor.h"
#include "pkg/sys/process.h"
#include "pkg/sys/socket.h"

int control_send(struct client *c, enum cm_type type, int a, int b, const void *p, size_t n)
{
	struct cm_head h = {.type = type, .a = a, .b = b, .len = (uint32_t)n};
	struct iovec iov[2] = {{&h, sizeof(h)}, {(void *)(size_t)p, n}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = n ? 2 : 1};
	ssize_t r;

	do {
		r = sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == ENOBUFS ? -EAGAIN : -errno;
	return 0;
}

void control_close(struct monitor *m, unsigned i)
{
	struct client *c = &m->clients[i];
	bool waited = c->waits_endlessly;

	if (c->fd < 0)
		return;
	log_debug("conmon", "client %u leaves", i);
	closep(&c->fd);
	stream_forget_client(m, i);
	if (i == CONTROL)
		control_detach(m, CONTROL);
	if (i == CONTROL && m->cfg.tied)
		stop_run(m, CONMON_BY_USER, SIGKILL, 0);
	*c = (struct client){.fd = -EBADF};
	if (waited)
		stop_abandoned(m);
}

/* The foreground caller is gone or has detached: its descriptors are let go. */
void control_detach(struct monitor *m, unsigned i)
{
	struct client *c = &m->clients[i];

	if (c->fd >= 0)
		(void)control_send(c, CM_DETACHED, 0, 0, NULL, 0);
	if (i != CONTROL) {
		if (c->fd >= 0)
			control_close(m, i);
		return;
	}
	if (!m->cfg.foreground)
		return;
	m->cfg.foreground = false;
	stream_end_front(m);
	closep(&m->in.front);
	c->may_type = false;
	if (m->cfg.stdin_once && !m->cfg.terminal)
		input_end(m);
}

void control_tell_all(struct monitor *m, enum cm_type type, int a, const char *words)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (m->clients[i].fd >= 0)
			(void)control_send(&m->clients[i], type, a, 0, words, strlen(words));
}

void control_tell_networks(struct monitor *m, int r)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];

		if (c->fd < 0 || !c->awaits_networks)
			continue;
		c->awaits_networks = false;
		(void)control_send(c, CM_REPLY, r, 0, err_trail(), r < 0 ? strlen(err_trail()) : 0);
	}
}

void control_accept(struct monitor *m)
{
	AUTO_CLOSE int fd = accept4(m->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (socket_peer_is_us(fd) < 0)
		return;
	for (unsigned i = CONTROL + 1; i < CLIENTS_MAX; i++) {
		if (m->clients[i].fd >= 0)
			continue;
		m->clients[i] = (struct client){.fd = TAKE_FD(fd)};
		if (m->exited && !m->restart_at_ns)
			(void)control_send(&m->clients[i], CM_EXIT, m->exit_status, 0, NULL, 0);
		return;
	}
	log_debug("conmon", "too many clients");
}

static unsigned count_typists(const struct monitor *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		n += m->clients[i].fd >= 0 && m->clients[i].may_type;
	return n;
}

static bool on_attach(struct monitor *m, unsigned i, const struct cm_head *h, const char *data)
{
	struct client *c = &m->clients[i];
	const char *keys = m->cfg.detach_keys ? m->cfg.detach_keys : "";
	size_t n = strlen(keys);
	int big = 1 << 20;

	if (i == CONTROL || c->attached || h->len >= CM_KEYS_MAX || m->restart_at_ns)
		return false;
	if (h->a & CM_ATTACH_KEYS) {
		keys = data;
		n = h->len;
	}
	memcpy(c->detach.keys, keys, n);
	c->detach.keys[n] = '\0';
	c->attached = true;
	c->may_type = (h->a & CM_ATTACH_STDIN) && m->cfg.keep_stdin &&
		      count_typists(m) < TYPISTS_MAX;
	c->patience_ns = NS_PER_S;
	c->seen_ns = clock_monotonic_ns();
	(void)setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	return true;
}

static bool on_stdin(struct monitor *m, unsigned i, const struct cm_head *h, const char *data)
{
	struct client *c = &m->clients[i];
	char out[CM_STDIN_MAX + CM_KEYS_MAX];
	bool hit;
	size_t n;

	if (c->owes_ack || h->len == 0 || h->len > CM_STDIN_MAX)
		return false;
	c->owes_ack = true;
	if (c->may_type) {
		n = detach_feed(&c->detach, data, h->len, out, &hit);
		input_add(m, out, n);
		if (hit)
			control_detach(m, i);
	}
	input_pump(m);
	return true;
}

static int resize(struct monitor *m, int rows, int cols)
{
	struct winsize w = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};

	if (rows < 0 || rows > UINT16_MAX || cols < 0 || cols > UINT16_MAX)
		return -EINVAL;
	if (m->run.pty_master < 0)
		return -ENOTTY;
	return ioctl(m->run.pty_master, TIOCSWINSZ, &w) < 0 ? -errno : 0;
}

/* What runs is stopped; what waits for its next run has it now. */
static bool on_restart(struct monitor *m, unsigned i, const struct cm_head *h)
{
	if (h->a < 0 || h->a > 64 || h->b < 0)
		return false;
	m->clients[i].awaits_restart = true;
	m->clients[i].waits_endlessly = h->b == CM_GRACE_ENDLESS;
	if (m->restart_at_ns) {
		m->restart_at_ns = clock_monotonic_ns();
	} else if (m->exited) {
		(void)control_send(&m->clients[i], CM_REPLY, -ESRCH, 0, NULL, 0);
		return false;
	} else {
		stop_run(m, CONMON_BY_USER, h->a, h->b);
	}
	m->restart_asked = true;
	return true;
}

static int on_health(struct monitor *m, const struct cm_head *h, const char *data, int fds[2])
{
	struct cm_health body;
	char dir[HEALTH_DIR_MAX];
	size_t n = h->len - sizeof(body);

	if (h->len < sizeof(body) || n >= sizeof(dir))
		return -EINVAL;
	memcpy(&body, data, sizeof(body));
	memcpy(dir, data + sizeof(body), n);
	dir[n] = '\0';
	return check_replace(m, &body, dir, fds);
}

static int on_name(struct monitor *m, const struct cm_head *h, const char *data)
{
	if (h->len == 0 || h->len >= sizeof(m->renamed))
		return -EINVAL;
	memcpy(m->renamed, data, h->len);
	m->renamed[h->len] = '\0';
	return 0;
}

static int on_publish(struct monitor *m, const struct cm_head *h, const char *data, int fds[2])
{
	struct net_port_change c;

	if (h->len != sizeof(c))
		return -EINVAL;
	memcpy(&c, data, sizeof(c));
	return publish_change(m, &c, &fds[0]);
}

static bool on_message(struct monitor *m, unsigned i, const struct cm_head *h, const char *data,
		       int fds[2])
{
	struct client *c = &m->clients[i];
	int r;

	switch (h->type) {
	case CM_ATTACH:
		return on_attach(m, i, h, data);
	case CM_STDIN:
		return on_stdin(m, i, h, data);
	case CM_STDIN_EOF:
		/* The foreground's end is the payload's; a visitor's only where stdin is for one client. */
		if (c->may_type && (i == CONTROL || m->cfg.stdin_once))
			input_end(m);
		return true;
	case CM_RESIZE:
		r = resize(m, h->a, h->b);
		break;
	case CM_SIGNAL:
		r = h->a >= 1 && h->a <= 64 ? stop_signal(m, h->a) : -EINVAL;
		break;
	case CM_PAUSE:
		r = pause_run(m, h->a != 0);
		break;
	case CM_STOP:
		if (h->a < 0 || h->a > 64 || h->b < 0)
			return false;
		m->stop_asked = true;
		c->waits_endlessly = h->b == CM_GRACE_ENDLESS;
		stop_run(m, CONMON_BY_USER, h->a, h->b);
		return true;
	case CM_POLICY:
		if (h->a < CONMON_RESTART_NO || h->a > CONMON_RESTART_UNLESS_STOPPED || h->b < 0)
			return false;
		r = restart_set_policy(m, (enum conmon_restart)h->a, (uint32_t)h->b);
		break;
	case CM_HEALTH:
		r = on_health(m, h, data, fds);
		break;
	case CM_NAME:
		r = on_name(m, h, data);
		break;
	case CM_PUBLISH:
		r = on_publish(m, h, data, fds);
		break;
	case CM_CHECK:
		r = check_now(m);
		if (r < 0)
			break;
		/* One that could not even begin has been answered for already. */
		c->awaits_check = m->check.pid != 0;
		if (!c->awaits_check)
			(void)control_send(c, CM_REPLY, 1, 0, NULL, 0);
		return true;
	case CM_START:
		r = monitor_begin(m);
		if (!c->attached && i != CONTROL)
			(void)control_send(c, CM_REPLY, r, 0, err_trail(),
					   r < 0 ? strlen(err_trail()) : 0);
		err_drop();
		return true;
	case CM_RESTART:
		return on_restart(m, i, h);
	case CM_NETWORKS:
		r = bridge_renew(m);
		if (r < 0)
			break;
		c->awaits_networks = true;
		return true;
	default:
		return false;
	}
	if (!c->attached && i != CONTROL)
		(void)control_send(c, CM_REPLY, r, 0, NULL, 0);
	return true;
}

void control_receive(struct monitor *m, unsigned i)
{
	struct client *c = &m->clients[i];
	union {
		struct cm_head head;
		char bytes[sizeof(struct cm_head) + CM_STDIN_MAX];
	} msg;
	int fds[2] = {-EBADF, -EBADF};
	ssize_t n = socket_recv(c->fd, msg.bytes, sizeof(msg.bytes), fds, ARRAY_LEN(fds), NULL);

	if (n == -EAGAIN || n == -ECONNRESET)
		return;
	if (n < (ssize_t)sizeof(msg.head) || n > (ssize_t)sizeof(msg.bytes) ||
	    (size_t)n != sizeof(msg.head) + msg.head.len ||
	    !on_message(m, i, &msg.head, msg.bytes + sizeof(msg.head), fds))
		control_close(m, i);
	closep(&fds[0]);
	closep(&fds[1]);
}
