/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/sign.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/hash.h"
#include "pkg/base/alloc.h"
#include "pkg/base/base64.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/file.h"
#include "pkg/transfer/cosign_key.h"
#include "pkg/transfer/pubkey.h"
#include "pkg/transfer/user_side.h"

#define NUMBERS_MAX 128
#define KEY_MAX (64UL << 10)
#define FILE_URL "file://"

void signing_done(struct signing *s)
{
	lookasides_done(&s->lookasides);
	if (s->key.len)
		explicit_bzero(s->key.s, s->key.len);
	sbuf_done(&s->key);
	if (s->passphrase)
		explicit_bzero(s->passphrase, strlen(s->passphrase));
	freep(&s->passphrase);
	sbuf_done(&s->made);
}

/* A digest of the right length, to see where signatures would go. */
static const char any_digest[] =
	"sha256:0000000000000000000000000000000000000000000000000000000000000000";

static int open_simple(const struct reference *to, struct signing *s)
{
	AUTO_FREE char *url = NULL;
	int r = 0;

	if (s->args.directory)
		lookasides_only(s->args.directory, &s->lookasides);
	else
		r = lookasides_load(&s->lookasides);
	if (r == 0)
		r = lookaside_url(&s->lookasides, to, any_digest, true, &url);
	if (r == -ENOENT)
		return err_new(-CE_HOST_SETUP, "no home directory to put signatures into");
	if (r == 0 && strncmp(url, FILE_URL, strlen(FILE_URL)) != 0)
		r = err_new(-CE_UNSUPPORTED,
			    "signatures cannot be put at %.200s: name a lookaside-staging: "
			    "file:///… for %s in registries.d",
			    url, to->host);
	return r;
}

static int open_sigstore(const struct transfer_sign *a, struct signing *s)
{
	AUTO_SBUF struct sbuf words = SBUF_INIT;
	const char *cosign = getenv("COSIGN_PASSWORD");
	int r = file_read_at(AT_FDCWD, a->sigstore_key, KEY_MAX, &s->key);

	if (r == 0 && a->passphrase_file) {
		r = file_read_at(AT_FDCWD, a->passphrase_file, KEY_MAX, &words);
		sbuf_trim_end(&words, "\r\n");
		s->passphrase = sbuf_steal(&words);
	} else if (r == 0 && cosign) {
		s->passphrase = xstrdup(cosign);
	}
	return r == 0 ? cosign_key_open(&s->key, s->passphrase) : r;
}

int signing_open(const struct transfer_sign *args, const struct reference *to, struct signing *s)
{
	AUTO_SBUF struct sbuf nothing = SBUF_INIT, signature = SBUF_INIT;
	int r = 0;

	s->args = *args;
	if (args->simple)
		r = open_simple(to, s);
	if (r == 0 && args->sigstore_key) {
		r = open_sigstore(args, s);
		if (r == 0) /* a key that cannot be used is found before anything goes out */
			r = privkey_sign(&s->key, s->passphrase, &nothing, &signature);
	}
	return r < 0 ? err_wrap(r, "sign") : 0;
}

/* --- simple signing ---------------------------------------------------------------------------- */

static int store(const char *url, const struct sbuf *signature)
{
	AUTO_FREE char *path = xstrdup(url + strlen(FILE_URL));
	AUTO_CLOSE int dir = -EBADF;
	int r = file_make_dirs(path, 0755);

	if (r < 0)
		return r;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_new(-errno, "open %s", path);
	for (unsigned i = 1; i <= NUMBERS_MAX; i++) {
		AUTO_FREE char *name = xasprintf("signature-%u", i);

		r = file_create(dir, name, signature->s, signature->len, 0644, FILE_SYNC);
		if (r != -EEXIST)
			return r;
	}
	return err_new(-CE_LIMIT, "more than %d signatures in %s", NUMBERS_MAX, path);
}

int signing_make(struct transfer_ctx *ctx, struct signing *s, const char *digest)
{
	sbuf_reset(&s->made);
	return s->args.simple ? user_side_sign(ctx->user_side, digest, &s->made) : 0;
}

static int store_made(struct signing *s, const struct reference *to, const char *digest)
{
	AUTO_FREE char *url = NULL;
	int r = lookaside_url(&s->lookasides, to, digest, true, &url);

	return r == 0 ? store(url, &s->made) : r;
}

int signing_simple(struct transfer_ctx *ctx, struct signing *s, const struct reference *to,
		   const char *digest)
{
	int r = signing_make(ctx, s, digest);

	return r == 0 ? store_made(s, to, digest) : r;
}

/* --- sigstore ---------------------------------------------------------------------------------- */

