/* SPDX-License-Identifier: MIT */
#include "pkg/container/list.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "net/ports.h"
#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/size.h"
#include "pkg/container/filter.h"
#include "pkg/container/size.h"
#include "pkg/json/json.h"
#include "pkg/json/kind.h"
#include "pkg/sys/file.h"

#define COMMAND_SHOWN 20

char *container_status_line(const struct container *c)
{
	const char *health = conmon_health_text(c->state.health);
	char span[CLOCK_TEXT_MAX];

	switch (c->state.status) {
	case CONMON_RUNNING:
	case CONMON_PAUSED:
	case CONMON_STOPPING:
		clock_format_span(clock_now_ns() - c->state.started_ns, span);
		return xasprintf("Up %s%s%s%s%s", span,
				 c->state.status == CONMON_PAUSED ? " (Paused)" : "",
				 *health ? " (" : "", health, *health ? ")" : "");
	case CONMON_EXITED:
		if (!c->state.finished_ns) /* killed while nobody looked */
			return xasprintf("Exited (%d)", c->state.exit_code);
		clock_format_span(clock_now_ns() - c->state.finished_ns, span);
		return xasprintf("Exited (%d) %s ago", c->state.exit_code, span);
	case CONMON_INITIALIZED:
		return xstrdup("Initialized");
	case CONMON_RESTARTING:
		clock_format_span(clock_now_ns() - c->state.finished_ns, span);
		return xasprintf("Restarting (%d) %s ago", c->state.exit_code, span);
	default:
		return xstrdup("Created");
	}
}

int container_port_list(const struct container *c, struct net_port_list *ret)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_STRV struct strv lines = STRV_INIT;
	int r = 0;

	/* What was given out, one specification a line, says more than what was asked for. */
	if (container_is_running(c) && file_read_at(c->dirs.runtime_fd, "ports", 1U << 20, &b) == 0)
		strv_split(&lines, b.s, '\n');
	err_drop();
	for (size_t i = 0; r == 0 && i < lines.n; i++)
		r = *lines.v[i] ? net_port_parse(lines.v[i], ret) : 0;
	for (size_t i = 0; r == 0 && lines.n == 0 && i < c->rec->ports.n; i++)
		r = net_port_parse(c->rec->ports.v[i], ret);
	return r;
}

/* Is @q the port @n after @p, on both sides? One whose host port is not chosen yet has none after it. */
static bool is_next_port(const struct net_port *p, const struct net_port *q, unsigned n)
{
	return p->host_port && q->host_port == p->host_port + n &&
	       q->container_port == p->container_port + n && q->proto == p->proto &&
	       strcmp(q->host_ip, p->host_ip) == 0;
}

char *container_ports(const struct container *c)
{
	struct net_port_list l = {0};
	struct sbuf b = SBUF_INIT;

	if (c->rec->ports.n && container_port_list(c, &l) < 0)
		err_drop();
	for (unsigned i = 0, n; i < l.n; i += n) {
		const struct net_port *p = &l.v[i];

		for (n = 1; i + n < l.n && is_next_port(p, p + n, n); n++)
			;
		sbuf_addf(&b, "%s%s:%u", i ? ", " : "", p->host_ip, p->host_port);
		if (n > 1)
			sbuf_addf(&b, "-%u", p[n - 1].host_port);
		sbuf_addf(&b, "->%u", p->container_port);
		if (n > 1)
			sbuf_addf(&b, "-%u", p[n - 1].container_port);
		sbuf_addf(&b, "/%s", p->proto == NET_UDP ? "udp" : "tcp");
	}
	net_port_list_done(&l);
	return sbuf_steal(&b);
}

static char *join_with_comma(const struct strv *sv)
{
	return strv_join(sv, ",");
}

static char *command_text(const struct container_record *rec, bool cut)
{
	AUTO_STRV struct strv all = STRV_INIT;
	char *s;

	strv_add_all(&all, &rec->entrypoint);
	strv_add_all(&all, &rec->cmd);
	s = strv_join(&all, " ");
	if (cut && strlen(s) > COMMAND_SHOWN)
		memcpy(s + COMMAND_SHOWN - 3, "...", 4);
	return s;
}

