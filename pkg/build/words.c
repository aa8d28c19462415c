/* SPDX-License-Identifier: MIT */
#include "pkg/build/words.h"

#include <ctype.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"

static const char *skip_blanks(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

void words_blank(const char *s, struct strv *ret)
{
	for (s = skip_blanks(s); *s; s = skip_blanks(s)) {
		const char *start = s;

		while (*s && !isspace((unsigned char)*s))
			s++;
		strv_take(ret, xstrndup(start, (size_t)(s - start)));
	}
}

void words_quoted(const char *s, char escape, struct strv *ret)
{
	for (s = skip_blanks(s); *s; s = skip_blanks(s)) {
		const char *start = s;
		char quote = 0;

		for (; *s && (quote || !isspace((unsigned char)*s)); s++) {
			if (*s == escape && quote != '\'' && s[1])
				s++;
			else if (quote ? *s == quote : (*s == '"' || *s == '\''))
				quote = quote ? 0 : *s;
		}
		strv_take(ret, xstrndup(start, (size_t)(s - start)));
	}
}

char *words_unquote(const char *s, char escape, bool *ret_quoted)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	char quote = 0;

	*ret_quoted = false;
	for (; *s; s++) {
		bool is_quote = quote ? *s == quote : (*s == '"' || *s == '\'');

		if (is_quote || (*s == escape && quote != '\'' && s[1]))
			*ret_quoted = true;
		if (is_quote)
			quote = quote ? 0 : *s;
		else if (*s == escape && quote != '\'' && s[1])
			sbuf_addc(&b, *++s);
		else
			sbuf_addc(&b, *s);
	}
	return sbuf_steal(&b);
}

const char *words_flags(const char *s, char escape, struct strv *ret)
{
	for (s = skip_blanks(s); s[0] == '-' && s[1] == '-'; s = skip_blanks(s)) {
		AUTO_FREE char *raw = NULL;
		const char *start = s;
		char quote = 0;
		bool quoted;

		for (; *s && (quote || !isspace((unsigned char)*s)); s++) {
			if (*s == escape && s[1])
				s++;
			else if (quote ? *s == quote : (*s == '"' || *s == '\''))
				quote = quote ? 0 : *s;
		}
		raw = xstrndup(start, (size_t)(s - start));
		if (strcmp(raw, "--") == 0)
			return skip_blanks(s);
		strv_take(ret, words_unquote(raw + 2, escape, &quoted));
	}
	return s;
}

int words_json(const char *s, struct strv *ret)
{
	AUTO_JSON struct json_object *a = NULL;

	s = skip_blanks(s);
	if (*s != '[')
		return 0;
	if (json_parse(s, strlen(s), &a) < 0 || !json_object_is_type(a, json_type_array)) {
		err_drop();
		return 0;
	}
	for (size_t i = 0; i < json_object_array_length(a); i++) {
		struct json_object *e = json_object_array_get_idx(a, i);

		if (!json_object_is_type(e, json_type_string))
			return err_usage("element %zu of the array is not a string", i + 1);
		strv_add(ret, json_object_get_string(e));
	}
	return 1;
}
