/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/refetch.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/oci/reference.h"
#include "pkg/transfer/verify.h"

void refetch_done(struct refetch *f)
{
	for (unsigned i = 0; i < f->n; i++)
		registry_close(&f->v[i]);
	*f = (struct refetch){0};
}

static void add(struct http *http, const struct registries *conf, const char *name,
		const struct transfer_access *access, struct refetch *f)
{
	AUTO(endpoint_done) struct endpoint e = {0};
	struct registry_options o = {.access = *access};

	o.access.creds = NULL; /* meant for another one */
	if (registries_primary(conf, name, &e) < 0 ||
	    registry_open(http, &e, &o, &f->v[f->n]) < 0) {
		log_debug("refetch", "%s: %s", name, err_trail());
		err_drop();
		return;
	}
	f->n++;
}

int refetch_open(struct http *http, const struct registries *conf, const struct strv *repo_digests,
		 const char *digest, const char *but, const struct transfer_access *access,
		 struct refetch *ret)
{
	for (size_t i = 0; i < repo_digests->n && ret->n < REFETCH_MAX; i++) {
		AUTO(reference_done) struct reference ref = {0};
		AUTO_FREE char *name = NULL;

		if (reference_parse(repo_digests->v[i], &ref) < 0 || !ref.digest ||
		    strcmp(ref.digest, digest) != 0) {
			err_drop();
			continue;
		}
		name = reference_name(&ref);
		if (strcmp(name, but) != 0)
			add(http, conf, name, access, ret);
	}
	return 0;
}

struct sink {
	int fd;
	struct hash *hash;
	uint64_t got;
};

static int on_bytes(void *data, const void *p, size_t n)
{
	struct sink *s = data;
	int r = write_full(s->fd, p, n);

	if (r < 0)
		return err_new(r, "write a layer");
	hash_add(s->hash, p, n);
	s->got += n;
	return 0;
}

static int wait_for(struct registry *r, struct http_transfer *t, const char *what)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	bool again;
	int e;

	while ((e = http_finished(t)) == 0) {
		e = http_wait(r->http, NULL, 0, 1000);
		if (e < 0)
			return e;
	}
	if (e < 0)
		return e;
	http_take_response(t, &p);
	if (p.status == 200)
		return 0;
	e = registry_judge(r, &p, what, &again);
	return e < 0 ? e : 1;
}

/* A token may have to be got first: the second try has it. */
int refetch_from(struct registry *r, const char *digest, uint64_t size, int fd)
{
	AUTO_FREE char *what = xasprintf("blob %.19s", digest);

	for (unsigned tries = 0; tries < 3; tries++) {
		AUTO(hash_freep) struct hash *h = verify_new(digest);
		struct sink s = {.fd = fd, .hash = h};
		struct http_transfer *t;
		int e;

		if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
			return err_new(-errno, "temporary file");
		t = registry_blob(r, digest, 0, size, on_bytes, &s, &e);
		if (!t)
			return e;
		e = wait_for(r, t, what);
		http_stop(t);
		if (e == 0 && s.got != size)
			e = err_new(-CE_BAD_SIZE, "%s", what);
		if (e == 0)
			e = verify_hash(h, digest);
		if (e <= 0)
			return e;
	}
	return err_new(-CE_DENIED, "%s: %s", what, r->host);
}

int refetch_blob(struct refetch *f, const char *digest, uint64_t size, int fd)
{
	for (unsigned i = 0; i < f->n; i++) {
		int e = f->pinged[i] ? 0 : registry_ping(&f->v[i]);

		f->pinged[i] = e == 0;
		if (e == 0)
			e = refetch_from(&f->v[i], digest, size, fd);
		if (e == 0 || e == -CE_INTERRUPTED)
			return e;
		log_debug("refetch", "%s: %s", f->v[i].host, err_message(e));
		err_drop();
	}
	return -ENOENT;
}
