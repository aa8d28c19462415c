/* SPDX-License-Identifier: MIT */
/* From exec to the launch: what the monitor makes and opens before the payload exists. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/conmon/monitor.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/open.h"
#include "pkg/sys/process.h"
#include "pkg/sys/socket.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define VOLUME_SLOTS 1025

/* The configuration lives as long as the monitor; only the pages it fills cost memory. */
static char config_bytes[CM_CONFIG_MAX];
static const char *config_volumes[VOLUME_SLOTS];

/*
 * The plan may hold secrets and is large: a mapping that goes away once pid 1 runs. The memfd stays,
 * for the next run.
 */
static struct cm_plan_head head;
static void *plan_map, *plan_arena;
static size_t plan_map_len, plan_arena_len;

static int read_config(struct monitor *m)
{
	struct wire_reader r;

	if (head.magic != CM_PLAN_MAGIC || head.config_len > CM_CONFIG_MAX ||
	    head.plan_len > CM_PLAN_MAX)
		return err_new(-CE_PROTOCOL, "the monitor's plan: head");
	if (pread(CM_FD_PLAN, config_bytes, head.config_len, sizeof(head)) !=
	    (ssize_t)head.config_len)
		return err_new(-CE_PROTOCOL, "the monitor's configuration: cut");
	wire_reader_init(&r, config_bytes, head.config_len);
	return conmon_config_decode(&r, config_volumes, sizeof(config_volumes), &m->cfg);
}

int setup_plan(struct rt_plan *ret)
{
	size_t at = sizeof(head) + head.config_len;
	struct wire_reader r;
	struct stat st;

	if (fstat(CM_FD_PLAN, &st) < 0 || (uint64_t)st.st_size != at + head.plan_len ||
	    head.plan_len == 0 || (fcntl(CM_FD_PLAN, F_GET_SEALS) & SEALS) != SEALS)
		return err_new(-CE_PROTOCOL, "the monitor's plan: cut or not sealed");
	plan_map_len = at + head.plan_len;
	plan_arena_len = rt_arena_size(head.plan_len);
	plan_map = mmap(NULL, plan_map_len, PROT_READ, MAP_PRIVATE, CM_FD_PLAN, 0);
	plan_arena = mmap(NULL, plan_arena_len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (plan_map == MAP_FAILED || plan_arena == MAP_FAILED)
		return err_new(-errno, "map the plan");
	wire_reader_init(&r, (char *)plan_map + at, head.plan_len);
	return rt_plan_decode(&r, plan_arena, plan_arena_len, ret);
}

void setup_forget_plan(void)
{
	if (plan_map && plan_map != MAP_FAILED)
		(void)munmap(plan_map, plan_map_len);
	if (plan_arena && plan_arena != MAP_FAILED)
		(void)munmap(plan_arena, plan_arena_len);
	plan_map = plan_arena = NULL;
}

/* All that matters arrives by signalfd. The launch gives the payload an empty mask again. */
static int setup_signals(struct monitor *m)
{
	sigset_t all;

	signals_all(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return err_new(-errno, "block signals");
	m->signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return m->signal_fd < 0 ? err_new(-errno, "signalfd") : 0;
}

static int open_dir(const char *path, int *ret)
{
	*ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? err_new(-errno, "open %s", path) : 0;
}

int setup_cgroup(struct monitor *m)
{
	struct {
		struct cm_head head;
		char dir[CONMON_CGROUP_MAX];
	} msg;
	ssize_t n;

	if (!m->cfg.await_cgroup)
		return 0;
	do
		n = recv(CM_FD_CONTROL, &msg, sizeof(msg), 0);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)sizeof(msg.head) || msg.head.type != CM_CGROUP ||
	    (size_t)n != sizeof(msg.head) + msg.head.len || msg.head.len >= sizeof(msg.dir))
		return err_new(-CE_PROTOCOL, "the cuddy that started the container is gone");
	memcpy(m->state.cgroup, msg.dir, msg.head.len);
	return msg.head.len ? open_dir(m->state.cgroup, &m->cgroup) : 0;
}

