/* SPDX-License-Identifier: MIT */
/*
 * In a container an administrator's commands for the host are of no use: what mends there are flags of whoever started
 * the container around us, or changes to its image. A row says so for one check, and for the host's words that
 * it stands for; without such words it is for all that the check tells.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/path.h"
#include "pkg/base/sbuf.h"
#include "pkg/doctor/report.h"

#define OUTER "run the container around us with "
#define HOST "on the host, as root: "

static const struct row {
	const char *check, *words; /* in what mends on a host; NULL: any */
	const char *mend; /* "%s": the host's command */
} rows[] = {
	{"kernel", NULL, "boot a newer kernel on the host"},
	{"pidfd", NULL, OUTER "--security-opt seccomp=unconfined"},
	{"seccomp", NULL,
	 OUTER "--security-opt seccomp=unconfined, or use a kernel that has filters"},
	{"user-namespaces", "apparmor",
	 OUTER "--security-opt apparmor=unconfined where that is enough, else " HOST "%s"},
	{"user-namespaces", "sysctl", HOST "%s"},
	{"subordinate-ids", "usermod",
	 "have a line such as %u:10000:50000 in /etc/subuid and /etc/subgid of the image, within "
	 "the ids that the container around us has"},
	{"id-helpers", "apt-get",
	 "have newuidmap in the image (apt-get install uidmap), setuid, and "
	 "no --security-opt no-new-privileges around us"},
	{"overlay", NULL, OUTER "a volume for the store: -v store:$HOME/.local"},
	{"fuse-overlayfs", "apt-get",
	 "have fuse-overlayfs in the image, and " OUTER
	 "--device /dev/fuse; or with a volume for the store: -v "
	 "store:$HOME/.local"},
	{"fuse-overlayfs", NULL, OUTER "--device /dev/fuse"},
	{"slirp4netns", "/dev/net/tun", OUTER "--device /dev/net/tun"},
	{"slirp4netns", "apt-get", "have slirp4netns in the image (apt-get install slirp4netns)"},
	{"pasta", "/dev/net/tun", OUTER "--device /dev/net/tun"},
	{"pasta", "apt-get", "have pasta in the image (apt-get install passt)"},
	{"nftables", NULL,
	 "have libnftables1 in the image; and " HOST "modprobe nf_tables nft_chain_nat nft_masq"},
	{"low-ports", NULL, OUTER "--sysctl net.ipv4.ip_unprivileged_port_start=80"},
	{"ping", NULL, OUTER "--sysctl 'net.ipv4.ping_group_range=0 2147483647'"},
	{"cgroup", NULL,
	 "bound the container around us, and with it all that runs here: --memory, "
	 "--cpus, --pids-limit"},
	{"cgroup-controllers", NULL,
	 "bound the container around us, and with it all that runs here: "
	 "--memory, --cpus, --pids-limit"},
	{"journald", NULL,
	 "use the default log driver, or " OUTER
	 "-v /run/systemd/journal/socket:/run/systemd/journal/socket"},
	{"keyrings", NULL, HOST "%s"},
	{"inotify", NULL, HOST "%s"},
	{"disk-space", NULL,
	 "free some space there (cuddy system prune), or " OUTER
	 "a volume that has more: -v store:$HOME/.local"},
	{"inodes", NULL,
	 "cuddy system prune, or " OUTER "a volume that has more: -v store:$HOME/.local"},
	{"runtime-directory", NULL,
	 "mkdir -p -m 0700 /run/user/%u && export XDG_RUNTIME_DIR=/run/user/%u (as root of the "
	 "container, or " OUTER "--tmpfs /run/user)"},
};

/* The kernel's own first namespaces have numbers that never change (PROC_PID_INIT_INO and its like). */
static bool has_first_namespaces(const char *root)
{
	static const char *const first[] = {"pid:[4026531836]", "uts:[4026531838]",
					    "ipc:[4026531839]"};

	for (size_t i = 0; i < ARRAY_LEN(first); i++) {
		AUTO_FREE char *name = xstrndup(first[i], 3);
		AUTO_FREE char *path = path_join3(root, "proc/self/ns", name);
		char now[64];
		ssize_t n = readlink(path, now, sizeof(now) - 1);

		now[n < 0 ? 0 : n] = '\0';
		if (strcmp(now, first[i]) != 0)
			return false;
	}
	return true;
}

bool doctor_is_contained(const char *root)
{
	static const char *const marks[] = {"run/.containerenv", ".dockerenv"};
	const char *said = getenv("container");

	/* A machine that was made of an image has its marks, too. */
	if (has_first_namespaces(root))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		AUTO_FREE char *path = path_join(root, marks[i]);

		if (access(path, F_OK) == 0)
			return true;
	}
	return said && *said;
}

/* @fmt with "%s" for @command and "%u" for our id. */
static char *fill(const char *fmt, const char *command)
{
	struct sbuf b = SBUF_INIT;

	for (const char *p = fmt; *p; p++) {
		if (*p == '%' && p[1] == 's')
			sbuf_adds(&b, command);
		else if (*p == '%' && p[1] == 'u')
			sbuf_addf(&b, "%u", (unsigned)geteuid());
		else
			sbuf_addc(&b, *p);
		p += *p == '%' && (p[1] == 's' || p[1] == 'u');
	}
	return sbuf_steal(&b);
}

char *doctor_outer_mend(const char *check, const char *mend)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].check, check) != 0 ||
		    (rows[i].words && !strstr(mend, rows[i].words)))
			continue;
		return rows[i].mend ? fill(rows[i].mend, mend) : NULL;
	}
	return NULL;
}
