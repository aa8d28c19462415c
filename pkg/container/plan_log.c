/* SPDX-License-Identifier: MIT */
/* Where a container's output is kept, and under which names. */
#include <stdio.h>
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/base/sbuf.h"
#include "pkg/cli/format.h"
#include "pkg/conmon/log_journal.h"
#include "pkg/container/inspect.h"
#include "pkg/container/plan.h"
#include "pkg/json/json.h"

enum conmon_log container_log_driver(const char *name)
{
	static const char *const names[] = {
		[CONMON_LOG_K8S_FILE] = "k8s-file", [CONMON_LOG_JSON_FILE] = "json-file",
		[CONMON_LOG_NONE] = "none",         [CONMON_LOG_PASSTHROUGH] = "passthrough",
		[CONMON_LOG_JOURNALD] = "journald",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum conmon_log)i;
	return CONMON_LOG_K8S_FILE;
}

/* --log-opt tag: a template over what `inspect` shows. */
static int expand_tag(const struct plan_input *in, char **ret)
{
	const struct container c = {.rec = (struct container_record *)(size_t)in->record,
				    .dirs = *in->dirs};
	AUTO_JSON struct json_object *o = NULL;
	struct template *t = NULL;
	char *text = NULL;
	size_t n = 0;
	FILE *out = NULL;
	int r = template_parse(in->record->log_tag, &t);

	if (r == 0)
		r = container_inspect(in->store, &c, &o);
	if (r == 0) {
		out = open_memstream(&text, &n);
		r = out ? template_exec(t, o, out) : err_new(-errno, "memory");
	}
	if (out && fclose(out) != 0 && r == 0)
		r = err_new(-ENOMEM, "memory");
	template_free(t);
	/* A line's end would begin another field of the entry. */
	for (size_t i = 0; r == 0 && i < n; i++)
		if ((unsigned char)text[i] < ' ')
			r = err_usage("it has a control character");
	if (r < 0) {
		free(text);
		return err_wrap(r, "--log-opt tag=");
	}
	*ret = text;
	return 0;
}

/* Values are ids and names whose letters are known, and the tag, in which no line ends. */
static int journal_fields(const struct plan_input *in, struct container_plan *p, const char **ret)
{
	const struct container_record *rec = in->record;
	AUTO_FREE char *tag = NULL;
	struct sbuf b = SBUF_INIT;
	int r = rec->log_tag ? expand_tag(in, &tag) : 0;

	if (r < 0)
		return r;
	sbuf_addf(&b,
		  "CONTAINER_ID=%.12s\nCONTAINER_ID_FULL=%s\nCONTAINER_NAME=%s\nIMAGE_NAME=%s\n",
		  rec->id, rec->id, rec->name, rec->image);
	sbuf_addf(&b, "SYSLOG_IDENTIFIER=%s\n", tag ? tag : rec->name);
	if (tag)
		sbuf_addf(&b, "CONTAINER_TAG=%s\n", tag);
	*ret = plan_keep(p, sbuf_steal(&b));
	return 0;
}

int plan_log(const struct plan_input *in, struct container_plan *p, struct conmon_config *m)
{
	const struct container_record *rec = in->record;

	m->log_driver = container_log_driver(rec->log_driver);
	m->log_max_bytes = rec->log_max_bytes;
	m->log_max_files = (uint32_t)rec->log_max_files;
	if (m->log_driver == CONMON_LOG_JOURNALD) {
		m->log_path = JOURNAL_SOCKET;
		if (access(JOURNAL_SOCKET, W_OK) < 0)
			return err_new(-errno,
				       "--log-driver journald: no journald listens on %s; "
				       "k8s-file needs none",
				       JOURNAL_SOCKET);
		return journal_fields(in, p, &m->log_fields);
	}
	m->log_path = plan_keep(p, container_log_path(rec, in->dirs->data_path));
	return 0;
}
