/* SPDX-License-Identifier: MIT */
#include "pkg/image/manifest_list.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/image/artifact.h"
#include "pkg/image/manifest_list_internal.h"
#include "pkg/image/push.h"
#include "pkg/image/tag.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/random.h"

/* --- finding ----------------------------------------------------------------------------------- */

static int find_by_id(struct store *st, const char *prefix, struct list_record *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = list_store_names(st, &names);
	bool found = false;

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(list_record_done) struct list_record rec = {0};

		r = list_store_load(st, names.v[i], &rec);
		if (r < 0) {
			r = err_forgive(r, -CE_NO_LIST);
			continue;
		}
		if (strncmp(rec.id, prefix, strlen(prefix)) != 0)
			continue;
		if (found)
			return err_new(-CE_AMBIGUOUS, "manifest list %s", prefix);
		found = true;
		*ret = rec;
		rec = (struct list_record){0};
	}
	return r < 0 ? r : found ? 0 : err_new(-CE_NO_LIST, "%s", prefix);
}

/* As images: a name without a registry is localhost's first. */
static int find_by_name(struct store *st, const char *typed, struct list_record *ret)
{
	AUTO(reference_done) struct reference ref = {0};
	AUTO_FREE char *full = NULL;
	int r = reference_parse(typed, &ref);

	if (r < 0 || ref.digest)
		return r < 0 ? r : err_new(-CE_NO_LIST, "%s", typed);
	if (!ref.host) {
		AUTO_FREE char *local = xasprintf("localhost/%s:%s", ref.path,
						  ref.tag ? ref.tag : "latest");

		r = list_store_load(st, local, ret);
		if (r != -CE_NO_LIST)
			return r;
		err_drop();
	}
	reference_normalise(&ref);
	full = reference_text(&ref);
	r = list_store_load(st, full, ret);
	return r == -CE_NO_LIST ? err_new(r, "%s", typed) : r;
}

int list_find(struct store *st, const char *typed, struct list_record *ret)
{
	AUTO(list_record_done) struct list_record rec = {0};
	bool may_be_id = hex_is_valid(typed, strlen(typed)) && strlen(typed) <= 64 && *typed;
	int r = strlen(typed) == 64 && may_be_id ? err_new(-CE_NO_LIST, "%s", typed)
						 : find_by_name(st, typed, &rec);

	if (r == -CE_NO_LIST && may_be_id) {
		err_drop();
		r = find_by_id(st, typed, &rec);
	}
	if (r < 0)
		return r;
	*ret = rec;
	rec = (struct list_record){0};
	return 0;
}

/* --- making and changing ----------------------------------------------------------------------- */

static void set_annotations(struct json_object *o, const struct strv *annotations)
{
	struct json_object *had = NULL;

	if (!annotations->n)
		return;
	if (!json_object_object_get_ex(o, "annotations", &had)) {
		had = json_object_new_object();
		json_set(o, "annotations", had);
	}
	for (size_t i = 0; i < annotations->n; i++) {
		size_t n = strcspn(annotations->v[i], "=");
		AUTO_FREE char *key = xstrndup(annotations->v[i], n);

		json_set_str(had, key, annotations->v[i] + n + 1);
	}
}

static int check_annotations(const struct strv *annotations)
{
	for (size_t i = 0; i < annotations->n; i++)
		if (!strchr(annotations->v[i], '=') || *annotations->v[i] == '=')
			return err_usage("--annotation '%s' is not KEY=VALUE", annotations->v[i]);
	return 0;
}

static int create(struct store *st, char *name, const struct strv *annotations,
		  struct list_record *rec)
{
	char id[65];
	int r = ref_get(st, name, id);

