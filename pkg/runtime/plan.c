/* SPDX-License-Identifier: MIT */
/*
 * The plan on the wire. The reader trusts no count: each is compared with the bytes that are left
 * before anything is reserved for it, and arrays come from an arena of fixed size (threats R29).
 */
#include "pkg/runtime/plan.h"

#include <string.h>

#include "pkg/base/err.h"

#define PLAN_MAGIC 0x4e4c5063U /* "cPLN" */
#define PLAN_VERSION 13U

#define ARGS_MAX 65536U
#define ITEMS_MAX 16384U
#define HOOKS_MAX 1024U
#define IDMAPS_MAX 340U /* the kernel's limit */
#define CPUS_MAX 8192U /* likewise */

/* --- writing ------------------------------------------------------------------------------- */

static unsigned strings_count(const char *const *v)
{
	unsigned n = 0;

	while (v && v[n])
		n++;
	return n;
}

static void put_strings_n(struct sbuf *b, const char *const *v, unsigned n)
{
	wire_put_u32(b, n);
	for (unsigned i = 0; i < n; i++)
		wire_put_str(b, v[i]);
}

static void put_strings(struct sbuf *b, const char *const *v)
{
	put_strings_n(b, v, strings_count(v));
}

static void put_idmaps(struct sbuf *b, const struct rt_idmap *m, unsigned n)
{
	wire_put_u32(b, n);
	for (unsigned i = 0; i < n; i++) {
		wire_put_u32(b, m[i].inside);
		wire_put_u32(b, m[i].outside);
		wire_put_u32(b, m[i].count);
	}
}

static void put_mount(struct sbuf *b, const struct rt_mount *m)
{
	wire_put_u32(b, m->type);
	wire_put_str(b, m->source);
	wire_put_str(b, m->target);
	wire_put_str(b, m->data);
	wire_put_str(b, m->subpath);
	wire_put_str(b, m->upper);
	wire_put_str(b, m->work);
	put_strings_n(b, m->lower, m->n_lower);
	wire_put_u32(b, m->flags);
	wire_put_u32(b, m->propagation);
}

static void put_cpus(struct sbuf *b, const void *cpus, size_t n)
{
	wire_put_u32(b, cpus != NULL);
	if (cpus)
		wire_put_bytes(b, cpus, n);
}

static void put_scheduling(struct sbuf *b, const struct rt_scheduling *s)
{
	wire_put_u32(b, s->has_policy);
	wire_put_u32(b, s->policy);
	wire_put_u32(b, s->priority);
	wire_put_u32(b, (uint32_t)s->nice);
	wire_put_u64(b, s->flags);
	wire_put_u64(b, s->runtime_ns);
	wire_put_u64(b, s->deadline_ns);
	wire_put_u64(b, s->period_ns);
	wire_put_u32(b, s->io);
	put_cpus(b, s->cpus_before, s->cpus_before_len);
	put_cpus(b, s->cpus, s->cpus_len);
}

void rt_process_encode(const struct rt_process *p, struct sbuf *b)
{
	put_strings(b, p->argv);
	put_strings(b, p->envp);
	wire_put_str(b, p->cwd);
	wire_put_u32(b, p->make_cwd);
	wire_put_str(b, p->user);
	put_strings(b, p->groups);
	wire_put_u32(b, p->keep_groups);
	wire_put_u32(b, p->umask);
	wire_put_u32(b, p->terminal);
	wire_put_u32(b, p->rows);
	wire_put_u32(b, p->cols);
	wire_put_u32(b, p->no_new_privs);
	wire_put_u32(b, p->privileged);
	wire_put_u64(b, p->caps);
	wire_put_u64(b, p->caps_added);
	wire_put_u32(b, p->n_rlimits);
	for (unsigned i = 0; i < p->n_rlimits; i++) {
		wire_put_u32(b, p->rlimits[i].resource);
		wire_put_u64(b, p->rlimits[i].soft);
		wire_put_u64(b, p->rlimits[i].hard);
	}
	wire_put_u32(b, (uint32_t)p->oom_score_adj);
	wire_put_u32(b, p->has_oom_score_adj);
	wire_put_u32(b, p->linux32);
	put_scheduling(b, &p->scheduling);
	wire_put_u32(b, p->seccomp_flags);
	wire_put_u32(b, p->seccomp != NULL);
	if (p->seccomp)
		wire_put_bytes(b, p->seccomp, p->seccomp_len);
	wire_put_str(b, p->apparmor);
	wire_put_u32(b, p->n_keep_fds);
	for (unsigned i = 0; i < p->n_keep_fds; i++)
		wire_put_u32(b, p->keep_fds[i]);
	wire_put_u32(b, p->listens);
	wire_put_u32(b, p->own_sets);
	wire_put_u64(b, p->effective);
	wire_put_u64(b, p->permitted);
	wire_put_u64(b, p->inheritable);
	wire_put_u64(b, p->ambient);
	wire_put_u32(b, p->keep_keyring);
	wire_put_u32(b, p->outlives);
}

