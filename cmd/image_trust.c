/* SPDX-License-Identifier: MIT */
/* "cuddy image trust …": what policy.json demands of images. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/show.h"
#include "pkg/base/err.h"
#include "pkg/image/trust_edit.h"
#include "pkg/json/json.h"

struct show_args {
	bool json, raw, no_heading;
	const char *policy;
};

static const struct opt show_opts[] = {
	OPT_BOOL('j', "json", struct show_args, json, "Print as json"),
	OPT_BOOL('n', "noheading", struct show_args, no_heading, "No table heading"),
	OPT_STR(0, "policypath", "FILE", struct show_args, policy, "The same as --signature-policy",
		.complete = COMPLETE_FILE, .hidden = true),
	OPT_BOOL(0, "raw", struct show_args, raw, "Print the file as it is"),
	OPT_STR(0, "signature-policy", "FILE", struct show_args, policy,
		"Policy to show instead of the usual policy.json", .complete = COMPLETE_FILE),
	OPT_END,
};

static int show_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	static const struct column columns[] = {
		{"TRANSPORT", "Transport"},  {"NAME", "Name"}, {"TYPE", "Type"}, {"ID", "GPGId"},
		{"STORE", "SignatureStore"}, {NULL, NULL}};
	const struct show_args *a = args;
	const struct list_options o = show_options(NULL, false, a->no_heading, "Name", columns);
	AUTO_JSON struct json_object *rows = NULL, *json = NULL;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r;

	(void)ctx;
	(void)argc;
	(void)argv;
	if (a->raw) {
		r = trust_raw(a->policy, &text);
		if (r == 0)
			(void)fputs(text.s, stdout);
		return r < 0 ? err_wrap(r, "image trust show") : 0;
	}
	r = trust_rows(a->policy, &rows, &json);
	if (r < 0)
		return err_wrap(r, "image trust show");
	if (!a->json)
		return list_print(&o, rows, NULL, stdout);
	json_write(json, true, &text);
	(void)puts(text.s);
	return 0;
}

const struct command cmd_image_trust_show = {
	.name = "trust show",
	.group = "image",
	.synopsis = "[OPTIONS]",
	.summary = "Show what is demanded of images",
	.opts = show_opts,
	.args_size = sizeof(struct show_args),
	.run = show_run,
};

struct set_args {
	struct strv keys;
	const char *type, *policy;
};

static const struct set_args set_defaults = {.type = "signedBy"};

/* clang-format off */
static const struct opt set_opts[] = {
	OPT_STR(0, "policypath", "FILE", struct set_args, policy, "The same as --signature-policy", .complete = COMPLETE_FILE, .hidden = true),
	OPT_LIST('f', "pubkeysfile", "FILE", struct set_args, keys, "Public key that must have signed", .complete = COMPLETE_FILE),
	OPT_STR(0, "signature-policy", "FILE", struct set_args, policy, "Policy to change instead of one's own", .complete = COMPLETE_FILE),
	OPT_STR('t', "type", "TYPE", struct set_args, type, "What is demanded",
		.words = "accept reject signedBy sigstoreSigned", .complete = COMPLETE_WORDS, .strict = true),
	OPT_END
};
/* clang-format on */

static int set_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct set_args *a = args;
	int r = trust_set(a->policy, argv[0], a->type, &a->keys);

	(void)ctx;
	(void)argc;
	return r < 0 ? err_wrap(r, "image trust set %s", argv[0]) : 0;
}

const struct command cmd_image_trust_set = {
	.name = "trust set",
	.group = "image",
	.synopsis = "[OPTIONS] REGISTRY[/REPOSITORY]|default",
	.summary = "Change what is demanded of images",
	.opts = set_opts,
	.args_size = sizeof(struct set_args),
	.defaults = &set_defaults,
	.min_args = 1,
	.max_args = 1,
	.run = set_run,
};