	if (r == 0)
		return err_new(-CE_NAME_IN_USE, "%s is the name of image %.12s", name, id);
	if (r != -CE_NO_IMAGE)
		return r;
	err_drop();
	rec->name = xstrdup(name);
	random_hex(rec->id, 64);
	rec->created_ns = clock_now_ns();
	rec->index = json_object_new_object();
	rec->instances = json_object_new_object();
	json_set_i64(rec->index, "schemaVersion", 2);
	json_set_str(rec->index, "mediaType", MEDIA_OCI_INDEX);
	json_set(rec->index, "manifests", json_object_new_array());
	set_annotations(rec->index, annotations);
	r = list_store_put(st, rec, true);
	return r == -EEXIST ? err_new(-CE_NAME_IN_USE, "manifest list %s", name) : r;
}

int list_create(struct store *st, const char *typed, bool amend, const struct strv *annotations,
		char ret_id[65])
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO_FREE char *name = NULL;
	int r = image_tag_name(typed, &name);

	if (r == 0)
		r = check_annotations(annotations);
	if (r == 0 && amend) {
		AUTO_CLOSE int lock = list_store_lock(st);

		r = lock < 0 ? lock : list_store_load(st, name, &rec);
		if (r == 0) {
			set_annotations(rec.index, annotations);
			memcpy(ret_id, rec.id, sizeof(rec.id));
			return annotations->n ? list_store_put(st, &rec, false) : 0;
		}
		if (r != -CE_NO_LIST)
			return r;
		err_drop();
		r = 0;
	}
	if (r == 0)
		r = create(st, name, annotations, &rec);
	if (r == 0)
		memcpy(ret_id, rec.id, sizeof(rec.id));
	return r;
}

static struct json_object *entries_of(const struct list_record *rec)
{
	struct json_object *entries = NULL;

	(void)json_object_object_get_ex(rec->index, "manifests", &entries);
	return entries;
}

/* Its place in the list, or -1. */
static int entry_at(const struct list_record *rec, const char *digest)
{
	struct json_object *entries = entries_of(rec);

	for (size_t i = 0; entries && i < json_object_array_length(entries); i++) {
		const char *d = NULL;

		if (json_get_str(json_object_array_get_idx(entries, i), "digest", &d) < 0)
			err_drop();
		if (d && strcmp(d, digest) == 0)
			return (int)i;
	}
	return -1;
}

static void set_words(struct json_object *entry, const struct list_words *w)
{
	struct json_object *platform = NULL;
	bool any = w->arch || w->os || w->variant || w->os_version || w->features.n ||
		   w->os_features.n;

	set_annotations(entry, &w->annotations);
	if (!any)
		return;
	if (!json_object_object_get_ex(entry, "platform", &platform)) {
		platform = json_object_new_object();
		json_set(entry, "platform", platform);
	}
	if (w->arch)
		json_set_str(platform, "architecture", w->arch);
	if (w->os)
		json_set_str(platform, "os", w->os);
	if (w->os_version)
		json_set_str(platform, "os.version", w->os_version);
	if (w->os_features.n)
		json_set(platform, "os.features", json_from_strv(&w->os_features));
	if (w->variant)
		json_set_str(platform, "variant", w->variant);
	if (w->features.n)
		json_set(platform, "features", json_from_strv(&w->features));
}

static struct json_object *short_descriptor(const struct found_manifest *f)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "mediaType", f->media_type);
	json_set_str(o, "digest", f->digest);
	json_set_i64(o, "size", (int64_t)f->size);
	if (f->artifact_type)
		json_set_str(o, "artifactType", f->artifact_type);
	return o;
}

static struct json_object *descriptor_of(const struct found_manifest *f)
{
	struct json_object *o = short_descriptor(f), *platform;
	const struct platform *p = &f->platform;

	set_annotations(o, &f->annotations);
	if (f->artifact_type && !p->architecture && !p->os)
		return o; /* it is for all */
	platform = json_object_new_object();
	json_set_str(platform, "architecture", p->architecture ? p->architecture : "");
	json_set_str(platform, "os", p->os ? p->os : "");
	if (p->os_version)
		json_set_str(platform, "os.version", p->os_version);
	if (p->os_features.n)
		json_set(platform, "os.features", json_from_strv(&p->os_features));
	if (p->variant)
		json_set_str(platform, "variant", p->variant);
	json_set(o, "platform", platform);
	return o;
}

