/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/make.h"
#include "pkg/container/top.h"
#include "pkg/container/top_internal.h"
#include "pkg/sys/caps.h"
#include "pkg/sys/procfs.h"

void top_status(const struct top_proc *p, const char *key, char *out, size_t size)
{
	AUTO_FREE char *line = xasprintf("\n%s", key);
	const char *s = strstr(p->status, line);

	*out = '\0';
	if (!s)
		return;
	s += strlen(line);
	s += strspn(s, "\t ");
	(void)snprintf(out, size, "%.*s", (int)strcspn(s, "\n"), s);
}

/* ---- ids and their names ------------------------------------------------------------------------ */

/* The n-th (from 0) number of a line of status: real, effective, saved, of the file system. */
static bool status_number(const struct top_proc *p, const char *key, int n, uint32_t *ret)
{
	char line[256];
	const char *s = line;
	char number[16];

	top_status(p, key, line, sizeof(line));
	for (; n > 0 && *s; n--) {
		s += strcspn(s, "\t ");
		s += strspn(s, "\t ");
	}
	(void)snprintf(number, sizeof(number), "%.*s", (int)strcspn(s, "\t "), s);
	return parse_u32(number, UINT32_MAX, ret) == 0;
}

/* Lines "inside outside count"; what is not mapped shows as the kernel's overflow id, as inside. */
static uint32_t to_inside(const struct sbuf *map, uint32_t id)
{
	unsigned in, out, count;

	for (const char *l = map->s; l && *l; l = strchr(l, '\n') ? strchr(l, '\n') + 1 : NULL)
		if (sscanf(l, "%u %u %u", &in, &out, &count) == 3 && id >= out && id - out < count)
			return in + (id - out);
	return 65534;
}

/* "name:x:id:…": the name with that id, or the number. */
static void add_name(const struct sbuf *db, uint32_t id, struct sbuf *out)
{
	char want[16];
	size_t len = (size_t)snprintf(want, sizeof(want), "%u", id);

	for (const char *l = db->len ? db->s : NULL; l && *l;) {
		size_t end = strcspn(l, "\n"), name = strcspn(l, ":\n");
		const char *f = l + name;

		if (name && *f == ':') {
			f += 1 + strcspn(f + 1, ":\n");
			if (*f == ':' && strncmp(f + 1, want, len) == 0 &&
			    (f[1 + len] == ':' || f[1 + len] == '\n' || !f[1 + len])) {
				sbuf_add(out, l, name);
				return;
			}
		}
		l += end + (l[end] == '\n');
	}
	sbuf_adds(out, want);
}

static void add_id(const struct sbuf *map, const struct sbuf *db, const struct top_proc *p,
		   const char *key, int n, struct sbuf *out)
{
	uint32_t id;

	if (status_number(p, key, n, &id))
		add_name(db, map ? to_inside(map, id) : id, out);
	else
		sbuf_addc(out, '?');
}

static void add_groups(const struct sbuf *map, const struct sbuf *db, const struct top_proc *p,
		       struct sbuf *out)
{
	char line[4096], *save = NULL;
	uint32_t id;

	top_status(p, "Groups:", line, sizeof(line));
	for (char *s = strtok_r(line, " \t", &save); s; s = strtok_r(NULL, " \t", &save)) {
		if (parse_u32(s, UINT32_MAX, &id) < 0)
			continue;
		if (out->len)
			sbuf_addc(out, ',');
		add_name(db, map ? to_inside(map, id) : id, out);
	}
}

#define FIELD(name) \
	static void name(const struct top_view *v, const struct top_proc *p, struct sbuf *out)

FIELD(f_user)
{
	add_id(&v->uid_map, &v->passwd, p, "Uid:", 1, out);
}
FIELD(f_ruser)
{
	add_id(&v->uid_map, &v->passwd, p, "Uid:", 0, out);
}
FIELD(f_group)
{
	add_id(&v->gid_map, &v->group, p, "Gid:", 1, out);
}
FIELD(f_rgroup)
{
	add_id(&v->gid_map, &v->group, p, "Gid:", 0, out);
}
FIELD(f_groups)
{
	add_groups(&v->gid_map, &v->group, p, out);
}
FIELD(f_huser)
{
	add_id(NULL, &v->host_passwd, p, "Uid:", 1, out);
}
FIELD(f_hgroup)
{
	add_id(NULL, &v->host_group, p, "Gid:", 1, out);
}
FIELD(f_hgroups)
{
	add_groups(NULL, &v->host_group, p, out);
}

