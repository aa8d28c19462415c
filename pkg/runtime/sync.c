/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/socket.h"

struct sync_message {
	uint32_t point;
	int32_t code; /* 0, or why the point was not reached */
	struct sync_owner owner; /* of RT_POINT_OWNER */
	char words[1024]; /* the trail; only its used part travels */
};
#define HEAD offsetof(struct sync_message, words)

int sync_send(int sock, enum rt_point point, const int *fds, unsigned n)
{
	struct sync_message m = {.point = point};
	int r;

	log_debug("runtime", "sync #%u sent", point);
	r = socket_send(sock, &m, HEAD, fds, n);
	return r < 0 ? err_new(r, "sync #%u", point) : 0;
}

void sync_fail(int sock, int r)
{
	struct sync_message m = {.code = r};
	size_t n = strlen(err_trail());

	if (n >= sizeof(m.words))
		n = sizeof(m.words) - 1;
	memcpy(m.words, err_trail(), n);
	/* write(), not sendmsg(): the payload's filter may already be loaded and knows write for sure. */
	(void)!write(sock, &m, HEAD + n + 1);
}

/* @other: as good as @point; 0: none. */
static int check_message(struct sync_message *m, ssize_t n, enum rt_point point,
			 enum rt_point other)
{
	if (n == -ECONNRESET)
		n = 0;
	if (n < 0)
		return err_new((int)n, "sync #%u", point);
	if (n == 0 && point == RT_POINT_EXEC)
		return 0;
	if (n == 0)
		return err_new(-EPIPE, "the other side died before sync #%u", point);
	if ((size_t)n < HEAD)
		return err_new(-CE_PROTOCOL, "short message at sync #%u", point);
	if (m->code) {
		m->words[(size_t)n > HEAD ? (size_t)n - HEAD - 1 : 0] = '\0';
		return err_set(m->code < 0 ? m->code : -CE_PROTOCOL, m->words);
	}
	if (m->point != point && (!other || m->point != other))
		return err_new(-CE_PROTOCOL, "sync #%u where #%u was due", m->point, point);
	log_debug("runtime", "sync #%u received", m->point);
	return 0;
}

static int wait_for(int sock, enum rt_point point, enum rt_point other, struct sync_message *m,
		    int *ret_fds)
{
	int fds[RT_SYNC_FDS] = {-EBADF, -EBADF};
	unsigned n_fds = 0;
	ssize_t n = socket_recv(sock, m, sizeof(*m), fds, RT_SYNC_FDS, &n_fds);
	int r;

	for (unsigned i = n_fds; i < RT_SYNC_FDS; i++)
		fds[i] = -EBADF;
	r = check_message(m, n, point, other);
	for (unsigned i = 0; i < RT_SYNC_FDS; i++) {
		if (r == 0 && ret_fds)
			ret_fds[i] = fds[i];
		else
			closep(&fds[i]);
	}
	return r;
}

int sync_wait(int sock, enum rt_point point, int *ret_fds)
{
	struct sync_message m = {.point = 0};

	return wait_for(sock, point, 0, &m, ret_fds);
}

int sync_wait_either(int sock, enum rt_point a, enum rt_point b, enum rt_point *ret, int *ret_fds)
{
	struct sync_message m = {.point = 0};
	int r = wait_for(sock, a, b, &m, ret_fds);

	if (r == 0)
		*ret = (enum rt_point)m.point;
	return r;
}

int sync_ask_owner(int sock, int what, const struct sync_owner *o)
{
	struct sync_message m = {.point = RT_POINT_OWNER, .owner = *o};
	int r = socket_send(sock, &m, HEAD, &what, 1);

	return r < 0 ? err_new(r, "sync #%u", m.point) : sync_wait(sock, RT_POINT_OWNED, NULL);
}

int sync_wait_owner(int sock, enum rt_point point, struct sync_owner *ret, int *ret_fds)
{
	struct sync_message m = {.point = 0};
	int r = wait_for(sock, point, RT_POINT_OWNER, &m, ret_fds);

	*ret = m.owner;
	return r < 0 ? r : m.point == RT_POINT_OWNER;
}

bool sync_is_stepped(void)
{
	return getenv("CUDDY_STOP_AT") != NULL;
}

void sync_stop_at(int point)
{
	const char *s = getenv("CUDDY_STOP_AT");
	uint32_t n;

	if (s && parse_u32(s, RT_POINT_EXEC, &n) == 0 && (int)n == point)
		(void)kill(getpid(), SIGSTOP);
}
