/* SPDX-License-Identifier: MIT */
/* The operation "search": what repositories a registry has, or what tags one of them. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/oci/reference.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/registry.h"
#include "pkg/transfer/transfer.h"

struct search {
	struct transfer_ctx *ctx;
	struct transfer_search args;
	const char *host; /* as the user calls it */
	const char *term;
	struct http *http;
	struct registry registry;
};

static void search_done(struct search *s)
{
	registry_close(&s->registry);
	http_freep(&s->http);
}

static int tell_tags(struct search *s, const char *name)
{
	AUTO_STRV struct strv tags = STRV_INIT;
	int r = registry_tags(&s->registry, &tags);

	for (size_t i = 0; r == 0 && i < tags.n && i < s->args.limit; i++)
		report_image(s->ctx, name, tags.v[i]);
	return r;
}

static void tell(struct search *s, const char *repository, struct json_object *known)
{
	AUTO_FREE char *name = xasprintf("%s/%s", s->host, repository);
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	if (known)
		json_write(known, false, &b);
	report_image(s->ctx, name, known ? b.s : "{}");
}

/* Return: how many were told, or -ENOENT without a trail when it cannot search so. */
static int by_index(struct search *s)
{
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *results = NULL;
	unsigned told = 0;
	int r = registry_search(&s->registry, s->term, s->args.limit, &o);

	if (r < 0)
		return r;
	if (!json_object_is_type(o, json_type_object) || json_get_arr(o, "results", &results) < 0 ||
	    !results) {
		err_drop();
		return -ENOENT;
	}
	for (size_t i = 0; i < json_object_array_length(results) && told < s->args.limit; i++) {
		struct json_object *one = json_object_array_get_idx(results, i);
		const char *name = NULL;

		if (json_object_is_type(one, json_type_object) &&
		    json_get_str(one, "name", &name) == 0 && name) {
			tell(s, name, one);
			told++;
		}
		err_drop();
	}
	return (int)told;
}

static int by_catalog(struct search *s)
{
	AUTO_STRV struct strv all = STRV_INIT;
	unsigned told = 0;
	int r = registry_catalog(&s->registry, &all);

	for (size_t i = 0; r == 0 && i < all.n && told < s->args.limit; i++) {
		if (!strstr(all.v[i], s->term))
			continue;
		tell(s, all.v[i], NULL);
		told++;
	}
	return r;
}

static int ask(struct search *s)
{
	int r = registry_ping(&s->registry);

	if (r < 0 || s->args.tags)
		return r < 0 ? r : tell_tags(s, s->args.name);
	r = *s->term ? by_index(s) : -ENOENT;
	if (r > 0)
		return 0;
	/* No such interface, or it knows nothing: the list of all may. */
	if (r != -ENOENT && r < 0)
		err_drop();
	return by_catalog(s);
}

static int open_registry(struct search *s)
{
	AUTO(registries_done) struct registries conf = {0};
	AUTO(endpoint_done) struct endpoint e = {0};
	struct registry_options o = {.access = s->args.access};
	AUTO_FREE char *any = xasprintf("%s/x", s->host);
	int r = registries_load(&conf);

	if (r == 0)
		r = registries_primary(&conf, s->args.tags ? s->args.name : any, &e);
	if (r < 0)
		return r;
	if (!s->args.tags) {
		*e.path = '\0'; /* it is about no repository */
		if (strcmp(s->host, "docker.io") == 0) {
			free(e.host);
			e.host = xstrdup("index.docker.io");
		}
	}
	return registry_open(s->http, &e, &o, &s->registry);
}

int transfer_op_search(struct transfer_ctx *ctx)
{
	AUTO(search_done) struct search s = {.ctx = ctx};
	AUTO_FREE char *host = NULL;
	int r = transfer_search_get(&ctx->req, &s.args);

	if (r < 0)
		return r;
	host = xstrndup(s.args.name, strcspn(s.args.name, "/"));
	s.host = host;
	s.term = s.args.name + strlen(host);
	s.term += *s.term == '/';
	r = http_new(&s.http);
	if (r == 0)
		r = open_registry(&s);
	if (r == 0)
		r = noexec_enter();
	if (r < 0)
		return r;
	(void)http_set_cancel(s.http, ctx->channel);
	return ask(&s);
}
