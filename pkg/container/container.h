/* SPDX-License-Identifier: MIT */
/*
 * The container a user knows: made from an image, started, stopped, entered, removed.
 * Nothing here prints. One thread; functions that start, remove or make volumes may move the process
 * into the base namespace (base_enter), so open what you need of the host first.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/conmon/client.h"
#include "pkg/container/keep_fds.h"
#include "pkg/container/record.h"
#include "pkg/container/request.h"
#include "storage/container_store.h"
#include "storage/listed.h"

/* A container looked at: its record, where it lives, what is true of it now. */
struct container {
	struct container_record *rec;
	struct container_dirs dirs;
	struct conmon_state state;
};

/** container_has_monitor() - is somebody at the container @id? Leaves no trail. */
bool container_has_monitor(struct store *st, const char *id);
/**
 * container_was_lost() - of a container whose record cannot be read: was it what a power cut left of one that is removed
 * at its end anyway? Then it is removed, and there is no trail.
 */
bool container_was_lost(struct store *st, const char *id);
/**
 * container_open() - by name, id or unique id prefix. -CE_NO_CONTAINER, -CE_AMBIGUOUS.
 * A --rm container whose monitor was killed, or that a reboot ended, is removed by whoever meets it:
 * it does not exist.
 */
int container_open(struct store *st, const char *name, struct container *ret);
int container_open_id(struct store *st, const char *id, struct container *ret);
/** container_each() - call @fn for every container of the store until it fails; who goes meanwhile is passed over. */
int container_each(struct store *st, int (*fn)(const struct container *c, void *arg), void *arg);
/** container_log_path() - of a file; malloc'ed. @data_path: the container's directory. */
char *container_log_path(const struct container_record *rec, const char *data_path);
/** container_log_driver() - of the name in a record. */
enum conmon_log container_log_driver(const char *name);
/**
 * container_look() - by id, for lists: the record has only what lists need (record_parse_listed()), and
 * of the directories only the runtime one of a running container with ports is open.
 * @has_run: false when it is known to have no runtime directory, which spares looking there.
 * @listed: of a long list, or NULL.
 */
int container_look(struct store *st, const char *id, bool has_run, struct listed *listed,
		   struct container *ret);
void container_done(struct container *c);

/** container_reload() - with container_store_lock() held: the record as it is now, others may have changed it. */
int container_reload(struct store *st, struct container *c);
/** container_save() - the record, with that lock held. */
int container_save(struct store *st, const struct container *c);

/** container_status_text() - created running paused stopping exited … as podman says. */
const char *container_status_text(const struct container *c);
/** container_is_running() - also when it waits to be started again: a monitor is in charge of it. */
bool container_is_running(const struct container *c);
/** container_has_begun() - and is not only initialized. */
bool container_has_begun(const struct container *c);
/** container_is_leftover() - to be removed on exit, has exited, and nobody is left who would. */
bool container_is_leftover(const struct container *c);

/**
 * container_create() - everything checked, then image ensured, name claimed, record durable
 * @ret: the new container, open. On failure nothing is left behind.
 */
int container_create(struct store *st, const struct container_request *q, struct container *ret);

struct clone_options {
	const char *name; /* NULL: one is made of the original's */
	const char *image; /* by name; NULL: the same */
	const struct limit_request *limits; /* over the original's; NULL: none */
	/* What else is to be other than in @c, of whoever clones a whole pod; NULL. */
	int (*change)(struct container_record *rec, const struct container *c, void *arg);
	void *arg;
};
/** container_clone() - a new one with the settings of @c, without its changes; other anonymous volumes. */
int container_clone(struct store *st, const struct container *c, const struct clone_options *o,
		    struct container *ret);

struct start_options {
	bool foreground; /* our stdio is the container's until it exits or we detach */
	bool attach_stdin, attach_stdout, attach_stderr;
	const char *detach_keys; /* decoded; NULL: the container's own */
	uint16_t rows, cols; /* initial window, 0: unknown */
	const struct keep_fds *keep; /* NULL: none */
	bool hold; /* build it only: pid 1 waits until it is started */
};

