/* SPDX-License-Identifier: MIT */
#include "pkg/image/transfer_client.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/config/paths.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/process.h"
#include "pkg/sys/socket.h"
#include "pkg/transfer/user_side.h"

#define UNDO_MS 5000
#define TICK_MS 200

struct client {
	struct store *store; /* NULL: of none */
	int channel, pidfd, signals, user_side;
	pid_t user_side_pid;
	sigset_t old_mask;
	bool masked;
	pid_t pid;
};

static void client_done(struct client *c)
{
	int status;

	closep(&c->channel);
	if (c->pidfd >= 0) {
		(void)pidfd_signal(c->pidfd, SIGKILL);
		(void)pidfd_wait(c->pidfd, -1, &status);
	}
	closep(&c->pidfd);
	closep(&c->signals);
	closep(&c->user_side);
	/* Nobody asks it any more; who settles layers in the background still holds its line. */
	if (c->user_side_pid > 0) {
		(void)kill(c->user_side_pid, SIGKILL);
		(void)waitpid(c->user_side_pid, NULL, 0);
	}
	if (c->masked)
		(void)sigprocmask(SIG_SETMASK, &c->old_mask, NULL);
}

/* What registry access may depend on, and nothing else. */
static void environment(struct strv *env)
{
	static const char *const names[] = {
		"HOME",
		"PATH", /* where credential helpers are */
		"XDG_RUNTIME_DIR",
		"CUDDY_RUNROOT",
		"CUDDY_CRASH_AT", /* crash_point() */
		"XDG_CONFIG_HOME",
		"XDG_CACHE_HOME",
		"LANG",
		"http_proxy",
		"https_proxy",
		"HTTPS_PROXY",
		"no_proxy",
		"NO_PROXY",
		"all_proxy",
		"ALL_PROXY",
		"REGISTRY_AUTH_FILE",
		"DOCKER_CONFIG",
		"CONTAINERS_REGISTRIES_CONF",
		"CONTAINERS_STORAGE_CONF",
		"STORAGE_OPTS",
		"REGISTRIES_CONFIG_PATH",
		"SSL_CERT_FILE",
		"SSL_CERT_DIR",
		"DBUS_SESSION_BUS_ADDRESS",
		"GNUPGHOME",
		"PASSWORD_STORE_DIR",
		"COSIGN_PASSWORD",
		"CUDDY_DEBUG",
		"CUDDY_KEEP_BLOBS",
	};

	strv_add(env, "LC_ALL=C.UTF-8");
	/* It comes with libcurl for LDAP, which is not spoken, and sets itself up unless told otherwise. */
	strv_add(env, "GNUTLS_NO_IMPLICIT_INIT=1");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (getenv(names[i]))
			strv_addf(env, "%s=%s", names[i], getenv(names[i]));
}

static int catch_signals(struct client *c)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, &c->old_mask) < 0)
		return err_new(-errno, "block signals");
	c->masked = true;
	c->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return c->signals < 0 ? err_new(-errno, "signalfd") : 0;
}

/* Started by transfer_expect(), not asked for anything yet. */
static struct client expected = {
	.channel = -EBADF, .pidfd = -EBADF, .signals = -EBADF, .user_side = -EBADF};

static int start(struct client *c)
{
	AUTO_STRV struct strv env = STRV_INIT;
	AUTO_FREE char *program = NULL;
	AUTO_CLOSE int theirs = -EBADF;
	static char name[] = "cuddy-transfer";
	char *argv[] = {name, NULL};
	struct spawn s = {.argv = argv, .stdio = {-1, -1, STDERR_FILENO}, .death_signal = SIGKILL};
	int pair[2], r;

	if (expected.pidfd >= 0) {
		c->channel = TAKE_FD(expected.channel);
		c->pidfd = TAKE_FD(expected.pidfd);
		c->pid = expected.pid;
		return 0;
	}
	r = paths_helper(name, &program);
	if (r < 0)
		return r;
	r = socket_pair(pair);
	if (r < 0)
		return r;
	c->channel = pair[0];
	theirs = pair[1];
	environment(&env);
	s.path = program;
	s.envp = env.v;
	s.stdio[TRANSFER_FD] = theirs;
	r = spawn_start(&s, &c->pid);
	if (r < 0)
		return r;
	c->pidfd = r;
	return 0;
}

