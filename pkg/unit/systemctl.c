/* SPDX-License-Identifier: MIT */
#include "pkg/unit/systemctl.h"

#include <stdlib.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/strv.h"
#include "pkg/sys/private_dir.h"
#include "pkg/sys/process.h"

#define PROGRAM "/usr/bin/systemctl"
#define WAIT_MS (15 * 60 * 1000) /* of a unit that starts, with its own time-outs */

static char *runtime_dir(void)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	return dir && *dir == '/' ? xstrdup(dir) : xasprintf("/run/user/%u", outer_uid());
}

int systemctl_run(const char *const *words, struct sbuf *out)
{
	/* A helper's environment is scrubbed: env(1) gives back what names the bus. */
	const char *bus = getenv("DBUS_SESSION_BUS_ADDRESS");
	AUTO_FREE char *dir = runtime_dir();
	AUTO_STRV struct strv argv = STRV_INIT;
	int r, status;

	strv_add(&argv, "/usr/bin/env");
	strv_addf(&argv, "XDG_RUNTIME_DIR=%s", dir);
	if (bus && *bus)
		strv_addf(&argv, "DBUS_SESSION_BUS_ADDRESS=%s", bus);
	strv_add(&argv, PROGRAM);
	strv_add(&argv, "--user");
	for (; *words; words++)
		strv_add(&argv, *words);
	r = spawn_read(argv.v, 1U << 22, WAIT_MS, out, &status);
	return r < 0 ? err_wrap(r, "systemctl --user") : status;
}

bool systemctl_is_there(void)
{
	AUTO_FREE char *dir = runtime_dir(), *socket = xasprintf("%s/systemd/private", dir);

	return access(PROGRAM, X_OK) == 0 && access(socket, F_OK) == 0;
}

int systemctl_reload(void)
{
	static const char *const words[] = {"daemon-reload", NULL};
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	int r = systemctl_run(words, &out);

	return r <= 0 ? r
		      : err_new(-CE_HOST_SETUP, "systemctl --user daemon-reload ended with %d", r);
}
