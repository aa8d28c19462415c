/* SPDX-License-Identifier: MIT */
/* /etc/resolv.conf of a container in named networks: each answers for names at its own gateway. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "net/files.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/container/networks.h"
#include "pkg/sys/file.h"

int networks_resolv_conf(struct store *st, const struct container_record *rec, struct sbuf *out)
{
	const struct net_plan n = {.mode = NET_BRIDGE};
	AUTO_STRV struct strv servers = STRV_INIT;
	struct net_files_options o = {.dns = rec->dns,
				      .dns_search = rec->dns_search,
				      .dns_options = rec->dns_options,
				      .servers = &servers};
	int r = networks_servers(st, rec, &servers, &o.names);

	return r < 0 ? r : net_make_resolv_conf(&n, &o, out);
}

static bool same_text(const struct sbuf *a, const struct sbuf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->s, b->s, a->len) == 0);
}

int networks_renew_resolv_conf(struct store *st, const struct container *c, const struct sbuf *was)
{
	AUTO_SBUF struct sbuf now = SBUF_INIT, there = SBUF_INIT;
	AUTO_CLOSE int fd = -EBADF;
	size_t size;
	int r = networks_resolv_conf(st, c->rec, &now);

	if (r != 0 || same_text(&now, was))
		return r < 0 ? r : 0;
	/* The file itself is what the container has mounted: it is changed, not replaced. */
	fd = openat(c->dirs.runtime_fd, "resolv.conf", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) /* its root has made it its own */
		return errno == EACCES ? 0 : err_new(-errno, "open resolv.conf");
	r = file_read_fd(fd, was->len + 1, &there);
	if (r == -CE_LIMIT || (r == 0 && !same_text(&there, was))) {
		err_drop();
		return 0; /* what somebody wrote there is not ours to change */
	}
	if (r < 0)
		return r;
	size = now.len > was->len ? now.len : was->len;
	{
		AUTO_FREE char *lines = xcalloc(1, size + 1);

		if (now.len)
			memcpy(lines, now.s, now.len);
		if (!net_replace_tail(fd, 0, lines, now.len, size))
			return err_new(-errno, "write resolv.conf");
	}
	return 0;
}
