/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: cuddy-net, the keeper of a user's bridges
 *
 * Processes   all in B, in a pid namespace of their own, so that none outlives the first
 *   P  pid 1, in the host's network: holds the lock, leads others to B (pkg/sys/candidate.h), starts slirp4netns or pasta and starts it again (uplink.c)
 *   K  the keeper, in the bridges' network namespace, which it makes: bridges, addresses, connections of
 *      monitors (keeper.c). When it ends P ends.
 *   N  the server of names, in the same namespace, without any right (names.c)
 *   S  slirp4netns or pasta, in the host's network: the way out
 * Lifetime    K ends when its last connection closed. When any of P and K is killed the kernel ends the
 *             others, and with them namespace, bridges, rules; monitors notice and start a new one.
 * State       none on disk: what is given out is what is connected (pool.c)
 *
 *	cuddy-net keep DIR_FD WORD_FD [SLIRP4NETNS|PASTA]
 *	cuddy-net guard DIR_FD WORD_FD		(net/keeper.h: one process, and N in the container's network)
 * WORD_FD gets "." once K listens, or the words of what went wrong.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/net/keeper.h"
#include "pkg/net/link.h"
#include "pkg/net/rules.h"
#include "pkg/net/uplink.h"
#include "pkg/sys/candidate.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/procfs.h"
#include "pkg/sys/process.h"
#include "pkg/sys/socket.h"
#include "pkg/sys/userns.h"

static const struct {
	const char *path, *value;
} sysctls[] = {
	{"sys/net/ipv4/ip_unprivileged_port_start", "53"}, /* the server of names */
	{"sys/net/ipv6/conf/default/accept_ra", "2"}, /* of slirp4netns, although we forward */
	/* Nobody else is on that link: its router is asked at once, and what it says can be used at once. */
	{"sys/net/ipv6/conf/default/accept_dad", "0"},
	{"sys/net/ipv6/conf/default/router_solicitation_delay", "0"},
};

/* Where filters decide what is passed on, it is; without them nothing is, and networks are islands. */
static const char *const forwarding[] = {"sys/net/ipv4/ip_forward",
					 "sys/net/ipv6/conf/all/forwarding",
					 "sys/net/ipv6/conf/default/forwarding"};

static int set_one(int proc, const char *path, const char *value)
{
	int r = procfs_write(proc, path, value);

	if (r != -ENOENT)
		return r;
	err_drop(); /* a kernel without IPv6 */
	return 0;
}

/* Before the way out is made: its device begins with what is the default then. */
static int set_sysctls(void)
{
	AUTO_CLOSE int proc = procfs_open_host();
	int r = proc < 0 ? proc : 0;

	for (unsigned i = 0; r == 0 && i < ARRAY_LEN(sysctls); i++)
		r = set_one(proc, sysctls[i].path, sysctls[i].value);
	return r;
}

static int set_forwarding(bool filters)
{
	AUTO_CLOSE int proc = procfs_open_host();
	int r = proc < 0 ? proc : 0;

	for (unsigned i = 0; r == 0 && i < ARRAY_LEN(forwarding); i++)
		r = set_one(proc, forwarding[i], filters ? "1" : "0");
	return r;
}

/* slirp4netns answers where a datagram came from: what is not masked comes from addresses behind us. */
void keeper_answer_for_containers(void)
{
	AUTO_CLOSE int proc = procfs_open_host();

	if (proc < 0 ||
	    procfs_write(proc, "sys/net/ipv4/conf/" UPLINK_DEVICE "/proxy_arp", "1") < 0) {
		log_debug("net", "%s", err_trail());
		err_drop();
	}
}

static void set_rules(struct keeper *k)
{
	AUTO_SBUF struct sbuf rules = SBUF_INIT;

	rules_base(&rules);
	k->filters = rules_run(rules.s) == 0;
	if (!k->filters)
		(void)snprintf(k->warning, sizeof(k->warning),
			       "networks have no way out, since filters cannot be set: %.150s",
			       err_trail());
	err_drop();
}

/* The namespaces of a guard's names and rules are the container's: it has none of its own. */
static int guard_main(int dir, int listen_fd, int word)
{
	struct keeper k = {.dir = dir,
			   .listen_fd = listen_fd,
			   .ready_fd = -EBADF,
			   .guards = true,
			   .filters = true,
			   .netns = -EBADF,
			   .neighbour_fd = -EBADF,
			   .names_fd = -EBADF};

	(void)prctl(PR_SET_NAME, "cuddy-net");
	(void)fcntl(listen_fd, F_SETFL, O_NONBLOCK);
	(void)write_full(word, ".", 1);
	(void)close(word);
	return keeper_serve(&k) < 0;
}

static int keeper_main(int dir, int listen_fd, int ready_fd, int word, int parent,
		       const char *uplink)
{
	struct keeper k = {.dir = dir,
			   .listen_fd = listen_fd,
			   .ready_fd = ready_fd,
			   .uplink_is_pasta = uplink && uplink_is_pasta(uplink),
			   .netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC),
			   .neighbour_fd = -EBADF,
			   .names_fd = -EBADF};
	struct mnl_socket *nl = NULL;
	int r = k.netns < 0 ? err_new(-errno, "open /proc/self/ns/net") : 0;

	(void)prctl(PR_SET_NAME, "cuddy-net");
	if (r == 0)
		r = set_sysctls();
	if (r == 0 && (r = socket_send(parent, ".", 1, &k.netns, 1)) < 0)
		r = err_new(r, "hand over the namespace");
	(void)close(parent);
	if (r == 0) {
		set_rules(&k);
		r = set_forwarding(k.filters);
	}
	if (r == 0)
		r = link_open(&nl);
	k.nl = nl;
	if (r == 0 && (r = link_index("lo")) > 0)
		r = link_up(nl, r);
	if (r == 0)
		r = names_start(&k);
	if (r < 0) {
		const char *words = err_message(r);

		(void)write_full(word, words, strlen(words));
		return 1;
	}
	pool_read(&k);
	/* Anew: who connects is told our number as the peer's, not our parent's (keeper_netns()). */
	(void)listen(listen_fd, 64);
	(void)fcntl(listen_fd, F_SETFL, O_NONBLOCK);
	(void)write_full(word, ".", 1);
	(void)close(word);
	return keeper_serve(&k) < 0;
}

