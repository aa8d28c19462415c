/* SPDX-License-Identifier: MIT */
/*
 * What the container changed is copied, by reflink where the file system can, into a stage of the
 * store, since the container goes on using its own; the digest is taken of the copy, which nobody
 * changes any more. From the upper directory alone: the image's files are not looked at. With the
 * driver vfs there is none, and the copy is compared with what it was copied of.
 */
#include "pkg/container/commit.h"

#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/sha256.h"
#include "pkg/container/commit_config.h"
#include "pkg/container/events.h"
#include "pkg/container/view.h"
#include "pkg/image/layer_copy.h"
#include "pkg/image/tag.h"
#include "storage/event.h"
#include "storage/image_store.h"
#include "storage/layer.h"

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"

struct commit {
	struct store *st;
	const struct container *c;
	const struct commit_options *o;
	struct container_view view;
	struct layer_stage stage;
	struct layer_lease lease;
	struct layer_record layer;
	struct strv diffids; /* of the image to be */
	uint64_t size_bytes;
};

static void commit_done(struct commit *x)
{
	layer_stage_abort(x->st, &x->stage);
	layer_lease_end(x->st, &x->lease);
	layer_record_done(&x->layer);
	container_view_done(&x->view);
	strv_done(&x->diffids);
}

/* Never started: its root has no attributes of its own yet, so the layer does not speak of it. */
static int root_is_fresh(const struct commit *x)
{
	struct stat st;

	if (x->o->squash || x->view.upper < 0)
		return 0;
	if (fstat(x->view.upper, &st) < 0)
		return err_new(-errno, "stat the root");
	return (st.st_mode & 07777) == CONTAINER_UPPER_FRESH;
}

static int copy_tree(struct commit *x)
{
	const bool layered = !x->o->squash, upper = layered && x->view.upper >= 0;
	/* In a layer a name with .wh. is a mark: files of such names cannot be told in one. */
	const struct tree_tar_options from = {.overlay = upper,
					      .file_marks = upper && x->view.fuse,
					      .hide_markers = !upper,
					      .single_id = x->view.single_id,
					      .uids = x->view.uids,
					      .n_uids = x->view.n_uids,
					      .gids = x->view.gids,
					      .n_gids = x->view.n_gids,
					      .implied = &x->layer.implied};
	/* Driver vfs keeps nothing apart: what is not as it was copied from the image is what changed. */
	const struct layer_copy c = {.from = upper ? x->view.upper : x->view.root,
				     .before = layered && !upper ? &x->view.lower : NULL,
				     .copied = x->view.copied,
				     .read = &from,
				     .single_id = x->view.single_id};

	return layer_copy(x->st, &c, x->stage.tree_fd, &x->layer.tree_bytes);
}

static int digest_of(struct commit *x, char ret[65])
{
	const struct tree_tar_options o = {.overlay = true,
					   .file_marks = store_has_file_marks(x->st),
					   .single_id = x->view.single_id,
					   .implied = &x->layer.implied};
	struct tree_tar_result res;
	struct out_digest d;
	AUTO(out_closep) struct out *out = out_digest(out_to_nothing(), &d);
	int r = tree_tar(x->stage.tree_fd, out, NULL, &o, &res);

	memcpy(ret, d.hex, 65);
	x->layer.tar_bytes = d.bytes;
	return r;
}

static int make_layer(struct commit *x)
{
	char diffid[65];
	int r = layer_stage_begin(x->st, &x->stage);

	if (r == 0)
		r = root_is_fresh(x);
	if (r == 1) {
		strv_add(&x->layer.implied, ".");
		r = 0;
	}
	if (r == 0)
		r = copy_tree(x);
	if (r == 0)
		r = digest_of(x, diffid);
	if (r < 0)
		return err_wrap(r, "copy what it changed");
	strv_add(&x->diffids, diffid);
	r = layer_lease_add(x->st, &x->lease, diffid);
	if (r == 0)
		r = layer_stage_commit(x->st, &x->stage, diffid, &x->layer);
	return r == 0 ? layer_stack_make(x->st, &x->diffids) : r;
}

/* The container keeps the layers below alive; from here on the lease does, too. */
static int keep_lower(struct commit *x)
{
	const struct strv *lower = &x->c->rec->layers;
	int r = layer_lease_begin(x->st, &x->lease);

	for (size_t i = 0; r == 0 && !x->o->squash && i < lower->n; i++) {
		struct layer_record l = {0};

		r = layer_lease_add(x->st, &x->lease, lower->v[i]);
		if (r == 0)
			r = layer_record_load(x->st, lower->v[i], &l);
		x->size_bytes += l.tree_bytes;
		layer_record_done(&l);
		strv_add(&x->diffids, lower->v[i]);
	}
	return r;
}

/* The event is the container's; whether it came to that tells the image. */
static int put_told(const struct commit *x, const struct image_record *rec)
{
	int dir = store_runtime_fd(x->st), r;
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	struct event_pending event;

	event_body(x->c->rec, &body);
	sbuf_addf(&body, ",\"" EVENT_COMMITTED "\":\"%s\"", rec->id);
	event_begin(dir, "container", "commit", x->c->rec->id, x->c->rec->name, body.s, &event);
	r = image_store_put(x->st, rec);
	if (r == 0)
		event_write(dir, "container", "commit", x->c->rec->id, x->c->rec->name, body.s,
			    NULL);
	event_over(dir, &event);
	return r;
}

static int put_image(struct commit *x, const char *name, char ret_id[65])
{
	struct image_record rec = {.created_ns = clock_now_ns(), .diffids = x->diffids};
	static char oci[] = OCI_MANIFEST, docker[] = DOCKER_MANIFEST;
	AUTO_SBUF struct sbuf config = SBUF_INIT;
	int r = commit_config(x->st, x->c->rec, x->o, &x->diffids, rec.created_ns, &config);

	if (r < 0)
		return r;
	rec.config = config.s;
	rec.config_len = config.len;
	rec.manifest_type = x->o->docker ? docker : oci;
	rec.size_bytes = x->size_bytes + x->layer.tree_bytes;
	sha256_hex(config.s, config.len, rec.id);
	if (name)
		strv_add(&rec.names, name);
	r = put_told(x, &rec);
	strv_done(&rec.names);
	memcpy(ret_id, rec.id, 65);
	return r;
}

int container_commit(struct store *st, const struct container *c, const struct commit_options *o,
		     char ret_id[65])
{
	AUTO(commit_done) struct commit x = {.st = st, .c = c, .o = o, .view = CONTAINER_VIEW_INIT};
	AUTO_FREE char *name = NULL;
	int r = o->name ? image_tag_name(o->name, &name) : 0;

	if (r == 0 && c->rec->rootfs)
		r = err_new(-CE_UNSUPPORTED,
			    "it was made with --rootfs, not from an image; export it, and import "
			    "that");
	if (r == 0)
		r = commit_config_check(c->rec, o);
	if (r == 0)
		r = container_view_open(st, c, &x.view);
	if (r == 0)
		r = keep_lower(&x);
	if (r == 0)
		r = make_layer(&x);
	if (r == 0) /* the container may be removed as soon as we say that this is done */
		r = layer_settle(st);
	return r < 0 ? r : put_image(&x, name, ret_id);
}