static void put_hooks(struct sbuf *b, const struct rt_plan *p)
{
	wire_put_u32(b, p->n_hooks);
	for (unsigned i = 0; i < p->n_hooks; i++) {
		const struct rt_hook *h = &p->hooks[i];

		wire_put_u32(b, h->stage);
		wire_put_str(b, h->path);
		put_strings(b, h->argv);
		put_strings(b, h->envp);
		wire_put_u32(b, h->timeout_s);
	}
	wire_put_str(b, p->hook_state);
}

static void put_accounts(struct sbuf *b, const struct rt_accounts *a)
{
	wire_put_u32(b, a->add);
	wire_put_str(b, a->name);
	wire_put_str(b, a->full_name);
	wire_put_str(b, a->home);
	wire_put_str(b, a->group);
	wire_put_u32(b, a->uid);
	wire_put_u32(b, a->gid);
	put_strings(b, a->host_users);
	wire_put_str(b, a->passwd_entry);
	wire_put_str(b, a->group_entry);
}

void rt_plan_encode(const struct rt_plan *p, struct sbuf *b)
{
	wire_put_u32(b, PLAN_MAGIC);
	wire_put_u32(b, PLAN_VERSION);
	wire_put_str(b, p->id);
	wire_put_str(b, p->hostname);
	wire_put_str(b, p->domainname);
	for (unsigned i = 0; i < RT_NS_COUNT; i++) {
		wire_put_u32(b, p->ns[i].mode);
		wire_put_u32(b, (uint32_t)p->ns[i].target.pid);
		wire_put_u64(b, p->ns[i].target.start);
		wire_put_u32(b, (uint32_t)p->ns[i].fd);
		wire_put_str(b, p->ns[i].path);
	}
	wire_put_u32(b, (uint32_t)p->peer.target.pid);
	wire_put_u64(b, p->peer.target.start);
	wire_put_u32(b, (uint32_t)p->peer.user_fd);
	wire_put_u32(b, (uint32_t)p->peer.mounts_fd);
	put_idmaps(b, p->uid_map, p->n_uid_map);
	put_idmaps(b, p->gid_map, p->n_gid_map);
	wire_put_u32(b, p->root.driver);
	put_strings_n(b, p->root.lower, p->root.n_lower);
	wire_put_str(b, p->root.upper);
	wire_put_str(b, p->root.work);
	wire_put_str(b, p->root.fuse_program);
	wire_put_u32(b, p->root.propagation);
	wire_put_u32(b, p->root.read_only);
	wire_put_u32(b, p->root.is_volatile);
	wire_put_u32(b, p->root.fresh_mode);
	wire_put_u32(b, p->n_mounts);
	for (unsigned i = 0; i < p->n_mounts; i++)
		put_mount(b, &p->mounts[i]);
	wire_put_u32(b, p->n_devices);
	for (unsigned i = 0; i < p->n_devices; i++) {
		wire_put_str(b, p->devices[i].source);
		wire_put_str(b, p->devices[i].target);
	}
	wire_put_u32(b, p->n_fifos);
	for (unsigned i = 0; i < p->n_fifos; i++) {
		wire_put_str(b, p->fifos[i].target);
		wire_put_u32(b, p->fifos[i].mode);
		wire_put_u32(b, p->fifos[i].uid);
		wire_put_u32(b, p->fifos[i].gid);
	}
	put_strings(b, p->masked);
	put_strings(b, p->read_only);
	put_strings(b, p->sysctls);
	wire_put_str(b, p->clocks);
	wire_put_str(b, p->cgroup_dir);
	net_plan_encode(&p->net, b);
	wire_put_u32(b, p->n_secrets);
	for (unsigned i = 0; i < p->n_secrets; i++) {
		wire_put_str(b, p->secrets[i].target);
		wire_put_u32(b, p->secrets[i].uid);
		wire_put_u32(b, p->secrets[i].gid);
		wire_put_u32(b, p->secrets[i].mode);
		wire_put_bytes(b, p->secrets[i].data, p->secrets[i].len);
	}
	put_accounts(b, &p->accounts);
	wire_put_u32(b, p->hostname_may_fail);
	wire_put_u32(b, p->init);
	wire_put_u32(b, p->pin);
	wire_put_u32(b, p->hold);
	put_hooks(b, p);
	wire_put_str(b, p->foreign.program);
	put_strings(b, p->foreign.flags);
	wire_put_str(b, p->foreign.dir);
	for (unsigned i = 0; i < ARRAY_LEN(p->foreign.config); i++)
		wire_put_str(b, p->foreign.config[i]);
	rt_process_encode(&p->process, b);
}

