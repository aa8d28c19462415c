/* SPDX-License-Identifier: MIT */
#include "pkg/image/push.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/conmon/event.h"
#include "pkg/image/image.h"
#include "pkg/image/manifest_list.h"
#include "pkg/image/platform.h"
#include "pkg/image/transport.h"
#include "pkg/oci/manifest.h"
#include "pkg/transfer/user_side.h"

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

int image_push(struct store *st, const char *name, const char *destination,
	       const struct push_options *o)
{
	AUTO_FREE char *matched = NULL, *to = NULL, *manifest = NULL;
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	struct transfer_push p = {
		.form = o->form, .access = o->access, .sign = push_sign(&o->sign)};
	struct image_record *rec = NULL;
	char id[65];
	int r = image_of_platform(st, name, o->platform, id, &matched);

	if (r == 0)
		r = push_destination(destination, name, matched, &to);
	if (r == 0)
		r = image_store_load(st, id, &rec);
	if (r < 0) {
		image_record_free(rec);
		return r;
	}
	manifest = image_manifest_of(st, rec, matched);
	image_record_free(rec);
	p.id = id;
	p.manifest = manifest;
	p.destination = to;
	transfer_push_put(&body, &p);
	r = push_signed(st, TRANSFER_PUSH, &body, NULL, 0, to, &o->sign, o->report);
	explicit_bzero(body.s, body.len);
	if (r == 0)
		event_named(store_runtime_fd(st), "image", "push", id, to);
	return r;
}
