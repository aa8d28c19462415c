/* SPDX-License-Identifier: MIT */
#include "pkg/container/inspect.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "net/bridge.h"
#include "net/plan.h"
#include "net/ports.h"
#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/container/inspect_internal.h"
#include "pkg/container/list.h"
#include "pkg/container/make.h"
#include "pkg/container/plan.h"
#include "pkg/container/secrets.h"
#include "pkg/container/networks.h"
#include "pkg/image/local_digest.h"
#include "pkg/json/json.h"
#include "pkg/json/kind.h"
#include "pkg/json/nil.h"
#include "pkg/runtime/user.h"
#include "storage/image_store.h"
#include "storage/store.h"
#include "storage/volume.h"

static void set_take(struct json_object *o, const char *key, char *s)
{
	json_set_str(o, key, s);
	free(s);
}

static struct json_object *state_of(const struct container *c)
{
	struct json_object *o = json_object_new_object();
	bool running = container_is_running(c);

	json_set_str(o, "OciVersion", "1.0.2");
	json_set_str(o, "Status", container_status_text(c));
	json_set_bool(o, "Running", container_has_begun(c));
	json_set_bool(o, "Paused", c->state.status == CONMON_PAUSED);
	json_set_bool(o, "Restarting", c->state.status == CONMON_RESTARTING);
	json_set_bool(o, "OOMKilled", c->state.oom_killed);
	json_set_bool(o, "Dead", false);
	json_set_i64(o, "Pid", running ? c->state.init.pid : 0);
	json_set_i64(o, "ConmonPid", running ? c->state.monitor.pid : 0);
	json_set_i64(o, "ExitCode", c->state.exit_code);
	json_set_str(o, "ExitReason",
		     c->state.finished_ns || c->state.status == CONMON_EXITED
			     ? conmon_reason_text(c->state.reason)
			     : "");
	json_set_bool(o, "StoppedByUser", c->state.stopped_by_user);
	json_set_str(o, "Error", c->state.error);
	json_set_str(o, "CgroupPath",
		     running && *c->state.cgroup ? c->state.cgroup + strlen(CGROUP_ROOT) : "");
	json_set_time(o, "StartedAt", c->state.started_ns);
	json_set_time(o, "FinishedAt", c->state.finished_ns);
	json_set_time(o, "CheckpointedAt", 0);
	json_set_time(o, "RestoredAt", 0);
	json_set(o, "Checkpointed", json_omitted(json_object_new_boolean(false)));
	json_set(o, "Restored", json_omitted(json_object_new_boolean(false)));
	if (c->rec->health.test.n) {
		json_set(o, "Health", health_of(c));
		json_set(o, "Healthcheck", health_of(c)); /* what podman called it first */
	}
	return o;
}

static const char *propagation_text(uint32_t p)
{
	static const struct {
		uint32_t bits;
		const char *text;
	} rows[] = {{MS_SHARED, "shared"},
		    {MS_SLAVE, "slave"},
		    {MS_PRIVATE, "private"},
		    {MS_UNBINDABLE, "unbindable"},
		    {MS_SHARED | MS_REC, "rshared"},
		    {MS_SLAVE | MS_REC, "rslave"},
		    {MS_PRIVATE | MS_REC, "rprivate"},
		    {MS_UNBINDABLE | MS_REC, "runbindable"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].bits == p)
			return rows[i].text;
	return "rprivate";
}

static bool has_files(const struct mount_spec *m)
{
	return m->kind == MOUNT_BIND || m->kind == MOUNT_VOLUME || m->kind == MOUNT_IMAGE;
}

static struct json_object *mount_options_of(const struct mount_spec *m)
{
	AUTO_STRV struct strv l = STRV_INIT;

	if (m->flags & RT_MNT_NOSUID)
		strv_add(&l, "nosuid");
	if (m->flags & RT_MNT_NODEV)
		strv_add(&l, "nodev");
	if (m->flags & RT_MNT_NOEXEC)
		strv_add(&l, "noexec");
	if (m->overlay)
		strv_add(&l, "O");
	if (m->kind != MOUNT_IMAGE)
		strv_add(&l, m->flags & RT_MNT_NONREC ? "bind" : "rbind");
	return json_from_strv(&l);
}

