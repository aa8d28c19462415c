/* SPDX-License-Identifier: MIT */
/*
 * OCI bundles: a directory with a config.json (runtime-spec), and what becomes of it. The
 * configuration is trusted as far as its author may do what it says, but bounded; the root file
 * system is not trusted at all (threats R33).
 */
#pragma once
#include <stdbool.h>

#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/oci/runtime_spec.h"
#include "pkg/runtime/base.h"
#include "pkg/runtime/plan.h"

/*
 * Where we are. An engine that has made a user namespace calls us as root of it, and so does an
 * engine of the machine's root: then all happens right here. Called by an ordinary user, all happens
 * in his base namespace, and the ids of the configuration, which are the host's, are translated.
 */
struct bundle_host {
	bool privileged; /* root with all it takes, here */
	bool initial; /* in the machine's first user namespace */
	struct base_grant grant; /* of an ordinary user */
	bool single; /* only his own id is mapped */
	int base_ns; /* -EBADF when privileged */
};
#define BUNDLE_HOST_INIT          \
	{                         \
		.base_ns = -EBADF \
	}
/**
 * bundle_host_look() - @spec: with the base namespace for it, made when there is none; NULL: without
 * Where the configuration joins a namespace of another container, it is the one that container lives in.
 */
int bundle_host_look(const struct oci_spec *spec, struct bundle_host *ret);
void bundle_host_done(struct bundle_host *h);

struct bundle {
	char *dir; /* absolute */
	struct sbuf text; /* config.json */
	struct oci_spec spec;
	struct rt_plan plan; /* points into what follows and into @spec */
	struct sbuf seccomp;
	struct strv strings;
	struct strv warnings; /* what was asked for, is not to be had, and stops nothing */
	void **blocks;
	unsigned n_blocks;
};

/** bundle_load() - read and parse; bundle_done() also after failure. */
int bundle_load(const char *dir, struct bundle *b);
/** bundle_load_text() - the same from a copy of its config.json. */
int bundle_load_text(const char *dir, const char *text, size_t n, struct bundle *b);
void bundle_done(struct bundle *b);

/**
 * bundle_plan() - make b->plan; touches nothing
 * What the configuration asks for and cannot be had is -CE_UNSUPPORTED, never left out in silence.
 */
int bundle_plan(struct bundle *b, const char *id, const struct bundle_host *h);
/** bundle_process() - a process of the configuration as the runtime wants it. */
int bundle_process(struct bundle *b, const struct oci_process *o, struct rt_process *ret);
/** bundle_limits() - linux.resources as files of a cgroup; @ret points into @b. */
int bundle_limits(struct bundle *b, struct json_object *resources, struct cgroup_limit **ret,
		  unsigned *ret_n);
