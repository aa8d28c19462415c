/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: network helpers
 *
 * Process      a child of the monitor, in B and the host's network. For set-up it visits the
 *              container's network namespace and makes the device there; afterwards its root is
 *              empty and a system call filter is in place. slirp4netns is told so (without these it
 *              is not started, N02), pasta does so always.
 * Lifetime     PR_SET_PDEATHSIG; for slirp4netns also the exit pipe that only the monitor holds;
 *              SIGKILL from net_helper_done().
 * Descriptors  ready pipe (write end), exit pipe (read end), stderr pipe. The helper also holds the
 *              read end of its own stderr: so it never dies of SIGPIPE when the monitor closes
 *              log_fd, and as the pipe does not block it never hangs on a full one either.
 */
#include "net/helper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/helper_internal.h"
#include "net/slirp.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"

#define LOG_PIPE_BYTES 4096

void helper_word(struct helper_words *w, const char *s)
{
	if (w->n < HELPER_WORDS_MAX)
		w->v[w->n] = (char *)(uintptr_t)s; /* execve's argv; nothing writes to it */
	w->n++;
	w->v[w->n < HELPER_WORDS_MAX ? w->n : HELPER_WORDS_MAX] = NULL;
}

static int make_words(const struct net_plan *n, pid_t pid, const struct helper_fds *fds,
		      struct helper_text *t, struct helper_words *w)
{
	int r;

	(void)snprintf(t->ready, sizeof(t->ready), n->mode == NET_PASTA ? "/proc/self/fd/%d" : "%d",
		       fds->ready);
	(void)snprintf(t->quit, sizeof(t->quit), "%d", fds->exit);
	if (fds->netns >= 0)
		(void)snprintf(t->target, sizeof(t->target), "/proc/self/fd/%d", fds->netns);
	else
		(void)snprintf(t->target, sizeof(t->target), "%d", (int)pid);
	r = n->mode == NET_PASTA ? pasta_words(n, t, w) : slirp_words(n, t, w);
	if (r == 0 && w->n > HELPER_WORDS_MAX)
		return err_usage("--network: too many options");
	return r;
}

int net_helper_start(const struct net_plan *n, pid_t pid, struct net_helper *ret)
{
	AUTO_CLOSE int ready_r = -EBADF, ready_w = -EBADF, exit_r = -EBADF, exit_w = -EBADF,
		       log_r = -EBADF, log_w = -EBADF, netns = -EBADF;
	struct helper_words w = {.n = 0};
	struct helper_text text;
	int p[2], pidfd, keep[4], r;
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
	/* pasta gives up the right to open it; slirp4netns would enter the container's user namespace, whose it is not. */
	if (n->mode == NET_PASTA || net_plan_is_guarded(n)) {
		(void)snprintf(text.target, sizeof(text.target), "/proc/%d/ns/net", (int)pid);
		netns = open(text.target, O_RDONLY | O_CLOEXEC);
		if (netns < 0)
			return err_new(-errno, "open %s", text.target);
	}
	r = make_words(n, pid, &(struct helper_fds){ready_w, exit_r, netns}, &text, &w);
	if (r < 0)
		return r;
	keep[0] = ready_w;
	keep[1] = exit_r;
	keep[2] = log_r;
	keep[3] = netns;
	s = (struct spawn){.path = n->helper_path,
			   .argv = w.v,
			   .stdio = {-1, -1, log_w},
			   .keep = keep,
			   .n_keep = netns < 0 ? 3 : 4,
			   .death_signal = SIGKILL,
			   .new_session = true};
	pidfd = spawn_start(&s, &helper);
	if (pidfd < 0)
		return err_wrap(pidfd, "network");
	log_debug("net", "%s is %d, for %d", n->helper_path, (int)helper, (int)pid);
	*ret = (struct net_helper){.name = n->mode == NET_PASTA ? "pasta" : "slirp4netns",
				   .pid = helper,
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
	/* slirp4netns says "1", pasta its process number */
	if (r > 0 && read(h->ready_fd, &c, 1) == 1 && c >= '1' && c <= '9') {
		closep(&h->ready_fd);
		return 0;
	}
	last = last_words(h->log_fd, words, sizeof(words));
	if (r == 0)
		return err_new(-ETIMEDOUT, "%s%s%s", h->name, *last ? ": " : "", last);
	return err_new(-CE_NETWORK, "%s: %s", h->name, *last ? last : "it ended without a word");
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

int net_helper_find(enum net_mode mode, int runtime_dir, const char **ret_path,
		    const char **ret_warning)
{
	const char *slirp = slirp_installed(), *pasta = pasta_installed();
	const char *path = mode == NET_PASTA ? pasta : slirp;
	int r;

	*ret_warning = NULL;
	if (!slirp && !pasta)
		return err_new(-CE_HOST_SETUP,
			       "neither slirp4netns nor pasta is installed; as root: "
			       "apt-get install slirp4netns  (or use --network none or host)");
	if (!path && mode == NET_PASTA)
		return err_new(-CE_HOST_SETUP,
			       "pasta is not installed; as root: apt-get install passt  "
			       "(or use --network slirp4netns, none or host)");
	if (!path)
		return err_new(
			-CE_HOST_SETUP,
			"slirp4netns is not installed; as root: apt-get install slirp4netns  "
			"(or use --network pasta, none or host)");
	if (mode != NET_PASTA) {
		r = net_slirp_is_old_cached(runtime_dir, path);
		if (r < 0)
			return r;
		if (r)
			*ret_warning = "slirp4netns is older than 1.2 with libslirp 4.7 and has "
				       "known holes: update it";
	}
	r = check_tun();
	if (r == 0)
		*ret_path = path;
	return r;
}

enum net_mode net_default_mode(void)
{
	return !slirp_installed() && pasta_installed() ? NET_PASTA : NET_SLIRP;
}

int net_helper_mode(const char *setting, enum net_mode *ret)
{
	if (setting && strcmp(setting, "pasta") != 0 && strcmp(setting, "slirp4netns") != 0)
		return err_usage("containers.conf: default_rootless_network_cmd '%s': slirp4netns "
				 "or pasta",
				 setting);
	*ret = !setting                        ? net_default_mode()
	       : strcmp(setting, "pasta") == 0 ? NET_PASTA
					       : NET_SLIRP;
	return 0;
}
