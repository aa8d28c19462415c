/* SPDX-License-Identifier: MIT */
#include "pkg/cgroup/dbus.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/sys/private_dir.h"

#define MESSAGE_MAX (1U << 20)
#define HEAD 16U
#define BUS "org.freedesktop.DBus"

/* Both ends are on one machine and speak its byte order. */
#define ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B')

enum field {
	F_PATH = 1,
	F_INTERFACE,
	F_MEMBER,
	F_ERROR,
	F_REPLY_SERIAL,
	F_DESTINATION,
	F_SENDER,
	F_SIGNATURE
};

/* --- building ------------------------------------------------------------------------------- */

static void align(struct sbuf *b, unsigned n)
{
	while (b->len % n)
		sbuf_addc(b, '\0');
}

void dbus_put_u32(struct sbuf *b, uint32_t v)
{
	align(b, 4);
	sbuf_add(b, &v, sizeof(v));
}

void dbus_put_u64(struct sbuf *b, uint64_t v)
{
	align(b, 8);
	sbuf_add(b, &v, sizeof(v));
}

void dbus_put_str(struct sbuf *b, const char *s)
{
	dbus_put_u32(b, (uint32_t)strlen(s));
	sbuf_add(b, s, strlen(s) + 1);
}

void dbus_put_signature(struct sbuf *b, const char *s)
{
	sbuf_addc(b, (char)strlen(s));
	sbuf_add(b, s, strlen(s) + 1);
}

void dbus_put_struct(struct sbuf *b)
{
	align(b, 8);
}

/* The length counts from the first element, not from the padding before it. */
size_t dbus_put_array(struct sbuf *b, unsigned element)
{
	size_t place;

	align(b, 4);
	place = b->len;
	dbus_put_u32(b, 0);
	align(b, element);
	return place;
}

void dbus_end_array(struct sbuf *b, size_t place, unsigned element)
{
	size_t first = (place + 4 + element - 1) / element * element;
	uint32_t n = (uint32_t)(b->len - first);

	memcpy(b->s + place, &n, sizeof(n));
}

static void put_field(struct sbuf *b, enum field f, const char *signature, const char *s)
{
	dbus_put_struct(b);
	sbuf_addc(b, (char)f);
	dbus_put_signature(b, signature);
	if (*signature == 'g')
		dbus_put_signature(b, s);
	else
		dbus_put_str(b, s);
}

/* --- reading -------------------------------------------------------------------------------- */

static const char *take(struct dbus_reader *r, unsigned alignment, size_t n)
{
	size_t at = (r->at + alignment - 1) / alignment * alignment;

	if (r->failed || at > r->end || n > r->end - at) {
		r->failed = true;
		return NULL;
	}
	r->at = at + n;
	return r->p + at;
}

uint32_t dbus_get_u32(struct dbus_reader *r)
{
	const char *p = take(r, 4, 4);
	uint32_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return v;
}

static const char *string(struct dbus_reader *r, size_t n)
{
	const char *s = r->failed ? NULL : take(r, 1, n + 1);

	if (s && strnlen(s, n + 1) == n)
		return s;
	r->failed = true;
	return "";
}

const char *dbus_get_str(struct dbus_reader *r)
{
	return string(r, dbus_get_u32(r));
}

static const char *get_signature(struct dbus_reader *r)
{
	const char *n = take(r, 1, 1);

	return n ? string(r, (unsigned char)*n) : "";
}

static void read_field(struct dbus_reader *r, struct dbus_message *m)
{
	const char *code = take(r, 8, 1), *signature = get_signature(r), *s;

	if (r->failed)
		return;
	if (strcmp(signature, "u") == 0) {
		uint32_t v = dbus_get_u32(r);

		if (*code == F_REPLY_SERIAL)
			m->reply_serial = v;
		return;
	}
	if (strcmp(signature, "g") == 0) {
		(void)get_signature(r);
		return;
	}
	if (strcmp(signature, "s") != 0 && strcmp(signature, "o") != 0) {
		r->failed = true;
		return;
	}
	s = dbus_get_str(r);
	if (*code == F_MEMBER)
		m->member = s;
	else if (*code == F_ERROR)
		m->error = s;
}

