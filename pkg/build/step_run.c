/* SPDX-License-Identifier: MIT */
/*
 * RUN: a container without a name, record or log. Its upper directory is the workspace's tree, its
 * monitor is tied to us: when we are gone it kills the command, and the stage is swept by the next
 * command. The step counts as over when the monitor has exited: the pid namespace is empty and the
 * overlay unmounted by then, nothing can write to the layer any more (threats B15).
 *
 * Mount points that the image lacks come from a directory below all layers, so that they never
 * reach the upper one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/builder.h"
#include "pkg/build/emulation.h"
#include "pkg/config/paths.h"
#include "pkg/conmon/client.h"
#include "pkg/container/cgroup.h"
#include "pkg/container/make.h"
#include "pkg/container/plan.h"
#include "pkg/runtime/overlay.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/names.h"
#include "pkg/sys/open.h"
#include "pkg/sys/overlay_data.h"
#include "pkg/sys/process.h"
#include "pkg/sys/random.h"
#include "pkg/sys/rmtree.h"
#include "storage/layer.h"

#define RUN_DIR "run"
#define SCRIPT "script"

/* Names of hosts count, their addresses do not, nor do resolvers. */
static void key_request(const struct container_request *q, struct sha256 *h)
{
	char size[32];

	for (size_t i = 0; i < q->add_host.n; i++) {
		AUTO_FREE char *name = xstrndup(q->add_host.v[i], strcspn(q->add_host.v[i], ":"));

		key_add(h, name);
	}
	if (q->default_caps)
		key_add_list(h, q->default_caps);
	key_add_list(h, &q->cap_add);
	key_add_list(h, &q->cap_drop);
	key_add_list(h, &q->device);
	key_add_list(h, &q->group_add);
	key_add_list(h, &q->security_opt);
	key_add_list(h, &q->ulimit);
	key_add_list(h, &q->volume);
	(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)q->shm_size);
	key_add(h, size);
	key_add(h, q->ipc);
	key_add(h, q->uts);
	key_add(h, q->cgroupns);
	key_add(h, q->no_hosts ? "no hosts" : "");
	key_add(h, q->no_hostname ? "no hostname" : "");
}

/* A scanner of --sbom gets what every container has, and nothing that the user gave to commands of the file. */
static struct container_request request_of(const struct builder *b, const struct op *o)
{
	struct container_request q = b->o->run; /* its lists stay the caller's */

	if (o->is_scan)
		q.add_host = q.cap_add = q.device = q.group_add = q.security_opt = q.volume =
			(struct strv)STRV_INIT;
	return q;
}

static void why_request(struct builder *b, const struct container_request *q)
{
	struct sha256 h;
	char hex[65];

	sha256_init(&h);
	key_request(q, &h);
	sha256_end_hex(&h, hex);
	why_add(b, "an option of commands, as --ulimit or --volume", hex);
}

/* NULL: nobody chose one. */
static const char *hostname_given(const struct builder *b)
{
	const char *v = strv_env_get(&b->o->build_args, "BUILDKIT_SANDBOX_HOSTNAME");

	return v && *v ? v : NULL;
}

static int run_key(struct builder *b, const struct op *o, const struct strv *layers, char ret[65])
{
	static const char *const networks[] = {"default", "none", "host"};
	const char *hostname = hostname_given(b);
	const struct container_request q = request_of(b, o);
	struct sha256 h;
	int r;

	key_begin(&h, "run");
	step_key_layers(b, &h, layers);
	key_add_list(&h, &o->argv);
	key_add_list(&h, &o->env);
	key_add(&h, o->script);
	key_add(&h, o->user);
	key_add(&h, o->cwd);
	key_add(&h, networks[o->network]);
	key_add(&h, b->o->network);
	if (hostname) {
		key_add(&h, "hostname");
		key_add(&h, hostname);
		why_add(b, "the host name", hostname);
	}
	if (b->stages[b->stage].is_foreign)
		key_add(&h, b->stages[b->stage].platform);
	key_request(&q, &h);
	for (unsigned i = 0; i < o->n_devices; i++) {
		key_add(&h, "device"); /* as they are called, which of them are here is no part of the step */
		key_add(&h, o->devices[i].name);
		key_add(&h, o->devices[i].required ? "required" : "");
		why_add(b, "a device", o->devices[i].name);
	}
	why_add_list(b, "the command", &o->argv);
	why_add_env(b, &o->env);
	why_add(b, "the script", o->script);
	why_add(b, "USER", o->user);
	why_add(b, "WORKDIR", o->cwd);
	why_add(b, "the network", networks[o->network]);
	why_add(b, "--network", b->o->network);
	why_request(b, &q);
	r = run_mounts_key(b, o, &h);
	sha256_end_hex(&h, ret);
	return r;
}

