/* SPDX-License-Identifier: MIT */
/*
 * Flags before the verb that podman and docker know: those that scripts give for what is so anyway pass,
 * those that would ask for something else are refused with the reason.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "pkg/base/err.h"

#define A struct global_compat
#define NO_SERVER "there is no server: every command does its work itself, on this machine"

/* clang-format off */
const struct opt global_compat_opts[] = {
	OPT_STR(0, "config", "DIR", A, config, "Where credentials of registries are kept", .complete = COMPLETE_DIR),
	OPT_STR(0, "out", "FILE", A, out, "Write the output to a file", .complete = COMPLETE_FILE),
	OPT_REFUSED('H', "host", "URL", NO_SERVER, NULL),
	OPT_REFUSED('c', "context", "NAME", NO_SERVER, "default"),
	OPT_REFUSED(0, "connection", "NAME", NO_SERVER, NULL),
	OPT_REFUSED(0, "url", "URL", NO_SERVER, NULL),
	OPT_REFUSED(0, "identity", "FILE", NO_SERVER, NULL),
	OPT_REFUSED('r', "remote", NULL, NO_SERVER, NULL),
	OPT_REFUSED(0, "events-backend", "NAME", "events are kept in a file", "file"),
	OPT_REFUSED(0, "conmon", "FILE", "the monitor is part of cuddy", NULL),
	OPT_REFUSED(0, "network-config-dir", "DIR", "networks are kept in the store; choose it with --root", NULL),
	OPT_REFUSED(0, "volumepath", "DIR", "volumes are kept in the store; choose it with --root", NULL),
	OPT_REFUSED(0, "imagestore", "DIR", "choose the store with --root, or add one to read from with "
		"--storage-opt additionalimagestore=DIR", NULL),
	OPT_REFUSED(0, "tmpdir", "DIR", "choose the directory of what runs with --runroot", NULL),
	OPT_REFUSED(0, "transient-store", NULL, "containers with --rm leave nothing", NULL),
	OPT_REFUSED(0, "syslog", NULL, "messages go to standard error", NULL),
	OPT_END,
};
/* clang-format on */

int global_compat_apply(const struct global_compat *a)
{
	if (a->config && setenv("DOCKER_CONFIG", a->config, 1) < 0)
		return err_new(-errno, "set DOCKER_CONFIG");
	if (a->out && !freopen(a->out, "we", stdout))
		return err_new(-errno, "--out %s", a->out);
	return 0;
}
