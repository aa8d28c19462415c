/* SPDX-License-Identifier: MIT */
/* What all inspect verbs print: a JSON array, or one template result a line. */
#pragma once
struct json_object;

/** show_objects() - @format: NULL or "json" for the array, else a Go template. */
int show_objects(struct json_object *array, const char *format);
