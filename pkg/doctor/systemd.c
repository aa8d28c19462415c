/* SPDX-License-Identifier: MIT */
/* Control groups, the user's systemd, the journal. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/conmon/log_journal.h"
#include "pkg/doctor/report.h"

static bool has_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

/* cgroup_mending() begins with words of what is so. */
static const char *mending_command(void)
{
	const char *all = cgroup_mending(), *lead = "mend it as root: ", *at = strstr(all, lead);

	return at ? at + strlen(lead) : all;
}

static void check_controllers(struct doctor_report *d)
{
	static const struct {
		const char *name, *flags;
		enum doctor_status status;
	} known[] = {
		{"memory", "--memory, OOM reports, stats", DOCTOR_PROBLEM},
		{"pids", "--pids-limit, stats", DOCTOR_PROBLEM},
		{"cpu", "--cpus, --cpu-shares", DOCTOR_PROBLEM},
		{"io", "--device-read-bps, --blkio-weight and their like", DOCTOR_NOTE},
		{"cpuset", "--cpuset-cpus, --cpuset-mems", DOCTOR_NOTE},
	};
	AUTO_STRV struct strv here = STRV_INIT;
	AUTO_FREE char *all = NULL;

	cgroup_controllers_here(&here);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strv_has(&here, known[i].name))
			doctor_tell(d,
				    &(struct doctor_words){"cgroup-controllers", known[i].status,
							   known[i].flags, mending_command()},
				    "the controller %s is not delegated to this user",
				    known[i].name);
	all = strv_join(&here, " ");
	doctor_ok(d, "cgroup", "v2, manager %s: %s", cgroup_manager_name(cgroup_manager_here()),
		  all);
}

static void check_cgroup(struct doctor_report *d)
{
	const struct doctor_words w = {"cgroup", DOCTOR_PROBLEM,
				       "limits (--memory, --cpus, --pids-limit), pause, stats",
				       mending_command()};
	const struct doctor_words bus = {
		"user-systemd", DOCTOR_PROBLEM,
		"limits, pause and stats from a login; services of this user",
		"apt-get install dbus-user-session, then log in (su and sudo make no session; "
		"machinectl shell and ssh do)"};

	if (!cgroup_is_v2())
		return doctor_tell(d, &w, "this host has a v1 or hybrid cgroup tree");
	if (has_systemd()) {
		int r = cgroup_bus_check();

		if (r < 0)
			doctor_error(d, &bus, r);
		else
			doctor_ok(d, bus.check, "answers");
	}
	if (cgroup_manager_here() == CGROUP_NONE)
		return doctor_tell(d, &w, "no cgroup is delegated to this user");
	check_controllers(d);
}

static void check_linger(struct doctor_report *d)
{
	AUTO_FREE char *user = doctor_user(), *mend = xasprintf("loginctl enable-linger %s", user);
	AUTO_FREE char *mark = path_join("/var/lib/systemd/linger", user);
	const struct doctor_words w = {"linger", DOCTOR_NOTE,
				       "containers after the last logout, services at boot", mend};

	if (!has_systemd())
		return;
	if (access(mark, F_OK) == 0)
		doctor_ok(d, w.check, "services of %s run without a login", user);
	else
		doctor_tell(d, &w, "systemd ends what %s runs with the last session", user);
}

static void check_journal(struct doctor_report *d)
{
	const struct doctor_words w = {"journald", DOCTOR_NOTE, "--log-driver journald",
				       "use the default log driver, or systemctl start "
				       "systemd-journald"};

	if (access(JOURNAL_SOCKET, W_OK) == 0)
		doctor_ok(d, w.check, "listens");
	else
		doctor_tell(d, &w, "no journald listens on " JOURNAL_SOCKET);
}

void doctor_systemd(struct doctor_report *d)
{
	check_cgroup(d);
	check_linger(d);
	check_journal(d);
}
