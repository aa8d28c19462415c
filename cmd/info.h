/* SPDX-License-Identifier: MIT */
/* What "info" tells, gathered apart from how it is printed. */
#pragma once
#include "cmd/cmd.h"

/** info_host() - the machine and our programs; "missing" lists what the host lacks and what mends it. */
struct json_object *info_host(struct store *st);
/** info_store() - where things are, how many, how full the disk is. */
int info_store(struct store *st, struct json_object **ret);
/** info_at() - what @o has at @a, then @b: a new reference, or NULL. */
struct json_object *info_at(struct json_object *o, const char *a, const char *b);
/** info_as_docker() - docker's fields from podman's, which @info has. */
struct json_object *info_as_docker(struct json_object *info);
/** info_registries() - the search list and the rules of registries.conf, as podman shows them. */
int info_registries(struct json_object **ret);
