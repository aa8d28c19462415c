/* SPDX-License-Identifier: MIT */
/*
 * Bytes for the payload's stdin: from the foreground caller's pipe or file (read here), from its
 * terminal (cuddy reads that one, so that job control works, and sends it), from attached clients.
 * All meet in one buffer. A client may have one unacknowledged message, so what they can add is
 * bounded and the rest of the room belongs to the foreground.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "pkg/conmon/monitor.h"

#define FRONT_MAX (INPUT_MAX - TYPISTS_MAX * CM_STDIN_MAX)
#define ACK_BELOW ((size_t)8192)

bool input_has_room(const struct input *in)
{
	return in->fd >= 0 && !in->ended && in->len < FRONT_MAX;
}

/* In the end of the buffer, moved to its front when that is too short. */
void input_add(struct monitor *m, const char *p, size_t n)
{
	struct input *in = &m->in;

	if (in->fd < 0 || in->ended)
		return;
	if (in->head + in->len + n > INPUT_MAX && in->head) {
		memmove(in->buf, in->buf + in->head, in->len);
		in->head = 0;
	}
	if (in->len + n > INPUT_MAX)
		n = INPUT_MAX - in->len;
	memcpy(in->buf + in->head + in->len, p, n);
	in->len += n;
}

static void close_input(struct monitor *m)
{
	if (m->cfg.terminal)
		m->in.fd = -EBADF; /* the master is closed with the streams */
	else
		closep(&m->in.fd);
	m->in.len = m->in.head = 0;
}

/* A terminal has no end of file but its own character, and that only while it edits lines. */
static void end_terminal(struct monitor *m)
{
	struct termios t;

	if (tcgetattr(m->in.fd, &t) == 0 && (t.c_lflag & ICANON) && t.c_cc[VEOF]) {
		char eof = (char)t.c_cc[VEOF];

		(void)!write(m->in.fd, &eof, 1);
	}
	m->in.ended = false;
}

static void acknowledge(struct monitor *m)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];

		if (c->fd >= 0 && c->owes_ack && control_send(c, CM_STDIN_ACK, 0, 0, NULL, 0) == 0)
			c->owes_ack = false;
	}
}

void input_pump(struct monitor *m)
{
	struct input *in = &m->in;

	while (in->fd >= 0 && in->len) {
		ssize_t n = write(in->fd, in->buf + in->head, in->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) { /* the payload closed its stdin, or is gone */
			close_input(m);
			break;
		}
		in->head += (size_t)n;
		in->len -= (size_t)n;
	}
	if (in->len == 0)
		in->head = 0;
	if (in->fd >= 0 && in->len == 0 && in->ended) {
		if (m->cfg.terminal)
			end_terminal(m);
		else
			close_input(m);
	}
	if (in->fd < 0)
		closep(&in->front);
	if (in->len < ACK_BELOW)
		acknowledge(m);
}

void input_end(struct monitor *m)
{
	m->in.ended = true;
	closep(&m->in.front);
	input_pump(m);
}

void input_read_front(struct monitor *m)
{
	struct input *in = &m->in;
	struct pollfd p = {.fd = in->front, .events = POLLIN};
	char *to;
	ssize_t n;

	if (in->front < 0 || !input_has_room(in) || poll(&p, 1, 0) <= 0)
		return;
	if (in->head && in->len) {
		memmove(in->buf, in->buf + in->head, in->len);
		in->head = 0;
	}
	to = in->buf + in->len;
	n = read(in->front, to, FRONT_MAX - in->len);
	if (n > 0) {
		in->len += (size_t)n;
		input_pump(m);
	} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		input_end(m);
	}
}
