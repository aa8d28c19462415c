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
	bool replace, no_start, no_hosts, quiet;
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
/** kube_generate() - objects that kube_play() would make these pods, containers or volumes of. */
int kube_generate(struct store *st, const struct strv *names, struct json_object **ret);
