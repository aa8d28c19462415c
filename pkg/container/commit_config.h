/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/container/commit.h"
#include "pkg/container/record.h"

/** commit_config_check() - usage errors of --change, before anything is done. */
int commit_config_check(const struct container_record *rec, const struct commit_options *o);
/** commit_config() - the image's config: what the container was made from, as it was changed since. */
int commit_config(struct store *st, const struct container_record *rec,
		  const struct commit_options *o, const struct strv *diffids, int64_t now_ns,
		  struct sbuf *out);
