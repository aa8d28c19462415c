/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: exec, the caller's side (the stage's side is exec_stage.c)
 *
 * Processes     C cuddy (init user namespace, the user's shell) ─fork→ S stage ─clone→ P payload
 *   C  opens a pidfd of the recorded pid 1 (start time checked, H04) and /proc/<monitor>/exe, the
 *      program on its read-only detached mount, and executes that with everything in descriptors.
 *   S  not dumpable, enters the namespaces, clones P into the pid namespace, waits, exits alike.
 *   P  confines itself as pid 1 did and execs. It dies with S, S with C unless detached.
 * Sync          #1 S→C P exists (carries its pidfd)   #2 P→C only with a terminal: carries the pty master
 *               With a terminal S and P speak both, at one socket: whom C hears first is chance.
 *               #4 end of file: P's exec closed the last copy of the socket
 */
#include "pkg/runtime/exec.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/open.h"
#include "pkg/sys/procfs.h"
#include "pkg/sys/socket.h"

/*
 * The stage enters the container's cgroup itself where the kernel lets it. From a cgroup outside the
 * user's systemd (a login session) only that systemd may move it: then C has it moved, and the
 * stage waits for that.
 */
static int must_be_moved(const struct rt_exec *e, bool *ret)
{
	AUTO_SBUF struct sbuf own = SBUF_INIT;
	int r = e->cgroup_dir ? cgroup_of(0, &own) : 0;

	*ret = e->cgroup_dir && !cgroup_may_move(own.s, e->cgroup_dir);
	return r;
}

int rt_exec_message(const struct rt_exec *e)
{
	AUTO_CLOSE int fd = memfd_create("cuddy-exec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r;

	if (fd < 0)
		return err_new(-errno, "memfd");
	wire_put_str(&b, e->cgroup_dir);
	wire_put_u32(&b, (e->detached ? EXEC_DETACHED : 0) | (e->gathers ? EXEC_GATHERS : 0) |
				 (e->own_time ? EXEC_OWN_TIME : 0));
	wire_put_u32(&b, e->adopted);
	rt_process_encode(&e->process, &b);
	r = write_full(fd, b.s, b.len);
	explicit_bzero(b.s, b.len);
	if (r == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		r = -errno;
	return r < 0 ? err_new(r, "write the process description") : TAKE_FD(fd);
}

static int open_stage_program(const struct proc_id *monitor)
{
	AUTO_CLOSE int pidfd = pidfd_of(monitor), exe = -EBADF;
	char path[48];

	if (pidfd < 0)
		return err_new(-CE_MONITOR_GONE, "process %d", (int)monitor->pid);
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)monitor->pid);
	exe = open(path, O_PATH | O_CLOEXEC);
	if (exe < 0)
		return err_new(-errno, "open the monitor's program");
	/* Still that process: the pid was not used again between the check and the open. */
	if (syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0U) < 0)
		return err_new(-CE_MONITOR_GONE, "process %d", (int)monitor->pid);
	return TAKE_FD(exe);
}

/*
 * While we are still ordinary in the eyes of /proc: the stage is not dumpable, and what is root in a
 * namespace alone may not write there then. EACCES: nobody but root goes below where he is; so it stays.
 */
static int adjust_oom(const struct rt_process *p)
{
	AUTO_CLOSE int proc = -EBADF;
	int r;

	if (!p || !p->has_oom_score_adj)
		return 0;
	r = proc = procfs_open_host();
	if (r >= 0)
		r = confine_oom(proc, p);
	return r == -EACCES ? 0 : r;
}

static void __attribute__((noreturn))
exec_stage(int *fds, unsigned n, int exe, bool detached, int gate, const struct rt_process *p)
{
	char name[] = "cuddy-conmon", role[] = RT_EXEC_ROLE, debug[128], plan[12], report[12];
	char *argv[] = {name, role, plan, report, NULL}, *envp[] = {NULL, NULL};
	const char *v = getenv("CUDDY_DEBUG");
	sigset_t none;
	char go;
	int r;

	(void)snprintf(plan, sizeof(plan), "%d", RT_EXEC_PLAN_FD);
	(void)snprintf(report, sizeof(report), "%d", RT_EXEC_REPORT_FD);
	(void)prctl(PR_SET_PDEATHSIG, detached ? 0 : SIGKILL);
	if (detached)
		(void)setsid(); /* nor does it hear the caller's terminal */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (v && (size_t)snprintf(debug, sizeof(debug), "CUDDY_DEBUG=%s", v) < sizeof(debug))
		envp[0] = debug;
	r = gate < 0 ? 0 : read_full(gate, &go, 1);
	if (r == 0)
		r = adjust_oom(p);
	if (r == 0)
		r = rt_place_fds(fds, n, &exe);
	if (r == 0) {
		(void)syscall(SYS_execveat, exe, "", argv, envp, AT_EMPTY_PATH);
		r = -errno;
	}
	sync_fail(RT_EXEC_REPORT_FD, err_new(r, "start the exec stage"));
	_exit(125);
}

/*
 * The stage borrows our memory until it executes, and writes only into @fds; one that waits at a gate
 * for us cannot.
 */
static __attribute__((noinline)) pid_t start_stage(int *fds, unsigned n, int exe,
						   const struct rt_exec *e, int gate, int opener)
{
	pid_t pid = gate < 0 ? vfork() : fork();

	if (pid == 0) {
		if (opener >= 0)
			(void)close(opener); /* so that a C that dies is the end of the wait */
		exec_stage(fds, n, exe, e->detached, gate, &e->process);
	}
	return pid;
}

