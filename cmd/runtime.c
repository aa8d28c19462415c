/* SPDX-License-Identifier: MIT */
/* "cuddy runtime": the verbs that look at containers and act on them. */
#include "cmd/runtime.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cmd/persona.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/bundle/container.h"
#include "pkg/json/json.h"

#define G struct runtime_args

const struct opt runtime_opts[] = {
	OPT_STR(0, "root", "DIR", G, root, "Where the state of containers is kept",
		.complete = COMPLETE_DIR),
	OPT_STR(0, "log", "FILE", G, log, "Write errors to this file, too",
		.complete = COMPLETE_FILE),
	OPT_STR(0, "log-format", "FORMAT", G, log_format, "Of the log", .words = "text json",
		.complete = COMPLETE_WORDS, .strict = true),
	OPT_BOOL(0, "systemd-cgroup", G, systemd_cgroup, "Have systemd make the cgroup"),
	OPT_STR(0, "cgroup-manager", "NAME", G, cgroup_manager, "The same, by its name",
		.words = "systemd cgroupfs disabled", .complete = COMPLETE_WORDS, .strict = true,
		.hidden = true),
	OPT_STR(0, "rootless", "BOOL", G, rootless,
		"For spec: with a user namespace that maps you to root; else seen by itself",
		.optional = true),
	OPT_BOOL(0, "debug", G, debug, "Say what is done, on standard error"),
	OPT_STR(0, "log-level", "LEVEL", G, log_level, "The same for debug",
		.words = "error warning info debug", .complete = COMPLETE_WORDS, .strict = true),
	OPT_REFUSED(0, "criu", "FILE", "without root nothing can be written down and restored",
		    NULL),
	OPT_END,
};

bool runtime_by_name(void)
{
	return strcmp(program_invocation_short_name, "cuddy-runtime") == 0;
}

void runtime_version(void)
{
	printf("cuddy-runtime version %s\nspec: %s\n", persona_version(), OCI_RUNTIME_VERSION);
}

void runtime_verb_first(int argc, char **argv)
{
	int verb = 1;
	char *name;

	while (verb < argc && argv[verb][0] == '-' && argv[verb][1]) {
		const char *word = argv[verb] + strspn(argv[verb], "-");
		size_t base, n = strcspn(word, "=");
		const struct opt *o = opt_find_long(runtime_opts, word, n, &base);

		verb += o && opt_takes_value(o) && !word[n] ? 2 : 1;
	}
	if (verb == 1 || verb >= argc)
		return;
	name = argv[verb];
	memmove(argv + 2, argv + 1, (size_t)(verb - 1) * sizeof(*argv));
	argv[1] = name;
}

void runtime_begin(const struct runtime_args *g)
{
	if (g->debug || (g->log_level && strcmp(g->log_level, "debug") == 0))
		log_init("all", "cuddy");
}

/* --- errors ----------------------------------------------------------------------------------- */