/* --- the container ---------------------------------------------------------------------------------- */

static const char *network_of(const struct builder *b, const struct op *o)
{
	if (o->network == NETWORK_NONE)
		return "none";
	if (o->network == NETWORK_HOST)
		return "host";
	if (o->is_scan && b->o->network && strcmp(b->o->network, "none") != 0)
		return NULL;
	return b->o->network;
}

static int make_record(struct builder *b, const struct op *o, const struct run_places *places,
		       const struct strv *layers, struct container_record **ret)
{
	struct container_request q = request_of(b, o);
	const char *network = network_of(b, o);
	struct strv devices;
	char id[65];
	int r;

	q.image = "build";
	q.command = o->argv.v;
	q.entrypoint = "";
	q.user = o->user;
	q.workdir = o->cwd;
	q.hostname = hostname_given(b);
	if (q.uts && strcmp(q.uts, "host") == 0)
		q.hostname = NULL;
	else if (!q.hostname)
		q.hostname = "build";
	if (network)
		strv_add(&q.networks, network);
	q.image_volume = "ignore";
	q.log_driver = "none";
	q.passwd = 0; /* a line for a number of --user would stay in the layer */
	q.stop_timeout = 0;
	q.read_only_tmpfs = -1;
	q.oom_score_adj = INT64_MIN;
	q.cdi = &b->cdi;
	devices = q.device;
	q.device = (struct strv)STRV_INIT;
	strv_add_all(&q.device, &devices);
	strv_add_all(&q.device, &o->device_names);
	q.env = (struct strv)STRV_INIT;
	strv_add_all(&q.env, &o->proxy);
	strv_add_all(&q.env, &o->env);
	strv_add_all(&q.env, &places->env);
	r = container_make(b->st, &q, NULL, ret);
	for (size_t i = 0; i < q.env.n; i++)
		explicit_bzero(q.env.v[i], strlen(q.env.v[i])); /* a secret may be among them */
	strv_done(&q.env);
	strv_done(&q.device);
	strv_done(&q.networks);
	for (unsigned i = 0; r == 0 && i < (*ret)->n_mounts; i++)
		if ((*ret)->mounts[i].kind != MOUNT_BIND || (*ret)->mounts[i].overlay)
			r = err_usage("--volume: only /HOST/PATH:/PATH[:ro] during a build");
	if (r < 0)
		return r;
	random_id(id);
	(*ret)->id = xstrdup(id);
	/* In a network whose other containers ask for names, one of its own. */
	(*ret)->name = (*ret)->networks.n ? xasprintf("build-%.12s", id) : xstrdup("build");
	strv_add_all(&(*ret)->layers, layers);
	return 0;
}

int step_run_network(struct builder *b)
{
	AUTO(record_freep) struct container_record *rec = NULL;
	struct container_request q = b->o->run;
	static char word[] = "true", *anything[] = {word, NULL};
	int r;

	q.image = "build";
	q.command = anything;
	strv_add(&q.networks, b->o->network);
	r = container_make(b->st, &q, NULL, &rec);
	strv_done(&q.networks);
	return r;
}

