/* SPDX-License-Identifier: MIT */
/*
 * A command is a struct; its file parses, calls one library, prints. To add one:
 *   1. write cmd/<verb>.c with an argument struct, an option table and a run function;
 *   2. declare it below and put it into the table in cmd/commands.c;
 *   3. where flags and summary do not say all, add words to cmd/about.c: help, completion and the
 *      manual page are made of these three;
 *   4. add tests/system/<verb>.bats.
 */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "pkg/cli/options.h"

struct json_object;
struct container_record;
struct store;

struct cmd_ctx {
	const char *root, *runroot, *driver, *cgroup_manager,
		*runtime; /* global options, NULL when not given */
	const struct strv *hooks_dirs, *runtime_flags; /* global options */
	char *const *argv; /* the whole command line */
	struct store *store; /* opened on first use by cmd_store() */
	bool in_a_hurry; /* leaves tidying to other commands */
	int status; /* exit status a command sets when it is not an error (child's code) */
};

struct command {
	const char *name;
	const char *group; /* NULL: top level; "container", "image" … */
	const char *synopsis; /* "[OPTIONS] CONTAINER [CONTAINER...]" */
	const char *summary; /* one phrase */
	const struct opt *opts; /* NULL: none, and args_size 0 */
	size_t args_size;
	const void *defaults; /* copied into the argument struct before parsing; may be NULL */
	int min_args, max_args; /* operands; -1: any number */
	bool no_interspersed; /* operands are a command line */
	bool refused; /* whatever it is given: none of it is looked at */
	enum opt_complete complete; /* operands */
	enum opt_complete complete_rest; /* those after the first; COMPLETE_NONE: as the first */
	const char *operand_words; /* COMPLETE_WORDS: "a b c" */
	int (*run)(struct cmd_ctx *ctx, const void *args, int argc, char **argv);
};

/** cmd_store() - the store, opened once; -code with trail. Closed by the end of the process. */
int cmd_store(struct cmd_ctx *ctx, struct store **ret);
/** cmd_say_ignored() - what configuration files say in vain, each once. Before the process ends. */
void cmd_say_ignored(struct cmd_ctx *ctx);
/** cmd_say_shared() - to whom it is at a terminal: what a new container has in common with the host, each once. */
void cmd_say_shared(struct cmd_ctx *ctx, const struct container_record *rec);
/** cmd_store_for_images() - the same, for verbs that unpack or run images: says once when the user lacks subordinate ids. */
int cmd_store_for_images(struct cmd_ctx *ctx, struct store **ret);
/** cmd_take_umask() - from now on 077; cmd_umask() - the caller's, for files that the user named. */
void cmd_take_umask(void);
mode_t cmd_umask(void);
/** cmd_report() - print the trail of @r now and go on; returns the exit status to remember. */
int cmd_report(int r);
/** cmd_report_removal() - print the trail of @r; *status becomes 1 for @missing, 2 for what is in use, else as ever, unless it is worse already. */
void cmd_report_removal(int *status, int r, int missing);
/** cmd_exists() - what an exists verb returns of looking for something: @missing is no error but status 1. */
int cmd_exists(struct cmd_ctx *ctx, int r, int missing);
/** cmd_write_digest() - --digestfile. */
int cmd_write_digest(const char *file, const char *digest);
/** unit_generator_words() - what systemd calls a generator with, as the words of "unit generate". */
void unit_generator_words(int argc, char **argv, struct strv *ret);
/** cmd_confirmed() - say what is going to happen and ask on standard input; no answer is a no. */
bool cmd_confirmed(const char *what);

/* The table: top-level verbs and groups; aliases name another entry. */
struct command_alias {
	const char *words; /* "container run", "image ls", "ps" */
	const struct command *command;
};
extern const struct command_alias commands[]; /* ends with words NULL */

/* What groups are for, in the order of the help; ends with NULL. */
struct command_group {
	const char *name, *summary;
};
extern const struct command_group command_groups[];

/* For scripts written for others (global_refused.c). */
struct global_compat {
	const char *config, *out;
};
extern const struct opt global_compat_opts[];
/** global_compat_apply() - do what they say. */
int global_compat_apply(const struct global_compat *a);

/* Flags before the verb. */
struct global_args {
	struct strv hooks_dirs, runtime_flags;
	const char *root, *runroot, *driver, *cgroup_manager, *log_level, *runtime;
	struct strv storage_opts, modules;
	bool debug, version;
	struct global_compat compat;
};
extern const struct opt global_opts[];

/** command_find() - entry whose words @argv begins with (two-word entries first); @ret_words: how many it took. */
const struct command_alias *command_find(int argc, char *const *argv, int *ret_words);
/** command_unknown() - the usage error for words that command_find() did not know. */
int command_unknown(int argc, char *const *argv);
/** command_about() - paragraphs and examples beyond the summary (about.c); NULL when there are none. */
const char *command_about(const struct command *c);
/** command_is_primary() - false for an entry that is another name of one shown elsewhere. */
bool command_is_primary(const struct command_alias *a);

