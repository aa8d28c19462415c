/* SPDX-License-Identifier: MIT */
/*
 * A Containerfile as it was written: logical lines cut into instructions, nothing expanded, nothing
 * looked up. All of the language is checked here that can be checked without a value.
 */
#pragma once
#include <stdbool.h>

#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"

#define BUILD_FILE_MAX (1UL << 20)
#define BUILD_INSTRUCTIONS_MAX 1000
#define BUILD_STAGES_MAX 128

/* name, how its arguments are cut */
#define BUILD_INSTRUCTIONS(X)       \
	X(ADD, FORM_LIST)           \
	X(ARG, FORM_PAIRS)          \
	X(CMD, FORM_COMMAND)        \
	X(COPY, FORM_LIST)          \
	X(ENTRYPOINT, FORM_COMMAND) \
	X(ENV, FORM_PAIRS)          \
	X(EXPOSE, FORM_WORDS)       \
	X(FROM, FORM_WORDS)         \
	X(HEALTHCHECK, FORM_HEALTH) \
	X(LABEL, FORM_PAIRS)        \
	X(MAINTAINER, FORM_TEXT)    \
	X(ONBUILD, FORM_NESTED)     \
	X(RUN, FORM_COMMAND)        \
	X(SHELL, FORM_JSON)         \
	X(STOPSIGNAL, FORM_TEXT)    \
	X(USER, FORM_TEXT)          \
	X(VOLUME, FORM_LIST)        \
	X(WORKDIR, FORM_TEXT)

enum inst_kind {
#define X(name, form) INST_##name,
	BUILD_INSTRUCTIONS(X)
#undef X
		INST_COUNT
};

struct heredoc {
	char *name; /* delimiter, without quotes */
	char *content; /* as written, each line with its end */
	bool expand; /* the delimiter was not quoted */
	bool strip_tabs; /* <<- */
};

struct inst {
	enum inst_kind kind;
	unsigned line, last_line; /* from 1; of an ONBUILD trigger in an image: 0 */
	char *text; /* the logical line, without flags' values changed or here-documents */
	struct strv flags; /* "name=value" or "name", in order */
	/*
	 * FORM_LIST, FORM_WORDS: words. FORM_COMMAND, FORM_JSON, FORM_HEALTH: the array's strings, or
	 * one shell text. FORM_TEXT: one string. FORM_PAIRS: "name=value" with quotes as written, or
	 * "name" alone (ARG).
	 */
	struct strv args;
	bool exec_form; /* FORM_COMMAND, FORM_LIST, FORM_HEALTH: args came from a JSON array */
	bool old_pair; /* ENV, LABEL: "KEY the rest" */
	char *health; /* HEALTHCHECK: "CMD" or "NONE" */
	struct heredoc *docs;
	unsigned n_docs;
	char *comment; /* ARG, FROM: the comment right above, a line each, without "#"; NULL: there is none */
	struct inst *trigger; /* ONBUILD */
	const char *file; /* where it stands, when that is not the first of several files */
};

struct stage {
	struct inst from; /* args: BASE [AS NAME] */
	const char *base; /* not expanded; in from.args */
	char *name; /* lower case, or NULL */
	struct inst *v; /* what follows FROM */
	unsigned n;
};

struct build_file {
	char *name; /* for errors; of several files the first one's */
	struct strv more_names; /* of the others */
	char escape;
	struct sbuf text; /* all of it */
	struct inst *globals; /* ARG before the first FROM */
	unsigned n_globals;
	struct stage *stages;
	unsigned n_stages;
	char *check; /* of the directive, NULL: none */
	unsigned empty_continuation; /* line of an empty line inside a continued one; 0: none */
};

/**
 * build_file_parse() - @n bytes of a Containerfile, which may hold anything
 * Errors are usage errors that begin with "NAME:LINE: " and quote the line.
 */
int build_file_parse(const char *name, const char *text, size_t n, struct build_file **ret);
/**
 * build_file_add() - the same without build_file_check(); a further file goes on where *@f ends, in its last stage
 * @f: NULL before the first. Of check directives the last one counts; all have the escape character of the first.
 */
int build_file_add(const char *name, const char *text, size_t n, struct build_file **f);
int build_file_check(const struct build_file *f); /* is there a stage? */
void build_file_free(struct build_file *f);
void build_file_freep(struct build_file **f);

/** inst_parse() - one instruction on its own, as an image's ONBUILD trigger; never FROM, ONBUILD or MAINTAINER. */
int inst_parse(const char *text, char escape, struct inst *ret);
void inst_done(struct inst *i);
const char *inst_name(enum inst_kind k);
/** inst_heredoc() - is the word "[digits]<<[-]NAME"? Where NAME begins, or NULL. */
const char *inst_heredoc(const char *word, bool *ret_strip_tabs);
/** inst_flag() - value of flag @name: "" when it has none, NULL when it is not given. The last one wins. */
const char *inst_flag(const struct inst *i, const char *name);
/** inst_description() - what the comment above says of @name: after a line's first word; malloc'ed, NULL: nothing. */
char *inst_description(const struct inst *i, const char *name);
/** inst_file() - the name of the file it stands in; @first: of the (first) file of the build. */
const char *inst_file(const char *first, const struct inst *i);
/** inst_fail() - wrap the error @r with file (@first as above), line and the line itself. Return: @r. */
int inst_fail(const char *first, const struct inst *i, int r);