int setup_monitor(struct monitor *m)
{
	int r;

	m->state_dir = m->data_dir = m->trash_dir = m->cgroup = -EBADF;
	m->signal_fd = m->listen_fd = m->pty_slave = m->notify_in = m->members = -EBADF;
	m->in.fd = m->in.front = m->log.fd = m->log.dir = m->log.journal.fd = -EBADF;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		m->clients[i].fd = -EBADF;
	m->clients[CONTROL].fd = CM_FD_CONTROL;
	r = fd_close_from(CM_FD_PLAN, 0);
	if (r < 0)
		return r;
	if (log_wants("conmon") || log_wants("runtime") || log_wants("net"))
		log_set_fd(fd_dup(2));
	else
		log_set_fd(-1);
	if (pread(CM_FD_PLAN, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return err_new(-CE_PROTOCOL, "the monitor's plan: no head");
	r = read_config(m);
	if (r < 0)
		return r;
	(void)setsid();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_new(-errno, "become subreaper");
	r = setup_signals(m);
	if (r == 0)
		r = open_dir(m->cfg.state_dir, &m->state_dir);
	if (r == 0)
		r = open_dir(m->cfg.data_dir, &m->data_dir);
	if (r == 0)
		r = proc_id_of(getpid(), &m->state.monitor);
	return r == 0 ? notify_open(m) : r;
}

int setup_rest(void *monitor)
{
	struct monitor *m = monitor;
	int r;

	m->is_set_up = true;
	(void)base_register(m->cfg.runtime_dir_fd);
	err_drop(); /* without it later commands make a base namespace of their own */
	r = proc_boot_id(m->boot_id);
	if (r == 0 && m->cfg.log_driver == CONMON_LOG_JOURNALD)
		r = log_open_journal(&m->log, m->cfg.log_path, m->cfg.log_fields);
	else if (r == 0)
		r = log_open(&m->log, m->cfg.log_driver, m->cfg.log_path, m->cfg.log_max_bytes,
			     m->cfg.log_max_files);
	if (r == 0)
		r = members_begin(m);
	if (r < 0)
		return r;
	m->listen_fd = socket_listen_at(m->state_dir, "attach");
	if (m->listen_fd < 0)
		return m->listen_fd;
	(void)fcntl(m->listen_fd, F_SETFL, O_NONBLOCK);
	return 0;
}

static bool passes_through(const struct monitor *m, int fd)
{
	return m->cfg.log_driver == CONMON_LOG_PASSTHROUGH && m->cfg.foreground &&
	       !m->cfg.terminal &&
	       !isatty(fd); /* a caller's terminal never reaches a payload (T01) */
}

/*
 * A pipe: our end non-blocking. Mode 0666, so that a payload which is not root may open /dev/stdout;
 * the inode is reachable only through its own /proc/PID/fd.
 */
static int make_pipe(int *ret_ours, int *ret_theirs, bool we_read)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	*ret_ours = p[we_read ? 0 : 1];
	*ret_theirs = p[we_read ? 1 : 0];
	(void)fchmod(p[0], 0666);
	if (fcntl(*ret_ours, F_SETFL, O_NONBLOCK) < 0)
		return err_new(-errno, "pipe");
	return 0;
}

static int setup_input(struct monitor *m, int front, struct rt_stdio *io)
{
	struct client *control = &m->clients[CONTROL];
	const char *keys = m->cfg.detach_keys;
	struct stat st;
	int r = 0;

	if (passes_through(m, front)) {
		io->in = front;
		return 0;
	}
	if (!m->cfg.keep_stdin && !m->cfg.terminal) {
		io->in = open("/dev/null", O_RDONLY | O_CLOEXEC);
		r = io->in < 0 ? err_new(-errno, "open /dev/null") : 0;
	} else if (!m->cfg.terminal) {
		r = make_pipe(&m->in.fd, &io->in, false);
	}
	if (r < 0 || !m->cfg.foreground || !m->cfg.keep_stdin) {
		(void)close(front);
		return r;
	}
	if (isatty(front)) {
		(void)close(front);
		control->may_type = control->relays_stdin = true;
		(void)snprintf(control->detach.keys, sizeof(control->detach.keys), "%s",
			       keys ? keys : "");
		return 0;
	}
	m->in.front = front;
	m->in.front_polls = fstat(front, &st) == 0 && !S_ISREG(st.st_mode);
	return 0;
}

static int setup_output(struct monitor *m, struct stream *s, int front, bool wanted,
			int *ret_theirs)
{
	if (passes_through(m, front)) {
		*ret_theirs = front;
		return 0;
	}
	if (m->cfg.foreground && wanted)
		sink_init(&s->front, front);
	else
		(void)close(front);
	return m->cfg.terminal ? 0 : make_pipe(&s->fd, ret_theirs, true);
}

/* Take the caller's descriptors off 0..2, make the payload's. */
int setup_stdio(struct monitor *m, struct rt_stdio *ret)
{
	int front[3], null, r;

	for (int i = 0; i < 3; i++) {
		front[i] = fd_dup(i);
		if (front[i] < 0)
			return err_new(front[i], "take descriptor %d", i);
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3; i++)
		if (null < 0 || dup2(null, i) < 0)
			return err_new(-errno, "open /dev/null");
	(void)close(null);
	r = setup_input(m, front[0], ret);
	if (r == 0)
		r = setup_output(m, &m->out, front[1], !m->cfg.no_stdout, &ret->out);
	if (r == 0)
		r = setup_output(m, &m->err, front[2], !m->cfg.no_stderr && !m->cfg.terminal,
				 &ret->err);
	return r;
}

/* After the launch. We keep a pty's other side open too: no hang-up while nobody else has it open. */
void setup_streams(struct monitor *m)
{
	if (!m->cfg.terminal)
		return;
	(void)fcntl(m->run.pty_master, F_SETFL, O_NONBLOCK);
	m->pty_slave = ioctl(m->run.pty_master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	m->out.fd = m->in.fd = m->run.pty_master;
	if (!m->cfg.keep_stdin)
		m->in.fd = -EBADF;
}
