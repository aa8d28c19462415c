/* SPDX-License-Identifier: MIT */
/* "cuddy explain run": the plan of a container, without making it. */
#include <inttypes.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/run_opts.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/container/explain.h"
#include "pkg/json/json.h"
#include "pkg/pod/pod.h"

struct explain_args {
	struct run_args run;
	const char *format;
};

static const struct opt explain_opts[] = {
	OPT_STR(0, "format", "FORMAT", struct explain_args, format, "Text to read, or json",
		.words = "text json", .complete = COMPLETE_WORDS, .strict = true),
	OPT_GROUP(run_opts, struct explain_args, run),
	OPT_END,
};

static const struct explain_args explain_defaults = {.run = RUN_ARGS_DEFAULTS};

static const char *str(struct json_object *o, const char *key)
{
	const char *v = "";

	(void)json_get_str(o, key, &v);
	return v;
}

static bool flag(struct json_object *o, const char *key)
{
	bool v = false;

	(void)json_get_bool(o, key, &v);
	return v;
}

static struct json_object *obj(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	(void)json_object_object_get_ex(o, key, &v);
	return v;
}

static size_t length(struct json_object *a)
{
	return a && json_object_is_type(a, json_type_array) ? json_object_array_length(a) : 0;
}

static void print_list(const char *title, struct json_object *a, const char *sep)
{
	printf("%-14s", title);
	if (length(a) == 0)
		printf("none");
	for (size_t i = 0; i < length(a); i++)
		printf("%s%s", i ? sep : "",
		       json_object_get_string(json_object_array_get_idx(a, i)));
	printf("\n");
}

static void print_devices(struct json_object *devices)
{
	for (size_t i = 0; i < length(devices); i++) {
		struct json_object *d = json_object_array_get_idx(devices, i);

		printf("%-14s%s of %s\n", "device", str(d, "path"), str(d, "source"));
	}
}

static bool has_namespace(struct json_object *ns, const char *type)
{
	for (size_t i = 0; i < length(ns); i++)
		if (strcmp(str(json_object_array_get_idx(ns, i), "type"), type) == 0)
			return true;
	return false;
}

static void print_namespaces(struct json_object *l)
{
	static const char *const types[] = {"user", "pid", "uts", "ipc", "network", "cgroup"};
	struct json_object *ns = obj(l, "namespaces");
	const char *sep = "; the host's: ";

	printf("%-14s", "namespaces");
	for (size_t i = 0; i < length(ns); i++) {
		struct json_object *n = json_object_array_get_idx(ns, i);
		const char *path = str(n, "path");

		printf("%s%s%s%s%s", i ? ", " : "", str(n, "type"), *path ? " (joins " : "", path,
		       *path ? ")" : "");
	}
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (has_namespace(ns, types[i]))
			continue;
		/* There is always one around a container: that in which its ids are subordinate ones. */
		printf("%s%s", sep, strcmp(types[i], "user") == 0 ? "user (base)" : types[i]);
		sep = ", ";
	}
	printf("\n");
}

static void print_maps(struct json_object *l, const char *key, const char *title)
{
	struct json_object *maps = obj(l, key);

	printf("%-14s", title);
	if (length(maps) == 0)
		printf("those of the base namespace");
	for (size_t i = 0; i < length(maps); i++) {
		struct json_object *m = json_object_array_get_idx(maps, i);
		int64_t in = 0, out = 0, n = 0;

		(void)json_get_i64(m, "containerID", &in);
		(void)json_get_i64(m, "hostID", &out);
		(void)json_get_i64(m, "size", &n);
		printf("%s%" PRId64 "-%" PRId64 " are %" PRId64 "-%" PRId64, i ? ", " : "", in,
		       in + n - 1, out, out + n - 1);
	}
	printf(" (of the base namespace: 0 is you)\n");
}

static void print_mounts(struct json_object *spec)
{
	struct json_object *mounts = obj(spec, "mounts");

	printf("mounts\n");
	for (size_t i = 0; i < length(mounts); i++) {
		struct json_object *m = json_object_array_get_idx(mounts, i),
				   *o = obj(m, "options");

		printf("  %-24s %s", str(m, "destination"), str(m, "type"));
		if (strcmp(str(m, "type"), "bind") == 0 || strcmp(str(m, "type"), "overlay") == 0)
			printf(" of %s", str(m, "source"));
		printf(" (");
		for (size_t k = 0; k < length(o); k++)
			printf("%s%s", k ? "," : "",
			       json_object_get_string(json_object_array_get_idx(o, k)));
		printf(")\n");
	}
}