/* --- the connection ------------------------------------------------------------------------- */

char *dbus_address(void)
{
	const char *env = getenv("DBUS_SESSION_BUS_ADDRESS"), *dir = getenv("XDG_RUNTIME_DIR");
	AUTO_FREE char *path = NULL;

	if (env && strncmp(env, "unix:", 5) == 0) {
		bool abstract = strncmp(env + 5, "abstract=", 9) == 0;

		if (abstract || strncmp(env + 5, "path=", 5) == 0) {
			const char *s = strchr(env, '=') + 1;

			return xasprintf("%s%.*s", abstract ? "@" : "", (int)strcspn(s, ",;"), s);
		}
	}
	if (dir && *dir == '/')
		path = xasprintf("%s/bus", dir);
	if (!path || access(path, R_OK | W_OK) < 0) {
		free(path);
		path = xasprintf("/run/user/%d/bus", (int)outer_uid());
	}
	return access(path, R_OK | W_OK) < 0 ? NULL : TAKE_PTR(path);
}

static int wait_for(struct dbus *d, short events)
{
	struct pollfd p = {.fd = d->fd, .events = events};

	for (;;) {
		int64_t left = d->deadline_ns - clock_monotonic_ns();
		int r = left <= 0 ? 0 : poll(&p, 1, (int)(left / NS_PER_MS) + 1);

		if (r > 0)
			return 0;
		if (r == 0)
			return err_new(-CE_TIMEOUT, "talk to the user's systemd over D-Bus");
		if (errno != EINTR)
			return err_new(-errno, "poll");
	}
}

static int send_all(struct dbus *d, const char *p, size_t n)
{
	while (n) {
		ssize_t k = send(d->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (k < 0 && errno == EAGAIN) {
			int r = wait_for(d, POLLOUT);

			if (r < 0)
				return r;
		} else if (k < 0 && errno != EINTR) {
			return err_new(-errno, "send to the session bus");
		}
		if (k > 0) {
			p += k;
			n -= (size_t)k;
		}
	}
	return 0;
}

/* At least @n bytes that were not taken yet. */
static int fill(struct dbus *d, size_t n)
{
	if (d->taken && d->taken == d->in.len) {
		sbuf_reset(&d->in);
		d->taken = 0;
	}
	while (d->in.len - d->taken < n) {
		char b[4096];
		ssize_t k = recv(d->fd, b, sizeof(b), MSG_DONTWAIT);

		if (k == 0)
			return err_new(-CE_PROTOCOL, "the session bus hung up");
		if (k > 0) {
			sbuf_add(&d->in, b, (size_t)k);
		} else if (errno == EAGAIN) {
			int r = wait_for(d, POLLIN);

			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return err_new(-errno, "receive from the session bus");
		}
	}
	return 0;
}

static int connect_to(const char *address)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t n = strlen(address);
	AUTO_CLOSE int fd = -EBADF;

	if (n >= sizeof(un.sun_path))
		return err_new(-ENAMETOOLONG, "%s", address);
	memcpy(un.sun_path, address, n);
	if (*address == '@')
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_new(-errno, "socket");
	n += offsetof(struct sockaddr_un, sun_path) + (*address == '@' ? 0 : 1);
	if (connect(fd, (struct sockaddr *)&un, (socklen_t)n) < 0)
		return err_new(-errno, "%s", address);
	return TAKE_FD(fd);
}