static void set_take(struct json_object *o, const char *key, char *s)
{
	json_set_str(o, key, s);
	free(s);
}

static char *mounts_text(const struct container_record *rec)
{
	AUTO_STRV struct strv names = STRV_INIT;

	for (unsigned i = 0; i < rec->n_mounts; i++)
		strv_add(&names, rec->mounts[i].kind == MOUNT_VOLUME ? rec->mounts[i].source
								     : rec->mounts[i].target);
	return join_with_comma(&names);
}

/* As templates of docker and podman print a time. */
static void format_go_time(int64_t ns, char out[CLOCK_TEXT_MAX])
{
	time_t s = (time_t)(ns / NS_PER_S);
	struct tm tm;

	if (!localtime_r(&s, &tm) || !strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%d %H:%M:%S %z %Z", &tm))
		*out = '\0';
}

static void set_times(struct json_object *o, const struct container *c, bool json)
{
	char text[CLOCK_TEXT_MAX];
	char *ago;

	if (json)
		clock_format_utc(c->rec->created_ns, text);
	else
		format_go_time(c->rec->created_ns, text);
	json_set_str(o, "CreatedAt", text);
	clock_format_span(clock_now_ns() - c->rec->created_ns, text);
	ago = xasprintf("%s ago", text);
	json_set_str(o, "RunningFor", ago);
	json_set_str(o, "CreatedHuman", ago);
	free(ago);
	if (json)
		json_set_i64(o, "Created", c->rec->created_ns / NS_PER_S);
	else
		json_set_time(o, "Created", c->rec->created_ns);
	json_set_i64(o, "StartedAt", c->state.started_ns / NS_PER_S);
	json_set_i64(o, "ExitedAt", c->state.finished_ns / NS_PER_S);
}

struct cells {
	char id[13], created[CLOCK_TEXT_MAX + 4];
	char *command, *ports, *status;
	const char *v[LIST_CELLS];
};

/* Names of its networks, or how else it is on one. */
static char *networks_text(const struct container_record *rec)
{
	struct sbuf b = SBUF_INIT;

	if (!rec->networks.n)
		return xstrdup(rec->ns_net);
	for (size_t i = 0; i < rec->networks.n; i++)
		sbuf_addf(&b, "%s%.*s", i ? "," : "", (int)strcspn(rec->networks.v[i], ":"),
			  rec->networks.v[i]);
	return sbuf_steal(&b);
}

static void cells_init(struct cells *x, const struct container *c, const struct list_query *q)
{
	const struct container_record *rec = c->rec;
	char span[CLOCK_TEXT_MAX];

	(void)snprintf(x->id, sizeof(x->id), "%.12s", rec->id);
	clock_format_span(clock_now_ns() - rec->created_ns, span);
	(void)snprintf(x->created, sizeof(x->created), "%s ago", span);
	x->v[LIST_ID] = q->no_trunc ? rec->id : x->id;
	x->v[LIST_IMAGE] = rec->image;
	x->v[LIST_COMMAND] = x->command = command_text(rec, !q->no_trunc);
	x->v[LIST_CREATED] = x->created;
	x->v[LIST_STATUS] = x->status = container_status_line(c);
	x->v[LIST_PORTS] = x->ports = container_ports(c);
	x->v[LIST_NAMES] = rec->name;
}

static void cells_done(struct cells *x)
{
	free(x->command);
	free(x->status);
	free(x->ports);
}

static const char *pod_name(const struct list_query *q, const struct container_record *rec)
{
	const char *name = rec->pod && q->pods ? strv_env_get(q->pods, rec->pod) : NULL;

	return name ? name : "";
}

/* docker's words. */
static const char *health_text(const struct container *c)
{
	const char *h = conmon_health_text(c->state.health);

	return *h ? h : "none";
}

static unsigned count_volumes(const struct container_record *rec)
{
	unsigned n = 0;

	for (unsigned i = 0; i < rec->n_mounts; i++)
		n += rec->mounts[i].kind == MOUNT_VOLUME;
	return n;
}

static struct json_object *row_of(const struct container *c, const struct list_query *q)
{
	const struct container_record *rec = c->rec;
	struct json_object *o = json_object_new_object();
	AUTO(cells_done) struct cells x;

	cells_init(&x, c, q);
	json_add_str(o, "ID", x.v[LIST_ID]);
	json_add_str(o, "Image", x.v[LIST_IMAGE]);
	json_add_str(o, "Command", x.v[LIST_COMMAND]);
	json_add_str(o, "RunningFor", x.v[LIST_CREATED]);
	json_add_str(o, "Ports", x.v[LIST_PORTS]);
	json_add_str(o, "Status", x.v[LIST_STATUS]);
	json_add_str(o, "Names", x.v[LIST_NAMES]);
	set_times(o, c, false);
	json_set_str(o, "Id", rec->id);
	json_set_str(o, "ImageID", rec->image_id);
	set_take(o, "ExposedPorts", join_with_comma(&rec->exposed_ports));
	json_set_str(o, "State", container_status_text(c));
	json_set_str(o, "Name", rec->name);
	json_set(o, "Labels", json_from_map(&rec->labels));
	set_take(o, "Mounts", mounts_text(rec));
	set_take(o, "Networks", networks_text(rec));
	json_set_bool(o, "AutoRemove", rec->auto_remove);
	json_set_i64(o, "ExitCode", c->state.exit_code);
	json_set_str(o, "CIDFile", rec->cidfile ? rec->cidfile : "");
	json_set_str(o, "HealthStatus", health_text(c));
	set_take(o, "LocalVolumes", xasprintf("%u", count_volumes(rec)));
	json_set_str(o, "Platform", "linux");
	json_set_bool(o, "Exited", c->state.status == CONMON_EXITED);
	json_set_bool(o, "IsInfra", rec->is_infra);
	json_set_i64(o, "Pid", container_is_running(c) ? c->state.init.pid : 0);
	set_take(o, "Pod", xasprintf("%.*s", q->no_trunc ? 64 : 12, rec->pod ? rec->pod : ""));
	json_set_str(o, "PodName", pod_name(q, rec));
	json_set_i64(o, "Restarts", c->state.restarts);
	json_set_str(o, "Size", "");
	if (q->namespaces)
		list_set_namespaces(o, c, false);
	return o;
}

static struct json_object *json_ports(const struct container *c)
{
	struct json_object *a = json_object_new_array();
	struct net_port_list l = {0};

	if (c->rec->ports.n && container_port_list(c, &l) < 0)
		err_drop();
	for (unsigned i = 0; i < l.n; i++) {
		struct json_object *p = json_object_new_object();

		json_set_str(p, "host_ip",
			     strcmp(l.v[i].host_ip, "0.0.0.0") == 0 ? "" : l.v[i].host_ip);
		json_set_i64(p, "container_port", l.v[i].container_port);
		json_set_i64(p, "host_port", l.v[i].host_port);
		json_set_i64(p, "range", 1);
		json_set_str(p, "protocol", l.v[i].proto == NET_UDP ? "udp" : "tcp");
		(void)json_object_array_add(a, p);
	}
	net_port_list_done(&l);
	return a;
}

/* What "80/tcp" and "80/udp" are to podman: {"80":["tcp","udp"]}. */
static struct json_object *json_exposed(const struct strv *ports)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < ports->n; i++) {
		size_t n = strcspn(ports->v[i], "/");
		AUTO_FREE char *number = xstrndup(ports->v[i], n);
		struct json_object *list = json_object_object_get(o, number);

