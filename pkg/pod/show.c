/* SPDX-License-Identifier: MIT */
/* Pods as JSON: inspect, and rows for lists. Fields are podman's. */
#include <stdio.h>
#include <string.h>

#include "net/ports.h"
#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/cli/filter.h"
#include "pkg/container/cgroup.h"
#include "pkg/container/inspect.h"
#include "pkg/container/list.h"
#include "pkg/container/networks.h"
#include "pkg/json/json.h"
#include "pkg/json/kind.h"
#include "pkg/pod/internal.h"

static const struct container *infra_of(const struct pod_members *m)
{
	return m->n && m->v[0].rec->is_infra ? &m->v[0] : NULL;
}

static struct json_object *containers_of(const struct pod_members *m)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < m->n; i++) {
		struct json_object *o = json_object_new_object();

		json_set_str(o, "Id", m->v[i].rec->id);
		json_set_str(o, "Name", m->v[i].rec->name);
		json_set_str(o, "State", container_status_text(&m->v[i]));
		(void)json_object_array_add(a, o);
	}
	return a;
}

static struct json_object *networks_of(const struct container *infra)
{
	AUTO_STRV struct strv names = STRV_INIT;

	for (size_t i = 0; infra && i < infra->rec->networks.n; i++)
		strv_take(&names, xstrndup(infra->rec->networks.v[i],
					   strcspn(infra->rec->networks.v[i], ":")));
	return json_from_strv(&names);
}

/* What the infra container's own `inspect` says at @key; a new reference. */
static struct json_object *said(struct json_object *inspected, const char *key)
{
	struct json_object *v = NULL;

	(void)json_object_object_get_ex(inspected, key, &v);
	return json_object_get(v);
}

/* "NAME:ip=…,mac=…": the value of @key in the first network; malloc'ed. */
static char *endpoint_value(const struct container *infra, const char *key)
{
	AUTO_STRV struct strv options = STRV_INIT;
	const char *s = infra->rec->networks.n ? infra->rec->networks.v[0] : "", *v;

	s += strcspn(s, ":");
	strv_split(&options, *s ? s + 1 : "", ',');
	v = strv_env_get(&options, key);
	return xstrdup(v ? v : "");
}

static struct json_object *infra_config(struct json_object *host, const struct pod_record *pod,
					const struct container *infra)
{
	AUTO_FREE char *ip = endpoint_value(infra, "ip"), *mac = endpoint_value(infra, "mac");
	const struct container_record *rec = infra->rec;
	struct json_object *o = json_object_new_object();

	json_set(o, "PortBindings", said(host, "PortBindings"));
	json_set_bool(o, "HostNetwork", strcmp(rec->ns_net, "host") == 0);
	json_set_str(o, "StaticIP", ip);
	json_set_str(o, "StaticMAC", mac);
	json_set_bool(o, "NoManageResolvConf", strv_has(&rec->dns, "none"));
	json_set(o, "DNSServer", json_from_strv(&rec->dns));
	json_set(o, "DNSSearch", json_from_strv(&rec->dns_search));
	json_set(o, "DNSOption", json_from_strv(&rec->dns_options));
	json_set_bool(o, "NoManageHosts", rec->no_hosts);
	json_set(o, "HostAdd", json_from_strv(&rec->add_hosts));
	json_set(o, "Networks", networks_of(infra));
	json_set(o, "NetworkOptions", NULL);
	json_set_str(o, "pid_ns", pod_shares(pod, "pid") ? rec->ns_pid : "private");
	json_set_str(o, "userns", rec->ns_user);
	json_set_str(o, "uts_ns", pod_shares(pod, "uts") ? rec->ns_uts : "private");
	return o;
}

/* Where its containers' cgroups lie, as long as there is one. */
static void set_cgroup_path(struct json_object *o, const struct pod_members *m)
{
	size_t root = strlen(CGROUP_ROOT);

	for (size_t i = 0; i < m->n; i++) {
		AUTO_FREE char *dir = container_cgroup(&m->v[i]);

		if (!dir || strncmp(dir, CGROUP_ROOT, root) != 0)
			continue;
		*strrchr(dir, '/') = '\0';
		json_set_str(o, "CgroupPath", dir + root);
		return;
	}
}

