/* SPDX-License-Identifier: MIT */
/* Every command there is. An entry with one word of its command's own name is where help lists it. */
#include "cmd/cmd.h"

#include <string.h>

#include "pkg/base/err.h"

/* clang-format off */
const struct command_alias commands[] = {
	{"run", &cmd_run},
	{"container run", &cmd_run},
	{"create", &cmd_create},
	{"container create", &cmd_create},
	{"start", &cmd_start},
	{"container start", &cmd_start},
	{"stop", &cmd_stop},
	{"container stop", &cmd_stop},
	{"pause", &cmd_pause},
	{"container pause", &cmd_pause},
	{"unpause", &cmd_unpause},
	{"container unpause", &cmd_unpause},
	{"stats", &cmd_stats},
	{"container stats", &cmd_stats},
	{"restart", &cmd_restart},
	{"container restart", &cmd_restart},
	{"kill", &cmd_kill},
	{"container kill", &cmd_kill},
	{"rm", &cmd_rm},
	{"container rm", &cmd_rm},
	{"container remove", &cmd_rm},
	{"network connect", &cmd_network_connect},
	{"network create", &cmd_network_create},
	{"network disconnect", &cmd_network_disconnect},
	{"network exists", &cmd_network_exists},
	{"network inspect", &cmd_network_inspect},
	{"network list", &cmd_network_ls},
	{"network ls", &cmd_network_ls},
	{"network prune", &cmd_network_prune},
	{"network reload", &cmd_network_reload},
	{"network remove", &cmd_network_rm},
	{"network rm", &cmd_network_rm},
	{"network update", &cmd_network_update},
	{"kube apply", &cmd_kube_apply},
	{"kube down", &cmd_kube_down},
	{"kube generate", &cmd_kube_generate},
	{"generate kube", &cmd_kube_generate},
	{"kube play", &cmd_kube_play},
	{"play kube", &cmd_kube_play},
	{"pod clone", &cmd_pod_clone},
	{"pod create", &cmd_pod_create},
	{"pod exists", &cmd_pod_exists},
	{"pod inspect", &cmd_pod_inspect},
	{"pod kill", &cmd_pod_kill},
	{"pod logs", &cmd_pod_logs},
	{"pod pause", &cmd_pod_pause},
	{"pod prune", &cmd_pod_prune},
	{"pod ps", &cmd_pod_ps},
	{"pod ls", &cmd_pod_ps},
	{"pod list", &cmd_pod_ps},
	{"pod restart", &cmd_pod_restart},
	{"pod rm", &cmd_pod_rm},
	{"pod remove", &cmd_pod_rm},
	{"pod start", &cmd_pod_start},
	{"pod stats", &cmd_pod_stats},
	{"pod stop", &cmd_pod_stop},
	{"pod top", &cmd_pod_top},
	{"pod unpause", &cmd_pod_unpause},
	{"ps", &cmd_ps},
	{"container ps", &cmd_ps},
	{"container ls", &cmd_ps},
	{"container list", &cmd_ps},
	{"logs", &cmd_logs},
	{"container logs", &cmd_logs},
	{"exec", &cmd_exec},
	{"container exec", &cmd_exec},
	{"attach", &cmd_attach},
	{"container attach", &cmd_attach},
	{"update", &cmd_update},
	{"container update", &cmd_update},
	{"wait", &cmd_wait},
	{"container wait", &cmd_wait},
	{"top", &cmd_top},
	{"container top", &cmd_top},
	{"port", &cmd_port},
	{"container port", &cmd_port},
	{"rename", &cmd_rename},
	{"container rename", &cmd_rename},
	{"container clone", &cmd_container_clone},
	{"container cleanup", &cmd_container_cleanup},
	{"container checkpoint", &cmd_container_checkpoint},
	{"container init", &cmd_container_init},
	{"init", &cmd_container_init},
	{"container runlabel", &cmd_container_runlabel},
	{"container restore", &cmd_container_restore},
	{"commit", &cmd_commit},
	{"container commit", &cmd_commit},
	{"cp", &cmd_cp},
	{"container cp", &cmd_cp},
	{"diff", &cmd_diff},
	{"container diff", &cmd_container_diff},
	{"image diff", &cmd_image_diff},
	{"export", &cmd_export},
	{"container export", &cmd_export},
	{"mount", &cmd_mount},
	{"container mount", &cmd_mount},
	{"unmount", &cmd_unmount},
	{"umount", &cmd_unmount},
	{"container unmount", &cmd_unmount},
	{"container umount", &cmd_unmount},
	{"auto-update", &cmd_auto_update},
	{"build", &cmd_build},
	{"image build", &cmd_build},
	{"builder build", &cmd_build},
	{"buildx build", &cmd_build},
	{"builder prune", &cmd_builder_prune},
	{"buildx prune", &cmd_builder_prune},
	{"buildx create", &cmd_buildx_create},
	{"buildx du", &cmd_buildx_du},
	{"buildx imagetools create", &cmd_imagetools_create},
	{"buildx imagetools inspect", &cmd_imagetools_inspect},
	{"buildx inspect", &cmd_buildx_inspect},
	{"buildx ls", &cmd_buildx_ls},
	{"buildx rm", &cmd_buildx_rm},
	{"buildx stop", &cmd_buildx_stop},
	{"buildx use", &cmd_buildx_use},
	{"buildx version", &cmd_buildx_version},
	{"context inspect", &cmd_context_inspect},
	{"context list", &cmd_context_ls},
	{"context ls", &cmd_context_ls},
	{"context show", &cmd_context_show},
	{"context use", &cmd_context_use},
	{"images", &cmd_images},
	{"image list", &cmd_images},
	{"image ls", &cmd_images},
	{"rmi", &cmd_rmi},
	{"image remove", &cmd_rmi},
	{"image rm", &cmd_rmi},
	{"tag", &cmd_tag},
	{"image tag", &cmd_tag},
	{"untag", &cmd_untag},
	{"image untag", &cmd_untag},
	{"history", &cmd_history},
	{"image history", &cmd_history},
	{"image inspect", &cmd_image_inspect},
	{"image exists", &cmd_image_exists},
	{"image lint", &cmd_image_lint},
	{"image mount", &cmd_image_mount},
	{"image prune", &cmd_image_prune},
	{"image publish", &cmd_image_publish},
	{"image scp", &cmd_image_scp},
	{"image tree", &cmd_image_tree},
	{"image unmount", &cmd_image_unmount},
	{"image umount", &cmd_image_unmount},
	{"image sign", &cmd_image_sign},
	{"image trust set", &cmd_image_trust_set},
	{"image trust show", &cmd_image_trust_show},
	{"inspect", &cmd_inspect},
	{"container inspect", &cmd_container_inspect},
	{"container exists", &cmd_container_exists},
	{"container prune", &cmd_container_prune},
	{"manifest add", &cmd_manifest_add},
	{"manifest annotate", &cmd_manifest_annotate},
	{"manifest create", &cmd_manifest_create},
	{"manifest exists", &cmd_manifest_exists},
	{"manifest inspect", &cmd_manifest_inspect},
	{"manifest push", &cmd_manifest_push},
	{"manifest remove", &cmd_manifest_remove},
	{"manifest rm", &cmd_manifest_rm},
	{"artifact add", &cmd_artifact_add},
	{"artifact extract", &cmd_artifact_extract},
	{"artifact inspect", &cmd_artifact_inspect},
	{"artifact list", &cmd_artifact_ls},
	{"artifact ls", &cmd_artifact_ls},
	{"artifact pull", &cmd_artifact_pull},
	{"artifact push", &cmd_artifact_push},
	{"artifact remove", &cmd_artifact_rm},
	{"artifact rm", &cmd_artifact_rm},
	{"secret create", &cmd_secret_create},
	{"secret exists", &cmd_secret_exists},
	{"secret inspect", &cmd_secret_inspect},
	{"secret list", &cmd_secret_ls},
	{"secret ls", &cmd_secret_ls},
	{"secret remove", &cmd_secret_rm},
	{"secret rm", &cmd_secret_rm},
	{"explain run", &cmd_explain_run},
	{"runtime create", &cmd_runtime_create},
	{"runtime start", &cmd_runtime_start},
	{"runtime state", &cmd_runtime_state},
	{"runtime kill", &cmd_runtime_kill},
	{"runtime delete", &cmd_runtime_delete},
	{"runtime exec", &cmd_runtime_exec},
	{"runtime ps", &cmd_runtime_ps},
	{"runtime pause", &cmd_runtime_pause},
	{"runtime resume", &cmd_runtime_resume},
	{"runtime update", &cmd_runtime_update},
	{"runtime features", &cmd_runtime_features},
	{"runtime spec", &cmd_runtime_spec},
	{"runtime run", &cmd_runtime_run},
	{"runtime list", &cmd_runtime_list},
	{"volume create", &cmd_volume_create},
	{"volume exists", &cmd_volume_exists},
	{"volume export", &cmd_volume_export},
	{"volume import", &cmd_volume_import},
	{"volume inspect", &cmd_volume_inspect},
	{"volume list", &cmd_volume_ls},
	{"volume ls", &cmd_volume_ls},
	{"volume mount", &cmd_volume_mount},
	{"volume prune", &cmd_volume_prune},
	{"volume reload", &cmd_volume_reload},
	{"volume remove", &cmd_volume_rm},
	{"volume rm", &cmd_volume_rm},
	{"volume umount", &cmd_volume_unmount},
	{"volume unmount", &cmd_volume_unmount},
	{"completion", &cmd_completion},
	{"__complete", &cmd_complete},
	{"__man", &cmd_man},
	{"help", &cmd_help},
	{"info", &cmd_info},
	{"system info", &cmd_info},
	{"doctor", &cmd_doctor},
	{"generate systemd", &cmd_generate_systemd},
	{"system check", &cmd_system_check},
	{"system df", &cmd_system_df},
	{"system prune", &cmd_system_prune},
	{"system reset", &cmd_system_reset},
	{"image import", &cmd_import},
	{"image load", &cmd_load},
	{"events", &cmd_events},
	{"system events", &cmd_events},
	{"healthcheck run", &cmd_healthcheck_run},
	{"import", &cmd_import},
	{"image pull", &cmd_pull},
	{"load", &cmd_load},
	{"login", &cmd_login},
	{"logout", &cmd_logout},
	{"pull", &cmd_pull},
	{"unshare", &cmd_unshare},
	{"push", &cmd_push},
	{"image push", &cmd_push},
	{"save", &cmd_save},
	{"image save", &cmd_save},
	{"search", &cmd_search},
	{"image search", &cmd_search},
	{"unit cat", &cmd_unit_print},
	{"unit generate", &cmd_unit_generate},
	{"unit install", &cmd_unit_install},
	{"unit list", &cmd_unit_ls},
	{"unit ls", &cmd_unit_ls},
	{"unit print", &cmd_unit_print},
	{"unit rm", &cmd_unit_rm},
	{"quadlet cat", &cmd_unit_print},
	{"quadlet install", &cmd_unit_install},
	{"quadlet list", &cmd_unit_ls},
	{"quadlet ls", &cmd_unit_ls},
	{"quadlet print", &cmd_unit_print},
	{"quadlet rm", &cmd_unit_rm},
	{"version", &cmd_version},
	{NULL, NULL},
};

