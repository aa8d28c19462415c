/* SPDX-License-Identifier: MIT */
/*
 * What builds may take from elsewhere, and what they take in its place: JSON as BuildKit and podman read it
 *
 *	{"rules": [{"action": "CONVERT", "selector": {"identifier": "docker-image://docker.io/library/debian:*"},
 *	            "updates": {"identifier": "docker-image://mirror.example.org/debian:${1}"}}]}
 *
 * A source is called by its identifier: docker-image://HOST/PATH:TAG[@DIGEST], http(s)://…,
 * git://HOST/PATH[#REF[:DIRECTORY]], local://NAME, oci-layout://…. Of the rules that match, the last ALLOW or
 * DENY counts; the first CONVERT that changes something does so at once, and the rules are read again for what
 * it is now. What no rule matches is allowed. All policies have to agree.
 */
#pragma once
#include "pkg/base/strv.h"

#define SOURCE_POLICY_MAX (1UL << 20)
#define SOURCE_RULES_MAX 1000

struct source_rule;
struct source_policy {
	char *file; /* as it is called in errors */
	struct source_rule *rules;
	unsigned n_rules;
};
struct source_policies {
	struct source_policy *v;
	unsigned n;
};

/** source_policies_read() - one file more. What it says and is not understood is an error: a rule less would allow more. */
int source_policies_read(struct source_policies *p, const char *file);
/** source_policies_parse() - the same of a text of @n bytes; exposed for tests. */
int source_policies_parse(struct source_policies *p, const char *file, const char *text, size_t n);
void source_policies_done(struct source_policies *p);

struct source {
	char *identifier;
	struct strv attrs; /* "http.checksum=sha256:…", "git.checksum=…", "git.fullurl=…" */
};
void source_done(struct source *s);
/** source_policies_apply() - @s is what is to be taken. -CE_UNTRUSTED names the rule that denies it. */
int source_policies_apply(const struct source_policies *p, struct source *s);
