/* SPDX-License-Identifier: MIT */
/*
 * The exec stage (S) and its payload (P); the theory stands in exec.c. S never trusts what it finds
 * inside: /proc is the host's, opened before entering; the root is "/" of the entered namespace,
 * walked by open_in(); no program or library of the image runs before P's execve (R02, R16).
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/runtime/exec.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/open.h"
#include "pkg/sys/procfs.h"
#include "pkg/sys/tty.h"

#define MESSAGE_MAX (8U << 20)

struct stage {
	struct rt_process process;
	const char *cgroup;
	bool detached, adopted, gathers, own_time;
	int proc, report;
};

static int read_message(int fd, struct stage *s)
{
	struct stat st;
	struct wire_reader r;
	void *p, *arena;
	uint32_t flags;
	size_t size;

	if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > (off_t)MESSAGE_MAX)
		return err_new(-CE_PROTOCOL, "size of the process description");
	size = (size_t)st.st_size;
	/* Sealed by the caller, so what was checked cannot change any more. */
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_new(-errno, "read the process description");
	wire_reader_init(&r, p, size);
	s->cgroup = wire_get_str(&r);
	flags = wire_get_u32(&r);
	s->detached = flags & EXEC_DETACHED;
	s->gathers = flags & EXEC_GATHERS;
	s->own_time = flags & EXEC_OWN_TIME;
	s->adopted = wire_get_u32(&r) != 0;
	if (r.failed)
		return err_new(-CE_PROTOCOL, "process description");
	arena = xmalloc(rt_arena_size(size));
	return rt_process_decode(&r, arena, rt_arena_size(size), &s->process);
}

