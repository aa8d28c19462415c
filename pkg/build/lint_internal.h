/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/build/lint.h"

struct linter {
	struct builder *b;
	const struct build_file *file;
	struct lint *out;
	struct strv skip;
	struct strv experimental; /* rules that are only applied when named */
	bool skip_all, experimental_all;
	int balance; /* instructions in upper case against those in lower case */
};

/** lint_add() - a finding at @in, or without one at @line. */
void lint_add(struct linter *l, const char *rule, const struct inst *in, unsigned line,
	      const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* lint_vars.c */
int lint_variables(struct linter *l);
