/* SPDX-License-Identifier: MIT */
#include "pkg/image/save.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/image.h"
#include "pkg/image/platform.h"
#include "storage/event.h"

/* What is going to be sent, with the strings it points at. */
struct request {
	struct transfer_save s;
	struct strv strings;
};

static void request_done(struct request *q)
{
	transfer_save_done(&q->s);
	strv_done(&q->strings);
}

static const char *keep(struct request *q, char *s)
{
	if (!s)
		return NULL;
	strv_take(&q->strings, s);
	return q->strings.v[q->strings.n - 1];
}

/* Names of one manifest of one image stand together. */
static struct transfer_save_image *entry_of(struct request *q, const char *id, const char *manifest)
{
	struct transfer_save *s = &q->s;

	for (unsigned i = 0; i < s->n_images; i++) {
		struct transfer_save_image *im = &s->images[i];

		if (strcmp(im->id, id) == 0 &&
		    strcmp(im->manifest ? im->manifest : "", manifest ? manifest : "") == 0)
			return im;
	}
	s->images = xreallocarray(s->images, s->n_images + 1, sizeof(*s->images));
	s->images[s->n_images] = (struct transfer_save_image){
		.id = keep(q, xstrdup(id)),
		.manifest = keep(q, manifest ? xstrdup(manifest) : NULL)};
	return &s->images[s->n_images++];
}

static void add_name(struct request *q, struct transfer_save_image *im, char *name)
{
	im->names = xreallocarray(im->names, im->n_names + 1, sizeof(*im->names));
	im->names[im->n_names++] = keep(q, name);
}

static int add(struct store *st, struct request *q, const char *name, const struct save_options *o)
{
	AUTO_FREE char *matched = NULL, *manifest = NULL;
	struct transfer_save_image *im;
	struct image_record *rec = NULL;
	char id[65];
	int r = image_of_platform(st, name, o->platform, id, &matched);

	if (r == 0)
		r = image_store_load(st, id, &rec);
	if (r < 0)
		return r;
	manifest = image_manifest_of(st, rec, matched);
	image_record_free(rec);
	im = entry_of(q, id, manifest);
	if (o->renamed) {
		if (o->name)
			add_name(q, im, xstrdup(o->name));
		return 0;
	}
	/* An id is no name, and a digest is none that an archive could give. */
	if (matched && !strchr(matched, '@'))
		add_name(q, im, TAKE_PTR(matched));
	return 0;
}

int image_save(struct store *st, const struct strv *names, const struct save_options *o, int fd,
	       const struct transfer_handler *h)
{
	AUTO(request_done)
	struct request q = {.s = {.kind = o->kind, .form = o->form, .plain = o->plain}};
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	int r = 0;

	if (o->list) {
		AUTO_STRV struct strv there = STRV_INIT, none = STRV_INIT;

		if (o->name)
			strv_add(&there, o->name);
		return image_save_list(st, names->v[0], &there, &none, o, fd, h);
	}
	if (!q.s.form.format && !o->any_format)
		q.s.form.format = strncmp(o->kind, "oci", 3) == 0 ? "oci" : "docker";
	for (size_t i = 0; r == 0 && i < names->n; i++)
		r = add(st, &q, names->v[i], o);
	if (r == 0 && strcmp(o->kind, "docker-dir") == 0 && q.s.n_images > 1)
		r = err_usage("docker-dir holds one image");
	if (r < 0)
		return r;
	transfer_save_put(&body, &q.s);
	r = transfer_run(st, TRANSFER_SAVE, &body, &fd, 1, h);
	for (unsigned i = 0; r == 0 && o->told && i < q.s.n_images; i++) {
		const struct transfer_save_image *im = &q.s.images[i];

		event_named(store_runtime_fd(st), "image", o->told, im->id,
			    o->told_name    ? o->told_name
			    : im->n_names ? im->names[0]
					    : "");
	}
	return r;
}
