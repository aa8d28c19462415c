/* SPDX-License-Identifier: MIT */
#include "pkg/build/material.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/build/remote.h"
#include "pkg/image/local_digest.h"
#include "pkg/oci/reference.h"

/* One write to a file that is only ever appended to: lines of several processes stay whole. */
static void note(struct builder *b, const struct sbuf *line)
{
	if (write_full(b->o->materials, line->s, line->len) < 0)
		err_drop();
}

char *material_image_uri(const char *name, const char *platform)
{
	static const char library[] = "docker.io/library/", hub[] = "docker.io/";
	AUTO(reference_done) struct reference ref = {0};
	AUTO_SBUF struct sbuf uri = SBUF_INIT;
	AUTO_FREE char *full = NULL;
	const char *shown;

	if (reference_parse(name, &ref) < 0) {
		err_drop();
		return xasprintf("pkg:docker/%s", name);
	}
	reference_normalise(&ref);
	full = reference_name(&ref);
	shown = strncmp(full, library, strlen(library)) == 0 ? full + strlen(library)
		: strncmp(full, hub, strlen(hub)) == 0	     ? full + strlen(hub)
							     : full;
	sbuf_addf(&uri, "pkg:docker/%s", shown);
	if (ref.tag)
		sbuf_addf(&uri, "@%s", ref.tag);
	if (platform)
		sbuf_adds(&uri, "?platform=");
	for (const char *p = platform; p && *p; p++)
		if (*p == '/')
			sbuf_adds(&uri, "%2F");
		else
			sbuf_addc(&uri, *p);
	return sbuf_steal(&uri);
}

void material_image(struct builder *b, const char *name, const char *platform,
		    const struct image_record *rec)
{
	AUTO_FREE char *matched = NULL, *digest = NULL, *uri = NULL;
	AUTO_SBUF struct sbuf line = SBUF_INIT;
	char id[65];

	if (b->o->materials < 0)
		return;
	if (image_resolve_strict(b->st, name, id, &matched) < 0)
		err_drop();
	digest = image_manifest_of(b->st, rec, matched);
	if (!digest)
		digest = local_digest(b->st, rec->id, &rec->diffids, rec->manifest_type,
				      &rec->annotations);
	uri = material_image_uri(name, platform);
	if (digest)
		sbuf_addf(&line, "%s %s\n", uri, digest);
	else
		sbuf_addf(&line, "%s sha256:%s\n", uri, rec->id);
	note(b, &line);
}

void material_remote(struct builder *b, const char *url, const char *content)
{
	AUTO_SBUF struct sbuf line = SBUF_INIT;

	if (b->o->materials < 0)
		return;
	sbuf_addf(&line, "%s %s%s\n", url,
		  strchr(content, ':')	     ? ""
		  : strlen(content) == 40 ? "sha1:"
					  : "sha256:",
		  content);
	note(b, &line);
}

void material_file(struct builder *b, const char *url, int fd)
{
	char hex[65];

	if (b->o->materials >= 0 && remote_hash_file(fd, hex) == 0)
		material_remote(b, url, hex);
	else
		err_drop();
}