		if (!list)
			json_set(o, number, list = json_object_new_array());
		(void)json_object_array_add(
			list, json_object_new_string(ports->v[i][n] ? ports->v[i] + n + 1 : "tcp"));
	}
	return o;
}

static struct json_object *json_of(const struct container *c, const struct list_query *q)
{
	const struct container_record *rec = c->rec;
	struct json_object *o = json_object_new_object();
	AUTO_STRV struct strv list = STRV_INIT;

	json_set_bool(o, "AutoRemove", rec->auto_remove);
	json_set_str(o, "CIDFile", rec->cidfile ? rec->cidfile : "");
	strv_add_all(&list, &rec->entrypoint);
	strv_add_all(&list, &rec->cmd);
	json_set(o, "Command", json_from_strv(&list));
	set_times(o, c, true);
	json_object_object_del(o, "RunningFor");
	json_object_object_del(o, "CreatedHuman");
	json_set_bool(o, "Exited", c->state.status == CONMON_EXITED);
	json_set_i64(o, "ExitCode", c->state.exit_code);
	json_set(o, "ExposedPorts", json_exposed(&rec->exposed_ports));
	json_set_str(o, "Id", rec->id);
	json_set_str(o, "Image", rec->image);
	json_set_str(o, "ImageID", rec->image_id);
	json_set_bool(o, "IsInfra", rec->is_infra);
	json_set(o, "Labels", json_from_map(&rec->labels));
	strv_done(&list);
	for (unsigned i = 0; i < rec->n_mounts; i++)
		strv_add(&list, rec->mounts[i].target);
	json_set(o, "Mounts", json_from_strv(&list));
	strv_done(&list);
	strv_add(&list, rec->name);
	json_set(o, "Names", json_from_strv(&list));
	if (q->namespaces)
		list_set_namespaces(o, c, true);
	else
		json_set(o, "Namespaces", json_object_new_object());
	strv_done(&list);
	for (size_t i = 0; i < rec->networks.n; i++)
		strv_take(&list, xstrndup(rec->networks.v[i], strcspn(rec->networks.v[i], ":")));
	json_set(o, "Networks", json_from_strv(&list));
	json_set_i64(o, "Pid", container_is_running(c) ? c->state.init.pid : 0);
	json_set_str(o, "Pod", rec->pod ? rec->pod : "");
	json_set_str(o, "PodName", pod_name(q, rec));
	json_set(o, "Ports", json_ports(c));
	json_set_i64(o, "Restarts", c->state.restarts);
	json_set(o, "Size", NULL);
	json_set_str(o, "State", container_status_text(c));
	set_take(o, "Status", container_status_line(c));
	return o;
}

