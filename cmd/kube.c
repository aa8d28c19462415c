/* SPDX-License-Identifier: MIT */
/* "cuddy kube play", "kube down", "kube generate". */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/create_opts.h"
#include "cmd/kube.h"
#include "cmd/transfer_report.h"
#include "cmd/url.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/cli/format.h"
#include "pkg/config/containers_conf.h"
#include "pkg/json/yaml.h"
#include "pkg/sys/file.h"

#define YAML_MAX (16UL << 20)

struct play_args {
	struct strv networks, publish, annotations, config_maps, log_opt;
	const char *userns, *log_driver, *ip, *mac, *seccomp_dir, *context_dir;
	const char *propagation; /* none any all */
	bool replace, down, no_hosts, no_hostname, no_prefix, publish_all, quiet, force, wait,
		service;
	int start, build; /* -1: yes; images that are missing */
	struct registry_args registry;
};

#define A struct play_args

static const struct play_args play_defaults = {
	.start = -1, .build = -1, .propagation = "none", .registry = REGISTRY_ARGS_DEFAULTS};

static const struct opt play_opts[] = {
	OPT_LIST(0, "annotation", "KEY=VALUE", A, annotations,
		 "Attach an annotation to the containers"),
	OPT_TRI(0, "build", A, build,
		"Build images of which there is a directory with a Containerfile; without, those "
		"that are missing"),
	OPT_STR(0, "context-dir", "DIR", A, context_dir,
		"Where these directories are; where FILE is when not given",
		.complete = COMPLETE_FILE),
	OPT_LIST(0, "configmap", "FILE[,FILE]", A, config_maps, "Read config maps from a file",
		 .complete = COMPLETE_FILE),
	OPT_BOOL(0, "down", A, down, "As kube down"),
	OPT_BOOL(0, "force", A, force, "With --down: remove volumes that are claimed, too"),
	OPT_STR(0, "ip", "IP", A, ip, "IPv4 address of the pod in its network"),
	OPT_STR(0, "mac-address", "MAC", A, mac, "MAC address of the pod in its network"),
	OPT_STR(0, "log-driver", "DRIVER", A, log_driver, "Where output is kept",
		.complete = COMPLETE_WORDS, .words = "k8s-file json-file local journald none"),
	OPT_LIST(0, "log-opt", "KEY=VALUE", A, log_opt,
		 "Log option: max-size, max-file, path, tag"),
	OPT_LIST(0, "network", "MODE", A, networks, "Network of the pods",
		 .complete = COMPLETE_NETWORK),
	OPT_BOOL(0, "no-hosts", A, no_hosts, "Leave /etc/hosts of the images alone"),
	OPT_BOOL(0, "no-hostname", A, no_hostname, "Leave /etc/hostname of the images alone"),
	OPT_BOOL(0, "no-pod-prefix", A, no_prefix,
		 "Name containers without the name of the pod before theirs"),
	OPT_LIST(0, "publish", "[[IP:]PORT:]PORT[/PROTO]", A, publish,
		 "Publish a port of the pod on the host"),
	OPT_BOOL(0, "publish-all", A, publish_all,
		 "Publish ports of containers that name none of the host"),
	OPT_BOOL('q', "quiet", A, quiet, "No progress while pulling"),
	OPT_BOOL(0, "replace", A, replace, "Remove older pods of the same names first"),
	OPT_STR(0, "seccomp-profile-root", "DIR", A, seccomp_dir,
		"Where the profiles are that the file names", .complete = COMPLETE_FILE),
	OPT_BOOL(0, "service-container", A, service,
		 "Of a service: as --wait, and tells the service manager", .hidden = true),
	OPT_STR(0, "service-exit-code-propagation", "WHICH", A, propagation,
		"Of a service: what its exit code is", .complete = COMPLETE_WORDS,
		.words = "none any all", .strict = true, .hidden = true),
	OPT_TRI(0, "start", A, start, "Start the pods"),
	OPT_STR(0, "userns", "MODE", A, userns, "User namespace of the pods"),
	OPT_BOOL('w', "wait", A, wait,
		 "Stay until all containers have ended or a signal comes, and remove all then"),
	OPT_GROUP(registry_opts, A, registry),
	OPT_END,
};

