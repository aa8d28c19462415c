/* SPDX-License-Identifier: MIT */
/* Platforms: one spelling for each, and which one serves which machine (build-and-images F7). */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/sbuf.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/file.h"

void platform_done(struct platform *p)
{
	free(p->os);
	free(p->architecture);
	free(p->variant);
	free(p->os_version);
	strv_done(&p->os_features);
	memset(p, 0, sizeof(*p));
}

static void replace(char **s, const char *with)
{
	char *copy = with ? xstrdup(with) : NULL;

	free(*s);
	*s = copy;
}

static const struct {
	const char *alias, *architecture, *variant;
} aliases[] = {
	{"x86_64", "amd64", NULL},
	{"x86-64", "amd64", NULL},
	{"aarch64", "arm64", NULL},
	{"armhf", "arm", "v7"},
	{"armel", "arm", "v6"},
	{"armv8l", "arm", "v8"},
	{"armv7l", "arm", "v7"},
	{"armv6l", "arm", "v6"},
	{"armv5tel", "arm", "v5"},
	{"i386", "386", NULL},
	{"i686", "386", NULL},
	{"ppc64el", "ppc64le", NULL},
	{"mips64el", "mips64le", NULL},
	{"mipsel", "mipsle", NULL},
	{"loongarch64", "loong64", NULL},
};

/* What an architecture without a variant means. */
static const struct {
	const char *architecture, *variant;
} baselines[] = {{"amd64", "v1"}, {"arm", "v7"}, {"arm64", "v8"}};

void platform_normalise(struct platform *p)
{
	for (size_t i = 0; p->architecture && i < ARRAY_LEN(aliases); i++) {
		if (strcmp(p->architecture, aliases[i].alias) != 0)
			continue;
		replace(&p->architecture, aliases[i].architecture);
		if (aliases[i].variant && !p->variant)
			replace(&p->variant, aliases[i].variant);
		break;
	}
	if (p->variant && !*p->variant)
		replace(&p->variant, NULL);
	if (p->variant && *p->variant >= '0' && *p->variant <= '9') {
		AUTO_FREE char *v = xasprintf("v%s", p->variant);

		replace(&p->variant, v);
	}
	for (size_t i = 0; p->architecture && !p->variant && i < ARRAY_LEN(baselines); i++)
		if (strcmp(p->architecture, baselines[i].architecture) == 0)
			replace(&p->variant, baselines[i].variant);
}

static bool word_is_valid(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	return n > 0 && n <= 64 && !s[n];
}

int platform_parse(const char *s, struct platform *ret)
{
	AUTO_STRV struct strv w = STRV_INIT;
	struct platform p = {0};
	bool ok;

	strv_split(&w, s, '/');
	ok = w.n >= 1 && w.n <= 3;
	for (size_t i = 0; i < w.n; i++)
		ok = ok && word_is_valid(w.v[i]);
	if (!ok)
		return err_usage(
			"'%s' is not a platform: os/architecture or os/architecture/variant", s);
	p.os = xstrdup(w.n == 1 ? "linux" : w.v[0]);
	p.architecture = xstrdup(w.v[w.n == 1 ? 0 : 1]);
	p.variant = w.n == 3 ? xstrdup(w.v[2]) : NULL;
	platform_normalise(&p);
	*ret = p;
	return 0;
}

/* Every word of @want stands between spaces in @flags. */
static bool has_all(const char *flags, const char *want)
{
	AUTO_STRV struct strv words = STRV_INIT;
	bool all = true;

	strv_split(&words, want, ' ');
	for (size_t i = 0; i < words.n; i++) {
		AUTO_FREE char *padded = xasprintf(" %s ", words.v[i]);

		all = all && strstr(flags, padded);
	}
	return all;
}

/*
 * As the kernel says it, which knows what is switched off. The compiler's own look at the processor
 * would be part of every start of the program, and each such instruction traps under a hypervisor.
 */
static const char *cpu_level(void)
{
#ifdef __x86_64__
	static const char *const levels[] = {"ssse3 sse4_2 popcnt", "avx2 bmi1 bmi2 fma",
					     "avx512f avx512bw avx512cd avx512dq avx512vl"};
	static const char *const names[] = {"v1", "v2", "v3", "v4"};
	AUTO_FREE char *flags = NULL;
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	const char *line;
	unsigned level = 0;

	if (file_read_at(AT_FDCWD, "/proc/cpuinfo", 16U << 20, &b) < 0)
		err_drop();
	line = strstr(b.s, "\nflags");
	if (!line)
		return "v1";
	flags = xasprintf("%.*s ", (int)strcspn(line + 1, "\n"), line + 1);
	while (level < ARRAY_LEN(levels) && has_all(flags, levels[level]))
		level++;
	return names[level];
#else
	return NULL;
#endif
}

