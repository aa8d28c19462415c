/* SPDX-License-Identifier: MIT */
/* Rules about how instructions are written; those about variables are in lint_vars.c. */
#include "pkg/build/lint.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/build/glob.h"
#include "pkg/build/lint_internal.h"

static const char *const rules[] = {
	"ConsistentInstructionCasing",
	"CopyIgnoredFile",
	"ExposeInvalidFormat",
	"ExposeProtoCasing",
	"FromAsCasing",
	"FromPlatformFlagConstDisallowed",
	"InvalidDefaultArgInFrom",
	"JSONArgsRecommended",
	"LegacyKeyValueFormat",
	"MaintainerDeprecated",
	"MultipleInstructionsDisallowed",
	"NoEmptyContinuation",
	"RedundantTargetPlatform",
	"ReservedStageName",
	"SecretsUsedInArgOrEnv",
	"StageNameCasing",
	"UndefinedArgInFrom",
	"UndefinedVar",
	"WorkdirRelativePath",
	"DuplicateStageName",
	"InvalidDefinitionDescription",
};

static const char *const experimental[] = {"InvalidDefinitionDescription"};

static bool is_wanted(const struct linter *l, const char *rule)
{
	for (size_t i = 0; i < ARRAY_LEN(experimental); i++)
		if (strcmp(experimental[i], rule) == 0)
			return l->experimental_all || strv_has(&l->experimental, rule);
	return true;
}

void lint_add(struct linter *l, const char *rule, const struct inst *in, unsigned line,
	      const char *fmt, ...)
{
	struct lint_finding f = {.rule = rule, .file = l->file->name, .line = in ? in->line : line};
	va_list ap;

	if (l->skip_all || strv_has(&l->skip, rule) || !is_wanted(l, rule))
		return;
	for (size_t i = 0; in && in->file && i < l->file->more_names.n; i++) {
		if (l->file->more_names.v[i] != in->file)
			continue;
		f.file = in->file;
		f.nth_file = (unsigned)i + 1;
	}
	va_start(ap, fmt);
	f.message = xvasprintf(fmt, ap);
	va_end(ap);
	f.source = xstrdup(in ? in->text : "");
	l->out->v = xreallocarray(l->out->v, l->out->n + 1, sizeof(f));
	l->out->v[l->out->n++] = f;
}

void lint_done(struct lint *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		free(l->v[i].message);
		free(l->v[i].source);
	}
	free(l->v);
	*l = (struct lint){0};
}

/* --- "# check=skip=A,B;error=true" ------------------------------------------------------------------- */

/* Of "skip=" and "experimental=": names of rules, or all. */
static int take_rules(const char *list, struct strv *ret, bool *ret_all)
{
	AUTO_STRV struct strv names = STRV_INIT;

	strv_split(&names, list, ',');
	for (size_t i = 0; i < names.n; i++) {
		size_t k = 0;

		while (k < ARRAY_LEN(rules) && strcasecmp(rules[k], names.v[i]) != 0)
			k++;
		if (strcasecmp(names.v[i], "all") == 0)
			*ret_all = true;
		else if (k == ARRAY_LEN(rules))
			return err_usage("check=: there is no rule '%s'", names.v[i]);
		else
			strv_add(ret, rules[k]);
	}
	return 0;
}

static int take_setting(struct linter *l, const char *word)
{
	const char *v = strchr(word, '=');

	if (v && strncmp(word, "skip=", 5) == 0)
		return take_rules(v + 1, &l->skip, &l->skip_all);
	if (v && strncmp(word, "experimental=", 13) == 0)
		return take_rules(v + 1, &l->experimental, &l->experimental_all);
	if (v && strncmp(word, "error=", 6) == 0 && parse_bool(v + 1, &l->out->fail) == 0)
		return 0;
	return err_usage("check=%s: use skip=RULE,…, experimental=RULE,… and error=true, with ';' "
			 "between",
			 word);
}

static int take_settings(struct linter *l, const char *text)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = 0;

	if (!text || !*text)
		return 0;
	strv_split(&words, text, ';');
	for (size_t i = 0; r == 0 && i < words.n; i++)
		r = take_setting(l, words.v[i] + strspn(words.v[i], " "));
	return r;
}

/* --- casing --------------------------------------------------------------------------------------------- */

enum casing { LOWER, UPPER, MIXED };

static enum casing casing_of(const char *text, size_t n)
{
	size_t up = 0, low = 0;

	for (size_t i = 0; i < n; i++) {
		up += isupper((unsigned char)text[i]) != 0;
		low += islower((unsigned char)text[i]) != 0;
	}
	return !up ? LOWER : !low ? UPPER : MIXED;
}

static enum casing inst_casing(const struct inst *in)
{
	return casing_of(in->text, strcspn(in->text, " \t"));
}

