/* SPDX-License-Identifier: MIT */
/*
 * Launches a plan without image, store or monitor: rtdrive [key=value]… -- argv. For tests of
 * pkg/runtime, the sync points and timing. Keys: see keys() below; repeatable ones add up.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/base/strv.h"
#include "pkg/runtime/base.h"
#include "pkg/runtime/exec.h"
#include "pkg/runtime/launch.h"
#include "pkg/sys/file.h"
#include "pkg/sys/rmtree.h"

#define LIST_MAX 256
#define DEFAULT_CAPS 0x800405fbULL
#define ENOUGH 8

struct driver {
	struct rt_plan p;
	struct strv lower, env, groups, masked, read_only, sysctls;
	struct rt_mount mounts[LIST_MAX];
	struct rt_device devices[LIST_MAX];
	struct sbuf filter;
	const char *runtime_dir, *pid_file;
	int bench, exec_pid;
};

static void add_mount(struct driver *d, struct rt_mount m)
{
	d->mounts[d->p.n_mounts++] = m;
}

static void standard_mounts(struct driver *d)
{
	const uint32_t nsx = RT_MNT_NOSUID | RT_MNT_NOEXEC, all = nsx | RT_MNT_NODEV;

	add_mount(d, (struct rt_mount){.type = RT_MOUNT_PROC, .target = "/proc", .flags = all});
	add_mount(d, (struct rt_mount){.type = RT_MOUNT_TMPFS,
				       .target = "/dev",
				       .data = "mode=755,size=64m,nr_inodes=1k",
				       .flags = nsx});
	add_mount(d, (struct rt_mount){.type = RT_MOUNT_DEVPTS,
				       .target = "/dev/pts",
				       .data = "gid=5,mode=620,ptmxmode=666",
				       .flags = nsx});
	add_mount(d, (struct rt_mount){.type = RT_MOUNT_TMPFS,
				       .target = "/dev/shm",
				       .data = "mode=1777,size=64m",
				       .flags = all});
	add_mount(d, (struct rt_mount){
			     .type = RT_MOUNT_MQUEUE, .target = "/dev/mqueue", .flags = all});
	add_mount(d, (struct rt_mount){
			     .type = RT_MOUNT_SYSFS, .target = "/sys", .flags = all | RT_MNT_RO});
}

static const char *const masks[] = {
	"/proc/acpi",        "/proc/asound",   "/proc/interrupts",
	"/proc/kcore",       "/proc/keys",     "/proc/latency_stats",
	"/proc/sched_debug", "/proc/scsi",     "/proc/timer_list",
	"/proc/timer_stats", "/sys/firmware",  "/sys/devices/virtual/powercap",
	"/sys/fs/selinux",   "/sys/fs/cgroup", NULL,
};
static const char *const read_only[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

/* "SRC:DST[:flag,flag]" */
static void add_bind(struct driver *d, const char *spec, enum rt_mount_type type)
{
	char *s = xstrdup(spec), *dst = strchr(s, ':'), *fl;
	struct rt_mount m = {.type = type, .source = s};

	*dst++ = '\0';
	fl = strchr(dst, ':');
	if (fl)
		*fl++ = '\0';
	m.target = dst;
	if (fl && strstr(fl, "ro"))
		m.flags |= RT_MNT_RO;
	if (fl && strstr(fl, "chown"))
		m.flags |= RT_MNT_CHOWN;
	if (fl && strstr(fl, "copyup"))
		m.flags |= RT_MNT_COPYUP;
	if (fl && strstr(fl, "rslave"))
		m.propagation = MS_SLAVE;
	if (type == RT_MOUNT_TMPFS) {
		m.data = m.source;
		m.source = NULL;
	}
	add_mount(d, m);
}

static void add_device(struct driver *d, const char *spec)
{
	char *s = xstrdup(spec), *dst = strchr(s, ':');

	*dst++ = '\0';
	d->devices[d->p.n_devices++] = (struct rt_device){.source = s, .target = dst};
}

static void join(struct driver *d, enum rt_ns_kind k, const char *v)
{
	if (strcmp(v, "host") == 0)
		d->p.ns[k].mode = RT_NS_HOST;
	else if (proc_id_of(atoi(v), &d->p.ns[k].target) == 0)
		d->p.ns[k].mode = RT_NS_JOIN;
}

static bool key_is(const char *arg, const char *key, const char **v)
{
	size_t n = strlen(key);

	if (strncmp(arg, key, n) != 0 || arg[n] != '=')
		return false;
	*v = arg + n + 1;
	return true;
}