static struct json_object *mounts_of(struct store *st, const struct container_record *rec)
{
	static const char *const types[] = {
		[MOUNT_BIND] = "bind", [MOUNT_VOLUME] = "volume", [MOUNT_IMAGE] = "image"};
	struct json_object *a = json_object_new_array();

	for (unsigned i = 0; i < rec->n_mounts; i++) {
		const struct mount_spec *m = &rec->mounts[i];
		struct json_object *o;

		if (!has_files(m))
			continue; /* HostConfig.Tmpfs has them */
		o = json_object_new_object();
		json_set_str(o, "Type", types[m->kind]);
		if (m->kind == MOUNT_VOLUME) {
			json_set_str(o, "Name", m->source);
			set_take(o, "Source", volume_data_path(st, m->source));
		} else {
			json_set_str(o, "Source", m->source);
		}
		json_set_str(o, "Destination", m->target);
		json_set_str(o, "Driver", m->kind == MOUNT_VOLUME ? "local" : "");
		json_set_str(o, "Mode", "");
		json_set(o, "Options", mount_options_of(m));
		json_set_bool(o, "RW", !(m->flags & RT_MNT_RO));
		json_set_str(o, "Propagation",
			     m->kind == MOUNT_IMAGE ? "" : propagation_text(m->propagation));
		if (m->subpath)
			json_set_str(o, "SubPath", m->subpath);
		(void)json_object_array_add(a, o);
	}
	return a;
}

static struct json_object *ports_of(const struct container *c)
{
	struct json_object *o = json_as_map(json_object_new_object());
	struct net_port_list l = {0};

	for (size_t i = 0; i < c->rec->exposed_ports.n; i++)
		json_set(o, c->rec->exposed_ports.v[i], NULL);
	if (c->rec->ports.n && container_port_list(c, &l) < 0)
		err_drop();
	for (unsigned i = 0; i < l.n; i++) {
		AUTO_FREE char *key = xasprintf("%u/%s", l.v[i].container_port,
						l.v[i].proto == NET_UDP ? "udp" : "tcp");
		struct json_object *list = NULL, *p = json_object_new_object();
		char port[8];

		(void)snprintf(port, sizeof(port), "%u", l.v[i].host_port);
		json_set_str(p, "HostIp", l.v[i].host_ip);
		json_set_str(p, "HostPort", port);
		if (!json_object_object_get_ex(o, key, &list) || !list) {
			list = json_object_new_array();
			json_set(o, key, list);
		}
		(void)json_object_array_add(list, p);
	}
	net_port_list_done(&l);
	return o;
}

/* Addresses of the tap while there is one: what the record asked slirp4netns for. */
static void set_addresses(struct json_object *o, const struct container *c)
{
	struct bridge_lease l = {.device = ""};
	char gateway[INET_ADDRSTRLEN] = "", tap[INET_ADDRSTRLEN] = "";
	struct net_plan n = {.mode = NET_SLIRP};
	struct in_addr a;
	uint32_t prefix = 0;

	if (strcmp(c->rec->ns_net, "slirp4netns") == 0 && container_is_running(c) &&
	    (!c->rec->network_options || net_plan_parse_slirp(c->rec->network_options, &n) == 0)) {
		prefix = net_plan_prefix(&n);
		a = net_plan_address(&n, NET_SLIRP_GATEWAY);
		(void)inet_ntop(AF_INET, &a, gateway, sizeof(gateway));
		a = net_plan_address(&n, NET_SLIRP_TAP);
		(void)inet_ntop(AF_INET, &a, tap, sizeof(tap));
	}
	err_drop();
	if (container_lease(c, &l)) {
		(void)snprintf(gateway, sizeof(gateway), "%s", l.gateway);
		(void)snprintf(tap, sizeof(tap), "%s", l.ip);
		prefix = l.prefix;
	}
	json_set_str(o, "Gateway", gateway);
	json_set_str(o, "IPAddress", tap);
	json_set_i64(o, "IPPrefixLen", prefix);
	json_set_str(o, "IPv6Gateway", l.gateway6);
	json_set_str(o, "GlobalIPv6Address", l.ip6);
	json_set_i64(o, "GlobalIPv6PrefixLen", l.prefix6);
	json_set_str(o, "MacAddress", l.mac);
}

