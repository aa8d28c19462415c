/* SPDX-License-Identifier: MIT */
/* --runtime: an OCI runtime of others that makes the container's first process. */
#pragma once
#include "pkg/container/plan.h"

struct container_request;

/** make_runtime() - find the program that the request or containers.conf names, refuse what does not go with one. */
int make_runtime(const struct container_request *q, struct container_record *r);
/** plan_runtime() - what it is to be told; last of all, when the container's files are written. */
int plan_runtime(const struct plan_input *in, struct container_plan *p);
