/* SPDX-License-Identifier: MIT */
/* Every mount of a container, in order; devices; masked and read-only paths. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/container/cgroup.h"
#include "pkg/container/notify.h"
#include "pkg/container/plan.h"
#include "storage/store.h"

#define KERNEL_FS (RT_MNT_NOSUID | RT_MNT_NODEV | RT_MNT_NOEXEC)

struct rt_mount *plan_add_mount(struct container_plan *p, enum rt_mount_type type,
				const char *source, const char *target)
{
	p->mounts = xreallocarray(p->mounts, p->n_mounts + 1, sizeof(*p->mounts));
	p->mounts[p->n_mounts] = (struct rt_mount){
		.type = type, .source = source, .target = target};
	return &p->mounts[p->n_mounts++];
}

static void add_bound(struct container_plan *p, const char *path, uint32_t flags)
{
	plan_add_mount(p, RT_MOUNT_BIND, path, path)->flags = flags;
}

/* A mount of the user's on the same place takes the standard one's. */
bool plan_user_mounts_at(const struct container_record *rec, const char *target)
{
	for (unsigned i = 0; i < rec->n_mounts; i++)
		if (strcmp(rec->mounts[i].target, target) == 0)
			return true;
	return false;
}

static void add_dev(const struct container_record *rec, struct container_plan *p)
{
	const struct rt_ns *ipc = &p->rt.ns[RT_NS_IPC];
	struct rt_mount *m = plan_add_mount(p, RT_MOUNT_TMPFS, NULL, "/dev");

	m->flags = RT_MNT_NOSUID | RT_MNT_NOEXEC;
	m->data = "mode=755,size=65536k,nr_inodes=4096";
	m = plan_add_mount(p, RT_MOUNT_DEVPTS, NULL, "/dev/pts");
	m->flags = RT_MNT_NOSUID | RT_MNT_NOEXEC;
	m->data = "newinstance,ptmxmode=0666,mode=0620,gid=5";
	if (ipc->mode == RT_NS_NEW || ipc->path) {
		/* Queues of a namespace that is not ours cannot be mounted. */
		if (!ipc->path)
			plan_add_mount(p, RT_MOUNT_MQUEUE, NULL, "/dev/mqueue")->flags = KERNEL_FS;
		if (strcmp(rec->ns_ipc, "none") != 0 && !plan_user_mounts_at(rec, "/dev/shm")) {
			m = plan_add_mount(p, RT_MOUNT_TMPFS, NULL, "/dev/shm");
			m->flags = KERNEL_FS;
			m->data = rec->shm_size == 0
					  ? "mode=1777,size=0"
					  : plan_keep(
						    p,
						    xasprintf("mode=1777,size=%llu,nr_inodes=%llu",
							      (unsigned long long)rec->shm_size,
							      (unsigned long long)(rec->shm_size /
											   4096 +
										   1024)));
		}
	} else if (ipc->mode == RT_NS_HOST) {
		add_bound(p, "/dev/shm", KERNEL_FS);
		add_bound(p, "/dev/mqueue", KERNEL_FS | RT_MNT_OPTIONAL);
	} else {
		plan_add_mount(p, RT_MOUNT_BIND, "/dev/shm", "/dev/shm")->flags = RT_MNT_JOINED;
		plan_add_mount(p, RT_MOUNT_BIND, "/dev/mqueue", "/dev/mqueue")->flags =
			RT_MNT_JOINED | RT_MNT_OPTIONAL;
	}
}

static void add_proc(const struct container_record *rec, struct container_plan *p)
{
	struct rt_mount *m = plan_add_mount(p, RT_MOUNT_PROC, NULL, "/proc");

	m->flags = KERNEL_FS;
	if (rec->proc_options.n)
		m->data = plan_keep(p, strv_join(&rec->proc_options, ","));
}

/* What is divided inside must be the container's: without one it is in its caller's cgroup, and sees that. */
static bool owns_cgroup(const struct container_record *rec)
{
	return (rec->systemd || rec->writable_cgroups) && container_gets_cgroup(rec);
}