static void write_log(const struct runtime_args *g, const char *level, const char *words)
{
	AUTO_SBUF struct sbuf line = SBUF_INIT;
	AUTO_CLOSE int fd = -EBADF;
	char now[CLOCK_TEXT_MAX];

	if (!g->log || !*g->log)
		return;
	fd = open(g->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
	clock_format_utc(clock_now_ns(), now);
	if (g->log_format && strcmp(g->log_format, "json") == 0) {
		AUTO_JSON struct json_object *o = json_object_new_object();

		json_set_str(o, "level", level);
		json_set_str(o, "msg", words);
		json_set_str(o, "time", now);
		json_write(o, false, &line);
	} else {
		sbuf_addf(&line, "time=\"%s\" level=%s msg=\"%s\"", now, level, words);
	}
	sbuf_addc(&line, '\n');
	if (fd >= 0)
		(void)write_full(fd, line.s, line.len);
}

static int in_known_words(int r)
{
	AUTO_FREE char *trail = xstrdup(err_trail());

	if (r == -CE_CMD_NOT_FOUND)
		return err_new(-ENOENT, "%s: executable file not found in $PATH", trail);
	if (r == -CE_CMD_NOT_EXEC)
		return err_new(-EACCES, "%s", trail);
	return r;
}

int runtime_ended(const struct runtime_args *g, int r)
{
	int status = err_exit_status(r);

	if (r >= 0)
		return r;
	r = in_known_words(r);
	write_log(g, "error", err_message(r));
	(void)cmd_report(r);
	return status == 126 || status == 127 ? status : 1;
}

void runtime_warn_all(const struct runtime_args *g, const struct strv *lines)
{
	for (size_t i = 0; i < lines->n; i++) {
		write_log(g, "warning", lines->v[i]);
		(void)fprintf(stderr, "cuddy: warning: %s\n", lines->v[i]);
	}
}

void runtime_warn(const struct runtime_args *g, int r)
{
	if (r >= 0)
		return;
	write_log(g, "warning", err_message(r));
	(void)cmd_report(r);
}

/* --- the verbs -------------------------------------------------------------------------------- */

struct one_args {
	struct runtime_args g;
	bool all, force, quiet;
	const char *format, *pid;
};

static void print_json(struct json_object *o)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	json_write(o, true, &text);
	puts(text.s);
}

static int state_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct one_args *a = args;
	AUTO(oci_container_done) struct oci_container c = OCI_CONTAINER_INIT;
	int r;

	(void)ctx;
	(void)argc;
	runtime_begin(&a->g);
	r = oci_container_open(a->g.root, argv[0], false, &c);
	if (r == 0) {
		AUTO_JSON struct json_object *o = oci_container_state(&c);

		print_json(o);
	}
	return runtime_ended(&a->g, r);
}

static int kill_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct one_args *a = args;
	AUTO(oci_container_done) struct oci_container c = OCI_CONTAINER_INIT;
	int sig = SIGTERM, r = 0;

	(void)ctx;
	runtime_begin(&a->g);
	if (argc > 1 && parse_signal(argv[1], &sig) < 0)
		r = err_usage("signal '%s': no such signal", argv[1]);
	if (r == 0)
		r = oci_container_open(a->g.root, argv[0], false, &c);
	if (r == 0)
		r = oci_kill(&c, sig, a->all);
	return runtime_ended(&a->g, r);
}

static int delete_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct one_args *a = args;
	AUTO(oci_container_done) struct oci_container c = OCI_CONTAINER_INIT;
	int hooks = 0, r;

	(void)ctx;
	(void)argc;
	runtime_begin(&a->g);
	r = oci_container_open(a->g.root, argv[0], true, &c);
	if (r == -CE_NO_CONTAINER && a->force) {
		err_drop();
		return 0;
	}
	if (r == 0)
		r = oci_delete(&c, a->force, &hooks);
	if (r == 0)
		runtime_warn(&a->g, hooks);
	return runtime_ended(&a->g, r);
}

static int freeze(const struct one_args *a, const char *id, bool pause)
{
	AUTO(oci_container_done) struct oci_container c = OCI_CONTAINER_INIT;
	int r;

	runtime_begin(&a->g);
	r = oci_container_open(a->g.root, id, true, &c);
	return runtime_ended(&a->g, r < 0 ? r : oci_pause(&c, pause));
}

static int pause_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	(void)ctx;
	(void)argc;
	return freeze(args, argv[0], true);
}

static int resume_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	(void)ctx;
	(void)argc;
	return freeze(args, argv[0], false);
}

static bool as_json(const char *format)
{
	return format && strcmp(format, "json") == 0;
}

static int ps_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct one_args *a = args;
	AUTO(oci_container_done) struct oci_container c = OCI_CONTAINER_INIT;
	AUTO_JSON struct json_object *all = json_object_new_array();
	AUTO_FREE pid_t *pids = NULL;
	unsigned n = 0;
	int r;

	(void)ctx;
	(void)argc;
	runtime_begin(&a->g);
	r = oci_container_open(a->g.root, argv[0], false, &c);
	if (r == 0)
		r = oci_processes(&c, &pids, &n);
	if (r < 0)
		return runtime_ended(&a->g, r);
	if (!as_json(a->format))
		puts("PID");
	for (unsigned i = 0; i < n; i++) {
		if (as_json(a->format))
			(void)json_object_array_add(all, json_object_new_int64(pids[i]));
		else
			printf("%d\n", (int)pids[i]);
	}
	if (as_json(a->format))
		print_json(all);
	return 0;
}

