/* SPDX-License-Identifier: MIT */
/* What containers.conf says where the command line says nothing. */
#pragma once
#include "pkg/config/containers_conf.h"
#include "pkg/container/request.h"

/* The configuration, and the lists of a request with those of it in front. */
struct request_defaults {
	const struct containers_conf *conf;
	struct strv annotation, cgroup_conf, hooks_dirs, log_opt, mount, security_opt, sysctl,
		ulimit, device, volume;
};

/** request_defaults_apply() - read the files, fill @q, which points into @d from now on. */
int request_defaults_apply(struct request_defaults *d, struct container_request *q);
/**
 * request_defaults_build() - the same of what commands of builds get: name servers, capabilities, devices, volumes,
 * ulimits, the filter, the size of /dev/shm, the network helper, hosts. What is said of containers' lives is not theirs.
 */
int request_defaults_build(struct request_defaults *d, struct container_request *q);
void request_defaults_done(struct request_defaults *d);
