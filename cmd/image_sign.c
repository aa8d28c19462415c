/* SPDX-License-Identifier: MIT */
/* "cuddy image sign": finding and signing is pkg/image's. */
#include "cmd/cmd.h"
#include "cmd/registry_opts.h"
#include "pkg/base/err.h"
#include "pkg/image/push.h"

struct sign_args {
	struct registry_args registry;
	const char *by, *directory;
	bool all;
};

static const struct sign_args sign_defaults = {.registry = REGISTRY_ARGS_DEFAULTS};

/* clang-format off */
static const struct opt sign_opts[] = {
	OPT_GROUP(registry_opts, struct sign_args, registry),
	OPT_BOOL('a', "all", struct sign_args, all, "Of a list sign each of its images"),
	OPT_STR('d', "directory", "DIR", struct sign_args, directory, "Put signatures there, not where registries.d says",
		.complete = COMPLETE_DIR),
	OPT_STR(0, "sign-by", "KEY", struct sign_args, by, "Key of gpg's to sign with"),
	OPT_END
};
/* clang-format on */

static int sign_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct sign_args *a = args;
	struct image_sign_options o = {.by = a->by, .directory = a->directory, .all = a->all};
	struct store *st;
	int r = registry_access_of(&a->registry, &o.access);

	if (r == 0 && (!a->by || !*a->by))
		r = err_usage("image sign wants --sign-by KEY, a key of gpg's");
	if (r == 0)
		r = cmd_store(ctx, &st);
	for (int i = 0; r == 0 && i < argc; i++) {
		r = image_sign(st, argv[i], &o);
		if (r < 0)
			(void)err_wrap(r, "sign %s", argv[i]);
	}
	return r;
}

const struct command cmd_image_sign = {
	.name = "sign",
	.group = "image",
	.synopsis = "[OPTIONS] IMAGE...",
	.summary = "Sign images that their registry has",
	.opts = sign_opts,
	.args_size = sizeof(struct sign_args),
	.defaults = &sign_defaults,
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_IMAGE,
	.run = sign_run,
};
