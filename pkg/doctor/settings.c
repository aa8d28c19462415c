/* SPDX-License-Identifier: MIT */
/* Configuration files that are refused, and quotas of the kernel that are used up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/strv.h"
#include "pkg/config/auth.h"
#include "pkg/config/containers_conf.h"
#include "pkg/config/ignored.h"
#include "pkg/config/registries.h"
#include "pkg/config/storage_conf.h"
#include "pkg/doctor/report.h"
#include "pkg/sys/private_dir.h"
#include "pkg/sys/process.h"
#include "pkg/transfer/policy.h"

/* "  1000:     4 4/4 4/200 54/20000": the fourth is keyrings and keys that count, and the most. */
static void check_keys(struct doctor_report *d)
{
	const struct doctor_words w = {
		"keyrings", DOCTOR_NOTE,
		"containers with --security-opt seccomp=unconfined: each has "
		"a keyring of its own",
		"sysctl -w kernel.keys.maxkeys=2000"};
	AUTO_FCLOSE FILE *f = fopen("/proc/key-users", "re");
	unsigned uid, used, most;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %u: %*d %*d/%*d %u/%u", &uid, &used, &most) != 3 ||
		    uid != geteuid())
			continue;
		if (used < most / 10 * 9)
			doctor_ok(d, w.check, "%u of %u used", used, most);
		else
			doctor_tell(d, &w, "%u of %u of this user's keys are used", used, most);
		return;
	}
}

static void check_inotify(struct doctor_report *d)
{
	const struct doctor_words w = {
		"inotify", DOCTOR_PROBLEM,
		"logs -f, events, and programs in containers that watch files",
		"sysctl -w fs.inotify.max_user_instances=1024 "
		"fs.inotify.max_user_watches=524288"};
	AUTO_CLOSE int fd = inotify_init1(IN_CLOEXEC);

	if (fd < 0)
		doctor_tell(d, &w, "no more files can be watched (%s)", err_text(-errno));
	else
		doctor_ok(d, w.check, "can be used");
}

void doctor_quotas(struct doctor_report *d)
{
	check_keys(d);
	check_inotify(d);
}

static void tell(struct doctor_report *d, const char *check, const char *breaks, int r)
{
	const struct doctor_words w = {check, DOCTOR_PROBLEM, breaks,
				       "mend the file with an editor, or take it away"};

	if (r < 0)
		doctor_error(d, &w, r);
	else
		doctor_ok(d, check, "can be read");
}

static bool wants_gpg(const struct policy *p)
{
	for (unsigned i = 0; i < p->n; i++)
		for (unsigned k = 0; k < p->scopes[i].n; k++)
			if (p->scopes[i].v[k].kind == POLICY_SIGNED_BY)
				return true;
	return false;
}

static void check_policy(struct doctor_report *d)
{
	const struct doctor_words w = {"gpgv", DOCTOR_PROBLEM,
				       "images whose signatures policy.json asks for",
				       "apt-get install gpgv"};
	AUTO(policy_done) struct policy p = {0};
	AUTO_FREE char *program = NULL;
	int r = policy_load(NULL, &p);

	tell(d, "policy.json", "pull and load", r);
	if (r < 0 || !wants_gpg(&p))
		return;
	r = program_find("gpgv", &program);
	if (r < 0)
		doctor_error(d, &w, r);
	else
		doctor_ok(d, w.check, "%s", program);
}

/* What was read above. */
static void check_ignored(struct doctor_report *d)
{
	const struct doctor_words w = {"ignored settings", DOCTOR_NOTE,
				       "whoever counts on what they say",
				       "leave them to podman, or take them out"};
	const struct strv *lines = conf_ignored_list();

	for (size_t i = 0; i < lines->n; i++)
		doctor_tell(d, &w, "%s", lines->v[i]);
	if (!lines->n)
		doctor_ok(d, w.check, "none");
}

void doctor_files(struct doctor_report *d)
{
	AUTO(containers_conf_done) struct containers_conf conf = {0};
	AUTO(registries_done) struct registries registries = {0};
	AUTO(credential_done) struct credential credential = {0};
	AUTO_STRV struct strv stores = STRV_INIT;

	tell(d, "containers.conf", "run, create and build", containers_conf_load(&conf));
	tell(d, "registries.conf", "pull, push, build and search", registries_load(&registries));
	tell(d, "storage.conf", "every image", storage_conf_stores(&stores));
	tell(d, "auth.json", "pull and push where a login is needed",
	     auth_find("cuddy.invalid", "", NULL, &credential));
	check_policy(d);
	check_ignored(d);
}
