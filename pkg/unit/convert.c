/* SPDX-License-Identifier: MIT */
/* What services of all kinds have in common. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/unit/convert.h"
#include "pkg/unit/words.h"

#define PATIENCE_S 90 /* systemd's own: DefaultTimeoutStopSec= */
#define STOP_MARGIN_S 30 /* what stopping takes besides waiting */
#define STOP_MAX_S 31536000U /* as "stop --time" has it */

static const struct {
	const char *suffix, *section;
	int (*convert)(struct convert *c);
} kinds[QUADLET_KINDS] = {
	[QUADLET_CONTAINER] = {".container", "Container", convert_container},
	[QUADLET_VOLUME] = {".volume", "Volume", convert_volume_file},
	[QUADLET_NETWORK] = {".network", "Network", convert_network_file},
	[QUADLET_IMAGE] = {".image", "Image", convert_image_file},
	[QUADLET_BUILD] = {".build", "Build", convert_build_file},
	[QUADLET_POD] = {".pod", "Pod", convert_pod_file},
	[QUADLET_KUBE] = {".kube", "Kube", convert_kube},
	[QUADLET_ARTIFACT] = {".artifact", "Artifact", convert_artifact_file},
};

const char quadlet_wait_unit_text[] =
	"[Unit]\n"
	"Description=Wait until the host's network is up, as seen from a user's systemd\n"
	"\n"
	"[Service]\n"
	"Type=oneshot\n"
	"RemainAfterExit=yes\n"
	"TimeoutStartSec=90\n"
	/* Where nothing asks for network-online.target it never comes: the end of booting will do. */
	"ExecStart=/bin/sh -c 'until systemctl -q is-active network-online.target; do "
	"case $$(systemctl is-system-running) in initializing|starting) sleep 0.2 ;; "
	"*) exit 0 ;; esac; done'\n";

const char *quadlet_section(enum quadlet_kind k)
{
	return kinds[k].section;
}

const char *quadlet_suffix(enum quadlet_kind k)
{
	return kinds[k].suffix;
}

enum quadlet_kind quadlet_kind_of(const char *file, const char **ret_suffix)
{
	const char *dot = strrchr(file, '.');
	enum quadlet_kind k = 0;

	while (k < QUADLET_KINDS && (!dot || dot == file || strcmp(dot, kinds[k].suffix) != 0))
		k++;
	if (ret_suffix)
		*ret_suffix = dot;
	return k;
}

const struct quadlet *quadlet_find(const struct quadlet_set *s, const char *file)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].file, file))
			return &s->v[i];
	return NULL;
}

bool quadlet_is_template(const struct quadlet *q)
{
	size_t n = strlen(q->stem);

	return n && q->stem[n - 1] == '@';
}

char *quadlet_unit_of(const struct quadlet *q, const struct quadlet *by)
{
	bool instance = by && quadlet_is_template(q) && strchr(by->stem, '@');

	return xasprintf("%s%s.service", q->service, instance ? "%i" : "");
}

/* Keys of [Unit] that list units: ours are named there by their files. */
static bool lists_units(const char *key)
{
	static const char *const keys[] = {"After",
					   "Before",
					   "BindsTo",
					   "Conflicts",
					   "OnFailure",
					   "OnSuccess",
					   "PartOf",
					   "PropagatesReloadTo",
					   "PropagatesStopTo",
					   "ReloadPropagatedFrom",
					   "Requires",
					   "Requisite",
					   "StopPropagatedFrom",
					   "Upholds",
					   "Wants"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

static int unit_names(struct convert *c, const struct unit_line *l)
{
	AUTO_STRV struct strv words = STRV_INIT;
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	int r = convert_words(l, &words);

	for (size_t i = 0; r == 0 && i < words.n; i++) {
		const struct quadlet *q = NULL;
		AUTO_FREE char *service = NULL;

		if (quadlet_kind_of(words.v[i], NULL) != QUADLET_KINDS) {
			q = quadlet_find(c->all, words.v[i]);
			if (!q)
				return err_new(-CE_BAD_FORMAT, "%s: there is no file %s", l->where,
					       words.v[i]);
		}
		service = q ? quadlet_unit_of(q, c->q) : NULL;
		sbuf_addf(&out, "%s%s", i ? " " : "", q ? service : words.v[i]);
	}
	if (r == 0)
		unit_file_add(c->out, l->section, l->key, out.s);
	return r;
}

static int copy_lines(struct convert *c)
{
	const struct unit_file *in = &c->q->in;
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->n; i++) {
		const struct unit_line *l = &in->v[i];
		AUTO_FREE char *section = NULL;

		if (!strcmp(l->section, "Unit") && lists_units(l->key)) {
			r = unit_names(c, l);
			continue;
		}
		if (!strcmp(l->section, c->section) || !strcmp(l->section, "Quadlet"))
			section = xasprintf("X-%s", l->section);
		unit_file_add(c->out, section ? section : l->section, l->key, l->value);
	}
	return r;
}

static int network_dependency(struct convert *c)
{
	int b = unit_file_bool(&c->q->in, "Quadlet", "DefaultDependencies", true);

	if (b > 0) {
		unit_file_add(c->out, "Unit", "After", QUADLET_WAIT_UNIT);
		unit_file_add(c->out, "Unit", "Wants", QUADLET_WAIT_UNIT);
	}
	return b < 0 ? b : 0;
}

int convert_patience(struct convert *c, const char *timeout)
{
	const struct unit_line *l = convert_own(c, "StopTimeout");
	uint32_t s = 0;

	if (!timeout)
		return 0;
	if (strcmp(timeout, "-1") != 0 && parse_u32(timeout, STOP_MAX_S, &s) < 0)
		return err_new(-CE_BAD_FORMAT, "%s: stop timeout %s: seconds up to %u, or -1",
			       l ? l->where : c->q->path, timeout, STOP_MAX_S);
	if (unit_file_last(c->out, "Service", "TimeoutStopSec"))
		return 0;
	if (*timeout == '-')
		unit_file_add(c->out, "Service", "TimeoutStopSec", "infinity");
	else if (s > PATIENCE_S - STOP_MARGIN_S)
		unit_file_addf(c->out, "Service", "TimeoutStopSec", "%u", s + STOP_MARGIN_S);
	return 0;
}

bool quadlet_wants_network(const struct unit_file *service)
{
	const struct unit_line *l = NULL;

	while ((l = unit_file_next(service, "Unit", "Wants", l)))
		if (!strcmp(l->value, QUADLET_WAIT_UNIT))
			return true;
	return false;
}

int quadlet_convert(const struct quadlet_set *all, const struct quadlet *q, const char *program,
		    struct unit_file *ret)
{
	struct convert c = {.all = all,
			    .q = q,
			    .program = program,
			    .section = kinds[q->kind].section,
			    .out = ret};
	int r;

	if (!unit_file_has_section(&q->in, c.section))
		return err_new(-CE_BAD_FORMAT, "%s: there is no section [%s]", q->path, c.section);
	unit_file_add(ret, "Unit", "SourcePath", q->path);
	r = network_dependency(&c);
	if (r == 0)
		r = copy_lines(&c);
	if (r == 0)
		r = kinds[q->kind].convert(&c);
	strv_done(&c.argv);
	return r;
}
