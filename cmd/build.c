/* SPDX-License-Identifier: MIT */
/* "cuddy build": options to a request, steps as they go on standard error, the id on standard output. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/archive_file.h"
#include "cmd/cmd.h"
#include "cmd/create_opts.h"
#include "cmd/registry_opts.h"
#include "cmd/transfer_report.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/parse.h"
#include "pkg/build/build.h"
#include "pkg/cli/format.h"
#include "pkg/oci/manifest.h"

struct build_args {
	struct registry_args registry;
	struct strv tags, files, build_args, labels, secrets, ssh;
	struct container_request run;
	const char *target, *network, *pull, *iidfile, *platform, *ignore_file, *timestamp, *format,
		*progress;
	unsigned jobs;
	bool no_cache, quiet, rm, force_rm, load;
	int layers;
};

static const struct build_args build_defaults = {
	.registry = REGISTRY_ARGS_DEFAULTS,
	.run = CONTAINER_REQUEST_DEFAULTS,
	.format = "oci",
	.layers = -1,
};

/* clang-format off */
static const struct opt build_opts[] = {
	OPT_LIST(0, "add-host", "NAME:IP", struct build_args, run.add_host, "Add a line to /etc/hosts while commands run"),
	OPT_LIST(0, "build-arg", "NAME[=VALUE]", struct build_args, build_args, "Set a build argument, or pass a variable of ours on"),
	OPT_LIST(0, "cap-add", "CAPABILITY", struct build_args, run.cap_add, "Add a capability to commands"),
	OPT_LIST(0, "cap-drop", "CAPABILITY", struct build_args, run.cap_drop, "Drop a capability of commands"),
	OPT_LIST(0, "device", "HOST[:PATH][:rwm]", struct build_args, run.device, "Give commands a device of the host", .complete = COMPLETE_FILE),
	OPT_LIST(0, "dns", "IP", struct build_args, run.dns, "Name server of commands"),
	OPT_LIST(0, "dns-option", "OPTION", struct build_args, run.dns_option, "Resolver option of commands"),
	OPT_LIST(0, "dns-search", "DOMAIN", struct build_args, run.dns_search, "Search domain of commands"),
	OPT_LIST('f', "file", "FILE", struct build_args, files, "Containerfile to read, - for standard input", .complete = COMPLETE_FILE),
	OPT_BOOL(0, "force-rm", struct build_args, force_rm, "Leave no containers behind; there are none in any case", .hidden = true),
	OPT_STR(0, "format", "FORMAT", struct build_args, format, "Format the image is pushed and saved in",
		.complete = COMPLETE_WORDS, .words = "oci docker", .strict = true),
	OPT_STR(0, "ignorefile", "FILE", struct build_args, ignore_file, "Ignore file to use instead of the context's", .complete = COMPLETE_FILE),
	OPT_STR(0, "iidfile", "FILE", struct build_args, iidfile, "Write the image's id to a file", .complete = COMPLETE_FILE),
	OPT_UINT(0, "jobs", "N", struct build_args, jobs, "Stages to run at a time; 0 for as many as there are processors", .max = 256),
	OPT_LIST(0, "label", "KEY=VALUE", struct build_args, labels, "Attach a label to the image"),
	OPT_TRI(0, "layers", struct build_args, layers, "Use what earlier builds made"),
	OPT_BOOL(0, "load", struct build_args, load, "Keep the image in the store; it is there in any case", .hidden = true),
	OPT_STR(0, "network", "MODE", struct build_args, network, "Network of commands: default, none or host",
		.complete = COMPLETE_WORDS, .words = "default none host", .strict = true),
	OPT_BOOL(0, "no-cache", struct build_args, no_cache, "Run every step anew"),
	OPT_STR(0, "platform", "OS/ARCH[/VARIANT]", struct build_args, platform, "Platform to build for; only this machine's own"),
	OPT_STR(0, "progress", "KIND", struct build_args, progress, "How progress is shown",
		.complete = COMPLETE_WORDS, .words = "auto plain quiet", .strict = true),
	OPT_STR(0, "pull", "POLICY", struct build_args, pull, "When to pull base images; without a value always", .optional = true,
		.complete = COMPLETE_WORDS, .words = "always missing never newer"),
	OPT_BOOL('q', "quiet", struct build_args, quiet, "Print the image's id only"),
	OPT_BOOL(0, "rm", struct build_args, rm, "Leave no containers behind; there are none in any case", .hidden = true),
	OPT_LIST(0, "secret", "id=ID[,src=FILE|,env=NAME]", struct build_args, secrets, "Give a secret to commands that mount it"),
	OPT_LIST(0, "security-opt", "OPTION", struct build_args, run.security_opt, "Security option of commands: no-new-privileges, seccomp=, apparmor=, mask=, unmask="),
	OPT_SIZE(0, "shm-size", "SIZE", struct build_args, run.shm_size, "Size of /dev/shm of commands"),
	OPT_LIST(0, "ssh", "default|ID[=SOCKET|KEY,…]", struct build_args, ssh, "Let commands that mount it use an ssh agent, or keys"),
	OPT_LIST('t', "tag", "NAME[:TAG]", struct build_args, tags, "Name of the image"),
	OPT_STR(0, "target", "STAGE", struct build_args, target, "Stage to build instead of the last"),
	OPT_STR(0, "timestamp", "SECONDS", struct build_args, timestamp, "Time of the image and latest time of its new files, in seconds since 1970"),
	OPT_STR(0, "source-date-epoch", "SECONDS", struct build_args, timestamp, "Time of the image", .hidden = true),
	OPT_LIST(0, "ulimit", "TYPE=SOFT[:HARD]", struct build_args, run.ulimit, "Set a resource limit of commands"),
	OPT_LIST('v', "volume", "HOST:PATH[:ro]", struct build_args, run.volume, "Mount a path of the host while commands run", .complete = COMPLETE_FILE),
	OPT_GROUP(registry_opts, struct build_args, registry),
	OPT_END
};
/* clang-format on */

