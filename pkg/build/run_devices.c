/* SPDX-License-Identifier: MIT */
#include "pkg/build/run_devices.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/build/builder.h"

static int take_word(const char *w, struct run_device *d)
{
	if (strcmp(w, "required") == 0) {
		d->required = true;
		return 0;
	}
	if (strncmp(w, "required=", 9) == 0)
		return parse_bool(w + 9, &d->required) < 0 ? err_usage("'%s': true or false", w) : 0;
	if (d->name)
		return err_usage("'%s' is not required=true or =false", w);
	d->name = xstrdup(strncmp(w, "name=", 5) == 0 ? w + 5 : w);
	return 0;
}

int run_device_parse(const char *spec, struct run_device *ret)
{
	struct run_device d = {.name = NULL};
	AUTO_STRV struct strv words = STRV_INIT;
	const char *slash;
	int r = 0;

	strv_split(&words, spec, ',');
	for (size_t i = 0; r == 0 && i < words.n; i++)
		r = take_word(words.v[i], &d);
	slash = d.name ? strchr(d.name, '/') : NULL;
	if (r == 0 && (!slash || slash == d.name || !slash[1] || slash[1] == '=' || strchr(d.name, ':') ||
		       strcspn(d.name, "=") < (size_t)(slash - d.name)))
		r = err_usage("write VENDOR/CLASS=NAME, as CDI names devices; the option --device of build gives nodes "
			      "by path");
	if (r < 0) {
		run_device_done(&d);
		return err_wrap(r, "--device=%s", spec);
	}
	*ret = d;
	return 0;
}

void run_device_done(struct run_device *d)
{
	free(d->name);
	d->name = NULL;
}

/* By its own name, or by the one that the file has for it. */
static bool is_allowed(const struct build_options *o, const char *name, const char *wanted)
{
	return o->allow_all_devices || strv_has(&o->allow_devices, name) ||
	       strv_has(&o->allow_devices, wanted);
}

static int find_one(struct builder *b, struct op *o, const struct run_device *d)
{
	AUTO_STRV struct strv found = STRV_INIT, open = STRV_INIT;
	int r = cdi_find(&b->cdi, d->name, &found, &open);

	if (r == 0 && !found.n && d->required) {
		AUTO_FREE char *where = strv_join(&b->cdi.dirs, " and ");

		r = err_usage("no CDI specification in %s has such a device, which the command requires", where);
	}
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		const char *name = found.v[i];

		if (!strv_has(&open, name) && !is_allowed(b->o, name, d->name))
			r = err_usage("%s needs 'build --allow device=%s', which lets the command use that device of "
				      "this machine",
				      name, name);
		else if (!strv_has(&o->device_names, name) && !strv_has(&b->o->run.device, name))
			strv_add(&o->device_names, name);
	}
	return r < 0 ? err_wrap(r, "--device=%s", d->name) : 0;
}

int run_devices_find(struct builder *b, struct op *o)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < o->n_devices; i++)
		r = find_one(b, o, &o->devices[i]);
	return r;
}