static void each_inst(struct linter *l, void (*f)(struct linter *l, const struct inst *in))
{
	const struct build_file *file = l->file;

	for (unsigned i = 0; i < file->n_globals; i++)
		f(l, &file->globals[i]);
	for (unsigned i = 0; i < file->n_stages; i++) {
		f(l, &file->stages[i].from);
		for (unsigned k = 0; k < file->stages[i].n; k++)
			f(l, &file->stages[i].v[k]);
	}
}

static void count_casing(struct linter *l, const struct inst *in)
{
	l->balance += inst_casing(in) == LOWER ? -1 : inst_casing(in) == UPPER ? 1 : 0;
}

static void check_casing(struct linter *l, const struct inst *in)
{
	enum casing want = l->balance < 0 ? LOWER : UPPER;

	if (inst_casing(in) != want)
		lint_add(l, "ConsistentInstructionCasing", in, 0,
			 "'%.*s' is not in the casing of the majority of instructions, %s",
			 (int)strcspn(in->text, " \t"), in->text,
			 want == LOWER ? "lower case" : "upper case");
}

/* --- single instructions ---------------------------------------------------------------------------------- */

static bool is_secret_name(const char *name)
{
	static const char *const words[] = {"apikey", "auth",     "credential", "credentials",
					    "key",    "password", "pword",      "passwd",
					    "secret", "token"};
	AUTO_STRV struct strv parts = STRV_INIT;
	bool secret = false;

	strv_split(&parts, name, '_');
	for (size_t i = 0; i < parts.n; i++) {
		if (strcasecmp(parts.v[i], "public") == 0)
			return false;
		for (size_t k = 0; k < ARRAY_LEN(words); k++)
			secret |= strcasecmp(parts.v[i], words[k]) == 0;
	}
	return secret;
}

static void check_names(struct linter *l, const struct inst *in)
{
	for (size_t i = 0; in->kind != INST_LABEL && i < in->args.n; i++) {
		AUTO_FREE char *name = xstrndup(in->args.v[i], strcspn(in->args.v[i], "="));

		if (is_secret_name(name))
			lint_add(l, "SecretsUsedInArgOrEnv", in, 0,
				 "%s \"%s\" stays in the image for all to read; use RUN "
				 "--mount=type=secret",
				 inst_name(in->kind), name);
	}
	if (in->old_pair)
		lint_add(l, "LegacyKeyValueFormat", in, 0, "write %s %.*s=… instead of a blank",
			 inst_name(in->kind), (int)strcspn(in->args.v[0], "="), in->args.v[0]);
}

static void check_expose(struct linter *l, const struct inst *in)
{
	for (size_t i = 0; i < in->args.n; i++) {
		const char *w = in->args.v[i], *slash = strchr(w, '/');

		if (strchr(w, '$'))
			continue;
		if (strchr(w, ':'))
			lint_add(l, "ExposeInvalidFormat", in, 0,
				 "'%s': an address or port of the host means nothing in an image",
				 w);
		if (slash && casing_of(slash + 1, strlen(slash + 1)) != LOWER)
			lint_add(l, "ExposeProtoCasing", in, 0, "'%s': protocols are lower case",
				 w);
	}
}

static void check_sources(struct linter *l, const struct inst *in)
{
	if (inst_flag(in, "from"))
		return;
	for (size_t i = 0; i + 1 < in->args.n; i++) {
		const char *s = in->args.v[i];
		bool strip;

		if (strpbrk(s, "$*?[\\") || strstr(s, "://") || inst_heredoc(s, &strip))
			continue;
		while (*s == '/' || strncmp(s, "./", 2) == 0)
			s += *s == '/' ? 1 : 2;
		if (*s && strcmp(s, ".") != 0 && ignore_has(l->b->ignore, s) &&
		    !ignore_may_hold(l->b->ignore, s))
			lint_add(l, "CopyIgnoredFile", in, 0,
				 "'%s' is left out by the ignore file of the context", s);
	}
}

static void check_command(struct linter *l, const struct inst *in, bool has_shell)
{
	if (!in->exec_form && !has_shell)
		lint_add(l, "JSONArgsRecommended", in, 0,
			 "the shell that runs this does not pass signals on; write %s [\"…\"]",
			 inst_name(in->kind));
}

