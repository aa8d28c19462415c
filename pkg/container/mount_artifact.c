/* SPDX-License-Identifier: MIT */
#include "pkg/container/mount_artifact.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/mounts.h"
#include "pkg/image/artifact.h"

struct words {
	const char *source, *target, *digest, *title, *name;
};

bool mount_is_artifact(const char *spec)
{
	AUTO_STRV struct strv parts = STRV_INIT;

	(void)strv_split_csv(&parts, spec);
	return strv_has(&parts, "type=artifact");
}

static int read_words(const char *spec, struct strv *parts, struct words *w)
{
	const struct {
		const char *key;
		const char **to;
	} keys[] = {
		{"src", &w->source},	  {"source", &w->source}, {"dst", &w->target},
		{"dest", &w->target},	  {"target", &w->target}, {"destination", &w->target},
		{"digest", &w->digest},	  {"title", &w->title},	  {"name", &w->name},
	};

	if (!strv_split_csv(parts, spec))
		return err_usage("mount '%s': a quote is not closed", spec);
	for (size_t i = 0; i < parts->n; i++) {
		char *eq = strchr(parts->v[i], '=');
		bool known = strcmp(parts->v[i], "type=artifact") == 0 ||
			     strcmp(parts->v[i], "ro") == 0 || strcmp(parts->v[i], "ro=true") == 0 ||
			     strcmp(parts->v[i], "readonly") == 0 ||
			     strcmp(parts->v[i], "readonly=true") == 0;

		for (size_t k = 0; eq && !known && k < ARRAY_LEN(keys); k++) {
			size_t n = (size_t)(eq - parts->v[i]);

			if (strlen(keys[k].key) != n || strncmp(keys[k].key, parts->v[i], n) != 0)
				continue;
			*keys[k].to = eq + 1;
			known = true;
		}
		if (!known)
			return err_usage("mount '%s': '%s' is unknown here; an artifact is "
					 "read-only and has src, dst, digest, title and name",
					 spec, parts->v[i]);
	}
	if (!w->source || !*w->source)
		return err_usage("mount '%s': no source; add src=ARTIFACT", spec);
	if (!w->target || *w->target != '/')
		return err_usage("mount '%s': no destination; add dst=PATH", spec);
	if (w->name && (!*w->name || strchr(w->name, '/') || *w->name == '.'))
		return err_usage("mount '%s': '%s' is not the name of a file", spec, w->name);
	return 0;
}

static int bind_one(struct container_record *r, const char *path, const char *target)
{
	AUTO_FREE char *bind = NULL;

	if (strchr(path, ',') || strchr(target, ','))
		return err_new(-CE_UNSUPPORTED, "'%s': a comma in the name of a file that is mounted is",
			       strchr(path, ',') ? path : target);
	bind = xasprintf("type=bind,src=%s,dst=%s,ro,nosuid,nodev", path, target);
	return mounts_add_mount(r, bind);
}

int mounts_add_artifact(struct store *st, struct container_record *r, const char *spec)
{
	AUTO_STRV struct strv parts = STRV_INIT, paths = STRV_INIT, names = STRV_INIT;
	struct words w = {0};
	struct artifact_pick pick;
	int rc = read_words(spec, &parts, &w);
	bool below;

	if (rc < 0)
		return rc;
	pick = (struct artifact_pick){.digest = w.digest, .title = w.title};
	rc = artifact_files(st, w.source, &pick, &paths, &names);
	if (rc < 0)
		return err_wrap(rc, "mount '%s'", spec);
	below = paths.n > 1 || w.name || w.target[strlen(w.target) - 1] == '/';
	for (size_t i = 0; rc == 0 && i < paths.n; i++) {
		AUTO_FREE char *name = !w.name	      ? xstrdup(names.v[i])
				       : paths.n == 1 ? xstrdup(w.name)
						      : xasprintf("%s-%zu", w.name, i);
		AUTO_FREE char *target = below ? xasprintf("%s/%s", w.target, name)
					       : xstrdup(w.target);

		rc = bind_one(r, paths.v[i], target);
	}
	return rc;
}