/* --help: of everything, of a group, of one command as it was called. */
void help_all(FILE *out);
void help_group(FILE *out, const struct command_group *g);
void help_command(FILE *out, const struct command_alias *a);
const struct command_group *group_find(const char *name);

/* One line each, in the order of the files. */
extern const struct command cmd_auto_update;
extern const struct command cmd_attach, cmd_create, cmd_exec, cmd_inspect, cmd_kill, cmd_logs,
	cmd_ps;
extern const struct command cmd_mount, cmd_unmount;
extern const struct command cmd_pause, cmd_stats, cmd_unpause;
extern const struct command cmd_port, cmd_rename, cmd_restart;
extern const struct command cmd_rm, cmd_run, cmd_start, cmd_stop, cmd_top, cmd_wait;
extern const struct command cmd_container_exists, cmd_container_inspect, cmd_container_prune;
extern const struct command cmd_container_clone, cmd_container_cleanup;
extern const struct command cmd_container_init, cmd_container_runlabel, cmd_container_checkpoint,
	cmd_container_restore;
extern const struct command cmd_build, cmd_builder_prune;
extern const struct command cmd_buildx_create, cmd_buildx_du, cmd_buildx_inspect, cmd_buildx_ls,
	cmd_buildx_rm, cmd_buildx_stop, cmd_buildx_use, cmd_buildx_version;
extern const struct command cmd_imagetools_create, cmd_imagetools_inspect;
extern const struct command cmd_context_inspect, cmd_context_ls, cmd_context_show, cmd_context_use;
extern const struct command cmd_commit, cmd_container_diff, cmd_cp, cmd_diff, cmd_export,
	cmd_image_diff;
extern const struct command cmd_history, cmd_images, cmd_rmi, cmd_tag, cmd_untag;
extern const struct command cmd_image_exists, cmd_image_inspect, cmd_image_prune;
extern const struct command cmd_volume_export, cmd_volume_import;
extern const struct command cmd_volume_create, cmd_volume_inspect, cmd_volume_ls, cmd_volume_rm;
extern const struct command cmd_volume_exists, cmd_volume_mount, cmd_volume_prune;
extern const struct command cmd_volume_reload, cmd_volume_unmount;
extern const struct command cmd_network_create, cmd_network_exists, cmd_network_inspect;
extern const struct command cmd_network_connect, cmd_network_disconnect, cmd_network_reload;
extern const struct command cmd_network_update;
extern const struct command cmd_network_ls, cmd_network_prune, cmd_network_rm;
extern const struct command cmd_kube_apply, cmd_kube_down, cmd_kube_generate, cmd_kube_play;
extern const struct command cmd_pod_clone, cmd_pod_create, cmd_pod_exists, cmd_pod_inspect,
	cmd_pod_kill, cmd_pod_logs, cmd_pod_stats, cmd_pod_top, cmd_pod_pause, cmd_pod_prune,
	cmd_pod_ps, cmd_pod_restart, cmd_pod_rm, cmd_pod_start, cmd_pod_stop, cmd_pod_unpause;
extern const struct command cmd_secret_create, cmd_secret_exists, cmd_secret_inspect, cmd_secret_ls,
	cmd_secret_rm;
extern const struct command cmd_complete, cmd_completion, cmd_man;
extern const struct command cmd_doctor, cmd_generate_systemd;
extern const struct command cmd_events, cmd_update;
extern const struct command cmd_healthcheck_run;
extern const struct command cmd_help;
extern const struct command cmd_import;
extern const struct command cmd_info;
extern const struct command cmd_load;
extern const struct command cmd_login, cmd_logout;
extern const struct command cmd_runtime_create, cmd_runtime_start, cmd_runtime_state,
	cmd_runtime_kill, cmd_runtime_delete, cmd_runtime_exec, cmd_runtime_ps, cmd_runtime_pause,
	cmd_runtime_resume, cmd_runtime_update, cmd_runtime_features, cmd_runtime_spec,
	cmd_runtime_run, cmd_runtime_list;
extern const struct command cmd_explain_run;
extern const struct command cmd_version;
extern const struct command cmd_unit_generate, cmd_unit_install, cmd_unit_ls, cmd_unit_print,
	cmd_unit_rm;
extern const struct command cmd_unshare;
extern const struct command cmd_image_publish;
extern const struct command cmd_image_scp;
extern const struct command cmd_image_lint, cmd_image_tree;
extern const struct command cmd_image_mount, cmd_image_unmount;
extern const struct command cmd_system_check;
extern const struct command cmd_system_df, cmd_system_prune, cmd_system_reset;
extern const struct command cmd_artifact_add, cmd_artifact_extract, cmd_artifact_inspect,
	cmd_artifact_ls, cmd_artifact_pull, cmd_artifact_push, cmd_artifact_rm;
extern const struct command cmd_image_sign;
extern const struct command cmd_image_trust_set, cmd_image_trust_show;
extern const struct command cmd_manifest_add, cmd_manifest_annotate, cmd_manifest_create,
	cmd_manifest_exists, cmd_manifest_inspect, cmd_manifest_push, cmd_manifest_remove,
	cmd_manifest_rm;
extern const struct command cmd_pull, cmd_push, cmd_save, cmd_search;
