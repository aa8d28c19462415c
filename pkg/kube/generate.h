/* SPDX-License-Identifier: MIT */
/* What the files of generate*.c share: a container as an element of a pod's spec. */
#pragma once
#include "pkg/kube/internal.h"

/* Names of volumes that were written already, and the list that they go to. */
struct spec {
	struct store *st;
	const char *pod;
	struct json_object *volumes;
	struct strv seen;
};

/** generate_list() - a list of texts; nothing for an empty one. */
void generate_list(struct json_object *o, const char *key, const struct strv *v);
/** generate_name() - of a container, without the pod's before it, which kube_play() puts there; malloc'ed. */
char *generate_name(const struct container_record *rec, const char *pod);
/** generate_container() - @ports: those that stand at it. */
struct json_object *generate_container(const struct container_record *rec, const char *pod,
				       const struct strv *ports, struct spec *spec);