/* Names are those of podman's JSON; templates know them as CPUQuota and so on, too. */
static void set_limits(struct json_object *o, struct json_object *host,
		       const struct container *infra)
{
	static const char *const names[][2] = {{"cpu_period", "CpuPeriod"},
					       {"cpu_quota", "CpuQuota"},
					       {"cpu_shares", "CpuShares"},
					       {"cpuset_cpus", "CpusetCpus"},
					       {"cpuset_mems", "CpusetMems"},
					       {"memory_limit", "Memory"},
					       {"memory_swap", "MemorySwap"},
					       {"blkio_weight", "BlkioWeight"},
					       {"blkio_weight_device", "BlkioWeightDevice"},
					       {"device_read_bps", "BlkioDeviceReadBps"},
					       {"device_write_bps", "BlkioDeviceWriteBps"},
					       {"volumes_from", "VolumesFrom"}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		json_set(o, names[i][0], said(host, names[i][1]));
	if (infra->rec->nano_cpus) {
		json_set_i64(o, "cpu_period", 100000);
		json_set_i64(o, "cpu_quota", infra->rec->nano_cpus / 10000);
	}
}

static struct json_object *devices_of(const struct pod_record *pod)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < pod->devices.n; i++) {
		AUTO_STRV struct strv parts = STRV_INIT;
		struct json_object *d = json_object_new_object();

		strv_split(&parts, pod->devices.v[i], ':');
		json_set_str(d, "PathOnHost", parts.v[0]);
		json_set_str(d, "PathInContainer", parts.n > 1 ? parts.v[1] : parts.v[0]);
		json_set_str(d, "CgroupPermissions", parts.n > 2 ? parts.v[2] : "");
		(void)json_object_array_add(a, d);
	}
	return a;
}

int pod_inspect(struct store *st, const struct pod_record *pod, struct json_object **ret)
{
	AUTO(pod_members_done) struct pod_members m = {0};
	AUTO_JSON struct json_object *inspected = NULL;
	struct json_object *o, *host = NULL;
	const struct container *infra;
	int r = pod_members(st, pod, &m);

	infra = infra_of(&m);
	if (r == 0 && infra)
		r = container_inspect(st, infra, &inspected);
	if (r == 0 && infra)
		r = json_get_obj(inspected, "HostConfig", &host);
	if (r < 0)
		return r;
	o = json_object_new_object();
	json_set_str(o, "Id", pod->id);
	json_set_str(o, "Name", pod->name);
	json_set_str(o, "Namespace", "");
	json_set_time(o, "Created", pod->created_ns);
	json_set(o, "CreateCommand", json_from_strv(&pod->create_command));
	json_set_str(o, "ExitPolicy", pod->exit_policy);
	json_set_str(o, "State", pod_status(&m));
	json_set_str(o, "Hostname", pod->hostname ? pod->hostname : "");
	json_set(o, "Labels", json_from_map(&pod->labels));
	json_set_bool(o, "CreateCgroup", pod->limited);
	json_set_str(o, "CgroupParent", pod->cgroup_parent ? pod->cgroup_parent : "");
	json_set_str(o, "CgroupPath", "");
	if (pod->limited)
		set_cgroup_path(o, &m);
	json_set_bool(o, "CreateInfra", pod->infra != NULL);
	json_set_str(o, "InfraContainerID", pod->infra ? pod->infra : "");
	json_set(o, "InfraConfig", infra ? infra_config(host, pod, infra) : NULL);
	json_set(o, "SharedNamespaces", json_from_strv(&pod->share));
	json_set_i64(o, "NumContainers", (int64_t)m.n);
	json_set(o, "Containers", containers_of(&m));
	json_set_str(o, "RestartPolicy", pod->restart ? pod->restart : "no");
	json_set(o, "SecurityOpts", json_from_strv(&pod->security_opts));
	json_set(o, "security_opt", json_from_strv(&pod->security_opts));
	json_set(o, "devices", devices_of(pod));
	json_set(o, "mounts", said(inspected, "Mounts"));
	if (infra)
		set_limits(o, host, infra);
	json_set_i64(o, "LockNumber", 0);
	*ret = o;
	return 0;
}

/* --- lists ------------------------------------------------------------------------------------- */

struct row {
	struct store *st;
	struct pod_record pod;
	struct pod_members m;
};

static bool member_matches(const struct row *x, const char *key, const char *value)
{
	for (size_t i = 0; i < x->m.n; i++) {
		const struct container *c = &x->m.v[i];

		if (strcmp(key, "ctr-ids") == 0     ? strncmp(c->rec->id, value, strlen(value)) == 0
		    : strcmp(key, "ctr-names") == 0 ? filter_name(c->rec->name, value)
						    : strcmp(container_status_text(c), value) == 0)
			return true;
	}
	return false;
}