static void add_kernel_mounts(const struct container_record *rec, struct container_plan *p)
{
	uint32_t ro = rec->privileged ? 0 : RT_MNT_RO;

	if (p->rt.ns[RT_NS_PID].mode == RT_NS_HOST)
		add_bound(p, "/proc", KERNEL_FS);
	else
		add_proc(rec, p);
	add_dev(rec, p);
	if (p->rt.ns[RT_NS_NET].mode == RT_NS_NEW)
		plan_add_mount(p, RT_MOUNT_SYSFS, NULL, "/sys")->flags = KERNEL_FS | ro;
	else
		add_bound(p, "/sys", KERNEL_FS | RT_MNT_RO);
	if (!cgroup_is_v2())
		strv_add(&p->masked, "/sys/fs/cgroup");
	else if (p->rt.ns[RT_NS_CGROUP].mode == RT_NS_NEW)
		plan_add_mount(p, RT_MOUNT_CGROUP2, NULL, "/sys/fs/cgroup")->flags =
			KERNEL_FS | (owns_cgroup(rec) ? 0 : ro);
	else
		add_bound(p, "/sys/fs/cgroup", KERNEL_FS | RT_MNT_RO);
}

/* Bound from the runtime directory; a shared network brings the other container's files. */
static void add_etc_files(const struct plan_input *in, const char *below, struct container_plan *p)
{
	static const char *const names[] = {"hosts", "resolv.conf", "hostname"};
	const struct container_record *rec = in->record;
	const char *dir = in->dirs->runtime_path;

	if (p->rt.net.mode == NET_JOIN)
		dir = plan_keep(
			p, path_join(store_runroot(in->store), rec->ns_net + strlen("container:")));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *target = plan_keep(
			p, path_join(below ? plan_keep(p, path_join(below, "etc")) : "/etc",
				     names[i]));
		struct rt_mount *m;

		if ((i == 0 && rec->no_hosts) || (i == 2 && rec->no_hostname) ||
		    (i == 1 && strv_has(&rec->dns, "none")) || plan_user_mounts_at(rec, target))
			continue;
		m = plan_add_mount(p, RT_MOUNT_BIND, plan_keep(p, path_join(dir, names[i])),
				   target);
		m->flags = RT_MNT_NOSUID | RT_MNT_NODEV | RT_MNT_NOEXEC | RT_MNT_OPTIONAL;
	}
}

/* The directory, not the socket in it: the monitor makes that. */
static void add_notify(const struct plan_input *in, struct container_plan *p)
{
	if (in->notifies)
		plan_add_mount(p, RT_MOUNT_BIND,
			       plan_keep(p, path_join(in->dirs->runtime_path, CONMON_NOTIFY_DIR)),
			       NOTIFY_PLACE)
			->flags = KERNEL_FS | RT_MNT_RO;
}

/* Files of the host that one option brings along each. */
static void add_host_files(const struct container_record *rec, struct container_plan *p)
{
	uint32_t flags = RT_MNT_RO | RT_MNT_NOSUID | RT_MNT_NODEV;

	if (rec->timezone && !plan_user_mounts_at(rec, "/etc/localtime"))
		plan_add_mount(p, RT_MOUNT_BIND, rec->timezone, "/etc/localtime")->flags =
			flags | RT_MNT_NOEXEC;
	if (rec->init_path)
		plan_add_mount(p, RT_MOUNT_BIND, rec->init_path, PLAN_INIT)->flags = flags;
}

#define TMPFS_MOST (1ULL << 30)

const char *plan_tmpfs_data(struct container_plan *p, const char *data)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	if ((data && strstr(data, "size=")) || memory / 2 <= TMPFS_MOST)
		return data; /* half is the kernel's own bound */
	return plan_keep(p,
			 xasprintf("size=%llu%s%s", TMPFS_MOST, data ? "," : "", data ? data : ""));
}

static void add_read_only_tmpfs(const struct container_record *rec, struct container_plan *p)
{
	static const char *const dirs[] = {"/run", "/tmp", "/var/tmp"};

	for (size_t i = 0; rec->read_only_tmpfs && i < ARRAY_LEN(dirs); i++) {
		struct rt_mount *m;

		if (plan_user_mounts_at(rec, dirs[i]) || (rec->systemd && i < 2))
			continue;
		m = plan_add_mount(p, RT_MOUNT_TMPFS, NULL, dirs[i]);
		m->flags = RT_MNT_NOSUID | RT_MNT_NODEV | RT_MNT_COPYUP;
		m->data = plan_tmpfs_data(p, i == 0 ? "mode=755" : "mode=1777");
	}
}

