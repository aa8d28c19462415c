/* SPDX-License-Identifier: MIT */
#include "pkg/build/sbom.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/parse.h"
#include "pkg/sys/file.h"
#include "pkg/sys/names.h"
#include "pkg/sys/open.h"
#include "storage/attestation.h"

#define FILE_NAME "--sbom"
#define CORE "sbom"
#define SOURCE "/run/src/core/" CORE
#define EXTRAS "/run/src/extras"
#define OUT "/run/out"
#define SCAN_CONTEXT "BUILDKIT_SBOM_SCAN_CONTEXT"
#define SCAN_STAGE "BUILDKIT_SBOM_SCAN_STAGE"
#define SPDX_TYPE "https://spdx.dev/Document"
#define PROVENANCE_PREFIX "https://slsa.dev/provenance/"
#define FILES_MAX 1000

bool sbom_is_arg(const char *name)
{
	return strcmp(name, SCAN_CONTEXT) == 0 || strcmp(name, SCAN_STAGE) == 0;
}

/* --- the stage ------------------------------------------------------------------------------------------ */

int sbom_add(struct builder *b)
{
	AUTO(platform_done) struct platform host = {0};
	AUTO_FREE char *platform = NULL, *text = NULL;
	int r;

	if (!b->o->sbom_generator || b->o->call != CALL_BUILD)
		return 0;
	r = build_platform(NULL, &host);
	if (r < 0)
		return r;
	platform = platform_text(&host);
	text = xasprintf("FROM --platform=%s %s\nUSER 0\nWORKDIR " OUT "\nRUN scan what is in the image\n", platform,
			 b->o->sbom_generator);
	b->sbom_stage = (int)b->file->n_stages;
	return build_file_add(FILE_NAME, text, strlen(text), &b->file);
}

static char *name_of(const struct builder *b, unsigned stage)
{
	const char *name = b->file->stages[stage].name;

	return name ? xstrdup(name) : xasprintf("stage-%u", stage);
}

/* "true", "false", or names of stages; what the stage says itself goes before what is said above all. */
static bool is_wanted(const struct builder *b, unsigned stage, const char *name)
{
	const char *v = strv_env_get(&b->stages[stage].scans, name);
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE char *own = name_of(b, stage);
	bool on;

	if (!v)
		v = strv_env_get(&b->pc.globals, name);
	if (!v)
		return false;
	if (parse_bool(v, &on) == 0)
		return on;
	strv_split(&names, v, ',');
	return strv_has(&names, own);
}

/* @target: taken over. */
static void add_mount(struct op *o, enum run_mount_type type, char *target, enum src_kind kind, int stage)
{
	unsigned n = o->n_mounts++;

	o->mounts = xreallocarray(o->mounts, n + 1, sizeof(*o->mounts));
	o->mount_from = xreallocarray(o->mount_from, n + 1, sizeof(*o->mount_from));
	o->mounts[n] = (struct run_mount){
		.type = type, .target = target, .mode = type == RUN_MOUNT_TMPFS ? 01777 : 0, .from_stage = -1};
	o->mount_from[n] = (struct op_source){.kind = kind, .stage = stage};
}

