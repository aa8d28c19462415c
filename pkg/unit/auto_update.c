/* SPDX-License-Identifier: MIT */
#include "pkg/unit/auto_update.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/container/list.h"
#include "pkg/image/image.h"
#include "pkg/image/tag.h"
#include "pkg/json/json.h"
#include "pkg/unit/systemctl.h"
#include "storage/event.h"

#define LABEL "io.containers.autoupdate"
#define LABEL_AUTHFILE LABEL ".authfile"
#define LABEL_UNIT "PODMAN_SYSTEMD_UNIT"

enum policy { POLICY_NONE, POLICY_REGISTRY, POLICY_LOCAL };

/* One container that follows its image. */
struct follower {
	char *id, *name, *unit, *image, *image_id, *authfile;
	enum policy policy;
	char new_id[65];
	const char *updated;
};

struct followers {
	struct follower *v;
	size_t n;
};

static void followers_done(struct followers *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct follower *w = &f->v[i];

		free(w->id);
		free(w->name);
		free(w->unit);
		free(w->image);
		free(w->image_id);
		free(w->authfile);
	}
	free(f->v);
}

static int policy_of(const char *s, enum policy *ret)
{
	*ret = POLICY_NONE;
	if (!s || !*s || !strcmp(s, "disabled"))
		return 0;
	if (!strcmp(s, "registry") || !strcmp(s, "image"))
		*ret = POLICY_REGISTRY;
	else if (!strcmp(s, "local"))
		*ret = POLICY_LOCAL;
	else
		return err_new(-CE_BAD_FORMAT,
			       "the label " LABEL "=%s: registry, local or disabled", s);
	return 0;
}

/* Which containers follow: those that a unit started and that ask for it. */
static int consider(struct store *st, const char *id, struct followers *all)
{
	AUTO(container_done) struct container c = {0};
	const char *unit, *authfile;
	enum policy policy;
	int r = container_open_id(st, id, &c);

	if (r < 0)
		return r;
	r = policy_of(strv_env_get(&c.rec->labels, LABEL), &policy);
	if (r < 0 || policy == POLICY_NONE)
		return r < 0 ? err_wrap(r, "container %s", c.rec->name) : 0;
	unit = strv_env_get(&c.rec->labels, LABEL_UNIT);
	if (!unit || !*unit)
		return err_new(-CE_BAD_STATE,
			       "container %s: no unit of systemd started it, so none can be "
			       "restarted (it has no label " LABEL_UNIT ")",
			       c.rec->name);
	authfile = strv_env_get(&c.rec->labels, LABEL_AUTHFILE);
	all->v = xreallocarray(all->v, all->n + 1, sizeof(*all->v));
	all->v[all->n++] = (struct follower){.id = xstrdup(id),
					     .name = xstrdup(c.rec->name),
					     .unit = xstrdup(unit),
					     .image = xstrdup(c.rec->image),
					     .image_id = xstrdup(c.rec->image_id),
					     .authfile = authfile ? xstrdup(authfile) : NULL,
					     .policy = policy,
					     .updated = "false"};
	return 0;
}

static void failed(struct strv *errors, int r)
{
	strv_add(errors, err_message(r));
	err_drop();
}

static int collect(struct store *st, struct followers *all, struct strv *errors)
{
	AUTO_STRV struct strv filters = STRV_INIT, ids = STRV_INIT;
	int r;

	strv_add(&filters, "label=" LABEL);
	r = container_select(st, &filters, true, &ids);
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		int one = consider(st, ids.v[i], all);

		if (one < 0)
			failed(errors, one);
	}
	return r;
}

