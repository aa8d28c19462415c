/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/config/registries.h"
#include "pkg/image/following.h"
#include "pkg/image/image.h"
#include "pkg/image/load.h"
#include "pkg/image/manifest_list.h"
#include "pkg/image/platform.h"
#include "pkg/image/transfer_client.h"
#include "pkg/image/transport.h"
#include "pkg/json/json.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/file.h"
#include "storage/event.h"
#include "storage/layer.h"
#include "storage/stage.h"

/* Remembers the last image. */
struct pulled {
	struct following follow;
	char *id;
	char *digest; /* DIGEST_TEXT_MAX bytes for what the tag stands for, or NULL */
};

static void on_image(struct following *follow, const char *reference, const char *id)
{
	struct pulled *p = (void *)follow;
	const char *at = reference ? strchr(reference, '@') : NULL;

	if (!*id) { /* it only tells what the tag stands for */
		if (p->digest && at && digest_is_valid(at + 1))
			(void)snprintf(p->digest, DIGEST_TEXT_MAX, "%s", at + 1);
		return;
	}
	following_pass_image(follow, reference, id);
	freep(&p->id);
	p->id = xstrdup(id);
}

/* A list that was made here, unless an image has its name; -CE_NO_LIST (no trail) else. */
static int pull_of_list(struct store *st, const char *name, const struct pull_options *o,
			char ret_id[65])
{
	struct pull_options there = *o;
	AUTO_FREE char *remote = NULL, *matched = NULL;
	bool insecure = false;
	int r = image_resolve_strict(st, name, ret_id, &matched);

	if (r == 0)
		return -CE_NO_LIST;
	err_drop();
	if (strncmp(name, "docker://", 9) == 0 || o->all_tags)
		return -CE_NO_LIST;
	r = list_choose(st, name, o->platform, ret_id, &remote, &insecure);
	if (r == -CE_NO_LIST || r == -CE_USAGE)
		err_drop();
	if (r < 0)
		return r == -CE_USAGE ? -CE_NO_LIST : r;
	if (!remote)
		return 0;
	if (insecure)
		there.access.tls_verify = 0;
	return image_pull(st, remote, &there, ret_id);
}

/*
 * A short name that several registries may have, and somebody to ask: what it means is chosen once, and
 * remembered when it could be pulled. @ret_full NULL: nothing to choose.
 */
static int choose(struct store *st, const char *typed, const struct pull_options *o,
		  char **ret_path, char **ret_name, char **ret_full)
{
	AUTO(registries_done) struct registries conf = {0};
	AUTO(reference_done) struct reference ref = {0};
	AUTO_STRV struct strv names = STRV_INIT, shown = STRV_INIT;
	int r;

	if (!o->report || !o->report->choose || strncmp(typed, "docker://", 9) == 0)
		return 0;
	if (reference_parse(typed, &ref) < 0) {
		err_drop(); /* whoever pulls says it */
		return 0;
	}
	r = ref.host || list_is(st, typed) ? 0 : registries_load(&conf);
	if (r < 0 || ref.host || conf.disabled || conf.search.n < 2)
		return r;
	registries_candidates(&conf, ref.path, &names);
	if (names.n < 2)
		return 0;
	for (size_t i = 0; i < names.n; i++)
		strv_addf(&shown, "%s%s%s", names.v[i], ref.digest ? "@" : ":",
			  ref.digest ? ref.digest
			  : ref.tag  ? ref.tag
				     : "latest");
	r = o->report->choose(o->report->data, typed, &shown);
	if (r < 0 || (size_t)r >= names.n)
		return r < 0 ? r : err_new(-CE_AMBIGUOUS, "%s", typed);
	*ret_full = xstrdup(o->all_tags ? names.v[r] : shown.v[r]);
	*ret_name = xstrdup(names.v[r]);
	*ret_path = xstrdup(ref.path);
	return 0;
}

/* With what is being reported. */
static void tell_failure(int dir, const char *name)
{
	AUTO_JSON struct json_object *o = json_object_new_object();
	AUTO_SBUF struct sbuf body = SBUF_INIT;

	json_set_str(o, "Name", name);
	json_set_str(o, "Error", err_trail());
	json_write_members(o, &body);
	event_write(dir, "image", "pull-error", NULL, NULL, body.s, NULL);
}