/* What stays of a container once it was looked at: the next one uses the memory of its record. */
struct entry {
	char id[65];
	int64_t created_ns;
	char *key; /* what it is ordered by, unless by time */
	void *made; /* by the listing's make() */
};

struct listing {
	const struct list_query *query;
	const struct strv *filters;
	bool running_only;
	char *(*key)(const struct container *c); /* NULL: the newest first */
	void *(*make)(const struct container *c, const struct list_query *q); /* NULL: nothing */
	void (*unmake)(void *made);
	struct entry *v;
	size_t n;
};

/* "12B (virtual 4.26MB)" as docker says, and podman's object. */
static int set_sizes(struct store *st, const char *id, bool json, struct json_object *o)
{
	char rw[SIZE_TEXT_MAX], root_fs[SIZE_TEXT_MAX];
	struct container_size size;
	int r = container_size(st, id, &size);

	if (r < 0)
		return r;
	if (json) {
		struct json_object *both = json_object_new_object();

		json_set_i64(both, "rootFsSize", (int64_t)size.root_fs);
		json_set_i64(both, "rwSize", (int64_t)size.rw);
		json_set(o, "Size", both);
		return 0;
	}
	size_format_word3(size.rw, rw);
	size_format_word3(size.root_fs, root_fs);
	set_take(o, "Size", xasprintf("%s (virtual %s)", rw, root_fs));
	return 0;
}

static char *key_id(const struct container *c)
{
	return xstrdup(c->rec->id);
}

static char *key_image(const struct container *c)
{
	return xstrdup(c->rec->image);
}

static char *key_name(const struct container *c)
{
	return xstrdup(c->rec->name);
}

static char *key_status(const struct container *c)
{
	return xstrdup(container_status_text(c));
}

