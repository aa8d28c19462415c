/* SPDX-License-Identifier: MIT */
/*
 * --format: Go templates over json-c values, and aligned tables.
 * Functions: json join split lower upper title pad truncate println len index slice printf print
 * range if else with end and or not eq ne lt le gt ge. "table …" prints a header and aligns columns.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct json_object;
struct template;

/** template_parse() - usage error naming the place when malformed. */
int template_parse(const char *text, struct template **ret);
void template_free(struct template *t);
/**
 * template_exec() - one value through the template to @out (no newline added)
 * Unknown fields are an error naming the field, as in docker. Keys match exactly, but for a final
 * ID or Id: either is understood. Nothing is printed on failure. Values are sanitised on a terminal.
 */
int template_exec(const struct template *t, struct json_object *value, FILE *out);
/** template_times_as_text() - from here on instants print as RFC 3339, as docker's, whose times are text. */
void template_times_as_text(void);

struct column {
	const char *header; /* "CONTAINER ID" */
	const char *field; /* key in the row's object: "ID" */
};

struct list_options {
	const char *format; /* NULL: the default table; "json"; "table …"; a template */
	bool quiet; /* only @quiet_field, one a line */
	bool no_heading;
	bool json_lines; /* json as docker prints it: each row alone on a line */
	const char *quiet_field;
	const struct column *columns; /* default table; ends with header NULL */
};

/**
 * list_print() - print an array of row objects (each with string fields for columns and templates)
 * @json_rows: what --format json prints (an array, indented); NULL: the rows themselves.
 * Untrusted text is sanitised on the way out (D12).
 */
int list_print(const struct list_options *o, struct json_object *rows,
	       struct json_object *json_rows, FILE *out);

/**
 * list_table_new() - the default table of @o, filled a row at a time, for lists of thousands
 * With quiet only each row's first cell is printed, alone on its line.
 */
struct list_table *list_table_new(const struct list_options *o);
void list_table_row(struct list_table *t, const char *const *cells);
void list_table_print(struct list_table *t, FILE *out);
void list_table_free(struct list_table *t);

/** json_print() - indented JSON and a newline; what podman prints for --format json. Returns 0. */
int json_print(struct json_object *value, FILE *out);
/** value_print() - one value: @format NULL or "json" is json_print(), else a template and a newline. */
int value_print(struct json_object *value, const char *format, FILE *out);

/** yaml_print() - an object as YAML; control characters escaped. */
void yaml_print(struct json_object *object, FILE *out);

/** put_untrusted() - write @s so that no control or bidi character reaches a terminal (D12); elsewhere as it is. */
void put_untrusted(FILE *out, const char *s);
