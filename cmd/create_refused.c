/* SPDX-License-Identifier: MIT */
/*
 * Flags that podman and docker know and that no container of an ordinary user can have: each is refused
 * with the reason, so that nobody believes in a limit that is not there. Their harmless values pass.
 */
#include "cmd/create_opts.h"

#define NOT_IN_V2 "control groups of version 2 do not have it"

/* clang-format off */
const struct opt refused_opts[] = {
	OPT_REFUSED(0, "device-cgroup-rule", "RULE", "rules for devices are programs that only root may load; a "
		"container has the devices that --device gives it, and no others", NULL),
	OPT_REFUSED(0, "cpu-rt-period", "N", NOT_IN_V2, "0"),
	OPT_REFUSED(0, "cpu-rt-runtime", "N", NOT_IN_V2, "0"),
	OPT_REFUSED(0, "memory-swappiness", "N", NOT_IN_V2, "-1"),
	OPT_REFUSED(0, "oom-kill-disable", NULL, NOT_IN_V2, NULL),
	OPT_REFUSED(0, "seccomp-policy", "POLICY", "an image does not choose its own filter; name one with "
		"--security-opt seccomp=FILE", "default", .complete = COMPLETE_WORDS, .words = "default"),
	OPT_REFUSED(0, "link-local-ip", "IP", "addresses are given with --ip and --ip6 in a named network", NULL),
	OPT_REFUSED(0, "volume-driver", "NAME", "there are no plugins; the driver is local", "local"),
	OPT_REFUSED(0, "storage-opt", "KEY=VALUE", "only root can bound the size of a directory tree; bound a tmpfs instead", NULL),
	OPT_REFUSED(0, "rdt-class", "NAME", "classes of caches are root's to give", NULL),
	OPT_REFUSED(0, "kernel-memory", "SIZE", "control groups of version 2 count it with --memory", "0"),
	OPT_REFUSED(0, "isolation", "NAME", "that is of another operating system", "default"),
	OPT_REFUSED(0, "use-api-socket", NULL, "there is no daemon whose socket it could be", NULL),
	OPT_ROWS(decrypt_opts),
	OPT_END,
};
/* clang-format on */
