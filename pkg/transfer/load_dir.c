/* SPDX-License-Identifier: MIT */
/* The directory of podman's and skopeo's transport "dir": version, manifest.json, blobs by digest. */
#include <stdio.h>
#include <string.h>

#include "pkg/archive/hash.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/oci/digest.h"
#include "pkg/transfer/load.h"

static char *file_name(const char *digest)
{
	return xstrdup(digest_hex(digest));
}

int load_list_dir(struct bundle *b, const struct sbuf *raw, struct load_images *ret)
{
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_FREE char *digest = NULL;
	int r = manifest_parse(raw->s, raw->len, NULL, &m);

	if (r == 0 && m.is_index)
		r = err_new(-CE_UNSUPPORTED, "a list of images in a directory of transport dir");
	if (r < 0)
		return err_wrap(r, "manifest.json");
	digest = hash_digest_of(raw->s, raw->len);
	r = load_set_manifest(b, &m, raw, digest, file_name, load_image_new(ret));
	return r < 0 ? err_wrap(r, "manifest.json") : 0;
}
