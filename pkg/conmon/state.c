/* SPDX-License-Identifier: MIT */
#include "pkg/conmon/state.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"

#define STATE_MAX 4096

static const char *const status_names[] = {
	[CONMON_NONE] = "none",
	[CONMON_CREATED] = "created",
	[CONMON_RUNNING] = "running",
	[CONMON_PAUSED] = "paused",
	[CONMON_STOPPING] = "stopping",
	[CONMON_EXITED] = "exited",
	[CONMON_RESTARTING] = "restarting",
	[CONMON_INITIALIZED] = "initialized",
};
_Static_assert(ARRAY_LEN(status_names) == CONMON_INITIALIZED + 1, "a name for each status");

static const char *const reason_names[] = {
	[CONMON_BY_ITSELF] = "exited", [CONMON_BY_SIGNAL] = "signal",
	[CONMON_BY_USER] = "user",     [CONMON_BY_SESSION] = "session",
	[CONMON_BY_OOM] = "oom",       [CONMON_BY_TIMEOUT] = "timeout",
	[CONMON_BY_HEALTH] = "health", [CONMON_BY_LAUNCH] = "launch",
	[CONMON_BY_CRASH] = "crash",
};
_Static_assert(ARRAY_LEN(reason_names) == CONMON_BY_CRASH + 1, "a name for each reason");

static const char *const health_names[] = {
	[CONMON_HEALTH_NONE] = "",
	[CONMON_HEALTH_STARTING] = "starting",
	[CONMON_HEALTHY] = "healthy",
	[CONMON_UNHEALTHY] = "unhealthy",
};
_Static_assert(ARRAY_LEN(health_names) == CONMON_UNHEALTHY + 1, "a name for each health");

const char *conmon_health_text(enum conmon_health health)
{
	return health_names[health];
}

const char *conmon_reason_text(enum conmon_reason reason)
{
	return reason_names[reason];
}

static int put_exit(char *b, size_t room, const struct conmon_state *s)
{
	return snprintf(b, room,
			"exit_code=%d\nfinished_ns=%" PRId64
			"\nsignal=%d\noom=%d\nreason=%s\nstopped=%d\nrestarts=%u\nerror=%s\n",
			s->exit_code, s->finished_ns, s->exit_code > 128 ? s->exit_code - 128 : 0,
			s->oom_killed, reason_names[s->reason], s->stopped_by_user, s->restarts,
			s->error);
}

bool conmon_is_pinned(const struct conmon_state *s)
{
	return s->pins[RT_PIN_MOUNTS] > 0;
}

bool conmon_can_join(const struct conmon_state *s)
{
	return s->status == CONMON_RUNNING || s->status == CONMON_STOPPING;
}

const struct proc_id *conmon_ns_path(const struct conmon_state *s, unsigned kind,
				     char out[PIN_PATH_MAX])
{
	static const char *const names[RT_PIN_COUNT] = {
		[RT_NS_USER] = "ns/user", [RT_NS_PID] = "ns/pid",     [RT_NS_UTS] = "ns/uts",
		[RT_NS_IPC] = "ns/ipc",   [RT_NS_NET] = "ns/net",     [RT_NS_CGROUP] = "ns/cgroup",
		[RT_NS_TIME] = "ns/time", [RT_PIN_MOUNTS] = "ns/mnt", [RT_PIN_ROOT] = "root",
	};

	if (conmon_is_pinned(s)) {
		pin_path(&s->monitor, s->pins[kind], out);
		return &s->monitor;
	}
	(void)snprintf(out, PIN_PATH_MAX, "/proc/%d/%s", (int)s->init.pid, names[kind]);
	return &s->init;
}

static int put_pins(char *b, size_t room, const struct conmon_state *s)
{
	int n = 0;

	for (unsigned i = 0; conmon_is_pinned(s) && i < RT_PIN_COUNT; i++)
		n += snprintf(b + n, room - (size_t)n, "pin_%u=%d\n", i, s->pins[i]);
	return n;
}

