/* SPDX-License-Identifier: MIT */
/* What --ssh names: an agent's socket, or key files that an agent of ours will hold. */
#include "pkg/build/ssh.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/file.h"

#define KEY_MAX (100U << 10)

void ssh_source_done(struct ssh_source *s)
{
	for (unsigned i = 0; i < s->n_keys; i++) {
		explicit_bzero(s->keys[i].text, s->keys[i].n);
		free(s->keys[i].text);
		free(s->keys[i].path);
	}
	free(s->keys);
	free(s->id);
	free(s->socket);
	*s = (struct ssh_source){0};
}

static int add_key(struct ssh_source *s, const char *path)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = file_read_at(AT_FDCWD, path, KEY_MAX, &text);

	if (r < 0)
		return r;
	s->keys = xreallocarray(s->keys, s->n_keys + 1, sizeof(*s->keys));
	s->keys[s->n_keys++] = (struct ssh_key){
		.n = text.len,
		.path = xstrdup(path),
	};
	s->keys[s->n_keys - 1].text = sbuf_steal(&text);
	if (!strstr(s->keys[s->n_keys - 1].text, "PRIVATE KEY-----"))
		return err_usage("%s: neither the socket of an agent nor a private key", path);
	return 0;
}

static int add_path(struct ssh_source *s, const char *path)
{
	struct stat st;

	if (!*path)
		return err_usage("an empty path");
	if (stat(path, &st) < 0)
		return err_new(-errno, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return add_key(s, path);
	if (s->socket || s->n_keys)
		return err_usage("%s: one socket, or key files", path);
	s->socket = path_absolute(path);
	return 0;
}

int ssh_source_open(const char *spec, struct ssh_source *ret)
{
	AUTO(ssh_source_done) struct ssh_source s = {0};
	AUTO_STRV struct strv paths = STRV_INIT;
	const char *eq = strchr(spec, '=');
	int r = 0;

	s.id = xstrndup(spec, eq ? (size_t)(eq - spec) : strlen(spec));
	if (!*s.id || strchr(s.id, ','))
		return err_usage("--ssh '%s': use default, or ID=SOCKET or ID=KEY[,KEY…]", spec);
	if (eq) {
		strv_split(&paths, eq + 1, ',');
	} else {
		const char *agent = getenv("SSH_AUTH_SOCK");

		if (!agent || !*agent)
			return err_usage("--ssh %s: no agent runs (SSH_AUTH_SOCK is not set); "
					 "start one, or name a key: --ssh %s=KEYFILE",
					 s.id, s.id);
		strv_add(&paths, agent);
	}
	for (size_t i = 0; r == 0 && i < paths.n; i++) {
		if (i && s.socket)
			r = err_usage("%s: one socket, or key files", paths.v[i]);
		else
			r = add_path(&s, paths.v[i]);
	}
	if (r < 0)
		return err_wrap(r, "--ssh %s", s.id);
	*ret = s;
	s = (struct ssh_source){0};
	return 0;
}
