/* SPDX-License-Identifier: MIT */
/* What is asked of a registry, not of an image. */
#pragma once
#include <stdbool.h>

#include "pkg/config/auth.h"
#include "pkg/transfer/protocol.h"

/**
 * registry_key() - from what a user calls a registry ("https://quay.io", "quay.io/team") to the key
 * its credentials are kept under, host and path. Usage error.
 */
int registry_key(const char *registry, char **ret_key, char **ret_host, char **ret_path);
struct json_object;
/**
 * registry_find() - repositories by a part of their name, or the tags of one (@tags)
 * @term: with a registry or without; then all that registries.conf lists are asked.
 * @ret: array of objects: Index, Name, Description, Stars, Official, Automated, Tag.
 */
int registry_find(const char *term, bool tags, unsigned limit, const struct transfer_access *access,
		  struct json_object **ret);
/*
 * What of it is wanted: is-official and is-automated (true or false), stars (at least so many);
 * parsed before anybody is asked.
 */
struct registry_filter {
	int official, automated; /* -1: either */
	int64_t stars;
};
/** registry_filter_parse() - "key=value" each; usage error. */
int registry_filter_parse(const struct strv *filters, struct registry_filter *ret);
/** registry_filter_apply() - take the rows out that do not match. */
void registry_filter_apply(const struct registry_filter *f, struct json_object *rows);
/** registry_check() - are @c good at @host? -CE_DENIED when the registry says no. Does not enter B. */
int registry_check(const char *host, const struct transfer_access *access,
		   const struct credential *c);
