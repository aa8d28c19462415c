/* SPDX-License-Identifier: MIT */
/*
 * Building an image: the context is used where it lies, steps run as containers that nobody sees,
 * what a step changed becomes a layer by rename. Everything that can be wrong in the file is found
 * before the first step runs.
 */
#pragma once
#include "pkg/build/annotation.h"
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/strv.h"
#include "pkg/build/cache.h"
#include "pkg/container/request.h"
#include "pkg/image/image.h"
#include "pkg/json/json.h"

enum build_event_kind {
	BUILD_EVENT_STEP, /* n of total begins, the stage's one before it has ended */
	BUILD_EVENT_CACHED, /* of the step: nothing runs */
	BUILD_EVENT_WARNING,
	BUILD_EVENT_REASON,
	BUILD_EVENT_OUTPUT, /* a line that a command wrote */
	BUILD_EVENT_END, /* of the stage; text: why it failed, NULL when it did not */
};
struct build_event {
	enum build_event_kind kind;
	unsigned stage;
	const char *stage_name; /* or its number */
	unsigned n, total;
	const char *text;
};

/* What is told while it goes on. Each may be NULL. */
struct build_report {
	/*
	 * All of the below that happens in a stage, by stage and step, instead of by the functions
	 * below; those tell of what comes before. Then every stage has a process of its own.
	 */
	void (*event)(void *data, const struct build_event *e);
	void (*tick)(void *data); /* with event: ten times a second */
	/* A step begins: "STEP 2/5: RUN …". */
	void (*step)(void *data, unsigned n, unsigned total, const char *text);
	/* It was done before: nothing runs. */
	void (*cached)(void *data);
	void (*warning)(void *data, const char *text);
	/*
	 * A line (without its end) of what a stage that runs beside others says on standard error,
	 * the reports above included: they come from a process of its own there. @stage: NULL when there is
	 * no other.
	 */
	void (*line)(void *data, const char *stage, const char *text);
	/* What --check finds; of a build without it only how many there are, before anything runs. */
	void (*finding)(void *data, const char *rule, const char *file, unsigned line,
			const char *message, const char *source);
	void (*findings)(void *data, unsigned n);
	/* What was called for instead of a build, or with describe_findings what --check finds; borrowed. */
	void (*document)(void *data, struct json_object *doc);
	/* Why the step just told of was taken from the cache or not: of builds with explain. */
	void (*reason)(void *data, const char *text);
	void *data;
};

/* What becomes of the layers that the build made. */
enum build_squash {
	SQUASH_NONE,
	SQUASH_NEW, /* one of them, on the base image's own */
	SQUASH_ALL, /* one of all, the base image's too */
};

/* What a file says of itself is told instead of building it; no image is looked up for the first two. */
enum build_call {
	CALL_BUILD,
	CALL_TARGETS,
	CALL_OUTLINE,
	CALL_PLATFORMS, /* those that base images have in common: build_result.platforms */
};

struct build_options {
	const char *context; /* directory; "-": none, the Containerfile is standard input */
	struct strv files; /* -f: paths, URLs, "-"; several are read as one; none: the context's own */
	const char *ignore_file; /* --ignorefile */
	struct strv cpp_flags; /* --cpp-flag, for files that end in ".in" */
	const char *target;
	const char *
		platform; /* "os/arch[/variant]"; NULL: whatever base images are for, else this machine's */
	struct strv build_args, labels, tags, secrets, ssh;
	struct strv contexts; /* "NAME=DIRECTORY|docker-image://REFERENCE|target:STAGE" */
	struct annotations annotations; /* those of an index are for who makes one */
	struct strv env, unset_env; /* of the image; what is set is there for commands, too */
	struct strv unset_labels; /* of base images */
	struct strv unset_annotations; /* of those of base images, when they are kept */
	struct strv cache_from, cache_to; /* a repository, or "type=registry|local|inline,…" */
	struct strv source_policies; /* files of source_policy.h */
	struct strv no_cache_stages; /* names or numbers */
	const char *from; /* instead of the first FROM's image */
	bool allow_host_network, drop_base_labels, omit_history, all_stages, host_proxies;
	bool discard_volumes; /* what RUN changes below a VOLUME */
	int64_t cache_from_ns; /* results older than that do not count; 0: all do */
	enum build_squash squash;
	/*
	 * A file that the builds of all platforms share: which index a tag stood for when the first of them met it
	 * (tag_digest.h). Negative: this one is alone.
	 */
	int tag_digests;
	int materials; /* a file that is appended to, which gets what the build is made of (material.h); or negative */
	const char *
		sbom_generator; /* the scanner's image, with its tag or digest; NULL: nothing is scanned */
	struct strv sbom_params; /* "KEY=VALUE": its BUILDKIT_SCAN_KEY */
	int sboms; /* a file that is appended to, which gets what it found (sbom.h); or negative */
	int tree_dir; /* the image's files are copied into this directory; negative: no */
	int tree_tar; /* or written there as tar */
	bool no_image; /* nothing for the store */
	struct cache_policy keep; /* of the build cache */
	const char *network; /* NULL, or what --network of a container takes */
	/*
	 * What containers of RUN get, of it: add_host, cap_add, cap_drop, cgroup_parent, cgroupns,
	 * device, dns, dns_option, dns_search, group_add, ipc, limits, no_hosts, no_hostname, security_opt,
	 * shm_size, ulimit, uts, volume (host paths only).
	 */
	struct container_request run;
	unsigned jobs; /* stages at a time; 0: as many as there are processors */
	bool no_cache;
	bool check; /* only tell what is found in the file */
	bool describe_findings; /* of check: as one document */
	enum build_call call;
	bool keep_base_annotations, created_annotation;
	bool explain;
	bool docker; /* pushed and saved as a Docker image unless asked otherwise; else OCI */
	struct pull_options pull;
	bool allow_all_devices; /* for RUN --device */
	struct strv allow_devices; /* some, by CDI names */
	bool has_epoch;
	int64_t epoch_s;
	int output_fd; /* where output of RUN goes */
	const struct build_report *report;
};

struct build_result {
	char id[65]; /* "": no_image */
	unsigned findings; /* of check */
	char platforms[2048]; /* of CALL_PLATFORMS, with commas between */
	int run_status; /* the exit status of the RUN that failed; 0: it was something else */
};

/** build_image() - on failure nothing is left but reusable cache. Moves this process into B. */
int build_image(struct store *st, const struct build_options *o, struct build_result *ret);
