/* SPDX-License-Identifier: MIT */
/*
 * What the build is about to take, said to the source policies, and their answer said as the build names things.
 * Every place that fetches something, or uses what is here, asks first. Without policies all of it is taken as it is.
 */
#pragma once
#include "pkg/build/source_policy.h"
#include "pkg/image/image.h"

/** judge_local() - files of this machine: the context is called context, the Containerfile dockerfile. */
int judge_local(const struct source_policies *p, const char *name);
/**
 * judge_image() - @ret: the name of the image to take, malloc'ed
 * A short name stands for what it would be: the image here that it names, else those of registries.conf.
 */
int judge_image(const struct source_policies *p, struct store *st, const char *name,
		enum pull_policy pull, char **ret);

/* What to fetch instead of a URL or repository. */
struct judged {
	char *url; /* with its fragment */
	char *checksum; /* of it; NULL: none is wanted */
};
void judged_done(struct judged *j);
/** judge_remote() - @checksum: what is wanted already, NULL: nothing. */
int judge_remote(const struct source_policies *p, const char *url, const char *checksum,
		 struct judged *ret);
