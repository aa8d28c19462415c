/* SPDX-License-Identifier: MIT */
#include "pkg/bundle/container.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/bundle/state.h"
#include "pkg/config/paths.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/names.h"
#include "pkg/sys/private_dir.h"
#include "pkg/sys/socket.h"

#define STATE_MAX (8U << 20)
#define ID_MAX 255

const char *oci_status_text(enum oci_status s)
{
	static const char *const text[] = {"creating", "created", "running", "paused", "stopped"};

	return text[s];
}

int oci_check_id(const char *id)
{
	size_t n = strlen(id);

	if (n == 0 || n > ID_MAX || *id == '.' ||
	    strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.") != n)
		return err_usage(
			"container id '%s': 1 to %d letters, digits and _ + - . (not first)", id,
			ID_MAX);
	return 0;
}

int oci_root_open(const char *path, bool create)
{
	AUTO_FREE char *run = NULL, *usual = NULL, *absolute = NULL;
	int r;

	if (!path || !*path) {
		r = paths_runtime(&run);
		if (r < 0)
			return r;
		path = usual = path_join(run, "oci");
	}
	absolute = path_absolute(path);
	return private_dir_open(absolute, create);
}

/* A zombie is dead: it only waits for the engine that called us to ask how it went. */
bool oci_is_alive(const struct proc_id *id)
{
	AUTO_CLOSE int pidfd = id->pid > 0 ? pidfd_of(id) : -ESRCH, fd = -EBADF;
	char path[48], text[512];
	const char *p;
	ssize_t n;

	if (pidfd < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)id->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read_upto(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	p = strrchr(text, ')');
	return p && p[1] == ' ' && p[2] != 'Z' && p[2] != 'X';
}

static bool is_frozen(const char *cgroup)
{
	AUTO_CLOSE int dir = *cgroup ? open(cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC) : -EBADF;
	char text[8];

	return dir >= 0 && cgroup_read(dir, "cgroup.freeze", text, sizeof(text)) > 0 &&
	       *text == '1';
}

static void look(struct oci_container *c)
{
	char boot[37];
	const char *then = "";

	(void)json_get_str(c->doc, "bootId", &then);
	if (proc_boot_id(boot) < 0 || strcmp(boot, then) != 0 || !oci_is_alive(&c->init))
		c->status = OCI_STOPPED;
	else if (faccessat(c->dir, OCI_START_SOCKET, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		c->status = OCI_CREATED;
	else
		c->status = is_frozen(c->cgroup) ? OCI_PAUSED : OCI_RUNNING;
	err_drop();
}

/* Without a state file create is under way, or was interrupted. */
static int read_state(struct oci_container *c)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int64_t pid = 0;
	int r = file_read_at(c->dir, OCI_STATE_FILE, STATE_MAX, &text);

	c->bundle = c->cgroup = "";
	if (r == -ENOENT) {
		err_drop();
		r = lock_is_held(c->dir, OCI_LOCK_FILE);
		c->status = r == 1 ? OCI_CREATING : OCI_STOPPED;
		return r < 0 ? r : 0;
	}
	if (r == 0)
		r = json_parse(text.s, text.len, &c->doc);
	if (r == 0)
		r = json_get_i64(c->doc, "pid", &pid);
	if (r == 0)
		r = json_get_u64(c->doc, "start", &c->init.start);
	if (r == 0)
		r = json_get_str(c->doc, "bundle", &c->bundle);
	if (r == 0)
		r = json_get_str(c->doc, "cgroup", &c->cgroup);
	c->init.pid = (pid_t)pid;
	if (r == 0)
		look(c);
	return r;
}

int oci_container_open(const char *root, const char *id, bool lock, struct oci_container *c)
{
	struct stat st;
	int r = oci_check_id(id);

	*c = (struct oci_container)OCI_CONTAINER_INIT;
	c->id = xstrdup(id);
	if (r < 0)
		return r;
	r = c->root = oci_root_open(root, false);
	if (r >= 0)
		r = c->dir = openat(c->root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r < 0 && (r == -ENOENT || errno == ENOENT))
		return err_new(-CE_NO_CONTAINER, "container `%s` does not exist", id);
	if (r < 0)
		return c->root < 0 ? r : err_new(-errno, "open container %s", id);
	if (lock) {
		c->lock = lock_open(c->dir, OCI_LOCK_FILE, LOCK_EXCLUSIVE);
		if (c->lock < 0)
			return c->lock;
		/* Deleted while we waited. */
		if (fstat(c->dir, &st) == 0 && st.st_nlink == 0)
			return err_new(-CE_NO_CONTAINER, "container `%s` does not exist", id);
	}
	r = read_state(c);
	return r < 0 ? err_wrap(r, "state of container %s", id) : 0;
}

void oci_container_done(struct oci_container *c)
{
	closep(&c->root);
	closep(&c->dir);
	closep(&c->lock);
	json_putp(&c->doc);
	free(c->id);
	c->id = NULL;
}

struct json_object *oci_container_state(const struct oci_container *c)
{
	static const char *const also[] = {"rootfs", "created", "owner"};
	struct json_object *o = json_object_new_object(), *annotations = NULL;

	json_set_str(o, "ociVersion", OCI_RUNTIME_VERSION);
	json_set_str(o, "id", c->id);
	json_set_i64(o, "pid", c->status == OCI_STOPPED ? 0 : c->init.pid);
	json_set_str(o, "status", oci_status_text(c->status));
	json_set_str(o, "bundle", c->bundle);
	for (unsigned i = 0; c->doc && i < ARRAY_LEN(also); i++) {
		const char *v = NULL;

		if (json_get_str(c->doc, also[i], &v) == 0 && v)
			json_set_str(o, also[i], v);
	}
	if (c->doc && json_get_obj(c->doc, "annotations", &annotations) == 0 && annotations)
		json_set(o, "annotations", json_object_get(annotations));
	return o;
}

int oci_container_list(const char *root, struct json_object **ret)
{
	AUTO_CLOSE int dir = oci_root_open(root, false);
	AUTO_STRV struct strv names = STRV_INIT;
	int r = dir < 0 ? dir : dir_names(dir, &names);

	*ret = json_object_new_array();
	if (r == -ENOENT) {
		err_drop();
		return 0;
	}
	strv_sort(&names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(oci_container_done) struct oci_container c = OCI_CONTAINER_INIT;

		if (oci_container_open(root, names.v[i], false, &c) == 0)
			(void)json_object_array_add(*ret, oci_container_state(&c));
		else
			err_drop(); /* it went meanwhile */
	}
	return r;
}

int oci_write_pid_file(const char *path, pid_t pid)
{
	AUTO_FREE char *absolute = NULL, *text = xasprintf("%d", (int)pid);
	AUTO_CLOSE int dir = -EBADF;
	char *slash;

	if (!path)
		return 0;
	absolute = path_absolute(path);
	slash = strrchr(absolute, '/');
	*slash = '\0';
	dir = open(slash == absolute ? "/" : absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_new(-errno, "--pid-file %s", path);
	return file_replace(dir, slash + 1, text, strlen(text), 0644, FILE_NO_SYNC);
}
