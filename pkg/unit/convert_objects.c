/* SPDX-License-Identifier: MIT */
/* [Volume], [Network], [Image], [Build]: services that make something and count as active from then on. */
#include <string.h>
#include <strings.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/unit/convert.h"

#define COMMON_KEYS                                                            \
	{"ServiceName", .kind = KEY_OTHER}, {"PodmanArgs", .kind = KEY_OTHER}, \
		{"GlobalArgs", .kind = KEY_OTHER},                             \
	{                                                                      \
		"ContainersConfModule", .kind = KEY_OTHER                      \
	}

static int add_driver(struct convert *c, const struct unit_line *l)
{
	if (l != convert_own(c, l->key))
		return 0;
	if (strcmp(l->value, "local") != 0)
		return err_new(-CE_BAD_FORMAT,
			       "%s: %s=%s: there is no volume driver but local; "
			       "Mount=type=image of a .container has images",
			       l->where, l->key, l->value);
	strv_add(&c->argv, "--driver");
	strv_add(&c->argv, l->value);
	return 0;
}

const struct key_row volume_keys[] = {
	{"VolumeName", .kind = KEY_OTHER},
	{"Copy", .kind = KEY_OTHER},
	{"Device", KEY_ONE, .flag = "--opt", .prefix = "device="},
	{"Driver", KEY_CALL, .call = add_driver},
	{"Group", .kind = KEY_OTHER},
	{"Label", KEY_WORDS, .flag = "--label"},
	{"Options", .kind = KEY_OTHER},
	{"Type", KEY_ONE, .flag = "--opt", .prefix = "type="},
	{"GID", KEY_ONE, .flag = "--gid"},
	{"UID", KEY_ONE, .flag = "--uid"},
	{"User", .kind = KEY_OTHER},
	{"Image", KEY_REFUSED,
	 .flag = "there is no volume driver 'image'; Mount=type=image of a .container has images"},
	COMMON_KEYS,
	{.key = NULL},
};

static int volume_options(struct convert *c)
{
	const struct unit_line *u = convert_own(c, "User"), *g = convert_own(c, "Group"),
			       *o = convert_own(c, "Options"), *type = convert_own(c, "Type"),
			       *device = convert_own(c, "Device");
	int copy = unit_file_bool(&c->q->in, c->section, "Copy", true);

	if (copy < 0)
		return copy;
	if (!copy) {
		strv_add(&c->argv, "--opt");
		strv_add(&c->argv, "nocopy");
	}
	if ((o || type) && !device)
		return err_new(-CE_BAD_FORMAT, "%s: %s= needs a Device= beside it",
			       o ? o->where : type->where, o ? o->key : type->key);
	if (type && !strcmp(type->value, "bind"))
		unit_file_add(c->out, "Unit", "RequiresMountsFor", device->value);
	if (u || g || o) {
		strv_add(&c->argv, "--opt");
		strv_addf(&c->argv, "o=%s%s%s%s%s%s%s", u ? "uid=" : "", u ? u->value : "",
			  u && (g || o) ? "," : "", g ? "gid=" : "", g ? g->value : "",
			  g && o ? "," : "", o ? o->value : "");
	}
	return 0;
}

int convert_volume_file(struct convert *c)
{
	int r;

	strv_add(&c->argv, "volume");
	strv_add(&c->argv, "create");
	strv_add(&c->argv, "--ignore");
	r = volume_options(c);
	if (r == 0)
		r = convert_keys(c, volume_keys);
	if (r == 0)
		r = convert_oneshot(c);
	strv_add(&c->argv, c->q->object);
	return r == 0 ? convert_exec(c, "ExecStart") : r;
}

const struct key_row network_keys[] = {
	{"NetworkName", .kind = KEY_OTHER},
	{"NetworkDeleteOnStop", .kind = KEY_OTHER},
	{"DisableDNS", KEY_BOOL, .flag = "--disable-dns"},
	{"DNS", KEY_EACH, .flag = "--dns"},
	{"Driver", KEY_ONE, .flag = "--driver"},
	{"Gateway", KEY_EACH, .flag = "--gateway"},
	{"Internal", KEY_BOOL, .flag = "--internal"},
	{"IPAMDriver", KEY_ONE, .flag = "--ipam-driver"},
	{"IPRange", KEY_EACH, .flag = "--ip-range"},
	{"IPv6", KEY_BOOL, .flag = "--ipv6"},
	{"InterfaceName", KEY_ONE, .flag = "--interface-name"},
	{"Label", KEY_WORDS, .flag = "--label"},
	{"Options", KEY_WORDS, .flag = "--opt"},
	{"Subnet", KEY_EACH, .flag = "--subnet"},
	COMMON_KEYS,
	{.key = NULL},
};

