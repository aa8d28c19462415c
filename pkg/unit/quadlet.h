/* SPDX-License-Identifier: MIT */
/*
 * Unit files that describe containers, volumes, networks, images, builds, pods and YAML (podman-systemd.unit(5)),
 * and the services of systemd that they stand for. Pure translation: nothing here asks the store.
 */
#pragma once
#include "pkg/unit/file.h"

enum quadlet_kind {
	QUADLET_CONTAINER,
	QUADLET_VOLUME,
	QUADLET_NETWORK,
	QUADLET_IMAGE,
	QUADLET_BUILD,
	QUADLET_POD,
	QUADLET_KUBE,
	QUADLET_ARTIFACT,
	QUADLET_KINDS
};

struct quadlet {
	enum quadlet_kind kind;
	char *path; /* where it was read */
	char *file; /* "web.container", "web@blue.container" */
	char *stem; /* "web", "web@", "web@blue" */
	char *service; /* "web", "data-volume": without ".service" */
	char *object; /* the name of what it makes; may hold specifiers that only its own service knows */
	struct unit_file in; /* the file and its drop-ins */
	struct strv drop_ins; /* their paths, in the order in which they were read */
	char *error; /* NULL, or why it cannot be used; the others can */
};

struct quadlet_set {
	struct quadlet *v;
	size_t n, cap;
};

#define QUADLET_SET_INIT \
	{                \
		0        \
	}

/** quadlet_dirs() - where a user's files are looked for, highest precedence first; QUADLET_UNIT_DIRS replaces all. */
void quadlet_dirs(struct strv *ret);
/**
 * quadlet_load() - read what the directories hold, drop-ins included, subdirectories too
 * The first of several files with one name counts. Sorted by name. A file that cannot be read or
 * parsed is in the set with its .error. 0, or an error that concerns all.
 */
int quadlet_load(const struct strv *dirs, struct quadlet_set *ret);
/** quadlet_passes_over() - is a directory of this name no place for files? "users/1000" is for that user, unless named by itself. */
bool quadlet_passes_over(const char *dir);
void quadlet_set_done(struct quadlet_set *s);

/** quadlet_section() - "Container" … */
const char *quadlet_section(enum quadlet_kind k);
/** quadlet_suffix() - ".container" … */
const char *quadlet_suffix(enum quadlet_kind k);
/** quadlet_kind_of() - by the end of a file's name; QUADLET_KINDS: none of ours. @ret_suffix: where ".container" begins. */
enum quadlet_kind quadlet_kind_of(const char *file, const char **ret_suffix);
/** quadlet_find() - by file name; NULL. */
const struct quadlet *quadlet_find(const struct quadlet_set *s, const char *file);
/** quadlet_is_template() - "web@.container": its service exists by instances only. */
bool quadlet_is_template(const struct quadlet *q);
/**
 * quadlet_unit_of() - "web.service"; malloc'ed
 * Of a template it is the instance that @by is one of ("web@%i.service"); "web@.service" when @by is NULL or none.
 */
char *quadlet_unit_of(const struct quadlet *q, const struct quadlet *by);

/**
 * quadlet_convert() - the service
 * @program: what it calls, absolute.
 * -CE_BAD_FORMAT "FILE:LINE: …": unknown keys, values that make no sense, references to files that are not there.
 */
int quadlet_convert(const struct quadlet_set *all, const struct quadlet *q, const char *program,
		    struct unit_file *ret);

/*
 * quadlet_wants_network() - does the service wait for the host's network? Then it names
 * QUADLET_WAIT_UNIT, which systemd's user manager does not have by itself.
 */
bool quadlet_wants_network(const struct unit_file *service);
#define QUADLET_WAIT_UNIT "cuddy-user-wait-network-online.service"
extern const char quadlet_wait_unit_text[];

/**
 * quadlet_write() - the service and the links that its [Install] section asks for, into the directory @dir
 * Each file by rename.
 */
int quadlet_write(int dir, const struct quadlet *q, const struct unit_file *service);
