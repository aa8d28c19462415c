/* SPDX-License-Identifier: MIT */
/* Instructions that change the file system: RUN, COPY, ADD, WORKDIR. */
#include <ctype.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/build/glob.h"
#include "pkg/build/ignore.h"
#include "pkg/build/plan_internal.h"
#include "pkg/build/remote.h"
#include "pkg/build/source_judge.h"
#include "pkg/build/words.h"

#define SCRIPT_DIR "/dev/pipes/"

static const char *const proxies[] = {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY",   "NO_PROXY",
				      "ALL_PROXY",  "http_proxy",  "https_proxy", "ftp_proxy",
				      "no_proxy",   "all_proxy"};

static const char *working_dir(const struct planner *pl)
{
	const char *d = pl->p->image.c.working_dir;

	return d && *d ? d : "/";
}

/* --- RUN ----------------------------------------------------------------------------------------- */

/* As BuildKit has it: what is mounted from is known before any variable is. */
static int check_from(const char *spec)
{
	AUTO_STRV struct strv words = STRV_INIT;

	strv_split(&words, spec, ',');
	for (size_t i = 0; i < words.n; i++)
		if (strncmp(words.v[i], "from=", 5) == 0 && strchr(words.v[i], '$'))
			return err_usage("--mount=%s: from= takes no variables; give it a stage: "
					 "FROM %s AS NAME",
					 spec, words.v[i] + 5);
	return 0;
}

/* BUILDKIT_CACHE_MOUNT_NS: caches of the same id in different namespaces are different ones. */
static void put_namespace(const struct planner *pl, struct run_mount *m)
{
	const char *ns = strv_env_get(pl->c->build_args, "BUILDKIT_CACHE_MOUNT_NS");
	char *id = m->id;

	if (!ns || !*ns || m->type != RUN_MOUNT_CACHE)
		return;
	m->id = xasprintf("%s/%s", ns, id);
	free(id);
}

static int run_mounts(struct planner *pl, const struct inst *in, struct op *o)
{
	unsigned n_ssh = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->flags.n; i++) {
		AUTO_FREE char *spec = NULL;
		struct run_mount *m;
		unsigned n = o->n_mounts;

		if (strncmp(in->flags.v[i], "mount=", 6) != 0)
			continue;
		o->mounts = xreallocarray(o->mounts, n + 1, sizeof(*o->mounts));
		o->mount_from = xreallocarray(o->mount_from, n + 1, sizeof(*o->mount_from));
		m = &o->mounts[n];
		r = check_from(in->flags.v[i] + 6);
		if (r == 0)
			r = plan_word(pl, in->flags.v[i] + 6, &spec);
		if (r == 0)
			r = run_mount_parse(spec, working_dir(pl), m);
		if (r < 0)
			return r;
		put_namespace(pl, m);
		o->mount_from[n] = (struct op_source){.stage = -1};
		o->n_mounts++;
		if (m->type == RUN_MOUNT_SSH && !m->target)
			m->target = xasprintf("/run/buildkit/ssh_agent.%u", n_ssh);
		n_ssh += m->type == RUN_MOUNT_SSH;
		r = plan_source(pl, m->from, &o->mount_from[n]);
	}
	return r;
}

static int run_devices(struct planner *pl, const struct inst *in, struct op *o)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->flags.n; i++) {
		AUTO_FREE char *spec = NULL;

		if (strncmp(in->flags.v[i], "device=", 7) != 0)
			continue;
		o->devices = xreallocarray(o->devices, o->n_devices + 1, sizeof(*o->devices));
		r = plan_word(pl, in->flags.v[i] + 7, &spec);
		if (r == 0)
			r = run_device_parse(spec, &o->devices[o->n_devices]);
		if (r == 0)
			o->n_devices++;
	}
	return r;
}

static bool has_mount_at(const struct op *o, const char *target)
{
	for (unsigned i = 0; i < o->n_mounts; i++)
		if (o->mounts[i].target && strcmp(o->mounts[i].target, target) == 0)
			return true;
	return false;
}

