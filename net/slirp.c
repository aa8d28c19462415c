/* SPDX-License-Identifier: MIT */
#include "net/slirp.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "net/helper_internal.h"
#include "net/resolver.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"

#define VERSION_TIMEOUT_MS 5000

int slirp_words(const struct net_plan *n, struct helper_text *t, struct helper_words *w)
{
	static const struct {
		const char *key, *flag;
	} outbound[] = {{"outbound_addr", "--outbound-addr"},
			{"outbound_addr6", "--outbound-addr6"}};
	const struct in_addr network = net_plan_address(n, 0);

	(void)snprintf(t->mtu, sizeof(t->mtu), "%u", n->mtu ? n->mtu : NET_SLIRP_MTU);
	(void)inet_ntop(AF_INET, &network, t->cidr, INET_ADDRSTRLEN);
	(void)snprintf(t->cidr + strlen(t->cidr), 4, "/%u", net_plan_prefix(n));
	helper_word(w, n->helper_path);
	helper_word(w, "--configure");
	helper_word(w, "--enable-sandbox");
	helper_word(w, "--enable-seccomp");
	if (!n->allow_host_loopback)
		helper_word(w, "--disable-host-loopback");
	if (n->enable_ipv6)
		helper_word(w, "--enable-ipv6");
	helper_word(w, "--mtu");
	helper_word(w, t->mtu);
	if (n->prefix) {
		helper_word(w, "--cidr");
		helper_word(w, t->cidr);
	}
	for (unsigned i = 0; i < ARRAY_LEN(outbound); i++)
		if (net_slirp_outbound(n, outbound[i].key, t->outbound[i])) {
			helper_word(w, outbound[i].flag);
			helper_word(w, t->outbound[i]);
		}
	if (strchr(t->target, '/'))
		helper_word(w, "--netns-type=path");
	helper_word(w, "--ready-fd");
	helper_word(w, t->ready);
	helper_word(w, "--exit-fd");
	helper_word(w, t->quit);
	helper_word(w, "--");
	helper_word(w, t->target);
	helper_word(w, NET_SLIRP_DEVICE);
	return 0;
}

/* Its IPv4 server forwards to the host's IPv4 servers only, its IPv6 server to the others. */
void net_slirp_plan(struct net_plan *n)
{
	if (net_host_servers() != NET_SERVERS_IPV6 || (n->mtu && n->mtu < NET_MTU_MIN_IPV6))
		return;
	n->enable_ipv6 = true;
	n->dns = NET_SLIRP_DNS6;
}

const char *slirp_installed(void)
{
	static char place[PATH_MAX];

	return program_helper("slirp4netns", place);
}

/* --- how old it is, asked once per boot --------------------------------------------------------- */

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
int net_slirp_is_old_cached(int runtime_dir, const char *path)
{
	AUTO_SBUF struct sbuf known = SBUF_INIT;
	char key[160];
	struct stat st;
	int old, len;

	if (stat(path, &st) < 0)
		return err_new(-errno, "%s", path);
	len = snprintf(key, sizeof(key), "%llu %llu %lld %lld.%09ld ",
		       (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
		       (long long)st.st_size, (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
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