static struct json_object *network_of(const struct container *c)
{
	struct json_object *o = json_object_new_object();
	char path[PIN_PATH_MAX] = "";
	uint64_t refused;

	json_set_str(o, "EndpointID", "");
	set_addresses(o, c);
	json_set_str(o, "Bridge", "");
	json_set_str(o, "SandboxID", "");
	json_set_bool(o, "HairpinMode", false);
	json_set_str(o, "LinkLocalIPv6Address", "");
	json_set_i64(o, "LinkLocalIPv6PrefixLen", 0);
	json_set(o, "Ports", ports_of(c));
	if (container_is_running(c))
		(void)conmon_ns_path(&c->state, RT_NS_NET, path);
	json_set_str(o, "SandboxKey", path);
	json_set(o, "Networks", json_as_map(networks_inspect(c)));
	if (networks_refused(c, &refused))
		json_set_i64(o, "EgressRefused", (int64_t)refused);
	else if (c->rec->egress.n)
		json_set(o, "EgressRefused", NULL);
	return o;
}

static struct json_object *secrets_of(const struct container_record *rec)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < rec->secrets.n; i++) {
		AUTO(secret_use_done) struct secret_use u = {0};
		struct json_object *o;

		if (secret_use_parse(rec->secrets.v[i], &u) < 0) {
			err_drop();
			continue;
		}
		o = json_object_new_object();
		json_set_str(o, "Name", u.source);
		json_set_str(o, "Type", u.env ? "env" : "mount");
		json_set_str(o, "Target", u.target);
		json_set_i64(o, "UID", u.uid);
		json_set_i64(o, "GID", u.gid);
		json_set_i64(o, "Mode", u.mode);
		(void)json_object_array_add(a, o);
	}
	return a;
}

static struct json_object *config_of(const struct container_record *rec)
{
	struct json_object *o = json_object_new_object();
	const char *zone;

	set_take(o, "Hostname", plan_hostname(rec));
	json_set_str(o, "Domainname", rec->domainname ? rec->domainname : "");
	json_set_str(o, "User", rec->user);
	json_set_bool(o, "AttachStdin", false);
	json_set_bool(o, "AttachStdout", false);
	json_set_bool(o, "AttachStderr", false);
	json_set(o, "ExposedPorts", json_from_set(&rec->exposed_ports));
	json_set_bool(o, "Tty", rec->tty);
	json_set_bool(o, "OpenStdin", rec->interactive);
	json_set_bool(o, "StdinOnce", false);
	json_set(o, "Env", json_from_strv(&rec->env));
	json_set(o, "Cmd", json_from_strv(&rec->cmd));
	json_set_str(o, "Image", rec->image);
	json_set(o, "Volumes", NULL);
	json_set_str(o, "WorkingDir", rec->workdir);
	json_set(o, "Entrypoint", json_from_strv(&rec->entrypoint));
	json_set(o, "OnBuild", NULL);
	json_set(o, "Labels", json_from_map(&rec->labels));
	json_set(o, "Annotations", json_from_map(&rec->annotations));
	json_set_str(o, "StopSignal", signal_name((int)rec->stop_signal));
	json_set_i64(o, "StopTimeout", rec->stop_timeout);
	json_set(o, "CreateCommand", json_from_strv(&rec->create_command));
	json_set_i64(o, "Timeout", rec->timeout);
	set_health_config(o, rec);
	json_set(o, "Secrets", rec->secrets.n ? secrets_of(rec) : json_omitted(json_object_new_array()));
	json_set_bool(o, "Passwd", !rec->no_passwd);
	json_set_str(o, "sdNotifyMode", rec->sdnotify ? rec->sdnotify : "container");
	json_set(o, "ChrootDirs", json_from_strv(&rec->chroot_dirs));
	if (!rec->chroot_dirs.n)
		(void)json_omitted(json_object_object_get(o, "ChrootDirs"));
	zone = rec->timezone ? strstr(rec->timezone, "zoneinfo/") : NULL;
	json_set_str(o, "Timezone", zone ? zone + strlen("zoneinfo/") : rec->timezone ? "local" : "");
	if (!rec->timezone)
		(void)json_omitted(json_object_object_get(o, "Timezone"));
	json_set_bool(o, "SystemdMode", rec->systemd);
	json_set_str(o, "Umask", rec->umask ? rec->umask : "0022");
	return o;
}