const struct command_group command_groups[] = {
	{"artifact", "Keep files in registries"},
	{"builder", "Build images"},
	{"buildx", "Build images, as docker's plugin"},
	{"context", "Where a server is: nowhere"},
	{"container", "Manage containers"},
	{"explain", "Say what would be done"},
	{"generate", "Print services for containers"},
	{"healthcheck", "Make health checks"},
	{"image", "Manage images"},
	{"manifest", "Make lists of images for several platforms"},
	{"quadlet", "Containers as unit files of systemd"},
	{"runtime", "Be the OCI runtime of another engine"},
	{"network", "Manage networks"},
	{"secret", "Keep secrets for containers"},
	{"system", "Manage the tool itself"},
	{"unit", "Containers as unit files of systemd"},
	{"pod", "Manage pods"},
	{"kube", "Pods from Kubernetes YAML, and back"},
	{"generate", "Other ways to say kube generate"},
	{"play", "Other ways to say kube play"},
	{"volume", "Manage volumes"},
	{NULL, NULL},
};
/* clang-format on */

/* clang-format off */
const struct opt global_opts[] = {
	OPT_BOOL('D', "debug", struct global_args, debug, "Log what happens on standard error"),
	OPT_STR('l', "log-level", "LEVEL", struct global_args, log_level, "Log messages of LEVEL and above",
		.complete = COMPLETE_WORDS, .words = "trace debug info warn warning error fatal panic", .strict = true),
	OPT_STR(0, "root", "DIR", struct global_args, root, "Directory of images and containers", .complete = COMPLETE_DIR),
	OPT_STR(0, "runroot", "DIR", struct global_args, runroot, "Directory of the state of running containers",
		.complete = COMPLETE_DIR),
	OPT_STR(0, "storage-driver", "NAME", struct global_args, driver, "How containers' root file systems are made",
		.complete = COMPLETE_WORDS, .words = "overlay fuse-overlayfs vfs"),
	OPT_LIST(0, "storage-opt", "KEY=VALUE", struct global_args, storage_opts, "Also the images in additionalimagestore=DIR"),
	OPT_STR(0, "cgroup-manager", "NAME", struct global_args, cgroup_manager, "Who makes the cgroups of new containers",
		.complete = COMPLETE_WORDS, .words = "systemd cgroupfs none", .strict = true),
	OPT_STR(0, "runtime", "NAME|FILE", struct global_args, runtime, "OCI runtime of new containers", .complete = COMPLETE_FILE),
	OPT_LIST(0, "runtime-flag", "FLAG", struct global_args, runtime_flags, "Flag for that runtime, without its dashes"),
	OPT_LIST(0, "module", "FILE", struct global_args, modules, "Read this module of containers.conf, too", .complete = COMPLETE_FILE),
	OPT_LIST(0, "hooks-dir", "DIR", struct global_args, hooks_dirs, "Look for OCI hooks there only", .complete = COMPLETE_DIR),
	OPT_GROUP(global_compat_opts, struct global_args, compat),
	OPT_BOOL('v', "version", struct global_args, version, "Print the version and exit"),
	OPT_END
};
/* clang-format on */

