/* SPDX-License-Identifier: MIT */
#include "cmd/compress_opts.h"

#include <string.h>

#include "pkg/base/err.h"

/* clang-format off */
const struct opt compress_opts[] = {
	OPT_STR(0, "compression-format", "FORMAT", struct compress_args, format, "Send the layers compressed so",
		.words = "gzip zstd zstd:chunked", .complete = COMPLETE_WORDS),
	OPT_UINT(0, "compression-level", "N", struct compress_args, level, "How hard to compress; makes the layers anew", .max = 22),
	OPT_BOOL(0, "force-compression", struct compress_args, force, "Send no layer that is compressed otherwise; it is always so"),
	OPT_END
};
/* clang-format on */

int compress_form_of(const struct compress_args *a, struct transfer_form *ret)
{
	if (a->format && strcmp(a->format, "gzip") != 0 && strcmp(a->format, "zstd") != 0 &&
	    strcmp(a->format, "zstd:chunked") != 0)
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
