/* SPDX-License-Identifier: MIT */
#include "pkg/sys/converse.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"

struct running {
	int pidfd, out;
};

static void running_done(struct running *p)
{
	int status;

	closep(&p->out);
	if (p->pidfd >= 0) {
		(void)pidfd_signal(p->pidfd, SIGKILL);
		(void)pidfd_wait(p->pidfd, -1, &status);
		closep(&p->pidfd);
	}
}

static int start(const struct converse *c, struct running *p)
{
	AUTO_CLOSE int their_in = -EBADF, their_out = -EBADF;
	struct spawn s = {
		.path = c->program, .argv = c->argv, .envp = environ, .death_signal = SIGKILL};
	int out[2], r;

	their_in = file_memory("question", c->input->s, c->input->len);
	if (their_in < 0)
		return their_in;
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	p->out = out[0];
	their_out = out[1];
	s.stdio[0] = their_in;
	s.stdio[1] = their_out;
	s.stdio[2] = c->errors ? STDERR_FILENO : -1;
	r = spawn_start(&s, NULL);
	if (r < 0)
		return r;
	p->pidfd = r;
	return 0;
}

static int ms_until(int64_t ns)
{
	int64_t left = (ns - clock_monotonic_ns()) / NS_PER_MS;

	return left > 0 ? (int)left : 0;
}

static int read_answer(const struct converse *c, struct running *p, int64_t until, struct sbuf *out)
{
	char buf[4096];
	ssize_t n;

	for (;;) {
		struct pollfd f = {.fd = p->out, .events = POLLIN};
		int ready = poll(&f, 1, ms_until(until));

		if (ready == 0)
			return err_new(-CE_TIMEOUT, "no answer");
		if (ready < 0 && errno == EINTR)
			continue;
		n = read(p->out, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_new(-errno, "read");
		if (n == 0)
			break;
		if (out->len + (size_t)n > c->max)
			return err_new(-CE_LIMIT, "answer");
		sbuf_add(out, buf, (size_t)n);
	}
	explicit_bzero(buf, sizeof(buf));
	return 0;
}

int converse(const struct converse *c, struct sbuf *answer, int *ret_status)
{
	AUTO(running_done) struct running p = {-EBADF, -EBADF};
	int64_t until = clock_monotonic_ns() + c->timeout_ms * NS_PER_MS;
	int r = start(c, &p);

	if (r < 0)
		return r;
	r = read_answer(c, &p, until, answer);
	if (r == 0)
		r = pidfd_wait(p.pidfd, ms_until(until), ret_status);
	if (r == -ETIMEDOUT) {
		err_drop();
		r = err_new(-CE_TIMEOUT, "it answered, and does not end");
	}
	if (r == 0)
		closep(&p.pidfd);
	return r;
}
