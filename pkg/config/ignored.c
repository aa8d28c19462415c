/* SPDX-License-Identifier: MIT */
#include "pkg/config/ignored.h"

#include <string.h>

#include "pkg/base/alloc.h"

static struct strv noted; /* as long as the process */

/* Words with spaces around each. */
struct known {
	const char *table, *keys;
	const char *why; /* NULL: of no interest */
};

static const struct known known[] = {
	{"", " additional-layer-store-auth-helper ",
	 "there are no additional layer stores; layers are pulled as a whole"},
	{"storage", " driver_priority transient_store ", NULL},
	{"storage", " graphroot imagestore rootless_storage_path runroot ",
	 "cuddy's store is apart from podman's; --root and --runroot move it"},
	{"storage", " driver ", "--storage-driver or STORAGE_DRIVER choose one"},
	{"storage.options", " disable-volatile mount_program ", NULL},
	{"storage.options", " additionallayerstores ",
	 "there are no additional layer stores; layers are pulled as a whole"},
	{"storage.options.overlay", " mount_program skip_mount_home ", NULL},
	/* containers.conf: where podman's own programs and files are, and how many it uses. */
	{"engine",
	 " active_service conmon_env_vars conmon_path database_backend helper_binaries_dir "
	 "image_copy_tmp_dir image_parallel_copies lock_type network_cmd_path num_locks remote "
	 "runtime_supports_json runtime_supports_kvm runtime_supports_nocgroups service_timeout "
	 "static_dir tmp_dir volume_path ",
	 NULL},
};

static const struct known *look_up(const char *table, const char *key)
{
	AUTO_FREE char *word = xasprintf(" %s ", key);

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].table, table) == 0 && strstr(known[i].keys, word))
			return &known[i];
	return NULL;
}

void conf_ignored(const char *file, const char *table, const char *key)
{
	const struct known *k = look_up(table, key);
	AUTO_FREE char *line = NULL;

	if ((k && !k->why) || strncmp(file, "/usr/share/", 11) == 0)
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