/*
 * Who comes while we live must be in our base namespace, or we had no power over his network. Without this
 * the last monitor that was killed would take the way to it along, and the next container be started in
 * another one.
 */
static int offer_base(int dir)
{
	AUTO_CLOSE int runtime = openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = runtime < 0 ? err_new(-errno, "open the runtime directory")
			    : candidate_offer_own(runtime);

	return r < 0 ? r : TAKE_FD(runtime);
}

static int fail(int word, int r)
{
	const char *words = err_message(r);

	(void)write_full(word, words, strlen(words));
	return 1;
}

/* P, and K at once: there is no uplink to look after. */
static int guard_first(int dir, int word)
{
	int lock = lock_open(dir, KEEPER_LOCK, LOCK_EXCLUSIVE);
	int listen_fd = lock < 0 ? lock : socket_listen_at(dir, KEEPER_SOCKET);

	return listen_fd < 0 ? fail(word, listen_fd) : guard_main(dir, listen_fd, word);
}

/* P */
static int first_main(int dir, int word, const char *slirp)
{
	int lock = lock_open(dir, KEEPER_LOCK,
			     LOCK_EXCLUSIVE); /* for life; waits for a keeper that ends */
	int ready[2] = {-EBADF, -EBADF}, pair[2], netns = -EBADF, runtime, listen_fd, r;
	unsigned n = 0;
	pid_t keeper;
	char byte;

	if (lock < 0)
		return fail(word, lock);
	runtime = offer_base(dir);
	if (runtime < 0)
		return fail(word, runtime);
	listen_fd = socket_listen_at(dir, KEEPER_SOCKET);
	if (listen_fd < 0)
		return fail(word, listen_fd);
	r = socket_pair(pair);
	if (r == 0 && slirp && pipe2(ready, O_CLOEXEC | O_NONBLOCK) < 0)
		r = err_new(-errno, "pipe");
	keeper = r < 0 ? r : clone_fork(CLONE_NEWNET, NULL);
	if (keeper == 0) {
		closep(&ready[1]);
		(void)close(pair[0]);
		_exit(keeper_main(dir, listen_fd, ready[0], word, pair[1], slirp));
	}
	if (keeper < 0)
		return fail(word, keeper);
	(void)close(word);
	(void)close(pair[1]);
	(void)close(listen_fd);
	closep(&ready[0]);
	if (socket_recv(pair[0], &byte, 1, &netns, 1, &n) != 1 || n != 1)
		return 1; /* K has said why */
	(void)close(pair[0]);
	r = uplink_hold(slirp, netns, ready[1], keeper);
	candidate_withdraw(runtime);
	return r;
}

/* "cuddy-net check": could filters be set here? In namespaces of its own, which end with it. */
static int check_main(void)
{
	AUTO_CLOSE int pidfd = -EBADF;
	AUTO_SBUF struct sbuf rules = SBUF_INIT;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int status = 1, r = clone_fork(CLONE_NEWUSER | CLONE_NEWNET, &pidfd);

	if (r == 0) {
		rules_base(&rules);
		r = userns_become_root(uid, gid);
		if (r == 0)
			r = rules_run(rules.s);
		if (r < 0)
			(void)write_full(1, err_trail(), strlen(err_trail()));
		_exit(r < 0);
	}
	if (r > 0)
		r = pidfd_wait(pidfd, -1, &status);
	return r < 0 || status != 0;
}

int main(int argc, char **argv)
{
	static const char usage[] = "cuddy-net is started by cuddy, not by hand\n";
	uint32_t dir, word;
	pid_t first;

	if (argc == 2 && strcmp(argv[1], "check") == 0)
		return check_main(); /* dumpable: it writes to its own files in /proc */
	(void)prctl(PR_SET_DUMPABLE, 0);
	log_init(getenv("CUDDY_DEBUG"), "net");
	if (argc < 4 || argc > 5 ||
	    (strcmp(argv[1], "keep") != 0 && (strcmp(argv[1], "guard") != 0 || argc > 4)) ||
	    parse_u32(argv[2], INT32_MAX, &dir) < 0 || parse_u32(argv[3], INT32_MAX, &word) < 0) {
		(void)write_full(2, usage, sizeof(usage) - 1);
		return 125;
	}
	if (fcntl((int)dir, F_SETFD, FD_CLOEXEC) < 0 || fcntl((int)word, F_SETFD, FD_CLOEXEC) < 0)
		return 125;
	first = clone_fork(CLONE_NEWPID, NULL);
	if (first < 0)
		return fail((int)word, first);
	if (first == 0 && strcmp(argv[1], "guard") == 0)
		_exit(guard_first((int)dir, (int)word));
	if (first == 0)
		_exit(first_main((int)dir, (int)word, argc == 5 ? argv[4] : NULL));
	return 0;
}