/* What goes wrong here goes wrong again when it is wanted, and is said then. */
void transfer_expect(void)
{
	if (expected.pidfd < 0 && start(&expected) < 0) {
		closep(&expected.channel);
		err_drop();
	}
}

/* It does not live in B, or in another one than this process by now: of no use to @op. */
static void expect_no_more(void)
{
	if (expected.pidfd >= 0)
		client_done(&expected);
	expected.pidfd = expected.channel = -EBADF;
}

static int send_request(struct client *c, struct store *st, enum transfer_op op, bool single_id,
			const struct sbuf *body, const int *fds, unsigned n_fds)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int all[TRANSFER_FDS_MAX];
	struct transfer_request q = {.op = op,
				     .root = st ? store_root(st) : "",
				     .runroot = st ? store_runroot(st) : "",
				     .single_id = single_id,
				     .in_base = !st || base_is_entered(),
				     .user_side = c->user_side >= 0,
				     .body = body->s,
				     .body_n = body->len};
	int r;

	transfer_request_put(&b, &q);
	if (b.len > TRANSFER_MESSAGE_MAX || n_fds >= TRANSFER_FDS_MAX)
		return err_new(-CE_LIMIT, "request to cuddy-transfer");
	for (unsigned i = 0; i < n_fds; i++)
		all[i] = fds[i];
	if (c->user_side >= 0)
		all[n_fds++] = c->user_side;
	r = socket_send(c->channel, b.s, b.len, all, n_fds);
	closep(&c->user_side); /* it ends with the one who has it */
	explicit_bzero(b.s, b.len);
	return r < 0 ? err_new(r, "send the request to cuddy-transfer") : 0;
}

/* It wants to work on layers. B is made, when there is none, by who may run the setuid helpers. */
static int give_base(struct client *c)
{
	AUTO(base_grant_done) struct base_grant grant = {0};
	AUTO_CLOSE int ns = -EBADF;
	int r = base_grant_load(&grant);

	if (r == 0)
		ns = r = base_open(store_runtime_fd(c->store), &grant, NULL);
	if (r >= 0) {
		r = socket_send(c->channel, "", 1, &ns, 1);
		r = r < 0 ? err_new(r, "hand over the base namespace") : 0;
	}
	return r;
}

/* Return: 1 at the end event, whose code is in *ret_code. */
static int handle_event(struct client *c, const struct transfer_handler *h, int *ret_code)
{
	static unsigned char buf[TRANSFER_MESSAGE_MAX];
	struct transfer_message m;
	unsigned n_fds;
	ssize_t n;
	int r;

	n = socket_recv(c->channel, buf, sizeof(buf), NULL, 0, &n_fds);
	if (n < 0)
		return err_new((int)n, "receive from cuddy-transfer");
	if (n == 0)
		return err_new(-CE_PROTOCOL, "cuddy-transfer died before it was done");
	r = transfer_message_get(buf, (size_t)n, &m);
	if (r < 0)
		return r;
	if (m.event == TRANSFER_EV_PROGRESS && h->progress)
		h->progress(h->data, &m.progress);
	if (m.event == TRANSFER_EV_MESSAGE && h->message)
		h->message(h->data, m.warning, m.text);
	if (m.event == TRANSFER_EV_IMAGE && h->image)
		h->image(h->data, m.reference, m.id);
	if (m.event == TRANSFER_EV_BASE)
		return give_base(c);
	if (m.event != TRANSFER_EV_END)
		return 0;
	*ret_code = m.code < 0 ? err_set(m.code, m.text) : 0;
	return 1;
}

