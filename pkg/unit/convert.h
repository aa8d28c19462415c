/* SPDX-License-Identifier: MIT */
/* Private to pkg/unit: how the keys of one kind of file become the arguments of a verb. */
#pragma once
#include "pkg/unit/quadlet.h"

struct convert {
	const struct quadlet_set *all;
	const struct quadlet *q;
	const char *program, *section;
	struct unit_file *out;
	struct strv argv; /* the verb and its arguments */
};

enum key_kind {
	KEY_ONE, /* the last value: FLAG PREFIXvalue */
	KEY_EACH, /* every value: FLAG PREFIXvalue */
	KEY_WORDS, /* every word of every value */
	KEY_BOOL, /* FLAG=true or FLAG=false, when set */
	KEY_FLAG, /* FLAG when true */
	KEY_CALL, /* @call for every value */
	KEY_OTHER, /* the converter of the kind looks at it */
	KEY_REFUSED, /* known to podman, not to us: @flag says why */
};

struct key_row {
	const char *key;
	enum key_kind kind;
	const char *flag, *prefix;
	int (*call)(struct convert *c, const struct unit_line *l);
};

/** convert_own() - the last value of a key of the file's own section, or NULL. */
const struct unit_line *convert_own(const struct convert *c, const char *key);
/** convert_keys() - check the section's keys against @rows (ends with key NULL) and append their flags to argv. */
int convert_keys(struct convert *c, const struct key_row *rows);
/** convert_words() - the words of a value, or -CE_BAD_FORMAT with its place. */
int convert_words(const struct unit_line *l, struct strv *ret);
/** convert_command() - "PROGRAM GLOBALARGS @words" as a command line for systemd. */
int convert_command(struct convert *c, const struct strv *words, struct sbuf *out);
/** convert_exec() - add @key to [Service] with argv as its command. */
int convert_exec(struct convert *c, const char *key);
/** convert_path() - a relative path is meant from the file's directory; specifiers are left alone. malloc'ed. */
char *convert_path(const struct convert *c, const char *path);
/** convert_reference() - the file that a value names; it becomes a requirement. -CE_BAD_FORMAT when there is none. */
int convert_reference(struct convert *c, const struct unit_line *l, const char *file,
		      const struct quadlet **ret);
/** convert_source() - of a mount: a path, a volume's name, or the file of a volume or image. */
int convert_source(struct convert *c, const struct unit_line *l, const char *source,
		   struct sbuf *out);
/** convert_check_service() - what [Service] may say beside one or more containers. */
int convert_check_service(const struct convert *c, bool *ret_oneshot);
/**
 * convert_patience() - have systemd wait longer than @timeout, the container's or pod's own, unless the file says how long
 * @timeout: seconds in decimal, "-1": for ever, or NULL. -CE_BAD_FORMAT when it is none of these.
 */
int convert_patience(struct convert *c, const char *timeout);
/** convert_oneshot() - type and life of a service that only makes something. */
int convert_oneshot(struct convert *c);

/* For KEY_CALL: "NAME", "x.network:options", "x.container"; "SRC:DST:options"; a file's path. */
int convert_network(struct convert *c, const struct unit_line *l);
int convert_volume(struct convert *c, const struct unit_line *l);
int convert_env_file(struct convert *c, const struct unit_line *l);
/**
 * convert_remap() - RemapUsers= and its like, from before UserNS= and UIDMap=, as their flags
 * @manual: the verb has flags for maps.
 */
int convert_remap(struct convert *c, bool manual);

extern const struct key_row container_keys[], volume_keys[], network_keys[], image_keys[],
	build_keys[], pod_keys[], kube_keys[], artifact_keys[];
int convert_container(struct convert *c);
int convert_volume_file(struct convert *c);
int convert_network_file(struct convert *c);
int convert_image_file(struct convert *c);
int convert_build_file(struct convert *c);
int convert_pod_file(struct convert *c);
int convert_kube(struct convert *c);
int convert_artifact_file(struct convert *c);
/** convert_pod() - Pod= of a container: the file of a pod. */
int convert_pod(struct convert *c, const struct unit_line *l);
/** convert_pod_is_limited() - has the pod that Pod= of a container names a cgroup of its own, with limits? */
bool convert_pod_is_limited(const struct convert *c);