/* ---- numbers and times -------------------------------------------------------------------------- */

FIELD(f_pid)
{
	(void)v;
	sbuf_addf(out, "%" PRId64, p->pid);
}
FIELD(f_ppid)
{
	(void)v;
	sbuf_addf(out, "%" PRId64, p->ppid);
}
FIELD(f_pgid)
{
	(void)v;
	sbuf_addf(out, "%" PRId64, p->pgid);
}
FIELD(f_hpid)
{
	(void)v;
	sbuf_addf(out, "%d", (int)p->host_pid);
}
FIELD(f_nice)
{
	(void)v;
	sbuf_addf(out, "%" PRId64, p->nice);
}
FIELD(f_state)
{
	(void)v;
	sbuf_addc(out, p->state);
}
FIELD(f_vsz)
{
	(void)v;
	sbuf_addf(out, "%" PRIu64, p->vsize / 1024);
}

static uint64_t rss_kib(const struct top_proc *p)
{
	char text[64];
	uint64_t kib = 0;

	top_status(p, "VmRSS:", text, sizeof(text));
	(void)sscanf(text, "%" SCNu64, &kib); /* a kernel thread, or one that ended, has none */
	return kib;
}
FIELD(f_rss)
{
	(void)v;
	sbuf_addf(out, "%" PRIu64, rss_kib(p));
}
FIELD(f_pmem)
{
	struct sysinfo i;
	double all = sysinfo(&i) == 0 ? (double)i.totalram * i.mem_unit / 1024 : 0;

	(void)v;
	sbuf_addf(out, "%.1f", all > 0 ? (double)rss_kib(p) * 100 / all : 0);
}

/* As Go writes durations: "1h2m3.45s". */
static void add_duration(int64_t ticks, struct sbuf *out)
{
	int64_t hz = sysconf(_SC_CLK_TCK), s = ticks / hz;
	unsigned part = (unsigned)(ticks % hz * 1000 / hz);

	if (s >= 3600)
		sbuf_addf(out, "%" PRId64 "h", s / 3600);
	if (s >= 60)
		sbuf_addf(out, "%" PRId64 "m", s / 60 % 60);
	sbuf_addf(out, "%" PRId64, s % 60);
	if (part) {
		sbuf_addf(out, ".%03u", part);
		sbuf_trim_end(out, "0");
	}
	sbuf_addc(out, 's');
}

static int64_t age(const struct top_proc *p)
{
	int64_t hz = sysconf(_SC_CLK_TCK);
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	now.tv_sec = (time_t)((int64_t)now.tv_sec * hz + now.tv_nsec / (1000000000 / hz) -
			      p->start);
	return now.tv_sec > 0 ? now.tv_sec : 0;
}

FIELD(f_time)
{
	(void)v;
	add_duration(p->ticks, out);
}
FIELD(f_etime)
{
	(void)v;
	add_duration(age(p), out);
}

FIELD(f_pcpu)
{
	int64_t all = age(p);

	(void)v;
	sbuf_addf(out, "%.3f", all ? 100.0 * (double)p->ticks / (double)all : 0.0);
}

FIELD(f_stime)
{
	time_t now = time(NULL), start = now - (time_t)(age(p) / sysconf(_SC_CLK_TCK));
	struct tm tm;
	char text[32] = "?";

	(void)v;
	if (localtime_r(&start, &tm))
		(void)strftime(text, sizeof(text), now - start < 86400 ? "%H:%M" : "%b%d", &tm);
	sbuf_adds(out, text);
}

FIELD(f_tty)
{
	unsigned major_nr = major((dev_t)p->tty), minor_nr = minor((dev_t)p->tty);

	(void)v;
	if (major_nr >= 136 && major_nr <= 143)
		sbuf_addf(out, "pts/%u", (major_nr - 136) * 256 + minor_nr);
	else if (major_nr == 4)
		sbuf_addf(out, minor_nr < 64 ? "tty%u" : "ttyS%u", minor_nr % 64);
	else
		sbuf_addc(out, '?');
}

/* ---- commands and confinement ------------------------------------------------------------------- */

FIELD(f_comm)
{
	(void)v;
	sbuf_adds(out, p->comm);
}

