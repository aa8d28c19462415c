/* SPDX-License-Identifier: MIT */
/* What --cache-from and --cache-to name. */
#include "pkg/build/cache_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/oci/reference.h"

void cache_place_done(struct cache_place *p)
{
	free(p->spec);
	free(p->ref);
	free(p->path);
	free(p->compression);
	free(p->v);
	closep(&p->dir);
	closep(&p->parent);
	*p = (struct cache_place){.dir = -EBADF, .parent = -EBADF};
}

static int take_type(struct cache_place *p, const char *v, bool export)
{
	if (strcmp(v, "registry") == 0)
		p->kind = CACHE_REGISTRY;
	else if (strcmp(v, "local") == 0)
		p->kind = CACHE_LOCAL;
	else if (strcmp(v, "inline") == 0 && export)
		p->kind = CACHE_INLINE;
	else if (strcmp(v, "inline") == 0)
		return err_usage("type=inline: name the image that has it: type=registry,ref=");
	else
		return err_new(-CE_UNSUPPORTED, "type=%s: use registry, local%s", v,
			       export ? " or inline" : "");
	return 0;
}

static int take_truth(const char *word, const char *v, bool *ret)
{
	return parse_bool(v, ret) < 0 ? err_usage("%s: true or false", word) : 0;
}

static int take_compression(struct cache_place *p, const char *v)
{
	if (strcmp(v, "gzip") != 0 && strcmp(v, "zstd") != 0 && strcmp(v, "uncompressed") != 0)
		return err_usage("compression=%s: use gzip, zstd or uncompressed", v);
	free(p->compression);
	p->compression = xstrdup(strcmp(v, "uncompressed") == 0 ? "none" : v);
	return 0;
}

/* What only says how it is written here in any case. */
static int take_fixed(const char *word, const char *v)
{
	bool on = false;
	int r = take_truth(word, v, &on);

	return r < 0 || on ? r : err_new(-CE_UNSUPPORTED, "%s: it is an OCI image here", word);
}

static int take_export_word(struct cache_place *p, const char *word, const char *name,
			    const char *v)
{
	if (strcmp(name, "mode") == 0) {
		if (strcmp(v, "min") != 0 && strcmp(v, "max") != 0)
			return err_usage("mode=%s: use min or max", v);
		p->min = strcmp(v, "min") == 0;
		return 0;
	}
	if (strcmp(name, "ignore-error") == 0)
		return take_truth(word, v, &p->ignore_error);
	if (strcmp(name, "compression") == 0)
		return take_compression(p, v);
	if (strcmp(name, "image-manifest") == 0 || strcmp(name, "oci-mediatypes") == 0)
		return take_fixed(word, v);
	return err_usage("unknown key '%s': type, ref, dest, mode, compression, ignore-error, "
			 "registry.insecure",
			 name);
}

static int take_word(struct cache_place *p, const char *word, bool export)
{
	const char *eq = strchr(word, '=');
	AUTO_FREE char *name = xstrndup(word, eq ? (size_t)(eq - word) : strlen(word));
	bool on = false;
	int r;

	if (!eq || !eq[1])
		return err_usage("'%s' is not KEY=VALUE", word);
	if (strcmp(name, "type") == 0)
		return take_type(p, eq + 1, export);
	if (strcmp(name, "ref") == 0) {
		free(p->ref);
		p->ref = xstrdup(eq + 1);
		return 0;
	}
	if (strcmp(name, export ? "dest" : "src") == 0) {
		free(p->path);
		p->path = xstrdup(eq + 1);
		return 0;
	}
	if (strcmp(name, "registry.insecure") == 0) {
		r = take_truth(word, eq + 1, &on);
		p->insecure = on;
		return r;
	}
	if (export)
		return take_export_word(p, word, name, eq + 1);
	return err_usage("unknown key '%s': type, ref, src, registry.insecure", name);
}

static int full_reference(struct cache_place *p)
{
	AUTO(reference_done) struct reference ref = {0};
	int r = reference_parse(p->ref, &ref);

	if (r < 0)
		return r;
	if (!ref.host)
		return err_usage("%s: name the registry as well", p->ref);
	p->any_tag = !ref.tag && !ref.digest;
	if (p->any_tag)
		ref.tag = xstrdup(CACHE_TAG);
	reference_normalise(&ref);
	free(p->ref);
	p->ref = reference_text(&ref);
	return 0;
}

static int check(struct cache_place *p, bool export)
{
	if (p->kind == CACHE_REGISTRY) {
		if (p->path || !p->ref)
			return err_usage("type=registry needs ref=HOST/REPOSITORY[:TAG]");
		return full_reference(p);
	}
	if (p->ref || (p->kind == CACHE_LOCAL) != (p->path != NULL))
		return err_usage(p->kind == CACHE_INLINE ? "type=inline has no place of its own"
				 : export                ? "type=local needs dest=DIRECTORY"
							 : "type=local needs src=DIRECTORY");
	return 0;
}