static int start(const struct rt_exec *e, int report, struct rt_exec_started *s)
{
	AUTO_CLOSE int plan = -EBADF, init = -EBADF, exe = -EBADF, null = -EBADF;
	AUTO_CLOSE int gate = -EBADF, opener = -EBADF;
	struct rt_exec told;
	bool moved;
	unsigned n = RT_EXEC_KEEP_FD + e->process.n_keep_fds;
	AUTO_FREE int *fds = xcalloc(n, sizeof(*fds));
	int pair[2], r = must_be_moved(e, &moved);
	pid_t pid;

	if (r < 0)
		return r;
	told = *e;
	told.process.has_oom_score_adj = false; /* see adjust_oom() */
	if (moved)
		told.cgroup_dir = NULL;
	plan = rt_exec_message(&told);
	if (plan < 0)
		return plan;
	if (moved && pipe2(pair, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	gate = moved ? pair[0] : -EBADF;
	opener = moved ? pair[1] : -EBADF;
	init = pidfd_of(&e->init);
	if (init < 0)
		return err_new(-CE_BAD_STATE, "the container is not running");
	exe = e->monitor.pid ? open_stage_program(&e->monitor) : fd_dup(e->program);
	if (exe < 0)
		return exe;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return err_new(-errno, "open /dev/null");
	for (unsigned i = 0; i < 3; i++)
		fds[i] = e->process.terminal || e->stdio[i] < 0 ? null : e->stdio[i];
	fds[RT_EXEC_PLAN_FD] = plan;
	fds[RT_EXEC_REPORT_FD] = report;
	fds[RT_EXEC_INIT_FD] = init;
	for (unsigned i = 0; i < e->process.n_keep_fds; i++)
		fds[RT_EXEC_KEEP_FD + i] = (int)e->process.keep_fds[i];
	pid = start_stage(fds, n, exe, e, gate, opener);
	if (pid < 0)
		return err_new(-errno, "fork");
	s->stage_pid = pid;
	r = s->stage_pidfd = pidfd_open_pid(pid);
	if (r >= 0 && moved)
		r = cgroup_enter(e->cgroup_dir, pid);
	if (r >= 0 && moved)
		r = write_full(opener, "", 1);
	return r < 0 ? r : 0;
}

static int await_payload(int sock, bool terminal, struct rt_exec_started *s)
{
	bool mapped = false, built = !terminal;
	int r = 0;

	while (r == 0 && !(mapped && built)) {
		int fds[RT_SYNC_FDS] = {-EBADF, -EBADF};
		enum rt_point heard = RT_POINT_MAPPED;

		if (mapped || built)
			r = sync_wait(sock, mapped ? RT_POINT_BUILT : RT_POINT_MAPPED, fds);
		else
			r = sync_wait_either(sock, RT_POINT_MAPPED, RT_POINT_BUILT, &heard, fds);
		if (r < 0)
			return r;
		if (mapped || heard == RT_POINT_BUILT) {
			s->pty_master = fds[0];
			built = true;
		} else {
			s->payload_pidfd = fds[0];
			mapped = true;
		}
	}
	return r;
}

int rt_exec_start(const struct rt_exec *e, struct rt_exec_started *ret)
{
	struct rt_exec_started s = {.stage_pid = -1,
				    .stage_pidfd = -EBADF,
				    .payload_pidfd = -EBADF,
				    .pty_master = -EBADF};
	AUTO_CLOSE int ours = -EBADF, theirs = -EBADF;
	int pair[2], r = socket_pair(pair);

	if (r < 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	r = start(e, theirs, &s);
	closep(&theirs);
	if (r == 0)
		r = await_payload(ours, e->process.terminal, &s);
	if (r == 0)
		r = sync_wait(ours, RT_POINT_EXEC, NULL);
	if (r == 0) {
		*ret = s;
		return 0;
	}
	if (s.stage_pid > 0) {
		(void)kill(s.stage_pid, SIGKILL);
		while (waitpid(s.stage_pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	closep(&s.stage_pidfd);
	closep(&s.payload_pidfd);
	closep(&s.pty_master);
	return r;
}

pid_t rt_exec_pid(const struct rt_exec_started *s)
{
	return rt_pid_of_pidfd(s->payload_pidfd);
}

/* --- started by the monitor ------------------------------------------------------------------- */

int rt_exec_spawn(int message, int init_pidfd, int cgroup, int out, int *ret_report)
{
	AUTO_CLOSE int ours = -EBADF, theirs = -EBADF, null = -EBADF, exe = -EBADF;
	int pair[2], r = socket_pair(pair);
	pid_t pid;

	if (r < 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	exe = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (null < 0 || exe < 0)
		return err_new(-errno, "start the exec stage");
	pid = cgroup < 0 ? clone_fork(0, NULL) : clone_fork_into(0, cgroup, NULL);
	if (pid == 0) {
		int fds[RT_EXEC_KEEP_FD] = {null, out, out, message, theirs, init_pidfd};

		exec_stage(fds, ARRAY_LEN(fds), exe, false, -EBADF, NULL);
	}
	if (pid < 0)
		return (int)pid;
	*ret_report = TAKE_FD(ours);
	return pid;
}