/* --- what is shown ------------------------------------------------------------------------------ */

static void print_line(const char *text)
{
	put_untrusted(stderr, text);
	(void)fputc('\n', stderr);
}

static void on_step(void *data, unsigned n, unsigned total, const char *text)
{
	(void)data;
	(void)fprintf(stderr, "STEP %u/%u: ", n, total);
	print_line(text);
}

static void on_cached(void *data)
{
	(void)data;
	(void)fputs("--> Using cache\n", stderr);
}

static void on_warning(void *data, const char *text)
{
	(void)data;
	(void)fputs("cuddy: warning: ", stderr);
	print_line(text);
}

static void on_line(void *data, const char *stage, const char *text)
{
	(void)data;
	(void)fputc('[', stderr);
	put_untrusted(stderr, stage);
	(void)fputs("] ", stderr);
	print_line(text);
}

/* --- options ------------------------------------------------------------------------------------ */

static int pull_policy(const char *s, enum pull_policy *ret)
{
	bool on;

	*ret = PULL_MISSING;
	if (!s || strcmp(s, "missing") == 0 || strcmp(s, "ifnotpresent") == 0)
		return 0;
	if (!*s || strcmp(s, "always") == 0)
		*ret = PULL_ALWAYS;
	else if (strcmp(s, "never") == 0)
		*ret = PULL_NEVER;
	else if (strcmp(s, "newer") == 0 || strcmp(s, "ifnewer") == 0)
		*ret = PULL_NEWER;
	else if (parse_bool(s, &on) == 0)
		*ret = on ? PULL_ALWAYS : PULL_MISSING;
	else
		return err_usage("--pull '%s': use always, missing, never or newer", s);
	return 0;
}

static int check_platform(const char *text)
{
	AUTO(platform_done) struct platform want = {0}, host = {0};
	int r;

	if (!text)
		return 0;
	platform_host(&host);
	r = platform_parse(text, &want);
	if (r == 0 && !platform_matches(&host, &want))
		return err_new(-CE_UNSUPPORTED,
			       "--platform %s: only for this machine's own platform, %s/%s", text,
			       host.os, host.architecture);
	return r;
}

