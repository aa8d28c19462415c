/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/cgroup/dbus.h"
#include "pkg/sys/file.h"
#include "pkg/sys/private_dir.h"

#ifndef CGROUP2_SUPER_MAGIC
#define CGROUP2_SUPER_MAGIC 0x63677270
#endif

static const char *const manager_names[] = {
	[CGROUP_AUTO] = "auto",
	[CGROUP_SYSTEMD] = "systemd",
	[CGROUP_FS] = "cgroupfs",
	[CGROUP_NONE] = "none",
};

int cgroup_manager_parse(const char *s, enum cgroup_manager *ret)
{
	for (unsigned i = CGROUP_SYSTEMD; i < ARRAY_LEN(manager_names); i++) {
		if (strcmp(s, manager_names[i]) == 0) {
			*ret = (enum cgroup_manager)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *cgroup_manager_name(enum cgroup_manager m)
{
	return manager_names[m];
}

bool cgroup_is_v2(void)
{
	struct statfs fs;

	return statfs(CGROUP_ROOT, &fs) == 0 && (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC;
}

int cgroup_of(pid_t pid, struct sbuf *ret_dir)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	const char *line;
	char path[40] = "/proc/self/cgroup";
	int r;

	if (!cgroup_is_v2())
		return err_new(-CE_HOST_SETUP, "this host has no cgroup v2 tree");
	if (pid)
		(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	r = file_read_at(AT_FDCWD, path, 1 << 16, &text);
	if (r < 0)
		return r;
	line = strncmp(text.s, "0::/", 4) == 0 ? text.s : strstr(text.s, "\n0::/");
	/* "/../…" is above the root of our cgroup namespace: not to be reached from here. */
	if (!line || strstr(line, "/../") || strlen(line) >= CGROUP_PATH_MAX)
		return err_new(-CE_HOST_SETUP, "our cgroup is not in the tree at %s", CGROUP_ROOT);
	line = strchr(line, '/');
	sbuf_reset(ret_dir);
	sbuf_addf(ret_dir, "%s%.*s", CGROUP_ROOT, (int)strcspn(line, "\n"), line);
	sbuf_trim_end(ret_dir, "/");
	return 0;
}

static bool may_write(const char *dir, const char *file)
{
	char path[CGROUP_PATH_MAX + 64];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	return access(path, W_OK) == 0;
}

static bool is_delegated(const char *dir)
{
	return may_write(dir, ".") && may_write(dir, "cgroup.procs") &&
	       may_write(dir, "cgroup.subtree_control");
}

static bool has_processes(const char *dir)
{
	AUTO_CLOSE int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char first[16];

	return fd >= 0 && cgroup_read(fd, "cgroup.procs", first, sizeof(first)) != 0;
}

int cgroup_base(struct sbuf *ret_dir)
{
	AUTO_SBUF struct sbuf own = SBUF_INIT;
	char *slash;
	int r = cgroup_of(0, &own);

	if (r < 0)
		return r;
	if (!is_delegated(own.s))
		return err_new(-CE_HOST_SETUP, "%s is not delegated to this user", own.s);
	sbuf_reset(ret_dir);
	sbuf_adds(ret_dir, own.s); /* when nothing better is ours: a cgroup, but no controllers */
	while (strlen(own.s) >= strlen(CGROUP_ROOT) && is_delegated(own.s)) {
		if (!has_processes(own.s)) {
			sbuf_reset(ret_dir);
			sbuf_adds(ret_dir, own.s);
			return 0;
		}
		slash = strrchr(own.s, '/');
		*slash = '\0';
	}
	return 0;
}

enum cgroup_manager cgroup_manager_here(void)
{
	AUTO_SBUF struct sbuf base = SBUF_INIT;
	AUTO_FREE char *bus = NULL;

	if (!cgroup_is_v2())
		return CGROUP_NONE;
	if (access("/run/systemd/system", F_OK) == 0 && (bus = dbus_address()) != NULL)
		return CGROUP_SYSTEMD;
	if (cgroup_base(&base) == 0)
		return CGROUP_FS;
	err_drop();
	return CGROUP_NONE;
}

void cgroup_controllers_here(struct strv *ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT, base = SBUF_INIT;
	enum cgroup_manager m = cgroup_manager_here();
	int r = 0;

	if (m == CGROUP_SYSTEMD)
		sbuf_addf(&base, CGROUP_ROOT "/user.slice/user-%u.slice/user@%u.service",
			  (unsigned)outer_uid(), (unsigned)outer_uid());
	else if (m == CGROUP_FS)
		r = cgroup_base(&base);
	if (base.len && r == 0) {
		sbuf_adds(&base, "/cgroup.controllers");
		r = file_read_at(AT_FDCWD, base.s, 4096, &text);
		sbuf_trim_end(&text, "\n");
	}
	if (r < 0)
		err_drop();
	else if (text.len)
		strv_split(ret, text.s, ' ');
}

bool cgroup_may_move(const char *from, const char *to)
{
	char common[CGROUP_PATH_MAX];
	size_t last = 0, i = 0;

	for (; from[i] && from[i] == to[i]; i++)
		if (from[i] == '/')
			last = i;
	if ((!from[i] || from[i] == '/') && (!to[i] || to[i] == '/'))
		last = i;
	if (last >= sizeof(common))
		return false;
	(void)snprintf(common, sizeof(common), "%.*s", (int)last, to);
	return may_write(common, "cgroup.procs") && may_write(to, "cgroup.procs");
}

const char *cgroup_mending_of(const char *file)
{
	/* systemd gives on what it knows; a tree of one's own beside it is the administrator's to give. */
	if (strncmp(file, "hugetlb.", 8) != 0 || !cgroup_is_v2())
		return cgroup_mending();
	return "systemd does not delegate it; mend it as root: cd /sys/fs/cgroup && echo +hugetlb "
	       ">cgroup.subtree_control && mkdir -p huge/shell && chown USER huge huge/shell "
	       "huge/cgroup.procs huge/shell/cgroup.procs huge/cgroup.subtree_control "
	       "huge/shell/cgroup.subtree_control && echo PID-OF-A-SHELL >huge/shell/cgroup.procs; "
	       "there use --cgroup-manager cgroupfs";
}

const char *cgroup_mending(void)
{
	if (!cgroup_is_v2())
		return "this host has a v1 or hybrid cgroup tree; mend it as root: add "
		       "systemd.unified_cgroup_hierarchy=1 to the kernel's command line and boot";
	if (access("/run/systemd/system", F_OK) == 0)
		return "mend it as root: mkdir -p /etc/systemd/system/user@.service.d && printf "
		       "'[Service]\\nDelegate=cpu cpuset io memory pids\\n' "
		       ">/etc/systemd/system/user@.service.d/delegate.conf && systemctl "
		       "daemon-reload, then log in again";
	return "have whoever started this session delegate a cgroup v2 subtree to you (owner of "
	       "the "
	       "directory, cgroup.procs and cgroup.subtree_control), with nothing running in its "
	       "top";
}
