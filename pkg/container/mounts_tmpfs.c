/* SPDX-License-Identifier: MIT */
/* --tmpfs DIR[:OPTIONS], and what a tmpfs of --mount understands. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/mounts_internal.h"
#include "pkg/runtime/plan.h"

/* tmpfs options go to the kernel, so only known keys with checked values do. */
static int tmpfs_option(struct mount_spec *m, struct sbuf *data, const char *w, const char *spec)
{
	const char *eq = strchr(w, '=');
	uint64_t size;
	uint32_t mode;

	if (strncmp(w, "size=", 5) == 0 || strncmp(w, "nr_inodes=", 10) == 0) {
		size_t n = strlen(eq + 1);

		if (n > 1 && eq[n] == '%' && w[0] == 's') {
			AUTO_FREE char *number = xstrndup(eq + 1, n - 1);

			if (parse_u64(number, 100, &size) < 0)
				return err_usage("tmpfs '%s': bad size '%s'", spec, eq + 1);
			sbuf_addf(data, "%s%s", data->len ? "," : "", w);
			return 0;
		}
		if (parse_size(eq + 1, &size) < 0)
			return err_usage("tmpfs '%s': bad size '%s'; write a number with k, m or g",
					 spec, eq + 1);
		sbuf_addf(data, "%s%.*s=%llu", data->len ? "," : "", (int)(eq - w), w,
			  (unsigned long long)size);
		return 0;
	}
	if (strncmp(w, "mode=", 5) == 0) {
		if (parse_octal(eq + 1, 07777, &mode) < 0)
			return err_usage("tmpfs '%s': bad mode '%s'; write octal digits", spec,
					 eq + 1);
		sbuf_addf(data, "%smode=%o", data->len ? "," : "", mode);
		return 0;
	}
	if (strncmp(w, "uid=", 4) == 0 || strncmp(w, "gid=", 4) == 0) {
		uint32_t id;

		if (parse_u32(w + 4, INT32_MAX, &id) < 0)
			return err_usage("tmpfs '%s': bad id '%s'", spec, eq + 1);
		sbuf_addf(data, "%s%.*s=%u", data->len ? "," : "", 3, w, id);
		return 0;
	}
	if (strcmp(w, "tmpcopyup") == 0)
		m->flags |= RT_MNT_COPYUP;
	else if (strcmp(w, "notmpcopyup") == 0)
		m->flags &= ~RT_MNT_COPYUP;
	else if (!mount_flag_word(m, w) && !mount_propagation_word(m, w) && !mount_ignored_word(w))
		return err_usage("tmpfs '%s': unknown option '%s'; known are rw ro size= mode= "
				 "uid= gid= nr_inodes= [no]exec "
				 "[no]suid [no]dev noatime [no]tmpcopyup U",
				 spec, w);
	return 0;
}

int mount_tmpfs_words(struct mount_spec *m, const char *options, const char *spec)
{
	AUTO_SBUF struct sbuf data = SBUF_INIT;
	AUTO_STRV struct strv words = STRV_INIT;

	strv_split(&words, options, ',');
	for (size_t i = 0; i < words.n; i++) {
		int rc = *words.v[i] ? tmpfs_option(m, &data, words.v[i], spec) : 0;

		if (rc < 0)
			return rc;
	}
	if (data.len)
		m->data = sbuf_steal(&data);
	return 0;
}

int mounts_add_tmpfs(struct container_record *r, const char *spec)
{
	struct mount_spec *m = record_add_mount(r);
	const char *colon = strchr(spec, ':');
	AUTO_FREE char *target = colon ? xstrndup(spec, (size_t)(colon - spec)) : xstrdup(spec);
	int rc;

	m->kind = MOUNT_TMPFS;
	m->flags = TMPFS_FLAGS | RT_MNT_COPYUP;
	rc = mount_set_target(m, target, spec);
	if (rc == 0 && colon) {
		rc = mount_tmpfs_words(m, colon + 1, spec);
		m->options = xstrdup(colon + 1);
	}
	return rc;
}
