/* SPDX-License-Identifier: MIT */
/* volumes and volumeMounts; claims. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/container/volumes.h"
#include "pkg/kube/internal.h"
#include "pkg/sys/file.h"
#include "storage/volume.h"

/* One of its own for the pod, new or already there. */
static int own_volume(struct kube_play *p, const char *name, const struct strv *options)
{
	struct volume_request q = {.name = name, .uid = -1, .gid = -1, .ignore = true};
	AUTO_FREE char *made = NULL;
	int r;

	if (options)
		q.options = *options;
	r = volume_make(p->st, &q, &made);
	if (r == 0 && !strv_has(&p->made->volumes, name))
		strv_add(&p->made->volumes, name);
	return r;
}

/* @text: a string of any bytes, NUL too. */
static int write_key(int dir, const char *path, struct json_object *text, mode_t mode)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_CLOSE int at = fcntl(dir, F_DUPFD_CLOEXEC, 3);

	strv_split(&parts, path, '/');
	for (size_t i = 0; at >= 0 && i < parts.n; i++) {
		const char *s = parts.v[i];
		int next;

		if (!*s || strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
			return err_new(-CE_BAD_FORMAT, "the path '%s'", path);
		if (i + 1 == parts.n)
			return file_replace(at, s, json_object_get_string(text),
					    (size_t)json_object_get_string_len(text), mode,
					    FILE_NO_SYNC);
		if (mkdirat(at, s, 0755) < 0 && errno != EEXIST)
			return err_new(-errno, "make %s", path);
		next = openat(at, s, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		closep(&at);
		at = next;
	}
	return err_new(-errno, "write %s", path);
}

/* @v: of a config map or secret; its keys become files of a volume. */
static int fill_volume(struct kube_play *p, struct json_object *v, const char *kind,
		       const char *name_key, const char *volume)
{
	const char *name = kube_text(v, name_key), *mode_text = kube_text(v, "defaultMode");
	AUTO_JSON struct json_object *data = name ? kube_find_map(p, kind, name) : NULL;
	struct json_object *items = kube_get(v, "items"), *e;
	AUTO_FREE char *where = NULL;
	AUTO_CLOSE int dir = -EBADF;
	uint32_t mode = 0644;
	int r;

	if (!data && !kube_bool(v, "optional", false))
		return err_new(-CE_BAD_FORMAT, "there is no %s %s", kind, name ? name : "");
	if (data && strcmp(kind, "ConfigMap") == 0)
		kube_add_binary(p, name, data);
	if (mode_text && parse_u32(mode_text, 0777, &mode) < 0)
		return err_new(-CE_BAD_FORMAT, "defaultMode: '%s'", mode_text);
	r = own_volume(p, volume, NULL);
	if (r == 0)
		r = volume_where(p->st, volume, &where);
	if (r < 0 || !data)
		return r;
	dir = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_new(-errno, "open the volume %s", volume);
	if (items) {
		for (size_t i = 0; r == 0 && (e = kube_each(v, "items", i)); i++) {
			const char *key = kube_text(e, "key"), *path = kube_text(e, "path");
			struct json_object *text = NULL;

			if (!key || !path || !json_object_object_get_ex(data, key, &text))
				return err_new(-CE_BAD_FORMAT, "%s %s has no key %s", kind, name,
					       key ? key : "");
			r = write_key(dir, path, text, mode);
		}
		return r;
	}
	json_object_object_foreach(data, key, text)
	{
		if (r == 0)
			r = write_key(dir, key, text, mode);
	}
	return r;
}

static int make_host_path(const char *path, const char *type)
{
	struct stat st;
	int fd;

	if (strcmp(type, "DirectoryOrCreate") == 0) {
		int r = file_make_dirs(path, 0755);

		if (r < 0)
			return err_wrap(r, "hostPath");
	} else if (strcmp(type, "FileOrCreate") == 0) {
		fd = open(path, O_RDONLY | O_CREAT | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0644);
		if (fd < 0)
			return err_new(-errno, "hostPath: make %s", path);
		(void)close(fd);
	}
	if (stat(path, &st) < 0)
		return err_new(-errno, "hostPath %s", path);
	if ((strncmp(type, "Directory", 9) == 0 && !S_ISDIR(st.st_mode)) ||
	    (strncmp(type, "File", 4) == 0 && !S_ISREG(st.st_mode)) ||
	    (strcmp(type, "Socket") == 0 && !S_ISSOCK(st.st_mode)))
		return err_new(-CE_BAD_FORMAT, "hostPath %s is no %s", path, type);
	return 0;
}

static int host_path(struct kube_play *p, struct json_object *v, const char *sub, char **ret)
{
	const char *path = kube_text(v, "path"), *type = kube_text(v, "type");
	AUTO_FREE char *full = NULL;
	int r;

	if (!path || !*path)
		return err_new(-CE_BAD_FORMAT, "hostPath needs a path");
	full = *path == '/' ? xstrdup(path) : path_join(p->q->dir, path);
	r = make_host_path(full, type ? type : "");
	if (r == 0)
		*ret = sub ? path_join(full, sub) : xstrdup(full);
	return r;
}

bool kube_is_memory(struct json_object *v)
{
	const char *medium = kube_text(v, "emptyDir.medium");

	return medium && strcmp(medium, "Memory") == 0;
}

/* One that an earlier play left is ours when it is just that. */
static int make_again(struct kube_play *p, const char *name, const struct strv *options)
{
	AUTO(volume_record_done) struct volume_record old = {0};
	int r = volume_load(p->st, name, &old);

	if (r == -CE_NO_VOLUME) {
		err_drop();
		return own_volume(p, name, options);
	}
	for (size_t i = 0; r == 0 && i < options->n; i++)
		if (!strv_has(&old.options, options->v[i]))
			break;
		else if (i + 1 == options->n && old.options.n == options->n)
			return own_volume(p, name, options);
	if (r == 0)
		r = volume_drop(p->st, name);
	return r < 0 ? r : own_volume(p, name, options);
}

int kube_memory(struct kube_play *p, struct json_object *v, const char *name)
{
	const char *limit = kube_text(v, "emptyDir.sizeLimit");
	AUTO_STRV struct strv options = STRV_INIT;
	uint64_t milli = 0;

	if (limit && kube_quantity(limit, &milli) < 0)
		return err_new(-CE_BAD_FORMAT, "emptyDir.sizeLimit: '%s' is not a quantity", limit);
	strv_add(&options, "type=tmpfs");
	strv_add(&options, "device=tmpfs");
	if (milli)
		strv_addf(&options, "o=mode=0777,nocopy,size=%llu",
			  (unsigned long long)(milli + 999) / 1000);
	else
		strv_add(&options, "o=mode=0777,nocopy");
	return make_again(p, name, &options);
}

static int mount_one(struct kube_play *p, struct json_object *v, struct json_object *m,
		     const char *pod, struct kube_container *ret)
{
	const char *name = kube_text(v, "name"), *target = kube_text(m, "mountPath");
	const char *sub = kube_text(m, "subPath"), *type;
	bool ro = kube_bool(m, "readOnly", false);
	AUTO_FREE char *source = NULL;
	int r = 0;

	if (!target || *target != '/')
		return err_new(-CE_BAD_FORMAT, "a mount needs an absolute mountPath");
	if (sub && (*sub == '/' || strstr(sub, "..")))
		return err_new(-CE_BAD_FORMAT, "subPath '%s'", sub);
	if (kube_get(v, "hostPath")) {
		type = kube_text(v, "hostPath.type");
		r = host_path(p, kube_get(v, "hostPath"), sub, &source);
		if (r < 0)
			return r;
		if (type && (strcmp(type, "CharDevice") == 0 || strcmp(type, "BlockDevice") == 0))
			strv_addf(&ret->q.device, "%s:%s", source, target);
		else
			strv_addf(&ret->q.volume, "%s:%s%s", source, target, ro ? ":ro" : "");
		return 0;
	}
	if (kube_get(v, "persistentVolumeClaim")) {
		const char *claim = kube_text(v, "persistentVolumeClaim.claimName");

		if (!claim)
			return err_new(-CE_BAD_FORMAT, "persistentVolumeClaim needs a claimName");
		source = xstrdup(claim);
		ro = ro || kube_bool(v, "persistentVolumeClaim.readOnly", false);
		r = own_volume(p, source, NULL);
	} else {
		source = xasprintf("%s-%s", pod, name);
		if (kube_get(v, "configMap")) {
			r = fill_volume(p, kube_get(v, "configMap"), "ConfigMap", "name", source);
		} else if (kube_get(v, "secret")) {
			r = fill_volume(p, kube_get(v, "secret"), "Secret", "secretName", source);
		} else if (json_object_object_get_ex(v, "emptyDir", NULL)) {
			/* In memory: made with the pod, whose infra container has it mounted. */
			r = kube_is_memory(v) ? 0 : own_volume(p, source, NULL);
		} else {
			return err_new(-CE_BAD_FORMAT,
				       "only hostPath, emptyDir, configMap, secret and "
				       "persistentVolumeClaim are supported");
		}
	}
	if (r == 0 && sub)
		strv_addf(&ret->q.mount, "type=volume,source=%s,target=%s,subpath=%s%s", source,
			  target, sub, ro ? ",ro" : "");
	else if (r == 0)
		strv_addf(&ret->q.volume, "%s:%s%s", source, target, ro ? ":ro" : "");
	return r;
}

int kube_mounts(struct kube_play *p, struct json_object *spec, struct json_object *c,
		const char *pod, struct kube_container *ret)
{
	struct json_object *m, *v;
	int r = 0;

	for (size_t i = 0; r == 0 && (m = kube_each(c, "volumeMounts", i)); i++) {
		const char *name = kube_text(m, "name");

		for (size_t k = 0; (v = kube_each(spec, "volumes", k)); k++)
			if (name && kube_text(v, "name") && strcmp(kube_text(v, "name"), name) == 0)
				break;
		if (!v)
			return err_new(-CE_BAD_FORMAT, "volumeMounts: there is no volume %s",
				       name ? name : "");
		r = mount_one(p, v, m, pod, ret);
		if (r < 0)
			r = err_wrap(r, "volume %s", name);
	}
	return r;
}

int kube_claim(struct kube_play *p, struct json_object *doc)
{
	static const struct {
		const char *annotation, *option;
	} known[] = {{"volume.podman.io/device", "device"},
		     {"volume.podman.io/type", "type"},
		     {"volume.podman.io/mount-options", "o"}};
	AUTO_STRV struct strv notes = STRV_INIT, options = STRV_INIT;
	const char *value;

	kube_map(doc, "metadata.annotations", &notes);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		value = strv_env_get(&notes, known[i].annotation);
		if (value)
			strv_addf(&options, "%s=%s", known[i].option, value);
	}
	return own_volume(p, kube_name(doc), &options);
}
