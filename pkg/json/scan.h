/* SPDX-License-Identifier: MIT */
/*
 * A JSON text read once, front to back, without building values: the grammar of RFC 8259 as strict
 * as json_parse() (which is made of this), for documents whose shape is known and that are read by
 * the thousand. One difference: who reads an object with this minds its duplicate keys himself.
 *
 *	json_scan_init(&s, text, n);
 *	r = json_scan_open(&s, '{');
 *	while (r == 0 && (more = json_scan_key(&s)) > 0)       s.text holds the key
 *		r = json_scan_i64(&s, &value) or …_skip(&s);
 *	…                                                      more < 0: malformed
 *	r = json_scan_end(&s);
 *	json_scan_done(&s);
 *
 * Everything returns 0 or -CE_BAD_FORMAT with the place in the trail, unless it says otherwise.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/sbuf.h"

#define JSON_DEPTH_MAX 64
#define JSON_NUMBER_MAX 128

struct json_scan {
	const char *start, *p, *end;
	unsigned depth;
	bool fresh; /* an object or array was opened and nothing of it read yet */
	struct sbuf text; /* the last key or string */
};

void json_scan_init(struct json_scan *s, const char *text, size_t n);
void json_scan_done(struct json_scan *s);

/** json_scan_peek() - first byte of the next value; '\0' at the end of the text. */
char json_scan_peek(struct json_scan *s);
/** json_scan_open() - enter an object '{' or an array '['. */
int json_scan_open(struct json_scan *s, char bracket);
/** json_scan_key() - 1: the next key is in s->text and its value follows; 0: the object ended. */
int json_scan_key(struct json_scan *s);
/** json_scan_element() - 1: a value follows; 0: the array ended. */
int json_scan_element(struct json_scan *s);

/** json_scan_string() - into s->text. */
int json_scan_string(struct json_scan *s);
/** json_scan_number() - its text, checked; @ret_integer: it has neither fraction nor exponent. */
int json_scan_number(struct json_scan *s, char ret[JSON_NUMBER_MAX], bool *ret_integer);
int json_scan_i64(struct json_scan *s, int64_t *ret);
int json_scan_u64(struct json_scan *s, uint64_t *ret);
int json_scan_bool(struct json_scan *s, bool *ret);
/** json_scan_null() - true: it was null and is read. */
bool json_scan_null(struct json_scan *s);
/** json_scan_skip() - read over one value, whatever it is. */
int json_scan_skip(struct json_scan *s);

/** json_scan_end() - nothing but space may follow. */
int json_scan_end(struct json_scan *s);
/** json_scan_bad() - "JSON: @why at byte N"; returns -CE_BAD_FORMAT. */
int json_scan_bad(const struct json_scan *s, const char *why);