/* The closed channel tells it to undo; it is killed when that takes too long. */
static int cancel(struct client *c)
{
	int status;

	closep(&c->channel);
	if (pidfd_wait(c->pidfd, UNDO_MS, &status) == 0)
		closep(&c->pidfd);
	else
		err_drop();
	return err_new(-CE_INTERRUPTED, "transfer");
}

static int follow(struct client *c, const struct transfer_handler *h)
{
	struct pollfd p[2] = {{.fd = c->channel, .events = POLLIN},
			      {.fd = c->signals, .events = POLLIN}};
	int code = 0, status, r;

	for (;;) {
		int n = poll(p, 2, h->tick ? TICK_MS : -1);

		if (n < 0 && errno != EINTR)
			return err_new(-errno, "wait for cuddy-transfer");
		if (n == 0)
			h->tick(h->data);
		if (n <= 0)
			continue;
		if (p[1].revents)
			return cancel(c);
		if (!p[0].revents)
			continue;
		r = handle_event(c, h, &code);
		if (r < 0)
			return r;
		if (r == 1)
			break;
	}
	if (pidfd_wait(c->pidfd, UNDO_MS, &status) == 0)
		closep(&c->pidfd);
	return code;
}

/*
 * Whoever touches layers has the subordinate ids; whoever only talks stays the user. What talks first, and
 * often finds that nothing is to be done, asks for B when it knows better (TRANSFER_EV_BASE).
 */
static int enter_base(struct store *st, enum transfer_op op, bool *ret_single)
{
	AUTO(base_grant_done) struct base_grant grant = {0};
	int r = base_grant_load(&grant);

	if (r < 0)
		return r;
	*ret_single = base_grant_is_single(&grant);
	if ((op != TRANSFER_PULL && op != TRANSFER_PUSH) || base_is_inherited(&grant))
		r = base_enter(store_runtime_fd(st), &grant);
	if (r == 0 && base_is_entered())
		expect_no_more();
	return r;
}

/* Of what is signed here, or goes to registries from within B. */
static bool wants_user_side(enum transfer_op op, const struct user_side_offer *o)
{
	return op == TRANSFER_SIGN || op == TRANSFER_PUSH_LIST || o->sign_by;
}

static int run(struct store *st, enum transfer_op op, const struct sbuf *body, const int *fds,
	       unsigned n_fds, const struct transfer_handler *h, const struct user_side_offer *o)
{
	AUTO(client_done)
	struct client c = {.store = st,
			   .channel = -EBADF,
			   .pidfd = -EBADF,
			   .signals = -EBADF,
			   .user_side = -EBADF};
	bool single = false;
	int r = 0;

	if (wants_user_side(op, o)) {
		c.user_side = user_side_start(o, &c.user_side_pid);
		r = c.user_side < 0 ? c.user_side : 0;
	}
	if (r == 0 && st)
		r = enter_base(st, op, &single);
	if (r == 0)
		r = catch_signals(&c);
	if (r == 0)
		r = start(&c);
	if (r == 0)
		r = send_request(&c, st, op, single, body, fds, n_fds);
	return r < 0 ? r : follow(&c, h);
}

int transfer_run(struct store *st, enum transfer_op op, const struct sbuf *body, const int *fds,
		 unsigned n_fds, const struct transfer_handler *h)
{
	static const struct user_side_offer nothing;

	return run(st, op, body, fds, n_fds, h, &nothing);
}

int transfer_run_for(struct store *st, enum transfer_op op, const struct sbuf *body, const int *fds,
		     unsigned n_fds, const struct transfer_handler *h,
		     const struct user_side_offer *o)
{
	return run(st, op, body, fds, n_fds, h, o);
}

int transfer_fetch_to(const struct transfer_fetch *f, const struct transfer_handler *h, int fd)
{
	const struct transfer_handler quiet = {0};
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	int r;

	transfer_fetch_put(&body, f);
	r = transfer_run(NULL, TRANSFER_FETCH, &body, &fd, 1, h ? h : &quiet);
	return r == 0 && lseek(fd, 0, SEEK_SET) < 0 ? err_new(-errno, "seek") : r;
}