static int pull_named(struct store *st, const char *name, const struct pull_options *o,
		      char ret_id[65])
{
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	const bool told = o->tag_digest && *o->tag_digest;
	struct pulled f = {.digest = told ? NULL : o->tag_digest};
	struct transfer_pull p = {.name = name,
				  .all_tags = o->all_tags,
				  .look = o->look,
				  .access = o->access,
				  .platform = o->platform,
				  .policy = o->signature_policy,
				  .tag_digest = told ? o->tag_digest : NULL,
				  .tell_digest = f.digest != NULL};
	struct event_pending event = {.fd = -EBADF};
	int r, dir = store_runtime_fd(st);

	ret_id[0] = '\0';
	r = pull_of_list(st, name, o, ret_id);
	if (r != -CE_NO_LIST)
		return r;
	/* What comes is not known yet: with what is there the line can be told afterwards. */
	if (!o->look && !o->all_tags)
		event_begin_named(dir, "image", "pull", ret_id, name, &event);
	transfer_pull_put(&body, &p);
	following_init(&f.follow, o->report, on_image);
	r = transfer_run(st, TRANSFER_PULL, &body, NULL, 0, &f.follow.h);
	explicit_bzero(body.s, body.len);
	if (r == 0 && (!f.id || strlen(f.id) != 64))
		r = err_new(-CE_NO_IMAGE, "nothing was pulled");
	if (r == 0)
		memcpy(ret_id, f.id, 65);
	crash_point("image-pulled");
	if (r == 0 && !o->look)
		event_named(dir, "image", "pull", ret_id, name);
	event_over(dir, &event);
	if (r < 0 && !o->look)
		tell_failure(dir, name);
	freep(&f.id);
	return r < 0 ? err_wrap(r, "pull %s", name) : 0;
}

