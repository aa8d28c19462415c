/* SPDX-License-Identifier: MIT */
/*
 * From a request and an image's config to a record: all decisions of creation, all usage errors.
 * Pure but for looks at the host (does a bind source exist, env files); changes nothing.
 */
#pragma once
#include "pkg/conmon/config.h"
#include "pkg/container/record.h"
#include "pkg/container/request.h"
#include "pkg/oci/linux_names.h"

struct store;

/** container_make() - @image may be NULL only for checks without an image. The record has no id, name or layers yet. */
int container_make(struct store *st, const struct container_request *q,
		   const struct image_config *image, struct container_record **ret);

/* Parts, each one concern (make_*.c). */
int make_process(const struct container_request *q, const struct image_config *image,
		 struct container_record *r);
/** make_systemd() - is pid 1 to be systemd? After its command is known. */
void make_systemd(const struct container_request *q, struct container_record *r);
int make_security(const struct container_request *q, struct container_record *r);
/** devices_make() - --device and --gpus: a part of it that pods check by itself. */
int devices_make(const struct container_request *q, struct container_record *r);
/** security_opts_make() - --security-opt, as its part. */
int security_opts_make(const struct strv *opts, struct container_record *r);
int make_namespaces(struct store *st, const struct container_request *q,
		    struct container_record *r);
/** make_userns() - its part of namespaces; after make_process(), whose user keep-id may replace. */
int make_userns(struct store *st, const struct container_request *q, struct container_record *r);
int make_network(const struct container_request *q, const struct image_config *image,
		 struct container_record *r);
/** make_networks() - named ones; 1: done, 0: --network says something else. */
int make_networks(struct store *st, const struct container_request *q, struct container_record *r);
int make_health(const struct container_request *q, const struct image_config *image,
		struct container_record *r);
/** health_merge() - change what a record says of health checks; a usage error leaves it undefined. */
int health_merge(const struct health_request *h, struct container_record *r);
bool health_given(const struct health_request *h);
int make_logging(const struct container_request *q, struct container_record *r);

/** env_add() - one -e value: "K=V", "K" or "PFX*" (both from our own environment). */
int env_add(struct strv *env, const char *spec);
/** env_add_file() - --env-file: lines K=V or K, "#" comments, no quoting. */
int env_add_file(struct strv *env, const char *path);
/** env_unset() - no variable of this name. */
void env_unset(struct strv *env, const char *name);
/** label_add_file() - --label-file. */
int label_add_file(struct strv *labels, const char *path);
/** The default capability set (threats: podman's eleven). */
uint64_t caps_default(void);
/** ulimit_parse() - "TYPE=SOFT[:HARD]" into resource and limits. */
struct rt_rlimit;
int ulimit_read(const char *spec, struct rt_rlimit *ret);
/* And within our own limits, which a start may not exceed. */
int ulimit_parse(const char *spec, struct rt_rlimit *ret);
/** restart_parse() - --restart's value into the record, whose auto_remove is set already. */
int restart_parse(const char *spec, struct container_record *r);
/** restart_policy() - the record's, for the monitor. */
enum conmon_restart restart_policy(const struct container_record *r);
/** user_check() - "user[:group]" is well formed (R20). */
int user_check(const char *s);