/* --compat-volumes: over each VOLUME what it holds, to be written to and thrown away. */
static void run_volumes(const struct planner *pl, struct op *o)
{
	const struct strv *volumes = &pl->p->image.c.volumes;

	for (size_t i = 0; pl->c->discard_volumes && i < volumes->n; i++) {
		unsigned n = o->n_mounts;

		if (has_mount_at(o, volumes->v[i]) || strcmp(volumes->v[i], "/") == 0)
			continue;
		o->mounts = xreallocarray(o->mounts, n + 1, sizeof(*o->mounts));
		o->mount_from = xreallocarray(o->mount_from, n + 1, sizeof(*o->mount_from));
		o->mounts[n] = (struct run_mount){.type = RUN_MOUNT_BIND,
						  .source = xstrdup(volumes->v[i]),
						  .target = xstrdup(volumes->v[i]),
						  .read_write = true,
						  .from_stage = -1};
		o->mount_from[n] = (struct op_source){.kind = SRC_SELF, .stage = -1};
		o->n_mounts++;
	}
}

static int run_network(struct planner *pl, const struct inst *in, struct op *o)
{
	AUTO_FREE char *v = NULL;
	int r = plan_flag(pl, in, "network", &v);

	if (r < 0 || !v || strcmp(v, "default") == 0)
		return r;
	if (strcmp(v, "none") == 0)
		o->network = NETWORK_NONE;
	else if (strcmp(v, "host") != 0)
		return err_usage("--network=%s: use default, none or host", v);
	else if (!pl->c->allow_host_network)
		return err_usage("--network=host in the file needs 'build --network host', which "
				 "lets it reach what listens on this machine");
	else
		o->network = NETWORK_HOST;
	return 0;
}

static int run_security(struct planner *pl, const struct inst *in)
{
	AUTO_FREE char *v = NULL;
	int r = plan_flag(pl, in, "security", &v);

	if (r < 0 || !v || strcmp(v, "sandbox") == 0)
		return r;
	return err_new(-CE_UNSUPPORTED, "--security=%s: only 'sandbox'", v);
}

/* A here-document alone is the script; beside a command it is the shell's. */
static void run_heredoc(const struct planner *pl, const struct inst *in, struct op *o)
{
	AUTO_STRV struct strv words = STRV_INIT;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	bool strip;

	words_quoted(in->args.v[0], pl->c->file->escape, &words);
	if (words.n == 1 && in->n_docs == 1 && inst_heredoc(words.v[0], &strip)) {
		const char *body = in->docs[0].content;

		if (strncmp(body, "#!", 2) == 0) {
			o->script = xstrdup(body);
			strv_addf(&o->argv, SCRIPT_DIR "%s", path_base(in->docs[0].name));
		} else {
			plan_shell(pl, body, &o->argv);
		}
		return;
	}
	sbuf_addf(&text, "%s\n", in->args.v[0]);
	for (unsigned i = 0; i < in->n_docs; i++)
		sbuf_addf(&text, "%s%s\n", in->docs[i].content, in->docs[i].name);
	plan_shell(pl, text.s, &o->argv);
}

static void run_history(const struct planner *pl, struct op *o)
{
	AUTO_SBUF struct sbuf h = SBUF_INIT;
	AUTO_FREE char *command = strv_join(&o->argv, " ");

	sbuf_adds(&h, "RUN ");
	if (pl->p->args.n) {
		sbuf_addf(&h, "|%zu ", pl->p->args.n);
		for (size_t i = 0; i < pl->p->args.n; i++)
			sbuf_addf(&h, "%s ", pl->p->args.v[i]);
	}
	sbuf_adds(&h, command);
	o->history = sbuf_steal(&h);
}

/* Proxies given by --build-arg reach the command without being declared, and leave no trace. */
static void run_proxies(struct planner *pl, struct op *o)
{
	for (size_t i = 0; i < ARRAY_LEN(proxies); i++) {
		const char *v = strv_env_get(pl->c->build_args, proxies[i]);

		if (!v && pl->c->host_proxies)
			v = getenv(proxies[i]);
		if (!v)
			continue;
		if (!strv_has(&pl->c->used, proxies[i]))
			strv_add(&pl->c->used, proxies[i]);
		if (!strv_env_get(&o->env, proxies[i]))
			strv_addf(&o->proxy, "%s=%s", proxies[i], v);
	}
}