static struct json_object *binds_of(struct store *st, const struct container_record *rec)
{
	AUTO_STRV struct strv l = STRV_INIT;

	(void)st;
	for (unsigned i = 0; i < rec->n_mounts; i++)
		if (rec->mounts[i].kind == MOUNT_BIND || rec->mounts[i].kind == MOUNT_VOLUME)
			strv_addf(&l, "%s:%s:%s,%s", rec->mounts[i].source, rec->mounts[i].target,
				  (rec->mounts[i].flags & RT_MNT_RO) ? "ro" : "rw",
				  propagation_text(rec->mounts[i].propagation));
	return json_from_strv(&l);
}

static struct json_object *tmpfs_of(const struct container_record *rec)
{
	struct json_object *o = json_object_new_object();

	for (unsigned i = 0; i < rec->n_mounts; i++)
		if (rec->mounts[i].kind == MOUNT_TMPFS)
			json_set_str(o, rec->mounts[i].target,
				     rec->mounts[i].options ? rec->mounts[i].options : "");
	return o;
}

/* malloc'ed; "" when it is not in a file. */
static char *log_path_of(const struct container *c)
{
	if (!strstr(c->rec->log_driver, "-file"))
		return xstrdup("");
	return container_log_path(c->rec, c->dirs.data_path);
}

static struct json_object *log_config_of(const struct container *c)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "Type", c->rec->log_driver);
	json_set(o, "Config", NULL);
	set_take(o, "Path", log_path_of(c));
	json_set_str(o, "Tag", c->rec->log_tag ? c->rec->log_tag : "");
	set_take(o, "Size", xasprintf("%lluB", (unsigned long long)c->rec->log_max_bytes));
	return o;
}

static struct json_object *security_opts_of(const struct container_record *rec)
{
	AUTO_STRV struct strv l = STRV_INIT;

	if (rec->no_new_privs)
		strv_add(&l, "no-new-privileges");
	if (rec->seccomp)
		strv_addf(&l, "seccomp=%s", rec->seccomp);
	if (rec->apparmor)
		strv_addf(&l, "apparmor=%s", rec->apparmor);
	if (rec->writable_cgroups)
		strv_add(&l, "writable-cgroups=true");
	return json_from_strv(&l);
}

static void set_caps(struct json_object *o, const char *key, uint64_t mask)
{
	AUTO_STRV struct strv names = STRV_INIT;

	caps_names(mask, &names);
	json_set(o, key, json_from_strv(&names));
}

/* Of a user namespace whose ids were asked for. */
static struct json_object *id_mappings_of(const struct container_record *rec)
{
	struct json_object *o;

	if (!rec->uid_map.n)
		return json_nil(JSON_NIL_ABSENT);
	o = json_object_new_object();
	json_set(o, "UidMap", json_from_strv(&rec->uid_map));
	json_set(o, "GidMap", json_from_strv(&rec->gid_map));
	return o;
}

static struct json_object *host_config_of(struct store *st, const struct container *c)
{
	const struct container_record *rec = c->rec;
	struct json_object *o = json_object_new_object(), *restart = json_object_new_object();

