/* SPDX-License-Identifier: MIT */
#include "cmd/compress_opts.h"

#include <string.h>

#include "pkg/base/err.h"
#include "pkg/config/containers_conf.h"

/* clang-format off */
const struct opt compress_opts[] = {
	OPT_STR(0, "compression-format", "FORMAT", struct compress_args, format, "Send the layers compressed so",
		.words = "gzip zstd zstd:chunked", .complete = COMPLETE_WORDS),
	OPT_UINT(0, "compression-level", "N", struct compress_args, level, "How hard to compress; makes the layers anew", .max = 22),
	OPT_BOOL(0, "force-compression", struct compress_args, force, "Send no layer that is compressed otherwise; it is always so"),
	OPT_END
};
/* clang-format on */

static const char *known(const char *format)
{
	static const char *const formats[] = {"gzip", "zstd", "zstd:chunked"};

	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i], format) == 0)
			return formats[i];
	return NULL;
}

int compress_form_of(const struct compress_args *a, struct transfer_form *ret)
{
	if (a->format && !known(a->format))
		return err_usage("--compression-format '%s': use gzip, zstd or zstd:chunked",
				 a->format);
	if (a->level && !a->format)
		return err_usage("--compression-level wants --compression-format");
	if (a->level > 9 && strcmp(a->format, "gzip") == 0)
		return err_usage("--compression-level %u: gzip has 1 to 9", a->level);
	ret->compression = a->format;
	ret->level = a->level;
	return 0;
}

/* gzip as it is in any case is nothing to ask for: then what was received goes out as it is. */
static int take_conf(const struct containers_conf *c, struct transfer_form *ret)
{
	const char *format = known(c->compression_format ? c->compression_format : "gzip");
	const bool has_level = c->compression_level != CONF_UNSET && c->compression_level != 0;
	int64_t max = format && strcmp(format, "gzip") == 0 ? 9 : 22;

	if (!format)
		return err_usage("containers.conf: compression_format '%s': use gzip, zstd or zstd:chunked",
				 c->compression_format);
	if (has_level && (c->compression_level < 1 || c->compression_level > max))
		return err_usage("containers.conf: compression_level %lld: %s has 1 to %lld",
				 (long long)c->compression_level, format, (long long)max);
	if (max != 9 && ret->format && strcmp(ret->format, "docker") == 0)
		return 0; /* whose manifests know no zstd */
	if (has_level || max != 9)
		ret->compression = format;
	ret->level = has_level ? (uint32_t)c->compression_level : 0;
	return 0;
}

static int take_conf_twin(const struct containers_conf *c, const char **add)
{
	const struct strv *v = &c->add_compression.v;

	if (!v->n)
		return 0;
	if (v->n > 1 || strcmp(v->v[0], "zstd") != 0)
		return err_usage("containers.conf: add_compression: only \"zstd\", and '%s' is there",
				 strcmp(v->v[0], "zstd") != 0 ? v->v[0] : v->v[1]);
	*add = "zstd";
	return 0;
}

int compress_form_to_registry(const struct compress_args *a, struct transfer_form *ret, const char **add)
{
	const struct containers_conf *c;
	int r = compress_form_of(a, ret);

	if (r < 0 || (a->format && (!add || *add)))
		return r;
	r = containers_conf(&c);
	ret->mild = !a->format && (!add || !*add);
	if (r == 0 && !a->format)
		r = take_conf(c, ret);
	if (r == 0 && add && !*add)
		r = take_conf_twin(c, add);
	return r;
}
