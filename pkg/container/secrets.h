/* SPDX-License-Identifier: MIT */
/* Secrets as users name them, and what --secret asks for. Values are read when a container starts. */
#pragma once
#include "pkg/container/record.h"
#include "storage/secret.h"

struct json_object;

struct secret_request {
	const char *name;
	struct strv labels;
	bool replace, ignore;
};
/** secret_drop() - remove it, and say so in the events. -CE_NO_SECRET. */
int secret_drop(struct store *st, const char *name);
/** secret_make() - check, then keep @data. @ret_id: malloc'ed. */
int secret_make(struct store *st, const struct secret_request *q, const void *data, size_t n,
		char **ret_id);
/** secret_find() - by name, id or the unique beginning of an id; -CE_NO_SECRET, -CE_AMBIGUOUS. */
int secret_find(struct store *st, const char *name, struct secret_record *ret);
/** secret_inspect() - podman's shape; @show: with the value. */
int secret_inspect(struct store *st, const char *name, bool show, struct json_object **ret);
/** secret_rows() - for lists, newest last; filters name= and id=, the same key given again means or. */
int secret_rows(struct store *st, const struct strv *filters, struct json_object **ret);

/* One --secret, as the record keeps it: "source=…,type=…,target=…,uid=…,gid=…,mode=…". */
struct secret_use {
	char *source,
		*target; /* @target: a path, absolute or below /run/secrets, or a variable's name */
	bool env;
	uint32_t uid, gid, mode;
};
void secret_use_done(struct secret_use *u);
/** secret_use_parse() - a usage error that names what is wrong with @spec. */
int secret_use_parse(const char *spec, struct secret_use *ret);
/** make_secrets() - each is there, and no two have one target. */
int make_secrets(struct store *st, const struct strv *specs, struct container_record *r);
/** secrets_add_env() - variables of secrets of type env, with their values, into @env. */
int secrets_add_env(struct store *st, const struct container_record *r, struct strv *env);
