/* SPDX-License-Identifier: MIT */
/* policy.json as users look at it and change it. What it means is pkg/transfer/policy.h's. */
#pragma once
#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"

struct json_object;

/** trust_raw() - the policy that counts, as it is written. @file: NULL: the usual ones. */
int trust_raw(const char *file, struct sbuf *ret);
/** trust_rows() - a row for each demand: Transport, Name, RepoName, Type, GPGId, SignatureStore; @ret_json: as podman's --json. */
int trust_rows(const char *file, struct json_object **ret_rows, struct json_object **ret_json);
/**
 * trust_set() - what is demanded of a registry, a namespace, a repository, or "default"
 * @type: accept, reject, signedBy or sigstoreSigned; the last two with @keys. @file: NULL: the user's
 * own, which begins as a copy of the system's.
 */
int trust_set(const char *file, const char *scope, const char *type, const struct strv *keys);
