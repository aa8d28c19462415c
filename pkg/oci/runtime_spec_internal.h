/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>

struct json_object;

/** oci_array() - the array @key of at most @max items; missing is none. */
int oci_array(struct json_object *o, const char *key, unsigned max, struct json_object **ret,
	      unsigned *ret_n);
/** oci_u32() - a number; missing leaves @ret untouched. */
int oci_u32(struct json_object *o, const char *key, uint32_t *ret);
struct oci_scheduling;
/** oci_scheduling_parse() - of a "process"; oci_scheduling_done() also after failure. */
int oci_scheduling_parse(struct json_object *process, struct oci_scheduling *ret);
void oci_scheduling_done(struct oci_scheduling *s);
