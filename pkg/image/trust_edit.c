/* SPDX-License-Identifier: MIT */
#include "pkg/image/trust_edit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/conf_file.h"
#include "pkg/json/json.h"
#include "pkg/sys/converse.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"
#include "pkg/transfer/lookaside.h"
#include "pkg/transfer/policy.h"

#define POLICY_MAX (4UL << 20)
#define GPG_MS 20000

int trust_raw(const char *file, struct sbuf *ret)
{
	AUTO(policy_done) struct policy p = {0};
	int r = policy_load(file, &p);

	if (r == 0 && !p.file)
		r = err_new(-ENOENT, "policy.json");
	return r == 0 ? file_read_at(AT_FDCWD, p.file, POLICY_MAX, ret) : r;
}

/* --- show -------------------------------------------------------------------------------------- */

/* The addresses of the keys in a file; nothing when gpg does not know any. */
static char *ids_of(const char *key)
{
	AUTO_FREE char *program = NULL, *file = xstrdup(key);
	static char name[] = "gpg", batch[] = "--batch", show[] = "--show-keys",
		    colons[] = "--with-colons";
	char *argv[] = {name, batch, show, colons, file, NULL};
	AUTO_SBUF struct sbuf nothing = SBUF_INIT, text = SBUF_INIT, ids = SBUF_INIT;
	struct converse c = {.argv = argv, .input = &nothing, .max = 1 << 20, .timeout_ms = GPG_MS};
	int status;

	if (program_find("gpg", &program) < 0) {
		err_drop();
		return xstrdup("");
	}
	c.program = program;
	if (converse(&c, &text, &status) < 0) {
		err_drop();
		return xstrdup("");
	}
	for (const char *line = text.s; line; line = strchr(line, '\n')) {
		const char *field;

		line += *line == '\n';
		if (strncmp(line, "uid:", 4) != 0)
			continue;
		field = line;
		for (unsigned i = 0; i < 9 && field; i++)
			field = strchr(field, ':') ? strchr(field, ':') + 1 : NULL;
		if (field) {
			const char *open = memchr(field, '<', strcspn(field, ":\n"));
			size_t n = open ? strcspn(++open, ">:\n") : strcspn(field, ":\n");

			sbuf_addf(&ids, "%s%.*s", ids.len ? ", " : "", (int)n, open ? open : field);
		}
	}
	return sbuf_steal(&ids);
}

static char *ids_of_all(const struct policy_requirement *q)
{
	AUTO_STRV struct strv all = STRV_INIT;

	if (q->kind == POLICY_SIGSTORE)
		return xstrdup("N/A");
	for (size_t i = 0; i < q->keys.paths.n; i++) {
		char *ids = ids_of(q->keys.paths.v[i]);

		if (*ids)
			strv_take(&all, ids);
		else
			free(ids);
	}
	return strv_join(&all, ", ");
}

static char *store_of(const struct lookasides *l, const char *scope)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i].scope && scope && strcmp(l->v[i].scope, scope) == 0 &&
		    l->v[i].lookaside)
			return xstrdup(l->v[i].lookaside);
	return xstrdup("");
}

static void set_unless_empty(struct json_object *o, const char *key, const char *value)
{
	if (*value)
		json_set_str(o, key, value);
}

static void add_row(const struct lookasides *l, const struct policy_scope *s,
		    const struct policy_requirement *q, struct json_object *rows,
		    struct json_object *json)
{
	static const char *const types[] = {"accept", "reject", "signed", "sigstoreSigned"};
	bool docker = s->transport && strcmp(s->transport, "docker") == 0, all = !s->transport;
	const char *transport = all ? "all" : docker ? "repository" : s->transport;
	const char *name = all ? "default" : s->scope;
	bool keys = q->kind == POLICY_SIGNED_BY || q->kind == POLICY_SIGSTORE;
	AUTO_FREE char *ids = keys ? ids_of_all(q) : xstrdup("");
	AUTO_FREE char *store = docker ? store_of(l, s->scope) : xstrdup("");
	struct json_object *row = json_object_new_object(), *o = json_object_new_object();

	json_set_str(row, "Transport", transport);
	json_set_str(row, "Name", name);
	json_set_str(row, "RepoName", name);
	json_set_str(row, "Type", types[q->kind]);
	json_set_str(row, "GPGId", ids);
	json_set_str(row, "SignatureStore", store);
	(void)json_object_array_add(rows, row);
	json_set_str(o, "transport", transport);
	set_unless_empty(o, "name", all ? "* (default)" : name);
	set_unless_empty(o, "repo_name", name);
	set_unless_empty(o, "sigstore", store);
	json_set_str(o, "type", types[q->kind]);
	set_unless_empty(o, "gpg_id", ids);
	(void)json_object_array_add(json, o);
}