static void put_entry(struct list_record *rec, const struct found_manifest *f,
		      const struct list_words *w)
{
	struct json_object *entry = descriptor_of(f), *where = json_object_new_object();
	int at = entry_at(rec, f->digest);

	set_words(entry, w);
	if (at < 0)
		(void)json_object_array_add(entries_of(rec), entry);
	else
		(void)json_object_array_put_idx(entries_of(rec), (size_t)at, entry);
	if (f->image) {
		json_set_str(where, "Image", f->image);
	} else if (f->artifact) {
		json_set_str(where, "Manifest", f->artifact);
	} else {
		json_set_str(where, "Source", f->source);
		json_set_bool(where, "Insecure", f->insecure);
	}
	json_set(rec->instances, f->digest, where);
}

int list_put_entries(struct store *st, const char *name, const struct found_manifests *found,
		     const struct list_words *w, char ret_id[65])
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO_CLOSE int lock = list_store_lock(st);
	int r = lock < 0 ? lock : list_store_load(st, name, &rec);

	if (r == 0 && json_object_array_length(entries_of(&rec)) + found->n > MANIFEST_CHILDREN_MAX)
		r = err_new(-CE_LIMIT, "more than %d entries", MANIFEST_CHILDREN_MAX);
	for (size_t i = 0; r == 0 && i < found->n; i++)
		put_entry(&rec, &found->v[i], w);
	if (r == 0)
		r = list_store_put(st, &rec, false);
	if (r == 0)
		memcpy(ret_id, rec.id, sizeof(rec.id));
	return r;
}

int list_copy(struct store *st, const char *typed, const struct list_source *s, char ret_id[65])
{
	AUTO(list_record_done) struct list_record rec = {.created_ns = clock_now_ns()};
	AUTO(list_remote_done) struct list_remote from = LIST_REMOTE_INIT;
	AUTO(manifest_done) struct manifest m = {0};
	int r = list_remote(s->image, &s->access, &from);

	if (r == 0)
		r = manifest_parse(from.raw.s, from.raw.len, from.media_type, &m);
	if (r < 0 || !m.is_index)
		return r < 0 ? r : 1;
	r = image_tag_name(typed, &rec.name);
	if (r == 0)
		r = json_parse(from.raw.s, from.raw.len, &rec.index);
	rec.raw = xstrdup(from.raw.s);
	rec.instances = json_object_new_object();
	random_hex(rec.id, 64);
	for (unsigned i = 0; r == 0 && i < m.n_children; i++) {
		struct json_object *where = json_object_new_object();

		json_set_str(where, "Source", from.name);
		json_set_bool(where, "Insecure", s->access.tls_verify == 0);
		json_set(rec.instances, m.children[i].digest, where);
	}
	if (r == 0)
		r = list_store_put(st, &rec, true);
	if (r == -EEXIST)
		r = err_new(-CE_NAME_IN_USE, "manifest list %s", rec.name);
	memcpy(ret_id, rec.id, sizeof(rec.id));
	return r;
}

/* Registries answer when they like: the lock is for after that. */
int list_name_of(struct store *st, const char *typed, char **ret)
{
	AUTO(list_record_done) struct list_record rec = {0};
	int r = list_find(st, typed, &rec);

	if (r == 0)
		*ret = TAKE_PTR(rec.name);
	return r;
}

int list_add(struct store *st, const char *typed, const struct list_source *s, char ret_id[65])
{
	AUTO(found_manifests_done) struct found_manifests found = {0};
	AUTO_FREE char *name = NULL;
	int r = check_annotations(&s->words.annotations);

	if (r == 0)
		r = list_name_of(st, typed, &name);
	if (r == 0)
		r = found_manifests(st, s, &found);
	return r == 0 ? list_put_entries(st, name, &found, &s->words, ret_id) : r;
}

