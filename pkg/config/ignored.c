/* SPDX-License-Identifier: MIT */
#include "pkg/config/ignored.h"

#include <string.h>

#include "pkg/base/alloc.h"

static struct strv noted; /* as long as the process */

/* Words with spaces around each. */
struct known {
	const char *table, *keys;
	const char *why; /* NULL: of no interest */
	const char *harmless; /* values that ask for what is so here anyway; NULL: none */
};

#define OWN_STORE "cuddy's store is apart from podman's; --root and --runroot move it"
#define OWN_EVENTS "events are in a file of the runtime directory, of 1 MiB and one before it"

static const struct known known[] = {
	{"", " additional-layer-store-auth-helper ",
	 "there are no additional layer stores; layers are pulled as a whole", NULL},
	{"storage", " driver_priority transient_store ", NULL, NULL},
	{"storage", " graphroot imagestore rootless_storage_path runroot ", OWN_STORE, NULL},
	{"storage", " driver ", "--storage-driver or STORAGE_DRIVER choose one", NULL},
	{"storage.options", " disable-volatile mount_program ", NULL, NULL},
	{"storage.options", " additionallayerstores ",
	 "there are no additional layer stores; layers are pulled as a whole", NULL},
	{"storage.options.overlay", " mount_program skip_mount_home ", NULL, NULL},
	{"containers", " label label_users ", "labels of SELinux are not supported", " false "},
	{"containers", " interface_name ", "--network NAME:interface_name= names an interface", NULL},
	{"containers", " prepare_volume_on_create ",
	 "a volume gets the image's content when the container first starts", " false "},
	{"network", " firewall_driver network_backend netavark_plugin_dirs ",
	 "networks are cuddy's own, without rules of a firewall or plugins", " none netavark "},
	{"network", " network_config_dir ", OWN_STORE, NULL},
	{"engine", " events_logger events_logfile_max_size events_logfile_path ", OWN_EVENTS, " file "},
	{"engine", " static_dir tmp_dir volume_path ", OWN_STORE, NULL},
	{"engine", " image_default_transport ", "a name without a transport is a registry's",
	 " docker docker:// "},
	{"engine", " multi_image_archive ", NULL, NULL}, /* save takes several images anyway */
	{"engine", " exit_command_delay ", "no command is run when a container has ended", NULL},
	{"engine", " volume_plugins volume_plugin_timeout ", "there are no plugins for volumes", NULL},
	{"engine", " platform_to_oci_runtime ", "runtime, or --runtime, chooses one for all platforms",
	 NULL},
	{"engine", " network_cmd_options ",
	 "--network slirp4netns:OPTIONS has the options of a network", NULL},
	{"engine", " no_pivot_root ", "the root of a container is always changed by pivot_root",
	 " false "},
	{"engine", " compat_api_enforce_docker_hub ", "there is no API service", NULL},
	{"secrets", " driver opts ", "secrets are files of the store", " file "},
	/* containers.conf: where podman's own programs and files are, and how many it uses. */
	{"engine",
	 " active_service conmon_env_vars conmon_path database_backend helper_binaries_dir "
	 "image_copy_tmp_dir image_parallel_copies lock_type network_cmd_path num_locks remote "
	 "runtime_supports_json runtime_supports_kvm runtime_supports_nocgroups service_timeout ",
	 NULL, NULL},
};

static bool has_word(const char *words, const char *s)
{
	AUTO_FREE char *word = xasprintf(" %s ", s);

	return strstr(words, word) != NULL;
}

static const struct known *look_up(const char *table, const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].table, table) == 0 && has_word(known[i].keys, key))
			return &known[i];
	return NULL;
}

void conf_ignored(const char *file, const char *table, const char *key, const char *value)
{
	const struct known *k = look_up(table, key);
	AUTO_FREE char *line = NULL;

	if ((k && !k->why) || strncmp(file, "/usr/share/", 11) == 0)
		return;
	if (value && (!*value || (k && k->harmless && has_word(k->harmless, value))))
		return;
	line = xasprintf("%s: %s%s%s%s: %s", file, *table ? "[" : "", table, *table ? "] " : "", key,
			 k ? k->why : "cuddy does nothing with it");
	if (!strv_has(&noted, line))
		strv_add(&noted, line);
}

const struct strv *conf_ignored_list(void)
{
	return &noted;
}