int trust_rows(const char *file, struct json_object **ret_rows, struct json_object **ret_json)
{
	AUTO(lookasides_done) struct lookasides l = {0};
	AUTO(policy_done) struct policy p = {0};
	int r = policy_load(file, &p);

	if (r == 0)
		r = lookasides_load(&l);
	if (r < 0)
		return r;
	*ret_rows = json_object_new_array();
	*ret_json = json_object_new_array();
	for (unsigned i = 0; i < p.n; i++)
		for (unsigned k = 0; k < p.scopes[i].n; k++)
			add_row(&l, &p.scopes[i], &p.scopes[i].v[k], *ret_rows, *ret_json);
	return 0;
}

/* --- set --------------------------------------------------------------------------------------- */

static int requirements(const char *type, const struct strv *keys, struct json_object **ret)
{
	static const struct {
		const char *word, *type;
		bool keys, gpg;
	} types[] = {{"accept", "insecureAcceptAnything", false, false},
		     {"reject", "reject", false, false},
		     {"signedBy", "signedBy", true, true},
		     {"sigstoreSigned", "sigstoreSigned", true, false}};
	struct json_object *list;
	size_t t = 0;

	while (t < ARRAY_LEN(types) && strcmp(types[t].word, type) != 0)
		t++;
	if (t == ARRAY_LEN(types))
		return err_usage("--type '%s': use accept, reject, signedBy or sigstoreSigned",
				 type);
	if (types[t].keys != (keys->n > 0))
		return types[t].keys ? err_usage("--type %s wants --pubkeysfile", type)
				     : err_usage("--pubkeysfile goes not with --type %s", type);
	list = json_object_new_array();
	for (size_t i = 0; i < (keys->n ? keys->n : 1); i++) {
		struct json_object *o = json_object_new_object();

		json_set_str(o, "type", types[t].type);
		if (types[t].gpg)
			json_set_str(o, "keyType", "GPGKeys");
		if (keys->n)
			json_set_str(o, "keyPath", keys->v[i]);
		(void)json_object_array_add(list, o);
	}
	*ret = list;
	return 0;
}

/* The document to change: the file, else the system's, else one that accepts anything. */
static int read_policy(const char *file, struct json_object **ret)
{
	static const char any[] = "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}";
	AUTO(policy_done) struct policy check = {0};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = conf_file_read(file, POLICY_MAX, &text);

	if (r == -ENOENT)
		r = conf_file_read("/etc/containers/policy.json", POLICY_MAX, &text);
	if (r == -ENOENT) {
		err_drop();
		sbuf_adds(&text, any);
		r = 0;
	}
	if (r == 0)
		r = policy_parse(text.s, text.len, &check);
	return r == 0 ? json_parse(text.s, text.len, ret) : r;
}

/* The directory of it; nobody else changes it while we hold that. */
static int lock_dir(const char *file)
{
	AUTO_FREE char *dir = path_absolute(file);
	AUTO_CLOSE int fd = -EBADF;
	char *slash = strrchr(dir, '/');
	int r;

	slash[slash == dir] = '\0';
	r = file_make_dirs(dir, 0755);
	if (r < 0)
		return r;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return err_new(-errno, "%s", dir);
	return TAKE_FD(fd);
}

static int write_policy(int dir, const char *file, struct json_object *o)
{
	AUTO(policy_done) struct policy check = {0};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r;

	json_write(o, true, &text);
	sbuf_addc(&text, '\n');
	r = policy_parse(text.s, text.len, &check);
	return r < 0 ? r : file_replace(dir, path_base(file), text.s, text.len, 0644, FILE_SYNC);
}

int trust_set(const char *file, const char *scope, const char *type, const struct strv *keys)
{
	AUTO_JSON struct json_object *o = NULL, *list = NULL;
	struct json_object *transports = NULL, *docker = NULL;
	AUTO_FREE char *own = NULL;
	AUTO_CLOSE int dir = -EBADF;
	int r = requirements(type, keys, &list);

	if (r == 0 && !file) {
		r = policy_user_file(&own);
		file = own;
	}
	if (r == 0)
		r = dir = lock_dir(file);
	if (r >= 0)
		r = read_policy(file, &o);
	if (r < 0)
		return r;
	if (strcmp(scope, "default") == 0) {
		json_set(o, "default", json_object_get(list));
		return write_policy(dir, file, o);
	}
	if (!json_object_object_get_ex(o, "transports", &transports)) {
		transports = json_object_new_object();
		json_set(o, "transports", transports);
	}
	if (!json_object_object_get_ex(transports, "docker", &docker)) {
		docker = json_object_new_object();
		json_set(transports, "docker", docker);
	}
	json_set(docker, scope, json_object_get(list));
	return write_policy(dir, file, o);
}