/* What an image, a list's image for this platform, or an artifact at a registry is called by others. */
static int subject_of(struct store *st, const struct list_source *s, struct json_object **ret)
{
	AUTO(found_manifests_done) struct found_manifests found = {0};
	struct list_source one = *s;
	int r;

	one.all = false;
	one.words = (struct list_words){0};
	r = found_manifests(st, &one, &found);
	if (r == 0 && found.n)
		*ret = short_descriptor(&found.v[0]);
	return r < 0 ? err_wrap(r, "subject") : 0;
}

int list_add_artifact(struct store *st, const char *typed, char *const *files, int n,
		      const struct artifact_add *o, const char *subject,
		      const struct list_source *s, char ret_id[65])
{
	AUTO(found_manifests_done) struct found_manifests found = {0};
	AUTO_CLOSE int hold = -EBADF;
	AUTO_JSON struct json_object *about = NULL;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_FREE char *name = NULL;
	struct list_source of = *s;
	struct artifact_add add = *o;
	struct found_manifest *f;
	int r = check_annotations(&s->words.annotations);

	of.image = subject;
	if (r == 0)
		r = list_name_of(st, typed, &name);
	if (r == 0 && subject)
		r = subject_of(st, &of, &about);
	if (r < 0)
		return r;
	add.subject = about;
	add.annotations = NULL;
	found.v = xcalloc(1, sizeof(*found.v));
	found.n = 1;
	f = &found.v[0];
	hold = artifact_store_hold(st);
	r = hold < 0 ? hold : artifact_manifest(st, files, n, &add, &text, &f->artifact_type);
	if (r < 0)
		return r;
	f->media_type = xstrdup(MEDIA_OCI_MANIFEST);
	f->digest = digest_sha256_of(text.s, text.len);
	f->size = text.len;
	f->artifact = sbuf_steal(&text);
	return list_put_entries(st, name, &found, &s->words, ret_id);
}

int list_subject(struct store *st, const char *typed, const struct list_source *s, char ret_id[65])
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO_JSON struct json_object *about = NULL;
	AUTO_CLOSE int lock = -EBADF;
	AUTO_FREE char *name = NULL;
	int r = list_name_of(st, typed, &name);

	if (r == 0)
		r = subject_of(st, s, &about);
	if (r < 0)
		return r;
	lock = list_store_lock(st);
	r = lock < 0 ? lock : list_store_load(st, name, &rec);
	if (r < 0)
		return r;
	json_set(rec.index, "subject", json_object_get(about));
	memcpy(ret_id, rec.id, sizeof(rec.id));
	return list_store_put(st, &rec, false);
}

/* Files of artifacts that were this list's alone. What they leave behind takes room and nothing else. */
static void sweep(struct store *st)
{
	if (artifact_store_sweep(st) < 0)
		err_drop();
}

/* With the lock held: the list to change, and which of its entries. */
static int open_entry(struct store *st, const char *typed, const char *entry,
		      struct list_record *rec, int *ret_at)
{
	AUTO_FREE char *digest = NULL;
	int r = list_find(st, typed, rec);

	if (r < 0 || !entry)
		return r;
	r = found_digest(st, entry, &digest);
	if (r < 0)
		return r;
	*ret_at = entry_at(rec, digest);
	return *ret_at >= 0 ? 0 : err_new(-CE_NO_OBJECT, "%s has no entry %s", rec->name, entry);
}

int list_annotate(struct store *st, const char *typed, const char *entry,
		  const struct list_words *w, char ret_id[65])
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO_CLOSE int lock = list_store_lock(st);
	int at = -1, r = lock < 0 ? lock : check_annotations(&w->annotations);

	if (r == 0)
		r = open_entry(st, typed, entry, &rec, &at);
	if (r < 0)
		return r;
	if (entry)
		set_words(json_object_array_get_idx(entries_of(&rec), (size_t)at), w);
	else
		set_annotations(rec.index, &w->annotations);
	memcpy(ret_id, rec.id, sizeof(rec.id));
	return list_store_put(st, &rec, false);
}

