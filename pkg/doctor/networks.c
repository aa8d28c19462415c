/* SPDX-License-Identifier: MIT */
/* What containers' networks need of the host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/helper.h"
#include "net/ports.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/config/paths.h"
#include "pkg/doctor/report.h"
#include "pkg/sys/private_dir.h"
#include "pkg/sys/process.h"

#define WEB_PORT 80
#define CHECK_MS 10000

static void check_helper(struct doctor_report *d, enum net_mode mode)
{
	bool usual = mode == net_default_mode();
	const char *path = NULL, *warning = NULL;
	struct doctor_words w = {
		mode == NET_PASTA ? "pasta" : "slirp4netns", usual ? DOCTOR_PROBLEM : DOCTOR_NOTE,
		usual               ? "containers with a network of their own, and builds"
		: mode == NET_PASTA ? "--network pasta, which alone keeps the addresses of clients"
				    : "--network slirp4netns",
		NULL};
	int r = net_helper_find(mode, -1, &path, &warning);

	if (r < 0)
		return doctor_error(d, &w, r);
	if (!warning)
		return doctor_ok(d, w.check, "%s", path);
	w.status = DOCTOR_NOTE;
	w.breaks = "the wall between containers and this machine's network";
	w.mend = "apt-get update && apt-get install slirp4netns libslirp0";
	doctor_tell(d, &w, "%s", warning);
}

static void check_filters(struct doctor_report *d)
{
	static char verb[] = "check";
	struct doctor_words w = {"nftables", DOCTOR_PROBLEM,
				 "named networks (network create): they have no way out",
				 "apt-get install libnftables1; modprobe nf_tables nft_chain_nat "
				 "nft_masq"};
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	AUTO_FREE char *program = NULL;
	int status = 1, r = paths_helper("cuddy-net", &program);

	if (r == 0)
		r = spawn_read((char *[]){program, verb, NULL}, 4096, CHECK_MS, &out, &status);
	if (r < 0)
		return doctor_error(d, &w, r);
	if (status)
		return doctor_tell(d, &w, "%s",
				   out.len ? out.s : "filters cannot be set, and nobody says why");
	doctor_ok(d, w.check, "filters can be set");
}

static void check_ports(struct doctor_report *d)
{
	const struct doctor_words w = {"low-ports", DOCTOR_NOTE, "--publish 80:80 and the like",
				       "sysctl -w net.ipv4.ip_unprivileged_port_start=80"};
	uint32_t first = net_first_open_port();

	if (first > WEB_PORT)
		doctor_tell(d, &w, "ports below %u of this machine are the administrator's", first);
	else
		doctor_ok(d, w.check, "from %u on", first);
}

/* Helpers send echo requests for containers, with our rights. */
static void check_ping(struct doctor_report *d)
{
	const struct doctor_words w = {"ping", DOCTOR_NOTE, "ping from containers to the outside",
				       "sysctl -w 'net.ipv4.ping_group_range=0 2147483647'"};
	AUTO_FCLOSE FILE *f = fopen("/proc/sys/net/ipv4/ping_group_range", "re");
	unsigned long first, last;

	if (!f || fscanf(f, "%lu %lu", &first, &last) != 2)
		return;
	if (getegid() < first || getegid() > last)
		doctor_tell(d, &w, "group %u may not send echo requests (%lu to %lu may)",
			    (unsigned)getegid(), first, last);
	else
		doctor_ok(d, w.check, "groups %lu to %lu", first, last);
}

void doctor_networks(struct doctor_report *d)
{
	check_helper(d, NET_SLIRP);
	check_helper(d, NET_PASTA);
	check_filters(d);
	check_ports(d);
	check_ping(d);
}
