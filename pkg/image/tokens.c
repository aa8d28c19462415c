/* SPDX-License-Identifier: MIT */
#include "pkg/image/tokens.h"

#include <stdbool.h>
#include <string.h>

#include "pkg/base/auto.h"

#define TEXT_LOOK 512 /* without a NUL in so much it is a text */

#define DIGITS "0123456789"
#define HEX DIGITS "abcdef"
#define ALNUM DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define URL_SAFE ALNUM "_-"

/* Issued so that they can be found: a prefix, then at least @min of an alphabet. @max 0: or any number. */
static const struct form {
	const char *prefix, *alphabet;
	size_t min, max;
	const char *what;
} forms[] = {
	{"ghp_", ALNUM, 36, 36, "GitHub token"},
	{"gho_", ALNUM, 36, 36, "GitHub token"},
	{"ghu_", ALNUM, 36, 36, "GitHub token"},
	{"ghs_", ALNUM, 36, 36, "GitHub token"},
	{"ghr_", ALNUM, 36, 76, "GitHub token"},
	{"github_pat_", ALNUM "_", 82, 82, "GitHub token"},
	{"glpat-", URL_SAFE, 20, 0, "GitLab token"},
	{"xoxb-", ALNUM "-", 40, 0, "Slack token"},
	{"xoxp-", ALNUM "-", 40, 0, "Slack token"},
	{"npm_", ALNUM, 36, 36, "npm token"},
	{"pypi-AgEIcHlwaS5vcmc", URL_SAFE, 50, 0, "PyPI token"},
	{"dckr_pat_", URL_SAFE, 27, 27, "Docker Hub token"},
	{"sk_live_", ALNUM, 24, 0, "Stripe key"},
	{"rk_live_", ALNUM, 24, 0, "Stripe key"},
	{"AIza", URL_SAFE, 35, 35, "Google API key"},
	{"dop_v1_", HEX, 64, 64, "DigitalOcean token"},
	{"hvs.", URL_SAFE, 24, 0, "Vault token"},
	{"hf_", ALNUM, 34, 34, "Hugging Face token"},
	{"sk-ant-", URL_SAFE, 32, 0, "Anthropic key"},
	{"sk-proj-", URL_SAFE, 40, 0, "OpenAI key"},
};

static bool is_of(const char *alphabet, char c)
{
	return c && strchr(alphabet, c);
}

/* A run of one letter, "ghp_xxxx…", is how documentation writes one. */
static bool has_form(const struct form *f, const char *s, size_t n)
{
	size_t len = 0;
	bool varied = false;

	while (len < n && is_of(f->alphabet, s[len])) {
		varied |= s[len] != s[0];
		len++;
	}
	return varied && len >= f->min && (!f->max || len <= f->max);
}

static bool has_token(const struct form *f, const char *s, size_t n)
{
	const char *end = s + n, *at = s;
	size_t len = strlen(f->prefix);

	while ((at = memmem(at, (size_t)(end - at), f->prefix, len))) {
		bool begins = at == s || !is_of(URL_SAFE, at[-1]);

		at += len;
		if (begins && has_form(f, at, (size_t)(end - at)))
			return true;
	}
	return false;
}

const char *token_look(const char *s, size_t n)
{
	if (memchr(s, '\0', n < TEXT_LOOK ? n : TEXT_LOOK))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (has_token(&forms[i], s, n))
			return forms[i].what;
	return NULL;
}
