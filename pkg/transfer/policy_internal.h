/* SPDX-License-Identifier: MIT */
/* The parts of the parser of policy.json. Strict: what is not known is -CE_BAD_FORMAT. */
#pragma once
#include "pkg/json/json.h"
#include "pkg/transfer/policy.h"

/** policy_only_keys() - is every key of @o one of @allowed (NULL ends them)? */
int policy_only_keys(struct json_object *o, const char *const *allowed, const char *what);
/**
 * policy_pem_parse() - what @o says under @prefix with Path, Paths, Data or Datas after it: 1; 0 when under none
 * More than one of them, nothing in it, or what is not base64: -CE_BAD_FORMAT.
 */
int policy_pem_parse(struct json_object *o, const char *prefix, struct policy_pem *ret);

/** policy_parse_sigstore() - all of a requirement of type sigstoreSigned but signedIdentity. */
int policy_parse_sigstore(struct json_object *o, struct policy_requirement *q);