/* kind: List is a document of documents. */
static void spread_lists(struct json_object **docs)
{
	struct json_object *flat = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(*docs); i++) {
		struct json_object *d = json_object_array_get_idx(*docs, i), *items = NULL;
		const char *kind = "";

		if (!json_object_is_type(d, json_type_object) ||
		    json_get_str(d, "kind", &kind) < 0 || strcmp(kind, "List") != 0 ||
		    json_get_arr(d, "items", &items) < 0 || !items) {
			err_drop();
			(void)json_object_array_add(flat, json_object_get(d));
			continue;
		}
		for (size_t k = 0; k < json_object_array_length(items); k++)
			(void)json_object_array_add(
				flat, json_object_get(json_object_array_get_idx(items, k)));
	}
	(void)json_object_put(*docs);
	*docs = flat;
}

static int read_yaml(const char *file, int tls_verify, struct json_object **ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r;

	if (strstr(file, "://") && !url_is(file))
		return err_usage("%s: only http:// and https:// are fetched", file);
	if (url_is(file) && (r = url_read(file, YAML_MAX, tls_verify, &text)) < 0)
		return r; /* which names it */
	r = url_is(file)             ? 0
	    : strcmp(file, "-") == 0 ? file_read_stream(0, YAML_MAX, &text)
				     : file_read_at(AT_FDCWD, file, YAML_MAX, &text);
	sbuf_adds(&text, "");
	if (r == 0)
		r = yaml_parse(text.s, text.len, ret);
	if (r == 0)
		spread_lists(ret);
	return r < 0 ? err_wrap(r, "%s", file) : 0;
}

static void add_all(struct json_object *to, struct json_object *docs)
{
	for (size_t i = 0; i < json_object_array_length(docs); i++)
		(void)json_object_array_add(to,
					    json_object_get(json_object_array_get_idx(docs, i)));
}

static int read_files(char **files, int n, int tls_verify, struct json_object **ret)
{
	AUTO_JSON struct json_object *all = json_object_new_array();

	for (int i = 0; i < n; i++) {
		AUTO_JSON struct json_object *docs = NULL;
		int r = read_yaml(files[i], tls_verify, &docs);

		if (r < 0)
			return r;
		add_all(all, docs);
	}
	*ret = TAKE_PTR(all);
	return 0;
}

static int read_config_maps(const struct strv *files, int tls_verify, struct json_object *to)
{
	for (size_t i = 0; i < files->n; i++) {
		AUTO_STRV struct strv parts = STRV_INIT;

		strv_split(&parts, files->v[i], ',');
		for (size_t k = 0; k < parts.n; k++) {
			AUTO_JSON struct json_object *docs = NULL;
			int r = read_yaml(parts.v[k], tls_verify, &docs);

			if (r < 0)
				return err_wrap(r, "--configmap");
			add_all(to, docs);
		}
	}
	return 0;
}

static void say(const char *title, const struct strv *v)
{
	if (v->n)
		(void)puts(title);
	for (size_t i = 0; i < v->n; i++)
		(void)puts(v->v[i]);
}

static void say_made(const struct kube_made *m)
{
	say("Volumes:", &m->volumes);
	say("Secrets:", &m->secrets);
	for (size_t i = 0; i < m->n_pods; i++) {
		(void)printf("%sPod:\n%s\n", i ? "\n" : "", m->pods[i].id);
		say(m->pods[i].containers.n > 1 ? "Containers:" : "Container:",
		    &m->pods[i].containers);
	}
}

static int down(struct store *st, struct json_object *docs, bool force)
{
	AUTO(kube_made_done) struct kube_made gone = {0};
	int r = kube_down(st, docs, force, &gone);

	if (r < 0)
		return r;
	(void)puts("Pods stopped:");
	for (size_t i = 0; i < gone.n_pods; i++)
		(void)puts(gone.pods[i].id);
	(void)puts("Pods removed:");
	for (size_t i = 0; i < gone.n_pods; i++)
		(void)puts(gone.pods[i].id);
	say("Secrets removed:", &gone.secrets);
	say("Volumes removed:", &gone.volumes);
	return 0;
}