static void print_cgroup(struct json_object *cgroup)
{
	struct json_object *limits = obj(cgroup, "limits");
	const char *sep = ": ";

	printf("%-14s%s", "cgroup", str(cgroup, "manager"));
	json_object_object_foreach(limits, file, value)
	{
		printf("%s%s=%s", sep, file, json_object_get_string(value));
		sep = ", ";
	}
	printf("\n");
}

/* Whose address servers see behind published ports. */
static void print_peers(struct json_object *peers)
{
	const char *tcp = str(peers, "tcp");

	if (*tcp)
		printf("%-14s%s\n", "tcp peers",
		       strcmp(tcp, "client") == 0
			       ? "their own addresses; from the host's loopback, the container's"
			       : "the container's address");
	if (*str(peers, "udp"))
		printf("%-14s%s\n", "udp peers", "the container's address");
}

static void print_text(struct json_object *o)
{
	struct json_object *spec = obj(o, "spec"), *process = obj(spec, "process");
	struct json_object *l = obj(spec, "linux"), *storage = obj(o, "storage");
	struct json_object *security = obj(o, "security");
	int64_t n = 0;

	printf("%-14s%s\n", "image", str(o, "image"));
	print_list("command", obj(process, "args"), " ");
	printf("%-14s%s in %s%s%s\n", "user", str(obj(process, "user"), "username"),
	       str(process, "cwd"), flag(process, "terminal") ? ", with a terminal" : "",
	       flag(o, "init") ? ", below an init" : "");
	printf("%-14s%s over %zu layers%s\n", "root", str(storage, "driver"),
	       length(obj(storage, "lower")),
	       flag(obj(spec, "root"), "readonly") ? ", read-only" : "");
	print_namespaces(l);
	print_maps(l, "uidMappings", "user ids");
	print_maps(l, "gidMappings", "group ids");
	print_list("capabilities", obj(obj(process, "capabilities"), "bounding"), " ");
	(void)json_get_i64(security, "seccompInstructions", &n);
	printf("%-14s%s", "seccomp", str(security, "seccomp"));
	if (n)
		printf(", %" PRId64 " instructions", n);
	printf("%s\n", flag(process, "noNewPrivileges") ? "; no new privileges" : "");
	printf("%-14s%s%s\n", "network", str(obj(o, "network"), "mode"),
	       strcmp(str(obj(o, "network"), "mode"), "host") == 0
		       ? ": also what listens on the host's loopback and at its abstract sockets"
		       : "");
	if (length(obj(obj(o, "network"), "networks")))
		print_list("networks", obj(obj(o, "network"), "networks"), " ");
	print_list("ports", obj(obj(o, "network"), "ports"), ", ");
	print_peers(obj(obj(o, "network"), "peers"));
	printf("%-14s%s\n", "runtime", str(o, "runtime"));
	print_cgroup(obj(o, "cgroup"));
	print_mounts(spec);
	print_devices(obj(l, "devices"));
	print_list("masked", obj(l, "maskedPaths"), " ");
	print_list("read-only", obj(l, "readonlyPaths"), " ");
}

static int explain_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct explain_args a = *(const struct explain_args *)args;
	AUTO(pod_joined_done) struct pod_joined pod = {.made = false};
	AUTO(request_defaults_done) struct request_defaults defaults = {0};
	AUTO_JSON struct json_object *o = NULL;
	struct store *st;
	int r = run_args_check(ctx, &a.run, argv);

	(void)argc;
	a.run.request.pull = "never";
	ctx->in_a_hurry = true; /* what others left in the trash is not this one's to delete */
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0 && a.run.request.pod && strncmp(a.run.request.pod, "new:", 4) == 0)
		r = err_usage("--pod %s: name a pod that is there, explain makes none",
			      a.run.request.pod);
	if (r == 0)
		r = pod_join(st, &a.run.request, &pod);
	if (r == 0)
		r = request_defaults_apply(&defaults, &a.run.request);
	if (r == 0)
		r = container_explain(st, &a.run.request, &o);
	if (r < 0)
		return r;
	if (a.format && strcmp(a.format, "json") == 0) {
		AUTO_SBUF struct sbuf text = SBUF_INIT;

		json_write(o, true, &text);
		puts(text.s);
	} else {
		print_text(o);
	}
	return 0;
}

const struct command cmd_explain_run = {
	.name = "run",
	.group = "explain",
	.synopsis = "[OPTIONS] IMAGE [COMMAND [ARG...]]",
	.summary = "Say what run would do, and do nothing",
	.opts = explain_opts,
	.args_size = sizeof(struct explain_args),
	.defaults = &explain_defaults,
	.min_args = 1,
	.max_args = -1,
	.no_interspersed = true,
	.complete = COMPLETE_IMAGE,
	.run = explain_run,
};
