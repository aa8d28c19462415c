/* SPDX-License-Identifier: MIT */
/*
 * RUN --mount=type=secret and type=ssh: what a command may use and nothing may keep. Both live on a
 * tmpfs of our own mount namespace, never on the disk.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/run_mounts_internal.h"
#include "pkg/sys/file.h"
#include "pkg/sys/random.h"

static int private_tmpfs(struct preparing *p, char **ret)
{
	AUTO_FREE char *dir = path_join(p->dir, "private");
	int r = run_mounts_dir(dir);

	if (r == 0 && mount("tmpfs", dir, "tmpfs", MS_NOSUID | MS_NODEV, "mode=700,size=1m") < 0)
		r = err_new(-errno, "mount a tmpfs");
	if (r < 0)
		return r;
	strv_add(&p->out->views, dir);
	*ret = TAKE_PTR(dir);
	return 0;
}

/* --- secret ------------------------------------------------------------------------------------------ */

static int write_secret(struct preparing *p, const struct run_mount *m,
			const struct secret_source *s, char **ret)
{
	AUTO_FREE char *dir = NULL;
	AUTO_CLOSE int fd = -EBADF;
	int r = private_tmpfs(p, &dir);

	if (r < 0)
		return r;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_new(-errno, "open a secret's directory");
	r = file_create(fd, "value", s->value, s->n, 0600, FILE_NO_SYNC);
	if (r < 0)
		return r;
	if (fchownat(fd, "value", m->uid, m->gid, 0) < 0 || fchmodat(fd, "value", m->mode, 0) < 0)
		return err_new(-errno, "set owner and mode of a secret");
	*ret = path_join(dir, "value");
	return 0;
}

static const struct secret_source *find_secret(const struct builder *b, const char *id)
{
	for (unsigned i = b->n_secrets; i-- > 0;)
		if (strcmp(b->secrets[i].id, id) == 0)
			return &b->secrets[i];
	return NULL;
}

/* 64 characters that only this store has: what is made with them tells nobody else of a secret. */
static int own_key(struct builder *b, struct sbuf *ret)
{
	AUTO_CLOSE int dir = cache_dir_make(b->st, CACHE_SECRET);
	char fresh[65];
	int r = dir < 0 ? dir : file_read_at(dir, "key", 64, ret);

	if (r == -ENOENT) {
		err_drop();
		random_hex(fresh, 64);
		r = file_create(dir, "key", fresh, 64, 0600, FILE_NO_SYNC);
		if (r == -EEXIST)
			err_drop();
		if (r == 0 || r == -EEXIST)
			r = file_read_at(dir, "key", 64, ret);
	}
	if (r == 0 && ret->len != 64)
		r = err_new(-CE_CORRUPT, "cache/%s/key is not 64 characters; remove it",
			    CACHE_SECRET);
	return r;
}

/* RFC 2104, with a key as long as a block. */
static void hmac_half(const struct sbuf *key, unsigned char pad, const void *p, size_t n,
		      char ret[65])
{
	unsigned char block[64];
	struct sha256 h;

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (unsigned char)(key->s[i] ^ pad);
	sha256_init(&h);
	sha256_add(&h, block, sizeof(block));
	sha256_add(&h, p, n);
	sha256_end_hex(&h, ret);
}

int run_secrets_key(struct builder *b, const struct run_mount *m, struct sha256 *h)
{
	const struct secret_source *s = find_secret(b, m->id);
	AUTO_FREE char *what = xasprintf("the secret %s", m->id);
	AUTO_SBUF struct sbuf key = SBUF_INIT;
	char inner[65], mac[65];
	int r;

	if (!s || !s->is_key)
		return 0;
	r = own_key(b, &key);
	if (r < 0)
		return r;
	hmac_half(&key, 0x36, s->value, s->n, inner);
	hmac_half(&key, 0x5c, inner, 64, mac);
	explicit_bzero(inner, sizeof(inner));
	key_add(h, mac);
	why_add(b, what, mac);
	return 0;
}

int run_secrets_add(struct preparing *p, const struct run_mount *m)
{
	const struct secret_source *s = find_secret(p->b, m->id);
	char *source = NULL;
	struct run_place *v;
	int r;

	if (!s && m->required)
		return err_usage("secret %s is required: give it by --secret id=%s,src=FILE", m->id,
				 m->id);
	if (!s)
		return 0;
	if (m->env) {
		if (memchr(s->value, '\0', s->n))
			return err_usage("secret %s holds a NUL byte, which no variable can",
					 m->id);
		strv_addf(&p->out->env, "%s=%.*s", m->env, (int)s->n, s->value);
	}
	if (!m->target)
		return 0;
	r = write_secret(p, m, s, &source);
	if (r < 0)
		return r;
	v = run_mounts_add(p->out, m);
	v->source = source;
	v->read_only = true;
	return 0;
}

/* --- ssh --------------------------------------------------------------------------------------------- */

static const struct ssh_source *find_source(const struct builder *b, const char *id)
{
	for (unsigned i = 0; i < b->n_ssh; i++)
		if (strcmp(b->ssh[i].id, id) == 0)
			return &b->ssh[i];
	return NULL;
}

static int add_socket(struct preparing *p, const struct run_mount *m, const char *dir)
{
	AUTO_FREE char *path = path_join(dir, "socket");
	struct run_place *v;

	if (chown(path, m->uid, m->gid) < 0 || chmod(path, m->mode) < 0)
		return err_new(-errno, "set owner and mode of the agent's socket");
	v = run_mounts_add(p->out, m);
	v->source = TAKE_PTR(path);
	v->read_only = true;
	if (!strv_env_get(&p->out->env, "SSH_AUTH_SOCK")) /* the first one's */
		strv_addf(&p->out->env, "SSH_AUTH_SOCK=%s", m->target);
	return 0;
}

int run_ssh_add(struct preparing *p, const struct run_mount *m)
{
	const struct ssh_source *s = find_source(p->b, m->id);
	AUTO_FREE char *dir = NULL;
	struct run_places *out = p->out;
	int r;

	if (!s && m->required)
		return err_usage("an agent '%s' is required: give it by --ssh %s", m->id, m->id);
	if (!s)
		return 0;
	r = private_tmpfs(p, &dir);
	if (r < 0)
		return r;
	out->ssh = xreallocarray(out->ssh, out->n_ssh + 1, sizeof(*out->ssh));
	r = ssh_proxy_start(s, dir, &out->ssh[out->n_ssh]);
	if (r < 0)
		return r;
	out->n_ssh++;
	return add_socket(p, m, dir);
}
