/* SPDX-License-Identifier: MIT */
/* What containers.conf says where the command line says nothing. */
#pragma once
#include "pkg/config/containers_conf.h"
#include "pkg/container/request.h"

/* The configuration, and the lists of a request with those of it in front. */
struct request_defaults {
	struct containers_conf conf;
	struct strv annotation, cgroup_conf, hooks_dirs, log_opt, mount, publish, security_opt, sysctl,
		ulimit, device, volume;
};

/** request_defaults_apply() - read the files, fill @q, which points into @d from now on. */
int request_defaults_apply(struct request_defaults *d, struct container_request *q);
void request_defaults_done(struct request_defaults *d);
