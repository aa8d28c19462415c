/* SPDX-License-Identifier: MIT */
/* The kernel, our programs, the ids, namespaces and the helpers that map them. */
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/config/paths.h"
#include "pkg/doctor/report.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/process.h"

#define FLOOR_MAJOR 5
#define FLOOR_MINOR 11
#define ALL_IDS 65536 /* what images may use */

static void check_version(struct doctor_report *d)
{
	unsigned major = 0, minor = 0;
	struct utsname un = {0};

	(void)uname(&un);
	if (sscanf(un.release, "%u.%u", &major, &minor) == 2 &&
	    (major > FLOOR_MAJOR || (major == FLOOR_MAJOR && minor >= FLOOR_MINOR)))
		return doctor_ok(d, "kernel", "Linux %s", un.release);
	doctor_tell(d,
		    &(struct doctor_words){"kernel", DOCTOR_PROBLEM,
					   "overlay mounts of ordinary users, and with them most "
					   "of cuddy",
					   "apt-get install linux-image-amd64, and boot it"},
		    "Linux %s is older than %d.%d", un.release, FLOOR_MAJOR, FLOOR_MINOR);
}

static void check_calls(struct doctor_report *d)
{
	AUTO_CLOSE int self = pidfd_open_pid(getpid());
	uint32_t action = SECCOMP_RET_ERRNO;

	if (self < 0)
		doctor_error(d,
			     &(struct doctor_words){"pidfd", DOCTOR_PROBLEM, "every container",
						    "use a newer kernel, or have the sandbox "
						    "around this shell allow pidfd_open"},
			     self);
	else
		doctor_ok(d, "pidfd", "works");
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
		doctor_tell(d,
			    &(struct doctor_words){"seccomp", DOCTOR_PROBLEM,
						   "containers, unless run with --security-opt "
						   "seccomp=unconfined",
						   "use a kernel with CONFIG_SECCOMP_FILTER"},
			    "the kernel has no system call filters (%s)", err_text(-errno));
	else
		doctor_ok(d, "seccomp", "filters can be set");
}

static void check_programs(struct doctor_report *d)
{
	static const char *const names[] = {"cuddy-conmon", "cuddy-transfer", "cuddy-net"};
	const struct doctor_words w = {"programs", DOCTOR_PROBLEM, "containers, images or networks",
				       "install cuddy again"};
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_FREE char *path = NULL;
		int r = paths_helper(names[i], &path);

		if (r < 0)
			doctor_error(d, &w, r);
		bad += r < 0;
	}
	if (!bad)
		doctor_ok(d, "programs", "all there");
}

void doctor_kernel(struct doctor_report *d)
{
	check_version(d);
	check_calls(d);
	check_programs(d);
}

static uint64_t count_ids(const struct subid_range *v, unsigned n)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < n; i++)
		all += v[i].count;
	return all;
}

static void check_ranges(struct doctor_report *d, const struct base_grant *g)
{
	struct doctor_words w = {"subordinate-ids", DOCTOR_PROBLEM, NULL, NULL};
	uint64_t uids = count_ids(g->uids, g->n_uids), gids = count_ids(g->gids, g->n_gids);
	AUTO_FREE char *hint = base_single_hint(g), *sharer = base_grant_sharer(g);
	const char *mend = strstr(hint, "usermod");

	if (base_grant_is_single(g)) {
		w.breaks = "users of images other than root: their files become one's own, and "
			   "programs that change their user fail";
		(void)err_set(-CE_HOST_SETUP, hint);
		return doctor_error(d, &w, -CE_HOST_SETUP);
	}
	w.mend = mend;
	if (uids < ALL_IDS - 1 || gids < ALL_IDS - 1) {
		w.breaks = "images with users or groups of higher numbers (nobody is 65534)";
		return doctor_tell(d, &w, "only %llu uids and %llu gids", (unsigned long long)uids,
				   (unsigned long long)gids);
	}
	if (sharer) {
		w.breaks =
			"the wall between two users: each owns what the other's containers write";
		w.mend = "give one of the two other ranges, with an editor as root";
		return doctor_tell(d, &w, "some are also those of %s", sharer);
	}
	doctor_ok(d, w.check, "%llu uids and %llu gids", (unsigned long long)uids,
		  (unsigned long long)gids);
}

/* The kernel lets nobody see by a new proc what the one there hides. */
static void check_proc(struct doctor_report *d, const struct base_grant *g)
{
	const struct doctor_words w = {"proc", DOCTOR_PROBLEM, "containers without --pid host",
				       "run the container around us with --security-opt unmask=ALL "
				       "(docker: systempaths=unconfined)"};

	if (base_try_proc(g) == 0)
		return doctor_ok(d, w.check, "can be mounted");
	err_drop();
	doctor_tell(d, &w, "parts of /proc are hidden here, so that a new one may not be mounted");
}

/* With our own id alone no helper is needed: what fails then is the kernel's doing. */
void doctor_ids(struct doctor_report *d)
{
	const struct doctor_words spaces = {"user-namespaces", DOCTOR_PROBLEM, "every container",
					    NULL};
	const struct doctor_words helpers = {"id-helpers", DOCTOR_PROBLEM, "every container", NULL};
	const struct doctor_words ranges = {"subordinate-ids", DOCTOR_PROBLEM, "every container",
					    NULL};
	AUTO(base_grant_done) struct base_grant g = {0};
	int r = base_grant_load(&g), tried;
	struct base_grant own = {.uid = r < 0 ? geteuid() : g.uid,
				 .gid = r < 0 ? getegid() : g.gid};

	if (r < 0)
		doctor_error(d, &ranges, r);
	tried = base_is_inherited(&g) ? 0 : base_try(&own);
	if (tried < 0)
		doctor_error(d, &spaces, tried);
	else
		doctor_ok(d, spaces.check, "can be made");
	if (tried == 0)
		check_proc(d, &own);
	if (r < 0)
		return;
	check_ranges(d, &g);
	if (tried < 0 || base_grant_is_single(&g))
		return;
	r = base_try(&g);
	if (r < 0)
		doctor_error(d, &helpers, r);
	else
		doctor_ok(d, helpers.check, "newuidmap and newgidmap map them");
}
