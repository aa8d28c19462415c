/* SPDX-License-Identifier: MIT */
/* "generate systemd": the services of a container or a pod that is there, for habits from before unit files. */
#pragma once
#include <stdint.h>

#include "pkg/unit/file.h"

struct generated {
	const char *program; /* what the service calls, absolute */
	const char *unit; /* name of the service without its suffix */
	const char *container; /* name or id */
	/* With --new: the command line that makes it, cut before the image. NULL: the container is started. */
	const struct strv *command;
	size_t image; /* index of the image in @command */
	const char *instances_of; /* with --new: the unit is a template of containers NAME-%i */
	const char *pod_unit; /* the service of its pod, or NULL */
	const char *pod; /* with --new: its pod's name */
	bool named; /* @command has a --name: what is left of that name is replaced */
	bool own_readiness; /* @command has --sdnotify */
	const struct strv *after, *wants, *requires, *env;
	const char *restart; /* systemd's word */
	unsigned restart_s, start_timeout_s; /* 0: systemd's */
	int64_t stop_timeout_s; /* -1: for ever */
};

struct generated_pod {
	const char *program, *unit;
	const char *pod; /* name or id */
	/* With --new: "pod create …"; what the unit adds goes to @flags, what must count to @operand. */
	const struct strv *command;
	size_t flags, operand;
	const struct strv *services; /* of its containers */
	const struct strv *after, *wants, *requires, *env;
	int64_t stop_timeout_s; /* -1: for ever */
};

void generated_unit(const struct generated *g, struct unit_file *out);
void generated_pod_unit(const struct generated_pod *g, struct unit_file *out);
