/* SPDX-License-Identifier: MIT */
#include "pkg/oci/linux_names.h"

#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <sys/resource.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"

#define CAP_BIT(c) (1ULL << (c))

uint64_t caps_all(void)
{
	return CAP_BIT(CAP_LAST_CAP + 1) - 1;
}

int caps_parse(const char *name, uint64_t *ret_mask)
{
	AUTO_FREE char *full = NULL;
	cap_value_t v;

	if (strcasecmp(name, "ALL") == 0) {
		*ret_mask = caps_all();
		return 0;
	}
	full = strncasecmp(name, "CAP_", 4) == 0 ? xstrdup(name) : xasprintf("CAP_%s", name);
	/* libcap reads a name that ends where another character begins, and leaves the rest alone. */
	if (full[strspn(full, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789")] ||
	    cap_from_name(full, &v) < 0 || v > CAP_LAST_CAP)
		return err_usage("capability '%s': no such capability; see capabilities(7)", name);
	*ret_mask = CAP_BIT(v);
	return 0;
}

void caps_names(uint64_t mask, struct strv *ret)
{
	for (int i = 0; i <= CAP_LAST_CAP; i++) {
		char *name = (mask & CAP_BIT(i)) ? cap_to_name(i) : NULL;

		if (!name)
			continue;
		for (char *p = name; *p; p++)
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p - 'a' + 'A');
		strv_add(ret, name);
		(void)cap_free(name);
	}
	strv_sort(ret);
}

static const struct {
	const char *name;
	uint32_t resource;
} rlimits[] = {
	{"as", RLIMIT_AS},
	{"core", RLIMIT_CORE},
	{"cpu", RLIMIT_CPU},
	{"data", RLIMIT_DATA},
	{"fsize", RLIMIT_FSIZE},
	{"locks", RLIMIT_LOCKS},
	{"memlock", RLIMIT_MEMLOCK},
	{"msgqueue", RLIMIT_MSGQUEUE},
	{"nice", RLIMIT_NICE},
	{"nofile", RLIMIT_NOFILE},
	{"nproc", RLIMIT_NPROC},
	{"rss", RLIMIT_RSS},
	{"rtprio", RLIMIT_RTPRIO},
	{"rttime", RLIMIT_RTTIME},
	{"sigpending", RLIMIT_SIGPENDING},
	{"stack", RLIMIT_STACK},
};

bool rlimit_find(const char *name, size_t n, uint32_t *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(rlimits); i++) {
		if (strlen(rlimits[i].name) != n || strncmp(name, rlimits[i].name, n) != 0)
			continue;
		*ret = rlimits[i].resource;
		return true;
	}
	return false;
}

const char *rlimit_name(uint32_t resource)
{
	for (size_t i = 0; i < ARRAY_LEN(rlimits); i++)
		if (rlimits[i].resource == resource)
			return rlimits[i].name;
	return NULL;
}
