/* SPDX-License-Identifier: MIT */
/* "cuddy runtime spec", "features" and "update". */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cmd/runtime.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/bundle/container.h"
#include "pkg/bundle/template.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"

struct spec_args {
	struct runtime_args g;
	const char *bundle;
};

static int write_spec(const struct spec_args *a)
{
	/* "--rootless" alone is a yes. */
	bool rootless = a->g.rootless && strcmp(a->g.rootless, "false") != 0;
	AUTO_JSON struct json_object *o = bundle_template(rootless);
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_CLOSE int dir = open(a->bundle ? a->bundle : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dir < 0)
		return err_new(-errno, "--bundle %s", a->bundle);
	json_write(o, true, &text);
	sbuf_addc(&text, '\n');
	r = file_create(dir, "config.json", text.s, text.len, 0644, FILE_NO_SYNC);
	return r == -EEXIST ? err_new(r, "config.json: remove it to have a new one") : r;
}

static int spec_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct spec_args *a = args;

	(void)ctx;
	(void)argc;
	(void)argv;
	runtime_begin(&a->g);
	return runtime_ended(&a->g, write_spec(a));
}

static int features_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	AUTO_JSON struct json_object *o = bundle_features();
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	(void)ctx;
	(void)args;
	(void)argc;
	(void)argv;
	json_write(o, true, &text);
	puts(text.s);
	return 0;
}

/* --- update ----------------------------------------------------------------------------------- */

struct update_args {
	struct runtime_args g;
	const char *resources, *cpus, *mems;
	int64_t memory, swap, reservation, shares, quota, period, pids, weight;
};

#define NOT_GIVEN INT64_MIN

static const struct update_args update_defaults = {
	.memory = NOT_GIVEN,
	.swap = NOT_GIVEN,
	.reservation = NOT_GIVEN,
	.shares = NOT_GIVEN,
	.quota = NOT_GIVEN,
	.period = NOT_GIVEN,
	.pids = NOT_GIVEN,
	.weight = NOT_GIVEN,
};

static struct json_object *part(struct json_object *res, const char *key)
{
	struct json_object *o = NULL;

	if (json_object_object_get_ex(res, key, &o) && o)
		return o;
	o = json_object_new_object();
	json_set(res, key, o);
	return o;
}

static void set(struct json_object *res, const char *key, const char *member, int64_t v)
{
	if (v != NOT_GIVEN)
		json_set_i64(part(res, key), member, v);
}

static int read_resources(const struct update_args *a, struct json_object **ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_CLOSE int fd = -EBADF;
	bool in = a->resources && strcmp(a->resources, "-") == 0;
	int r;

	if (!a->resources) {
		*ret = json_object_new_object();
		return 0;
	}
	fd = in ? 0 : open(a->resources, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_new(-errno, "--resources %s", a->resources);
	r = file_read_stream(fd, OCI_SPEC_MAX, &text);
	if (in)
		fd = -EBADF;
	if (r == 0)
		r = json_parse(text.s, text.len, ret);
	if (r == 0 && !json_object_is_type(*ret, json_type_object))
		r = err_new(-CE_BAD_FORMAT, "not an object");
	return r < 0 ? err_wrap(r, "--resources %s", a->resources) : 0;
}

static int update(const struct update_args *a, const char *id)
{
	AUTO(oci_container_done) struct oci_container c = OCI_CONTAINER_INIT;
	AUTO_JSON struct json_object *res = NULL;
	int r = read_resources(a, &res);

	if (r < 0)
		return r;
	set(res, "memory", "limit", a->memory);
	set(res, "memory", "swap", a->swap);
	set(res, "memory", "reservation", a->reservation);
	set(res, "cpu", "shares", a->shares);
	set(res, "cpu", "quota", a->quota);
	set(res, "cpu", "period", a->period);
	set(res, "pids", "limit", a->pids);
	set(res, "blockIO", "weight", a->weight);
	if (a->cpus)
		json_set_str(part(res, "cpu"), "cpus", a->cpus);
	if (a->mems)
		json_set_str(part(res, "cpu"), "mems", a->mems);
	r = oci_container_open(a->g.root, id, true, &c);
	return r < 0 ? r : oci_update(&c, res);
}

static int update_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct update_args *a = args;

	(void)ctx;
	(void)argc;
	runtime_begin(&a->g);
	return runtime_ended(&a->g, update(a, argv[0]));
}

