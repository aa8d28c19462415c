/* SPDX-License-Identifier: MIT */
/* Artifacts out of the store: into files, and from and to registries. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/image/artifact.h"
#include "pkg/image/following.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/file.h"
#include "storage/event.h"

#define TITLE "org.opencontainers.image.title"

/* --- extract ----------------------------------------------------------------------------------- */

static int copy_bytes(int in, int out, uint64_t size)
{
	static char buf[65536];
	uint64_t got = 0;
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0) {
		int r = write_full(out, buf, (size_t)n);

		if (r < 0)
			return err_new(r, "write");
		got += (uint64_t)n;
	}
	if (n < 0)
		return err_new(-errno, "read");
	return got == size ? 0
			   : err_new(-CE_CORRUPT, "a blob of %llu bytes, not %llu",
				     (unsigned long long)got, (unsigned long long)size);
}

/* Aside, then renamed: what is there stays until the new one is whole. */
static int write_file(struct store *st, const struct descriptor *d, int dir, const char *name)
{
	AUTO_CLOSE int in = artifact_blob_open(st, d->digest);
	AUTO_FREE char *aside = xasprintf(".%s.cuddy-%d", digest_hex(d->digest), (int)getpid());
	AUTO_CLOSE int out = -EBADF;
	int r;

	if (in < 0)
		return in;
	out = openat(dir, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (out < 0)
		return err_new(-errno, "write %s", name);
	r = copy_bytes(in, out, d->size);
	if (r == 0 && renameat(dir, aside, dir, name) < 0)
		r = err_new(-errno, "write %s", name);
	if (r < 0)
		(void)unlinkat(dir, aside, 0);
	return r < 0 ? err_wrap(r, "%s", name) : 0;
}

/* The word of whoever made it: a plain name of a file, or nothing (threats L16). */
static int name_of(const struct descriptor *d, char **ret)
{
	const char *title = strv_env_get(&d->annotations, TITLE);

	if (!title) {
		*ret = xasprintf("sha256-%s", digest_hex(d->digest));
		return 0;
	}
	if (!*title || strchr(title, '/') || strcmp(title, ".") == 0 || strcmp(title, "..") == 0 ||
	    strlen(title) > 255)
		return err_new(-CE_UNSAFE, "title '%s' is not the name of a file", title);
	*ret = xstrdup(title);
	return 0;
}

static bool is_picked(const struct descriptor *d, const struct artifact_pick *p)
{
	const char *title = strv_env_get(&d->annotations, TITLE);

	if (p->digest && strcmp(d->digest, p->digest) != 0 &&
	    strcmp(digest_hex(d->digest), p->digest) != 0)
		return false;
	return !p->title || (title && strcmp(title, p->title) == 0);
}

static int into_directory(struct store *st, const struct manifest *m, const struct artifact_pick *p,
			  int dir)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = 0;

	/* All names first: one that is refused leaves no half. */
	for (unsigned i = 0; r == 0 && i < m->n_layers; i++) {
		AUTO_FREE char *name = NULL;

		if (!is_picked(&m->layers[i], p))
			continue;
		r = name_of(&m->layers[i], &name);
		if (r == 0 && strv_has(&names, name))
			r = err_new(-CE_BAD_FORMAT, "two files are called '%s'", name);
		if (r == 0)
			strv_add(&names, name);
	}
	for (unsigned i = 0, k = 0; r == 0 && i < m->n_layers; i++)
		if (is_picked(&m->layers[i], p))
			r = write_file(st, &m->layers[i], dir, names.v[k++]);
	return r;
}

