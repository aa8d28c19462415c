/* SPDX-License-Identifier: MIT */
#include "cmd/show.h"

#include <stdio.h>
#include <string.h>

#include "cmd/persona.h"
#include "pkg/base/strv.h"
#include "pkg/json/json.h"
#include "pkg/json/nil.h"

/*
 * What has a value only sometimes, and what scripts ask for in any case: to a template it is there, and
 * not set, as in the Go structs of the peers.
 */
static const struct {
	const char *in, *name;
	enum json_nil kind;
} unset[] = {
	{"Config", "Cmd", JSON_NIL_LIST},
	{"Config", "Entrypoint", JSON_NIL_LIST},
	{"Config", "Env", JSON_NIL_LIST},
	{"Config", "ExposedPorts", JSON_NIL_MAP},
	{"Config", "Healthcheck", JSON_NIL_POINTER},
	{"Config", "Labels", JSON_NIL_MAP},
	{"Config", "OnBuild", JSON_NIL_LIST},
	{"Config", "Shell", JSON_NIL_LIST},
	{"Config", "StopSignal", JSON_NIL_NONE},
	{"Config", "Volumes", JSON_NIL_MAP},
	{"State", "Health", JSON_NIL_POINTER},
};

static void add_unset(struct json_object *o)
{
	for (size_t i = 0; i < ARRAY_LEN(unset); i++) {
		struct json_object *in, *have = NULL;

		if (!json_object_object_get_ex(o, unset[i].in, &in) ||
		    !json_object_is_type(in, json_type_object) ||
		    (json_object_object_get_ex(in, unset[i].name, &have) && have))
			continue;
		json_set(in, unset[i].name,
			 unset[i].kind == JSON_NIL_NONE ? json_object_new_string("")
							: json_nil(unset[i].kind));
	}
}

int show_objects(struct json_object *array, const char *format)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct template *t = NULL;
	int r;

	if (!format || !*format || strcmp(format, "json") == 0) {
		json_write(array, true, &text);
		(void)puts(text.s);
		return 0;
	}
	r = template_parse(format, &t);
	for (size_t i = 0; r == 0 && i < json_object_array_length(array); i++) {
		add_unset(json_object_array_get_idx(array, i));
		r = template_exec(t, json_object_array_get_idx(array, i), stdout);
		if (r == 0)
			(void)putchar('\n');
	}
	template_free(t);
	return r;
}

struct list_options show_options(const char *format, bool quiet, bool no_heading,
				 const char *quiet_field, const struct column *columns)
{
	return (struct list_options){.format = format,
				     .quiet = quiet,
				     .no_heading = no_heading,
				     .json_lines = persona() == PERSONA_DOCKER,
				     .quiet_field = quiet_field,
				     .columns = columns};
}

void show_labels_as_text(struct json_object *row)
{
	struct json_object *labels = json_object_object_get(row, "Labels"), *map;
	AUTO_STRV struct strv all = STRV_INIT;
	AUTO_FREE char *text = NULL;

	if (!json_object_is_type(labels, json_type_object))
		return;
	map = json_object_new_object(); /* not @labels itself, which others may print */
	json_object_object_foreach(labels, key, value)
	{
		strv_addf(&all, "%s=%s", key, json_object_get_string(value));
		json_set(map, key, json_object_get(value));
	}
	text = strv_join(&all, ",");
	json_set(row, "LabelMap", json_omitted(map));
	json_set_str(row, "Labels", text);
}

void show_as_docker(struct json_object *rows)
{
	for (size_t i = 0; persona() == PERSONA_DOCKER && i < json_object_array_length(rows); i++)
		show_labels_as_text(json_object_array_get_idx(rows, i));
}