/* Out of a file or directory, which is opened with the rights of the caller. */
static int pull_from_file(struct store *st, const struct transport *t, const struct pull_options *o,
			  char ret_id[65])
{
	/* Of a layout one image: without an entry the only one, or that of the platform. */
	const char *entry = t->entry ? t->entry : t->kind == TRANSPORT_DOCKER_ARCHIVE ? NULL : "";
	const struct transfer_load l = {
		.entry = entry, .platform = o->platform, .policy = o->signature_policy};
	struct pulled f = {.id = NULL};
	AUTO_CLOSE int fd = open(t->path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	int r;

	following_init(&f.follow, o->report, on_image);
	r = fd < 0 ? err_new(-errno, "open %s", t->path) : image_load(st, fd, &l, &f.follow.h);
	if (r == 0 && (!f.id || strlen(f.id) != 64))
		r = err_new(-CE_NO_IMAGE, "there is none in it");
	if (r == 0)
		memcpy(ret_id, f.id, 65);
	freep(&f.id);
	return r;
}

static int pull_place(struct store *st, const char *name, const struct pull_options *o,
		      char ret_id[65])
{
	AUTO(transport_done) struct transport t = {0};
	AUTO_FREE char *matched = NULL;
	int r = o->all_tags ? err_usage("--all-tags is for registries") : 0;

	if (r == 0)
		r = transport_parse(name, &t);
	if (r == 0)
		r = t.kind == TRANSPORT_STORE ? image_resolve(st, t.path, ret_id, &matched)
					      : pull_from_file(st, &t, o, ret_id);
	if (r == 0 && t.kind != TRANSPORT_STORE)
		event_named(store_runtime_fd(st), "image", "pull", ret_id, name);
	return r < 0 ? err_wrap(r, "pull %s", name) : 0;
}

int image_pull(struct store *st, const char *name, const struct pull_options *o, char ret_id[65])
{
	AUTO_FREE char *path = NULL, *meant = NULL, *full = NULL;
	int r;

	if (transport_is_place(name))
		return pull_place(st, name, o, ret_id);
	r = choose(st, name, o, &path, &meant, &full);

	if (r == 0)
		r = pull_named(st, full ? full : name, o, ret_id);
	if (r < 0 || !full || o->look)
		return r;
	/* The image is there: a home that takes no files is worth a word, not a failure. */
	r = short_names_remember(path, meant);
	if (r < 0 && o->report->message)
		o->report->message(o->report->data, true, err_message(r));
	err_drop();
	return 0;
}

int image_part(struct store *st, const char *name, const struct strv *layers,
	       const struct pull_options *o, struct sbuf *ret_config)
{
	const struct transfer_handler quiet = {0};
	AUTO_CLOSE int config = memfd_create("config", MFD_CLOEXEC);
	AUTO_FREE char *part = strv_join(layers, ",");
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	const struct transfer_pull p = {.name = name,
					.part = part,
					.access = o->access,
					.platform = o->platform,
					.policy = o->signature_policy};
	int r;

	if (config < 0)
		return err_new(-errno, "memfd_create");
	transfer_pull_put(&body, &p);
	r = transfer_run(st, TRANSFER_PULL, &body, &config, 1, &quiet);
	explicit_bzero(body.s, body.len);
	if (r == 0 && lseek(config, 0, SEEK_SET) == 0)
		r = file_read_fd(config, MANIFEST_BYTES_MAX, ret_config);
	return r < 0 ? err_wrap(r, "%s", name) : 0;
}

/* Never to be pulled: of a list that is here, an image that is here will do. */
static int image_of_list(struct store *st, const char *name, const struct pull_options *o,
			 int without, struct image_record **ret, char **ret_name)
{
	AUTO_FREE char *remote = NULL, *words = xstrdup(err_trail());
	bool insecure;
	char id[65];

	err_drop();
	if (list_choose(st, name, o->platform, id, &remote, &insecure) == 0 && !remote)
		return image_find(st, id, ret, ret_name);
	return err_set(without, words);
}

static int find_as(struct store *st, const char *name, const struct pull_options *o,
		   struct image_record **ret, char **ret_name)
{
	return o->strict ? image_find_strict(st, name, ret, ret_name)
			 : image_find(st, name, ret, ret_name);
}

/* One that is here, for the platform that is wanted; else as if it were not here. */
static int find_here(struct store *st, const char *name, const struct pull_options *o,
		     struct image_record **ret, char **ret_name)
{
	AUTO(platform_done) struct platform want = {0};
	AUTO_FREE char *is_for = NULL;
	int r = o->platform ? platform_parse(o->platform, &want) : 0;

	if (r == 0)
		r = find_as(st, name, o, ret, ret_name);
	if (r < 0 || !o->platform || image_fits_platform(*ret, o->platform, &is_for))
		return r;
	image_record_free(*ret);
	*ret = NULL;
	if (ret_name)
		freep(ret_name);
	return err_new(-CE_NO_IMAGE, "%s is here for %s and not for %s", name, is_for,
		       o->platform);
}

/* Pulled, and not yet on the disk when the machine went down: by its name it can be had again. */
static bool is_to_be_had_again(struct store *st, const struct pull_options *o,
			       const struct image_record *rec, const char *name)
{
	return o->policy != PULL_NEVER && name && layers_are_lost(st, &rec->diffids);
}

int image_ensure(struct store *st, const char *name, const struct pull_options *o,
		 struct image_record **ret, char **ret_name)
{
	AUTO_FREE char *own_name = NULL;
	int found = -CE_NO_IMAGE, r;
	bool again = false;
	const char *here = strncmp(name, "docker://", 9) == 0 ? name + 9 : name;
	char id[65];

	if (!ret_name)
		ret_name = &own_name;

	if (transport_is_place(name)) {
		/* "dir:latest" may be an image that is here. */
		if (o->policy != PULL_ALWAYS && find_as(st, name, o, ret, ret_name) == 0)
			return 0;
		err_drop();
		if (o->policy == PULL_NEVER)
			return err_new(-CE_NO_IMAGE, "%s is not to be read (--pull never)", name);
		r = image_pull(st, name, o, id);
		return r < 0 ? r : image_find(st, id, ret, ret_name);
	}
	if (o->policy != PULL_ALWAYS) {
		found = find_here(st, here, o, ret, ret_name);
		again = found == 0 && is_to_be_had_again(st, o, *ret, *ret_name);
		if (found != -CE_NO_IMAGE && (found < 0 || (o->policy != PULL_NEWER && !again)))
			return found;
		if (found < 0 && o->policy == PULL_NEVER)
			return image_of_list(st, here, o, found, ret, ret_name);
	}
	err_drop();
	r = image_pull(st, again ? *ret_name : name, o, id);
	if (r < 0 && again)
		return err_wrap(r,
				"%s was not on the disk when the machine went down, and could "
				"not be pulled again",
				*ret_name);
	if (r < 0) {
		/* "newer" is content with what is here when nothing can be had. */
		if (found == 0 && r != -CE_INTERRUPTED) {
			err_drop();
			return 0;
		}
		return r;
	}
	if (found == 0) {
		image_record_free(*ret);
		*ret = NULL;
		if (ret_name)
			freep(ret_name);
	}
	r = image_find_strict(st, here, ret, ret_name);
	if (r == -CE_NO_IMAGE) { /* a short name that an alias sent elsewhere */
		err_drop();
		r = image_find(st, id, ret, ret_name);
	}
	return r;
}
