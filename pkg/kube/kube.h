/* SPDX-License-Identifier: MIT */
/*
 * Kubernetes YAML: pods (also those of deployments, daemon sets and jobs), config maps, secrets and
 * volume claims, made into pods, containers, secrets and volumes of ours; and the way back.
 */
#pragma once
#include "pkg/pod/pod.h"

struct json_object;

struct kube_request {
	struct json_object *docs; /* array, as yaml_parse() made it; stays the caller's */
	struct json_object *config_maps; /* array: those of other files */
	const char *dir; /* relative host paths are meant from here */
	struct strv networks, publish, annotations;
	const char *userns, *log_driver;
	struct strv log_opt;
	const char *ip, *mac;
	const char *seccomp_dir; /* where profiles of type Localhost lie; NULL: the usual place */
	bool replace, no_start, no_hosts, no_hostname, quiet;
	bool no_prefix; /* a container has its own name, without the pod's before it */
	bool publish_all; /* ports that name none of the host, too */
	int build; /* -1: images that are missing, when there is a directory of their name; 0: none; 1: all those */
	const char *context_dir; /* in which these directories are; NULL: @dir */
	int (*build_image)(void *arg, const char *image, const char *dir);
	void *build_arg;
	const char *cgroup_manager;
	const struct transfer_handler *report; /* of pulls */
	struct transfer_access access;
};

/* What was made: for the words that are printed. */
struct kube_made {
	struct strv volumes, secrets;
	struct kube_pod {
		char *id;
		struct strv containers;
	} * pods;
	size_t n_pods;
};
void kube_made_done(struct kube_made *m);

/** kube_play() - all documents are checked before anything is made; what a failed pod made of itself goes again. */
int kube_play(struct store *st, const struct kube_request *q, struct kube_made *ret);
/** kube_down() - stop and remove the pods and secrets that @docs describe; @force: their volumes too. What is not there is passed over. */
int kube_down(struct store *st, struct json_object *docs, bool force,
	      struct kube_made *ret_stopped);
struct kube_generate {
	const char *type; /* "pod" "deployment" "daemonset" "job"; NULL: pod */
	int64_t replicas; /* of a deployment; 0: 1 */
	bool service; /* a Service for each pod with ports, too */
	bool annotations; /* what only annotations say that podman has made up */
};
/** kube_generate() - objects that kube_play() would make these pods, containers or volumes of. */
int kube_generate(struct store *st, const struct strv *names, const struct kube_generate *o,
		  struct json_object **ret);