int list_drop(struct store *st, const char *typed, const char *digest, char ret_id[65])
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO_CLOSE int lock = list_store_lock(st);
	AUTO_STRV struct strv artifacts = STRV_INIT;
	struct json_object *entry;
	const char *exact = NULL;
	int at = -1, r = lock < 0 ? lock : open_entry(st, typed, digest, &rec, &at);

	if (r < 0)
		return r;
	entry = json_object_array_get_idx(entries_of(&rec), (size_t)at);
	r = json_get_str(entry, "digest", &exact);
	if (r < 0)
		return r;
	list_record_artifacts(&rec, &artifacts);
	json_object_object_del(rec.instances, exact);
	(void)json_object_array_del_idx(entries_of(&rec), (size_t)at, 1);
	memcpy(ret_id, rec.id, sizeof(rec.id));
	r = list_store_put(st, &rec, false);
	if (r == 0 && artifacts.n)
		sweep(st);
	return r;
}

int list_remove(struct store *st, const char *typed, struct list_record *ret)
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO_CLOSE int lock = list_store_lock(st);
	AUTO_STRV struct strv artifacts = STRV_INIT;
	int r = lock < 0 ? lock : list_find(st, typed, &rec);

	if (r == 0)
		r = list_store_remove(st, rec.name);
	if (r < 0)
		return r;
	list_record_artifacts(&rec, &artifacts);
	if (artifacts.n)
		sweep(st);
	*ret = rec;
	rec = (struct list_record){0};
	return 0;
}

bool list_is(struct store *st, const char *typed)
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO_FREE char *trail = xstrdup(err_trail());
	bool is = list_find(st, typed, &rec) == 0;

	err_drop();
	if (*trail)
		(void)err_set(-CE_NO_IMAGE, trail);
	return is;
}

/* --- using ------------------------------------------------------------------------------------- */

int list_push(struct store *st, const char *typed, const char *destination,
	      const struct list_push_options *o)
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	AUTO_FREE char *to = NULL;
	AUTO_FREE char *mount_from = o->mount_from && o->mount_from->n
					     ? strv_join(o->mount_from, ",")
					     : NULL;
	struct transfer_push_list p = {.all = o->all,
				       .mount_from = mount_from,
				       .add_compression = o->add_compression,
				       .form = o->form,
				       .access = o->access,
				       .sign = push_sign(&o->sign)};
	int r = list_find(st, typed, &rec);

	if (r == 0)
		r = push_destination(destination, typed, rec.name, &to);
	if (r < 0)
		return r;
	p.list = rec.name;
	p.destination = to;
	transfer_push_list_put(&body, &p);
	r = push_signed(st, TRANSFER_PUSH_LIST, &body, NULL, 0, to, &o->sign, o->report);
	explicit_bzero(body.s, body.len);
	return r;
}

static int entry_of(struct store *st, const char *typed, const char *platform,
		    struct found_manifest *ret)
{
	AUTO(list_record_done) struct list_record rec = {0};
	int r = list_find(st, typed, &rec);

	return r < 0 ? r : found_in_list(&rec, platform, ret);
}

int list_choose(struct store *st, const char *typed, const char *platform, char ret_id[65],
		char **ret_remote, bool *ret_insecure)
{
	AUTO(found_manifest_done) struct found_manifest f = {0};
	int r = entry_of(st, typed, platform, &f);

	if (r < 0)
		return r;
	(void)snprintf(ret_id, 65, "%s", f.image ? f.image : "");
	*ret_remote = f.image ? NULL : xasprintf("%s@%s", f.source, f.digest);
	*ret_insecure = f.insecure;
	return 0;
}

int list_entry_of(struct store *st, const char *typed, const char *platform, char ret_id[65],
		  char **ret_digest)
{
	AUTO(found_manifest_done) struct found_manifest f = {0};
	int r = entry_of(st, typed, platform, &f);

	if (r < 0)
		return r;
	ret_id[0] = '\0';
	if (f.image)
		(void)snprintf(ret_id, 65, "%s", f.image);
	*ret_digest = TAKE_PTR(f.digest);
	return 0;
}