/* "NAME" alone is ours when we have it, and else not given. */
static int take_build_args(const struct strv *given, struct strv *ret)
{
	for (size_t i = 0; i < given->n; i++) {
		const char *a = given->v[i];

		if (*a == '=' || !*a)
			return err_usage("--build-arg '%s': the name is empty", a);
		if (strchr(a, '=')) {
			strv_env_set(ret, a);
		} else if (getenv(a)) {
			AUTO_FREE char *pair = xasprintf("%s=%s", a, getenv(a));

			strv_env_set(ret, pair);
		}
	}
	return 0;
}

static int take_epoch(const char *given, struct build_options *o)
{
	const char *v = given, *from = "--timestamp";

	if (!v) {
		v = strv_env_get(&o->build_args, "SOURCE_DATE_EPOCH");
		from = "SOURCE_DATE_EPOCH";
	}
	if (!v)
		v = getenv("SOURCE_DATE_EPOCH");
	if (!v || (!given && !*v))
		return 0;
	if (parse_i64(v, 0, 253402300799LL, &o->epoch_s) < 0)
		return err_usage("%s '%s': seconds since 1970", from, v);
	o->has_epoch = true;
	return 0;
}

static int options_of(const struct build_args *a, const char *context, struct build_options *o)
{
	int r = pull_policy(a->pull, &o->pull.policy);

	if (r == 0)
		r = registry_access_of(&a->registry, &o->pull.access);
	if (r == 0)
		r = check_platform(a->platform);
	if (r == 0)
		r = take_build_args(&a->build_args, &o->build_args);
	if (r == 0)
		r = take_epoch(a->timestamp, o);
	if (r == 0 && a->files.n > 1)
		r = err_usage("--file is given %zu times; one file is read", a->files.n);
	o->context = context;
	o->file = a->files.n ? a->files.v[0] : NULL;
	o->ignore_file = a->ignore_file;
	o->target = a->target;
	o->jobs = a->jobs;
	o->labels = a->labels;
	o->tags = a->tags;
	o->run = a->run;
	o->docker = strcmp(a->format, "docker") == 0;
	o->secrets = a->secrets;
	o->ssh = a->ssh;
	o->network = a->network;
	o->no_cache = a->no_cache || a->layers == 0;
	o->output_fd = STDERR_FILENO;
	return r;
}

static int build_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	static const struct build_report loud = {
		.step = on_step, .cached = on_cached, .warning = on_warning, .line = on_line};
	static const struct build_report quiet = {.warning = on_warning, .line = on_line};
	const struct build_args *a = args;
	bool hush = a->quiet || (a->progress && strcmp(a->progress, "quiet") == 0);
	struct build_options o = {.report = hush ? &quiet : &loud};
	struct build_result result = {.run_status = 0};
	struct transfer_report report;
	AUTO(archive_file_drop) struct archive_file iid = ARCHIVE_FILE_INIT;
	AUTO_CLOSE int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char id[72];
	struct store *st;
	int r = options_of(a, argc ? argv[0] : ".", &o);

	if (r == 0)
		r = cmd_store_for_images(ctx, &st);
	if (r == 0 && a->iidfile) /* now, so that a bad name is told at once */
		r = archive_file_open(&iid, a->iidfile);
	if (r == 0) {
		if (hush && null >= 0)
			o.output_fd = null;
		transfer_report_init(&report, REPORT_PULL, hush, NULL);
		o.pull.report = &report.handler;
		r = build_image(st, &o, &result);
		transfer_report_done(&report);
	}
	strv_done(&o.build_args);
	if (r < 0 && result.run_status) { /* the command's own status, as podman's */
		(void)cmd_report(err_wrap(r, "build"));
		ctx->status = result.run_status;
		return 0;
	}
	if (r == 0) {
		(void)snprintf(id, sizeof(id), "sha256:%s", result.id);
		r = archive_file_put(&iid, a->iidfile, id);
	}
	if (r < 0)
		return err_wrap(r, "build");
	(void)puts(result.id);
	return 0;
}

const struct command cmd_build = {
	.name = "build",
	.synopsis = "[OPTIONS] [CONTEXT]",
	.summary = "Build an image from a Containerfile",
	.opts = build_opts,
	.args_size = sizeof(struct build_args),
	.defaults = &build_defaults,
	.min_args = 0,
	.max_args = 1,
	.complete = COMPLETE_DIR,
	.run = build_run,
};