static int make_dirs(const struct workspace *w, struct container_dirs *ret)
{
	if (mkdirat(w->dir, RUN_DIR, 0700) < 0 || mkdirat(w->dir, WORKSPACE_STUBS, 0755) < 0)
		return err_new(-errno, "make a workspace");
	ret->data_path = path_join(w->path, RUN_DIR);
	ret->runtime_path = path_join(w->path, RUN_DIR);
	ret->data_fd = openat(w->dir, RUN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret->runtime_fd = fd_dup(ret->data_fd);
	return ret->runtime_fd < 0 ? err_new(-errno, "open the workspace") : 0;
}

/* A place to mount on, for an image that has none there. */
static int make_stub(const struct workspace *w, const char *target, bool directory)
{
	AUTO_CLOSE int stubs = openat(w->dir, WORKSPACE_STUBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		       fd = -EBADF;
	const char *name;

	if (stubs < 0)
		return err_new(-errno, "open the workspace");
	if (directory) {
		fd = mkdir_in(stubs, target, 0755);
		return fd < 0 ? fd : 0;
	}
	fd = parent_in(stubs, target, 0755, &name);
	if (fd < 0)
		return fd;
	if (mknodat(fd, name, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
		return err_new(-errno, "make a place for %s", target);
	return 0;
}

/* --volume, and devices that are not called by a name below /dev, which is made anew for each container */
static int add_volume_stubs(const struct workspace *w, const struct container_record *rec)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < rec->devices.n; i++) {
		AUTO_STRV struct strv parts = STRV_INIT;
		const char *target;

		strv_split(&parts, rec->devices.v[i], ':');
		target = parts.n > 1 && *parts.v[1] == '/' ? parts.v[1] : parts.v[0];
		if (strncmp(target, "/dev/", 5) != 0)
			r = make_stub(w, target, false);
	}

	for (unsigned i = 0; r == 0 && i < rec->n_mounts; i++) {
		struct stat st;

		if (stat(rec->mounts[i].source, &st) < 0)
			return err_new(-errno, "--volume %s", rec->mounts[i].source);
		r = make_stub(w, rec->mounts[i].target, S_ISDIR(st.st_mode));
	}
	return r;
}

static int add_places(const struct workspace *w, const struct run_places *places,
		      struct container_plan *p)
{
	for (unsigned i = 0; i < places->n; i++) {
		const struct run_place *v = &places->v[i];
		struct rt_mount *m = plan_add_mount(p,
						    v->kind == PLACE_TMPFS     ? RT_MOUNT_TMPFS
						    : v->kind == PLACE_OVERLAY ? RT_MOUNT_OVERLAY
									       : RT_MOUNT_BIND,
						    v->source, v->target);
		int r = make_stub(w, v->target, v->directory);

		if (r < 0)
			return r;
		m->data = v->data;
		m->upper = v->upper;
		m->work = v->work;
		m->flags = RT_MNT_NOSUID | RT_MNT_NODEV | (v->read_only ? RT_MNT_RO : 0) |
			   (v->no_exec ? RT_MNT_NOEXEC : 0) | (v->copy_up ? RT_MNT_COPYUP : 0) |
			   (v->no_recurse ? RT_MNT_NONREC : 0);
	}
	p->rt.mounts = p->mounts;
	p->rt.n_mounts = p->n_mounts;
	return 0;
}

static int add_script(const struct op *o, const struct container_dirs *dirs,
		      struct container_plan *p)
{
	struct rt_mount *m;
	int r;

	if (!o->script)
		return 0;
	r = file_create(dirs->data_fd, SCRIPT, o->script, strlen(o->script), 0755, FILE_NO_SYNC);
	if (r < 0)
		return r;
	m = plan_add_mount(p, RT_MOUNT_BIND, plan_keep(p, path_join(dirs->data_path, SCRIPT)),
			   o->argv.v[0]);
	m->flags = RT_MNT_RO | RT_MNT_NOSUID | RT_MNT_NODEV;
	return 0;
}

/* What the image has of the directories on the way looks as it does there. */
static int dress_stubs(int stub, int image)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = dir_names(stub, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
		AUTO_CLOSE int below = openat(stub, names.v[i], flags);
		AUTO_CLOSE int theirs = openat(image, names.v[i], flags);

		if (below >= 0 && theirs >= 0)
			r = dress_stubs(below, theirs);
	}
	return r < 0 ? r : layer_copy_attributes(image, stub);
}

/*
 * Below all else, where they change nothing; but with content in a shared store (overlay_data.h) no
 * directory may come below those that point there.
 */
static int add_stubs(const struct workspace *w, struct container_plan *p)
{
	AUTO_FREE char *path = path_join(w->path, WORKSPACE_STUBS);
	AUTO_CLOSE int stubs = -EBADF, image = -EBADF;
	AUTO_STRV struct strv names = STRV_INIT;
	int r;

	if (!p->lower.n || !overlay_data_is_at(p->lower.v[p->lower.n - 1])) {
		strv_take(&p->lower, TAKE_PTR(path));
		return 0;
	}
	stubs = openat(w->dir, WORKSPACE_STUBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = stubs < 0 ? err_new(-errno, "open the workspace") : dir_names(stubs, &names);
	if (r < 0 || !names.n)
		return r;
	image = overlay_view((const char *const *)p->lower.v, (unsigned)p->lower.n, NULL);
	r = image < 0 ? image : dress_stubs(stubs, image);
	strv_insert(&p->lower, 0, path);
	return r;
}

static int place_stub(int stubs, int root, const char *name)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
	AUTO_CLOSE int stub = openat(stubs, name, flags), made = -EBADF;
	struct stat st;
	int r;

	if (stub < 0 || fstat(stub, &st) < 0)
		return err_new(-errno, "open %s", name);
	r = S_ISDIR(st.st_mode) ? mkdirat(root, name, 0700)
				: mknodat(root, name, S_IFREG | 0600, 0);
	if (r < 0)
		return errno == EEXIST ? 0 : err_new(-errno, "make a place for %s", name);
	made = openat(root, name, flags);
	return made < 0 ? err_new(-errno, "open %s", name) : layer_copy_attributes(stub, made);
}

/* What the image has no place for gets one in the copy: else the runtime would make it, for all to see. */
static int place_stubs(int stubs, int root)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = dir_names(stubs, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
		AUTO_CLOSE int below = openat(stubs, names.v[i], flags), there = -EBADF;

		r = place_stub(stubs, root, names.v[i]);
		there = below < 0 ? -EBADF : openat(root, names.v[i], flags);
		if (r == 0 && there >= 0)
			r = place_stubs(below, there);
	}
	return r;
}

