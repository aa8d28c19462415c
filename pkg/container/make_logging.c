/* SPDX-License-Identifier: MIT */
/*
 * --log-driver and --log-opt. "local" is docker's name for a file of its own form that only the engine
 * reads: here it is the usual file, with docker's sizes.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/cli/filter.h"
#include "pkg/cli/format.h"
#include "pkg/container/container.h"
#include "pkg/container/make.h"

#define LOG_DEFAULT_BYTES (10ULL << 20)
#define LOG_DEFAULT_FILES 3
#define LOG_LOCAL_BYTES (20ULL << 20)
#define LOG_LOCAL_FILES 5
#define NO_ATTRIBUTES "a log has what the container wrote, and nothing besides; see --label"

/* Words of docker for its own drivers; each has a value that is so anyway. */
static const struct {
	const char *key, *harmless, *why;
} others[] = {
	{"compress=", "false", "files that were rotated are not compressed"},
	{"mode=", "blocking", "output is never thrown away; a container that writes too much waits"},
	{"max-buffer-size=", "", "there is no buffer that could overflow"},
	{"labels=", "", NO_ATTRIBUTES},
	{"labels-regex=", "", NO_ATTRIBUTES},
	{"env=", "", NO_ATTRIBUTES},
	{"env-regex=", "", NO_ATTRIBUTES},
	{"label=", "", NO_ATTRIBUTES},
};

static int other_opt(const char *spec)
{
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		size_t n = strlen(others[i].key);

		if (strncmp(spec, others[i].key, n) != 0)
			continue;
		if (strcmp(spec + n, others[i].harmless) == 0)
			return 0;
		return err_usage("--log-opt '%s': not supported: %s", spec, others[i].why);
	}
	return err_usage("--log-opt '%s': unknown; known are max-size= max-file= path= tag=", spec);
}

static int log_opt(const char *spec, struct container_record *r)
{
	uint32_t files;

	if (strncmp(spec, "max-size=", 9) == 0) {
		if (strcmp(spec + 9, "-1") == 0) {
			r->log_max_bytes = 0;
			return 0;
		}
		if (parse_size(spec + 9, &r->log_max_bytes) < 0 || r->log_max_bytes < 4096)
			return err_usage(
				"--log-opt '%s': a size of at least 4k, or -1 for no bound", spec);
		return 0;
	}
	if (strncmp(spec, "max-file=", 9) == 0) {
		if (parse_u32(spec + 9, 1000, &files) < 0 || files == 0)
			return err_usage("--log-opt '%s': a number from 1 to 1000", spec);
		r->log_max_files = files;
		return 0;
	}
	if (strncmp(spec, "path=", 5) == 0 && spec[5]) {
		free(r->log_path);
		r->log_path = path_absolute(spec + 5);
		return 0;
	}
	if (strncmp(spec, "tag=", 4) == 0 && spec[4]) {
		free(r->log_tag);
		r->log_tag = xstrdup(spec + 4);
		return 0;
	}
	return other_opt(spec);
}

static int check_tag(const struct container_record *r)
{
	struct template *t = NULL;
	int rc;

	if (!r->log_tag)
		return 0;
	if (strcmp(r->log_driver, "journald") != 0)
		return err_usage(
			"--log-opt tag= goes with --log-driver journald: a file keeps no tag");
	rc = template_parse(r->log_tag, &t);
	template_free(t);
	return rc < 0 ? err_wrap(rc, "--log-opt tag=") : 0;
}

char *container_log_path(const struct container_record *rec, const char *data_path)
{
	struct stat st;

	if (!rec->log_path)
		return path_join(data_path, "ctr.log");
	if (stat(rec->log_path, &st) < 0 || !S_ISDIR(st.st_mode))
		return xstrdup(rec->log_path);
	return xasprintf("%s/%s/ctr.log", rec->log_path, rec->id);
}

int make_logging(const struct container_request *q, struct container_record *r)
{
	static const char *const drivers[] = {"k8s-file", "json-file",	 "local",
					      "none",	  "passthrough", "journald"};
	const char *d = q->log_driver ? q->log_driver : "k8s-file";
	bool is_local;
	int rc = 0;

	if (!filter_one_of(d, drivers, ARRAY_LEN(drivers)))
		return err_usage("--log-driver '%s': not supported; use k8s-file, json-file, local, "
				 "journald, none or passthrough",
				 d);
	if (strcmp(d, "passthrough") == 0 && q->tty)
		return err_usage("--log-driver passthrough does not go with --tty: a terminal of "
				 "the caller is never given to a container");
	r->log_driver = xstrdup(d);
	is_local = strcmp(d, "local") == 0;
	r->log_max_bytes = is_local ? LOG_LOCAL_BYTES : LOG_DEFAULT_BYTES;
	r->log_max_files = is_local ? LOG_LOCAL_FILES : LOG_DEFAULT_FILES;
	r->no_health_events = q->no_health_events;
	for (size_t i = 0; rc == 0 && i < q->log_opt.n; i++)
		rc = log_opt(q->log_opt.v[i], r);
	return rc == 0 ? check_tag(r) : rc;
}