static void add_sources(struct builder *b, struct op *o)
{
	add_mount(o, RUN_MOUNT_BIND, xstrdup(SOURCE), SRC_STAGE, b->target);
	add_mount(o, RUN_MOUNT_TMPFS, xstrdup("/tmp"), SRC_CONTEXT, -1);
	if (b->context >= 0 && is_wanted(b, (unsigned)b->target, SCAN_CONTEXT))
		add_mount(o, RUN_MOUNT_BIND, xstrdup(EXTRAS "/" CORE "-context"), SRC_CONTEXT, -1);
	for (int i = 0; i < b->sbom_stage; i++) {
		AUTO_FREE char *name = name_of(b, (unsigned)i);

		if (i != b->target && b->stages[i].planned && is_wanted(b, (unsigned)i, SCAN_STAGE))
			add_mount(o, RUN_MOUNT_BIND, xasprintf(EXTRAS "/" CORE "-%s", name), SRC_STAGE, i);
	}
	strv_env_set(&o->env, "BUILDKIT_SCAN_DESTINATION=" OUT);
	strv_env_set(&o->env, "BUILDKIT_SCAN_SOURCE=" SOURCE);
	if (o->n_mounts > 2)
		strv_env_set(&o->env, "BUILDKIT_SCAN_SOURCE_EXTRAS=" EXTRAS);
	for (size_t i = 0; i < b->o->sbom_params.n; i++) {
		AUTO_FREE char *pair = xasprintf("BUILDKIT_SCAN_%s", b->o->sbom_params.v[i]);

		strv_env_set(&o->env, pair);
	}
}

int sbom_plan(struct builder *b)
{
	struct stage_plan *p = &b->stages[b->sbom_stage];
	struct op *o = &p->ops[p->n_ops - 1];
	AUTO(image_config_done) struct image_config c = {0};
	const struct image_record *rec = NULL;
	int r;

	if (!p->base || o->kind != OP_RUN)
		return err_usage("--sbom: %s is no image to scan with", b->o->sbom_generator);
	r = graph_image(b, p->base, p->platform, &rec); /* known by now */
	if (r == 0)
		r = image_config_parse(rec->config, rec->config_len, &c);
	if (r == 0 && c.entrypoint.n + c.cmd.n == 0)
		r = err_usage("the image has no command: it is no scanner");
	if (r < 0)
		return inst_fail(b->file->name, &b->file->stages[b->sbom_stage].from, r);
	strv_done(&o->argv);
	o->argv = (struct strv)STRV_INIT;
	strv_add_all(&o->argv, &c.entrypoint);
	strv_add_all(&o->argv, &c.cmd);
	free(o->cwd);
	o->cwd = xstrdup(c.working_dir && *c.working_dir ? c.working_dir : "/");
	o->is_scan = true;
	add_sources(b, o);
	return 0;
}

/* --- what it wrote ---------------------------------------------------------------------------------------- */

/* A whole statement, or an SPDX document as it is. @doc: taken over. */
static int take_document(struct json_object *doc, struct json_object *all)
{
	struct json_object *said = json_object_new_object(), *subjects = NULL, *predicate = NULL;
	const char *type = NULL, *spdx = NULL;
	int r = json_object_is_type(doc, json_type_object) ? json_get_str(doc, "predicateType", &type)
							    : err_new(-CE_BAD_FORMAT, "no object");

	if (r == 0 && !type)
		r = json_get_str(doc, "spdxVersion", &spdx);
	if (r == 0 && type)
		r = json_get_arr(doc, "subject", &subjects);
	if (r == 0 && !type && !spdx)
		r = err_new(-CE_BAD_FORMAT, "neither a statement of in-toto's nor an SPDX document");
	if (r == 0 && type && strncmp(type, PROVENANCE_PREFIX, strlen(PROVENANCE_PREFIX)) == 0)
		r = err_new(-CE_BAD_FORMAT, "%.80s: how the image was built is not for a scanner to say", type);
	if (r == 0 && type && !json_object_object_get_ex(doc, "predicate", &predicate))
		r = err_new(-CE_BAD_FORMAT, "a statement without a predicate");
	if (r == 0) {
		json_set_str(said, "predicateType", type ? type : SPDX_TYPE);
		if (subjects && json_object_array_length(subjects))
			json_set(said, "subject", json_object_get(subjects));
		json_set(said, "predicate", json_object_get(type ? predicate : doc));
		(void)json_object_array_add(all, json_object_get(said));
	}
	json_object_put(said);
	json_object_put(doc);
	return r;
}