static int down_of(struct store *st, char **files, int n, int tls_verify, bool force)
{
	AUTO_JSON struct json_object *docs = NULL;
	int r = read_files(files, n, tls_verify, &docs);

	return r < 0 ? r : down(st, docs, force);
}

static int check_play(const struct play_args *a)
{
	if (a->force && !a->down)
		return err_usage("kube play: --force goes with --down");
	if ((a->wait || a->service) && a->start == 0)
		return err_usage("kube play: --wait and --start=false contradict each other");
	return 0;
}

static int stay(struct cmd_ctx *ctx, struct store *st, const struct play_args *a,
		struct json_object *docs, const struct kube_made *made, const char *manager)
{
	int code = 0, r = a->service ? kube_tell_manager(manager) : 0;

	(void)fflush(stdout);
	if (r == 0)
		r = kube_wait(st, made, a->propagation, &code);
	if (r == 0)
		r = down(st, docs, false);
	ctx->status = code;
	return r;
}

static int play_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct play_args *a = args;
	AUTO(kube_made_done) struct kube_made made = {0};
	AUTO_JSON struct json_object *docs = NULL, *maps = json_object_new_array();
	AUTO_FREE char *full = path_absolute(url_is(argv[0]) ? "./-" : argv[0]);
	AUTO_FREE char *dir = xstrndup(full, (size_t)(path_base(full) - full));
	struct kube_request q = {.config_maps = maps,
				 .dir = dir,
				 .networks = a->networks,
				 .publish = a->publish,
				 .annotations = a->annotations,
				 .userns = a->userns,
				 .log_driver = a->log_driver,
				 .log_opt = a->log_opt,
				 .replace = a->replace,
				 .no_start = a->start == 0,
				 .no_hosts = a->no_hosts,
				 .no_hostname = a->no_hostname,
				 .no_prefix = a->no_prefix,
				 .publish_all = a->publish_all,
				 .ip = a->ip,
				 .mac = a->mac,
				 .seccomp_dir = a->seccomp_dir,
				 .context_dir = a->context_dir,
				 .build = a->build,
				 .build_image = kube_build,
				 .build_arg = ctx,
				 .quiet = a->quiet,
				 .cgroup_manager = ctx->cgroup_manager};
	const char *socket = getenv("NOTIFY_SOCKET");
	AUTO_FREE char *manager = socket ? xstrdup(socket) : NULL;
	struct transfer_report report;
	struct store *st;
	int r = check_play(a);

	/* Who of several containers would tell the service manager that all of it is ready? */
	(void)unsetenv("NOTIFY_SOCKET");
	if (r == 0)
		r = cmd_store_for_images(ctx, &st);
	if (r == 0 && a->down)
		return down_of(st, argv, argc, a->registry.tls_verify, a->force);
	if (r == 0)
		r = registry_access_of(&a->registry, &q.access);
	if (r == 0)
		r = read_files(argv, argc, a->registry.tls_verify, &docs);
	if (r == 0)
		r = read_config_maps(&a->config_maps, a->registry.tls_verify, maps);
	if (r < 0)
		return r;
	q.docs = docs;
	if (a->wait || a->service)
		kube_wait_begin();
	transfer_report_init(&report, REPORT_PULL, a->quiet, NULL);
	q.report = &report.handler;
	r = kube_play(st, &q, &made);
	transfer_report_done(&report);
	say_made(&made);
	if (r == 0 && (a->wait || a->service))
		r = stay(ctx, st, a, docs, &made, manager);
	return r < 0 ? err_wrap(r, "kube play") : 0;
}

const struct command cmd_kube_play = {
	.name = "play",
	.group = "kube",
	.synopsis = "[OPTIONS] FILE|URL|- [FILE|URL...]",
	.summary = "Make and start what Kubernetes YAML describes",
	.opts = play_opts,
	.args_size = sizeof(struct play_args),
	.defaults = &play_defaults,
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_FILE,
	.run = play_run,
};