static char *key_command(const struct container *c)
{
	return command_text(c->rec, false);
}

static const struct {
	const char *key;
	char *(*of)(const struct container *c);
} sort_keys[] = {
	{"command", key_command}, {"created", NULL},   {"id", key_id},
	{"image", key_image},     {"names", key_name}, {"runningfor", NULL},
	{"status", key_status},
	{"size", NULL}, /* which is looked at last */
};

static int by_time(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->created_ns > y->created_ns ? -1 : x->created_ns < y->created_ns;
}

static int by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static void entry_done(const struct listing *l, struct entry *e)
{
	if (e->made && l->unmake)
		l->unmake(e->made);
	free(e->key);
}

static void listing_done(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		entry_done(l, &l->v[i]);
	free(l->v);
}

static bool contains(const struct strv *sorted, const char *id)
{
	size_t low = 0, high = sorted->n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int d = strcmp(id, sorted->v[mid]);

		if (d == 0)
			return true;
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

/* 1: it is in the list; 0: it is not, or being removed right now. */
static int load_one(struct store *st, const char *id, bool has_run, const struct listing *l,
		    struct listed *listed, struct entry *ret)
{
	struct container c;
	int r = container_look(st, id, has_run, listed, &c);

	if (r == -CE_NO_CONTAINER || r == -ENOENT) {
		err_drop();
		return 0;
	}
	if (r < 0)
		return r;
	r = (!l->running_only || container_has_begun(&c)) && filters_match(st, l->filters, &c);
	if (r) {
		(void)snprintf(ret->id, sizeof(ret->id), "%s", id);
		ret->created_ns = c.rec->created_ns;
		ret->key = l->key ? l->key(&c) : NULL;
		ret->made = l->make ? l->make(&c, l->query) : NULL;
	}
	container_done(&c);
	return r;
}

/* One that was started since the first look, which took it for one that never was. */
static int look_again(struct store *st, const struct strv *run, struct listing *l)
{
	AUTO_STRV struct strv now = STRV_INIT, started = STRV_INIT;
	size_t kept = 0;
	int r = container_store_list_run(st, &now);

	for (size_t i = 0; r == 0 && i < now.n; i++)
		if (!contains(run, now.v[i]))
			strv_add(&started, now.v[i]);
	if (r < 0 || !started.n)
		return r;
	for (size_t i = 0; i < l->n; i++) {
		struct entry e = l->v[i];

		if (r >= 0 && contains(&started, e.id)) {
			r = load_one(st, e.id, true, l, NULL, &l->v[kept]);
			entry_done(l, &e);
			kept += r == 1;
		} else {
			l->v[kept++] = e;
		}
	}
	l->n = kept;
	return r < 0 ? r : 0;
}

static int load_all(struct store *st, struct listing *l)
{
	AUTO_STRV struct strv ids = STRV_INIT, run = STRV_INIT;
	struct listed listed;
	int r = filters_check(st, l->filters);

	if (r == 0)
		r = container_store_list(st, &ids);
	if (r < 0)
		return r;
	l->v = xcalloc(ids.n, sizeof(*l->v));
	listed_begin(st, l->running_only ? 0 : ids.n, &listed);
	r = container_store_list_run(st, &run);
	for (size_t i = 0; r >= 0 && i < ids.n; i++) {
		bool has_run = contains(&run, ids.v[i]);

		if (l->running_only && !has_run)
			continue;
		r = load_one(st, ids.v[i], has_run, l, &listed, &l->v[l->n]);
		l->n += r == 1;
	}
	listed_end(&listed);
	return r < 0 ? r : look_again(st, &run, l);
}

static bool filters_name_a_state(const struct strv *filters)
{
	for (size_t i = 0; filters && i < filters->n; i++)
		if (strncmp(filters->v[i], "status=", 7) == 0 ||
		    strncmp(filters->v[i], "exited=", 7) == 0)
			return true;
	return false;
}

static int find_order(const char *name, struct listing *l)
{
	for (size_t i = 0; i < ARRAY_LEN(sort_keys); i++)
		if (strcmp(sort_keys[i].key, name) == 0) {
			l->key = sort_keys[i].of;
			return 0;
		}
	return err_usage("--sort '%s': use one of command created id image names runningfor "
			 "size status",
			 name);
}

static int set_size_key(struct store *st, struct entry *e)
{
	struct container_size size;
	int r = container_size(st, e->id, &size);

	if (r == 0)
		e->key = xasprintf("%020llu", (unsigned long long)size.root_fs);
	return r;
}

/* Those that the query asks for, in its order; of @ret_n the first so many. */
static int load_ordered(struct store *st, struct listing *l, size_t *ret_shown)
{
	const struct list_query *q = l->query;
	int r = q->sort ? find_order(q->sort, l) : 0;
	bool by_size;

	if (r < 0)
		return r;
	l->filters = q->filters;
	l->running_only = !q->all && !q->last && !filters_name_a_state(q->filters);
	r = load_all(st, l);
	if (r < 0)
		return r;
	*ret_shown = q->last && (size_t)q->last < l->n ? (size_t)q->last : l->n;
	if (l->n > 1 && (q->last || !l->key))
		qsort(l->v, l->n, sizeof(*l->v), by_time);
	/* The newest, in whatever order. */
	by_size = q->sort && strcmp(q->sort, "size") == 0;
	for (size_t i = 0; by_size && r == 0 && i < *ret_shown; i++)
		r = set_size_key(st, &l->v[i]);
	if (r < 0)
		return r;
	if (*ret_shown > 1 && (l->key || by_size))
		qsort(l->v, *ret_shown, sizeof(*l->v), by_key);
	return 0;
}

static void *make_object(const struct container *c, const struct list_query *q)
{
	return q->json ? json_of(c, q) : row_of(c, q);
}

static void put_object(void *o)
{
	(void)json_object_put(o);
}

int container_list(struct store *st, const struct list_query *q, struct json_object **ret_rows,
		   struct json_object **ret_json)
{
	AUTO(listing_done)
	struct listing l = {.query = q, .make = make_object, .unmake = put_object};
	struct json_object *list;
	size_t shown = 0;
	int r = load_ordered(st, &l, &shown);

	if (r < 0)
		return r;
	list = json_object_new_array();
	for (size_t i = 0; i < shown; i++) {
		struct json_object *o = l.v[i].made;

		l.v[i].made = NULL;
		(void)json_object_array_add(list, o);
		if (q->size && r == 0)
			r = set_sizes(st, l.v[i].id, q->json, o);
	}
	*ret_json = q->json ? list : NULL;
	*ret_rows = q->json ? NULL : list;
	return r;
}

/* The cells one behind the other, each with its NUL. */
static void *make_cells(const struct container *c, const struct list_query *q)
{
	AUTO(cells_done) struct cells x;
	struct sbuf b = SBUF_INIT;

	cells_init(&x, c, q);
	for (unsigned i = 0; i < LIST_CELLS; i++)
		sbuf_add(&b, x.v[i], strlen(x.v[i]) + 1);
	return sbuf_steal(&b);
}

int container_list_cells(struct store *st, const struct list_query *q,
			 void (*row)(void *arg, const char *const cells[LIST_CELLS]), void *arg)
{
	AUTO(listing_done) struct listing l = {.query = q, .make = make_cells, .unmake = free};
	size_t shown = 0;
	int r = load_ordered(st, &l, &shown);

	for (size_t i = 0; r == 0 && i < shown; i++) {
		const char *cells[LIST_CELLS], *p = l.v[i].made;

		for (unsigned k = 0; k < LIST_CELLS; k++, p += strlen(p) + 1)
			cells[k] = p;
		row(arg, cells);
	}
	return r;
}

int container_select(struct store *st, const struct strv *filters, bool running_only,
		     struct strv *ret_ids)
{
	AUTO(listing_done) struct listing l = {.filters = filters, .running_only = running_only};
	int r = load_all(st, &l);

	for (size_t i = 0; r == 0 && i < l.n; i++)
		strv_add(ret_ids, l.v[i].id);
	return r;
}
