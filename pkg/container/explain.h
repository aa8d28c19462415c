/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/container/container.h"

struct json_object;

/**
 * container_explain() - what @q would come to: image, runtime-spec, storage, network, security, cgroup
 * Reads only; the image must be here. Errors are those that create and start would give.
 */
int container_explain(struct store *st, const struct container_request *q,
		      struct json_object **ret);
/** container_decide() - the record of a container that nobody has made (create.c). */
int container_decide(struct store *st, const struct container_request *q,
		     struct container_record **ret);
