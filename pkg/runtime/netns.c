/* SPDX-License-Identifier: MIT */
/* Inside a fresh network namespace: loopback up, safe sysctls. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/procfs.h"

static int loopback_up(void)
{
	AUTO_CLOSE int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	if (s < 0 || ioctl(s, SIOCSIFFLAGS, &ifr) < 0)
		return err_new(-errno, "bring up the loopback device");
	return 0;
}

/* With IPv6 slirp4netns announces its prefix by router advertisement. */
static const struct {
	const char *path, *value;
	enum { ALWAYS, WITH_IPV6, WITHOUT_IPV6 } when;
} defaults[] = {
	{"sys/net/ipv4/ping_group_range", "0 0", ALWAYS},
	{"sys/net/ipv4/ip_unprivileged_port_start", "0", ALWAYS},
	{"sys/net/ipv6/conf/default/accept_ra", "0", WITHOUT_IPV6},
	/* Nobody else is on that line; asking would cost the first second. */
	{"sys/net/ipv6/conf/default/accept_dad", "0", WITH_IPV6},
	{"sys/net/ipv6/conf/default/accept_redirects", "0", ALWAYS},
	{"sys/net/ipv6/conf/all/accept_redirects", "0", ALWAYS},
};

static int do_not_pace(int proc)
{
	static const char path[] = "sys/net/ipv4/tcp_congestion_control";
	char name[32];
	int r = (int)procfs_read(proc, path, name, sizeof(name));

	if (r < 0)
		return r;
	name[strcspn(name, "\n")] = '\0';
	return net_congestion_paces(name) ? procfs_write(proc, path, NET_CONGESTION_LOCAL) : 0;
}

int netns_setup(int proc, bool is_hosts, const struct net_plan *net, int *ret_conf6)
{
	bool closed = false;

	for (unsigned i = 0; i < ARRAY_LEN(defaults); i++) {
		int r;

		if (defaults[i].when == (net->enable_ipv6 ? WITHOUT_IPV6 : WITH_IPV6))
			continue;
		r = procfs_write(proc, defaults[i].path, defaults[i].value);
		/* An engine around us may have put a read-only mount over the host's /proc/sys. */
		closed = closed || (is_hosts && (r == -EXDEV || r == -EROFS));
		if (r == -ENOENT || closed)
			err_drop(); /* ENOENT: a kernel without IPv6 */
		else if (r < 0)
			return r;
	}
	if (net->mode != NET_NONE && !closed && do_not_pace(proc) < 0)
		err_drop(); /* it is slower */
	/* Below here no mount of the container is in the way later (/proc/sys becomes read-only). */
	if (net_mode_has_helper(net->mode) && !closed) {
		*ret_conf6 = openat(proc, "sys/net/ipv6/conf", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (*ret_conf6 < 0 && errno != ENOENT)
			return err_new(-errno, "open /proc/sys/net/ipv6/conf");
	}
	return loopback_up();
}

/* As root of the container would have it: its group 0 is another one out here when ids are mapped. */
static int let_root_ping(int proc, const struct rt_plan *p)
{
	char range[32];

	for (unsigned i = 0; i < p->n_gid_map; i++)
		if (p->gid_map[i].inside == 0) {
			(void)snprintf(range, sizeof(range), "%u %u", p->gid_map[i].outside,
				       p->gid_map[i].outside);
			return procfs_write(proc, "sys/net/ipv4/ping_group_range", range);
		}
	return 0;
}

int netns_make_kept(const struct rt_plan *p)
{
	AUTO_CLOSE int proc = procfs_open_host();
	int r = proc < 0 ? proc : 0, none = -EBADF;

	if (r == 0 && unshare(CLONE_NEWNET) < 0)
		r = err_new(-errno, "new network namespace");
	if (r == 0)
		r = netns_setup(proc, true, &p->net, &none);
	if (r == 0)
		r = let_root_ping(proc, p);
	if (r == -EXDEV || r == -EROFS) { /* as in netns_setup() */
		err_drop();
		r = 0;
	}
	if (r == 0)
		r = sysctl_apply(proc, p->sysctls, true, false);
	closep(&none);
	return r;
}

static int finish_device(int conf6, const char *device)
{
	static const char *const keys[] = {"accept_ra", "accept_redirects"};
	char from[48], to[300], value[16];

	for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
		int r;

		(void)snprintf(from, sizeof(from), "default/%s", keys[i]);
		(void)snprintf(to, sizeof(to), "%s/%s", device, keys[i]);
		r = (int)procfs_read(conf6, from, value, sizeof(value));
		if (r >= 0)
			r = procfs_write(conf6, to, value);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Where names are asked for over IPv6 alone they are from the first moment: an address in slirp4netns's
 * network, whose router advertisement would be waited for otherwise. Without it names come later.
 */
static void give_address6(int conf6)
{
	struct {
		struct in6_addr address;
		uint32_t prefix;
		int index;
	} q = {.prefix = 64, .index = (int)if_nametoindex(NET_SLIRP_DEVICE)};
	AUTO_CLOSE int s = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)inet_pton(AF_INET6, NET_SLIRP_TAP6, &q.address);
	if (procfs_write(conf6, NET_SLIRP_DEVICE "/accept_dad", "0") < 0)
		err_drop();
	if (s >= 0 && q.index)
		(void)ioctl(s, SIOCSIFADDR, &q);
}

int netns_finish(int conf6, const struct net_plan *net)
{
	AUTO_CLOSE int fd = -EBADF;
	struct dirent *e;
	int r = 0;
	DIR *d;

	if (conf6 < 0)
		return 0;
	fd = openat(conf6, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return err_new(-errno, "/proc/sys/net/ipv6/conf");
	(void)TAKE_FD(fd); /* the stream's now */
	while (r == 0 && (e = readdir(d)))
		if (*e->d_name != '.' && strcmp(e->d_name, "all") != 0 &&
		    strcmp(e->d_name, "default") != 0 && strcmp(e->d_name, "lo") != 0)
			r = finish_device(conf6, e->d_name);
	(void)closedir(d);
	if (r == 0 && net->mode == NET_SLIRP && net->dns)
		give_address6(conf6);
	return r;
}

int sysctl_apply(int proc, const char *const *sysctls, bool net, bool others)
{
	for (; sysctls && *sysctls; sysctls++) {
		const char *eq = strchr(*sysctls, '=');
		char path[512];
		bool is_net = strncmp(*sysctls, "net.", 4) == 0;
		int n, r;

		if (is_net ? !net : !others)
			continue;
		n = snprintf(path, sizeof(path), "sys/%.*s", eq ? (int)(eq - *sysctls) : 0,
			     *sysctls);
		if (!eq || n < 0 || (size_t)n >= sizeof(path) || strstr(path, "..") ||
		    strchr(path + 4, '/'))
			return err_usage("sysctl '%s': not NAME=VALUE", *sysctls);
		for (char *p = path; *p; p++)
			if (*p == '.')
				*p = '/';
		r = procfs_write(proc, path, eq + 1);
		if (r < 0)
			return err_wrap(r, "sysctl %s", *sysctls);
	}
	return 0;
}
