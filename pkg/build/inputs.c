/* SPDX-License-Identifier: MIT */
/*
 * What the user names on the command line. The flags' own paths are trusted; what lies in the context
 * is not: it is opened below the context's directory, whatever links say (threats B09).
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/build/builder.h"
#include "pkg/build/preprocess.h"
#include "pkg/build/remote.h"
#include "pkg/build/source_judge.h"
#include "pkg/sys/file.h"

#define SECRET_MAX (500U << 10)

static int open_context(struct builder *b)
{
	const char *c = b->o->context;
	int r;

	if (strcmp(c, "-") == 0 || strstr(c, "://") || strncmp(c, "git@", 4) == 0) {
		b->is_fetched = true;
		return 0;
	}
	r = judge_local(&b->policies, "context");
	if (r < 0)
		return err_wrap(r, "context %s", c);
	b->context = open(c, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->context < 0 && errno == ENOTDIR)
		return err_usage("context %s: not a directory", c);
	return b->context < 0 ? err_new(-errno, "context %s", c) : 0;
}

static int read_stdin(struct sbuf *out)
{
	ssize_t n;

	sbuf_grow(out, BUILD_FILE_MAX + 1);
	n = read_upto(STDIN_FILENO, out->s, BUILD_FILE_MAX + 1);
	if (n < 0)
		return err_new((int)n, "read standard input");
	out->len = (size_t)n;
	out->s[n] = '\0';
	return 0;
}

/* -f: as it stands, else within the context. */
static int read_named(struct builder *b, const char *name, struct sbuf *out)
{
	int r = file_read_at(AT_FDCWD, name, BUILD_FILE_MAX, out);

	if (r == -ENOENT && b->context >= 0 && *name != '/') {
		err_drop();
		r = file_read_in(b->context, name, BUILD_FILE_MAX, out);
	}
	if (r == 0 && preprocess_wanted(name))
		/* What it includes would be files of ours, and whose wish that is is nobody known. */
		r = b->is_fetched
			    ? err_usage(
				      "a file for cpp is taken from contexts of this machine only")
			    : preprocess(b->o->context, &b->o->cpp_flags, out);
	if (r == -ENOENT)
		return err_usage("-f %s: no such file, neither here nor in the context", name);
	return r < 0 ? err_wrap(r, "-f %s", name) : 0;
}

static bool is_url(const char *s)
{
	return strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0;
}

static int read_url(struct builder *b, const char *url, struct sbuf *out)
{
	AUTO_CLOSE int fd = memfd_create("Containerfile", MFD_CLOEXEC);
	int r = fd < 0 ? err_new(-errno, "memfd_create")
		       : remote_fetch_judged(b, url, fd);

	if (r == 0)
		r = file_read_fd(fd, BUILD_FILE_MAX, out);
	return r < 0 ? err_wrap(r, "-f %s", url) : 0;
}

static int read_default(struct builder *b, struct sbuf *out, const char **ret_name)
{
	static const char *const names[] = {"Containerfile", "Dockerfile"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int r = file_read_in(b->context, names[i], BUILD_FILE_MAX, out);

		if (r != -ENOENT) {
			*ret_name = names[i];
			return r;
		}
		err_drop();
	}
	return err_usage("no Containerfile or Dockerfile in %s; name another with -f",
			 b->o->context);
}

/* @named: as -f has it, NULL: none is. */
static int add_file(struct builder *b, const char *named)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	const char *name = named;
	int r = named && is_url(named) ? 0 : judge_local(&b->policies, "dockerfile");

	if (r < 0)
		return r;
	if (named && strcmp(named, "-") == 0) {
		name = "standard input";
		r = read_stdin(&text);
	} else if (named && is_url(named)) {
		r = read_url(b, named, &text);
	} else if (named) {
		r = read_named(b, named, &text);
	} else {
		r = read_default(b, &text, &name);
	}
	return r < 0 ? r : build_file_add(name, text.s ? text.s : "", text.len, &b->file);
}

static int read_files(struct builder *b)
{
	const struct strv *files = &b->o->files;
	unsigned from_stdin = 0;
	int r = 0;

	for (size_t i = 0; i < files->n; i++)
		from_stdin += strcmp(files->v[i], "-") == 0;
	if (b->context < 0 && files->n > from_stdin)
		return err_usage("-f %s: the context is a Containerfile itself", files->v[0]);
	if (b->context < 0)
		return build_file_parse(strcmp(b->o->context, "-") == 0 ? "standard input" : "Containerfile",
					b->stdin_text.s, b->stdin_text.len, &b->file);
	if (from_stdin && strcmp(b->o->context, "-") == 0)
		return err_usage("-f -: standard input is the context");
	if (from_stdin > 1)
		return err_usage("-f -: given twice, and standard input is read once");
	for (size_t i = 0; r == 0 && i < (files->n ? files->n : 1); i++)
		r = add_file(b, files->n ? files->v[i] : NULL);
	return r < 0 ? r : build_file_check(b->file);
}

/* --- the ignore file ------------------------------------------------------------------------------ */

static int try_ignore(struct builder *b, int dir, const char *name, bool within)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = within ? file_read_in(dir, name, IGNORE_FILE_MAX, &text)
		       : file_read_at(dir, name, IGNORE_FILE_MAX, &text);

	if (r == -ENOENT) {
		err_drop();
		return 0;
	}
	if (r < 0)
		return err_wrap(r, "%s", name);
	r = ignore_parse(b->ignore, name, text.s, text.len);
	return r < 0 ? r : 1;
}

static const char *const ignore_names[] = {".containerignore", ".dockerignore"};

