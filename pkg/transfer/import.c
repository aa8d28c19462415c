/* SPDX-License-Identifier: MIT */
/* The operation "import": a root file system in a tar becomes an image of one layer. */
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/archive/hash.h"
#include "pkg/json/json.h"
#include "pkg/oci/manifest.h"
#include "pkg/transfer/layer_sink.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/put_told.h"
#include "storage/layer.h"

static int set_platform(struct json_object *doc, const char *text)
{
	struct platform p = {0};
	int r = 0;

	if (text)
		r = platform_parse(text, &p);
	else
		platform_host(&p);
	if (r == 0) {
		json_set_str(doc, "architecture", p.architecture);
		json_set_str(doc, "os", p.os);
		if (p.variant)
			json_set_str(doc, "variant", p.variant);
	}
	platform_done(&p);
	return r;
}

static int build_config(const struct transfer_import *q, const char *diffid, int64_t now,
			struct sbuf *out)
{
	AUTO_JSON struct json_object *doc = json_object_new_object();
	struct json_object *config = NULL, *rootfs = json_object_new_object();
	struct json_object *ids = json_object_new_array(), *step = json_object_new_object();
	struct json_object *history = json_object_new_array();
	AUTO_FREE char *id = xasprintf("sha256:%s", diffid);
	char when[CLOCK_TEXT_MAX];
	int r;

	clock_format_utc(now, when);
	(void)json_object_array_add(ids, json_object_new_string(id));
	json_set_str(rootfs, "type", "layers");
	json_set(rootfs, "diff_ids", ids);
	json_set_str(step, "created", when);
	json_set_str(step, "comment", q->comment ? q->comment : "imported from a tar archive");
	(void)json_object_array_add(history, step);
	json_set_str(doc, "created", when);
	json_set(doc, "rootfs", rootfs);
	json_set(doc, "history", history);
	r = set_platform(doc, q->platform);
	if (r == 0)
		r = json_parse(q->config, strlen(q->config), &config);
	if (r < 0)
		return r;
	json_set(doc, "config", config);
	json_write(doc, false, out);
	return 0;
}

static int put(struct transfer_ctx *ctx, struct store *st, struct layer_sink *s,
	       const struct transfer_import *q)
{
	struct image_record rec = {.created_ns = clock_now_ns(),
				   .size_bytes = s->result.tree_bytes};
	AUTO_STRV struct strv diffids = STRV_INIT;
	AUTO_SBUF struct sbuf config = SBUF_INIT;
	struct layer_lease lease = {0};
	int r = build_config(q, s->result.diffid, rec.created_ns, &config);

	if (r < 0)
		return r;
	strv_add(&diffids, s->result.diffid);
	rec.config = config.s;
	rec.config_len = config.len;
	rec.diffids = diffids;
	hash_sha256_of(config.s, config.len, rec.id);
	r = layer_lease_begin(st, &lease);
	if (r == 0)
		r = layer_lease_add(st, &lease, s->result.diffid);
	if (r == 0)
		r = sink_commit(ctx, s, NULL, &diffids, 0);
	if (q->reference)
		strv_add(&rec.names, q->reference);
	if (r == 0)
		r = layer_stack_make(st, &rec.diffids);
	if (r == 0)
		r = image_put_told(st, &rec, "import");
	strv_done(&rec.names);
	layer_lease_end(st, &lease);
	if (r == 0)
		report_image(ctx, q->reference, rec.id);
	return r;
}

int transfer_op_import(struct transfer_ctx *ctx)
{
	struct layer_sink s = {0};
	struct transfer_import q;
	struct store *st;
	int r = transfer_import_get(&ctx->req, &q);

	if (r == 0 && ctx->n_fds != 1)
		r = err_new(-CE_PROTOCOL, "import without an archive");
	if (r == 0)
		r = transfer_store(ctx, &st);
	if (r == 0)
		r = noexec_enter();
	if (r == 0)
		r = sink_open(ctx, &s, LAYER_DETECT, false);
	if (r == 0)
		r = sink_feed(ctx, &s);
	if (r == 0)
		r = put(ctx, st, &s, &q);
	if (r == 0) /* the archive may have come out of a pipe */
		r = layer_settle(st);
	sink_done(ctx, &s);
	return r;
}
