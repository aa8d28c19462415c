/* SPDX-License-Identifier: MIT */
/*
 * Starting a monitor. The child enters B with a mount namespace of its own and executes
 * cuddy-conmon from a detached read-only mount: whatever a container does with /proc/PID/exe of a
 * monitor or of a stage started from it, it cannot write our program (R01). The plan goes along
 * in a sealed memfd, nothing in argv or environment (H09).
 */
#include <fcntl.h>
#include <poll.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/ports.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/conmon/client.h"
#include "pkg/conmon/sink.h"
#include "pkg/conmon/talk.h"
#include "pkg/sys/open.h"
#include "pkg/sys/process.h"
#include "pkg/sys/socket.h"

#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

static int make_memfd(const struct rt_plan *plan, const struct conmon_config *cfg)
{
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	AUTO_CLOSE int fd = memfd_create("cuddy-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct cm_plan_head h = {.magic = CM_PLAN_MAGIC};
	int r;

	if (fd < 0)
		return err_new(-errno, "memfd");
	conmon_config_encode(cfg, &body);
	if (body.len > CM_CONFIG_MAX)
		return err_new(-CE_LIMIT, "the container's configuration: %zu bytes", body.len);
	h.config_len = (uint32_t)body.len;
	rt_plan_encode(plan, &body);
	h.plan_len = body.len - h.config_len;
	if (h.plan_len > CM_PLAN_MAX)
		return err_new(-CE_LIMIT, "the container's plan: %zu bytes", body.len);
	r = write_full(fd, &h, sizeof(h));
	if (r == 0)
		r = write_full(fd, body.s, body.len);
	explicit_bzero(body.s, body.len);
	if (r == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		r = -errno;
	return r < 0 ? err_new(r, "write the plan") : TAKE_FD(fd);
}

static int enter_base(int base_ns)
{
	struct stat theirs, ours;

	if (fstat(base_ns, &theirs) < 0 || stat("/proc/self/ns/user", &ours) < 0)
		return err_new(-errno, "look at the base namespace");
	if ((theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino) &&
	    setns(base_ns, CLONE_NEWUSER) < 0)
		return err_new(-errno, "enter the base namespace");
	if (unshare(CLONE_NEWNS) < 0)
		return err_new(-errno, "make a mount namespace");
	return 0;
}

static int open_program(const char *program)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	AUTO_CLOSE int fd = (int)syscall(SYS_open_tree, AT_FDCWD, program,
					 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return err_new(-errno, "open %s", program);
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return err_new(-errno, "make %s read-only", program);
	return TAKE_FD(fd);
}

/* fds[i] becomes descriptor i; first all out of the way, then into place. */
static int place_fds(int *fds, unsigned n, int *exe)
{
	for (unsigned i = 0; i < n; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, (int)n);
		if (fds[i] < 0)
			return err_new(-errno, "duplicate a descriptor");
	}
	*exe = fcntl(*exe, F_DUPFD_CLOEXEC, (int)n);
	if (*exe < 0)
		return err_new(-errno, "duplicate a descriptor");
	for (unsigned i = 0; i < n; i++)
		if (dup2(fds[i], (int)i) < 0) /* lint: these are meant to stay open across exec */
			return err_new(-errno, "place a descriptor");
	return fd_close_from(n, 0);
}

static int exec_monitor(const char *program, int base_ns, const char *id, int *fds, unsigned n)
{
	char name[] = "cuddy-conmon", role[] = "monitor", debug[256], stop[64];
	char *argv[] = {name, role, (char *)(size_t)id, NULL};
	char *envp[3] = {NULL}, **e = envp;
	const char *v;
	int exe, r;

	r = enter_base(base_ns);
	if (r < 0)
		return r;
	exe = open_program(program);
	if (exe < 0)
		return exe;
	r = place_fds(fds, n, &exe);
	if (r < 0)
		return r;
	if ((v = getenv("CUDDY_DEBUG")) != NULL &&
	    snprintf(debug, sizeof(debug), "CUDDY_DEBUG=%s", v) > 0)
		*e++ = debug;
	if ((v = getenv("CUDDY_STOP_AT")) != NULL &&
	    snprintf(stop, sizeof(stop), "CUDDY_STOP_AT=%s", v) > 0)
		*e++ = stop;
	(void)syscall(SYS_execveat, exe, "", argv, envp, AT_EMPTY_PATH);
	return err_new(-errno, "execute %s", program);
}

static void __attribute__((noreturn))
child(const char *program, int base_ns, const char *id, int *fds, unsigned n, int control)
{
	int own = fd_dup(control), r;

	r = exec_monitor(program, base_ns, id, fds, n);
	(void)talk_send(own, CM_LAUNCH, r, 0, err_trail(), strlen(err_trail()));
	_exit(125);
}

/* The caller's descriptors as the monitor gets them; with passthrough they are the payload's own. */
static int take_stdio(const struct conmon_config *cfg, const int stdio[3], int *fds)
{
	for (int i = 0; i < 3; i++) {
		bool pass = !cfg->foreground || cfg->log_driver == CONMON_LOG_PASSTHROUGH;

		fds[i] = pass ? fd_dup(stdio[i])
			      : sink_reopen(stdio[i], i == 0 ? O_RDONLY : O_WRONLY);
		if (fds[i] < 0)
			return err_new(fds[i], "duplicate descriptor %d", stdio[i]);
	}
	return 0;
}

/* Until pid 1 runs, or why it does not. */
static int await_launch(int control, bool *ret_relay)
{
	char trail[2048];
	struct cm_head h;
	int r = talk_receive(control, &h, trail, sizeof(trail) - 1);

	if (r <= 0)
		return err_new(-CE_MONITOR_GONE,
			       "the monitor ended while it started the container");
	if (h.type != CM_LAUNCH)
		return err_new(-CE_PROTOCOL, "the monitor's launch report");
	if (h.a < 0) {
		trail[h.len] = '\0';
		return err_set(h.a, trail);
	}
	*ret_relay = h.b & CM_LAUNCH_RELAY_STDIN;
	return 0;
}

/* The memfd speaks of the monitor's descriptor numbers, @cfg keeps the caller's. */
static int make_plan_fd(const struct rt_plan *plan, const struct conmon_config *cfg)
{
	struct conmon_config theirs = *cfg;

	theirs.control_fd = CM_FD_CONTROL;
	theirs.lock_fd = CM_FD_LOCK;
	theirs.runtime_dir_fd = CM_FD_RUNTIME;
	theirs.health.fd = cfg->health.fd < 0 ? -EBADF : CM_FD_HEALTH;
	theirs.startup.fd = cfg->startup.fd < 0 ? -EBADF : CM_FD_STARTUP;
	return make_memfd(plan, &theirs);
}

/*
 * The child borrows our memory until it executes (a copy of the page tables costs more than all it
 * does): it writes nothing there but the places of its descriptors in @fds and, when it fails, the
 * trail that its message replaces anyway. Its change of user namespace makes the shared memory
 * undumpable, which is for it and not for us.
 *
 * With @apart it is nobody's child but that of the nearest reaper, from the start: a service manager kills
 * a main process that is not its child without waiting for its end.
 */
static __attribute__((noinline)) pid_t
fork_monitor(const char *program, int base_ns, const char *id, int *fds, unsigned n, bool apart)
{
	int dumpable = prctl(PR_GET_DUMPABLE);
	volatile pid_t inner = -1;
	pid_t pid = vfork();

	if (pid == 0) {
		if (apart && (inner = vfork()) != 0)
			_exit(0);
		child(program, base_ns, id, fds, n, fds[CM_FD_CONTROL]);
	}
	if (dumpable == 1)
		(void)prctl(PR_SET_DUMPABLE, 1);
	if (pid < 0)
		return err_new(-errno, "fork");
	if (!apart)
		return pid;
	(void)waitpid(pid, NULL, 0);
	return inner < 0 ? err_new(-EAGAIN, "fork") : inner;
}

/* The monitor waits meanwhile; when it hears nothing it goes. */
static int place_monitor(const struct conmon_place *place, pid_t pid, int control)
{
	const char *dir = "";
	int r = place->place(place->data, pid, &dir);

	if (r == 0 && strlen(dir) >= CONMON_CGROUP_MAX)
		r = err_new(-ENAMETOOLONG, "cgroup %s", dir);
	/* Has it gone already, its own words are better than ours. */
	if (r == 0)
		(void)talk_send(control, CM_CGROUP, 0, 0, dir, strlen(dir));
	return r;
}

/* Nobody is told of a failure before what there was is tidied up: its end, which needs no parent to see. */
static void await_end(pid_t pid, int watch, bool apart)
{
	struct pollfd p = {.fd = watch, .events = POLLIN};

	if (apart && watch >= 0)
		(void)poll(&p, 1, -1);
	else if (pid > 0 && !apart)
		(void)waitpid(pid, NULL, 0);
}

int conmon_start(const char *program, int base_ns, const struct rt_plan *plan,
		 struct conmon_config *cfg, const int stdio[3], const int *port_fds,
		 const struct conmon_place *place, struct conmon_started *ret)
{
	AUTO_CLOSE int memfd = -EBADF, ours = -EBADF, theirs = -EBADF, watch = -EBADF;
	int own[3] = {-EBADF, -EBADF, -EBADF}, fds[CM_FD_PORTS + NET_PUBLISHED_MAX + RT_KEEP_MAX], pair[2],
	    pid, r;
	struct tty_raw raw = TTY_RAW_INIT;
	unsigned n = CM_FD_PORTS;
	sigset_t set, mask;
	bool relay = false, apart = cfg->notify && !cfg->foreground;

	if (plan->net.n_ports > NET_PUBLISHED_MAX)
		return err_usage("%u published ports: at most %d", plan->net.n_ports,
				 NET_PUBLISHED_MAX);
	memfd = make_plan_fd(plan, cfg);
	if (memfd < 0)
		return memfd;
	r = socket_pair(pair);
	if (r < 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	if (sigprocmask(SIG_BLOCK, NULL, &mask) < 0 ||
	    (cfg->foreground && session_block_signals(&set, &mask) < 0))
		return err_new(-errno, "block signals");
	pid = take_stdio(cfg, stdio, own);
	if (pid == 0) {
		/* What there is not is stood in for: numbers are fixed. */
		const int fixed[CM_FD_PORTS] = {own[0],
						own[1],
						own[2],
						memfd,
						theirs,
						cfg->lock_fd,
						cfg->runtime_dir_fd,
						cfg->health.fd < 0 ? memfd : cfg->health.fd,
						cfg->startup.fd < 0 ? memfd : cfg->startup.fd,
						cfg->notify ? cfg->notify_fd : memfd,
						cfg->pod_fd > 0 ? cfg->pod_fd : memfd};

		memcpy(fds, fixed, sizeof(fixed));
		for (unsigned i = 0; i < plan->net.n_ports; i++)
			fds[n++] = port_fds[i];
		for (unsigned i = 0; i < plan->process.n_keep_fds; i++)
			fds[n++] = (int)plan->process.keep_fds[i];
		pid = fork_monitor(program, base_ns, cfg->id, fds, n, apart);
	}
	if (apart && pid > 0 && (watch = pidfd_open_pid(pid)) < 0)
		err_drop(); /* it has ended already, with an error of its own */
	for (int i = 0; i < 3; i++)
		closep(&own[i]);
	closep(&theirs);
	/* The payload writes to our terminal itself: whoever answers its first prompt is not to be
	 * read by line editing, where ^D is an end of input and not a byte. */
	if (pid > 0 && cfg->foreground && cfg->terminal && cfg->keep_stdin)
		tty_raw_enter(&raw, stdio[0]);
	r = pid < 0 ? pid : place ? place_monitor(place, pid, ours) : 0;
	if (r < 0)
		closep(&ours);
	else
		r = await_launch(ours, &relay);
	if (r < 0) {
		tty_raw_leave(&raw);
		await_end(pid, watch, apart);
		(void)sigprocmask(SIG_SETMASK, &mask, NULL);
		return r;
	}
	*ret = (struct conmon_started){.pid = pid,
				       .pidfd = apart ? TAKE_FD(watch) : pidfd_open_pid(pid),
				       .control_fd = TAKE_FD(ours),
				       .relay_stdin = relay,
				       .raw = raw,
				       .mask = mask};
	return 0;
}
