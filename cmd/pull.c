/* SPDX-License-Identifier: MIT */
/* "cuddy pull", "cuddy image pull": fetching is pkg/image's; this file parses and prints ids. */
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/registry_opts.h"
#include "cmd/transfer_report.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/image.h"
#include "pkg/image/transfer_client.h"
#include "pkg/oci/manifest.h"

struct pull_args {
	struct registry_args registry;
	bool quiet, all_tags;
	const char *platform, *arch, *os, *variant;
	const char *policy, *signature_policy;
};

static const struct pull_args pull_defaults = {.registry = REGISTRY_ARGS_DEFAULTS,
					       .policy = "always"};

/* clang-format off */
static const struct opt pull_opts[] = {
	OPT_GROUP(registry_opts, struct pull_args, registry),
	OPT_ROWS(decrypt_opts),
	OPT_BOOL('a', "all-tags", struct pull_args, all_tags, "Pull every tag of the repository"),
	OPT_STR(0, "arch", "ARCH", struct pull_args, arch, "Architecture to choose instead of this machine's"),
	OPT_STR(0, "os", "OS", struct pull_args, os, "Operating system to choose instead of linux"),
	OPT_STR(0, "platform", "OS/ARCH[/VARIANT]", struct pull_args, platform, "Platform to choose"),
	OPT_STR(0, "policy", "WHEN", struct pull_args, policy, "When to pull",
		.words = "always missing never newer", .complete = COMPLETE_WORDS, .strict = true),
	OPT_BOOL('q', "quiet", struct pull_args, quiet, "Print the image id only"),
	OPT_STR(0, "signature-policy", "FILE", struct pull_args, signature_policy, "Policy to use instead of the usual policy.json",
		.complete = COMPLETE_FILE, .hidden = true),
	OPT_STR(0, "variant", "VARIANT", struct pull_args, variant, "Variant of the architecture to choose"),
	OPT_END
};
/* clang-format on */

static enum pull_policy policy_of(const char *s)
{
	return *s == 'm'                 ? PULL_MISSING
	       : strcmp(s, "never") == 0 ? PULL_NEVER
	       : *s == 'a'               ? PULL_ALWAYS
					 : PULL_NEWER;
}

static void print_id(const char *reference, const char *id)
{
	(void)reference;
	puts(id);
}

static int options_of(const struct pull_args *a, struct pull_options *ret, char **ret_platform)
{
	const char *platform = platform_or_default(a->platform, a->os, a->arch, a->variant);
	int r = platform_choice(platform, a->os, a->arch, a->variant, ret_platform);

	if (r < 0)
		return r;
	*ret = (struct pull_options){.policy = policy_of(a->policy),
				     .all_tags = a->all_tags,
				     .signature_policy = a->signature_policy,
				     .platform = *ret_platform};
	return registry_access_of(&a->registry, &ret->access);
}

static int fetch(struct store *st, const char *name, const struct pull_options *o, char ret_id[65])
{
	struct image_record *image = NULL;
	int r;

	if (o->all_tags || o->policy == PULL_ALWAYS)
		return image_pull(st, name, o, ret_id);
	r = image_ensure(st, name, o, &image, NULL);
	if (r == 0)
		memcpy(ret_id, image->id, sizeof(image->id));
	image_record_free(image);
	return r;
}

/* Of several tags each id is printed as it comes. */
static int pull_one(struct store *st, const char *name, struct pull_options *o, bool quiet)
{
	struct transfer_report report;
	char id[65];
	int r;

	transfer_report_init(&report, REPORT_PULL, quiet, o->all_tags ? print_id : NULL);
	o->report = &report.handler;
	r = fetch(st, name, o, id);
	transfer_report_done(&report);
	if (r == 0 && !o->all_tags)
		puts(id);
	return r;
}

static int pull_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct pull_args *a = args;
	AUTO_FREE char *platform = NULL;
	struct pull_options o;
	struct store *st;
	int r;

	r = options_of(a, &o, &platform);
	if (r == 0) {
		transfer_expect();
		r = cmd_store_for_images(ctx, &st);
	}
	if (r < 0)
		return r;
	for (int i = 0; i < argc; i++) {
		r = pull_one(st, argv[i], &o, a->quiet);
		if (r == -CE_INTERRUPTED)
			return r;
		if (r < 0)
			ctx->status = cmd_report(r);
	}
	return 0;
}

const struct command cmd_pull = {
	.name = "pull",
	.synopsis = "[OPTIONS] IMAGE [IMAGE...]",
	.summary = "Fetch images from registries",
	.opts = pull_opts,
	.args_size = sizeof(struct pull_args),
	.defaults = &pull_defaults,
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_IMAGE,
	.run = pull_run,
};