static int upload(struct registry *r, const char *type, const struct sbuf *bytes,
		  struct json_object **ret)
{
	AUTO_FREE char *digest = NULL;
	struct upload u = {.size = bytes->len, .memory = bytes->s, .fd = -EBADF};
	struct json_object *o;
	int e;

	digest = hash_digest_of(bytes->s, bytes->len);
	u.digest = digest;
	e = registry_has_blob(r, digest);
	if (e == 0)
		e = registry_upload(r, &u);
	if (e < 0)
		return e;
	o = json_object_new_object();
	json_set_str(o, "mediaType", type);
	json_set_str(o, "digest", digest);
	json_set_i64(o, "size", (int64_t)bytes->len);
	*ret = o;
	return 0;
}

/* Signatures of others stay. */
static int old_layers(struct registry *r, const char *tag, struct json_object **ret)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *layers = NULL;
	int e = registry_find_manifest(r, tag, &p, &m);

	*ret = json_object_new_array();
	if (e <= 0)
		return e;
	e = json_parse(p.body.s, p.body.len, &o);
	if (e == 0)
		e = json_get_arr(o, "layers", &layers);
	for (size_t i = 0; e == 0 && layers && i < json_object_array_length(layers); i++)
		(void)json_object_array_add(*ret,
					    json_object_get(json_object_array_get_idx(layers, i)));
	return e;
}

/* What it is of as an image: nothing that could run. */
static void write_config(struct json_object *layers, struct sbuf *out)
{
	AUTO_JSON struct json_object *o = json_object_new_object();
	struct json_object *rootfs = json_object_new_object();
	AUTO_STRV struct strv diffids = STRV_INIT;

	for (size_t i = 0; i < json_object_array_length(layers); i++) {
		const char *digest = NULL;

		if (json_get_str(json_object_array_get_idx(layers, i), "digest", &digest) < 0)
			err_drop();
		strv_add(&diffids, digest ? digest : "");
	}
	json_set_str(o, "architecture", "");
	json_set_str(o, "os", "");
	json_set(o, "config", json_object_new_object());
	json_set_str(rootfs, "type", "layers");
	json_set(rootfs, "diff_ids", json_from_strv(&diffids));
	json_set(o, "rootfs", rootfs);
	json_write(o, false, out);
}

static int put_attachments(struct registry *r, const char *tag, struct json_object *layers)
{
	AUTO_JSON struct json_object *doc = json_object_new_object();
	AUTO_SBUF struct sbuf config = SBUF_INIT, text = SBUF_INIT;
	AUTO_FREE char *digest = NULL;
	struct json_object *d = NULL;
	int e;

	write_config(layers, &config);
	json_set_i64(doc, "schemaVersion", 2);
	json_set_str(doc, "mediaType", MEDIA_OCI_MANIFEST);
	e = upload(r, MEDIA_OCI_CONFIG, &config, &d);
	if (e < 0)
		return e;
	json_set(doc, "config", d);
	json_set(doc, "layers", json_object_get(layers));
	json_write(doc, false, &text);
	digest = hash_digest_of(text.s, text.len);
	return registry_put_manifest(r, tag, MEDIA_OCI_MANIFEST, digest, text.s, text.len);
}

static int sign_sigstore(struct signing *s, struct registry *r, const struct reference *to,
			 const char *digest)
{
	AUTO_SBUF struct sbuf payload = SBUF_INIT, signature = SBUF_INIT;
	AUTO_FREE char *reference = reference_text(to), *encoded = NULL;
	AUTO_FREE char *tag = xasprintf("sha256-%s.sig", digest_hex(digest));
	AUTO_JSON struct json_object *layers = NULL;
	struct json_object *d = NULL, *annotations;
	int e;

	signature_payload("cosign container image signature", reference, digest, &payload);
	e = privkey_sign(&s->key, s->passphrase, &payload, &signature);
	if (e == 0)
		e = old_layers(r, tag, &layers);
	if (e == 0)
		e = upload(r, COSIGN_PAYLOAD, &payload, &d);
	if (e < 0)
		return e;
	encoded = base64_encode(signature.s, signature.len);
	annotations = json_object_new_object();
	json_set_str(annotations, COSIGN_SIGNATURE, encoded);
	json_set(d, "annotations", annotations);
	(void)json_object_array_add(layers, d);
	return put_attachments(r, tag, layers);
}

int signing_apply(struct signing *s, struct registry *r, const struct reference *to,
		  const char *digest)
{
	int e = 0;

	if (s->args.simple)
		e = store_made(s, to, digest);
	if (e == 0 && s->args.sigstore_key)
		e = sign_sigstore(s, r, to, digest);
	return e < 0 ? err_wrap(e, "pushed, but not signed") : 0;
}
