/* SPDX-License-Identifier: MIT */
/*
 * registries.conf, version 2: which registries short names mean, where names really live, and which
 * registries are insecure or blocked. Read from $CONTAINERS_REGISTRIES_CONF (or $REGISTRIES_CONFIG_PATH), else
 * ~/.config/containers, else /etc/containers, else /usr/share/containers; then registries.conf.d of
 * /etc and of the user, whose keys win; then what was chosen at a terminal (short_names.c).
 */
#pragma once
#include <stdbool.h>

#include "pkg/base/strv.h"

enum pull_from { PULL_FROM_ALL, PULL_FROM_DIGEST_ONLY, PULL_FROM_TAG_ONLY };

struct registry_mirror {
	char *location;
	bool insecure;
	enum pull_from pull_from;
};

struct registry_rule {
	char *prefix, *location; /* each falls back to the other */
	bool insecure, blocked, mirror_by_digest_only;
	struct registry_mirror *mirrors;
	unsigned n_mirrors;
};

struct registries {
	struct strv search; /* unqualified-search-registries, in order */
	struct strv aliases; /* "name=host/path" */
	struct strv helpers; /* credential-helpers, in order; none: the files alone (auth.h) */
	bool enforcing; /* short-name-mode: several candidates need a decision */
	bool disabled; /* the same: and nobody is asked for one */
	struct registry_rule *rules;
	unsigned n_rules;
	const char *file; /* that is being read */
};
void registries_done(struct registries *r);

int registries_load(struct registries *ret);
/** registries_parse() - add one file's text; exposed for tests. */
int registries_parse(struct registries *r, const char *file, const char *text, size_t n);

/** registries_load_file() - one file: 1 read, 0 not there. What others can write is refused. */
int registries_load_file(struct registries *r, const char *path);

/** registries_rule() - the rule with the longest prefix that matches "host/path", or NULL. */
const struct registry_rule *registries_rule(const struct registries *r, const char *name);

/** registries_short() - full names ("host/path") a short name stands for, best first; never empty on success. */
int registries_short(const struct registries *r, const char *path, struct strv *ret_names);

/** registries_candidates() - the same without the decision: all of them; an alias is the only one. */
void registries_candidates(const struct registries *r, const char *path, struct strv *ret_names);

/** short_names_file() - where choices are kept; malloc'ed. */
int short_names_file(char **ret);
/** short_names_remember() - from now on the short name @path means @name ("host/path"). */
int short_names_remember(const char *path, const char *name);

/* One place to fetch from. */
struct endpoint {
	char *host, *path; /* to contact: "registry-1.docker.io", "library/debian" */
	bool insecure, mirror;
};
struct endpoints {
	struct endpoint *v;
	unsigned n;
};
void endpoints_done(struct endpoints *e);
/** registries_endpoints() - mirrors, then the primary, for "host/path"; a blocked one is -CE_DENIED. */
int registries_endpoints(const struct registries *r, const char *name, bool by_digest,
			 struct endpoints *ret);
/** registries_primary() - the one that is not a mirror: where pushes and logins go. Free with endpoint_done(). */
int registries_primary(const struct registries *r, const char *name, struct endpoint *ret);
void endpoint_done(struct endpoint *e);