static bool match_one(const void *arg, const char *key, const char *value)
{
	const struct row *x = arg;
	const struct container *infra = infra_of(&x->m);
	char number[24];
	int64_t at;

	if (strcmp(key, "id") == 0)
		return strncmp(x->pod.id, value, strlen(value)) == 0;
	if (strcmp(key, "name") == 0)
		return filter_name(x->pod.name, value);
	if (strcmp(key, "label") == 0)
		return filter_label(&x->pod.labels, value);
	if (strcmp(key, "label!") == 0)
		return !filter_label(&x->pod.labels, value);
	if (strcmp(key, "status") == 0)
		return strcasecmp(pod_status(&x->m), value) == 0;
	if (strcmp(key, "network") == 0)
		return infra && networks_match(x->st, infra->rec, value);
	if (strcmp(key, "until") == 0)
		return filter_time(value, &at) == 0 && x->pod.created_ns < at;
	if (strcmp(key, "ctr-number") == 0) {
		(void)snprintf(number, sizeof(number), "%zu", x->m.n);
		return strcmp(number, value) == 0;
	}
	return member_matches(x, key, value);
}

static bool is_status(const char *word)
{
	static const char *const words[] = {"Created", "Running",  "Paused", "Stopped",
					    "Exited",  "Degraded", "Error"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(word, words[i]) == 0)
			return true;
	return false;
}

static int check_filters(const struct strv *filters)
{
	static const char *const keys[] = {"ctr-ids", "ctr-names", "ctr-number", "ctr-status",
					   "id",      "label",     "label!",     "name",
					   "network", "status",    "until"};

	for (size_t i = 0; i < filters->n; i++) {
		const char *value = NULL;
		AUTO_FREE char *key = filter_split(filters->v[i], &value);
		int64_t at;

		if (!key)
			return err_usage("--filter '%s': write key=value", filters->v[i]);
		if (!filter_one_of(key, keys, ARRAY_LEN(keys)))
			return err_usage("--filter '%s': unknown key; known are ctr-ids ctr-names "
					 "ctr-number ctr-status id label name network status until",
					 filters->v[i]);
		if (strcmp(key, "status") == 0 && !is_status(value))
			return err_usage("--filter '%s': unknown status; use created, running, "
					 "paused, stopped, exited, degraded or error",
					 filters->v[i]);
		if (strcmp(key, "until") == 0 && filter_time(value, &at) < 0)
			return err_usage("--filter '%s': write a time or a duration",
					 filters->v[i]);
	}
	return 0;
}

static char *join_members(const struct pod_members *m, const struct pod_query *q, char what)
{
	AUTO_STRV struct strv all = STRV_INIT;

	for (size_t i = 0; i < m->n; i++) {
		const struct container *c = &m->v[i];

		if (what == 'i')
			strv_addf(&all, "%.*s", q->no_trunc ? 64 : 12, c->rec->id);
		else
			strv_add(&all, what == 'n' ? c->rec->name : container_status_text(c));
	}
	return strv_join(&all, ",");
}

static void set_take(struct json_object *o, const char *key, char *s)
{
	json_set_str(o, key, s);
	free(s);
}

static struct json_object *row_json(const struct row *x, const struct pod_query *q)
{
	struct json_object *o = json_object_new_object();
	char span[CLOCK_TEXT_MAX];
	int64_t restarts = 0;

	for (size_t i = 0; i < x->m.n; i++)
		restarts += x->m.v[i].state.restarts;
	clock_format_span(clock_now_ns() - x->pod.created_ns, span);
	set_take(o, "ID", xasprintf("%.*s", q->no_trunc ? 64 : 12, x->pod.id));
	json_set_str(o, "Id", x->pod.id);
	json_set_str(o, "Name", x->pod.name);
	json_set_str(o, "Status", pod_status(&x->m));
	set_take(o, "Created", xasprintf("%s ago", span));
	json_set_str(o, "Cgroup", x->pod.cgroup_parent ? x->pod.cgroup_parent : "");
	set_take(o, "InfraID",
		 xasprintf("%.*s", q->no_trunc ? 64 : 12, x->pod.infra ? x->pod.infra : ""));
	set_take(o, "NumberOfContainers", xasprintf("%zu", x->m.n));
	set_take(o, "ContainerIds", join_members(&x->m, q, 'i'));
	set_take(o, "ContainerNames", join_members(&x->m, q, 'n'));
	set_take(o, "ContainerStatuses", join_members(&x->m, q, 's'));
	json_set(o, "Labels", json_from_map(&x->pod.labels));
	json_set(o, "Networks", networks_of(infra_of(&x->m)));
	json_set_i64(o, "Restarts", restarts);
	set_take(o, "Namespaces", strv_join(&x->pod.share, ","));
	json_set_str(o, "Namespace", "");
	return o;
}