static bool words_match(const char *words, int argc, char *const *argv, int *ret_words)
{
	int n = 0;

	while (*words) {
		size_t len = strcspn(words, " ");

		if (n == argc || strlen(argv[n]) != len || strncmp(argv[n], words, len) != 0)
			return false;
		n++;
		words += len;
		words += *words == ' ';
	}
	*ret_words = n;
	return true;
}

const struct command_alias *command_find(int argc, char *const *argv, int *ret_words)
{
	const struct command_alias *best = NULL;
	int n, most = 0;

	for (const struct command_alias *a = commands; a->words; a++) {
		if (words_match(a->words, argc, argv, &n) && n > most) {
			best = a;
			most = n;
		}
	}
	*ret_words = most;
	return best;
}

const struct command_group *group_find(const char *name)
{
	for (const struct command_group *g = command_groups; g->name; g++)
		if (strcmp(g->name, name) == 0)
			return g;
	return NULL;
}

bool command_is_primary(const struct command_alias *a)
{
	const struct command *c = a->command;
	size_t n = c->group ? strlen(c->group) : 0;

	if (!n)
		return strcmp(a->words, c->name) == 0;
	return strncmp(a->words, c->group, n) == 0 && a->words[n] == ' ' &&
	       strcmp(a->words + n + 1, c->name) == 0;
}