/* Once exited, the state repeats the exit file: the disk that file is for may be full. */
int state_write(int state_dir, const struct conmon_state *s, const char *boot_id)
{
	char b[STATE_MAX];
	int n = snprintf(
		b, sizeof(b),
		"status=%s\npid=%d\nstart=%" PRIu64 "\nconmon_pid=%d\nconmon_start=%" PRIu64
		"\nboot_id=%s\nstarted_ns=%" PRId64 "\nrestarts=%u\nhealth=%s\ncgroup=%s\n",
		status_names[s->status], (int)s->init.pid, s->init.start, (int)s->monitor.pid,
		s->monitor.start, boot_id, s->started_ns, s->restarts, health_names[s->health],
		s->cgroup);

	n += put_pins(b + n, sizeof(b) - (size_t)n, s);
	if (s->status == CONMON_EXITED || s->status == CONMON_RESTARTING)
		n += put_exit(b + n, sizeof(b) - (size_t)n, s);
	return file_replace(state_dir, "state", b, (size_t)n, 0600, FILE_NO_SYNC);
}

/* Nothing but its time is in it: after a reboot this is what tells that the container has run. */
void started_write(int data_dir, int64_t started_ns)
{
	const struct timespec at = {started_ns / NS_PER_S, started_ns % NS_PER_S};
	const struct timespec times[2] = {at, at};
	AUTO_CLOSE int fd = openat(data_dir, "started", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
				   0600);

	if (fd >= 0)
		(void)futimens(fd, times);
}

/* Who finds no started file looks for no exit file (conmon_state_look()): so there is none without. */
int exit_write(int data_dir, const struct conmon_state *s, bool durable)
{
	return exit_write_as(data_dir, "exit", s, durable);
}