void platform_host(struct platform *ret)
{
	struct utsname u;

	memset(ret, 0, sizeof(*ret));
	ret->os = xstrdup("linux");
	ret->architecture = xstrdup(uname(&u) == 0 ? u.machine : "unknown");
	replace(&ret->variant, cpu_level());
	platform_normalise(ret);
}

/* "v8.1" is 801; -1 for what has no order. */
static int variant_rank(const char *v)
{
	AUTO_FREE char *copy = NULL;
	uint32_t major, minor = 0;
	char *dot;

	if (!v)
		return 0;
	if (*v != 'v')
		return -1;
	copy = xstrdup(v + 1);
	dot = strchr(copy, '.');
	if (dot)
		*dot++ = '\0';
	if (parse_u32(copy, 1000, &major) < 0 || (dot && parse_u32(dot, 99, &minor) < 0))
		return -1;
	return (int)(major * 100 + minor);
}

bool platform_matches(const struct platform *want, const struct platform *have)
{
	int w = variant_rank(want->variant), h = variant_rank(have->variant);

	if (!want->os || !have->os || !want->architecture || !have->architecture ||
	    strcmp(want->os, have->os) != 0 || strcmp(want->architecture, have->architecture) != 0)
		return false;
	if (!have->variant)
		return true;
	if (w < 0 || h < 0)
		return want->variant && strcmp(want->variant, have->variant) == 0;
	return h <= w;
}

char *platform_text(const struct platform *p)
{
	return xasprintf("%s/%s%s%s", p->os ? p->os : "unknown",
			 p->architecture ? p->architecture : "unknown", p->variant ? "/" : "",
			 p->variant ? p->variant : "");
}

static void copy_normalised(const struct platform *from, struct platform *to)
{
	memset(to, 0, sizeof(*to));
	replace(&to->os, from->os);
	replace(&to->architecture, from->architecture);
	replace(&to->variant, from->variant);
	platform_normalise(to);
}

static bool is_zstd(const struct descriptor *d)
{
	const char *v = strv_env_get(&d->annotations, "io.github.containers.compression.zstd");

	return v && strcmp(v, "true") == 0;
}

/* How well a child serves: 0 not at all, more is better. */
static int score(const struct descriptor *d, const struct platform *want)
{
	struct platform have;
	int s = 0;

	if (!d->has_platform)
		return 1;
	copy_normalised(&d->platform, &have);
	if (platform_matches(want, &have)) {
		int rank = variant_rank(have.variant);

		s = 2 + 2 * (rank < 0 ? 0 : rank) + is_zstd(d);
	}
	platform_done(&have);
	return s;
}

int manifest_choose(const struct manifest *index, const struct platform *want,
		    const struct descriptor **ret)
{
	AUTO_SBUF struct sbuf there = SBUF_INIT;
	AUTO_FREE char *wanted = platform_text(want);
	const struct descriptor *best = NULL;
	int best_score = 0;

	for (unsigned i = 0; i < index->n_children; i++) {
		const struct descriptor *d = &index->children[i];
		AUTO_FREE char *text = platform_text(&d->platform);
		int s;

		if ((d->has_platform && strcmp(text, "unknown/unknown") == 0) ||
		    (d->artifact_type && !manifest_is_config(d->artifact_type)))
			continue; /* attestations and other artifacts, not images */
		s = score(d, want);
		if (s > best_score) {
			best = d;
			best_score = s;
		}
		if (there.len < 500)
			sbuf_addf(&there, "%s%s", there.len ? ", " : "",
				  d->has_platform ? text : "unnamed");
	}
	if (!best)
		return err_new(-CE_NO_IMAGE, "nothing for %s in the index (there is %s)", wanted,
			       there.len ? there.s : "nothing");
	*ret = best;
	return 0;
}

int platform_choice(const char *platform, const char *os, const char *arch, const char *variant,
		    char **ret)
{
	AUTO(platform_done) struct platform host = {0};

	*ret = NULL;
	if (platform && (arch || os || variant))
		return err_usage("--platform already says what --os, --arch and --variant would");
	if (platform) {
		*ret = xstrdup(platform);
	} else if (arch || os || variant) {
		platform_host(&host);
		*ret = xasprintf("%s/%s%s%s", os ? os : "linux", arch ? arch : host.architecture,
				 variant ? "/" : "", variant ? variant : "");
	}
	return 0;
}

const char *platform_or_default(const char *platform, const char *os, const char *arch,
				const char *variant)
{
	const char *env = getenv("DOCKER_DEFAULT_PLATFORM");

	return !platform && !os && !arch && !variant && env && *env ? env : platform;
}
