/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: the agent a RUN may talk to
 *
 * Processes     W the worker of the step ─fork→ P the proxy, listens in the container's place
 *               P ─fork→ one process for each connection, which talks to the agent in its stead
 *               W ─spawn→ A ssh-agent, for key files only; ssh-add hands it the keys and exits
 * All of them are the user's own and in B, so the agent sees a peer it knows. They die with W
 * (PR_SET_PDEATHSIG), and W ends them when the step is over.
 * A message     length (32 bits, big endian), type, rest. Only what asks for keys and signatures is
 *               passed on; all else is answered "failure" here, as an agent would that does not know it.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/build/ssh.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/file.h"
#include "pkg/sys/open.h"
#include "pkg/sys/process.h"
#include "pkg/sys/socket.h"

#define AGENT "/usr/bin/ssh-agent"
#define ADD "/usr/bin/ssh-add"
#define MESSAGE_MAX (256U << 10)
#define CLIENTS_MAX 16
#define WAIT_MS 10000

/* draft-miller-ssh-agent, section 6.1 */
enum {
	AGENT_FAILURE = 5,
	AGENTC_REQUEST_IDENTITIES = 11,
	AGENTC_SIGN_REQUEST = 13,
	AGENTC_EXTENSION = 27,
};
static const char session_bind[] = "session-bind@openssh.com"; /* limits what a key may do */

/* --- one connection ------------------------------------------------------------------------------- */

static int read_message(int fd, unsigned char *buf, uint32_t *ret_n)
{
	uint32_t n;
	int r = read_full(fd, &n, sizeof(n));

	if (r < 0)
		return r;
	n = ntohl(n);
	if (!n || n > MESSAGE_MAX)
		return -EPROTO;
	*ret_n = n;
	return read_full(fd, buf, n);
}

static int write_message(int fd, const unsigned char *buf, uint32_t n)
{
	uint32_t head = htonl(n);
	int r = write_full(fd, &head, sizeof(head));

	return r < 0 ? r : write_full(fd, buf, n);
}

static bool is_allowed(const unsigned char *m, uint32_t n)
{
	size_t len = sizeof(session_bind) - 1;

	switch (m[0]) {
	case AGENTC_REQUEST_IDENTITIES:
	case AGENTC_SIGN_REQUEST:
		return true;
	case AGENTC_EXTENSION:
		return n >= 5 + len && m[4] == len && !m[1] && !m[2] && !m[3] &&
		       memcmp(m + 5, session_bind, len) == 0;
	default:
		return false;
	}
}

static void talk(int client, int agent)
{
	static const unsigned char failure[] = {AGENT_FAILURE};
	AUTO_FREE unsigned char *buf = xmalloc(MESSAGE_MAX);
	uint32_t n;

	while (read_message(client, buf, &n) == 0) {
		if (!is_allowed(buf, n)) {
			if (write_message(client, failure, sizeof(failure)) < 0)
				return;
			continue;
		}
		if (write_message(agent, buf, n) < 0 || read_message(agent, buf, &n) < 0 ||
		    write_message(client, buf, n) < 0)
			return;
	}
}

/* --- the proxy -------------------------------------------------------------------------------------- */

static void __attribute__((noreturn)) serve(int client, int dir, const char *name, pid_t parent)
{
	int agent;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	agent = socket_stream_connect_at(dir, name);
	if (agent >= 0)
		talk(client, agent);
	_exit(0);
}

static void __attribute__((noreturn))
accept_all(int listener, int dir, const char *name, pid_t parent)
{
	unsigned n = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	(void)signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int client;
		pid_t me = getpid(), pid;

		while (n && waitpid(-1, NULL, n < CLIENTS_MAX ? WNOHANG : 0) > 0)
			n--;
		client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (client < 0)
			_exit(1);
		pid = clone_fork(0, NULL);
		if (pid == 0)
			serve(client, dir, name, me);
		(void)close(client);
		n += pid > 0;
	}
}

