/* SPDX-License-Identifier: MIT */
#include "pkg/config/credential_helper.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/config/auth_internal.h"
#include "pkg/json/json.h"
#include "pkg/sys/converse.h"
#include "pkg/sys/process.h"

#define HELPER_MS 10000
#define ANSWER_MAX (64 * 1024)

static bool is_helper_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n < 64 && !s[n];
}

static int find_program(const char *name, char **ret)
{
	AUTO_FREE char *program = xasprintf("docker-credential-%s", name);

	return program_find(program, ret);
}

int helper_answer(const struct sbuf *answer, struct credential *ret)
{
	AUTO_JSON struct json_object *o = NULL;
	const char *user = NULL, *secret = NULL;
	int r;

	r = json_parse(answer->s, answer->len, &o);
	if (r < 0)
		return r;
	if ((r = json_get_str(o, "Username", &user)) < 0 ||
	    (r = json_get_str(o, "Secret", &secret)) < 0)
		return r;
	if (!user || !secret)
		return err_new(-CE_BAD_FORMAT, "answer without Username and Secret");
	if (strcmp(user, "<token>") == 0) {
		ret->identity_token = xstrdup(secret);
		return 0;
	}
	ret->user = xstrdup(user);
	ret->password = xstrdup(secret);
	return 0;
}

/* One question and its answer; @ret_status is the program's. */
static int run(const char *program, const char *verb, const struct sbuf *input, struct sbuf *answer,
	       int *ret_status)
{
	char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)verb, NULL};
	struct converse c = {.program = program,
			     .argv = argv,
			     .input = input,
			     .max = ANSWER_MAX,
			     .timeout_ms = HELPER_MS};
	int r = converse(&c, answer, ret_status);

	sbuf_trim_end(answer, "\r\n ");
	return r;
}

/* @ret: NULL for verbs without an answer. */
static int ask(const char *name, const char *verb, const char *server, const struct sbuf *input,
	       struct credential *ret)
{
	AUTO(sbuf_wipe) struct sbuf answer = SBUF_INIT;
	AUTO_FREE char *program = NULL;
	int status = 0, r;

	if (!is_helper_name(name))
		return err_new(-CE_UNSAFE, "credential helper \"%s\"", name);
	if (strpbrk(server, "\r\n"))
		return err_new(-CE_BAD_FORMAT, "server name");
	r = find_program(name, &program);
	if (r == 0)
		r = run(program, verb, input, &answer, &status);
	if (r == 0 && status != 0 && strstr(answer.s, "credentials not found in native keychain"))
		return 0;
	if (r == 0 && status != 0)
		r = err_new(-CE_DENIED, "it failed: %.200s", answer.s);
	if (r == 0 && ret)
		r = helper_answer(&answer, ret);
	return r < 0 ? err_wrap(r, "credential helper %s", program ? program : name) : 0;
}

/* Of the whole process, as its user id is. */
static struct {
	int line;
	int (*get)(int line, const char *name, const char *server, struct credential *ret);
} elsewhere;

void helper_ask_elsewhere(int line, int (*get)(int line, const char *name, const char *server,
					       struct credential *ret))
{
	elsewhere.line = line;
	elsewhere.get = get;
}

int helper_get(const char *name, const char *server, struct credential *ret)
{
	AUTO_SBUF struct sbuf input = SBUF_INIT;

	if (elsewhere.get)
		return elsewhere.get(elsewhere.line, name, server, ret);
	sbuf_adds(&input, server);
	return ask(name, "get", server, &input, ret);
}

int helper_store(const char *name, const char *server, const struct credential *c)
{
	AUTO(sbuf_wipe) struct sbuf input = SBUF_INIT;
	AUTO_JSON struct json_object *o = json_object_new_object();

	json_set_str(o, "ServerURL", server);
	json_set_str(o, "Username", c->identity_token ? "<token>" : c->user);
	json_set_str(o, "Secret", c->identity_token ? c->identity_token : c->password);
	json_write(o, false, &input);
	return ask(name, "store", server, &input, NULL);
}

int helper_erase(const char *name, const char *server)
{
	AUTO_SBUF struct sbuf input = SBUF_INIT;

	sbuf_adds(&input, server);
	return ask(name, "erase", server, &input, NULL);
}
