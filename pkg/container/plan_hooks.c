/* SPDX-License-Identifier: MIT */
/* Hooks of the host's directories; nothing of an image can name one (threats R25). */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/plan.h"
#include "pkg/json/json.h"
#include "pkg/oci/hooks_dir.h"

_Static_assert((int)OCI_HOOK_STAGES == (int)RT_HOOK_STAGES, "the stages of hooks are the same");

static bool has_bind_mounts(const struct container_record *rec)
{
	for (unsigned i = 0; i < rec->n_mounts; i++)
		if (rec->mounts[i].kind == MOUNT_BIND)
			return true;
	return false;
}

static void add_stages(const struct hook_set *set, struct container_plan *p)
{
	p->hooks = xcalloc((size_t)set->n * OCI_HOOK_STAGES, sizeof(*p->hooks));
	for (unsigned s = 0; s < OCI_HOOK_STAGES; s++) {
		for (unsigned i = 0; i < set->n; i++) {
			const struct oci_hook *h = &set->v[i].hook;
			static const char *const none[1];

			if (!(set->v[i].stages & 1U << s))
				continue;
			p->hooks[p->rt.n_hooks++] = (struct rt_hook){
				.stage = (enum rt_hook_stage)s,
				.path = h->path,
				.argv = (const char *const *)h->args.v,
				.envp = h->env.n ? (const char *const *)h->env.v : none,
				.timeout_s = h->timeout_s};
		}
	}
	p->rt.hooks = p->hooks;
}

/* There is no bundle: the container's own directory stands for it. */
static void add_state(const struct plan_input *in, struct container_plan *p)
{
	AUTO_JSON struct json_object *o = json_object_new_object();
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	json_set_str(o, "ociVersion", OCI_RUNTIME_VERSION);
	json_set_str(o, "id", in->record->id);
	json_set_str(o, "bundle", in->dirs->data_path);
	json_set(o, "annotations", json_from_map(&in->record->annotations));
	json_write(o, false, &text);
	text.s[--text.len] = '\0'; /* without its braces */
	p->rt.hook_state = plan_keep(p, xstrdup(text.s + 1));
}

int plan_hooks(const struct plan_input *in, struct container_plan *p)
{
	static const char *const usual[] = {"/usr/share/containers/oci/hooks.d",
					    "/etc/containers/oci/hooks.d"};
	const struct container_record *rec = in->record;
	AUTO_STRV struct strv dirs = STRV_INIT;
	struct hook_subject s = {.annotations = &rec->annotations,
				 .command = p->argv.n ? p->argv.v[0] : "",
				 .has_bind_mounts = has_bind_mounts(rec)};
	int r;

	for (size_t i = 0; !rec->hooks_dirs.n && i < ARRAY_LEN(usual); i++)
		strv_add(&dirs, usual[i]);
	strv_add_all(&dirs, &rec->hooks_dirs);
	r = hook_set_load(&dirs, rec->hooks_dirs.n > 0, &s, &p->hook_set);
	if (r < 0 || p->hook_set.n == 0)
		return r;
	add_stages(&p->hook_set, p);
	add_state(in, p);
	return 0;
}
