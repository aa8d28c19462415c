/* SPDX-License-Identifier: MIT */
#include "pkg/image/sign_file.h"

#include <fcntl.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/json/yaml.h"
#include "pkg/sys/file.h"

#define FILE_MAX (64UL << 10)

void sign_file_done(struct sign_file *f)
{
	freep(&f->key);
	freep(&f->passphrase_file);
}

static int check_key(const char *key)
{
	if (strcmp(key, "fulcio") == 0)
		return err_new(-CE_UNSUPPORTED, "fulcio: no service is asked for a certificate; "
						"name a privateKeyFile instead");
	if (strcmp(key, "rekorURL") == 0)
		return err_new(-CE_UNSUPPORTED,
			       "rekorURL: no log is told of signatures; leave it out");
	if (strcmp(key, "privateKeyFile") == 0 || strcmp(key, "privateKeyPassphraseFile") == 0)
		return 0;
	return err_new(-CE_BAD_FORMAT,
		       "'%.64s' is no parameter; known are privateKeyFile and "
		       "privateKeyPassphraseFile",
		       key);
}

static int take(struct json_object *o, struct sign_file *ret)
{
	const char *key = NULL, *passphrase = NULL;
	int r = 0;

	json_object_object_foreach(o, name, value)
	{
		(void)value;
		if (r == 0)
			r = check_key(name);
	}
	if (r == 0)
		r = json_get_str(o, "privateKeyFile", &key);
	if (r == 0)
		r = json_get_str(o, "privateKeyPassphraseFile", &passphrase);
	if (r == 0 && (!key || !*key))
		r = err_new(-CE_BAD_FORMAT, "there is no privateKeyFile in it");
	if (r < 0)
		return r;
	ret->key = xstrdup(key);
	ret->passphrase_file = passphrase && *passphrase ? xstrdup(passphrase) : NULL;
	return 0;
}

int sign_file_parse(const char *s, size_t n, struct sign_file *ret)
{
	AUTO_JSON struct json_object *docs = NULL;
	struct json_object *o;
	int r = yaml_parse(s, n, &docs);

	if (r < 0)
		return r;
	o = json_object_array_length(docs) == 1 ? json_object_array_get_idx(docs, 0) : NULL;
	return json_object_is_type(o, json_type_object)
		       ? take(o, ret)
		       : err_new(-CE_BAD_FORMAT, "not one document of parameters");
}

int sign_file_read(const char *path, struct sign_file *ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = file_read_at(AT_FDCWD, path, FILE_MAX, &text);

	if (r == 0)
		r = sign_file_parse(text.s, text.len, ret);
	return r < 0 ? err_wrap(r, "%s", path) : 0;
}
