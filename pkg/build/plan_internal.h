/* SPDX-License-Identifier: MIT */
/* Between plan.c (the walk over a stage), plan_meta.c (config) and plan_steps.c (RUN, COPY, ADD, WORKDIR). */
#pragma once
#include "pkg/build/expand.h"
#include "pkg/build/plan.h"

struct planner {
	struct plan_context *c;
	struct stage_plan *p;
	unsigned stage; /* index */
	bool cmd_set; /* a CMD was seen in this stage */
	struct expand x; /* over p->vars as they were when the instruction began */
};

struct op *plan_add(struct planner *pl, const struct inst *in, enum op_kind kind);
/** plan_word() - @s expanded; malloc'ed. */
int plan_word(struct planner *pl, const char *s, char **ret);
int plan_flag(struct planner *pl, const struct inst *in, const char *name, char **ret);
/** plan_shell() - the argv of a shell form. */
void plan_shell(const struct planner *pl, const char *text, struct strv *ret);
int plan_source(struct planner *pl, const char *from, struct op_source *ret);

int plan_meta(struct planner *pl, const struct inst *in);
int plan_run(struct planner *pl, const struct inst *in);
int plan_copy(struct planner *pl, const struct inst *in);
int plan_workdir(struct planner *pl, const struct inst *in);