static int read_one(int dir, const char *name, size_t *left, struct json_object *all)
{
	AUTO_CLOSE int fd = open_nofollow(dir, name, O_RDONLY | O_NONBLOCK, 0);
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct json_object *doc = NULL;
	int r = fd == -ELOOP ? err_new(-CE_BAD_FORMAT, "a link, which is not followed")
		: fd < 0     ? fd
			     : file_read_fd(fd, *left, &text);

	if (r == 0)
		r = json_parse(text.s ? text.s : "", text.len, &doc);
	if (r == 0)
		r = take_document(doc, all);
	*left -= text.len;
	return r < 0 ? err_wrap(r, "what the scanner wrote as %.80s", name) : 0;
}

static bool is_core(const char *name)
{
	return strncmp(name, CORE, strlen(CORE)) == 0 && (name[strlen(CORE)] == '.' || !name[strlen(CORE)]);
}

static int read_all(int root, struct json_object *all)
{
	AUTO_CLOSE int dir = open_in(root, OUT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	AUTO_STRV struct strv names = STRV_INIT;
	size_t left = STATEMENT_BYTES_MAX;
	int r = dir < 0 ? dir : dir_names(dir, &names);

	strv_sort(&names);
	if (r == 0 && !names.n)
		r = err_new(-CE_BAD_FORMAT, "the scanner wrote nothing to %s", OUT);
	if (r == 0 && names.n > FILES_MAX)
		r = err_new(-CE_LIMIT, "the scanner wrote %zu files", names.n);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (is_core(names.v[i]))
			r = read_one(dir, names.v[i], &left, all);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (!is_core(names.v[i]))
			r = read_one(dir, names.v[i], &left, all);
	return r;
}

int sbom_read(struct builder *b, struct json_object **ret)
{
	AUTO_JSON struct json_object *all = NULL;
	AUTO_CLOSE int root = -EBADF;
	int r;

	if (b->sbom_stage < 0)
		return 0;
	all = json_object_new_array();
	r = step_enter(b);
	if (r == 0)
		r = root = layers_view(b->st, &b->layers[b->sbom_stage]);
	if (r >= 0)
		r = read_all(root, all);
	if (r < 0)
		return err_wrap(r, "--sbom: %s", b->o->sbom_generator);
	*ret = TAKE_PTR(all);
	return 0;
}

/* --- from the builder of a platform to who makes the list ------------------------------------------------- */

int sbom_tell(const struct builder *b, struct json_object *statements)
{
	AUTO_JSON struct json_object *o = json_object_new_object();
	AUTO_SBUF struct sbuf line = SBUF_INIT;
	int r;

	if (!statements || b->o->sboms < 0)
		return 0;
	json_set_str(o, "image", b->result->id);
	json_set(o, "statements", json_object_get(statements));
	json_write(o, false, &line);
	sbuf_addc(&line, '\n');
	r = write_full(b->o->sboms, line.s, line.len);
	return r < 0 ? err_new(r, "--sbom") : 0;
}

int sbom_of(int sboms, const char *id, struct json_object **ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_STRV struct strv lines = STRV_INIT;
	int r = lseek(sboms, 0, SEEK_SET) < 0 ? err_new(-errno, "seek") : file_read_fd(sboms, SIZE_MAX / 2, &text);

	if (r == 0 && text.len)
		strv_split(&lines, text.s, '\n');
	for (size_t i = 0; r == 0 && i < lines.n && *lines.v[i]; i++) {
		AUTO_JSON struct json_object *o = NULL;
		struct json_object *statements = NULL;
		const char *image = NULL;

		r = json_parse(lines.v[i], strlen(lines.v[i]), &o);
		if (r == 0)
			r = json_get_str(o, "image", &image);
		if (r == 0)
			r = json_get_arr(o, "statements", &statements);
		if (r == 0 && image && statements && strcmp(image, id) == 0) {
			*ret = json_object_get(statements);
			return 0;
		}
	}
	return r < 0 ? err_wrap(r, "--sbom") : err_new(-CE_PROTOCOL, "--sbom: nothing is known of image %.12s", id);
}