	json_set(o, "Binds", binds_of(st, rec));
	json_set(o, "VolumesFrom", rec->volumes_from.n ? json_from_strv(&rec->volumes_from) : NULL);
	json_set(o, "LogConfig", log_config_of(c));
	json_set_str(o, "NetworkMode", rec->ns_net);
	json_set(o, "PortBindings", ports_of(c));
	json_set_str(restart, "Name", rec->restart ? rec->restart : "no");
	json_set_i64(restart, "MaximumRetryCount", rec->restart_max);
	json_set(o, "RestartPolicy", restart);
	json_set_bool(o, "AutoRemove", rec->auto_remove);
	json_set_bool(o, "AutoRemoveImage", rec->remove_image);
	json_set(o, "Annotations", json_from_map(&rec->annotations));
	json_set_str(o, "HostsFile", rec->hosts_file ? rec->hosts_file : "");
	json_set(o, "IDMappings", id_mappings_of(rec));
	set_caps(o, "CapAdd", rec->caps & ~caps_default());
	set_caps(o, "CapDrop", caps_default() & ~rec->caps);
	json_set(o, "Dns", json_from_strv(&rec->dns));
	json_set(o, "DnsOptions", json_from_strv(&rec->dns_options));
	json_set(o, "DnsSearch", json_from_strv(&rec->dns_search));
	if (rec->egress.n)
		json_set(o, "Egress", json_from_strv(&rec->egress));
	json_set(o, "ExtraHosts", json_from_strv(&rec->add_hosts));
	json_set(o, "GroupAdd", json_from_strv(&rec->group_add));
	json_set_str(o, "IpcMode",
		     strcmp(rec->ns_ipc, "private") == 0 && !rec->ipc_unshared ? "shareable"
									       : rec->ns_ipc);
	json_set_str(o, "Cgroup", "");
	json_set_i64(o, "OomScoreAdj", rec->oom_score_adj);
	json_set_str(o, "PidMode", rec->ns_pid);
	json_set_bool(o, "Privileged", rec->privileged);
	json_set_bool(o, "PublishAllPorts", rec->publish_all);
	json_set_bool(o, "ReadonlyRootfs", rec->read_only);
	json_set(o, "SecurityOpt", security_opts_of(rec));
	json_set(o, "Tmpfs", tmpfs_of(rec));
	json_set_str(o, "UTSMode", rec->ns_uts);
	json_set_str(o, "UsernsMode", rec->ns_user);
	json_set_str(o, "CgroupMode", rec->ns_cgroup);
	json_set(o, "ShmSize", json_object_new_uint64(rec->shm_size));
	json_set_str(o, "Runtime", rec->runtime_name ? rec->runtime_name : "cuddy");
	json_set_bool(o, "Init", rec->init);
	json_set(o, "Sysctls", json_from_map(&rec->sysctls));
	json_set_str(o, "ContainerIDFile", rec->cidfile ? rec->cidfile : "");
	inspect_limits(o, c);
	return o;
}

static struct json_object *graph_driver_of(struct store *st, const struct container *c)
{
	struct json_object *o = json_object_new_object(), *d = json_object_new_object();
	AUTO_STRV struct strv lower = STRV_INIT;

	for (size_t i = c->rec->layers.n; i-- > 0;) {
		AUTO_FREE char *layer = store_path(st, STORE_LAYERS, c->rec->layers.v[i]);

		strv_take(&lower, path_join(layer, "tree"));
	}
	json_set_str(o, "Name", driver_name(store_driver(st)));
	if (store_driver(st) == STORE_VFS) {
		set_take(d, "dir", path_join(c->dirs.data_path, "root"));
		json_set(o, "Data", json_as_map(d));
		return o;
	}
	set_take(d, "LowerDir", strv_join(&lower, ":"));
	set_take(d, "UpperDir", path_join(c->dirs.data_path, "upper"));
	set_take(d, "WorkDir", path_join(c->dirs.data_path, "work"));
	json_set(o, "Data", json_as_map(d));
	return o;
}

static void set_command(struct json_object *o, const struct container_record *rec)
{
	AUTO_STRV struct strv all = STRV_INIT;

	strv_add_all(&all, &rec->entrypoint);
	strv_add_all(&all, &rec->cmd);
	json_set_str(o, "Path", all.n ? all.v[0] : "");
	if (all.n)
		strv_remove(&all, 0);
	json_set(o, "Args", json_from_strv(&all));
}