/* --- reading ------------------------------------------------------------------------------- */

struct arena {
	char *p;
	size_t left;
};

/* Room for @n elements; NULL marks the reader failed. */
static void *arena_reserve(struct wire_reader *r, struct arena *a, size_t n, size_t size)
{
	size_t pad = (size_t) - (uintptr_t)a->p % _Alignof(max_align_t), bytes;
	void *ret;

	if (r->failed || __builtin_mul_overflow(n, size, &bytes) || pad > a->left ||
	    bytes > a->left - pad) {
		r->failed = true;
		return NULL;
	}
	ret = a->p + pad;
	a->p += pad + bytes;
	a->left -= pad + bytes;
	return ret;
}

static void *arena_take(struct wire_reader *r, struct arena *a, size_t n, size_t size)
{
	void *p = arena_reserve(r, a, n, size);

	return p ? memset(p, 0, n * size) : NULL;
}

/* A count of elements that take at least @min bytes each on the wire. */
static uint32_t get_count(struct wire_reader *r, uint32_t max, size_t min)
{
	uint32_t n = wire_get_u32(r);

	if (n > max || n > r->left / min)
		r->failed = true;
	return r->failed ? 0 : n;
}

static uint32_t get_below(struct wire_reader *r, uint32_t limit)
{
	uint32_t v = wire_get_u32(r);

	if (v >= limit)
		r->failed = true;
	return r->failed ? 0 : v;
}

static const char *get_needed_str(struct wire_reader *r)
{
	const char *s = wire_get_str(r);

	if (!s)
		r->failed = true;
	return s ? s : "";
}

static const char *const *get_strings(struct wire_reader *r, struct arena *a, unsigned *ret_n)
{
	uint32_t n = get_count(r, ARGS_MAX, 5);
	const char **v = arena_take(r, a, (size_t)n + 1, sizeof(*v));

	for (uint32_t i = 0; v && i < n; i++)
		v[i] = get_needed_str(r);
	if (ret_n)
		*ret_n = v ? n : 0;
	return v;
}

static const struct rt_idmap *get_idmaps(struct wire_reader *r, struct arena *a, unsigned *ret_n)
{
	uint32_t n = get_count(r, IDMAPS_MAX, 12);
	struct rt_idmap *m = arena_take(r, a, n, sizeof(*m));

	for (uint32_t i = 0; m && i < n; i++) {
		m[i].inside = wire_get_u32(r);
		m[i].outside = wire_get_u32(r);
		m[i].count = wire_get_u32(r);
		if (m[i].count == 0 || m[i].count > UINT32_MAX - m[i].inside ||
		    m[i].count > UINT32_MAX - m[i].outside)
			r->failed = true;
	}
	*ret_n = m ? n : 0;
	return m;
}

