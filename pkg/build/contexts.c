/* SPDX-License-Identifier: MIT */
/* --build-context NAME=WHAT: further places that files and images come from, by a name of the user's. */
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/build/builder.h"
#include "pkg/build/source_judge.h"
#include "pkg/sys/file.h"

static const char *after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

static int read_rules(struct named_context *c)
{
	static const char *const names[] = {".containerignore", ".dockerignore"};
	int r = -ENOENT;

	c->ignore = ignore_new();
	for (size_t i = 0; r == -ENOENT && i < ARRAY_LEN(names); i++) {
		AUTO_SBUF struct sbuf text = SBUF_INIT;

		r = file_read_in(c->dir, names[i], IGNORE_FILE_MAX, &text);
		if (r == -ENOENT)
			err_drop();
		if (r == 0)
			r = ignore_parse(c->ignore, names[i], text.s, text.len);
	}
	return r == -ENOENT ? 0 : r;
}

static bool is_remote(const char *what)
{
	return after(what, "http://") || after(what, "https://") || after(what, "git://");
}

/* "DIRECTORY[:TAG|@DIGEST]"; a colon within the path's own parts is one of the path. */
static int open_layout(struct named_context *c, const char *what)
{
	AUTO_FREE char *path = xstrdup(what);
	char *slash = strrchr(path, '/'), *mark = strpbrk(slash ? slash : path, ":@");

	if (mark) {
		c->layout_tag = xstrdup(mark + (*mark == ':'));
		*mark = '\0';
	}
	c->layout = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->image = xasprintf("oci-layout://%s", what);
	return c->layout < 0 ? err_new(-errno, "%s", path) : 0;
}

static int fill(struct builder *b, struct named_context *c, const char *what)
{
	const char *image = after(what, "docker-image://");
	const char *stage = after(what, "target:");
	const char *layout = after(what, "oci-layout://");
	int r;

	if (!image)
		image = after(what, "container-image://");
	if (image) {
		c->image = xstrdup(image);
		return *image ? 0 : err_usage("the image has no name");
	}
	if (stage) {
		c->stage = xstrdup(stage);
		return *stage ? 0 : err_usage("the stage has no name");
	}
	if (layout)
		return open_layout(c, layout);
	if (is_remote(what)) {
		c->url = xstrdup(what);
		return 0;
	}
	if (strstr(what, "://"))
		return err_new(
			-CE_UNSUPPORTED,
			"%s: use a directory, docker-image://REFERENCE, oci-layout://DIRECTORY, "
			"target:STAGE, or a URL",
			what);
	r = judge_local(&b->policies, c->name);
	if (r < 0)
		return r;
	c->dir = open(what, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir < 0)
		return err_new(-errno, "%s", what);
	return read_rules(c);
}

static int add(struct builder *b, const char *spec)
{
	struct plan_context *pc = &b->pc;
	const char *eq = strchr(spec, '=');
	struct named_context *c;
	int r;

	if (!eq || eq == spec || !eq[1])
		return err_usage("'%s' is not NAME=DIRECTORY or NAME=docker-image://REFERENCE",
				 spec);
	b->contexts = xreallocarray(b->contexts, pc->n_contexts + 1, sizeof(*c));
	pc->contexts = b->contexts;
	c = &b->contexts[pc->n_contexts++];
	*c = (struct named_context){.name = xstrndup(spec, (size_t)(eq - spec)),
				    .dir = -EBADF,
				    .layout = -EBADF,
				    .stage_dir = {.tree_fd = -EBADF, .lock_fd = -EBADF}};
	for (unsigned i = 0; i + 1 < pc->n_contexts; i++)
		if (strcasecmp(b->contexts[i].name, c->name) == 0)
			return err_usage("%s is given twice", c->name);
	r = fill(b, c, eq + 1);
	return r < 0 ? err_wrap(r, "%s", c->name) : 0;
}

int contexts_open(struct builder *b)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->o->contexts.n; i++)
		r = add(b, b->o->contexts.v[i]);
	return r < 0 ? err_wrap(r, "--build-context") : 0;
}

void contexts_done(struct builder *b)
{
	for (unsigned i = 0; i < b->pc.n_contexts; i++) {
		struct named_context *c = &b->contexts[i];

		closep(&c->dir);
		closep(&c->layout);
		layer_stage_abort(b->st, &c->stage_dir);
		free(c->layout_tag);
		free(c->url);
		ignore_free(c->ignore);
		free(c->name);
		free(c->image);
		free(c->stage);
	}
	free(b->contexts);
}

const struct ignore *source_ignore(const struct builder *b, const struct op_source *s)
{
	switch (s->kind) {
	case SRC_CONTEXT:
		return b->ignore;
	case SRC_NAMED:
		return b->contexts[s->stage].ignore;
	default:
		return NULL;
	}
}