/**
 * container_start() - pid 1 runs when this returns; -CE_BAD_STATE when it already does
 * @ret_started: to follow it with conmon_foreground(); NULL when nobody follows.
 */
int container_start(struct store *st, struct container *c, const struct start_options *o,
		    struct conmon_started *ret_started);

/** container_member() - conmon_member() of the running infra container @holder. */
int container_member(struct store *st, const char *holder);

/** container_stop() - @signal (0: the container's stop signal), then SIGKILL after @grace_s (-1 for ever, -2 the container's own). Stopped is success. */
int container_stop(struct container *c, int signal, int64_t grace_s);
int container_kill(struct container *c, int sig);
/**
 * container_restart() - container_stop() when it runs, then container_start() in the background
 * A running --rm container is not removed by it.
 */
int container_restart(struct store *st, struct container *c, int signal, int64_t grace_s);
/** container_set_restart() - another restart policy, as written for --restart; what runs has it at once. */
int container_set_restart(struct store *st, struct container *c, const char *policy);
/** container_is_wanted() - does its restart policy ask for it to run, as after a reboot? */
bool container_is_wanted(const struct container *c);
/** container_pause() - freeze all its processes, or let them go on; returns when it is so. -CE_BAD_STATE. */
int container_pause(struct container *c, bool pause);
struct limit_request;
/** container_set_limits() - what @q asks for, over what it has; at once when it runs. On failure all is as before. */
int container_set_limits(struct store *st, struct container *c, const struct limit_request *q);
struct settings_request {
	struct health_request health;
	struct strv env, unset_env, ulimits;
};
bool settings_given(const struct settings_request *q);
/** container_publish() - ports more or less, at once when it runs; nothing is changed where one cannot be had. */
struct publish_request {
	struct strv add; /* as --publish */
	struct strv rm; /* as --publish; without a host port: all that lead to the container's */
};
int container_publish(struct store *st, struct container *c, const struct publish_request *q);
/** container_set_settings() - health checks at once when it runs, the rest for its next start. */
int container_set_settings(struct store *st, struct container *c, const struct settings_request *q);
/** container_rename() - whatever its state; -CE_NAME_IN_USE also for the name it has. */
int container_rename(struct store *st, struct container *c, const char *name);

struct remove_options {
	bool force, volumes;
	bool image; /* its image too, unless another container has it or it has several names */
	int64_t grace_s;
};
/**
 * container_monitor_lock() - the lock that a monitor holds for life, for who starts or removes; a descriptor
 * With the container's own lock held nobody new starts it, but a monitor may be there: one that runs
 * the container or is about to (its cuddy may have died), one whose container has exited and whose
 * reader takes its time, or somebody looks whether the lock is held and for that instant holds it.
 * The first is stopped and the second in the end killed when @o says force (@o NULL: it is to be
 * started); else -CE_BAD_STATE after two seconds.
 */
int container_monitor_lock(struct container *c, const struct remove_options *o);
/** container_remove() - gone when this returns; -CE_BAD_STATE when it runs and force is not set. */
int container_remove(struct store *st, struct container *c, const struct remove_options *o);

struct exec_request {
	bool detach, interactive, tty, privileged;
	struct strv env, env_file;
	const char *user, *workdir, *detach_keys;
	char **command;
	struct store *store; /* for the container's secrets; NULL: without them */
	struct keep_fds keep;
};
/** container_exec() - run a command inside; returns its exit status (0-255) or a code. */
int container_exec(struct container *c, const struct exec_request *e, int *ret_exit);

/** container_name_new() - a free "adjective_noun" name; malloc'ed. */
char *container_name_new(struct store *st);
/** container_dependents() - ids of those that require @id or share its namespaces, and of theirs; nearest first. */
int container_dependents(struct store *st, const char *id, struct strv *ret_ids);
/** container_tidy() - delete what a removal or a crash left in the trash and staging; quick when there is nothing. */
int container_tidy(struct store *st);