static void set_key(struct driver *d, const char *a)
{
	struct rt_process *pr = &d->p.process;
	const char *v;

	if (key_is(a, "lower", &v))
		strv_add(&d->lower, v);
	else if (key_is(a, "upper", &v))
		d->p.root.upper = v;
	else if (key_is(a, "work", &v))
		d->p.root.work = v;
	else if (key_is(a, "fuse", &v))
		d->p.root.driver = RT_ROOT_FUSE_OVERLAY, d->p.root.fuse_program = v;
	else if (key_is(a, "dir", &v))
		d->p.root.driver = RT_ROOT_DIR;
	else if (key_is(a, "ro", &v))
		d->p.root.read_only = true;
	else if (key_is(a, "user", &v))
		pr->user = v;
	else if (key_is(a, "group", &v))
		strv_add(&d->groups, v);
	else if (key_is(a, "keepgroups", &v))
		pr->keep_groups = true;
	else if (key_is(a, "env", &v))
		strv_add(&d->env, v);
	else if (key_is(a, "cwd", &v))
		pr->cwd = v;
	else if (key_is(a, "mkcwd", &v))
		pr->make_cwd = true;
	else if (key_is(a, "bind", &v))
		add_bind(d, v, RT_MOUNT_BIND);
	else if (key_is(a, "tmpfs", &v))
		add_bind(d, v, RT_MOUNT_TMPFS);
	else if (key_is(a, "device", &v))
		add_device(d, v);
	else if (key_is(a, "sysctl", &v))
		strv_add(&d->sysctls, v);
	else if (key_is(a, "caps", &v))
		pr->caps = strtoull(v, NULL, 16);
	else if (key_is(a, "capadd", &v))
		pr->caps_added = strtoull(v, NULL, 16), pr->caps |= pr->caps_added;
	else if (key_is(a, "nnp", &v))
		pr->no_new_privs = true;
	else if (key_is(a, "tty", &v))
		pr->terminal = true;
	else if (key_is(a, "init", &v))
		d->p.init = true;
	else if (key_is(a, "net", &v))
		join(d, RT_NS_NET, v);
	else if (key_is(a, "pid", &v))
		join(d, RT_NS_PID, v);
	else if (key_is(a, "userns", &v))
		join(d, RT_NS_USER, v);
	else if (key_is(a, "ipc", &v))
		join(d, RT_NS_IPC, v);
	else if (key_is(a, "slirp", &v))
		d->p.net.mode = NET_SLIRP, d->p.net.helper_path = v;
	else if (key_is(a, "seccomp", &v) && file_read_at(AT_FDCWD, v, 1 << 20, &d->filter) == 0)
		pr->seccomp = d->filter.s, pr->seccomp_len = d->filter.len;
	else if (key_is(a, "oom", &v))
		pr->has_oom_score_adj = true, pr->oom_score_adj = atoi(v);
	else if (key_is(a, "run", &v))
		d->runtime_dir = v;
	else if (key_is(a, "exec", &v))
		d->exec_pid = atoi(v);
	else if (key_is(a, "pidfile", &v))
		d->pid_file = v;
	else if (key_is(a, "bench", &v))
		d->bench = atoi(v);
	else if (key_is(a, "nomounts", &v))
		d->p.n_mounts = 0, d->p.masked = d->p.read_only = NULL;
	else
		(void)fprintf(stderr, "rtdrive: unknown key %s\n", a);
}

static int pump(int master)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(master, buf, sizeof(buf))) > 0)
		(void)write_full(1, buf, (size_t)n);
	return 0;
}

/* "exec=PID": a further process in the container that another rtdrive started (its parent is that one). */
static int exec_once(struct driver *d, int pid, int *status)
{
	struct rt_exec e = {.process = d->p.process, .stdio = {0, 1, 2}};
	struct rt_exec_started s;
	char path[64], buf[512];
	AUTO_CLOSE int fd = -EBADF;
	int parent, r;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read_upto(fd, buf, sizeof(buf) - 1) <= 0 ||
	    sscanf(strrchr(buf, ')'), ") %*c %d", &parent) != 1)
		return err_new(-ESRCH, "process %d", pid);
	r = proc_id_of(pid, &e.init);
	if (r == 0)
		r = proc_id_of(parent, &e.monitor);
	if (r == 0)
		r = rt_exec_start(&e, &s);
	if (r < 0)
		return r;
	if (s.pty_master >= 0)
		(void)pump(s.pty_master);
	return pidfd_wait(s.stage_pidfd, -1, status);
}