/* Beside the Containerfile @file, wherever that was found. @named: by the user. */
static int ignore_beside(struct builder *b, const char *file, bool named)
{
	int r = 0;

	if (b->context < 0 || strcmp(file, "-") == 0 || is_url(file))
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(ignore_names); i++) {
		AUTO_FREE char *beside = xasprintf("%s%s", file, ignore_names[i]);

		r = named ? try_ignore(b, AT_FDCWD, beside, false) : 0;
		if (r == 0 && *beside != '/')
			r = try_ignore(b, b->context, beside, true);
	}
	return r;
}

/* Of several Containerfiles the first one counts that has an ignore file; else the one at the root of the context. */
static int read_ignore(struct builder *b)
{
	const struct strv *files = &b->o->files;
	int r = 0;

	b->ignore = ignore_new();
	if (b->o->ignore_file) {
		r = try_ignore(b, AT_FDCWD, b->o->ignore_file, false);
		return r == 0 ? err_new(-ENOENT, "--ignorefile %s", b->o->ignore_file) : r;
	}
	if (!files->n)
		r = ignore_beside(b, b->file->name, false);
	for (size_t i = 0; r == 0 && i < files->n; i++)
		r = ignore_beside(b, files->v[i], true);
	for (size_t i = 0; r == 0 && b->context >= 0 && i < ARRAY_LEN(ignore_names); i++)
		r = try_ignore(b, b->context, ignore_names[i], true);
	return r;
}

/* --- secrets ---------------------------------------------------------------------------------------- */

static int secret_value(struct secret_source *s, const char *env, const char *src)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	const char *v = env ? getenv(env) : NULL;
	int r;

	if (env) {
		if (!v)
			return err_usage("the variable %s is not set", env);
		s->value = xstrdup(v);
		s->n = strlen(v);
		return 0;
	}
	r = file_read_at(AT_FDCWD, src, SECRET_MAX, &text);
	if (r < 0)
		return r;
	s->n = text.len;
	s->value = sbuf_steal(&text);
	return 0;
}

/* "id=NAME[,src=FILE|env=VARIABLE][,type=file|env][,cache-key]" */
int inputs_secret(struct builder *b, const char *spec)
{
	AUTO_STRV struct strv words = STRV_INIT;
	const char *id = NULL, *src = NULL, *env = NULL, *type = NULL;
	struct secret_source s = {0};
	int r;

	strv_split(&words, spec, ',');
	for (size_t i = 0; i < words.n; i++) {
		const char *w = words.v[i], *eq = strchr(w, '=');
		size_t n = eq ? (size_t)(eq - w) : 0;

		if (n == 2 && strncmp(w, "id", n) == 0)
			id = eq + 1;
		else if ((n == 3 && strncmp(w, "src", n) == 0) ||
			 (n == 6 && strncmp(w, "source", n) == 0))
			src = eq + 1;
		else if (n == 3 && strncmp(w, "env", n) == 0)
			env = eq + 1;
		else if (n == 4 && strncmp(w, "type", n) == 0)
			type = eq + 1;
		else if (strcmp(w, "cache-key") == 0)
			s.is_key = true;
		else
			return err_usage(
				"--secret: '%s' is not id=, src=, env=, type= or cache-key", w);
	}
	if (!id || !*id)
		return err_usage("--secret needs id=NAME");
	if (type && strcmp(type, "file") != 0 && strcmp(type, "env") != 0)
		return err_usage("--secret id=%s: type=%s: use file or env", id, type);
	if (src && env)
		return err_usage("--secret id=%s: both src= and env=", id);
	if (type && strcmp(type, "env") == 0 && src) {
		env = src;
		src = NULL;
	}
	/* Without a source a variable of that name, else a file of that name, as docker does. */
	if (!src && !env && (getenv(id) || (type && strcmp(type, "env") == 0)))
		env = id;
	r = secret_value(&s, env, src ? src : id);
	if (r < 0)
		return err_wrap(r, "--secret id=%s", id);
	s.id = xstrdup(id);
	b->secrets = xreallocarray(b->secrets, b->n_secrets + 1, sizeof(s));
	b->secrets[b->n_secrets++] = s;
	return 0;
}

static int inputs_ssh(struct builder *b, const char *spec)
{
	struct ssh_source s;
	int r = ssh_source_open(spec, &s);

	if (r < 0)
		return r;
	b->ssh = xreallocarray(b->ssh, b->n_ssh + 1, sizeof(s));
	b->ssh[b->n_ssh++] = s;
	for (unsigned i = 0; i + 1 < b->n_ssh; i++)
		if (strcmp(b->ssh[i].id, s.id) == 0)
			return err_usage("--ssh %s: given twice", s.id);
	return 0;
}

int inputs_open(struct builder *b)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->o->source_policies.n; i++)
		r = source_policies_read(&b->policies, b->o->source_policies.v[i]);
	if (r == 0)
		r = open_context(b);
	if (r == 0)
		r = contexts_open(b);
	if (r >= 0)
		r = cache_places_open(b);
	for (size_t i = 0; r >= 0 && i < b->o->secrets.n; i++)
		r = inputs_secret(b, b->o->secrets.v[i]);
	for (size_t i = 0; r >= 0 && i < b->o->ssh.n; i++)
		r = inputs_ssh(b, b->o->ssh.v[i]);
	if (r >= 0)
		cdi_specs_read(&b->o->run.cdi_spec_dirs, &b->cdi);
	/* All that is read as the user we are has been: what comes from elsewhere is made in B. */
	if (r >= 0 && b->is_fetched)
		r = context_fetch(b);
	if (r >= 0)
		r = contexts_fetch(b);
	if (r >= 0)
		r = read_files(b);
	if (r >= 0)
		r = read_ignore(b);
	return r < 0 ? r : 0;
}