static void check_stage_body(struct linter *l, const struct stage *s)
{
	const struct inst *last[INST_COUNT] = {NULL};
	bool has_shell = false, has_root = false;

	for (unsigned i = 0; i < s->n; i++) {
		const struct inst *in = &s->v[i];
		enum inst_kind k = in->kind;

		has_shell |= k == INST_SHELL;
		if (k == INST_MAINTAINER)
			lint_add(l, "MaintainerDeprecated", in, 0,
				 "use LABEL org.opencontainers.image.authors=…");
		if (k == INST_CMD || k == INST_ENTRYPOINT)
			check_command(l, in, has_shell);
		if (k == INST_CMD || k == INST_ENTRYPOINT || k == INST_HEALTHCHECK) {
			if (last[k])
				lint_add(l, "MultipleInstructionsDisallowed", last[k], 0,
					 "%s of line %u takes its place", inst_name(k), in->line);
			last[k] = in;
		}
		if (k == INST_ENV || k == INST_ARG || k == INST_LABEL)
			check_names(l, in);
		if (k == INST_EXPOSE)
			check_expose(l, in);
		if (k == INST_COPY || k == INST_ADD)
			check_sources(l, in);
		if (k != INST_WORKDIR || strchr(in->args.v[0], '$'))
			continue;
		if (in->args.v[0][0] != '/' && !has_root)
			lint_add(l, "WorkdirRelativePath", in, 0,
				 "'%s' is relative to whatever the base image has", in->args.v[0]);
		has_root = true;
	}
}

/* A comment right above describes it, and then begins with its name. */
static void check_description(struct linter *l, const struct inst *in)
{
	if (!in->comment || (in->kind == INST_FROM && in->args.n != 3) ||
	    (in->kind != INST_FROM && in->kind != INST_ARG))
		return;
	for (size_t i = 0; in->kind == INST_ARG && i < in->args.n; i++) {
		AUTO_FREE char *name = xstrndup(in->args.v[i], strcspn(in->args.v[i], "="));
		AUTO_FREE char *words = inst_description(in, name);

		if (words)
			return;
	}
	if (in->kind == INST_FROM) {
		AUTO_FREE char *words = inst_description(in, in->args.v[2]);

		if (words)
			return;
	}
	lint_add(l, "InvalidDefinitionDescription", in, 0,
		 "the comment above is no description: write '# %.*s …', or an empty line between",
		 in->kind == INST_FROM ? 200 : (int)strcspn(in->args.v[0], "="),
		 in->args.v[in->kind == INST_FROM ? 2 : 0]);
}

static void check_from(struct linter *l, const struct stage *s)
{
	const struct inst *in = &s->from;
	const char *platform = inst_flag(in, "platform");

	if (platform && (strcmp(platform, "$TARGETPLATFORM") == 0 ||
			 strcmp(platform, "${TARGETPLATFORM}") == 0))
		lint_add(l, "RedundantTargetPlatform", in, 0, "--platform=%s is so in any case",
			 platform);
	else if (platform && !strchr(platform, '$'))
		lint_add(l, "FromPlatformFlagConstDisallowed", in, 0,
			 "--platform=%s is the same whatever is built for", platform);
	if (in->args.n != 3)
		return;
	if (inst_casing(in) != casing_of(in->args.v[1], 2))
		lint_add(l, "FromAsCasing", in, 0, "'%s' and '%.4s' are not of one casing",
			 in->args.v[1], in->text);
	if (casing_of(in->args.v[2], strlen(in->args.v[2])) != LOWER)
		lint_add(l, "StageNameCasing", in, 0, "'%s': names of stages are lower case",
			 in->args.v[2]);
	if (strcmp(s->name, "scratch") == 0 || strcmp(s->name, "context") == 0)
		lint_add(l, "ReservedStageName", in, 0,
			 "'%s' means something else in FROM and "
			 "--from",
			 s->name);
}

static int by_line(const void *a, const void *b)
{
	const struct lint_finding *x = a, *y = b;

	if (x->nth_file != y->nth_file)
		return x->nth_file < y->nth_file ? -1 : 1;
	return x->line != y->line ? (x->line < y->line ? -1 : 1) : strcmp(x->rule, y->rule);
}

int lint_file(struct builder *b, struct lint *ret)
{
	struct linter l = {.b = b, .file = b->file, .out = ret};
	const char *given = strv_env_get(&b->o->build_args, "BUILDKIT_DOCKERFILE_CHECK");
	int r = take_settings(&l, given ? given : b->file->check);

	if (r < 0) {
		strv_done(&l.skip);
		strv_done(&l.experimental);
		return err_wrap(r, "%s", given ? "BUILDKIT_DOCKERFILE_CHECK" : b->file->name);
	}
	each_inst(&l, count_casing);
	each_inst(&l, check_casing);
	each_inst(&l, check_description);
	for (unsigned i = 0; i < b->file->n_globals; i++)
		check_names(&l, &b->file->globals[i]);
	for (unsigned i = 0; i < b->file->n_stages; i++) {
		check_from(&l, &b->file->stages[i]);
		check_stage_body(&l, &b->file->stages[i]);
	}
	if (b->file->empty_continuation)
		lint_add(&l, "NoEmptyContinuation", NULL, b->file->empty_continuation,
			 "an empty line inside a continued one");
	r = lint_variables(&l);
	strv_done(&l.skip);
	strv_done(&l.experimental);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_line);
	return r;
}
