/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: slirp4netns
 *
 * Process      a child of the monitor, in B. For set-up it forks a child of its own that enters the
 *              container's user and network namespaces, makes the tap and hands it back; the
 *              process that stays is in B and the host's network, with an empty root (its sandbox)
 *              and a system call filter. Without these two it is not started (N02).
 * Lifetime     three ropes: PR_SET_PDEATHSIG, the exit pipe that only the monitor holds, SIGKILL
 *              from net_helper_done().
 * Descriptors  ready pipe (write end), exit pipe (read end), stderr pipe. The helper also holds the
 *              read end of its own stderr: so it never dies of SIGPIPE when the monitor closes
 *              log_fd, and as the pipe does not block it never hangs on a full one either.
 */
#include "net/slirp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/sys/file.h"

#define LOG_PIPE_BYTES 4096
#define VERSION_TIMEOUT_MS 5000

/* argv never holds more than this many words; the longest set is 15. */
#define ARGV_MAX 20

struct words {
	char *v[ARGV_MAX];
	unsigned n;
};

static void add(struct words *w, const char *s)
{
	w->v[w->n++] = (char *)(uintptr_t)
		s; /* execve's argv is char *const[]; nothing writes to it */
	w->v[w->n] = NULL;
}

int net_slirp_start(const struct net_plan *n, pid_t pid, struct net_helper *ret)
{
	AUTO_CLOSE int ready_r = -EBADF, ready_w = -EBADF, exit_r = -EBADF, exit_w = -EBADF,
		       log_r = -EBADF, log_w = -EBADF;
	char mtu[16], ready[16], quit[16], target[16], cidr[INET_ADDRSTRLEN + 4];
	const struct in_addr network = net_plan_address(n, 0);
	int p[2], pidfd, keep[3];
	struct words w = {.n = 0};
	struct spawn s;
	pid_t helper;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	ready_r = p[0];
	ready_w = p[1];
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	exit_r = p[0];
	exit_w = p[1];
	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_new(-errno, "pipe");
	log_r = p[0];
	log_w = p[1];
	(void)fcntl(log_w, F_SETPIPE_SZ, LOG_PIPE_BYTES); /* only to save memory */
	(void)snprintf(mtu, sizeof(mtu), "%u", n->mtu ? n->mtu : NET_SLIRP_MTU);
	(void)inet_ntop(AF_INET, &network, cidr, INET_ADDRSTRLEN);
	(void)snprintf(cidr + strlen(cidr), 4, "/%u", net_plan_prefix(n));
	(void)snprintf(ready, sizeof(ready), "%d", ready_w);
	(void)snprintf(quit, sizeof(quit), "%d", exit_r);
	(void)snprintf(target, sizeof(target), "%d", (int)pid);

	add(&w, n->slirp_path);
	add(&w, "--configure");
	add(&w, "--enable-sandbox");
	add(&w, "--enable-seccomp");
	if (!n->allow_host_loopback)
		add(&w, "--disable-host-loopback");
	if (n->enable_ipv6)
		add(&w, "--enable-ipv6");
	add(&w, "--mtu");
	add(&w, mtu);
	if (n->prefix) {
		add(&w, "--cidr");
		add(&w, cidr);
	}
	add(&w, "--ready-fd");
	add(&w, ready);
	add(&w, "--exit-fd");
	add(&w, quit);
	add(&w, "--");
	add(&w, target);
	add(&w, NET_SLIRP_DEVICE);

	keep[0] = ready_w;
	keep[1] = exit_r;
	keep[2] = log_r;
	s = (struct spawn){.path = n->slirp_path,
			   .argv = w.v,
			   .stdio = {-1, -1, log_w},
			   .keep = keep,
			   .n_keep = ARRAY_LEN(keep),
			   .death_signal = SIGKILL,
			   .new_session = true};
	pidfd = spawn_start(&s, &helper);
	if (pidfd < 0)
		return err_wrap(pidfd, "network");
	log_debug("net", "slirp4netns is %d, for %d", (int)helper, (int)pid);
	*ret = (struct net_helper){.pid = helper,
				   .pidfd = pidfd,
				   .ready_fd = TAKE_FD(ready_r),
				   .exit_fd = TAKE_FD(exit_w),
				   .log_fd = TAKE_FD(log_r)};
	return 0;
}

/*
 * The last line of what the helper wrote to stderr, or the one before "child failed(1)", which says
 * nothing; @buf is cut there. "" when it said nothing.
 */
static const char *last_words(int fd, char *buf, size_t size)
{
	ssize_t n = read_upto(fd, buf, size - 1);
	char *line, *nl;

	/* read_upto() reports -EAGAIN when the pipe is dry: what came before is in the buffer. */
	if (n < 0)
		n = (ssize_t)strnlen(buf, size - 1);
	do {
		while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
			n--;
		buf[n] = '\0';
		nl = strrchr(buf, '\n');
		line = nl ? nl + 1 : buf;
		n = nl ? nl - buf : 0;
	} while (nl && strncmp(line, "child failed", 12) == 0);
	return line;
}

