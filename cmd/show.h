/* SPDX-License-Identifier: MIT */
/* What all inspect verbs print (a JSON array, or one template result a line), and all list verbs. */
#pragma once
#include "pkg/cli/format.h"

struct json_object;

/** show_objects() - @format: NULL or "json" for the array, else a Go template. */
int show_objects(struct json_object *array, const char *format);

/** show_options() - for list_print(): what the flags of all list verbs mean, in the shape of who we are called as. */
struct list_options show_options(const char *format, bool quiet, bool no_heading,
				 const char *quiet_field, const struct column *columns);

/** show_labels_as_text() - "a=b,c=d" in place of the map, in a row of a list; .Label still reads the map. */
void show_labels_as_text(struct json_object *row);

/** show_as_docker() - rows whose labels are a text, when called as docker. */
void show_as_docker(struct json_object *rows);