static void get_mounts(struct wire_reader *r, struct arena *a, struct rt_plan *p)
{
	uint32_t n = get_count(r, ITEMS_MAX, 32);
	struct rt_mount *m = arena_take(r, a, n, sizeof(*m));

	for (uint32_t i = 0; m && i < n; i++) {
		m[i].type = (enum rt_mount_type)get_below(r, RT_MOUNT_OVERLAY + 1);
		m[i].source = wire_get_str(r);
		m[i].target = get_needed_str(r);
		m[i].data = wire_get_str(r);
		m[i].subpath = wire_get_str(r);
		m[i].upper = wire_get_str(r);
		m[i].work = wire_get_str(r);
		m[i].lower = get_strings(r, a, &m[i].n_lower);
		m[i].flags = wire_get_u32(r);
		m[i].propagation = wire_get_u32(r);
		if (*m[i].target != '/' || (m[i].type == RT_MOUNT_BIND && !m[i].source) ||
		    (m[i].type == RT_MOUNT_OVERLAY && !m[i].source == !m[i].n_lower) ||
		    !m[i].upper != !m[i].work)
			r->failed = true;
	}
	p->mounts = m;
	p->n_mounts = m ? n : 0;
}

static void get_devices(struct wire_reader *r, struct arena *a, struct rt_plan *p)
{
	uint32_t n = get_count(r, ITEMS_MAX, 10);
	struct rt_device *d = arena_take(r, a, n, sizeof(*d));

	for (uint32_t i = 0; d && i < n; i++) {
		d[i].source = get_needed_str(r);
		d[i].target = get_needed_str(r);
	}
	p->devices = d;
	p->n_devices = d ? n : 0;
}

static void get_fifos(struct wire_reader *r, struct arena *a, struct rt_plan *p)
{
	uint32_t n = get_count(r, ITEMS_MAX, 17);
	struct rt_fifo *f = arena_take(r, a, n, sizeof(*f));

	for (uint32_t i = 0; f && i < n; i++) {
		f[i].target = get_needed_str(r);
		f[i].mode = wire_get_u32(r);
		f[i].uid = wire_get_u32(r);
		f[i].gid = wire_get_u32(r);
	}
	p->fifos = f;
	p->n_fifos = f ? n : 0;
}

static void get_rlimits(struct wire_reader *r, struct arena *a, struct rt_process *p)
{
	uint32_t n = get_count(r, 64, 20);
	struct rt_rlimit *l = arena_take(r, a, n, sizeof(*l));

	for (uint32_t i = 0; l && i < n; i++) {
		l[i].resource = wire_get_u32(r);
		l[i].soft = wire_get_u64(r);
		l[i].hard = wire_get_u64(r);
	}
	p->rlimits = l;
	p->n_rlimits = l ? n : 0;
}

static void get_keep_fds(struct wire_reader *r, struct arena *a, struct rt_process *p)
{
	uint32_t n = get_count(r, RT_KEEP_MAX, 4);
	uint32_t *v = arena_take(r, a, n, sizeof(*v));

	for (uint32_t i = 0; v && i < n; i++) {
		v[i] = get_below(r, RT_KEEP_LAST + 1);
		if (v[i] < 3 || (i && v[i] <= v[i - 1]))
			r->failed = true;
	}
	p->keep_fds = v;
	p->n_keep_fds = v ? n : 0;
}

static const void *get_cpus(struct wire_reader *r, size_t *ret_len)
{
	const void *cpus = get_below(r, 2) ? wire_get_bytes(r, ret_len) : NULL;

	if (cpus && (*ret_len == 0 || *ret_len > CPUS_MAX / 8))
		r->failed = true;
	return cpus;
}

static void get_scheduling(struct wire_reader *r, struct rt_scheduling *s)
{
	s->has_policy = get_below(r, 2);
	s->policy = wire_get_u32(r);
	s->priority = wire_get_u32(r);
	s->nice = (int32_t)wire_get_u32(r);
	s->flags = wire_get_u64(r);
	s->runtime_ns = wire_get_u64(r);
	s->deadline_ns = wire_get_u64(r);
	s->period_ns = wire_get_u64(r);
	s->io = wire_get_u32(r);
	s->cpus_before = get_cpus(r, &s->cpus_before_len);
	s->cpus = get_cpus(r, &s->cpus_len);
}

