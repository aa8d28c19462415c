/* SPDX-License-Identifier: MIT */
#include "pkg/image/push.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/image.h"
#include "pkg/image/manifest_list.h"
#include "pkg/image/platform.h"
#include "pkg/image/transport.h"
#include "pkg/oci/manifest.h"
#include "pkg/transfer/user_side.h"
#include "storage/event.h"

static int destination_of(const char *typed, char **ret)
{
	AUTO(reference_done) struct reference ref = {0};
	int r;

	if (transport_is_place(typed))
		return err_usage("push to '%s': this goes to registries only", typed);
	if (strncmp(typed, "docker://", 9) == 0)
		typed += 9;
	r = reference_parse(typed, &ref);
	if (r < 0)
		return r;
	if (ref.tag && ref.digest)
		return err_usage("push to '%s': a tag or a digest, not both", typed);
	reference_normalise(&ref);
	*ret = reference_text(&ref);
	return 0;
}

/* localhost/ is what local names get; a registry there has a port, or is named in so many words. */
static int default_destination(const char *typed, const char *matched, char **ret)
{
	if (!matched)
		return err_usage("'%s' is an id: name the destination as well", typed);
	if (strncmp(matched, "localhost/", 10) == 0 && strncmp(typed, "localhost/", 10) != 0)
		return err_usage("'%s' is a local name, no registry's: name the destination as "
				 "well",
				 typed);
	return destination_of(matched, ret);
}

int push_destination(const char *given, const char *typed, const char *matched, char **ret)
{
	return given ? destination_of(given, ret) : default_destination(typed, matched, ret);
}

struct transfer_sign push_sign(const struct sign_options *s)
{
	return (struct transfer_sign){.simple = s->by != NULL,
				      .sigstore_key = s->sigstore_key,
				      .passphrase_file = s->passphrase_file};
}

int push_signed(struct store *st, enum transfer_op op, const struct sbuf *body, const int *fds,
		unsigned n_fds, const char *to, const struct sign_options *s,
		const struct transfer_handler *h)
{
	const struct user_side_offer o = {
		.sign_by = s->by, .passphrase_file = s->passphrase_file, .reference = to};

	if (s->by && s->sigstore_key)
		return err_usage("--sign-by and --sign-by-sigstore-private-key: one of both");
	if (s->passphrase_file && !s->by && !s->sigstore_key)
		return err_usage("--sign-passphrase-file wants a key to sign with");
	return transfer_run_for(st, op, body, fds, n_fds, h, &o);
}

/* An image on its way, and where to. */
struct going {
	char id[65];
	char *manifest; /* digest; NULL: one is made */
	char *to; /* full reference */
	char *name; /* of @to without its tag or digest */
	char *tag; /* NULL: by digest */
	bool gone;
};

static void going_done(struct going *g)
{
	freep(&g->manifest);
	freep(&g->to);
	freep(&g->name);
	freep(&g->tag);
}

static int going_of(struct store *st, const char *name, const char *destination,
		    const char *platform, struct going *ret)
{
	AUTO(reference_done) struct reference ref = {0};
	AUTO_FREE char *matched = NULL;
	struct image_record *rec = NULL;
	int r = image_of_platform(st, name, platform, ret->id, &matched);

	if (r == 0)
		r = push_destination(destination, name, matched, &ret->to);
	if (r == 0)
		r = reference_parse(ret->to, &ref);
	if (r == 0)
		r = image_store_load(st, ret->id, &rec);
	if (r < 0)
		return r;
	ret->manifest = image_manifest_of(st, rec, matched);
	image_record_free(rec);
	ret->name = reference_name(&ref);
	ret->tag = ref.tag && !ref.digest ? xstrdup(ref.tag) : NULL;
	return 0;
}