#define U struct update_args
#define NOT_IN_V2 "control groups of version 2 do not have it"
#define ROOTS_CACHES "classes of caches are root's to give"

static const struct opt update_opts[] = {
	OPT_STR('r', "resources", "FILE", U, resources,
		"File with linux.resources in JSON; - is standard input",
		.complete = COMPLETE_FILE),
	OPT_INT(0, "memory", "BYTES", U, memory, "Limit of memory, -1 for none", .min = -1),
	OPT_INT(0, "memory-swap", "BYTES", U, swap, "Limit of memory and swap", .min = -1),
	OPT_INT(0, "memory-reservation", "BYTES", U, reservation, "Soft limit of memory",
		.min = -1),
	OPT_INT(0, "cpu-share", "N", U, shares, "Weight of processor time", .min = 0),
	OPT_INT(0, "cpu-quota", "USEC", U, quota, "Processor time in a period, -1 for no limit",
		.min = -1),
	OPT_INT(0, "cpu-period", "USEC", U, period, "The period", .min = 0),
	OPT_STR(0, "cpuset-cpus", "SET", U, cpus, "Processors"),
	OPT_STR(0, "cpuset-mems", "SET", U, mems, "Memory nodes"),
	OPT_INT(0, "pids-limit", "N", U, pids, "Limit of processes, -1 for none", .min = -1),
	OPT_INT(0, "blkio-weight", "N", U, weight, "Weight of block I/O", .min = 0),
	OPT_REFUSED(0, "cpu-rt-period", "N", NOT_IN_V2, "0"),
	OPT_REFUSED(0, "cpu-rt-runtime", "N", NOT_IN_V2, "0"),
	OPT_REFUSED(0, "kernel-memory", "N", NOT_IN_V2, "0"),
	OPT_REFUSED(0, "kernel-memory-tcp", "N", NOT_IN_V2, "0"),
	OPT_REFUSED(0, "l3-cache-schema", "SCHEMA", ROOTS_CACHES, NULL),
	OPT_REFUSED(0, "mem-bw-schema", "SCHEMA", ROOTS_CACHES, NULL),
	OPT_GROUP(runtime_opts, U, g),
	OPT_END,
};

#define S struct spec_args

static const struct opt spec_opts[] = {
	OPT_STR('b', "bundle", "DIR", S, bundle, "Where to write config.json",
		.complete = COMPLETE_DIR),
	OPT_REFUSED('f', "file", "FILE",
		    "the name is config.json; choose its directory with --bundle", "config.json"),
	OPT_GROUP(runtime_opts, S, g),
	OPT_END,
};
static const struct opt features_opts[] = {OPT_GROUP(runtime_opts, S, g), OPT_END};

const struct command cmd_runtime_spec = {
	.name = "spec",
	.group = "runtime",
	.synopsis = "[OPTIONS]",
	.summary = "Write a config.json to begin with",
	.opts = spec_opts,
	.args_size = sizeof(struct spec_args),
	.run = spec_run,
};

const struct command cmd_runtime_features = {
	.name = "features",
	.group = "runtime",
	.synopsis = "[OPTIONS]",
	.summary = "What this runtime can do, in JSON",
	.opts = features_opts,
	.args_size = sizeof(struct spec_args),
	.run = features_run,
};

const struct command cmd_runtime_update = {
	.name = "update",
	.group = "runtime",
	.synopsis = "[OPTIONS] ID",
	.summary = "Change the limits of a container",
	.opts = update_opts,
	.args_size = sizeof(struct update_args),
	.defaults = &update_defaults,
	.min_args = 1,
	.max_args = 1,
	.run = update_run,
};
