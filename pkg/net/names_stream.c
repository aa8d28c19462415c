/* SPDX-License-Identifier: MIT */
/* TCP: what did not fit a datagram. Each message has its length before it (RFC 1035, 4.2.2). */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/net/names_internal.h"

#define PATIENCE_NS (10 * NS_PER_S)
#define SERVER_NS (NS_PER_S * 3 / 2)
#define RCODE_SERVFAIL 2
#define RCODE_REFUSED 5

void names_stream_begin(struct names_stream *t, int fd, unsigned net)
{
	t->fd = fd;
	t->up = -EBADF;
	t->net = net;
	t->limited[0] = '\0';
	t->server = 0;
	t->reached = false;
	t->over = false;
	t->in_len = t->out_len = 0;
	t->until_ns = clock_monotonic_ns() + PATIENCE_NS;
}

static void end(struct names_stream *t)
{
	closep(&t->fd);
	closep(&t->up);
}

short names_stream_events(const struct names_stream *t, bool up)
{
	bool shut = *t->limited && (up ? t->over : true); /* one question, then the end */
	size_t theirs = up ? t->in_len : t->out_len, room = up ? t->out_len : t->in_len;

	if (up && t->up < 0)
		return 0;
	return (short)((theirs && (up || t->out_len) ? POLLOUT : 0) |
		       (room < NAMES_STREAM_BYTES && !shut ? POLLIN : 0));
}

/* False: the end, or an error. */
static bool fill(int fd, unsigned char *buf, size_t *len)
{
	ssize_t n;

	if (*len == NAMES_STREAM_BYTES)
		return true;
	n = recv(fd, buf + *len, NAMES_STREAM_BYTES - *len, MSG_DONTWAIT);
	if (n > 0)
		*len += (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN));
}

static bool drain(int fd, unsigned char *buf, size_t *len)
{
	ssize_t n = *len ? send(fd, buf, *len, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
	memmove(buf, buf + n, *len - (size_t)n);
	*len -= (size_t)n;
	return true;
}

/* The next of its servers; what the client sent is there as long as none has taken anything. */
static bool join(struct names_stream *t, const struct names_table *table)
{
	const struct names_servers *v = names_servers_of(table, t->net, &t->client);

	while (v && t->server < v->n) {
		closep(&t->up);
		t->up = names_ask(&v->v[t->server++], SOCK_STREAM);
		t->server_until_ns = clock_monotonic_ns() + SERVER_NS;
		if (t->up >= 0)
			return true;
	}
	return false;
}

/* False: the end of it. */
static bool pump_server(struct names_stream *t, const struct names_table *table, int64_t now)
{
	size_t before = t->in_len;
	bool open = drain(t->up, t->in, &t->in_len);

	t->reached = t->reached || t->in_len < before;
	if (open && t->reached)
		return fill(t->up, t->out, &t->out_len) || (t->out_len && !*t->limited);
	if (open && now < t->server_until_ns)
		return true;
	return !t->reached && join(t, table);
}

/* Who has an allow-list asks one question for outside, which is looked at; nothing else passes. */
static bool join_limited(struct names_stream *t, const struct names_table *table,
			 const struct names_limit *l, size_t n)
{
	if (!names_asked(t->in + 2, n, t->name) || !join(t, table))
		return false;
	(void)snprintf(t->limited, sizeof(t->limited), "%s", l->id);
	t->in_len = 2 + n;
	return true;
}

/* False: it cannot be an answer. */
static bool take_limited_answer(struct names_stream *t)
{
	size_t n = t->out_len < 2 ? 0 : (size_t)t->out[0] << 8 | t->out[1];

	if (t->over || t->out_len < 2 || t->out_len < 2 + n)
		return n <= NAMES_MESSAGE_MAX;
	names_tell(t->limited, t->name, t->out + 2, n);
	t->out_len = 2 + n;
	t->over = true;
	closep(&t->up);
	return true;
}

/* Answer what is complete; false: over. */
static bool answer(struct names_stream *t, const struct names_table *table)
{
	unsigned char out[NAMES_MESSAGE_MAX];

	while (t->in_len >= 2 && t->out_len == 0) {
		size_t n = (size_t)t->in[0] << 8 | t->in[1], len = 0;
		enum names_verdict v;

		if (n > NAMES_MESSAGE_MAX)
			return false;
		if (t->in_len < 2 + n)
			return true;
		v = names_answer(table, t->net, &t->client, t->in + 2, n, false, out, &len);
		if (v == NAMES_FORWARD) {
			const struct names_limit *l = names_limit_of(table, t->net, &t->client);
			bool may = !l || (names_asked(t->in + 2, n, t->name) &&
					  names_limit_allows(l, t->name));

			if (may && (l ? join_limited(t, table, l, n) : join(t, table)))
				return true;
			if (!may)
				names_tell_refused(l->id);
			len = names_refuse(t->in + 2, n, may ? RCODE_SERVFAIL : RCODE_REFUSED, out);
		} else if (v == NAMES_ANSWERED) {
			const struct names_limit *l = names_limit_of(table, t->net, &t->client);

			if (l && names_asked(t->in + 2, n, t->name))
				names_tell(l->id, t->name, out, len);
		}
		if (v == NAMES_DROP || !len)
			return false;
		memmove(t->in, t->in + 2 + n, t->in_len - 2 - n);
		t->in_len -= 2 + n;
		t->out[0] = (unsigned char)(len >> 8);
		t->out[1] = (unsigned char)len;
		memcpy(t->out + 2, out, len);
		t->out_len = 2 + len;
	}
	return true;
}

void names_stream_pump(struct names_stream *t, const struct names_table *table, int64_t now)
{
	size_t before = t->in_len + t->out_len;
	bool open = *t->limited || fill(t->fd, t->in, &t->in_len) || t->in_len;

	if (open && t->up < 0 && !t->over)
		open = answer(t, table);
	if (open && t->up >= 0)
		open = pump_server(t, table, now);
	if (open && *t->limited)
		open = take_limited_answer(t);
	if (open && (!*t->limited || t->over))
		open = drain(t->fd, t->out, &t->out_len) && !(t->over && t->out_len == 0);
	if (t->in_len + t->out_len != before)
		t->until_ns = now + PATIENCE_NS;
	if (!open || now >= t->until_ns)
		end(t);
}