int plan_run(struct planner *pl, const struct inst *in)
{
	struct op *o = plan_add(pl, in, OP_RUN);
	const char *user = pl->p->image.c.user;
	int r = run_mounts(pl, in, o);

	if (r == 0)
		run_volumes(pl, o);
	if (r == 0)
		r = run_network(pl, in, o);
	if (r == 0)
		r = run_security(pl, in);
	if (r == 0)
		r = run_devices(pl, in, o);
	if (r < 0)
		return r;
	if (in->exec_form)
		strv_add_all(&o->argv, &in->args);
	else if (in->n_docs)
		run_heredoc(pl, in, o);
	else
		plan_shell(pl, in->args.v[0], &o->argv);
	if (!*o->argv.v[0])
		return err_usage("the command's name is empty");
	strv_add_all(&o->env, &pl->p->vars);
	o->user = xstrdup(user ? user : "");
	o->cwd = xstrdup(working_dir(pl));
	run_history(pl, o);
	run_proxies(pl, o);
	return 0;
}

/* --- COPY and ADD --------------------------------------------------------------------------------- */

static bool flag_is_on(const struct inst *in, const char *name)
{
	const char *v = inst_flag(in, name);
	bool on = v != NULL;

	if (v && *v)
		(void)parse_bool(v, &on); /* checked when it was read */
	return on;
}

static int copy_flags(struct planner *pl, const struct inst *in, struct op *o)
{
	AUTO(ignore_freep) struct ignore *check = ignore_new();
	AUTO_FREE char *from = NULL;
	int r = plan_flag(pl, in, "chown", &o->chown);

	if (r == 0)
		r = plan_flag(pl, in, "chmod", &o->chmod);
	if (r == 0)
		r = plan_flag(pl, in, "from", &from);
	if (r == 0)
		r = plan_source(pl, from, &o->from);
	for (size_t i = 0; r == 0 && i < in->flags.n; i++) {
		AUTO_FREE char *v = NULL;

		if (strncmp(in->flags.v[i], "exclude=", 8) != 0)
			continue;
		r = plan_word(pl, in->flags.v[i] + 8, &v);
		if (r == 0)
			r = ignore_add(check, v);
		if (r == 0)
			strv_add(&o->exclude, v);
	}
	o->link = flag_is_on(in, "link");
	o->parents = flag_is_on(in, "parents");
	o->is_add = in->kind == INST_ADD;
	if (inst_flag(in, "unpack"))
		o->unpack = flag_is_on(in, "unpack");
	o->keep_git_dir = flag_is_on(in, "keep-git-dir");
	if (r == 0)
		r = plan_flag(pl, in, "checksum", &o->checksum);
	return r;
}

static int add_file(struct planner *pl, const struct heredoc *d, struct op *o)
{
	struct expand x = pl->x;
	struct op_file f = {.name = xstrdup(d->name)};
	int r = 0;

	x.keep_quotes = true;
	if (d->expand)
		r = expand_new(&x, d->content, &f.content);
	else
		f.content = xstrdup(d->content);
	o->files = xreallocarray(o->files, o->n_files + 1, sizeof(f));
	o->files[o->n_files++] = f;
	if (r == 0 &&
	    (strchr(d->name, '/') || strcmp(d->name, ".") == 0 || strcmp(d->name, "..") == 0))
		r = err_usage("'%s' is no name for a file", d->name);
	return r;
}

/* 1: fetched from elsewhere. */
static int is_remote(const struct op *o, const char *word)
{
	enum remote_kind kind;
	int r = 0;

	if (!strstr(word, "://") && strncmp(word, "git@", 4) != 0)
		return 0;
	if (!o->is_add)
		return err_usage("%s: COPY takes files of the context; ADD fetches", word);
	r = remote_kind_of(word, &kind);
	if (r == 0 && kind == REMOTE_GIT) {
		struct git_source g;

		r = git_source_parse(word, &g);
		git_source_done(&g);
	}
	return r < 0 ? r : kind != REMOTE_NONE;
}

static int check_checksum(const struct op *o)
{
	if (!o->checksum)
		return 0;
	if (o->n_remotes != 1 || o->sources.n || o->n_files)
		return err_usage("--checksum is for one URL or repository");
	return remote_checksum_check(o->checksum);
}

static void add_remote(struct op *o, const char *word)
{
	o->remotes = xreallocarray(o->remotes, o->n_remotes + 1, sizeof(*o->remotes));
	o->remotes[o->n_remotes++] = (struct op_remote){.written = xstrdup(word)};
}

/* What the source policies make of each; known before anything is fetched. */
static int judge_remotes(const struct planner *pl, struct op *o)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < o->n_remotes; i++) {
		AUTO(judged_done) struct judged j = {0};

		r = judge_remote(pl->c->policies, o->remotes[i].written, o->checksum, &j);
		if (r < 0)
			return r;
		o->remotes[i].url = TAKE_PTR(j.url);
		o->remotes[i].checksum = TAKE_PTR(j.checksum);
	}
	return r;
}

