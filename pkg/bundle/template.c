/* SPDX-License-Identifier: MIT */
#include "pkg/bundle/template.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/bundle/internal.h"
#include "pkg/json/json.h"
#include "pkg/oci/linux_names.h"
#include "pkg/oci/runtime_spec.h"

static const char template_text[] =
	"{\"ociVersion\":\"" OCI_RUNTIME_VERSION "\","
	"\"process\":{\"terminal\":true,\"user\":{\"uid\":0,\"gid\":0},\"args\":[\"sh\"],"
	"\"env\":[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/"
	"bin\",\"TERM=xterm\"],"
	"\"cwd\":\"/\",\"capabilities\":{"
	"\"bounding\":[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\"],"
	"\"effective\":[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\"],"
	"\"permitted\":[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\"]},"
	"\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":1024,\"soft\":1024}],"
	"\"noNewPrivileges\":true},"
	"\"root\":{\"path\":\"rootfs\",\"readonly\":true},\"hostname\":\"cuddy\","
	"\"mounts\":["
	"{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},"
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
	"\"options\":[\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\"]},"
	"{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\","
	"\"options\":[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\"]},"
	"{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"source\":\"shm\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=65536k\"]},"
	"{\"destination\":\"/dev/mqueue\",\"type\":\"mqueue\",\"source\":\"mqueue\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},"
	"{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"sysfs\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"ro\"]},"
	"{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"relatime\",\"ro\"]}],"
	"\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},"
	"{\"type\":\"uts\"},{\"type\":\"cgroup\"},{\"type\":\"mount\"}],"
	"\"maskedPaths\":[\"/proc/acpi\",\"/proc/asound\",\"/proc/kcore\",\"/proc/keys\","
	"\"/proc/latency_stats\",\"/proc/timer_list\",\"/proc/timer_stats\",\"/proc/sched_debug\","
	"\"/sys/firmware\",\"/proc/scsi\"],"
	"\"readonlyPaths\":[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\","
	"\"/proc/sysrq-trigger\"]}}";

static struct json_object *map(int64_t host)
{
	struct json_object *a = json_object_new_array(), *m = json_object_new_object();

	json_set_i64(m, "containerID", 0);
	json_set_i64(m, "hostID", host);
	json_set_i64(m, "size", 1);
	(void)json_object_array_add(a, m);
	return a;
}

struct json_object *bundle_template(bool rootless)
{
	struct json_object *o = NULL, *l = NULL, *ns = NULL, *user;

	if (json_parse(template_text, sizeof(template_text) - 1, &o) < 0)
		abort(); /* it is our own */
	if (!rootless)
		return o;
	(void)json_get_obj(o, "linux", &l);
	(void)json_get_arr(l, "namespaces", &ns);
	user = json_object_new_object();
	json_set_str(user, "type", "user");
	(void)json_object_array_add(ns, user);
	json_set(l, "uidMappings", map(getuid()));
	json_set(l, "gidMappings", map(getgid()));
	return o;
}

static struct json_object *words(const char *const *v, unsigned n)
{
	struct json_object *a = json_object_new_array();

	for (unsigned i = 0; i < n; i++)
		(void)json_object_array_add(a, json_object_new_string(v[i]));
	return a;
}

static struct json_object *enabled(bool yes)
{
	struct json_object *o = json_object_new_object();

	json_set_bool(o, "enabled", yes);
	return o;
}

static struct json_object *seccomp(void)
{
	static const char *const actions[] = {
		"SCMP_ACT_ALLOW",       "SCMP_ACT_ERRNO", "SCMP_ACT_KILL",  "SCMP_ACT_KILL_PROCESS",
		"SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",   "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"};
	static const char *const operators[] = {"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT",
						"SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ",
						"SCMP_CMP_NE"};
	static const char *const archs[] = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_X32",
					    "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"};
	static const char *const flags[] = {"SECCOMP_FILTER_FLAG_LOG",
					    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
					    "SECCOMP_FILTER_FLAG_TSYNC"};
	struct json_object *o = enabled(true);

	json_set(o, "actions", words(actions, ARRAY_LEN(actions)));
	json_set(o, "operators", words(operators, ARRAY_LEN(operators)));
	json_set(o, "archs", words(archs, ARRAY_LEN(archs)));
	json_set(o, "knownFlags", words(flags, ARRAY_LEN(flags)));
	json_set(o, "supportedFlags", words(flags, ARRAY_LEN(flags)));
	return o;
}

static struct json_object *cgroup(void)
{
	struct json_object *o = json_object_new_object();

	json_set_bool(o, "v1", false);
	json_set_bool(o, "v2", true);
	json_set_bool(o, "systemd", false); /* the user's, for root too */
	json_set_bool(o, "systemdUser", true);
	json_set_bool(o, "rdma", true);
	return o;
}

struct json_object *bundle_features(void)
{
	static const char *const names[] = {"cgroup", "ipc",  "mount", "network",
					    "pid",    "time", "user",  "uts"};
	/* They change what the runtime does, and come from whoever writes annotations. */
	static const char *const unsafe[] = {"run.oci.keep_original_groups"};
	struct json_object *o = json_object_new_object(), *l = json_object_new_object();
	struct json_object *extensions = json_object_new_object();
	AUTO_STRV struct strv caps = STRV_INIT, options = STRV_INIT;

	caps_names(caps_all(), &caps);
	json_set_str(o, "ociVersionMin", "1.0.0");
	json_set_str(o, "ociVersionMax", OCI_RUNTIME_VERSION);
	json_set(o, "hooks", words(oci_hook_stages, OCI_HOOK_STAGES));
	bundle_mount_words(&options);
	json_set(o, "mountOptions", json_from_strv(&options));
	json_set(l, "namespaces", words(names, ARRAY_LEN(names)));
	json_set(l, "capabilities", json_from_strv(&caps));
	json_set(l, "cgroup", cgroup());
	json_set(l, "seccomp", seccomp());
	json_set(l, "apparmor", enabled(true));
	json_set(l, "selinux", enabled(false));
	json_set(l, "intelRdt", enabled(false));
	json_set(extensions, "idmap", enabled(false));
	json_set(l, "mountExtensions", extensions);
	json_set(o, "linux", l);
	json_set(o, "potentiallyUnsafeConfigAnnotations", words(unsafe, ARRAY_LEN(unsafe)));
	return o;
}