static void add_devices(const struct container_record *rec, struct container_plan *p)
{
	/* What nested container tools need, where this user may open it. */
	static const char *const privileged[] = {"/dev/fuse", "/dev/net/tun", "/dev/kvm"};
	unsigned n = 0;

	p->devices = xcalloc(rec->devices.n + ARRAY_LEN(privileged), sizeof(*p->devices));
	for (size_t i = 0; i < rec->devices.n; i++) {
		const char *colon = strchr(rec->devices.v[i], ':');
		char *source = plan_keep(
			p, xstrndup(rec->devices.v[i], (size_t)(colon - rec->devices.v[i])));

		p->devices[n++] = (struct rt_device){source, colon + 1};
	}
	for (size_t i = 0; rec->privileged && i < ARRAY_LEN(privileged); i++)
		if (access(privileged[i], R_OK | W_OK) == 0)
			p->devices[n++] = (struct rt_device){privileged[i], privileged[i]};
	p->rt.devices = p->devices;
	p->rt.n_devices = n;
}

/* Without its switch this leaks timing of other users' work; only some machines have it. */
static void mask_thermal(struct container_plan *p)
{
	if (access("/sys/devices/system/cpu/cpu0/thermal_throttle", F_OK) < 0)
		return;
	for (unsigned i = 0; i < 4096; i++) {
		AUTO_FREE char *path = xasprintf("/sys/devices/system/cpu/cpu%u/thermal_throttle",
						 i);

		if (access(path, F_OK) < 0)
			return;
		strv_add(&p->masked, path);
	}
}

/* Patterns as of a shell; a path below one that is named is meant as well. */
static bool is_unmasked(const struct container_record *rec, const char *path)
{
	for (size_t i = 0; i < rec->unmasked.n; i++)
		if (fnmatch(rec->unmasked.v[i], path, FNM_LEADING_DIR) == 0)
			return true;
	return false;
}

static void add_masks(const struct container_record *rec, struct container_plan *p)
{
	static const char *const masked[] = {
		"/proc/acpi",
		"/proc/asound",
		"/proc/interrupts",
		"/proc/kcore",
		"/proc/keys",
		"/proc/latency_stats",
		"/proc/sched_debug",
		"/proc/scsi",
		"/proc/timer_list",
		"/proc/timer_stats",
		"/sys/firmware",
		"/sys/fs/selinux",
		"/sys/devices/virtual/powercap",
	};
	static const char *const read_only[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
						"/proc/sysrq-trigger"};
	bool all = rec->privileged || strv_has(&rec->unmasked, "ALL") ||
		   strv_has(&rec->unmasked, "all");

	for (size_t i = 0; !all && i < ARRAY_LEN(masked); i++)
		if (!is_unmasked(rec, masked[i]))
			strv_add(&p->masked, masked[i]);
	for (size_t i = 0; !all && i < ARRAY_LEN(read_only); i++)
		if (!is_unmasked(rec, read_only[i]))
			strv_add(&p->read_only, read_only[i]);
	if (!all)
		mask_thermal(p);
	strv_add_all(&p->masked, &rec->masked_extra);
}

static int by_target(const void *a, const void *b)
{
	return strcmp(((const struct rt_mount *)a)->target, ((const struct rt_mount *)b)->target);
}

int plan_mounts(const struct plan_input *in, struct container_plan *p)
{
	unsigned kernel;
	int r;

	add_kernel_mounts(in->record, p);
	kernel = p->n_mounts;
	add_read_only_tmpfs(in->record, p);
	if (in->record->systemd)
		plan_systemd_mounts(in->record, p);
	add_etc_files(in, NULL, p);
	for (size_t i = 0; i < in->record->chroot_dirs.n; i++)
		add_etc_files(in, in->record->chroot_dirs.v[i], p);
	add_host_files(in->record, p);
	add_notify(in, p);
	r = plan_user_mounts(in, p);
	if (r < 0)
		return r;
	/* Parents before children, whoever asked for them: a volume on /etc must not hide /etc/hosts. */
	qsort(p->mounts + kernel, p->n_mounts - kernel, sizeof(*p->mounts), by_target);
	add_devices(in->record, p);
	add_masks(in->record, p);
	return 0;
}
