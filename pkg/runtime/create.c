/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: create and start without a monitor
 *
 * Processes     C cuddy ─fork→ M stage (sealed copy of cuddy-conmon) ─clone3→ I pid 1
 *   C  has read the configuration; gives M everything in descriptors and hears how it went.
 *   M  is executed in the base namespace where C is an ordinary user's process, takes a mount namespace of
 *      its own, launches as the monitor does (launch.c), runs the hooks, reports, ends. I is then a child
 *      of C's subreaper (the engine that called), or of pid 1.
 *   I  waits at its socket, which is bound in the container's state directory.
 * Sync          between C and M: #7 carries a pidfd of I and the pty master. I and M: launch.c.
 *               Start: C' connects, sends #8, and reads the end that is I's exec, or why there is none.
 */
#include "pkg/runtime/create.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/runtime/exec.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/open.h"
#include "pkg/sys/process.h"
#include "pkg/sys/socket.h"

#define PLAN_MAX (64U << 20)
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

/* --- C ---------------------------------------------------------------------------------------- */

static int seal(int fd, const char *what)
{
	if (fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0)
		return err_new(-errno, "seal %s", what);
	return 0;
}

int rt_program_seal(const char *program)
{
	AUTO_CLOSE int from = open(program, O_RDONLY | O_CLOEXEC), to = -EBADF;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return err_new(-errno, "open %s", program);
	to = memfd_create("cuddy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (to < 0)
		return err_new(-errno, "memfd");
	for (off_t at = 0; at < st.st_size;) {
		ssize_t n = sendfile(to, from, &at, (size_t)(st.st_size - at));

		if (n <= 0)
			return err_new(n < 0 ? -errno : -EIO, "copy %s", program);
	}
	r = seal(to, program);
	return r < 0 ? r : TAKE_FD(to);
}

static int plan_memfd(const struct rt_create *c)
{
	AUTO_CLOSE int fd = memfd_create("cuddy-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r;

	if (fd < 0)
		return err_new(-errno, "memfd");
	rt_plan_encode(c->plan, &b);
	if (b.len > PLAN_MAX)
		return err_new(-CE_LIMIT, "the container's plan: %zu bytes", b.len);
	r = write_full(fd, b.s, b.len);
	explicit_bzero(b.s, b.len);
	r = r < 0 ? err_new(r, "write the plan") : seal(fd, "the plan");
	return r < 0 ? r : TAKE_FD(fd);
}

/*
 * The base namespace is entered before the program is executed: what is executed in it belongs to it, so
 * that root there may write I's maps, although none of us can be dumped.
 */
static void __attribute__((noreturn)) become_stage(int *fds, unsigned n, int exe, int base_ns)
{
	char name[] = "cuddy-conmon", role[] = RT_CREATE_ROLE, debug[128];
	char *argv[] = {name, role, NULL}, *envp[] = {NULL, NULL};
	const char *v = getenv("CUDDY_DEBUG");
	int report = fds[RT_CREATE_REPORT_FD], r = 0;

	if (base_ns >= 0 && setns(base_ns, CLONE_NEWUSER) < 0)
		r = err_new(-errno, "enter the base namespace");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (v && (size_t)snprintf(debug, sizeof(debug), "CUDDY_DEBUG=%s", v) < sizeof(debug))
		envp[0] = debug;
	if (r == 0) {
		r = rt_place_fds(fds, n, &exe);
		report = RT_CREATE_REPORT_FD;
	}
	if (r == 0) {
		(void)syscall(SYS_execveat, exe, "", argv, envp, AT_EMPTY_PATH);
		r = err_new(-errno, "execute the create stage");
	}
	sync_fail(report, r);
	_exit(125);
}

int rt_create(const struct rt_create *c, struct rt_created *ret)
{
	AUTO_CLOSE int plan = plan_memfd(c), ours = -EBADF, theirs = -EBADF, stage = -EBADF;
	AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned n = RT_CREATE_KEEP_FD + c->plan->process.n_keep_fds;
	AUTO_FREE int *fds = xcalloc(n, sizeof(*fds));
	int pair[2], got[RT_SYNC_FDS] = {-EBADF, -EBADF}, r;
	pid_t pid;

	if (plan < 0)
		return plan;
	r = null < 0 ? err_new(-errno, "open /dev/null") : socket_pair(pair);
	if (r < 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	for (unsigned i = 0; i < 3; i++)
		fds[i] = c->stdio[i] < 0 ? null : c->stdio[i];
	fds[RT_CREATE_PLAN_FD] = plan;
	fds[RT_CREATE_REPORT_FD] = theirs;
	fds[RT_CREATE_LISTEN_FD] = c->listener;
	for (unsigned i = 0; i < c->plan->process.n_keep_fds; i++)
		fds[RT_CREATE_KEEP_FD + i] = (int)c->plan->process.keep_fds[i];
	pid = clone_fork(0, &stage);
	if (pid == 0)
		become_stage(fds, n, c->program, c->base_ns);
	if (pid < 0)
		return (int)pid;
	closep(&theirs);
	r = sync_wait(ours, RT_POINT_HELD, got);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return r;
	ret->pid = rt_pid_of_pidfd(got[0]);
	closep(&got[0]);
	if (ret->pid <= 0) {
		closep(&got[1]);
		return err_new(-CE_BAD_STATE, "the container's first process is gone");
	}
	ret->pty_master = got[1];
	return 0;
}

int rt_start(int conn)
{
	int r = sync_send(conn, RT_POINT_START, NULL, 0);

	return r < 0 ? r : sync_wait(conn, RT_POINT_EXEC, NULL);
}

/* --- M ---------------------------------------------------------------------------------------- */

static int read_plan(struct rt_plan *plan)
{
	struct wire_reader r;
	struct stat st;
	size_t arena;
	void *p;

	if (fstat(RT_CREATE_PLAN_FD, &st) < 0 || st.st_size <= 0 || st.st_size > (off_t)PLAN_MAX ||
	    (fcntl(RT_CREATE_PLAN_FD, F_GET_SEALS) & SEALS) != SEALS)
		return err_new(-CE_PROTOCOL, "the plan: cut or not sealed");
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, RT_CREATE_PLAN_FD, 0);
	if (p == MAP_FAILED)
		return err_new(-errno, "map the plan");
	wire_reader_init(&r, p, (size_t)st.st_size);
	arena = rt_arena_size((size_t)st.st_size);
	p = mmap(NULL, arena, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	if (p == MAP_FAILED)
		return err_new(-errno, "map the plan");
	return rt_plan_decode(&r, p, arena, plan);
}

/* What is mounted from now on is seen by nobody outside; what others mount still arrives, as the spec wants. */
static int own_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		return err_new(-errno, "make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_new(-errno, "keep mounts to ourselves");
	return 0;
}

static int launch(struct rt_launched *run)
{
	struct rt_stdio io = {.in = 0,
			      .out = 1,
			      .err = 2,
			      .first_kept = RT_CREATE_KEEP_FD,
			      .start = RT_CREATE_LISTEN_FD};
	struct rt_plan plan;
	int r = fd_close_from(3, 0);

	if (r == 0)
		r = read_plan(&plan);
	if (r == 0)
		r = own_mounts();
	return r < 0 ? r : rt_launch(&plan, &io, NULL, NULL, run);
}

int rt_create_stage_main(void)
{
	struct rt_launched run;
	int r = launch(&run);

	if (r == 0)
		r = sync_send(RT_CREATE_REPORT_FD, RT_POINT_HELD,
			      (int[]){run.pidfd, run.pty_master}, run.pty_master < 0 ? 1 : 2);
	if (r < 0)
		sync_fail(RT_CREATE_REPORT_FD, r);
	return r < 0 ? 125 : 0;
}
