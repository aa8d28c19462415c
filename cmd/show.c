/* SPDX-License-Identifier: MIT */
#include "cmd/show.h"

#include <stdio.h>
#include <string.h>

#include "cmd/persona.h"
#include "pkg/json/json.h"

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