/* @more: tags of the same repository. */
static int send_one(struct store *st, const struct going *g, const struct strv *more,
		    const struct push_options *o)
{
	AUTO_FREE char *more_tags = more && more->n ? strv_join(more, ",") : NULL;
	AUTO_FREE char *mount_from = o->mount_from && o->mount_from->n ? strv_join(o->mount_from, ",") : NULL;
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	struct transfer_push p = {.id = g->id,
				  .manifest = g->manifest,
				  .destination = g->to,
				  .more_tags = more_tags,
				  .mount_from = mount_from,
				  .form = o->form,
				  .access = o->access,
				  .sign = push_sign(&o->sign)};
	int r;

	transfer_push_put(&body, &p);
	r = push_signed(st, TRANSFER_PUSH, &body, NULL, 0, g->to, &o->sign, o->report);
	explicit_bzero(body.s, body.len);
	if (r < 0)
		return r;
	event_named(store_runtime_fd(st), "image", "push", g->id, g->to);
	for (size_t i = 0; more && i < more->n; i++) {
		AUTO_FREE char *full = xasprintf("%s:%s", g->name, more->v[i]);

		event_named(store_runtime_fd(st), "image", "push", g->id, full);
	}
	return 0;
}

static int send_list(struct store *st, const char *name, const char *destination,
		     const struct push_options *o)
{
	const struct list_push_options l = {.all = true,
					    .mount_from = o->mount_from,
					    .form = o->form,
					    .access = o->access,
					    .sign = o->sign,
					    .report = o->report};

	return list_push(st, name, destination, &l);
}

/* -CE_NO_IMAGE for a name is no error when it is that of a list. */
static bool means_list(struct store *st, const char *name, const struct push_options *o, int code)
{
	if (code != -CE_NO_IMAGE || o->platform || !list_is(st, name))
		return false;
	err_drop();
	return true;
}

int image_push(struct store *st, const char *name, const char *destination,
	       const struct push_options *o)
{
	AUTO(going_done) struct going g = {0};
	int r = going_of(st, name, destination, o->platform, &g);

	if (means_list(st, name, o, r))
		return send_list(st, name, destination, o);
	return r < 0 ? r : send_one(st, &g, NULL, o);
}

/* A signature states the name that it is for: those that get one go each by itself. */
static bool goes_along(const struct going *a, const struct going *b, const struct push_options *o)
{
	return !o->sign.by && !o->sign.sigstore_key && a->tag && b->tag &&
	       strcmp(a->id, b->id) == 0 && strcmp(a->name, b->name) == 0 &&
	       strcmp(a->manifest ? a->manifest : "", b->manifest ? b->manifest : "") == 0;
}

static int push_with(struct store *st, struct going *all, size_t i, size_t n,
		     const struct push_options *o)
{
	AUTO_STRV struct strv more = STRV_INIT;

	for (size_t k = i + 1; k < n; k++) {
		if (all[k].gone || !goes_along(&all[i], &all[k], o))
			continue;
		if (strcmp(all[k].tag, all[i].tag) != 0 && !strv_has(&more, all[k].tag))
			strv_add(&more, all[k].tag);
		all[k].gone = true;
	}
	return send_one(st, &all[i], &more, o);
}

int image_push_names(struct store *st, const struct strv *names, const struct push_options *o)
{
	struct going *all = xcalloc(names->n + 1, sizeof(*all));
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->n; i++) {
		r = going_of(st, names->v[i], NULL, o->platform, &all[i]);
		if (means_list(st, names->v[i], o, r)) {
			r = send_list(st, names->v[i], NULL, o);
			all[i].gone = true;
		}
		if (r < 0)
			(void)err_wrap(r, "push %s", names->v[i]);
	}
	for (size_t i = 0; r == 0 && i < names->n; i++) {
		if (all[i].gone)
			continue;
		r = push_with(st, all, i, names->n, o);
		if (r < 0)
			(void)err_wrap(r, "push %s", names->v[i]);
	}
	for (size_t i = 0; i < names->n; i++)
		going_done(&all[i]);
	free(all);
	return r;
}