int cache_place_parse(const char *spec, bool export, struct cache_place *ret)
{
	AUTO(cache_place_done) struct cache_place p = {.dir = -EBADF, .parent = -EBADF};
	AUTO_STRV struct strv words = STRV_INIT;
	int r = 0;

	p.spec = xstrdup(spec);
	if (!*spec)
		return err_usage("nothing is named");
	if (strchr(spec, '=')) {
		strv_split(&words, spec, ',');
		for (size_t i = 0; r == 0 && i < words.n; i++)
			r = take_word(&p, words.v[i], export);
	} else {
		p.ref = xstrdup(spec);
	}
	if (r == 0)
		r = check(&p, export);
	if (r < 0)
		return r;
	*ret = p;
	p = (struct cache_place){.dir = -EBADF, .parent = -EBADF};
	return 0;
}

void cache_repositories(const struct strv *cache_to, struct strv *ret)
{
	for (size_t i = 0; i < cache_to->n; i++) {
		AUTO(cache_place_done) struct cache_place p = {.dir = -EBADF, .parent = -EBADF};
		AUTO(reference_done) struct reference ref = {0};

		/* Checked when the build began. */
		if (cache_place_parse(cache_to->v[i], true, &p) < 0 || (p.ref && reference_parse(p.ref, &ref) < 0))
			err_drop();
		else if (p.ref)
			strv_take(ret, reference_name(&ref));
	}
}

/* --- directories ----------------------------------------------------------------------------------- */

/* Only what is a cache may be replaced by one. */
static int check_target(const struct cache_place *p, const char *name)
{
	AUTO_CLOSE int fd = openat(p->parent, name,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : err_new(-errno, "%s", p->path);
	if (faccessat(fd, "oci-layout", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return unlinkat(p->parent, name, AT_REMOVEDIR) == 0
		       ? 0
		       : err_usage("%s holds something else than a build cache", p->path);
}

static int open_target(struct cache_place *p)
{
	char *slash;

	while ((slash = strrchr(p->path, '/')) != NULL && slash != p->path && !slash[1])
		*slash = '\0';
	slash = strrchr(p->path, '/');
	if ((slash && !slash[1]) || strcmp(path_base(p->path), "..") == 0 ||
	    strcmp(path_base(p->path), ".") == 0)
		return err_usage("dest=%s: name a directory that can be replaced", p->path);
	if (slash) {
		AUTO_FREE char *above = xstrndup(p->path, (size_t)(slash - p->path) + 1);

		p->parent = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} else {
		p->parent = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (p->parent < 0)
		return err_new(-errno, "%s", p->path);
	return check_target(p, path_base(p->path));
}

static int open_source(struct cache_place *p)
{
	p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir < 0 && errno != ENOENT) /* not there: as in the first build of all */
		return err_new(-errno, "%s", p->path);
	return 0;
}

static int open_all(const struct strv *specs, bool export, struct cache_place **ret)
{
	struct cache_place *v = xcalloc(specs->n + 1, sizeof(*v));
	int r = 0;

	*ret = v;
	for (size_t i = 0; i < specs->n; i++)
		v[i].dir = v[i].parent = -EBADF;
	for (size_t i = 0; r == 0 && i < specs->n; i++) {
		r = cache_place_parse(specs->v[i], export, &v[i]);
		if (r == 0 && v[i].kind == CACHE_LOCAL)
			r = export ? open_target(&v[i]) : open_source(&v[i]);
		if (r < 0)
			r = err_wrap(r, "--cache-%s %s", export ? "to" : "from", specs->v[i]);
	}
	return r;
}

int cache_places_open(struct builder *b)
{
	int r = open_all(&b->o->cache_from, false, &b->cache_from);

	if (r == 0)
		r = open_all(&b->o->cache_to, true, &b->cache_to);
	for (size_t i = 0; r == 0 && i < b->o->cache_to.n; i++) {
		b->exports_inline |= b->cache_to[i].kind == CACHE_INLINE;
		if (b->cache_to[i].kind == CACHE_INLINE && b->o->no_image)
			r = err_usage(
				"--cache-to type=inline: no image is made that could have it");
	}
	return r;
}

void cache_places_done(struct builder *b)
{
	for (size_t i = 0; b->cache_from && i < b->o->cache_from.n; i++)
		cache_place_done(&b->cache_from[i]);
	for (size_t i = 0; b->cache_to && i < b->o->cache_to.n; i++)
		cache_place_done(&b->cache_to[i]);
	freep(&b->cache_from);
	freep(&b->cache_to);
}