static struct json_object *podman_json(const struct row *x)
{
	struct json_object *o = json_object_new_object(), *a = json_object_new_array();
	char created[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < x->m.n; i++) {
		struct json_object *c = json_object_new_object();

		json_set_str(c, "Id", x->m.v[i].rec->id);
		json_set_str(c, "Names", x->m.v[i].rec->name);
		json_set_str(c, "Status", container_status_text(&x->m.v[i]));
		json_set_i64(c, "RestartCount", x->m.v[i].state.restarts);
		(void)json_object_array_add(a, c);
	}
	clock_format_utc(x->pod.created_ns, created);
	json_set_str(o, "Cgroup", x->pod.cgroup_parent ? x->pod.cgroup_parent : "");
	json_set(o, "Containers", a);
	json_set_str(o, "Created", created);
	json_set_str(o, "Id", x->pod.id);
	json_set_str(o, "InfraId", x->pod.infra ? x->pod.infra : "");
	json_set_str(o, "Name", x->pod.name);
	json_set_str(o, "Namespace", "");
	json_set(o, "Networks", networks_of(infra_of(&x->m)));
	json_set_str(o, "Status", pod_status(&x->m));
	json_set(o, "Labels", json_from_map(&x->pod.labels));
	return o;
}

static int compare(const void *a, const void *b, void *key)
{
	const struct row *x = a, *y = b;

	if (strcmp(key, "id") == 0)
		return strcmp(x->pod.id, y->pod.id);
	if (strcmp(key, "name") == 0)
		return strcmp(x->pod.name, y->pod.name);
	if (strcmp(key, "status") == 0)
		return strcmp(pod_status(&x->m), pod_status(&y->m));
	if (strcmp(key, "number") == 0)
		return x->m.n < y->m.n ? -1 : x->m.n > y->m.n;
	return x->pod.created_ns > y->pod.created_ns ? -1 : x->pod.created_ns < y->pod.created_ns;
}

static void row_done(struct row *x)
{
	pod_record_done(&x->pod);
	pod_members_done(&x->m);
}

static int load(struct store *st, const char *name, struct row *ret)
{
	int r = pod_load(st, name, &ret->pod);

	ret->st = st;
	if (r == -CE_NO_POD) { /* it went since */
		err_drop();
		return 0;
	}
	if (r == 0)
		r = pod_members(st, &ret->pod, &ret->m);
	return r < 0 ? r : 1;
}

int pod_rows(struct store *st, const struct pod_query *q, struct json_object **ret_rows,
	     struct json_object **ret_json)
{
	static const char words[] = "created id name number status";
	const char *sort = q->sort ? q->sort : "created";
	AUTO_STRV struct strv names = STRV_INIT, keys = STRV_INIT;
	struct row *v;
	size_t n = 0;
	int r;

	strv_split(&keys, words, ' ');
	if (!strv_has(&keys, sort))
		return err_usage("--sort '%s': use one of %s", sort, words);
	r = check_filters(q->filters);
	if (r == 0)
		r = pod_list(st, &names);
	if (r < 0)
		return r;
	v = xcalloc(names.n + 1, sizeof(*v));
	for (size_t i = 0; r >= 0 && i < names.n; i++) {
		r = load(st, names.v[i], &v[n]);
		if (r == 1 && filter_all(q->filters, match_one, &v[n])) {
			n++;
		} else {
			row_done(&v[n]);
		}
	}
	qsort_r(v, n, sizeof(*v), compare, (void *)(uintptr_t)sort);
	*ret_rows = json_object_new_array();
	*ret_json = json_object_new_array();
	for (size_t i = 0; i < n; i++) {
		(void)json_object_array_add(*ret_rows, row_json(&v[i], q));
		(void)json_object_array_add(*ret_json, podman_json(&v[i]));
		row_done(&v[i]);
	}
	free(v);
	return r < 0 ? r : 0;
}
