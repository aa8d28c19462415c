/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/json/json.h"
#include "pkg/kube/kube.h"

/* --- reading (read.c). A value of the wrong kind is -CE_BAD_FORMAT naming the key. --------------- */

/** kube_get() - the object below the keys of "a.b.c"; NULL when there is none. */
struct json_object *kube_get(struct json_object *o, const char *path);
/** kube_text() - a scalar as text; NULL when there is none. Points into @o. */
const char *kube_text(struct json_object *o, const char *path);
bool kube_bool(struct json_object *o, const char *path, bool otherwise);
/** kube_each() - element @i of the list at @path; NULL: no more. */
struct json_object *kube_each(struct json_object *o, const char *path, size_t i);
const char *kube_kind(struct json_object *doc);
const char *kube_name(struct json_object *doc); /* metadata.name; NULL */
/** kube_template() - the pod that @doc describes, by itself or as a template; NULL: it is none. */
struct json_object *kube_template(struct json_object *doc);
/** kube_pod_name() - of that pod; malloc'ed. */
char *kube_pod_name(struct json_object *doc);
/** kube_quantity() - "64Mi", "0.5", "500m", "1e3" in thousandths, rounded up. -EINVAL, without a trail; also above 9e15. */
int kube_quantity(const char *s, uint64_t *ret_milli);
/** kube_expand() - flat "k=v" of a map of scalars. */
void kube_map(struct json_object *o, const char *path, struct strv *ret);

/* --- one play ------------------------------------------------------------------------------------ */

struct kube_play {
	struct store *st;
	const struct kube_request *q;
	struct kube_made *made;
	bool hinted; /* that requests are passed over was said */
};

/** kube_find_map() - the data of a config map, of a secret (decoded): object of texts; NULL: there is none. New reference. */
struct json_object *kube_find_map(struct kube_play *p, const char *kind, const char *name);
/** kube_add_binary() - to such a @map the binaryData of the config map @name, which files have and variables have not. */
void kube_add_binary(struct kube_play *p, const char *name, struct json_object *map);

/* A container's request and all that it points at. */
struct kube_container {
	struct container_request q;
	struct strv keep;
};
void kube_container_done(struct kube_container *c);
/** kube_container() - @c of the pod's spec. @pod: its name. */
int kube_container(struct kube_play *p, struct json_object *spec, struct json_object *c,
		   const char *pod, bool init, struct kube_container *ret);
/** kube_mounts() - its volumeMounts as --volume, --tmpfs and --device. */
int kube_mounts(struct kube_play *p, struct json_object *spec, struct json_object *c,
		const char *pod, struct kube_container *ret);
/** kube_is_memory() - @v, of the pod's volumes: an emptyDir of the medium Memory? */
bool kube_is_memory(struct json_object *v);
/** kube_memory() - the volume @name for it: a tmpfs no larger than its sizeLimit. */
int kube_memory(struct kube_play *p, struct json_object *v, const char *name);
/** kube_resources() - its limits and requests; -CE_HOST_SETUP names what mends a host that cannot limit. */
int kube_resources(struct kube_play *p, struct json_object *c, struct kube_container *ret);
/** kube_resources_check() - those of all containers of @doc, before anything is made; warns of what has no limit here. */
int kube_resources_check(struct kube_play *p, struct json_object *doc);
/** kube_probe() - its health checks. */
int kube_probe(struct json_object *c, struct kube_container *ret);
/** kube_note() - the annotation KEY/@container, or else KEY; NULL. */
const char *kube_note(struct json_object *tmpl, const char *key, const char *container);
/** kube_notes() - what annotations say of a container. */
int kube_notes(struct json_object *tmpl, const char *name, struct kube_container *ret);
/** kube_say_unsupported() - warns of what a container asks for and does not get. */
void kube_say_unsupported(struct json_object *spec, struct json_object *c);
/** kube_claim() - a volume of a PersistentVolumeClaim. */
int kube_claim(struct kube_play *p, struct json_object *doc);