/* @here: where the container's socket shall be; @agent: path, or NULL: "agent" in @here. */
static int start_proxy(const char *agent, int here, struct ssh_proxy *ret)
{
	AUTO_FREE char *up = xstrdup(agent ? agent : "");
	AUTO_CLOSE int at = -EBADF, listener = socket_stream_listen_at(here, "socket");
	pid_t parent = getpid(), pid;
	char *slash = strrchr(up, '/');

	if (listener < 0)
		return listener;
	if (slash)
		slash[slash == up] = '\0';
	at = slash ? open(up, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : fd_dup(here);
	if (at < 0)
		return err_new(-errno, "open %s", up);
	pid = clone_fork(0, &ret->proxy);
	if (pid == 0)
		accept_all(listener, at, agent ? path_base(agent) : "agent", parent);
	return pid < 0 ? pid : 0;
}

/* --- an agent for key files --------------------------------------------------------------------------- */

/* By a descriptor: the path may be longer than an address of a socket can be. */
static char *agent_path(int dir)
{
	return xasprintf("/proc/self/fd/%d/agent", dir);
}

static int add_key(const struct ssh_key *k, int dir)
{
	AUTO_FREE char *path = agent_path(dir), *env = xasprintf("SSH_AUTH_SOCK=%s", path);
	static char name[] = "ssh-add", quiet[] = "-q", from_stdin[] = "-";
	char *argv[] = {name, quiet, from_stdin, NULL}, *envp[] = {env, NULL};
	AUTO_CLOSE int key = file_memory("key", k->text, k->n), pidfd = -EBADF;
	struct spawn s = {.path = ADD,
			  .argv = argv,
			  .envp = envp,
			  .stdio = {key, -1, -1},
			  .keep = &dir,
			  .n_keep = 1,
			  .death_signal = SIGKILL,
			  .new_session = true}; /* no terminal to ask for a passphrase */
	int status = 0, r;

	if (key < 0)
		return key;
	pidfd = spawn_start(&s, NULL);
	if (pidfd < 0)
		return pidfd;
	r = pidfd_wait(pidfd, WAIT_MS, &status);
	if (r < 0)
		return err_new(r, "ssh-add");
	if (status)
		return err_usage("ssh-add does not take it (status %d); a key with a passphrase "
				 "must be given through an agent",
				 status);
	return 0;
}

static int wait_for_agent(int dir, int pidfd)
{
	for (unsigned i = 0; i < WAIT_MS / 5; i++) {
		struct pollfd p = {.fd = pidfd, .events = POLLIN};
		AUTO_CLOSE int fd = socket_stream_connect_at(dir, "agent");

		if (fd >= 0)
			return 0;
		if (poll(&p, 1, 5) > 0)
			break;
	}
	return err_new(-CE_HOST_SETUP, AGENT " did not start");
}

static int start_agent(const struct ssh_source *s, int dir, struct ssh_proxy *ret)
{
	static char name[] = "ssh-agent", stay[] = "-D", at[] = "-a";
	AUTO_FREE char *path = agent_path(dir);
	char *argv[] = {name, stay, at, path, NULL}, *envp[] = {NULL};
	const struct spawn sp = {.path = AGENT,
				 .argv = argv,
				 .envp = envp,
				 .stdio = {-1, -1, -1},
				 .keep = &dir,
				 .n_keep = 1,
				 .death_signal = SIGKILL,
				 .new_session = true};
	int r;

	if (access(AGENT, X_OK) < 0 || access(ADD, X_OK) < 0)
		return err_new(-CE_HOST_SETUP, "key files need ssh-agent and ssh-add; as root: "
					       "apt-get install openssh-client");
	ret->agent = spawn_start(&sp, NULL);
	r = ret->agent < 0 ? ret->agent : wait_for_agent(dir, ret->agent);
	for (unsigned i = 0; r == 0 && i < s->n_keys; i++) {
		r = add_key(&s->keys[i], dir);
		if (r < 0)
			r = err_wrap(r, "%s", s->keys[i].path);
	}
	return r;
}

static void end(int *pidfd)
{
	int status;

	if (*pidfd < 0)
		return;
	if (pidfd_signal(*pidfd, SIGKILL) < 0 || pidfd_wait(*pidfd, -1, &status) < 0)
		err_drop();
	closep(pidfd);
}

void ssh_proxy_stop(struct ssh_proxy *p)
{
	end(&p->proxy);
	end(&p->agent);
}

int ssh_proxy_start(const struct ssh_source *s, const char *dir, struct ssh_proxy *ret)
{
	struct ssh_proxy p = SSH_PROXY_INIT;
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? err_new(-errno, "open %s", dir) : 0;

	if (r == 0 && !s->socket)
		r = start_agent(s, fd, &p);
	if (r == 0)
		r = start_proxy(s->socket, fd, &p);
	if (r < 0) {
		ssh_proxy_stop(&p);
		return err_wrap(r, "--ssh %s", s->id);
	}
	*ret = p;
	return 0;
}