static const char *member(struct json_object *o, const char *key)
{
	const char *v = "";

	(void)json_get_str(o, key, &v);
	return v;
}

static int list_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct one_args *a = args;
	AUTO_JSON struct json_object *all = NULL;
	size_t n;
	int r;

	(void)ctx;
	(void)argc;
	(void)argv;
	runtime_begin(&a->g);
	r = oci_container_list(a->g.root, &all);
	n = json_object_array_length(all);
	if (r < 0)
		return runtime_ended(&a->g, r);
	if (as_json(a->format) && !a->quiet) {
		print_json(all);
		return 0;
	}
	if (!a->quiet)
		printf("%-20s %-10s %-10s %-30s %-31s %s\n", "ID", "PID", "STATUS", "BUNDLE",
		       "CREATED", "OWNER");
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(all, i);
		int64_t pid = 0;

		(void)json_get_i64(o, "pid", &pid);
		if (a->quiet)
			puts(member(o, "id"));
		else
			printf("%-20s %-10lld %-10s %-30s %-31s %s\n", member(o, "id"),
			       (long long)pid, member(o, "status"), member(o, "bundle"),
			       member(o, "created"), member(o, "owner"));
	}
	return 0;
}

#define A struct one_args
#define FORMAT                                                                              \
	OPT_STR('f', "format", "FORMAT", A, format, "Of the output", .words = "table json", \
		.complete = COMPLETE_WORDS, .strict = true)

static const struct opt plain_opts[] = {OPT_GROUP(runtime_opts, A, g), OPT_END};
#define BY_NAME "write the id of each container"

static const struct opt kill_opts[] = {
	OPT_BOOL('a', "all", A, all, "All processes of the container"),
	OPT_REFUSED('r', "regex", NULL, BY_NAME, NULL), OPT_GROUP(runtime_opts, A, g), OPT_END};
static const struct opt delete_opts[] = {
	OPT_BOOL('f', "force", A, force, "Kill it when it runs; one that is not there is no error"),
	OPT_REFUSED('r', "regex", NULL, BY_NAME, NULL), OPT_GROUP(runtime_opts, A, g), OPT_END};
static const struct opt ps_opts[] = {FORMAT, OPT_GROUP(runtime_opts, A, g), OPT_END};
static const struct opt list_opts[] = {FORMAT, OPT_BOOL('q', "quiet", A, quiet, "Only the ids"),
				       OPT_GROUP(runtime_opts, A, g), OPT_END};

#define VERB(verb, syn, sum, options, max)                                 \
	const struct command cmd_runtime_##verb = {.name = #verb,          \
						   .group = "runtime",     \
						   .synopsis = syn,        \
						   .summary = sum,         \
						   .opts = options,        \
						   .args_size = sizeof(A), \
						   .min_args = max > 0,    \
						   .max_args = max,        \
						   .run = verb##_run}

VERB(state, "[OPTIONS] ID", "What a container is and does, in JSON", plain_opts, 1);
VERB(kill, "[OPTIONS] ID [SIGNAL]", "Signal the first process of a container", kill_opts, 2);
VERB(delete, "[OPTIONS] ID", "Remove what is kept of a container", delete_opts, 1);
VERB(pause, "[OPTIONS] ID", "Freeze all processes of a container", plain_opts, 1);
VERB(resume, "[OPTIONS] ID", "Thaw them", plain_opts, 1);
VERB(ps, "[OPTIONS] ID", "The processes of a container, by the host's numbers", ps_opts, -1);
VERB(list, "[OPTIONS]", "All containers of this state directory", list_opts, 0);