static int run_once(struct driver *d, int *status, int64_t *launch_us)
{
	struct rt_launched l;
	struct rt_stdio io = {.in = 0, .out = 1, .err = 2};
	int work = open(d->p.root.work ? d->p.root.work : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int64_t t;
	int r = d->p.root.work ? rmtree(work, "work") : 0; /* a volatile overlay is mounted once */

	(void)close(work);
	if (r < 0)
		return r;
	t = clock_monotonic_ns();
	r = rt_launch(&d->p, &io, NULL, NULL, &l);
	*launch_us = (clock_monotonic_ns() - t) / 1000;
	if (r < 0)
		return r;
	if (d->pid_file) {
		FILE *f = fopen(d->pid_file, "we");

		if (f) {
			(void)fprintf(f, "%d\n", (int)l.pid);
			(void)fclose(f);
		}
	}
	if (l.pty_master >= 0)
		(void)pump(l.pty_master);
	r = pidfd_wait(l.pidfd, -1, status);
	(void)close(l.pidfd);
	(void)close(l.root_fd);
	return r;
}

static int bench(struct driver *d)
{
	int64_t best = INT64_MAX, sum = 0, us, tot = 0, t;
	int status, r = 0;

	for (int i = 0; i < d->bench && r >= 0; i++) {
		t = clock_monotonic_ns();
		r = run_once(d, &status, &us);
		sum += us;
		tot += (clock_monotonic_ns() - t) / 1000;
		best = us < best ? us : best;
	}
	(void)fprintf(stderr, "launch: best %lld us, mean %lld us; with exit %lld us\n",
		      (long long)best, (long long)(sum / d->bench), (long long)(tot / d->bench));
	return r;
}

int main(int argc, char **argv)
{
	static struct driver d;
	static const struct rt_idmap ids = {0, 0, 65537}, one = {0, 0, 1};
	struct base_grant g;
	int i, r, status = 0, dir;
	int64_t us;

	log_init(getenv("CUDDY_DEBUG"), "rtdrive");
	if (argc > 1 && strcmp(argv[1], RT_EXEC_ROLE) == 0)
		return rt_exec_stage_main(RT_EXEC_PLAN_FD, RT_EXEC_REPORT_FD);
	d.p = (struct rt_plan){.id = "rtdrive",
			       .hostname = "box",
			       .masked = masks,
			       .read_only = read_only,
			       .mounts = d.mounts,
			       .devices = d.devices,
			       .net = {.mode = NET_NONE},
			       .root = {.is_volatile = true}};
	d.p.ns[RT_NS_TIME].mode = RT_NS_HOST;
	d.filter = (struct sbuf)SBUF_INIT;
	d.p.process = (struct rt_process){.caps = DEFAULT_CAPS, .umask = 022};
	standard_mounts(&d);
	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		set_key(&d, argv[i]);
	strv_add(&d.env, "PATH=/bin:/usr/bin");
	d.p.root.lower = (const char *const *)d.lower.v;
	d.p.root.n_lower = (unsigned)d.lower.n;
	d.p.process.argv = (const char *const *)argv + i + 1;
	d.p.process.envp = (const char *const *)d.env.v;
	d.p.process.groups = (const char *const *)d.groups.v;
	d.p.sysctls = (const char *const *)d.sysctls.v;
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	dir = open(d.runtime_dir ? d.runtime_dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d.exec_pid) {
		r = exec_once(&d, d.exec_pid, &status);
		if (r < 0)
			(void)fprintf(stderr, "rtdrive: %s\n", err_message(r));
		return r < 0 ? err_exit_status(r) : status;
	}
	if (!getenv("RTDRIVE_SINGLE")) { /* as the monitor: exec'ed inside B, so B's root owns our /proc entries */
		r = base_grant_load(&g);
		if (r == 0)
			r = base_enter(dir, &g);
		if (r < 0) {
			(void)fprintf(stderr, "rtdrive: %s\n", err_message(r));
			return err_exit_status(r);
		}
		(void)setenv("RTDRIVE_SINGLE", base_grant_is_single(&g) ? "1" : "0", 1);
		(void)execv("/proc/self/exe", argv);
	}
	d.p.uid_map = d.p.gid_map = *getenv("RTDRIVE_SINGLE") == '1' ? &one : &ids;
	r = base_register(dir);
	d.p.n_uid_map = d.p.n_gid_map = 1;
	if (r == 0)
		r = d.bench ? bench(&d) : run_once(&d, &status, &us);
	if (r < 0) {
		(void)fprintf(stderr, "rtdrive: %s\n", err_message(r));
		return err_exit_status(r);
	}
	return status;
}
