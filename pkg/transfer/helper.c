/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/helper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/json/json.h"
#include "pkg/sys/process.h"

#define HELPER_MS 10000
#define ANSWER_MAX (64 * 1024)

static bool is_helper_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n < 64 && !s[n];
}

/* First executable of that name in an absolute directory of PATH. */
static int find_program(const char *name, char **ret)
{
	AUTO_FREE char *program = xasprintf("docker-credential-%s", name);
	AUTO_STRV struct strv dirs = STRV_INIT;
	const char *path = getenv("PATH");

	strv_split(&dirs, path ? path : "", ':');
	for (size_t i = 0; i < dirs.n; i++) {
		AUTO_FREE char *full = path_join(dirs.v[i], program);

		if (*full == '/' && access(full, X_OK) == 0) {
			*ret = TAKE_PTR(full);
			return 0;
		}
	}
	return err_new(-ENOENT, "credential helper %s", program);
}

struct running {
	int pidfd, in, out;
};

static void running_done(struct running *p)
{
	int status;

	closep(&p->in);
	closep(&p->out);
	if (p->pidfd >= 0) {
		(void)pidfd_signal(p->pidfd, SIGKILL);
		(void)pidfd_wait(p->pidfd, -1, &status);
		closep(&p->pidfd);
	}
}

static int start(const char *program, struct running *p)
{
	char verb[] = "get", *argv[] = {(char *)(uintptr_t)program, verb, NULL};
	AUTO_CLOSE int their_in = -EBADF, their_out = -EBADF;
	struct spawn s = {.path = program, .argv = argv, .envp = environ, .death_signal = SIGKILL};
	int in[2], out[2], r;

	if (pipe2(in, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	their_in = in[0];
	p->in = in[1];
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	p->out = out[0];
	their_out = out[1];
	s.stdio[0] = their_in;
	s.stdio[1] = their_out;
	s.stdio[2] = -1;
	r = spawn_start(&s, NULL);
	if (r < 0)
		return r;
	p->pidfd = r;
	return 0;
}

static int read_answer(struct running *p, struct sbuf *out)
{
	int64_t until = clock_monotonic_ns() + HELPER_MS * NS_PER_MS;
	char buf[4096];
	ssize_t n;

	for (;;) {
		struct pollfd f = {.fd = p->out, .events = POLLIN};
		int64_t left = (until - clock_monotonic_ns()) / NS_PER_MS;

		if (left <= 0 || poll(&f, 1, (int)left) == 0)
			return err_new(-CE_TIMEOUT, "no answer");
		n = read(p->out, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_new(-errno, "read");
		if (n == 0)
			break;
		if (out->len + (size_t)n > ANSWER_MAX)
			return err_new(-CE_LIMIT, "answer");
		sbuf_add(out, buf, (size_t)n);
	}
	explicit_bzero(buf, sizeof(buf));
	return 0;
}

static int take_answer(const struct sbuf *answer, struct credential *ret)
{
	AUTO_JSON struct json_object *o = NULL;
	const char *user = NULL, *secret = NULL;
	int r;

	r = json_parse(answer->s, answer->len, &o);
	if (r < 0)
		return r;
	if ((r = json_get_str(o, "Username", &user)) < 0 ||
	    (r = json_get_str(o, "Secret", &secret)) < 0)
		return r;
	if (!user || !secret)
		return err_new(-CE_BAD_FORMAT, "answer without Username and Secret");
	if (strcmp(user, "<token>") == 0) {
		ret->identity_token = xstrdup(secret);
		return 0;
	}
	ret->user = xstrdup(user);
	ret->password = xstrdup(secret);
	return 0;
}

static int ask(const char *program, const char *server, struct credential *ret)
{
	AUTO(running_done) struct running p = {-EBADF, -EBADF, -EBADF};
	AUTO_SBUF struct sbuf answer = SBUF_INIT;
	int r, status = 0;

	r = start(program, &p);
	if (r < 0)
		return r;
	(void)write_full(p.in, server,
			 strlen(server)); /* one that does not read tells by its answer */
	closep(&p.in);
	r = read_answer(&p, &answer);
	if (r < 0)
		return r;
	r = pidfd_wait(p.pidfd, HELPER_MS, &status);
	if (r < 0)
		return r;
	closep(&p.pidfd);
	if (status != 0 && strstr(answer.s, "credentials not found in native keychain"))
		return 0;
	sbuf_trim_end(&answer, "\r\n ");
	if (status != 0)
		return err_new(-CE_DENIED, "it failed: %.200s", answer.s);
	r = take_answer(&answer, ret);
	explicit_bzero(answer.s, answer.len);
	return r;
}

int helper_get(const char *name, const char *server, struct credential *ret)
{
	AUTO_FREE char *program = NULL;
	int r;

	if (!is_helper_name(name))
		return err_new(-CE_UNSAFE, "credential helper \"%s\"", name);
	if (strpbrk(server, "\r\n"))
		return err_new(-CE_BAD_FORMAT, "server name");
	r = find_program(name, &program);
	if (r < 0)
		return r;
	r = ask(program, server, ret);
	return r < 0 ? err_wrap(r, "credential helper %s", program) : 0;
}