int net_helper_wait_ready(struct net_helper *h, int timeout_ms)
{
	struct pollfd p = {.fd = h->ready_fd, .events = POLLIN};
	char words[LOG_PIPE_BYTES] = "";
	const char *last;
	char c = 0;
	int r;

	do {
		r = poll(&p, 1, timeout_ms);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_new(-errno, "wait for the network");
	if (r > 0 && read(h->ready_fd, &c, 1) == 1 && c == '1') {
		closep(&h->ready_fd);
		return 0;
	}
	last = last_words(h->log_fd, words, sizeof(words));
	if (r == 0)
		return err_new(-ETIMEDOUT, "slirp4netns%s%s", *last ? ": " : "", last);
	return err_new(-CE_NETWORK, "slirp4netns: %s", *last ? last : "it ended without a word");
}

void net_helper_done(struct net_helper *h)
{
	int saved = errno, status;

	closep(&h->exit_fd);
	if (h->pidfd >= 0) {
		/* No err_new() here: the caller's trail says why we are ending it. */
		(void)kill(h->pid, SIGKILL); /* our child, not yet reaped: the number is its own */
		while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	closep(&h->pidfd);
	closep(&h->ready_fd);
	closep(&h->log_fd);
	h->pid = -1;
	errno = saved;
}

/* --- finding it, once per boot asking for its version ----------------------------------------- */

static const char *const places[] = {"/usr/bin/slirp4netns", "/usr/local/bin/slirp4netns",
				     "/bin/slirp4netns"};

/* "NAME version 1.2.0" or "libslirp: 4.7.0" anywhere in @text: major * 1000 + minor; 0: not there. */
static unsigned version_after(const char *text, const char *key)
{
	const char *s = strstr(text, key);
	unsigned major = 0, minor = 0;

	if (!s || sscanf(s + strlen(key), "%u.%u", &major, &minor) != 2 || minor > 999)
		return 0;
	return major * 1000 + minor;
}

int net_slirp_is_old(const char *path)
{
	char *argv[] = {(char *)(uintptr_t)path, (char *)(uintptr_t) "--version", NULL};
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF, pidfd = -EBADF;
	char text[2048];
	int p[2], status;
	ssize_t n;
	struct spawn s;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	rd = p[0];
	wr = p[1];
	s = (struct spawn){
		.path = path, .argv = argv, .stdio = {-1, wr, -1}, .death_signal = SIGKILL};
	pidfd = spawn_start(&s, NULL);
	if (pidfd < 0)
		return pidfd;
	closep(&wr);
	n = read_upto(rd, text, sizeof(text) - 1);
	closep(&rd); /* one that never stops talking gets SIGPIPE */
	if (pidfd_wait(pidfd, VERSION_TIMEOUT_MS, &status) < 0) {
		(void)pidfd_signal(pidfd, SIGKILL);
		(void)pidfd_wait(pidfd, -1, &status);
		err_drop();
		return 1;
	}
	text[n > 0 ? n : 0] = '\0';
	return version_after(text, "slirp4netns version ") < 1002 ||
	       version_after(text, "libslirp: ") < 4007;
}

/* The answer is remembered in the runtime directory, bound to the very file that gave it. */
static int version_is_old_cached(int runtime_dir, const char *path, const struct stat *st)
{
	AUTO_SBUF struct sbuf known = SBUF_INIT;
	char key[160];
	int old, len;

	len = snprintf(key, sizeof(key), "%llu %llu %lld %lld.%09ld ",
		       (unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
		       (long long)st->st_size, (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
	if (runtime_dir >= 0) {
		if (file_read_at(runtime_dir, "slirp4netns", sizeof(key), &known) == 0 &&
		    strncmp(known.s, key, (size_t)len) == 0)
			return strcmp(known.s + len, "ok") == 0 ? 0 : 1;
		err_drop(); /* not asked yet, or another file since: ask */
	}
	old = net_slirp_is_old(path);
	if (old < 0 || runtime_dir < 0)
		return old;
	(void)snprintf(key + len, sizeof(key) - (size_t)len, "%s", old ? "old" : "ok");
	if (file_replace(runtime_dir, "slirp4netns", key, strlen(key), 0600, FILE_NO_SYNC) < 0)
		err_drop(); /* only slower the next time */
	return old;
}

static int check_tun(void)
{
	AUTO_CLOSE int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		return 0;
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return err_new(-CE_HOST_SETUP,
			       "/dev/net/tun is missing; as root: modprobe tun; "
			       "[ -e /dev/net/tun ] || { mkdir -p /dev/net && mknod -m 0666 "
			       "/dev/net/tun c 10 200; }  (or use --network none or host)");
	return err_new(-CE_HOST_SETUP,
		       "/dev/net/tun cannot be opened (%s); as root: chmod 0666 /dev/net/tun  "
		       "(or use --network none or host)",
		       err_text(-errno));
}

int net_slirp_find(int runtime_dir, const char **ret_path, const char **ret_warning)
{
	struct stat st;
	int r;

	for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
		if (stat(places[i], &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		r = version_is_old_cached(runtime_dir, places[i], &st);
		if (r < 0)
			return r;
		*ret_warning = r ? "slirp4netns is older than 1.2 with libslirp 4.7 and has known "
				   "holes: update it"
				 : NULL;
		r = check_tun();
		if (r == 0)
			*ret_path = places[i];
		return r;
	}
	return err_new(-CE_HOST_SETUP,
		       "slirp4netns is not installed; as root: "
		       "apt-get install slirp4netns  (or use --network none or host)");
}
