/* SPDX-License-Identifier: MIT */
#include "pkg/config/credential_helper.h"

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
#include "pkg/config/auth_internal.h"
#include "pkg/json/json.h"
#include "pkg/sys/process.h"

#define HELPER_MS 10000
#define ANSWER_MAX (64 * 1024)

static bool is_helper_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n < 64 && !s[n];
}

static int find_program(const char *name, char **ret)
{
	AUTO_FREE char *program = xasprintf("docker-credential-%s", name);

	return program_find(program, ret);
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

static int start(const char *program, const char *verb, struct running *p)
{
	char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)verb, NULL};
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

/* One question and its answer; @ret_status is the program's. */
static int run(const char *program, const char *verb, const struct sbuf *input, struct sbuf *answer,
	       int *ret_status)
{
	AUTO(running_done) struct running p = {-EBADF, -EBADF, -EBADF};
	int r = start(program, verb, &p);

	if (r < 0)
		return r;
	/* One that does not read tells by its answer. */
	(void)write_full(p.in, input->s, input->len);
	closep(&p.in);
	r = read_answer(&p, answer);
	if (r == 0)
		r = pidfd_wait(p.pidfd, HELPER_MS, ret_status);
	if (r == 0)
		closep(&p.pidfd);
	sbuf_trim_end(answer, "\r\n ");
	return r;
}

/* @ret: NULL for verbs without an answer. */
static int ask(const char *name, const char *verb, const char *server, const struct sbuf *input,
	       struct credential *ret)
{
	AUTO(sbuf_wipe) struct sbuf answer = SBUF_INIT;
	AUTO_FREE char *program = NULL;
	int status = 0, r;

	if (!is_helper_name(name))
		return err_new(-CE_UNSAFE, "credential helper \"%s\"", name);
	if (strpbrk(server, "\r\n"))
		return err_new(-CE_BAD_FORMAT, "server name");
	r = find_program(name, &program);
	if (r == 0)
		r = run(program, verb, input, &answer, &status);
	if (r == 0 && status != 0 && strstr(answer.s, "credentials not found in native keychain"))
		return 0;
	if (r == 0 && status != 0)
		r = err_new(-CE_DENIED, "it failed: %.200s", answer.s);
	if (r == 0 && ret)
		r = take_answer(&answer, ret);
	return r < 0 ? err_wrap(r, "credential helper %s", program ? program : name) : 0;
}

int helper_get(const char *name, const char *server, struct credential *ret)
{
	AUTO_SBUF struct sbuf input = SBUF_INIT;

	sbuf_adds(&input, server);
	return ask(name, "get", server, &input, ret);
}

int helper_store(const char *name, const char *server, const struct credential *c)
{
	AUTO(sbuf_wipe) struct sbuf input = SBUF_INIT;
	AUTO_JSON struct json_object *o = json_object_new_object();

	json_set_str(o, "ServerURL", server);
	json_set_str(o, "Username", c->identity_token ? "<token>" : c->user);
	json_set_str(o, "Secret", c->identity_token ? c->identity_token : c->password);
	json_write(o, false, &input);
	return ask(name, "store", server, &input, NULL);
}

int helper_erase(const char *name, const char *server)
{
	AUTO_SBUF struct sbuf input = SBUF_INIT;

	sbuf_adds(&input, server);
	return ask(name, "erase", server, &input, NULL);
}