static int copy_sources(struct planner *pl, const struct inst *in, struct op *o)
{
	unsigned doc = 0;
	bool strip;
	int r = 0;

	for (size_t i = 0; r == 0 && i + 1 < in->args.n; i++) {
		AUTO_FREE char *word = NULL;
		AUTO(glob_freep) struct glob *g = NULL;

		if (!in->exec_form && inst_heredoc(in->args.v[i], &strip)) {
			if (doc == in->n_docs)
				return err_usage("the here-document %s cannot be read",
						 in->args.v[i]);
			r = add_file(pl, &in->docs[doc++], o);
			continue;
		}
		r = plan_word(pl, in->args.v[i], &word);
		if (r == 0)
			r = is_remote(o, word);
		if (r == 1)
			add_remote(o, word);
		if (r != 0) {
			r = r < 0 ? r : 0;
			continue;
		}
		if (!*word)
			r = err_usage("the name of a source is empty");
		if (r == 0)
			r = glob_new(word, o->parents ? GLOB_DEEP : 0, &g);
		if (r == 0)
			strv_add(&o->sources, word);
	}
	if (r == 0 && !in->exec_form && inst_heredoc(in->args.v[in->args.n - 1], &strip))
		r = err_usage("a here-document cannot be the destination");
	return r;
}

/* Absolute; "/" at the end when it has to be a directory. */
static char *destination(const struct planner *pl, const char *word)
{
	size_t n = strlen(word);
	bool dir = !n || word[n - 1] == '/' || strcmp(word, ".") == 0 ||
		   (n >= 2 && strcmp(word + n - 2, "/.") == 0);
	AUTO_FREE char *joined = *word == '/' ? xstrdup(word) : path_join(working_dir(pl), word);
	AUTO_FREE char *clean = path_clean(joined);

	return dir && clean[1] ? xasprintf("%s/", clean) : TAKE_PTR(clean);
}

static void copy_history(const struct inst *in, struct op *o, const char *dest)
{
	AUTO_SBUF struct sbuf h = SBUF_INIT;

	sbuf_adds(&h, inst_name(in->kind));
	for (size_t i = 0; i < in->flags.n; i++)
		sbuf_addf(&h, " --%s", in->flags.v[i]);
	for (unsigned i = 0; i < o->n_files; i++)
		sbuf_addf(&h, " <<%s", o->files[i].name);
	for (size_t i = 0; i < o->sources.n; i++)
		sbuf_addf(&h, " %s", o->sources.v[i]);
	for (unsigned i = 0; i < o->n_remotes; i++)
		sbuf_addf(&h, " %s", o->remotes[i].written);
	sbuf_addf(&h, " %s", dest);
	o->history = sbuf_steal(&h);
}

int plan_copy(struct planner *pl, const struct inst *in)
{
	struct op *o = plan_add(pl, in, OP_COPY);
	AUTO_FREE char *dest = NULL;
	int r = copy_flags(pl, in, o);

	if (r == 0)
		r = copy_sources(pl, in, o);
	if (r == 0)
		r = plan_word(pl, in->args.v[in->args.n - 1], &dest);
	if (r < 0)
		return r;
	r = check_checksum(o);
	if (r == 0)
		r = judge_remotes(pl, o);
	if (r < 0)
		return r;
	o->dest = destination(pl, dest);
	if (o->sources.n + o->n_files + o->n_remotes > 1 && o->dest[strlen(o->dest) - 1] != '/')
		return err_usage("with more than one source the destination must be a directory "
				 "and end in '/'");
	copy_history(in, o, dest);
	return 0;
}

int plan_workdir(struct planner *pl, const struct inst *in)
{
	struct op *o = plan_add(pl, in, OP_WORKDIR);
	struct image_config *c = &pl->p->image.c;
	AUTO_FREE char *word = NULL, *joined = NULL;
	int r = plan_word(pl, in->args.v[0], &word);

	if (r == 0 && !*word)
		r = err_usage("the directory's name is empty");
	if (r < 0)
		return r;
	joined = *word == '/' ? xstrdup(word) : path_join(working_dir(pl), word);
	o->dest = path_clean(joined);
	o->user = xstrdup(c->user ? c->user : "");
	o->history = xasprintf("WORKDIR %s", o->dest);
	free(c->working_dir);
	c->working_dir = xstrdup(o->dest);
	return 0;
}
