/* SPDX-License-Identifier: MIT */
/* Services as files, and the links by which systemd finds them enabled. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/sys/file.h"
#include "pkg/unit/convert.h"

/* One component of a path. */
static bool is_name(const char *s)
{
	return *s && *s != '.' && !strchr(s, '/') && strlen(s) <= 240;
}

static int put_link(int dir, const char *target, const char *name)
{
	if (symlinkat(target, dir, name) == 0)
		return 0;
	if (errno != EEXIST || unlinkat(dir, name, 0) < 0 || symlinkat(target, dir, name) < 0)
		return err_new(-errno, "make the link %s", name);
	return 0;
}

/* "default.target.wants/web.service" -> "../web.service". Most often the directory is there from the unit before. */
static int put_want(int dir, const char *unit, const char *ending, const char *service,
		    const char *name)
{
	AUTO_FREE char *sub = xasprintf("%s.%s", unit, ending),
		       *link = xasprintf("%s/%s", sub, name), *target = xasprintf("../%s", service);

	if (symlinkat(target, dir, link) == 0)
		return 0;
	if (errno == ENOENT && mkdirat(dir, sub, 0755) < 0 && errno != EEXIST)
		return err_new(-errno, "make %s", sub);
	return put_link(dir, target, link);
}

static int install_key(int dir, const struct quadlet *q, const char *key, const char *ending,
		       const char *service)
{
	const struct unit_line *l = NULL,
			       *instance = unit_file_last(&q->in, "Install", "DefaultInstance");
	const char *at = strchr(service, '@');
	AUTO_FREE char *name = xstrdup(service);
	int r = 0;

	if (at && at[1] == '.') { /* a template: only its default instance can be wanted */
		if (!instance)
			return 0;
		free(name);
		name = xasprintf("%.*s%s%s", (int)(at + 1 - service), service, instance->value,
				 at + 1);
	}
	while (r == 0 && (l = unit_file_next(&q->in, "Install", key, l))) {
		AUTO_STRV struct strv words = STRV_INIT;

		r = convert_words(l, &words);
		for (size_t i = 0; r == 0 && i < words.n; i++) {
			if (!is_name(words.v[i]))
				return err_new(-CE_BAD_FORMAT, "%s: %s=%s: '%s' is no unit's name",
					       l->where, key, l->value, words.v[i]);
			r = ending ? put_want(dir, words.v[i], ending, service, name)
				   : put_link(dir, service, words.v[i]);
		}
	}
	return r;
}

int quadlet_write(int dir, const struct quadlet *q, const struct unit_file *service)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_FREE char *name = xasprintf("%s.service", q->service);
	int r;

	if (!is_name(name))
		return err_new(-CE_BAD_FORMAT, "%s: '%s' is no unit's name", q->path, name);
	sbuf_addf(&text, "# Made by cuddy of %s: change that file, not this one.\n", q->path);
	unit_file_write(service, &text);
	r = file_replace(dir, name, text.s, text.len, 0644, FILE_NO_SYNC);
	if (r == 0)
		r = install_key(dir, q, "Alias", NULL, name);
	if (r == 0)
		r = install_key(dir, q, "WantedBy", "wants", name);
	if (r == 0)
		r = install_key(dir, q, "RequiredBy", "requires", name);
	if (r == 0)
		r = install_key(dir, q, "UpheldBy", "upholds", name);
	return r;
}
