/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/places.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"

void places_done(struct places *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		registry_close(&p->v[i]);
		freep(&p->names[i]);
	}
	freep(&p->v);
	freep(&p->names);
	freep(&p->there);
	http_freep(&p->http);
	registries_done(&p->conf);
	reference_done(&p->ref);
}

static int add_places(struct places *p, const char *name, const struct registry_options *o)
{
	AUTO(endpoints_done) struct endpoints e = {0};
	int r = registries_endpoints(&p->conf, name, p->ref.digest != NULL, &e);

	for (unsigned i = 0; r == 0 && i < e.n; i++) {
		p->v = xreallocarray(p->v, p->n + 1, sizeof(*p->v));
		p->names = xreallocarray(p->names, p->n + 1, sizeof(*p->names));
		r = registry_open(p->http, &e.v[i], o, &p->v[p->n]);
		if (r < 0)
			break;
		p->names[p->n++] = xstrdup(name);
	}
	return r;
}

/* Names only after this may be used in urls and paths: reference_parse() has the grammar (D6). */
int places_open(const char *typed, const struct registry_options *o, struct places *p)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = registries_load(&p->conf);

	if (strncmp(typed, "docker://", 9) == 0)
		typed += 9;
	if (r == 0)
		r = http_new(&p->http);
	if (r == 0)
		r = reference_parse(typed, &p->ref);
	if (r < 0)
		return r;
	p->exact = p->ref.tag || p->ref.digest;
	if (p->ref.host) {
		reference_normalise(&p->ref);
		strv_take(&names, reference_name(&p->ref));
	} else {
		r = registries_short(&p->conf, p->ref.path, &names);
	}
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = add_places(p, names.v[i], o);
	return r;
}

const char *places_reference(const struct places *p)
{
	return p->ref.digest ? p->ref.digest : p->ref.tag ? p->ref.tag : "latest";
}

static int meet(struct places *p, struct registry *r)
{
	freep(&p->there);
	return p->probe ? registry_probe(r, places_reference(p), &p->there) : registry_ping(r);
}

int places_try(struct places *p, struct transfer_ctx *ctx,
	       int (*one)(void *data, struct registry *r, const char *name), void *data)
{
	int e = err_new(-CE_NO_IMAGE, "no registry to ask");

	for (unsigned i = 0; i < p->n; i++) {
		e = meet(p, &p->v[i]);
		if (e == 0)
			e = one(data, &p->v[i], p->names[i]);
		if (p->v[i].warning)
			report_message(ctx, true, "%s", p->v[i].warning);
		if (p->v[i].rate_notice)
			report_message(ctx, true, "%s", p->v[i].rate_notice);
		if (e == 0 || e == -CE_INTERRUPTED || e == -CE_UNTRUSTED)
			return e;
		if (i + 1 < p->n) {
			report_message(ctx, true, "%s: %s", p->v[i].host, err_message(e));
			err_drop();
		}
	}
	return e;
}
