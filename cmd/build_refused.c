/* SPDX-License-Identifier: MIT */
/*
 * Flags of build that podman, buildah and docker know and that ask for what is not done here: each is
 * refused with the reason, before anything is built. Their harmless values pass.
 */
#include "cmd/build.h"

#define OWN_RUNTIME                                                                    \
	"commands run in cuddy's own runtime, which makes layers of what they wrote; " \
	"run and create have it"
#define OWN_IDS                                                                          \
	"commands have all ids of /etc/subuid and /etc/subgid, so that an image is the " \
	"same whoever builds it"
#define NO_SBOM "podman's scanners are not run; --sbom=generator=IMAGE runs one that goes by BuildKit's protocol"
#define OTHER_OS "that is of images for another operating system"
#define NO_STAGES "stages get no images; --target builds one, and the cache keeps them all"
#define NO_POLICY "policies in Rego are not read; write rules in JSON, for --source-policy-file"

/* clang-format off */
const struct opt build_refused_opts[] = {
	OPT_MOOT(0, "compress", NULL, "Does nothing, as with podman"),
	OPT_MOOT('D', "disable-compression", NULL, "Does nothing: layers in the store are not compressed"),
	OPT_REFUSED(0, "cw", "OPTIONS", "images for confidential machines are not made", NULL),
	OPT_REFUSED(0, "hooks-dir", "DIR", OWN_RUNTIME, NULL),
	OPT_REFUSED(0, "mount", "SPEC", "write RUN --mount in the file, or use --volume", NULL),
	OPT_REFUSED(0, "os-feature", "NAME", OTHER_OS, NULL),
	OPT_REFUSED(0, "os-version", "VERSION", OTHER_OS, NULL),
	OPT_REFUSED(0, "policy", "POLICY", NO_POLICY, "disabled=true"),
	OPT_REFUSED(0, "resource", "KEY=VALUE", "say it with --memory, --cpu-quota and --cpuset-cpus", NULL),
	OPT_REFUSED(0, "runtime", "PROGRAM", OWN_RUNTIME, NULL),
	OPT_REFUSED(0, "runtime-flag", "FLAG", OWN_RUNTIME, NULL),
	OPT_REFUSED(0, "save-stages", NULL, NO_STAGES, NULL),
	OPT_REFUSED(0, "stage-labels", NULL, NO_STAGES, NULL),
	OPT_REFUSED(0, "sbom-image-output", "FILE", NO_SBOM, NULL),
	OPT_REFUSED(0, "sbom-image-purl-output", "FILE", NO_SBOM, NULL),
	OPT_REFUSED(0, "sbom-merge-strategy", "NAME", NO_SBOM, NULL),
	OPT_REFUSED(0, "sbom-output", "FILE", NO_SBOM, NULL),
	OPT_REFUSED(0, "sbom-purl-output", "FILE", NO_SBOM, NULL),
	OPT_REFUSED(0, "sbom-scanner-command", "COMMAND", NO_SBOM, NULL),
	OPT_REFUSED(0, "sbom-scanner-image", "IMAGE", NO_SBOM, NULL),
	OPT_REFUSED(0, "sign-by", "KEY", "sign what was built with push --sign-by", NULL),
	OPT_REFUSED(0, "stdin", NULL, "commands read nothing; give them a file with RUN <<", NULL),
	OPT_REFUSED(0, "userns", "MODE", OWN_IDS, "private container", .complete = COMPLETE_WORDS, .words = "private"),
	OPT_REFUSED(0, "userns-uid-map", "MAP", OWN_IDS, NULL),
	OPT_REFUSED(0, "userns-gid-map", "MAP", OWN_IDS, NULL),
	OPT_REFUSED(0, "userns-uid-map-user", "USER", OWN_IDS, NULL),
	OPT_REFUSED(0, "userns-gid-map-group", "GROUP", OWN_IDS, NULL),
	OPT_ROWS(decrypt_opts),
	OPT_END,
};
/* clang-format on */
