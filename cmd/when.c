/* SPDX-License-Identifier: MIT */
#include "cmd/when.h"

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"

int when_parse(const char *flag, const char *s, bool ahead, int64_t *ret)
{
	int64_t span;

	if (!s)
		return 0;
	if (parse_duration(s, &span) == 0) {
		*ret = clock_now_ns() + (ahead ? span : -span);
		return 0;
	}
	if (clock_parse_local(s, ret) < 0)
		return err_usage("--%s '%s': write a duration like 10m, an RFC 3339 time or "
				 "seconds since 1970",
				 flag, s);
	return 0;
}
