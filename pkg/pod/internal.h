/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/pod/pod.h"

/** pod_shares() - is this kind of namespace shared? */
bool pod_shares(const struct pod_record *pod, const char *what);
/**
 * pod_pins() - can the infra container do without a process? Not with an @image to execute, nor with a pid
 * namespace of the pod's own: that ends with its first process. @pid: --pid; NULL: private.
 */
bool pod_pins(const struct pod_record *pod, const char *image, const char *pid);
/** pod_begin() - with pod_lock(): the record of a pod that is still to be made; its name is free for us. */
int pod_begin(struct store *st, struct pod_record *pod, bool replace);
/** pod_end() - it is made, or after @r it is not and what there is of it goes. */
int pod_end(struct store *st, struct pod_record *pod, int r);
int pod_name_check(const char *name);
/** pod_needs_infra() - the flag that was given and that only the infra container could have; NULL: none. */
const char *pod_needs_infra(const struct pod_request *q);
/** pod_check_shared() - is nothing asked for that would be the infra container's alone, since the pod does not share it? */
int pod_check_shared(const struct container_request *c, const struct pod_record *pod);
/** pod_check_given() - can its containers have the devices and security options that were asked for? */
int pod_check_given(const struct pod_request *q);
/** pod_add_labels() - --label-file, then --label. */
int pod_add_labels(struct pod_record *pod, const struct strv *files, const struct strv *labels);
/** pod_hostname() - a host name is shorter than a pod's name may be; malloc'ed. */
char *pod_hostname(const struct pod_record *pod);
/** pod_remove_locked() - with pod_lock(). */
int pod_remove_locked(struct store *st, const struct pod_record *pod, const struct pod_removal *o);