/* An image that no registry had gets its digest here, as "image inspect" has it: not where it would cost a start. */
static void set_image_digest(struct json_object *o, struct store *st,
			     const struct container_record *rec)
{
	struct image_record *image = NULL;
	AUTO_FREE char *local = NULL;

	if (!rec->image_digest && rec->image_id && *rec->image_id) {
		if (image_store_load(st, rec->image_id, &image) < 0)
			err_drop();
		else
			local = local_digest(st, image->id, &image->diffids, image->manifest_type,
					     &image->annotations);
		image_record_free(image);
	}
	json_set_str(o, "ImageDigest", rec->image_digest ? rec->image_digest : local ? local : "");
}

int container_inspect(struct store *st, const struct container *c, struct json_object **ret)
{
	static const char *const files[][2] = {{"ResolvConfPath", "resolv.conf"},
					       {"HostnamePath", "hostname"},
					       {"HostsPath", "hosts"}};
	const struct container_record *rec = c->rec;
	struct json_object *o = json_object_new_object();

	json_set_str(o, "Id", rec->id);
	json_set_time(o, "Created", rec->created_ns);
	set_command(o, rec);
	json_set(o, "State", state_of(c));
	json_set_str(o, "Image", rec->image_id);
	set_image_digest(o, st, rec);
	json_set_str(o, "ImageName", rec->image);
	json_set_str(o, "Rootfs", rec->rootfs ? rec->rootfs : "");
	json_set_str(o, "Pod", rec->pod ? rec->pod : "");
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		set_take(o, files[i][0], path_join(c->dirs.runtime_path, files[i][1]));
	json_set_str(o, "StaticDir", c->dirs.data_path);
	json_set_str(o, "OCIRuntime", rec->runtime_name ? rec->runtime_name : "cuddy");
	if (rec->runtime && c->dirs.runtime_fd >= 0 &&
	    faccessat(c->dirs.runtime_fd, "config.json", F_OK, 0) == 0)
		set_take(o, "OCIConfigPath", path_join(c->dirs.runtime_path, "config.json"));
	else
		json_set_str(o, "OCIConfigPath", "");
	json_set_str(o, "ConmonPidFile", rec->conmon_pidfile ? rec->conmon_pidfile : "");
	json_set_str(o, "PidFile", rec->pidfile ? rec->pidfile : "");
	set_take(o, "LogPath", log_path_of(c));
	json_set_str(o, "Name", rec->name);
	json_set_i64(o, "RestartCount", c->state.restarts);
	json_set_str(o, "Driver", driver_name(store_driver(st)));
	json_set_str(o, "MountLabel", "");
	json_set_str(o, "ProcessLabel", "");
	json_set_str(o, "AppArmorProfile", rec->apparmor ? rec->apparmor : "");
	set_caps(o, "EffectiveCaps",
		 user_is_root(rec->user) ? rec->caps : rec->caps_added);
	set_caps(o, "BoundingCaps", rec->caps);
	json_set(o, "ExecIDs", json_object_new_array());
	json_set(o, "GraphDriver", graph_driver_of(st, c));
	json_set(o, "Mounts", mounts_of(st, rec));
	json_set(o, "Dependencies", json_from_strv(&rec->requires));
	json_set(o, "NetworkSettings", network_of(c));
	json_set_str(o, "Namespace", "");
	json_set_bool(o, "IsInfra", rec->is_infra);
	json_set_bool(o, "IsService", false);
	json_set_str(o, "KubeExitCodePropagation", "invalid"); /* that of no service, as podman says it */
	/* Locks are files, and have no numbers; Go's name differs from that in JSON. */
	json_set_i64(o, "lockNumber", 0);
	json_set(o, "LockNumber", json_omitted(json_object_new_int64(0)));
	json_set(o, "Platform", json_omitted(json_object_new_string("linux"))); /* docker's */
	json_set_bool(o, "UseImageHosts", rec->no_hosts);
	json_set_bool(o, "UseImageHostname", rec->no_hostname);
	json_set(o, "Config", config_of(rec));
	json_set(o, "HostConfig", host_config_of(st, c));
	*ret = o;
	return 0;
}
