/* SPDX-License-Identifier: MIT */
/*
 * Flags before the verb that podman and docker know: those that scripts give for what is so anyway pass,
 * those that would ask for something else are refused with the reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "pkg/base/err.h"

#define A struct global_compat

const struct opt global_compat_opts[] = {
	OPT_STR(0, "config", "DIR", A, config, "Where credentials of registries are kept",
		.complete = COMPLETE_DIR),
	OPT_STR(0, "out", "FILE", A, out, "Write the output to a file", .complete = COMPLETE_FILE),
	OPT_STR('H', "host", "URL", A, host, "Refused", .hidden = true),
	OPT_STR('c', "context", "NAME", A, context, "Only default is possible", .hidden = true),
	OPT_STR(0, "connection", "NAME", A, connection, "Refused", .hidden = true),
	OPT_STR(0, "url", "URL", A, url, "Refused", .hidden = true),
	OPT_STR(0, "identity", "FILE", A, identity, "Refused", .hidden = true),
	OPT_BOOL('r', "remote", A, remote, "Refused", .hidden = true),
	OPT_STR(0, "events-backend", "NAME", A, events_backend, "Only file is possible",
		.hidden = true),
	OPT_STR(0, "conmon", "FILE", A, conmon, "Refused", .hidden = true),
	OPT_STR(0, "module", "FILE", A, module, "Refused", .hidden = true),
	OPT_STR(0, "network-config-dir", "DIR", A, network_config_dir, "Refused", .hidden = true),
	OPT_STR(0, "volumepath", "DIR", A, volumepath, "Refused", .hidden = true),
	OPT_STR(0, "imagestore", "DIR", A, imagestore, "Refused", .hidden = true),
	OPT_STR(0, "tmpdir", "DIR", A, tmpdir, "Refused", .hidden = true),
	OPT_BOOL(0, "transient-store", A, transient_store, "Refused", .hidden = true),
	OPT_BOOL(0, "syslog", A, syslog, "Refused", .hidden = true),
	OPT_END,
};

#define NO_SERVER "there is no server: every command does its work itself, on this machine"

static int check(const struct global_compat *a)
{
	const struct {
		const char *flag, *value, *harmless, *why;
	} refused[] = {
		{"host", a->host, "", NO_SERVER},
		{"context", a->context, "default", NO_SERVER},
		{"connection", a->connection, "", NO_SERVER},
		{"url", a->url, "", NO_SERVER},
		{"identity", a->identity, "", NO_SERVER},
		{"remote", a->remote ? "true" : NULL, "", NO_SERVER},
		{"events-backend", a->events_backend, "file", "events are kept in a file"},
		{"conmon", a->conmon, "", "the monitor is part of cuddy"},
		{"module", a->module, "",
		 "name a file of the same form with CONTAINERS_CONF_OVERRIDE"},
		{"network-config-dir", a->network_config_dir, "",
		 "networks are kept in the store; choose it with --root"},
		{"volumepath", a->volumepath, "",
		 "volumes are kept in the store; choose it with --root"},
		{"imagestore", a->imagestore, "",
		 "choose the store with --root, or add one to read from with --storage-opt "
		 "additionalimagestore=DIR"},
		{"tmpdir", a->tmpdir, "", "choose the directory of what runs with --runroot"},
		{"transient-store", a->transient_store ? "true" : NULL, "",
		 "containers with --rm leave nothing"},
		{"syslog", a->syslog ? "true" : NULL, "", "messages go to standard error"},
	};

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (refused[i].value && strcmp(refused[i].value, refused[i].harmless) != 0)
			return err_usage("--%s: not supported: %s", refused[i].flag,
					 refused[i].why);
	return 0;
}

int global_compat_apply(const struct global_compat *a)
{
	int r = check(a);

	if (r < 0)
		return r;
	if (a->config && setenv("DOCKER_CONFIG", a->config, 1) < 0)
		return err_new(-errno, "set DOCKER_CONFIG");
	if (a->out && !freopen(a->out, "we", stdout))
		return err_new(-errno, "--out %s", a->out);
	return 0;
}