static int enter_cgroup(const struct stage *s)
{
	AUTO_CLOSE int dir = -EBADF;
	int r;

	if (!s->cgroup)
		return 0;
	dir = open(s->cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? -errno : cgroup_write(dir, "cgroup.procs", "0");
	return r < 0 ? err_new(r, "enter cgroup %s", s->cgroup) : 0;
}

static const struct {
	const char *name;
	int flag;
} kinds[] = {
	{"user", CLONE_NEWUSER},     {"mnt", CLONE_NEWNS},    {"pid", CLONE_NEWPID},
	{"uts", CLONE_NEWUTS},       {"ipc", CLONE_NEWIPC},   {"net", CLONE_NEWNET},
	{"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
};

/* Those that differ from ours: entering one that we are in needs rights over the host's. */
static int differing_namespaces(int proc, int pidfd, int *ret)
{
	char info[1024], path[64], own[64];
	const char *p;
	int pid = -1, flags = 0;
	ssize_t n;
	pid_t self;

	if (procfs_self(proc, &self) < 0)
		return err_wrap(-ESRCH, "identify ourselves");
	(void)snprintf(path, sizeof(path), "%d/fdinfo/%d", (int)self, pidfd);
	n = procfs_read(proc, path, info, sizeof(info));
	if (n < 0)
		return (int)n;
	p = strstr(info, "\nPid:");
	if (!p || sscanf(p, "\nPid:%d", &pid) != 1 || pid <= 0)
		return err_new(-CE_BAD_STATE, "the container is not running");
	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
		struct stat a, b;

		(void)snprintf(path, sizeof(path), "%d/ns/%s", pid, kinds[i].name);
		(void)snprintf(own, sizeof(own), "%d/ns/%s", (int)self, kinds[i].name);
		if (fstatat(proc, path, &a, 0) < 0 || fstatat(proc, own, &b, 0) < 0)
			return err_new(-errno, "look at the container's namespaces");
		if (a.st_ino != b.st_ino)
			flags |= kinds[i].flag;
	}
	*ret = flags;
	return 0;
}

static int enter_namespaces(const struct stage *s, int pidfd)
{
	int flags = 0, r;

	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
		flags |= kinds[i].flag;
	if (!s->own_time) /* as good as always */
		flags &= ~CLONE_NEWTIME;
	/* All or none; none when it shares one with us, and only then it matters which. */
	if (setns(pidfd, flags) < 0) {
		r = differing_namespaces(s->proc, pidfd, &flags);
		if (r < 0)
			return r;
		if (flags && setns(pidfd, flags) < 0)
			return err_new(-errno, "enter the container's namespaces");
	}
	/* The change of credentials may have cleared it. */
	if (!s->detached && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_new(-errno, "set process flags");
	return 0;
}

static int open_terminal(struct stage *s, int root)
{
	AUTO_CLOSE int devpts = open_in(root, "dev/pts", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0),
		       master = -EBADF;
	AUTO_CLOSE int slave = -EBADF;
	int std[3], r;

	if (devpts < 0)
		return devpts;
	r = tty_open_pair(devpts, &master, &slave);
	if (r < 0)
		return r;
	(void)tty_set_size(master, s->process.rows, s->process.cols);
	std[0] = std[1] = std[2] = slave;
	r = process_set_stdio(std, true);
	return r < 0 ? r : sync_send(s->report, RT_POINT_BUILT, &master, 1);
}

static int become_payload(struct stage *s)
{
	struct rt_ids ids;
	int root, r;

	r = confine_death(&s->process);
	(void)setsid();
	(void)umask(0);
	if (r == 0 && s->gathers && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		r = err_new(-errno, "become subreaper");
	if (r == 0)
		r = process_place_kept(&s->process, RT_EXEC_KEEP_FD,
				       (int *const[]){&s->report, &s->proc}, 2);
	if (r == 0)
		r = confine_keyring(&s->process);
	if (r == 0)
		r = confine_drop_groups(s->proc, &s->process);
	if (r < 0)
		return r;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_new(-errno, "become root inside");
	r = confine_death(&s->process);
	if (r < 0)
		return r;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_new(-errno, "open the container's root");
	r = user_resolve(root, &s->process, &ids);
	if (r == 0 && s->process.terminal)
		r = open_terminal(s, root);
	if (r == 0)
		r = confine_limits(s->proc, &s->process);
	return r < 0 ? r : process_finish(root, s->proc, &s->process, &ids, false);
}

/* In the memory of the stage, which stands still meanwhile and goes on with its own idea of where its descriptors are. */
static int payload_main(void *arg)
{
	struct stage own = *(const struct stage *)arg;
	int r = become_payload(&own);

	sync_fail(own.report, r);
	return 125;
}

static int run_stage(struct stage *s, int plan_fd, int *ret_payload)
{
	int r;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) <
	    0) /* before anything of the container can see us (R02) */
		return err_new(-errno, "set process flags");
	r = read_message(plan_fd, s);
	if (r == 0)
		r = s->proc = procfs_open_host();
	if (r >= 0)
		r = confine_cpus(s->process.scheduling.cpus_before,
				 s->process.scheduling.cpus_before_len);
	if (r == 0)
		r = enter_cgroup(s);
	if (r == 0)
		r = confine_cpus(s->process.scheduling.cpus, s->process.scheduling.cpus_len);
	if (r == 0)
		r = enter_namespaces(s, RT_EXEC_INIT_FD);
	if (r == 0 && s->process.terminal)
		r = exec_may_be_left();
	if (r == 0)
		r = clone_vfork(payload_main, s, ret_payload);
	return r < 0 ? r : sync_send(s->report, RT_POINT_MAPPED, ret_payload, 1);
}

int rt_exec_stage_main(int plan_fd, int report_fd)
{
	struct stage s = {.report = report_fd};
	int payload = -EBADF, status = 125, r;

	r = run_stage(&s, plan_fd, &payload);
	if (r < 0) {
		sync_fail(report_fd, r);
		return 125;
	}
	if (s.adopted)
		return 0;
	/* Only the pidfd stays: pipes must see their end when the payload closes them. */
	payload = fcntl(payload, F_DUPFD_CLOEXEC, 3);
	for (int fd = 0; fd < 3; fd++)
		(void)close(fd);
	if (dup2(payload, 0) < 0) /* lint: nothing is executed any more */
		return 125;
	(void)fd_close_from(1, 1);
	r = pidfd_wait(0, -1, &status);
	return r < 0 ? 125 : status;
}
