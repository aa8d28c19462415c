/* SPDX-License-Identifier: MIT */
#include "pkg/json/fields.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"

static void *member_of(const struct json_field *f, const void *record)
{
	return (void *)((uintptr_t)record + f->at);
}

static int read_text(struct json_object *o, const struct json_field *f, char **ret)
{
	const char *s = NULL;
	int r = json_get_str(o, f->key, &s);

	if (r == 0 && s) {
		free(*ret);
		*ret = xstrdup(s);
	}
	return r;
}

static int read_hex(struct json_object *o, const struct json_field *f, char *ret)
{
	const char *s = NULL;
	int r = json_get_str(o, f->key, &s);

	if (r < 0 || !s)
		return r;
	if (!hex_is_exactly(s, 64))
		return err_new(-CE_CORRUPT, "\"%s\" is not 64 hexadecimal digits", f->key);
	memcpy(ret, s, 65);
	return 0;
}

static int read_any(struct json_object *o, const struct json_field *f, struct json_object **ret)
{
	struct json_object *v = NULL;
	int r = json_get_obj(o, f->key, &v);

	if (r == 0 && v) {
		json_putp(ret);
		*ret = json_object_get(v);
	}
	return r;
}

static int read_field(struct json_object *o, const struct json_field *f, void *record)
{
	void *p = member_of(f, record);

	if (f->flags & JSON_REQUIRED && !json_object_object_get(o, f->key))
		return err_new(-CE_CORRUPT, "no \"%s\"", f->key);
	switch (f->kind) {
	case JSON_TEXT:
		return read_text(o, f, p);
	case JSON_HEX64:
		return read_hex(o, f, p);
	case JSON_I64:
		return json_get_i64(o, f->key, p);
	case JSON_U64:
		return json_get_u64(o, f->key, p);
	case JSON_BOOL:
		return json_get_bool(o, f->key, p);
	case JSON_LIST:
		return json_get_strv(o, f->key, p);
	case JSON_MAP:
		return json_get_map(o, f->key, p);
	case JSON_ANY:
		return read_any(o, f, p);
	}
	return -EINVAL;
}

int json_record_read(const char *text, size_t n, const struct json_field *fields, const char *what,
		     void *record)
{
	AUTO_JSON struct json_object *o = NULL;
	int r = json_parse(text, n, &o);

	if (r == 0 && !json_object_is_type(o, json_type_object))
		r = err_new(-CE_CORRUPT, "not an object");
	for (; r == 0 && fields->key; fields++)
		r = read_field(o, fields, record);
	return r < 0 ? err_wrap(r, "the record of %s", what) : 0;
}

static bool is_empty(const struct json_field *f, const void *p)
{
	switch (f->kind) {
	case JSON_TEXT:
		return !*(char *const *)p;
	case JSON_HEX64:
		return !*(const char *)p;
	case JSON_I64:
		return *(const int64_t *)p == 0;
	case JSON_U64:
		return *(const uint64_t *)p == 0;
	case JSON_BOOL:
		return !*(const bool *)p;
	case JSON_LIST:
	case JSON_MAP:
		return ((const struct strv *)p)->n == 0;
	case JSON_ANY:
		return !*(struct json_object *const *)p;
	}
	return true;
}

static void write_field(struct json_object *o, const struct json_field *f, const void *p)
{
	switch (f->kind) {
	case JSON_TEXT:
		json_set_str(o, f->key, *(char *const *)p);
		break;
	case JSON_HEX64:
		json_set_str(o, f->key, p);
		break;
	case JSON_I64:
		json_set_i64(o, f->key, *(const int64_t *)p);
		break;
	case JSON_U64:
		json_set_i64(o, f->key, (int64_t) * (const uint64_t *)p);
		break;
	case JSON_BOOL:
		json_set_bool(o, f->key, *(const bool *)p);
		break;
	case JSON_LIST:
		json_set(o, f->key, json_from_strv(p));
		break;
	case JSON_MAP:
		json_set(o, f->key, json_from_map(p));
		break;
	case JSON_ANY:
		json_set(o, f->key, json_object_get(*(struct json_object *const *)p));
		break;
	}
}

struct json_object *json_record_object(const struct json_field *fields, const void *record)
{
	struct json_object *o = json_object_new_object();

	for (const struct json_field *f = fields; f->key; f++) {
		const void *p = member_of(f, record);

		if (!(f->flags & JSON_SPARSE) || !is_empty(f, p))
			write_field(o, f, p);
	}
	return o;
}

void json_record_write(const struct json_field *fields, const void *record, struct sbuf *out)
{
	AUTO_JSON struct json_object *o = json_record_object(fields, record);

	json_write(o, false, out);
}

void json_record_done(const struct json_field *fields, void *record)
{
	for (const struct json_field *f = fields; f->key; f++) {
		void *p = member_of(f, record);

		switch (f->kind) {
		case JSON_TEXT:
			free(*(char **)p);
			*(char **)p = NULL;
			break;
		case JSON_LIST:
		case JSON_MAP:
			strv_done(p);
			*(struct strv *)p = (struct strv)STRV_INIT;
			break;
		case JSON_ANY:
			json_putp(p);
			*(struct json_object **)p = NULL;
			break;
		case JSON_HEX64:
		case JSON_I64:
		case JSON_U64:
		case JSON_BOOL:
			break;
		}
	}
}