FIELD(f_args)
{
	char path[32], text[4096];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%d/cmdline", (int)p->host_pid);
	n = procfs_read(v->proc, path, text, sizeof(text));
	if (n < 0)
		err_drop(); /* it has just ended */
	while (n > 0 && text[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++)
		sbuf_addc(out, text[i] ? text[i] : ' ');
	if (n <= 0)
		sbuf_addf(out, "[%s]", p->comm);
}

FIELD(f_label)
{
	char path[40], text[256];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%d/attr/current", (int)p->host_pid);
	n = procfs_read(v->proc, path, text, sizeof(text));
	if (n <= 0) {
		err_drop(); /* a kernel without such a module */
		sbuf_addc(out, '?');
		return;
	}
	sbuf_add(out, text, strcspn(text, "\n"));
}

FIELD(f_seccomp)
{
	static const char *const modes[] = {"disabled", "strict", "filter"};
	uint32_t mode;

	(void)v;
	sbuf_adds(out, status_number(p, "Seccomp:", 0, &mode) && mode < ARRAY_LEN(modes)
			       ? modes[mode]
			       : "?");
}

/* As podman: "full", "none", or names without "CAP_". */
static void add_caps(const struct top_proc *p, const char *key, struct sbuf *out)
{
	AUTO_STRV struct strv names = STRV_INIT;
	char hex[32];
	uint64_t set, all = (2ULL << caps_last()) - 1;

	top_status(p, key, hex, sizeof(hex));
	set = strtoull(hex, NULL, 16);
	if (!set || set == all) {
		sbuf_adds(out, set ? "full" : "none");
		return;
	}
	caps_names(set, &names);
	for (size_t i = 0; i < names.n; i++)
		sbuf_addf(out, "%s%s", i ? "," : "",
			  strncmp(names.v[i], "CAP_", 4) == 0 ? names.v[i] + 4 : names.v[i]);
}

FIELD(f_capbnd)
{
	(void)v;
	add_caps(p, "CapBnd:", out);
}
FIELD(f_capeff)
{
	(void)v;
	add_caps(p, "CapEff:", out);
}
FIELD(f_capinh)
{
	(void)v;
	add_caps(p, "CapInh:", out);
}
FIELD(f_capprm)
{
	(void)v;
	add_caps(p, "CapPrm:", out);
}

static const struct {
	const char *name, *header;
	top_field *make;
} fields[] = {
	{"args", "COMMAND", f_args},
	{"capbnd", "BOUNDING CAPS", f_capbnd},
	{"capeff", "EFFECTIVE CAPS", f_capeff},
	{"capinh", "INHERITED CAPS", f_capinh},
	{"capprm", "PERMITTED CAPS", f_capprm},
	{"comm", "COMMAND", f_comm},
	{"etime", "ELAPSED", f_etime},
	{"group", "GROUP", f_group},
	{"groups", "GROUPS", f_groups},
	{"hgroup", "HGROUP", f_hgroup},
	{"hgroups", "HGROUPS", f_hgroups},
	{"hpid", "HPID", f_hpid},
	{"huser", "HUSER", f_huser},
	{"label", "LABEL", f_label},
	{"nice", "NI", f_nice},
	{"pcpu", "%CPU", f_pcpu},
	{"pgid", "PGID", f_pgid},
	{"pid", "PID", f_pid},
	{"pmem", "%MEM", f_pmem},
	{"ppid", "PPID", f_ppid},
	{"rgroup", "RGROUP", f_rgroup},
	{"rss", "RSS", f_rss},
	{"ruser", "RUSER", f_ruser},
	{"seccomp", "SECCOMP", f_seccomp},
	{"state", "STATE", f_state},
	{"stime", "STIME", f_stime},
	{"time", "TIME", f_time},
	{"tty", "TTY", f_tty},
	{"user", "USER", f_user},
	{"vsz", "VSZ", f_vsz},
};

const char *top_words(void)
{
	return "args capbnd capeff capinh capprm comm etime group groups hgroup hgroups hpid huser "
	       "label nice pcpu pgid pid pmem ppid rgroup rss ruser seccomp state stime time tty user vsz";
}

const char *top_header(const char *descriptor)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strcmp(fields[i].name, descriptor) == 0)
			return fields[i].header;
	return NULL;
}

top_field *top_field_find(const char *descriptor)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strcmp(fields[i].name, descriptor) == 0)
			return fields[i].make;
	return NULL;
}