/* Driver vfs: the plan copied the image for the container that runs the command; that copy is compared later. */
static int prepare_copy(struct workspace *w)
{
	AUTO_CLOSE int stubs = openat(w->dir, WORKSPACE_STUBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		       root = openat(w->dir, RUN_DIR "/root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = layer_stack(w->st, w->layers, &w->before);

	if (r == 0 && (stubs < 0 || root < 0))
		r = err_new(-errno, "open the workspace");
	strv_take(&w->before, path_join(w->path, WORKSPACE_STUBS));
	w->copied = clock_now_ns() / 1000000000;
	w->apart = true;
	return r < 0 ? r : place_stubs(stubs, root);
}

static int set_root(struct workspace *w, struct container_plan *p)
{
	bool fuse = p->rt.root.driver == RT_ROOT_FUSE_OVERLAY;
	int r;

	if (p->rt.root.driver == RT_ROOT_DIR)
		return 0;
	if (w->top)
		strv_insert(&p->lower, 0, w->top);
	r = add_stubs(w, p);
	if (r < 0)
		return r;
	w->apart = fuse;
	p->rt.root.lower = (const char *const *)p->lower.v;
	p->rt.root.n_lower = (unsigned)p->lower.n;
	p->rt.root.upper = plan_keep(p, path_join(w->path, fuse ? WORKSPACE_UPPER : "tree"));
	p->rt.root.work = plan_keep(p, path_join(w->path, WORKSPACE_WORK));
	p->rt.root.is_volatile = true;
	p->rt.root.fresh_mode = 0;
	return 0;
}

/* The layer below gets its name while the command runs, as soon as it can: others may wait for it. */
static int name_below(struct builder *b, struct op *o, const struct strv *layers,
		      const struct conmon_started *m)
{
	int r;

	if (!b->later.op || !later_is_over(b, m->control_fd))
		return 0;
	r = later_commit(b);
	if (r == 0)
		r = run_key(b, o, layers, o->keys[0]);
	if (r == 0)
		step_claim(b, o->keys[0]);
	later_unlock(b);
	return r;
}

static int follow(struct builder *b, struct op *o, const struct strv *layers,
		  const struct conmon_started *m, int *ret_status)
{
	bool detached = false;
	int status, fd = m->pidfd, control = m->control_fd;
	int named = name_below(b, o, layers, m), r;
	char trail[512];

	(void)snprintf(trail, sizeof(trail), "%s", named < 0 ? err_trail() : "");
	r = conmon_foreground(m, false, false, ret_status, &detached);

	closep(&control);
	/* It holds the overlay until its end. */
	if (r == 0)
		r = pidfd_wait(fd, -1, &status);
	closep(&fd);
	if (r >= 0 && named < 0)
		r = err_set(named, trail);
	return r < 0 ? r : 0;
}

static int run_plan(struct builder *b, struct op *o, const struct container_record *rec,
		    const struct strv *layers, struct container_plan *p,
		    const struct container_dirs *dirs, int *ret_status)
{
	AUTO_FREE char *program = NULL;
	AUTO_CLOSE int base = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC), lock = -EBADF,
		       null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int stdio[3] = {null, b->o->output_fd, b->o->output_fd};
	struct cgroup_start cgroup;
	struct conmon_started m;
	int r = paths_helper("cuddy-conmon", &program);

	if (r < 0)
		return r;
	if (base < 0 || null < 0)
		return err_new(-errno, "open our own namespace");
	lock = lock_try_open(dirs->runtime_fd, "lock", LOCK_EXCLUSIVE);
	if (lock < 0)
		return lock;
	p->mon.lock_fd = lock;
	p->mon.foreground = true;
	p->mon.tied = true;
	r = cgroup_start_init(rec, NULL, &cgroup);
	if (r < 0)
		return r;
	/* One of its own only where something is bounded: with systemd it costs a call for each RUN. */
	cgroup.wanted = cgroup.wanted && (limits_given(&b->o->run.limits) || rec->cgroup_parent);
	p->mon.await_cgroup = cgroup.wanted;
	r = conmon_start(program, base, &p->rt, &p->mon, stdio, p->port_fds,
			 cgroup.wanted ? &cgroup.place : NULL, &m);
	cgroup_start_done(&cgroup);
	closep(&lock); /* the monitor's alone now */
	return r < 0 ? r : follow(b, o, layers, &m, ret_status);
}

static int run_in(struct builder *b, struct op *o, const struct strv *layers, struct workspace *w,
		  int *ret_status)
{
	AUTO(record_freep) struct container_record *rec = NULL;
	AUTO(run_mounts_done) struct run_places places = {0};
	AUTO(plan_done) struct container_plan p = CONTAINER_PLAN_INIT;
	struct container_dirs dirs = {.data_fd = -EBADF, .runtime_fd = -EBADF};
	struct plan_input in = {.store = b->st,
				.dirs = &dirs,
				.grant = &b->grant,
				.single_id = base_grant_is_single(&b->grant)};
	int r = make_dirs(w, &dirs);

	if (r == 0)
		r = run_mounts_prepare(b, o, w, &places);
	if (r == 0)
		r = make_record(b, o, &places, layers, &rec);
	in.record = rec;
	if (r == 0)
		r = plan_make(&in, &p);
	if (r == 0)
		r = set_root(w, &p);
	if (r == 0)
		r = add_script(o, &dirs, &p);
	if (r == 0)
		r = add_volume_stubs(w, rec);
	if (r == 0)
		r = add_places(w, &places, &p);
	if (r == 0 && p.rt.root.driver == RT_ROOT_DIR)
		r = prepare_copy(w);
	if (r == 0)
		r = plan_write_files(&in, &p);
	if (r == 0)
		r = run_plan(b, o, rec, layers, &p, &dirs, ret_status);
	container_dirs_done(&dirs);
	return r;
}

/* Of a step that began before it had a key: see later.c. */
static int name_after(struct builder *b, struct op *o, const struct strv *layers, char key[65])
{
	int r = later_commit(b);

	if (r == 0 && !o->keys[0][0])
		r = run_key(b, o, layers, o->keys[0]);
	later_drop(b);
	memcpy(key, o->keys[0], sizeof(o->keys[0]));
	return r;
}

int step_run(struct builder *b, struct op *o, const struct strv *layers)
{
	AUTO(workspace_donep) struct workspace w = WORKSPACE_INIT;
	const bool early = later_is_enough(b, o);
	int status = 0, r = early ? 0 : later_settle(b);
	char key[65] = "";

	if (r == 0)
		r = run_devices_find(b, o);
	if (r == 0 && !early)
		r = run_key(b, o, layers, key);
	if (r == 0 && !early)
		r = step_cached(b, o, key);
	if (r != 0)
		return r < 0 ? r : 0;
	if (!early)
		why_missed(b, o);
	if (b->stages[b->stage].is_foreign)
		r = emulation_check(b->stages[b->stage].image.c.architecture);
	if (r == 0)
		r = step_enter(b);
	if (r == 0)
		r = workspace_begin(b->st, layers, early ? b->later.tree : NULL, &w);
	if (r == 0)
		r = run_in(b, o, layers, &w, &status);
	if (r < 0)
		return r;
	if (status) {
		b->result->run_status = status;
		return err_usage("exit status %d", status); /* all there is to say */
	}
	if (early)
		r = name_after(b, o, layers, key);
	if (r < 0)
		return r;
	if (w.before.n && renameat(w.dir, RUN_DIR "/root", w.dir, WORKSPACE_COPY) < 0)
		return err_new(-errno, "keep what was changed");
	r = rmtree(w.dir, RUN_DIR);
	return r < 0 ? r : step_seal(b, o, &w, key);
}