static unsigned count(const struct convert *c, const char *key, const struct unit_line **ret_last)
{
	const struct unit_line *l = NULL;
	unsigned n = 0;

	while ((l = unit_file_next(&c->q->in, c->section, key, l))) {
		*ret_last = l;
		n++;
	}
	return n;
}

/* The second of each is the second subnet's. */
static int check_subnets(const struct convert *c)
{
	static const char *const keys[] = {"Gateway", "IPRange"};
	const struct unit_line *l = NULL;
	unsigned subnets = count(c, "Subnet", &l);

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (count(c, keys[i], &l) > subnets)
			return err_new(-CE_BAD_FORMAT, "%s: %s=%s: there is no Subnet= for it",
				       l->where, l->key, l->value);
	return 0;
}

int convert_network_file(struct convert *c)
{
	int drop = unit_file_bool(&c->q->in, c->section, "NetworkDeleteOnStop", false);
	int r = drop < 0 ? drop : check_subnets(c);

	if (r < 0)
		return r;
	strv_add(&c->argv, "network");
	strv_add(&c->argv, "create");
	strv_add(&c->argv, "--ignore");
	r = convert_keys(c, network_keys);
	if (r == 0)
		r = convert_oneshot(c);
	strv_add(&c->argv, c->q->object);
	if (r == 0)
		r = convert_exec(c, "ExecStart");
	if (r < 0 || !drop)
		return r;
	strv_done(&c->argv);
	strv_add(&c->argv, "network");
	strv_add(&c->argv, "rm");
	strv_add(&c->argv, c->q->object);
	return convert_exec(c, "ExecStopPost");
}

const struct key_row image_keys[] = {
	{"Image", .kind = KEY_OTHER},
	{"ImageTag", .kind = KEY_OTHER},
	{"AllTags", KEY_BOOL, .flag = "--all-tags"},
	{"Arch", KEY_ONE, .flag = "--arch"},
	{"AuthFile", KEY_ONE, .flag = "--authfile"},
	{"CertDir", KEY_ONE, .flag = "--cert-dir"},
	{"Creds", KEY_ONE, .flag = "--creds"},
	{"OS", KEY_ONE, .flag = "--os"},
	{"Policy", KEY_ONE, .flag = "--policy"},
	{"TLSVerify", KEY_BOOL, .flag = "--tls-verify"},
	{"Variant", KEY_ONE, .flag = "--variant"},
	{"DecryptionKey", KEY_REFUSED, .flag = "encrypted images are not read"},
	{"Retry", KEY_ONE, .flag = "--retry"},
	{"RetryDelay", KEY_ONE, .flag = "--retry-delay"},
	COMMON_KEYS,
	{.key = NULL},
};

int convert_image_file(struct convert *c)
{
	const struct unit_line *l = convert_own(c, "Image");
	int r;

	if (!l)
		return err_new(-CE_BAD_FORMAT, "%s: [Image] needs Image=", c->q->path);
	strv_add(&c->argv, "pull");
	strv_add(&c->argv, "--quiet");
	r = convert_keys(c, image_keys);
	if (r == 0)
		r = convert_oneshot(c);
	strv_add(&c->argv, l->value);
	return r == 0 ? convert_exec(c, "ExecStart") : r;
}

const struct key_row artifact_keys[] = {
	{"Artifact", .kind = KEY_OTHER},
	{"AuthFile", KEY_ONE, .flag = "--authfile"},
	{"CertDir", KEY_ONE, .flag = "--cert-dir"},
	{"Creds", KEY_ONE, .flag = "--creds"},
	{"Quiet", KEY_BOOL, .flag = "--quiet"},
	{"TLSVerify", KEY_BOOL, .flag = "--tls-verify"},
	{"DecryptionKey", KEY_REFUSED, .flag = "encrypted artifacts are not read"},
	{"Retry", KEY_ONE, .flag = "--retry"},
	{"RetryDelay", KEY_ONE, .flag = "--retry-delay"},
	COMMON_KEYS,
	{.key = NULL},
};

int convert_artifact_file(struct convert *c)
{
	const struct unit_line *l = convert_own(c, "Artifact");
	int r;

	if (!l)
		return err_new(-CE_BAD_FORMAT, "%s: [Artifact] needs Artifact=", c->q->path);
	strv_add(&c->argv, "artifact");
	strv_add(&c->argv, "pull");
	r = convert_keys(c, artifact_keys);
	if (r == 0)
		r = convert_oneshot(c);
	strv_add(&c->argv, l->value);
	return r == 0 ? convert_exec(c, "ExecStart") : r;
}

static int add_file(struct convert *c, const struct unit_line *l)
{
	const struct unit_line *dir = convert_own(c, "SetWorkingDirectory");
	/* From a directory that is named by itself it is meant as it stands. */
	bool here = dir && strcasecmp(dir->value, "file") != 0 &&
		    strcasecmp(dir->value, "unit") != 0;

	if (strstr(l->value, "://"))
		return err_new(-CE_BAD_FORMAT, "%s: File=%s: must be a file", l->where, l->value);
	strv_add(&c->argv, "--file");
	if (here)
		strv_add(&c->argv, l->value);
	else
		strv_take(&c->argv, convert_path(c, l->value));
	return 0;
}