/* @idle: our own pid 1 needs no payload. */
static void get_process(struct wire_reader *r, struct arena *a, bool idle, struct rt_process *p)
{
	unsigned argc;

	p->argv = get_strings(r, a, &argc);
	p->envp = get_strings(r, a, NULL);
	p->cwd = wire_get_str(r);
	p->make_cwd = get_below(r, 2);
	p->user = wire_get_str(r);
	p->groups = get_strings(r, a, NULL);
	p->keep_groups = get_below(r, 2);
	p->umask = get_below(r, 01000);
	p->terminal = get_below(r, 2);
	p->rows = (uint16_t)get_below(r, 0x10000);
	p->cols = (uint16_t)get_below(r, 0x10000);
	p->no_new_privs = get_below(r, 2);
	p->privileged = get_below(r, 2);
	p->caps = wire_get_u64(r);
	p->caps_added = wire_get_u64(r);
	get_rlimits(r, a, p);
	p->oom_score_adj = (int32_t)wire_get_u32(r);
	p->has_oom_score_adj = get_below(r, 2);
	p->linux32 = get_below(r, 2);
	get_scheduling(r, &p->scheduling);
	p->seccomp_flags = wire_get_u32(r);
	if (get_below(r, 2)) {
		p->seccomp = wire_get_bytes(r, &p->seccomp_len);
		if (p->seccomp_len == 0 || p->seccomp_len % 8 || p->seccomp_len / 8 > 32768)
			r->failed = true;
	}
	p->apparmor = wire_get_str(r);
	get_keep_fds(r, a, p);
	p->listens = get_below(r, 2);
	p->own_sets = get_below(r, 2);
	p->effective = wire_get_u64(r);
	p->permitted = wire_get_u64(r);
	p->inheritable = wire_get_u64(r);
	p->ambient = wire_get_u64(r);
	p->keep_keyring = get_below(r, 2);
	p->outlives = get_below(r, 2);
	if (argc == 0 && !idle)
		r->failed = true;
}

static void get_secrets(struct wire_reader *r, struct arena *a, struct rt_plan *p)
{
	uint32_t n = get_count(r, ITEMS_MAX, 21);
	struct rt_secret *s = arena_take(r, a, n, sizeof(*s));

	for (uint32_t i = 0; s && i < n; i++) {
		s[i].target = get_needed_str(r);
		s[i].uid = wire_get_u32(r);
		s[i].gid = wire_get_u32(r);
		s[i].mode = get_below(r, 01000);
		s[i].data = wire_get_bytes(r, &s[i].len);
		if (!*s[i].target || (*s[i].target != '/' && strchr(s[i].target, '/')))
			r->failed = true;
	}
	p->secrets = s;
	p->n_secrets = s ? n : 0;
}

static void get_accounts(struct wire_reader *r, struct arena *arena, struct rt_accounts *a)
{
	a->add = get_below(r, 2);
	a->name = wire_get_str(r);
	a->full_name = wire_get_str(r);
	a->home = wire_get_str(r);
	a->group = wire_get_str(r);
	a->uid = wire_get_u32(r);
	a->gid = wire_get_u32(r);
	a->host_users = get_strings(r, arena, NULL);
	a->passwd_entry = wire_get_str(r);
	a->group_entry = wire_get_str(r);
	if (a->name && (!a->full_name || !a->home || !a->group))
		r->failed = true;
}

static void get_hooks(struct wire_reader *r, struct arena *a, struct rt_plan *p)
{
	uint32_t n = get_count(r, HOOKS_MAX, 21);
	struct rt_hook *h = arena_take(r, a, n, sizeof(*h));

	for (uint32_t i = 0; h && i < n; i++) {
		unsigned argc;

		h[i].stage = (enum rt_hook_stage)get_below(r, RT_HOOK_STAGES);
		h[i].path = get_needed_str(r);
		h[i].argv = get_strings(r, a, &argc);
		h[i].envp = get_strings(r, a, NULL);
		h[i].timeout_s = wire_get_u32(r);
		if (*h[i].path != '/' || argc == 0)
			r->failed = true;
	}
	p->hooks = h;
	p->n_hooks = h ? n : 0;
	p->hook_state = wire_get_str(r);
	if (p->n_hooks && !p->hook_state)
		r->failed = true;
}

