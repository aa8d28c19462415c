/* SPDX-License-Identifier: MIT */
#include "cmd/show.h"

#include <stdio.h>
#include <string.h>

#include "pkg/cli/format.h"
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