/* The words that may stand after @group (NULL: first words), each once. */
static size_t list_words(const struct command_group *group, const char **out, size_t max)
{
	size_t n = 0, len = group ? strlen(group->name) : 0;

	for (const struct command_alias *a = commands; a->words && n < max; a++) {
		const char *space = strchr(a->words, ' ');

		if (a->words[0] == '_')
			continue;
		if (!group && !space)
			out[n++] = a->words;
		else if (group && space && (size_t)(space - a->words) == len &&
			 strncmp(a->words, group->name, len) == 0)
			out[n++] = space + 1;
	}
	for (const struct command_group *g = command_groups; !group && g->name && n < max; g++)
		out[n++] = g->name;
	return n;
}

int command_unknown(int argc, char *const *argv)
{
	const struct command_group *g = group_find(argv[0]);
	const char *words[512];
	const char *hint, *typed = g && argc > 1 ? argv[1] : argv[0];
	const char *sep = g ? " " : "", *group = g ? g->name : "";

	if (g && argc < 2)
		return err_usage("%s: which command? 'cuddy %s --help' lists what there is",
				 g->name, g->name);
	hint = suggest(typed, words, list_words(g, words, sizeof(words) / sizeof(words[0])));
	if (hint)
		return err_usage("unknown command \"%s%s%s\"; did you mean \"%s%s%s\"?", group, sep,
				 typed, group, sep, hint);
	return err_usage("unknown command \"%s%s%s\"; 'cuddy %s%s--help' lists what there is",
			 group, sep, typed, group, sep);
}