static int into_file(struct store *st, const struct descriptor *d, const char *target)
{
	AUTO_FREE char *copy = xstrdup(target);
	char *slash = strrchr(copy, '/');
	const char *name = slash ? slash + 1 : copy;
	AUTO_CLOSE int dir = -EBADF;

	if (slash)
		*slash = '\0';
	dir = open(!slash ? "." : *copy ? copy : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_new(-errno, "%s", target);
	if (!*name)
		return err_new(-ENOENT, "%s", target);
	return write_file(st, d, dir, name);
}

int artifact_extract(struct store *st, const char *typed, const char *target,
		     const struct artifact_pick *p)
{
	AUTO(artifact_record_done) struct artifact_record rec = {0};
	AUTO(manifest_done) struct manifest m = {0};
	const struct descriptor *only = NULL;
	AUTO_CLOSE int dir = -EBADF;
	unsigned picked = 0;
	int r;

	if (p->digest && p->title)
		return err_usage("--digest and --title: one of both");
	r = artifact_find(st, typed, &rec);
	if (r == 0)
		r = manifest_parse(rec.manifest, strlen(rec.manifest), rec.media_type, &m);
	for (unsigned i = 0; r == 0 && i < m.n_layers; i++)
		if (is_picked(&m.layers[i], p)) {
			picked++;
			only = &m.layers[i];
		}
	if (r == 0 && !picked)
		r = err_new(-CE_NO_OBJECT, "%s has no file %s", typed,
			    p->title    ? p->title
			    : p->digest ? p->digest
					: "at all");
	if (r < 0)
		return r;
	dir = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		return into_directory(st, &m, p, dir);
	if (picked > 1)
		return err_usage("'%s' is not a directory, and the artifact has %u files", target,
				 picked);
	return into_file(st, only, target);
}

int artifact_files(struct store *st, const char *typed, const struct artifact_pick *p,
		   struct strv *ret_paths, struct strv *ret_names)
{
	AUTO(artifact_record_done) struct artifact_record rec = {0};
	AUTO(manifest_done) struct manifest m = {0};
	int blobs = store_fd(st, STORE_BLOBS), r;

	if (blobs < 0)
		return blobs;
	if (p->digest && p->title)
		return err_usage("digest and title: one of both");
	r = artifact_find(st, typed, &rec);
	if (r == 0)
		r = manifest_parse(rec.manifest, strlen(rec.manifest), rec.media_type, &m);
	for (unsigned i = 0; r == 0 && i < m.n_layers; i++) {
		const char *hex = digest_hex(m.layers[i].digest);
		AUTO_FREE char *name = NULL;

		if (!is_picked(&m.layers[i], p))
			continue;
		r = name_of(&m.layers[i], &name);
		if (r == 0 && strv_has(ret_names, name))
			r = err_new(-CE_BAD_FORMAT, "two files are called '%s'", name);
		/* The store is closed to others; who sees the file sees it through a mount. */
		if (r == 0 && fchmodat(blobs, hex, 0444, 0) < 0)
			r = err_new(-errno, "%s", m.layers[i].digest);
		if (r == 0) {
			strv_take(ret_paths, store_path(st, STORE_BLOBS, hex));
			strv_add(ret_names, name);
		}
	}
	if (r == 0 && !ret_names->n)
		return err_new(-CE_NO_OBJECT, "%s has no such file", typed);
	return r;
}

/* --- registries -------------------------------------------------------------------------------- */

struct transferred {
	struct following follow;
	char *name, *what;
};

static void on_image(struct following *follow, const char *reference, const char *id)
{
	struct transferred *f = (void *)follow;

	freep(&f->name);
	freep(&f->what);
	f->name = xstrdup(reference ? reference : "");
	f->what = xstrdup(id);
}

static void transferred_done(struct transferred *f)
{
	freep(&f->name);
	freep(&f->what);
}

/* @f->name: "host/path:tag", or with the digest; @f->what: "sha256:… media/type". */
static int keep(struct store *st, const struct transferred *f, int manifest,
		struct artifact_record *ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	const char *space = f->what ? strchr(f->what, ' ') : NULL;
	int r = lseek(manifest, 0, SEEK_SET) < 0 ? -errno : 0;

	if (r < 0 || !space)
		return err_new(-CE_PROTOCOL, "nothing was pulled");
	r = file_read_fd(manifest, MANIFEST_BYTES_MAX, &text);
	if (r < 0)
		return r;
	*ret = (struct artifact_record){.name = xstrdup(f->name),
					.digest = xstrndup(f->what, (size_t)(space - f->what)),
					.media_type = xstrdup(space + 1),
					.manifest = sbuf_steal(&text),
					.created_ns = clock_now_ns()};
	return artifact_put_told(st, "pull", ret);
}

int artifact_pull(struct store *st, const char *typed, const struct transfer_access *a,
		  const char *policy, const struct transfer_handler *h, struct artifact_record *ret)
{
	struct transfer_artifact q = {.name = typed, .access = *a, .policy = policy};
	AUTO_CLOSE int manifest = memfd_create("manifest", MFD_CLOEXEC);
	AUTO_CLOSE int hold = artifact_store_hold(st);
	AUTO(transferred_done) struct transferred f = {.name = NULL};
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	int fds[2] = {store_fd(st, STORE_BLOBS), manifest}, r;

	following_init(&f.follow, h, on_image);
	if (manifest < 0)
		return err_new(-errno, "memfd_create");
	if (hold < 0 || fds[0] < 0)
		return hold < 0 ? hold : fds[0];
	transfer_artifact_put(&body, &q);
	r = transfer_run(NULL, TRANSFER_ARTIFACT_PULL, &body, fds, 2, &f.follow.h);
	explicit_bzero(body.s, body.len);
	return r == 0 ? keep(st, &f, manifest, ret) : r;
}

int artifact_push(struct store *st, const char *typed, const char *destination,
		  const struct transfer_access *a, const struct sign_options *sign,
		  const struct transfer_handler *h, char **ret_digest)
{
	AUTO(artifact_record_done) struct artifact_record rec = {0};
	struct transfer_artifact q = {.access = *a, .sign = push_sign(sign)};
	AUTO_CLOSE int manifest = memfd_create("manifest", MFD_CLOEXEC);
	AUTO(transferred_done) struct transferred f = {.name = NULL};
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	AUTO_FREE char *to = NULL;
	int fds[2] = {store_fd(st, STORE_BLOBS), manifest}, r;

	following_init(&f.follow, h, on_image);
	r = fds[0] < 0 ? fds[0] : artifact_find(st, typed, &rec);
	if (r == 0)
		r = push_destination(destination, typed, rec.name, &to);
	if (r < 0)
		return r;
	if (manifest < 0 || write_full(manifest, rec.manifest, strlen(rec.manifest)) < 0)
		return err_new(-errno, "memfd_create");
	q.name = to;
	q.media_type = rec.media_type;
	transfer_artifact_put(&body, &q);
	r = push_signed(NULL, TRANSFER_ARTIFACT_PUSH, &body, fds, 2, to, sign, &f.follow.h);
	explicit_bzero(body.s, body.len);
	if (r == 0 && !f.what)
		r = err_new(-CE_PROTOCOL, "nothing was pushed");
	if (r == 0) {
		event_named(store_runtime_fd(st), "artifact", "push", rec.digest + 7, to);
		*ret_digest = TAKE_PTR(f.what);
	}
	return r;
}
