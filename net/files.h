/* SPDX-License-Identifier: MIT */
/* Content of /etc/hosts, /etc/resolv.conf and /etc/hostname of a container (R13: no control characters). */
#pragma once
#include "net/plan.h"
#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"

struct net_files_options {
	const char *hostname; /* NULL: the host's */
	const char *container_name;
	struct strv add_hosts; /* "name:ip" or "name;name:ip", ip may be "host-gateway" */
	struct strv dns, dns_search,
		dns_options; /* "none" in dns: leave resolv.conf to the image */
	bool no_hosts;
	const char *host_address; /* what the host's names have, or "none"; NULL: what leads to it */
	const char *hosts_base; /* text that it begins with, instead of a file; NULL */
	const char *hosts_file; /* what hosts begins with: a path, or "none"; NULL: as usual, or hosts_base */
	/* NET_BRIDGE: whom to ask; they know names of containers and whom else to ask (names) */
	const struct strv *servers;
	bool names;
};

/** net_make_hosts() - /etc/hosts. Return: 0; 1 when the image's own stays (--no-hosts); a negative code. */
int net_make_hosts(const struct net_plan *n, const struct net_files_options *o, struct sbuf *out);
/** net_make_resolv_conf() - /etc/resolv.conf. Return: 0; 1 when the image's own stays (--dns none). */
int net_make_resolv_conf(const struct net_plan *n, const struct net_files_options *o,
			 struct sbuf *out);
/** net_check_files_options() - every usage error, before anything is touched. */
int net_check_files_options(const struct net_files_options *o);
