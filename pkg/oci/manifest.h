/* SPDX-License-Identifier: MIT */
/*
 * Manifests and indexes: OCI image-spec manifest.md and image-index.md, Docker schema 2 and its
 * list. The raw bytes are what counts for digests; nothing here writes a stored document again.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/strv.h"

#define MANIFEST_BYTES_MAX (4UL << 20)
#define MANIFEST_LAYERS_MAX 512
#define MANIFEST_CHILDREN_MAX 4096

#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_OCI_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define MEDIA_OCI_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MEDIA_DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"
#define MEDIA_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"

/** MANIFEST_ACCEPT - what we can read, for an Accept header. */
#define MANIFEST_ACCEPT \
	MEDIA_OCI_MANIFEST ", " MEDIA_OCI_INDEX ", " MEDIA_DOCKER_MANIFEST ", " MEDIA_DOCKER_LIST

struct platform {
	char *os, *architecture, *variant, *os_version; /* NULL where not given */
	struct strv os_features;
};

struct descriptor {
	char *media_type;
	char *digest; /* valid (digest.h) */
	uint64_t size;
	struct platform platform; /* children of an index */
	bool has_platform;
	char *artifact_type;
	struct strv annotations; /* "k=v" */
};

struct manifest {
	char *media_type; /* one of the four */
	bool is_index;
	struct descriptor config; /* of an image */
	struct descriptor *layers; /* of an image, bottom first */
	unsigned n_layers;
	struct descriptor *children; /* of an index, as listed */
	unsigned n_children;
	char *artifact_type; /* set and config no image config: not something to run */
	struct strv annotations;
};

void manifest_done(struct manifest *m);
void platform_done(struct platform *p);

/**
 * manifest_parse() - one manifest or index, strictly (threats G07)
 * @content_type: what the transport or the descriptor called it, parameters allowed; NULL: unknown.
 * The body's mediaType must agree with it; keys of two kinds, other spellings of known keys, bad
 * digests (G09) and schema 1 are refused. -CE_BAD_FORMAT, -CE_UNSUPPORTED, -CE_LIMIT.
 */
int manifest_parse(const char *json, size_t n, const char *content_type, struct manifest *ret);

enum layer_media { LAYER_MEDIA_UNKNOWN, LAYER_MEDIA_TAR, LAYER_MEDIA_GZIP, LAYER_MEDIA_ZSTD };
/** manifest_layer_media() - what a layer's media type says; nondistributable ones included. */
enum layer_media manifest_layer_media(const char *media_type);
/** manifest_is_config() - is this media type an image config (OCI or Docker)? */
bool manifest_is_config(const char *media_type);

/** platform_parse() - "os/arch[/variant]", "arch" alone means linux; normalised. Usage error. */
int platform_parse(const char *s, struct platform *ret);
/**
 * platform_choice() - --platform, or its parts; what is not given of them is this machine's
 * @ret: for platform_parse(), malloc'ed; NULL when nothing was given. A usage error when both were.
 */
int platform_choice(const char *platform, const char *os, const char *arch, const char *variant,
		    char **ret);
/** platform_or_default() - @platform; where neither it nor a part is given, $DOCKER_DEFAULT_PLATFORM's, or NULL. */
const char *platform_or_default(const char *platform, const char *os, const char *arch,
				const char *variant);
/** platform_host() - of this machine (uname). */
void platform_host(struct platform *ret);
/** platform_normalise() - x86_64 is amd64, aarch64 arm64/v8, armhf arm/v7 … (build-time names too). */
void platform_normalise(struct platform *p);
/** platform_matches() - would an image for @have serve somebody who wants @want (older variants do)? */
bool platform_matches(const struct platform *want, const struct platform *have);
char *platform_text(const struct platform *p); /* "linux/arm64/v8", malloc'ed */

/**
 * manifest_choose() - the child of an index for a platform
 * The best variant first, then down; the first listed of equals, zstd twins before gzip; children
 * without a platform last; unknown/unknown (attestations) never. -CE_NO_IMAGE names what there is.
 * @want: normalised, as platform_parse() and platform_host() give it.
 */
int manifest_choose(const struct manifest *index, const struct platform *want,
		    const struct descriptor **ret);