const struct key_row build_keys[] = {
	{"ImageTag", KEY_EACH, .flag = "--tag"},
	{"File", KEY_CALL, .call = add_file},
	{"SetWorkingDirectory", .kind = KEY_OTHER},
	{"Annotation", KEY_WORDS, .flag = "--annotation"},
	{"AuthFile", KEY_ONE, .flag = "--authfile"},
	{"BuildArg", KEY_WORDS, .flag = "--build-arg"},
	{"DNS", KEY_EACH, .flag = "--dns"},
	{"DNSOption", KEY_EACH, .flag = "--dns-option"},
	{"DNSSearch", KEY_EACH, .flag = "--dns-search"},
	{"Environment", KEY_WORDS, .flag = "--env"},
	{"ForceRM", KEY_BOOL, .flag = "--force-rm"},
	{"GroupAdd", KEY_EACH, .flag = "--group-add"},
	{"Volume", KEY_CALL, .call = convert_volume},
	{"Label", KEY_WORDS, .flag = "--label"},
	{"Network", KEY_CALL, .call = convert_network},
	{"Pull", KEY_ONE, .flag = "--pull="},
	{"Secret", KEY_EACH, .flag = "--secret"},
	{"TLSVerify", KEY_BOOL, .flag = "--tls-verify"},
	{"Target", KEY_ONE, .flag = "--target"},
	{"IgnoreFile", KEY_ONE, .flag = "--ignorefile"},
	{"Arch", .kind = KEY_OTHER},
	{"Variant", .kind = KEY_OTHER},
	{"Retry", KEY_ONE, .flag = "--retry"},
	{"RetryDelay", KEY_ONE, .flag = "--retry-delay"},
	COMMON_KEYS,
	{.key = NULL},
};

static bool is_remote(const char *context)
{
	return strstr(context, "://") || !strncmp(context, "git@", 4);
}

/* The directory that is sent: of the unit, of the Containerfile, or what is named; or a URL. */
static int build_context(struct convert *c, char **ret)
{
	const struct unit_line *l = convert_own(c, "SetWorkingDirectory"),
			       *file = convert_own(c, "File"),
			       *own = unit_file_last(&c->q->in, "Service", "WorkingDirectory");
	AUTO_FREE char *path = NULL, *dir = NULL;

	/* With one that is the service's own it is that one. */
	if (!l && own) {
		*ret = xstrdup(own->value);
		return 0;
	}
	if (!file && (!l || !strcasecmp(l->value, "file")))
		return err_new(-CE_BAD_FORMAT, "%s: [Build] needs File=%s", c->q->path,
			       l ? "" : " or SetWorkingDirectory=");
	if (l && is_remote(l->value)) {
		*ret = xstrdup(l->value);
	} else if (l && !strcasecmp(l->value, "file")) {
		path = convert_path(c, file->value);
		dir = xstrndup(path, (size_t)(path_base(path) - path));
		*ret = path_clean(dir);
	} else {
		*ret = convert_path(c, l && strcasecmp(l->value, "unit") != 0 ? l->value : ".");
	}
	return 0;
}

/* build has the three words of a platform in one flag. */
static int build_platform(struct convert *c)
{
	const struct unit_line *arch = convert_own(c, "Arch"), *variant = convert_own(c, "Variant");

	if (variant && !arch)
		return err_new(-CE_BAD_FORMAT, "%s: Variant= needs an Arch= beside it",
			       variant->where);
	if (!arch)
		return 0;
	strv_add(&c->argv, "--platform");
	strv_addf(&c->argv, "linux/%s%s%s", arch->value, variant ? "/" : "",
		  variant ? variant->value : "");
	return 0;
}

int convert_build_file(struct convert *c)
{
	AUTO_FREE char *context = NULL;
	int r;

	if (!convert_own(c, "ImageTag"))
		return err_new(-CE_BAD_FORMAT, "%s: [Build] needs ImageTag=", c->q->path);
	r = build_context(c, &context);
	if (r < 0)
		return r;
	strv_add(&c->argv, "build");
	r = build_platform(c);
	if (r == 0)
		r = convert_keys(c, build_keys);
	if (r == 0 && !is_remote(context) &&
	    !unit_file_last(&c->q->in, "Service", "WorkingDirectory"))
		unit_file_add(c->out, "Service", "WorkingDirectory", context);
	if (r == 0)
		r = convert_oneshot(c);
	strv_add(&c->argv, context);
	return r == 0 ? convert_exec(c, "ExecStart") : r;
}