/* Our uid, as the kernel tells the bus too; the rest goes out without waiting for the answer. */
static int authenticate(struct dbus *d)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	char uid[16];
	const char *end;
	int r;

	(void)snprintf(uid, sizeof(uid), "%u", (unsigned)outer_uid());
	sbuf_addc(&b, '\0');
	sbuf_adds(&b, "AUTH EXTERNAL ");
	for (const char *p = uid; *p; p++)
		sbuf_addf(&b, "%02x", (unsigned)*p);
	sbuf_adds(&b, "\r\nBEGIN\r\n");
	r = send_all(d, b.s, b.len);
	for (size_t n = 1; r == 0; n = d->in.len - d->taken + 1) {
		r = fill(d, n);
		end = memchr(d->in.s, '\n', d->in.len);
		if (r == 0 && end) {
			d->taken = (size_t)(end - d->in.s) + 1;
			break;
		}
		if (r == 0 && d->in.len > 512)
			r = err_new(-CE_PROTOCOL, "session bus");
	}
	if (r == 0 && strncmp(d->in.s, "OK ", 3) != 0)
		r = err_new(-EACCES, "the session bus does not know us");
	return r;
}

int dbus_open(struct dbus *d, int timeout_ms)
{
	AUTO_FREE char *address = dbus_address();
	int r;

	if (!address)
		return err_new(-CE_HOST_SETUP, "no session bus");
	d->deadline_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
	d->fd = connect_to(address);
	r = d->fd < 0 ? d->fd : authenticate(d);
	if (r == 0)
		r = dbus_call(d, BUS, "/org/freedesktop/DBus", BUS, "Hello", "", NULL);
	return r < 0 ? err_wrap(r, "session bus") : 0;
}

void dbus_close(struct dbus *d)
{
	closep(&d->fd);
	sbuf_done(&d->in);
}

int dbus_call(struct dbus *d, const char *dest, const char *path, const char *interface,
	      const char *member, const char *signature, const struct sbuf *body)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	size_t fields;
	int r;

	sbuf_addc(&b, ENDIAN);
	sbuf_addc(&b, DBUS_CALL);
	sbuf_addc(&b, 0);
	sbuf_addc(&b, 1); /* of the protocol */
	dbus_put_u32(&b, body ? (uint32_t)body->len : 0);
	dbus_put_u32(&b, ++d->serial);
	fields = dbus_put_array(&b, 8);
	put_field(&b, F_PATH, "o", path);
	put_field(&b, F_INTERFACE, "s", interface);
	put_field(&b, F_MEMBER, "s", member);
	put_field(&b, F_DESTINATION, "s", dest);
	if (*signature)
		put_field(&b, F_SIGNATURE, "g", signature);
	dbus_end_array(&b, fields, 8);
	align(&b, 8);
	if (body)
		sbuf_add(&b, body->s, body->len);
	r = send_all(d, b.s, b.len);
	return r < 0 ? r : (int)d->serial;
}

int dbus_next(struct dbus *d, struct dbus_message *ret)
{
	struct dbus_message m = {0};
	struct dbus_reader head;
	uint32_t body_len, fields_len;
	size_t body_at;
	int r = fill(d, HEAD);

	if (r < 0)
		return r;
	head = (struct dbus_reader){.p = d->in.s + d->taken, .at = 4, .end = HEAD};
	body_len = dbus_get_u32(&head);
	(void)dbus_get_u32(&head);
	fields_len = dbus_get_u32(&head);
	if (head.p[0] != ENDIAN || body_len > MESSAGE_MAX || fields_len > MESSAGE_MAX)
		return err_new(-CE_PROTOCOL, "session bus");
	body_at = (HEAD + (size_t)fields_len + 7) / 8 * 8;
	r = fill(d, body_at + body_len);
	if (r < 0)
		return r;
	head = (struct dbus_reader){
		.p = d->in.s + d->taken, .at = HEAD, .end = HEAD + (size_t)fields_len};
	m.type = (enum dbus_type)head.p[1];
	m.member = m.error = "";
	while (head.at < head.end && !head.failed)
		read_field(&head, &m);
	if (head.failed)
		return err_new(-CE_PROTOCOL, "session bus");
	m.body = (struct dbus_reader){.p = head.p + body_at, .end = body_len};
	d->taken += body_at + body_len;
	*ret = m;
	return 0;
}
