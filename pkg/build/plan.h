/* SPDX-License-Identifier: MIT */
/*
 * From a Containerfile and a base image to what shall be done, with every value in place. Pure: the
 * config a stage ends with, and every usage error, are known before anything runs.
 */
#pragma once
#include "pkg/build/file.h"
#include "pkg/build/image.h"
#include "pkg/build/mount_spec.h"
#include "pkg/build/run_devices.h"
#include "pkg/build/source_policy.h"
#include "storage/layer.h"

enum op_kind {
	OP_META, /* only the config changed */
	OP_RUN,
	OP_COPY, /* ADD too */
	OP_WORKDIR,
};

/* Where files come from. */
enum src_kind {
	SRC_CONTEXT,
	SRC_STAGE,
	SRC_IMAGE,
	SRC_NAMED,
	SRC_SELF, /* this stage, as the steps before left it */
};
struct op_source {
	enum src_kind kind;
	int stage; /* SRC_NAMED: index of the context */
	char *image; /* as written */
};

struct op_file { /* a here-document of COPY */
	char *name, *content;
};

struct op_remote {
	char *written;
	char *url; /* what is fetched: as written, or as a source policy has it */
	char *checksum; /* that it has to have; NULL */
};

struct op {
	enum op_kind kind;
	const struct inst *inst;
	char *history;

	/* OP_RUN */
	struct strv argv, env; /* env: all of it, build arguments included */
	struct strv proxy; /* passed along, but no part of the step's identity */
	char *script; /* "#!…" body that is executed itself; argv[0] is its place */
	char *user, *cwd; /* OP_WORKDIR and relative destinations too */
	enum { NETWORK_DEFAULT, NETWORK_NONE, NETWORK_HOST } network;
	struct run_mount *mounts;
	struct op_source *mount_from; /* one for each mount */
	unsigned n_mounts;
	struct run_device *devices;
	unsigned n_devices;
	bool is_scan; /* that of --sbom */
	struct strv device_names; /* what they are here, once the step begins */

	/* OP_COPY; OP_WORKDIR: dest */
	struct op_source from;
	struct strv sources, exclude;
	struct op_remote *remotes; /* ADD: URLs and repositories */
	unsigned n_remotes;
	struct op_file *files;
	unsigned n_files;
	char *dest; /* absolute; keeps its trailing slash */
	char *chown, *chmod, *checksum;
	bool is_add, parents, link, keep_git_dir;
	int unpack; /* ADD: -1 by the kind of source, 0, 1 */

	/* after the step was done */
	bool done, cached;
	char layer[65]; /* "": it changed nothing */
	char keys
		[2]
		[65]; /* it is known by: what it does, and what its sources are; "" where there is none */
	int64_t created_ns;
};

struct stage_plan {
	struct build_image image; /* what the stage ends with */
	struct op *ops;
	unsigned n_ops;
	struct inst *triggers; /* ONBUILD of the base; ops point into it */
	unsigned n_triggers;
	int parent; /* stage this one starts from, -1 */
	int after; /* FROM --after: one that is done before this one begins, -1 */
	struct strv base_layers; /* of the base image, when there is no parent */
	char *base; /* the base image as FROM names it, when it is one */
	char *base_id; /* config digest of the base image, NULL for scratch and stages */
	struct strv vars; /* variables in force: ENV and ARG in order of appearance */
	struct strv args; /* "NAME=value" of declared ARGs, for history */
	struct strv scans; /* what its ARGs say of --sbom (sbom.h) */
	bool planned, no_cache;
	char *platform; /* it was asked for in so many words; NULL */
	bool is_foreign; /* of another machine's kind than this one */
};
void stage_plan_done(struct stage_plan *p);

/* --build-context: what a name in FROM and from= stands for before stages and images are looked at. */
struct named_context {
	char *name;
	int dir; /* a directory, or negative */
	struct ignore *ignore; /* of its own */
	char *image, *stage; /* or one of these */
	char *url; /* where the directory's files are fetched from; NULL: it is here */
	struct layer_stage stage_dir; /* then they are in it */
	int layout; /* the image is one of this OCI layout; negative: no */
	char *layout_tag; /* which: tag or digest; NULL: the only one, or that of the platform */
};

struct plan_context {
	const struct build_file *file;
	const struct strv *build_args; /* "NAME=value" of --build-arg */
	struct platform target; /* what the result is for */
	const char *platform; /* --platform; NULL */
	struct strv globals; /* ARG before the first FROM, and the platform's */
	struct strv used; /* names of build arguments that something declared */
	struct strv warnings;
	bool allow_host_network, host_proxies;
	bool discard_volumes; /* what commands change below a VOLUME is not kept */
	const char *from; /* --from */
	const char *target_stage; /* --target */
	const struct source_policies *policies;
	const struct named_context *contexts;
	unsigned n_contexts;
};

/** plan_globals() - the values that FROM lines see; target of @c is found. */
int plan_globals(struct plan_context *c);
/**
 * plan_base() - what FROM of @s names, expanded; malloc'ed
 * @ret_platform: malloc'ed; NULL when neither FROM nor the command line names one.
 */
int plan_base(struct plan_context *c, const struct stage *s, char **ret, char **ret_platform);
/** plan_find_context() - index of the named context, or -1; also when @name has the default tag. */
int plan_find_context(const struct plan_context *c, const char *name);
/** plan_find_stage() - index of the stage of that name before @limit; -1. @number: "0" counts too. */
int plan_find_stage(const struct build_file *f, const char *name, unsigned limit, bool number);
/**
 * plan_stage() - instructions of stage @index to ops
 * @p: image, parent, base_layers are filled. The triggers of the base image are planned first.
 */
int plan_stage(struct plan_context *c, unsigned index, struct stage_plan *p);
