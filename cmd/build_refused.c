/* SPDX-License-Identifier: MIT */
/*
 * Flags of build that podman, buildah and docker know and that ask for what is not done here: each is
 * refused with the reason, before anything is built. Their harmless values pass.
 */
#include <string.h>

#include "cmd/build.h"
#include "pkg/base/err.h"

#define A struct build_refused_args

const struct opt build_refused_opts[] = {
	OPT_BOOL(0, "compress", A, compress, "Does nothing, as with podman", .hidden = true),
	OPT_TRI('D', "disable-compression", A, disable_compression,
		"Does nothing: layers in the store are not compressed", .hidden = true),
	OPT_STR(0, "cw", "OPTIONS", A, cw, "Refused", .hidden = true),
	OPT_LIST(0, "hooks-dir", "DIR", A, hooks_dirs, "Refused", .hidden = true),
	OPT_LIST(0, "mount", "SPEC", A, mounts, "Refused", .hidden = true),
	OPT_LIST(0, "os-feature", "NAME", A, os_features, "Refused", .hidden = true),
	OPT_STR(0, "os-version", "VERSION", A, os_version, "Refused", .hidden = true),
	OPT_LIST(0, "policy", "POLICY", A, policies, "Refused", .hidden = true),
	OPT_LIST(0, "resource", "KEY=VALUE", A, resources, "Refused", .hidden = true),
	OPT_STR(0, "runtime", "PROGRAM", A, runtime, "Refused", .hidden = true),
	OPT_LIST(0, "runtime-flag", "FLAG", A, runtime_flags, "Refused", .hidden = true),
	OPT_BOOL(0, "save-stages", A, save_stages, "Refused", .hidden = true),
	OPT_BOOL(0, "stage-labels", A, stage_labels, "Refused", .hidden = true),
	OPT_STR(0, "sbom-image-output", "FILE", A, sbom[0], "Refused", .hidden = true),
	OPT_STR(0, "sbom-image-purl-output", "FILE", A, sbom[1], "Refused", .hidden = true),
	OPT_STR(0, "sbom-merge-strategy", "NAME", A, sbom[2], "Refused", .hidden = true),
	OPT_STR(0, "sbom-output", "FILE", A, sbom[3], "Refused", .hidden = true),
	OPT_STR(0, "sbom-purl-output", "FILE", A, sbom[4], "Refused", .hidden = true),
	OPT_STR(0, "sbom-scanner-command", "COMMAND", A, sbom[5], "Refused", .hidden = true),
	OPT_STR(0, "sbom-scanner-image", "IMAGE", A, sbom[6], "Refused", .hidden = true),
	OPT_STR(0, "sign-by", "KEY", A, sign_by, "Refused", .hidden = true),
	OPT_BOOL(0, "stdin", A, stdin_given, "Refused", .hidden = true),
	OPT_STR(0, "userns", "MODE", A, userns, "Only private is possible", .hidden = true,
		.complete = COMPLETE_WORDS, .words = "private"),
	OPT_LIST(0, "userns-uid-map", "MAP", A, maps[0], "Refused", .hidden = true),
	OPT_LIST(0, "userns-gid-map", "MAP", A, maps[1], "Refused", .hidden = true),
	OPT_LIST(0, "userns-uid-map-user", "USER", A, maps[2], "Refused", .hidden = true),
	OPT_LIST(0, "userns-gid-map-group", "GROUP", A, maps[3], "Refused", .hidden = true),
	OPT_GROUP(decrypt_opts, A, crypt),
	OPT_END,
};

#define OWN_RUNTIME                                                                    \
	"commands run in cuddy's own runtime, which makes layers of what they wrote; " \
	"run and create have it"
#define OWN_IDS                                                                          \
	"commands have all ids of /etc/subuid and /etc/subgid, so that an image is the " \
	"same whoever builds it"
#define NO_SBOM "lists of software are not made; run the scanner on the image that was built"
#define OTHER_OS "that is of images for another operating system"
#define NO_STAGES "stages get no images; --target builds one, and the cache keeps them all"
#define NO_POLICY "policies in Rego are not read; write rules in JSON, for --source-policy-file"

static bool all_are(const struct strv *v, const char *word)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->v[i], word) != 0)
			return false;
	return true;
}

int build_refused_check(const struct build_refused_args *a)
{
	const struct {
		const char *flag;
		bool given;
		const char *why;
	} all[] = {
		{"cw", a->cw, "images for confidential machines are not made"},
		{"hooks-dir", a->hooks_dirs.n, OWN_RUNTIME},
		{"mount", a->mounts.n, "write RUN --mount in the file, or use --volume"},
		{"os-feature", a->os_features.n, OTHER_OS},
		{"os-version", a->os_version, OTHER_OS},
		{"policy", !all_are(&a->policies, "disabled=true"), NO_POLICY},
		{"resource", a->resources.n, "say it with --memory, --cpu-quota and --cpuset-cpus"},
		{"runtime", a->runtime, OWN_RUNTIME},
		{"runtime-flag", a->runtime_flags.n, OWN_RUNTIME},
		{"save-stages", a->save_stages, NO_STAGES},
		{"stage-labels", a->stage_labels, NO_STAGES},
		{"sbom-image-output", a->sbom[0], NO_SBOM},
		{"sbom-image-purl-output", a->sbom[1], NO_SBOM},
		{"sbom-merge-strategy", a->sbom[2], NO_SBOM},
		{"sbom-output", a->sbom[3], NO_SBOM},
		{"sbom-purl-output", a->sbom[4], NO_SBOM},
		{"sbom-scanner-command", a->sbom[5], NO_SBOM},
		{"sbom-scanner-image", a->sbom[6], NO_SBOM},
		{"sign-by", a->sign_by, "sign what was built with push --sign-by"},
		{"stdin", a->stdin_given, "commands read nothing; give them a file with RUN <<"},
		{"userns",
		 a->userns && strcmp(a->userns, "private") != 0 &&
			 strcmp(a->userns, "container") != 0,
		 OWN_IDS},
		{"userns-uid-map", a->maps[0].n, OWN_IDS},
		{"userns-gid-map", a->maps[1].n, OWN_IDS},
		{"userns-uid-map-user", a->maps[2].n, OWN_IDS},
		{"userns-gid-map-group", a->maps[3].n, OWN_IDS},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].given)
			return err_new(-CE_UNSUPPORTED, "--%s: not supported: %s", all[i].flag,
				       all[i].why);
	return crypt_check(&a->crypt);
}