int exit_write_as(int data_dir, const char *name, const struct conmon_state *s, bool durable)
{
	char b[STATE_MAX];
	int n = snprintf(b, sizeof(b), "started_ns=%" PRId64 "\n", s->started_ns);

	n += put_exit(b + n, sizeof(b) - (size_t)n, s);
	if (faccessat(data_dir, "started", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		started_write(data_dir, s->started_ns);
	return file_replace(data_dir, name, b, (size_t)n, 0600, durable ? FILE_SYNC : FILE_NO_SYNC);
}

/* Value of "key=" in @text, copied to @out; false when it is not there. */
static bool value_of(const struct sbuf *text, const char *key, char *out, size_t room)
{
	size_t k = strlen(key);

	for (const char *p = text->s; *p;) {
		size_t line = strcspn(p, "\n");

		if (line > k && strncmp(p, key, k) == 0 && p[k] == '=') {
			(void)snprintf(out, room, "%.*s", (int)(line - k - 1), p + k + 1);
			return true;
		}
		p += line + (p[line] == '\n');
	}
	return false;
}

static bool number_of(const struct sbuf *text, const char *key, uint64_t max, uint64_t *ret)
{
	char v[32];

	return value_of(text, key, v, sizeof(v)) && parse_u64(v, max, ret) == 0;
}

static void parse_pins(const struct sbuf *text, struct conmon_state *s)
{
	for (unsigned i = 0; i < RT_PIN_COUNT; i++) {
		uint64_t fd = 0;
		char key[16];

		(void)snprintf(key, sizeof(key), "pin_%u", i);
		if (number_of(text, key, INT32_MAX, &fd))
			s->pins[i] = (int)fd;
	}
}

static int parse_state(const struct sbuf *text, struct conmon_state *s, char boot_id[40])
{
	char name[16];
	uint64_t pid, start, mpid, mstart, started, restarts = 0;

	if (!value_of(text, "status", name, sizeof(name)) ||
	    !number_of(text, "pid", INT32_MAX, &pid) ||
	    !number_of(text, "start", UINT64_MAX, &start) ||
	    !number_of(text, "conmon_pid", INT32_MAX, &mpid) ||
	    !number_of(text, "conmon_start", UINT64_MAX, &mstart) ||
	    !number_of(text, "started_ns", INT64_MAX, &started) ||
	    !value_of(text, "boot_id", boot_id, 40))
		return err_new(-CE_CORRUPT, "container state file");
	for (unsigned i = 0; i < ARRAY_LEN(status_names); i++)
		if (strcmp(name, status_names[i]) == 0)
			s->status = (enum conmon_status)i;
	s->init = (struct proc_id){.pid = (pid_t)pid, .start = start};
	s->monitor = (struct proc_id){.pid = (pid_t)mpid, .start = mstart};
	s->started_ns = (int64_t)started;
	(void)number_of(text, "restarts", UINT32_MAX, &restarts);
	(void)value_of(text, "cgroup", s->cgroup, sizeof(s->cgroup));
	s->restarts = (uint32_t)restarts;
	if (pid == 0)
		parse_pins(text, s);
	if (value_of(text, "health", name, sizeof(name)))
		for (unsigned i = 0; i < ARRAY_LEN(health_names); i++)
			if (strcmp(name, health_names[i]) == 0)
				s->health = (enum conmon_health)i;
	return 0;
}

static int parse_exit(const struct sbuf *text, struct conmon_state *s)
{
	uint64_t code, finished, started = 0, oom = 0, stopped = 0, restarts = 0;
	char reason[16] = "";

	if (!number_of(text, "exit_code", 255, &code) ||
	    !number_of(text, "finished_ns", INT64_MAX, &finished))
		return err_new(-CE_CORRUPT, "container exit file");
	(void)number_of(text, "oom", 1, &oom);
	(void)number_of(text, "stopped", 1, &stopped);
	(void)number_of(text, "restarts", UINT32_MAX, &restarts);
	(void)value_of(text, "error", s->error, sizeof(s->error));
	(void)value_of(text, "reason", reason, sizeof(reason));
	for (unsigned i = 0; i < ARRAY_LEN(reason_names); i++)
		if (strcmp(reason, reason_names[i]) == 0)
			s->reason = (enum conmon_reason)i;
	if (s->started_ns == 0 && number_of(text, "started_ns", INT64_MAX, &started))
		s->started_ns = (int64_t)started;
	s->stopped_by_user = stopped == 1;
	s->restarts = (uint32_t)restarts;
	s->exit_code = (int)code;
	s->finished_ns = (int64_t)finished;
	s->oom_killed = oom == 1;
	return 0;
}

/* A container's file: @name below @id in @dir, so that nobody has to open the directory itself. */
struct place {
	int dir;
	const char *id;
};

/* @name is one of ours and short. */
static void path_in(const struct place *at, const char *name, char out[96])
{
	size_t n = strnlen(at->id, 64);

	memcpy(out, at->id, n);
	out[n] = '/';
	memcpy(out + n + 1, name, strlen(name) + 1);
}

static bool stat_in(const struct place *at, const char *name, struct stat *ret)
{
	char path[96];

	path_in(at, name, path);
	return at->dir >= 0 && fstatat(at->dir, path, ret, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Looked for before it is opened: for what is not there, as most of it, an open costs twice a stat. */
static bool is_there(const struct place *at, const char *name)
{
	struct stat sb;

	return stat_in(at, name, &sb);
}

/* 1: read, 0: there is no such file. */
static int read_optional(const struct place *at, const char *name, struct sbuf *text)
{
	AUTO_CLOSE int fd = -EBADF;
	char path[96];
	int r;

	if (!is_there(at, name))
		return 0;
	path_in(at, name, path);
	fd = openat(at->dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_new(-errno, "open %s", name);
	r = file_read_fd(fd, STATE_MAX, text);
	return r < 0 ? err_wrap(r, "%s", name) : 1;
}

static bool has_started(const struct place *at, int64_t *ret_ns)
{
	struct stat sb;

	if (!stat_in(at, "started", &sb))
		return false;
	*ret_ns = sb.st_mtim.tv_sec * NS_PER_S + sb.st_mtim.tv_nsec;
	return true;
}

static int is_held(const struct place *at)
{
	char path[96];

	if (!is_there(at, "lock"))
		return 0;
	path_in(at, "lock", path);
	return lock_is_held(at->dir, path);
}

/*
 * The payload dies with its monitor by the parent-death signal; the kernel forgets that signal when
 * pid 1 changes its credentials. Whoever looks first finishes the job.
 */
static void end_orphan(const struct proc_id *init)
{
	AUTO_CLOSE int pidfd = pidfd_of(init);

	if (pidfd >= 0)
		(void)pidfd_signal(pidfd, SIGKILL);
	err_drop();
}

static void set_killed(struct conmon_state *s, const char *why)
{
	s->status = CONMON_EXITED;
	s->exit_code = 137;
	s->reason = CONMON_BY_CRASH;
	s->unrecorded = true;
	(void)snprintf(s->error, sizeof(s->error), "%s", why);
}

/*
 * While the lock is held only its holder's words count (an exit file is the previous run's, unless
 * state says exited). When it is free: the exit file if the last run wrote one, else it was killed.
 * The monitor removes the exit file of the run before when it starts.
 */
int conmon_state_look(int state_root, int data_root, const char *id, struct conmon_state *ret)
{
	const struct place state_dir = {state_root, id}, data_dir = {data_root, id};
	AUTO_SBUF struct sbuf state = SBUF_INIT, ended = SBUF_INIT;
	struct conmon_state s;
	char boot_then[40] = "", boot_now[37];
	int have_state, have_exit, held = 0, r;
	int64_t started_ns;
	/* Of those without a runtime directory most never ran: one look has to do for them. */
	bool ran = state_root >= 0 || has_started(&data_dir, &started_ns);

	for (int tries = 0;; tries++) {
		s = (struct conmon_state){.status = CONMON_NONE};
		have_exit = 0;
		sbuf_reset(&state);
		sbuf_reset(&ended);
		held = is_held(&state_dir);
		if (held < 0)
			return held;
		have_state = read_optional(&state_dir, "state", &state);
		r = have_state <= 0 ? have_state : parse_state(&state, &s, boot_then);
		if (r == 0 && ran && s.status != CONMON_EXITED)
			r = have_exit = read_optional(&data_dir, "exit", &ended);
		if (r < 0)
			return r;
		/* The monitor may have come or gone between the looks: then look again. */
		if (tries == 3 || state_root < 0 || is_held(&state_dir) == held)
			break;
	}
	if (held && !have_state)
		s.status = CONMON_CREATED; /* it is being started */
	if (have_state && (s.status == CONMON_EXITED || s.status == CONMON_RESTARTING)) {
		r = parse_exit(&state, &s);
		if (r < 0)
			return r;
	} else if (have_exit && !held) {
		r = parse_exit(&ended, &s);
		if (r < 0)
			return r;
		s.status = CONMON_EXITED;
	} else if (held) {
		*ret = s;
		return 0;
	} else if (have_state) {
		r = proc_boot_id(boot_now);
		if (r < 0)
			return r;
		if (strcmp(boot_now, boot_then) == 0) {
			end_orphan(&s.init);
			set_killed(&s, "the container's monitor was killed");
			s.finished_ns = clock_now_ns();
		} else {
			set_killed(&s, "the machine went down");
		}
	} else if (!held && ran && has_started(&data_dir, &s.started_ns)) {
		set_killed(&s, "the machine went down");
	}
	if (!held && s.status == CONMON_RESTARTING) /* nobody is left who would start it */
		s.status = CONMON_EXITED;
	*ret = s;
	return 0;
}

int conmon_state_read(int state_dir, int data_dir, struct conmon_state *ret)
{
	return conmon_state_look(state_dir, data_dir, ".", ret);
}
