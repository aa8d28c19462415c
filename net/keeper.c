/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: who starts and who ends a keeper
 *
 * Start   under start.lock: whoever finds nobody behind the socket starts a keeper and waits for its word
 *         that it listens. It is no child of anybody for long (it forks once), so it outlives the
 *         monitor that needed it first.
 * End     the keeper's own decision, when its last connection closed: under start.lock, so that nobody
 *         waits for a keeper that goes. Who connected in that instant reads the end of the
 *         connection and begins anew.
 */
#include "net/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/process.h"
#include "pkg/sys/socket.h"

#define START_MS 20000
#define ANSWER_MS 20000
#define TRIES 40
#define PAUSE_NS 25000000

static int open_dir(const struct net_plan *n)
{
	int dir = open(n->keeper_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return dir < 0 ? err_new(-errno, "open %s", n->keeper_dir) : dir;
}

/* Returns once it listens. What it cannot do it says on the same pipe. */
static int start(const struct net_plan *n, int dir)
{
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF, pidfd = -EBADF;
	char dir_fd[16], word_fd[16], keep[] = "keep", guard[] = "guard", trail[512];
	char *argv[] = {(char *)(uintptr_t)n->keeper_path,
			n->mode == NET_BRIDGE ? keep : guard,
			dir_fd,
			word_fd,
			(char *)(uintptr_t)n->uplink_path,
			NULL};
	char *envp[2] = {NULL, NULL}, debug[256];
	const char *wanted = getenv("CUDDY_DEBUG");
	int p[2], fds[2], status;
	struct spawn s;
	ssize_t got;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	rd = p[0];
	wr = p[1];
	(void)snprintf(dir_fd, sizeof(dir_fd), "%d", dir);
	(void)snprintf(word_fd, sizeof(word_fd), "%d", wr);
	if (wanted && snprintf(debug, sizeof(debug), "CUDDY_DEBUG=%s", wanted) > 0)
		envp[0] = debug;
	fds[0] = dir;
	fds[1] = wr;
	s = (struct spawn){.path = n->keeper_path,
			   .argv = argv,
			   .envp = envp,
			   .stdio = {-1, -1, log_wants("net") ? 2 : -1},
			   .keep = fds,
			   .n_keep = ARRAY_LEN(fds),
			   .new_session = true};
	pidfd = spawn_start(&s, NULL);
	if (pidfd < 0)
		return pidfd;
	closep(&wr);
	got = read_upto(rd, trail,
			sizeof(trail) - 1); /* to its end: it closes the pipe either way */
	if (pidfd_wait(pidfd, START_MS, &status) < 0)
		err_drop(); /* the pipe says more */
	if (got == 1 && trail[0] == '.')
		return 0;
	trail[got > 0 ? got : 0] = '\0';
	return got > 0 ? err_set(-CE_NETWORK, trail)
		       : err_new(-CE_NETWORK, "%s ended while it started", n->keeper_path);
}

int keeper_try_connect(const struct net_plan *n)
{
	AUTO_CLOSE int dir = open_dir(n);

	return dir < 0 ? dir : socket_connect_at(dir, KEEPER_SOCKET);
}

int keeper_connect(const struct net_plan *n)
{
	AUTO_CLOSE int dir = open_dir(n), lock = -EBADF;
	int r = dir < 0 ? dir : socket_connect_at(dir, KEEPER_SOCKET);

	if (r != -ENOENT && r != -ECONNREFUSED)
		return r;
	lock = lock_open(dir, KEEPER_START, LOCK_EXCLUSIVE);
	if (lock < 0)
		return lock;
	r = socket_connect_at(dir, KEEPER_SOCKET);
	if (r != -ENOENT && r != -ECONNREFUSED)
		return r;
	r = start(n, dir);
	return r < 0 ? r : socket_connect_at(dir, KEEPER_SOCKET);
}

int keeper_request(int fd, const void *request, size_t n, const char *lease, int netns)
{
	struct {
		struct keeper_head head;
		char body[BRIDGE_REQUEST_MAX + BRIDGE_LEASE_MAX];
	} m;
	size_t lease_len = strlen(lease);

	if (n > BRIDGE_REQUEST_MAX || lease_len > BRIDGE_LEASE_MAX)
		return -EMSGSIZE;
	m.head = (struct keeper_head){(uint32_t)n, (uint32_t)lease_len};
	memcpy(m.body, request, n);
	memcpy(m.body + n, lease, lease_len);
	return socket_send(fd, &m, sizeof(m.head) + n + lease_len, &netns, 1);
}

int keeper_answer(int fd, char *lease)
{
	struct {
		struct keeper_reply head;
		char body[BRIDGE_LEASE_MAX];
	} m;
	ssize_t n = socket_recv(fd, &m, sizeof(m), NULL, 0, NULL);

	if (n == -EAGAIN)
		return -EAGAIN;
	if (n <= 0)
		return err_new(-ECONNRESET, "the keeper of the bridges");
	if ((size_t)n < sizeof(m.head) || (size_t)n != sizeof(m.head) + m.head.len ||
	    m.head.len >= sizeof(m.body))
		return err_new(-CE_PROTOCOL, "the keeper's answer");
	m.body[m.head.len] = '\0';
	if (m.head.code < 0)
		return err_set(m.head.code, m.body);
	memcpy(lease, m.body, m.head.len + 1);
	return 0;
}

static int wait_answer(int fd, char *lease)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r;

	do {
		r = poll(&p, 1, ANSWER_MS);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return err_new(-CE_TIMEOUT, "the keeper of the bridges does not answer");
	return keeper_answer(fd, lease);
}

int keeper_refused(const char *dir, const char *id, uint64_t *ret)
{
	const struct net_plan n = {.keeper_dir = dir};
	AUTO_CLOSE int fd = keeper_try_connect(&n);
	char text[BRIDGE_LEASE_MAX];
	struct {
		struct keeper_head head;
		char id[128];
	} m = {.head = {0, (uint32_t)strlen(id)}};
	int r;

	if (fd < 0 || strlen(id) >= sizeof(m.id))
		return fd < 0 ? fd : -EINVAL;
	memcpy(m.id, id, strlen(id));
	r = socket_send(fd, &m, sizeof(m.head) + strlen(id), NULL, 0);
	if (r == 0)
		r = wait_answer(fd, text);
	return r < 0 ? r : parse_u64(text, UINT64_MAX, ret);
}

int keeper_netns(const char *dir)
{
	const struct net_plan n = {.keeper_dir = dir};
	AUTO_CLOSE int fd = keeper_try_connect(&n);
	struct ucred keeper;
	socklen_t len = sizeof(keeper);
	char path[32];
	int ns;

	if (fd < 0)
		return fd == -ECONNREFUSED ? -ENOENT : fd;
	/* While we are connected it does not end, and its number is nobody else's. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &keeper, &len) < 0)
		return err_new(-errno, "who keeps the bridges");
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", keeper.pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	return ns < 0 ? err_new(-errno, "open %s", path) : ns;
}

int keeper_join(const struct net_plan *n, int netns, char *lease)
{
	int r = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		AUTO_CLOSE int fd = keeper_connect(n);

		if (fd == -ENOENT || fd == -ECONNREFUSED) {
			r = err_new(-ECONNRESET, "the keeper of the bridges");
			continue;
		}
		if (fd < 0)
			return fd;
		r = keeper_request(fd, n->bridge, n->bridge_len, lease, netns);
		if (r == -EPIPE || r == -ECONNRESET) {
			r = err_new(-ECONNRESET, "the keeper of the bridges");
			continue;
		}
		if (r < 0)
			return err_new(r, "ask the keeper of the bridges");
		r = wait_answer(fd, lease);
		if (r == 0)
			return TAKE_FD(fd);
		/*
		 * What it said itself is its answer; only its silence is worth another try, and that it
		 * has no power over the namespace: then its base namespace is an older one, whose
		 * monitors were all killed, and it goes.
		 */
		if (r != -ECONNRESET && r != -EPERM)
			return r;
		if (r == -EPERM)
			(void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
	}
	return r;
}
