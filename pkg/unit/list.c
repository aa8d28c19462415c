/* SPDX-License-Identifier: MIT */
#include "pkg/unit/list.h"

#include <fnmatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/cli/filter.h"
#include "pkg/json/json.h"
#include "pkg/unit/installed.h"
#include "pkg/unit/systemctl.h"

/* "active/running" by unit, asked for all at once but templates, which systemd has by their instances only. */
static int states(const struct quadlet_set *all, struct strv *ret)
{
	const char **words = xcalloc(all->n + 4, sizeof(*words));
	AUTO_STRV struct strv units = STRV_INIT, lines = STRV_INIT;
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	char *load = NULL, *active = NULL;
	int r;

	words[0] = "show";
	words[1] = "--property=LoadState,ActiveState,SubState";
	for (size_t i = 0; i < all->n; i++)
		if (!quadlet_is_template(&all->v[i]))
			strv_addf(&units, "%s.service", all->v[i].service);
	for (size_t i = 0; i < units.n; i++)
		words[2 + i] = units.v[i];
	r = units.n ? systemctl_run(words, &out) : 0;
	free(words);
	if (r)
		return r < 0 ? r
			     : err_new(-CE_HOST_SETUP, "systemctl --user show ended with %d", r);
	strv_split(&lines, out.len ? out.s : "", '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *l = lines.v[i];

		if (!strncmp(l, "LoadState=", 10))
			load = l + 10;
		else if (!strncmp(l, "ActiveState=", 12))
			active = l + 12;
		else if (!strncmp(l, "SubState=", 9) && load && active) {
			strv_addf(ret, "%s%s%s", strcmp(load, "loaded") ? "Not loaded" : active,
				  strcmp(load, "loaded") ? "" : "/",
				  strcmp(load, "loaded") ? "" : l + 9);
			load = active = NULL;
		}
	}
	return 0;
}

static int matches(const struct quadlet *q, const char *status, const struct strv *filters)
{
	for (size_t i = 0; i < filters->n; i++) {
		const char *value;
		AUTO_FREE char *key = filter_split(filters->v[i], &value);

		if (key && !strcmp(key, "name")) {
			if (fnmatch(value, q->file, 0) != 0)
				return 0;
		} else if (key && !strcmp(key, "status")) {
			if (strcmp(value, status) != 0)
				return 0;
		} else {
			return err_usage("--filter '%s': name=PATTERN or status=STATUS",
					 filters->v[i]);
		}
	}
	return 1;
}

int quadlet_rows(const struct quadlet_set *all, const struct strv *filters,
		 struct json_object **ret)
{
	AUTO_JSON struct json_object *rows = json_object_new_array();
	AUTO_STRV struct strv status = STRV_INIT;
	size_t next = 0;
	int r = 0;

	if (all->n && systemctl_is_there())
		r = states(all, &status);
	for (size_t i = 0; r >= 0 && i < all->n; i++) {
		const struct quadlet *q = &all->v[i];
		size_t at = quadlet_is_template(q) ? SIZE_MAX : next++;
		const char *s = q->error        ? "Not usable"
				: at < status.n ? status.v[at]
						: "Not loaded";
		AUTO_FREE char *unit = xasprintf("%s.service", q->service);
		AUTO_FREE char *application = installed_application(q);
		const struct unit_line *pod = unit_file_last(&q->in, "Container", "Pod");
		struct json_object *o;

		r = matches(q, s, filters);
		if (r <= 0)
			continue;
		o = json_object_new_object();
		json_set_str(o, "Name", q->file);
		json_set_str(o, "UnitName", unit);
		json_set_str(o, "Path", q->path);
		json_set_str(o, "Status", s);
		json_set_str(o, "App", application ? application : "");
		json_set_str(o, "Pod", pod ? pod->value : "");
		(void)json_object_array_add(rows, o);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(rows);
	return 0;
}