/* Which image the name means now: in its registry, or here. With a registry it is pulled, unless we only look. */
static int newest(struct store *st, const struct auto_update *o, struct follower *f)
{
	struct pull_options p = {.policy = PULL_ALWAYS,
				 .look = true,
				 .access = {.tls_verify = o->tls_verify,
					    .authfile = o->authfile ? o->authfile : f->authfile,
					    .retries = 3,
					    .retry_delay_s = 2},
				 .report = o->report};
	int r;

	if (f->policy == POLICY_LOCAL) {
		AUTO_FREE char *name = NULL;

		return image_resolve(st, f->image, f->new_id, &name);
	}
	if (strchr(f->image, '@'))
		return err_new(-CE_USAGE, "%s names one image for good; to follow needs a tag",
			       f->image);
	/* Only its manifest and config are asked for when it is the one that we run. */
	r = image_pull(st, f->image, &p, f->new_id);
	if (r < 0 || o->dry_run || !strcmp(f->new_id, f->image_id))
		return r;
	p.look = false;
	return image_pull(st, f->image, &p, f->new_id);
}

static int restart(const char *unit)
{
	const char *const words[] = {"restart", unit, NULL};
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	int r = systemctl_run(words, &out);

	return r <= 0 ? r : err_new(-CE_BAD_STATE, "%s did not start with the new image", unit);
}

/* All of @unit's containers that changed, marked. */
static void mark(struct followers *all, const char *unit, const char *updated)
{
	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->v[i].unit, unit) && strcmp(all->v[i].updated, "false") != 0)
			all->v[i].updated = updated;
}

static int roll_back(struct store *st, struct followers *all, const char *unit)
{
	for (size_t i = 0; i < all->n; i++) {
		struct follower *f = &all->v[i];
		AUTO_STRV struct strv names = STRV_INIT;
		int r;

		if (strcmp(f->unit, unit) != 0 || !strcmp(f->updated, "false"))
			continue;
		strv_add(&names, f->image);
		r = image_tag(st, f->image_id, &names);
		if (r < 0)
			return err_wrap(r, "%s: give the old image its name back", unit);
	}
	return restart(unit);
}

static void update_unit(struct store *st, const struct auto_update *o, struct followers *all,
			const char *unit, struct strv *errors)
{
	int r = restart(unit);

	mark(all, unit, r == 0 ? "true" : "failed");
	if (r == 0)
		return;
	failed(errors, r);
	if (!o->rollback)
		return;
	r = roll_back(st, all, unit);
	mark(all, unit, r == 0 ? "rolled back" : "failed");
	if (r < 0)
		failed(errors, err_wrap(r, "roll back"));
}

static struct json_object *row_of(const struct follower *f)
{
	struct json_object *o = json_object_new_object();
	AUTO_FREE char *container = xasprintf("%.12s (%s)", f->id, f->name);

	json_set_str(o, "Unit", f->unit);
	json_set_str(o, "Container", container);
	json_set_str(o, "ContainerID", f->id);
	json_set_str(o, "ContainerName", f->name);
	json_set_str(o, "Image", f->image);
	json_set_str(o, "Policy", f->policy == POLICY_LOCAL ? "local" : "registry");
	json_set_str(o, "Updated", f->updated);
	return o;
}

int auto_update(struct store *st, const struct auto_update *o, struct json_object **ret,
		struct strv *ret_errors)
{
	AUTO(followers_done) struct followers all = {0};
	int r = collect(st, &all, ret_errors);

	if (r < 0)
		return r;
	event_named(store_runtime_fd(st), "system", "auto-update", "", "");
	for (size_t i = 0; i < all.n; i++) {
		struct follower *f = &all.v[i];

		r = newest(st, o, f);
		if (r == -CE_INTERRUPTED)
			return r;
		if (r < 0)
			failed(ret_errors, err_wrap(r, "container %s", f->name));
		if (r < 0)
			f->updated = "failed";
		else if (strcmp(f->new_id, f->image_id) != 0)
			f->updated = "pending";
	}
	/* The pod of a unit, or all its containers, restart once. */
	for (size_t i = 0; !o->dry_run && i < all.n; i++)
		if (!strcmp(all.v[i].updated, "pending"))
			update_unit(st, o, &all, all.v[i].unit, ret_errors);
	*ret = json_object_new_array();
	for (size_t i = 0; i < all.n; i++)
		(void)json_object_array_add(*ret, row_of(&all.v[i]));
	return 0;
}