static void get_foreign(struct wire_reader *r, struct arena *a, struct rt_foreign *f)
{
	f->program = wire_get_str(r);
	f->flags = get_strings(r, a, NULL);
	f->dir = wire_get_str(r);
	for (unsigned i = 0; i < ARRAY_LEN(f->config); i++) {
		f->config[i] = wire_get_str(r);
		if (f->program && !f->config[i])
			r->failed = true;
	}
	if (f->program && (*f->program != '/' || !f->dir || *f->dir != '/'))
		r->failed = true;
}

static int slip(const char *what)
{
	return err_new(-CE_PROTOCOL, "malformed %s", what);
}

int rt_plan_decode(struct wire_reader *r, void *arena, size_t arena_size, struct rt_plan *ret)
{
	struct arena a = {.p = arena, .left = arena_size};
	struct rt_plan p = {0};
	struct net_port *ports;

	if (wire_get_u32(r) != PLAN_MAGIC || wire_get_u32(r) != PLAN_VERSION)
		return slip("plan (another version of the program?)");
	p.id = get_needed_str(r);
	p.hostname = wire_get_str(r);
	p.domainname = wire_get_str(r);
	for (unsigned i = 0; i < RT_NS_COUNT; i++) {
		p.ns[i].mode = (enum rt_ns_mode)get_below(r, RT_NS_KEPT + 1);
		p.ns[i].target.pid = (pid_t)get_below(r, INT32_MAX);
		p.ns[i].target.start = wire_get_u64(r);
		p.ns[i].fd = (int)get_below(r, INT32_MAX);
		p.ns[i].path = wire_get_str(r);
	}
	p.peer.target.pid = (pid_t)get_below(r, INT32_MAX);
	p.peer.target.start = wire_get_u64(r);
	p.peer.user_fd = (int)get_below(r, INT32_MAX);
	p.peer.mounts_fd = (int)get_below(r, INT32_MAX);
	p.uid_map = get_idmaps(r, &a, &p.n_uid_map);
	p.gid_map = get_idmaps(r, &a, &p.n_gid_map);
	p.root.driver = (enum rt_root_driver)get_below(r, RT_ROOT_DIR + 1);
	p.root.lower = get_strings(r, &a, &p.root.n_lower);
	p.root.upper = wire_get_str(r);
	p.root.work = wire_get_str(r);
	p.root.fuse_program = wire_get_str(r);
	p.root.propagation = wire_get_u32(r);
	p.root.read_only = get_below(r, 2);
	p.root.is_volatile = get_below(r, 2);
	p.root.fresh_mode = get_below(r, 010000);
	if (p.root.n_lower == 0 ||
	    (p.root.driver != RT_ROOT_DIR && (!p.root.upper || !p.root.work)))
		r->failed = true;
	get_mounts(r, &a, &p);
	get_devices(r, &a, &p);
	get_fifos(r, &a, &p);
	p.masked = get_strings(r, &a, NULL);
	p.read_only = get_strings(r, &a, NULL);
	p.sysctls = get_strings(r, &a, NULL);
	p.clocks = wire_get_str(r);
	p.cgroup_dir = wire_get_str(r);
	ports = arena_reserve(r, &a, RT_PORTS_MAX,
			      sizeof(*ports)); /* not zeroed: no pages for the unused */
	if (!ports || net_plan_decode(r, &p.net, ports, RT_PORTS_MAX) < 0)
		return slip("plan");
	get_secrets(r, &a, &p);
	get_accounts(r, &a, &p.accounts);
	p.hostname_may_fail = get_below(r, 2);
	p.init = get_below(r, 2);
	p.pin = get_below(r, 2);
	p.hold = get_below(r, 2);
	get_hooks(r, &a, &p);
	get_foreign(r, &a, &p.foreign);
	get_process(r, &a, p.init, &p.process);
	if (r->failed)
		return slip("plan");
	*ret = p;
	return 0;
}

int rt_process_decode(struct wire_reader *r, void *arena, size_t arena_size, struct rt_process *ret)
{
	struct arena a = {.p = arena, .left = arena_size};
	struct rt_process p = {0};

	get_process(r, &a, false, &p);
	if (r->failed)
		return slip("process description");
	*ret = p;
	return 0;
}