struct down_args {
	bool force;
};

static const struct opt down_opts[] = {
	OPT_BOOL(0, "force", struct down_args, force, "Remove volumes that are claimed, too"),
	OPT_END,
};

static int down_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct down_args *a = args;
	struct store *st;
	int r = cmd_store(ctx, &st);

	return r < 0 ? r : down_of(st, argv, argc, -1, a->force);
}

const struct command cmd_kube_down = {
	.name = "down",
	.group = "kube",
	.synopsis = "[OPTIONS] FILE|URL|- [FILE|URL...]",
	.summary = "Remove what kube play made of a file",
	.opts = down_opts,
	.args_size = sizeof(struct down_args),
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_FILE,
	.run = down_run,
};

struct generate_args {
	const char *file;
	struct kube_generate o;
};

static const struct opt generate_opts[] = {
	OPT_STR('f', "filename", "FILE", struct generate_args, file, "Write to a new file",
		.complete = COMPLETE_FILE),
	OPT_BOOL(0, "podman-only", struct generate_args, o.annotations,
		 "Add annotations that only kube play understands"),
	OPT_INT('r', "replicas", "NUMBER", struct generate_args, o.replicas,
		"With --type deployment: how many pods a cluster runs of it", .min = 1,
		.max = INT32_MAX),
	OPT_BOOL('s', "service", struct generate_args, o.service,
		 "Print a Service for the ports of each pod, too"),
	OPT_STR('t', "type", "KIND", struct generate_args, o.type, "Kind of the documents",
		.complete = COMPLETE_WORDS, .words = "pod deployment daemonset job"),
	OPT_END,
};

static int open_new(const char *path, FILE **ret)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	*ret = fd < 0 ? NULL : fdopen(fd, "w");
	return *ret ? 0 : err_new(-errno, "--filename %s", path);
}

static int generate_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct generate_args *a = args;
	AUTO_JSON struct json_object *docs = NULL;
	AUTO_STRV struct strv names = STRV_INIT;
	const struct containers_conf *conf;
	struct kube_generate o = a->o;
	struct store *st;
	FILE *out = stdout;
	int r = cmd_store(ctx, &st);

	for (int i = 0; i < argc; i++)
		strv_add(&names, argv[i]);
	if (r == 0)
		r = containers_conf(&conf);
	if (r == 0 && !o.type)
		o.type = conf->kube_generate_type;
	if (r == 0)
		r = kube_generate(st, &names, &o, &docs);
	if (r == 0 && a->file)
		r = open_new(a->file, &out);
	if (r < 0)
		return err_wrap(r, "kube generate");
	for (size_t i = 0; i < json_object_array_length(docs); i++) {
		if (i)
			(void)fputs("---\n", out);
		yaml_print(json_object_array_get_idx(docs, i), out);
	}
	if (out != stdout && fclose(out) != 0)
		return err_new(-errno, "kube generate: %s", a->file);
	return 0;
}

const struct command cmd_kube_generate = {
	.name = "generate",
	.group = "kube",
	.synopsis = "[OPTIONS] POD|CONTAINER|VOLUME [POD|CONTAINER|VOLUME...]",
	.summary = "Print Kubernetes YAML that describes pods, containers and volumes",
	.opts = generate_opts,
	.args_size = sizeof(struct generate_args),
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_POD,
	.run = generate_run,
};

static int apply_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	(void)ctx;
	(void)args;
	(void)argc;
	(void)argv;
	return err_new(-CE_UNSUPPORTED, "kube apply: cuddy talks to no cluster; give the output "
					"of \"kube generate\" to kubectl apply -f -");
}

const struct command cmd_kube_apply = {
	.name = "apply",
	.group = "kube",
	.synopsis = "[OPTIONS] [POD|CONTAINER|VOLUME...]",
	.summary = "Refused: there is no cluster to send it to",
	.refused = true,
	.run = apply_run,
};
