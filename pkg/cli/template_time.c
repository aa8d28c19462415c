/* SPDX-License-Identifier: MIT */
/* Instants in templates: what they print, and the methods that Go's time.Time has. Always in UTC. */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/cli/template_internal.h"
#include "pkg/json/kind.h"

#define GO_ZERO_S (-62135596800LL) /* January 1 of the year 1 */
#define GO_ZERO_NS (-6795364578871345152LL) /* what is left of it in 64 bits */

static bool as_text;

void template_times_as_text(void)
{
	as_text = true;
}

void time_text(struct json_object *t, struct sbuf *out)
{
	char text[CLOCK_TEXT_MAX];
	int64_t ns;

	if (as_text || !json_is_time(t, &ns)) {
		sbuf_adds(out, json_object_get_string(t));
		return;
	}
	clock_format_go_ns(ns, text);
	sbuf_adds(out, text);
}

static int64_t seconds(int64_t ns)
{
	return ns == 0 ? GO_ZERO_S : ns / NS_PER_S - (ns % NS_PER_S < 0);
}

static int64_t fraction(int64_t ns)
{
	return (ns % NS_PER_S + NS_PER_S) % NS_PER_S;
}

static void broken_down(int64_t ns, struct tm *tm)
{
	time_t s = (time_t)seconds(ns);

	*tm = (struct tm){0};
	(void)gmtime_r(&s, tm);
}

static struct json_object *formatted(const struct tm *tm, const char *format)
{
	char text[32];

	return json_object_new_string_len(text, (int)strftime(text, sizeof(text), format, tm));
}

int time_method(struct json_object *t, const char *name, struct json_object **ret)
{
	int64_t ns = 0;
	struct tm tm;
	const struct {
		const char *name;
		int64_t v;
	} *found = NULL;

	(void)json_is_time(t, &ns);
	broken_down(ns, &tm);
	const typeof(*found) numbers[] = {
		{"Unix", seconds(ns)},
		{"UnixMilli", seconds(ns) * 1000 + fraction(ns) / NS_PER_MS},
		{"UnixMicro", seconds(ns) * 1000000 + fraction(ns) / 1000},
		{"UnixNano", ns ? ns : GO_ZERO_NS},
		{"Year", tm.tm_year + 1900LL},
		{"Day", tm.tm_mday},
		{"YearDay", tm.tm_yday + 1},
		{"Hour", tm.tm_hour},
		{"Minute", tm.tm_min},
		{"Second", tm.tm_sec},
		{"Nanosecond", fraction(ns)},
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (strcmp(name, numbers[i].name) == 0)
			found = &numbers[i];
	if (found)
		*ret = json_object_new_int64(found->v);
	else if (strcmp(name, "IsZero") == 0)
		*ret = json_object_new_boolean(ns == 0);
	else if (strcmp(name, "Month") == 0)
		*ret = formatted(&tm, "%B");
	else if (strcmp(name, "Weekday") == 0)
		*ret = formatted(&tm, "%A");
	else if (strcmp(name, "UTC") == 0)
		*ret = json_object_get(t);
	else if (strcmp(name, "String") == 0) {
		char text[CLOCK_TEXT_MAX];

		clock_format_go_ns(ns, text);
		*ret = json_object_new_string(text);
	} else
		return err_usage("format: an instant has no method .%s; it has Unix, UnixNano, "
				 "Format \"2006-01-02\", IsZero and others of Go's time.Time",
				 name);
	return 0;
}

/* Go writes a layout as the instant Mon Jan 2 15:04:05 MST 2006 would look; strftime's word for each part. */
static const char *const layout_parts[][2] = {
	{"January", "%B"}, {"Jan", "%b"},    {"Monday", "%A"}, {"Mon", "%a"}, {"MST", "UTC"},
	{"2006", "%Y"},	   {"Z07:00", "Z"},  {"Z0700", "Z"},   {"Z07", "Z"},  {"-07:00", "+00:00"},
	{"-0700", "+0000"}, {"-07", "+00"},  {"002", "%j"},    {"01", "%m"},  {"02", "%d"},
	{"03", "%I"},	   {"04", "%M"},     {"05", "%S"},     {"06", "%y"},  {"15", "%H"},
	{"PM", "%p"},	   {"pm", "%P"},     {"_2", "%e"},     {"1", "%-m"},  {"2", "%-d"},
	{"3", "%-I"},	   {"4", "%-M"},     {"5", "%-S"},
};

/* ".000" is a fraction of so many digits; ".999" one without zeros at its end. Its length, or 0. */
static size_t add_fraction(const char *p, int64_t ns, struct sbuf *out)
{
	size_t n = (*p == '.' || *p == ',') ? strspn(p + 1, p[1] == '9' ? "9" : "0") : 0;
	char digits[16];

	if (n == 0 || n > 9 || isdigit((unsigned char)p[1 + n]))
		return 0;
	(void)snprintf(digits, sizeof(digits), "%09lld", (long long)fraction(ns));
	digits[n] = '\0';
	if (p[1] == '9')
		for (size_t i = n; i > 0 && digits[i - 1] == '0'; i--)
			digits[i - 1] = '\0';
	if (*digits)
		sbuf_addf(out, "%c%s", *p, digits);
	return n + 1;
}

int time_format(struct json_object *t, const char *layout, struct json_object **ret)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	int64_t ns = 0;
	struct tm tm;

	(void)json_is_time(t, &ns);
	broken_down(ns, &tm);
	for (const char *p = layout; *p;) {
		size_t i = 0, used = add_fraction(p, ns, &out);
		char text[32];

		for (; used == 0 && i < ARRAY_LEN(layout_parts); i++)
			if (strncmp(p, layout_parts[i][0], strlen(layout_parts[i][0])) == 0)
				break;
		if (used == 0 && i < ARRAY_LEN(layout_parts)) {
			used = strlen(layout_parts[i][0]);
			sbuf_add(&out, text, strftime(text, sizeof(text), layout_parts[i][1], &tm));
		} else if (used == 0) {
			sbuf_addc(&out, *p);
			used = 1;
		}
		p += used;
	}
	*ret = json_object_new_string_len(out.s, (int)out.len);
	return 0;
}
