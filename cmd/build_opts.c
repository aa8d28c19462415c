/* SPDX-License-Identifier: MIT */
/* The options of "cuddy build", and what they mean as a request. */
#include <fcntl.h>
#include <string.h>

#include "cmd/build.h"
#include "cmd/create_opts.h"
#include "cmd/limit_opts.h"
#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/config/containers_conf.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/file.h"

#define ARG_FILE_MAX (1UL << 20)

const struct build_args build_defaults = {
	.registry = REGISTRY_ARGS_DEFAULTS,
	.run = CONTAINER_REQUEST_DEFAULTS,
	.layers = -1,
	.inherit_labels = -1,
	.inherit_annotations = -1,
	.identity_label = -1,
	.rewrite_timestamp = -1,
	.created_annotation = -1,
	.skip_unused = -1,
	.http_proxy = -1,
};

/* clang-format off */
const struct opt build_opts[] = {
	OPT_LIST(0, "add-host", "NAME:IP", struct build_args, run.add_host, "Add a line to /etc/hosts while commands run", .commas = true),
	OPT_LIST(0, "allow", "network.host|device[=NAME]", struct build_args, allow, "Let RUN --network=host reach what listens on this machine, or RUN --device have all devices, or one"),
	OPT_BOOL(0, "all-platforms", struct build_args, all_platforms, "Build for every platform that all base images are for"),
	OPT_LIST(0, "annotation", "[TYPE:]KEY=VALUE", struct build_args, annotations, "Attach an annotation to the image's manifest, or to TYPE: manifest, manifest-descriptor, index, index-descriptor"),
	OPT_STR(0, "arch", "ARCH", struct build_args, arch, "Architecture to build for, instead of --platform"),
	OPT_LIST(0, "attest", "type=TYPE", struct build_args, attest, "Say something beside the image, which becomes a list of one: type=provenance, how it was built, with mode=max|min, version=v1|v0.2, builder-id=ID or reproducible=true after commas; type=sbom, what a scanner finds in it, with generator=IMAGE and what that one takes"),
	OPT_LIST(0, "build-arg", "NAME[=VALUE]", struct build_args, build_args, "Set a build argument, or pass a variable of ours on"),
	OPT_LIST(0, "build-arg-file", "FILE", struct build_args, build_arg_files, "Read build arguments from a file, one a line", .complete = COMPLETE_FILE),
	OPT_LIST(0, "build-context", "NAME=WHAT", struct build_args, contexts, "Files or an image for COPY --from and FROM: a directory, docker-image://REFERENCE, oci-layout://DIRECTORY[:TAG], target:STAGE, a URL or repository"),
	OPT_STR(0, "builder", "NAME", struct build_args, builder, "One of those that buildx create names: they are all the same", .hidden = true),
	OPT_LIST(0, "cache-from", "REPOSITORY|type=TYPE,…", struct build_args, cache_from, "Use what builds elsewhere made: a repository, type=registry,ref=IMAGE, or type=local,src=DIRECTORY"),
	OPT_LIST(0, "cache-to", "REPOSITORY|type=TYPE,…", struct build_args, cache_to, "Keep what steps made for builds elsewhere: a repository, type=registry,ref=IMAGE, type=local,dest=DIRECTORY, or type=inline"),
	OPT_DURATION(0, "cache-ttl", "TIME", struct build_args, cache_ttl_ns, "Use only what was made within that time"),
	OPT_STR(0, "call", "METHOD[,format=json]", struct build_args, call, "What to do: build, check as --check, or print the targets of the file or the arguments and secrets of one",
		.complete = COMPLETE_WORDS, .words = "build check outline targets"),
	OPT_LIST(0, "cap-add", "CAPABILITY", struct build_args, run.cap_add, "Add a capability to commands", .commas = true),
	OPT_LIST(0, "cap-drop", "CAPABILITY", struct build_args, run.cap_drop, "Drop a capability of commands", .commas = true),
	OPT_STR(0, "cgroup-parent", "CGROUP", struct build_args, run.cgroup_parent, "Cgroup under which commands run"),
	OPT_STR(0, "cgroupns", "MODE", struct build_args, run.cgroupns, "Cgroup namespace of commands: private or host", .complete = COMPLETE_WORDS, .words = "private host", .strict = true),
	OPT_BOOL(0, "check", struct build_args, check, "Only tell what in the file is likely not meant; status 1 when there is something"),
	OPT_BOOL(0, "compat-volumes", struct build_args, compat_volumes, "Throw away what commands change below a VOLUME, as old builders did"),
	OPT_LIST(0, "cpp-flag", "FLAG", struct build_args, cpp_flags, "Flag for cpp, through which a file goes whose name ends in .in"),
	OPT_TRI(0, "created-annotation", struct build_args, created_annotation, "Tell the time of the image in an annotation, too"),
	OPT_LIST(0, "device", "HOST[:PATH][:rwm]", struct build_args, run.device, "Give commands a device of the host", .complete = COMPLETE_FILE),
	OPT_LIST(0, "dns", "IP", struct build_args, run.dns, "Name server of commands", .commas = true),
	OPT_LIST(0, "dns-option", "OPTION", struct build_args, run.dns_option, "Resolver option of commands", .commas = true),
	OPT_LIST(0, "dns-search", "DOMAIN", struct build_args, run.dns_search, "Search domain of commands", .commas = true),
	OPT_LIST(0, "env", "NAME[=VALUE]", struct build_args, env, "Set a variable of the image, there for commands, too"),
	OPT_LIST('f', "file", "FILE", struct build_args, files, "Containerfile to read, a URL, or - for standard input; several are read as one", .complete = COMPLETE_FILE),
	OPT_BOOL(0, "force-rm", struct build_args, force_rm, "Leave no containers behind; there are none in any case", .hidden = true),
	OPT_BOOL(0, "explain", struct build_args, explain, "Say of each step why it was done again, or why not"),
	OPT_STR(0, "format", "FORMAT", struct build_args, format, "Format the image is pushed and saved in",
		.complete = COMPLETE_WORDS, .words = "oci docker", .strict = true),
	OPT_STR(0, "digestfile", "FILE", struct build_args, digestfile, "Write the digest of what was pushed to a file", .complete = COMPLETE_FILE),
	OPT_STR(0, "from", "IMAGE", struct build_args, from, "Base image instead of the one of the first FROM", .complete = COMPLETE_IMAGE),
	OPT_LIST(0, "group-add", "GROUP", struct build_args, run.group_add, "Run commands with another group", .commas = true),
	OPT_TRI(0, "http-proxy", struct build_args, http_proxy, "Let commands have the proxy variables of the environment"),
	OPT_TRI(0, "identity-label", struct build_args, identity_label, "A label that names the builder is not made: only false", .hidden = true),
	OPT_STR(0, "ignorefile", "FILE", struct build_args, ignore_file, "Ignore file to use instead of the context's", .complete = COMPLETE_FILE),
	OPT_STR(0, "iidfile", "FILE", struct build_args, iidfile, "Write the image's id to a file", .complete = COMPLETE_FILE),
	OPT_STR(0, "iidfile-raw", "FILE", struct build_args, iidfile_raw, "The same without \"sha256:\"", .complete = COMPLETE_FILE),
	OPT_TRI(0, "inherit-annotations", struct build_args, inherit_annotations, "Keep the annotations of base images"),
	OPT_TRI(0, "inherit-labels", struct build_args, inherit_labels, "Keep the labels of base images"),
	OPT_STR(0, "ipc", "MODE", struct build_args, run.ipc, "IPC namespace of commands: private or host", .complete = COMPLETE_WORDS, .words = "private host", .strict = true),
	OPT_STR(0, "isolation", "TYPE", struct build_args, isolation, "How commands are kept apart: in a rootless container in any case",
		.complete = COMPLETE_WORDS, .words = "default oci rootless"),
	OPT_UINT(0, "jobs", "N", struct build_args, jobs, "Stages to run at a time; 0 for as many as there are processors", .max = 256),
	OPT_LIST(0, "label", "KEY=VALUE", struct build_args, labels, "Attach a label to the image"),
	OPT_LIST(0, "layer-label", "KEY=VALUE", struct build_args, layer_labels, "Attach a label to intermediate images; there are none", .hidden = true),
	OPT_TRI(0, "layers", struct build_args, layers, "Use what earlier builds made"),
	OPT_BOOL(0, "load", struct build_args, load, "Keep the image in the store; it is there in any case", .hidden = true),
	OPT_STR(0, "logfile", "FILE", struct build_args, logfile, "Write steps and the output of commands to a file", .complete = COMPLETE_FILE),
	OPT_BOOL(0, "logsplit", struct build_args, logsplit, "A file of its own for each platform: FILE_OS_ARCH"),
	OPT_STR(0, "metadata-file", "FILE", struct build_args, metadata_file, "Write what was built to a file, as JSON", .complete = COMPLETE_FILE),
	OPT_STR(0, "network", "MODE|NAME", struct build_args, network, "Network of commands: default, none, host, the name of a network, slirp4netns[:OPTIONS], pasta[:OPTIONS], container:NAME or ns:PATH",
		.complete = COMPLETE_NETWORK),
	OPT_BOOL(0, "no-cache", struct build_args, no_cache, "Run every step anew"),
	OPT_LIST(0, "no-cache-filter", "STAGE[,STAGE…]", struct build_args, no_cache_filters, "Run every step of a stage anew"),
	OPT_BOOL(0, "no-hostname", struct build_args, run.no_hostname, "Leave the image's /etc/hostname as it is while commands run"),
	OPT_BOOL(0, "no-hosts", struct build_args, run.no_hosts, "Leave the image's /etc/hosts as it is while commands run"),
	OPT_BOOL(0, "omit-history", struct build_args, omit_history, "Leave the history out of the image"),
	OPT_STR(0, "os", "OS", struct build_args, os, "Operating system to build for, instead of --platform"),
	OPT_LIST('o', "output", "DIRECTORY|type=TYPE[,dest=PATH]", struct build_args, outputs, "Where the result goes: local, tar, oci, docker, image or registry"),
	OPT_STR(0, "manifest", "LIST", struct build_args, manifest, "Add what was built to a manifest list"),
	OPT_STR(0, "pid", "MODE", struct build_args, run.pid, "Process ids of commands: private in any case, so that nothing outlives a step", .hidden = true, .complete = COMPLETE_WORDS, .words = "private", .strict = true),
	OPT_LIST(0, "platform", "OS/ARCH[/VARIANT][,…]", struct build_args, platforms, "Platform to build for; several become a manifest list"),
	OPT_STR(0, "progress", "KIND", struct build_args, progress, "How progress is shown",
		.complete = COMPLETE_WORDS, .words = "auto plain tty quiet rawjson", .strict = true),
	OPT_STR(0, "provenance", "MODE", struct build_args, provenance, "How the image was built: true or mode=max (with build arguments, labels and ids of secrets), mode=min (without), or false"),
	OPT_STR(0, "pull", "POLICY", struct build_args, pull, "When to pull base images; without a value always", .optional = true,
		.complete = COMPLETE_WORDS, .words = "always missing never newer"),
	OPT_BOOL(0, "push", struct build_args, push, "Send the image to its names' registries"),
	OPT_BOOL('q', "quiet", struct build_args, quiet, "Print the image's id only"),
	OPT_TRI(0, "rewrite-timestamp", struct build_args, rewrite_timestamp, "No new file is later than the time given; with --timestamp that is so in any case", .hidden = true),
	OPT_BOOL(0, "rm", struct build_args, rm, "Leave no containers behind; there are none in any case", .hidden = true),
	OPT_STR(0, "sbom", "MODE", struct build_args, sbom, "What a scanner finds in the image: true, false or generator=IMAGE[,KEY=VALUE…], which runs with the image's files below it and gets BUILDKIT_SCAN_KEY"),
	OPT_LIST(0, "secret", "id=ID[,src=FILE|,env=NAME][,cache-key]", struct build_args, secrets, "Give a secret to commands that mount it; with cache-key they run anew when it changes"),
	OPT_LIST(0, "security-opt", "OPTION", struct build_args, run.security_opt, "Security option of commands: no-new-privileges, seccomp=, apparmor=, mask=, unmask="),
	OPT_SIZE(0, "shm-size", "SIZE", struct build_args, run.shm_size, "Size of /dev/shm of commands"),
	OPT_TRI(0, "skip-unused-stages", struct build_args, skip_unused, "Leave out the stages that the target does not need"),
	OPT_BOOL(0, "squash", struct build_args, squash, "Make one layer of the new ones"),
	OPT_BOOL(0, "squash-all", struct build_args, squash_all, "Make one layer of all"),
	OPT_LIST(0, "ssh", "default|ID[=SOCKET|KEY,…]", struct build_args, ssh, "Let commands that mount it use an ssh agent, or keys"),
	OPT_LIST('t', "tag", "NAME[:TAG]", struct build_args, tags, "Name of the image"),
	OPT_STR(0, "target", "STAGE", struct build_args, target, "Stage to build instead of the last"),
	OPT_STR(0, "timestamp", "SECONDS", struct build_args, timestamp, "Time of the image and latest time of its new files, in seconds since 1970"),
	OPT_LIST(0, "source-policy-file", "FILE", struct build_args, source_policies, "Rules, as JSON, about what may be taken from elsewhere and what is taken in its place", .complete = COMPLETE_FILE),
	OPT_STR(0, "source-date-epoch", "SECONDS", struct build_args, timestamp, "Time of the image", .hidden = true),
	OPT_LIST(0, "ulimit", "TYPE=SOFT[:HARD]", struct build_args, run.ulimit, "Set a resource limit of commands", .commas = true),
	OPT_LIST(0, "unsetannotation", "NAME", struct build_args, unset_annotations, "Do not take an annotation over from base images"),
	OPT_LIST(0, "unsetenv", "NAME", struct build_args, unset_env, "Take a variable out of the image"),
	OPT_LIST(0, "unsetlabel", "NAME", struct build_args, unset_labels, "Do not take a label over from base images"),
	OPT_STR(0, "uts", "MODE", struct build_args, run.uts, "UTS namespace of commands: private or host", .complete = COMPLETE_WORDS, .words = "private host", .strict = true),
	OPT_STR(0, "variant", "VARIANT", struct build_args, variant, "Variant of the architecture to build for"),
	OPT_LIST('v', "volume", "HOST:PATH[:ro]", struct build_args, run.volume, "Mount a path of the host while commands run", .complete = COMPLETE_FILE),
	OPT_GROUP(compress_opts, struct build_args, compression),
	OPT_GROUP(limit_opts, struct build_args, run.limits),
	OPT_GROUP(registry_opts, struct build_args, registry),
	OPT_ROWS(build_refused_opts),
	OPT_END
};
/* clang-format on */

static int pull_policy(const char *s, enum pull_policy *ret)
{
	bool on;

	*ret = PULL_MISSING;
	if (!s || strcmp(s, "missing") == 0 || strcmp(s, "ifnotpresent") == 0)
		return 0;
	if (!*s || strcmp(s, "always") == 0)
		*ret = PULL_ALWAYS;
	else if (strcmp(s, "never") == 0)
		*ret = PULL_NEVER;
	else if (strcmp(s, "newer") == 0 || strcmp(s, "ifnewer") == 0)
		*ret = PULL_NEWER;
	else if (parse_bool(s, &on) == 0)
		*ret = on ? PULL_ALWAYS : PULL_MISSING;
	else
		return err_usage("--pull '%s': use always, missing, never or newer", s);
	return 0;
}

/* "NAME" alone is ours when we have it, and else not given. */
static int take_build_args(const struct strv *given, struct strv *ret)
{
	for (size_t i = 0; i < given->n; i++) {
		const char *a = given->v[i];

		if (*a == '=' || !*a)
			return err_usage("--build-arg '%s': the name is empty", a);
		if (strchr(a, '=')) {
			strv_env_set(ret, a);
		} else if (getenv(a)) {
			AUTO_FREE char *pair = xasprintf("%s=%s", a, getenv(a));

			strv_env_set(ret, pair);
		}
	}
	return 0;
}

static int take_epoch(const char *given, struct build_options *o)
{
	const char *v = given, *from = "--timestamp";

	if (!v) {
		v = strv_env_get(&o->build_args, "SOURCE_DATE_EPOCH");
		from = "SOURCE_DATE_EPOCH";
	}
	if (!v)
		v = getenv("SOURCE_DATE_EPOCH");
	if (!v || (!given && !*v))
		return 0;
	if (parse_i64(v, 0, 253402300799LL, &o->epoch_s) < 0)
		return err_usage("%s '%s': seconds since 1970", from, v);
	o->has_epoch = true;
	return 0;
}

int build_rewrite_check(const char *option, bool on, const struct build_options *o)
{
	if (on && !o->has_epoch)
		return err_usage("%s: to what time? Give one with --timestamp SECONDS or the variable SOURCE_DATE_EPOCH",
				 option);
	if (!on && o->has_epoch)
		return err_usage("%s=false: not supported: with a time given no new file is later than that, so that "
				 "the image is always the same; leave the option or the time out",
				 option);
	return 0;
}

/* Lines NAME=VALUE or NAME; "#" begins a comment. What --build-arg says wins. */
static int read_arg_file(const char *name, struct strv *ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_STRV struct strv lines = STRV_INIT;
	int r = file_read_at(AT_FDCWD, name, ARG_FILE_MAX, &text);

	if (r < 0)
		return err_wrap(r, "--build-arg-file %s", name);
	strv_split(&lines, text.s, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *l = lines.v[i];
		size_t n = strcspn(l, "\r");

		l[n] = '\0';
		l += strspn(l, " \t");
		if (*l && *l != '#')
			strv_add(ret, l);
	}
	return 0;
}

static int all_build_args(const struct build_args *a, struct strv *ret)
{
	AUTO_STRV struct strv all = STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->build_arg_files.n; i++)
		r = read_arg_file(a->build_arg_files.v[i], &all);
	strv_add_all(&all, &a->build_args);
	return r < 0 ? r : take_build_args(&all, ret);
}

static int take_annotations(const struct strv *given, struct annotations *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < given->n; i++)
		r = annotations_add(ret, given->v[i]);
	return r;
}

static int take_env(const struct strv *given, struct strv *ret)
{
	for (size_t i = 0; i < given->n; i++) {
		const char *e = given->v[i];

		if (!*e || *e == '=')
			return err_usage("--env '%s': the name is empty", e);
		if (strchr(e, '=')) {
			strv_env_set(ret, e);
		} else if (getenv(e)) {
			AUTO_FREE char *pair = xasprintf("%s=%s", e, getenv(e));

			strv_env_set(ret, pair);
		}
	}
	return 0;
}

static int check_words(const struct build_args *a, struct build_options *o)
{
	if (a->isolation && strcmp(a->isolation, "default") != 0 &&
	    strcmp(a->isolation, "oci") != 0 && strcmp(a->isolation, "rootless") != 0)
		return err_new(
			-CE_UNSUPPORTED,
			"--isolation %s: commands run in a rootless container (oci, rootless)",
			a->isolation);
	if (a->identity_label == 1)
		return err_new(-CE_UNSUPPORTED, "--identity-label: such a label is not made");
	if (a->logsplit && !a->logfile)
		return err_usage("--logsplit goes with --logfile");
	if (a->squash && a->squash_all)
		return err_usage("--squash and --squash-all: one of them");
	for (size_t i = 0; i < a->allow.n; i++) {
		const char *w = a->allow.v[i];

		if (strcmp(w, "network.host") == 0)
			o->allow_host_network = true;
		else if (strcmp(w, "device") == 0)
			o->allow_all_devices = true;
		else if (strncmp(w, "device=", 7) == 0 && w[7])
			strv_add(&o->allow_devices, w + 7);
		else
			return err_new(-CE_UNSUPPORTED, "--allow %s: only network.host, device and device=NAME", w);
	}
	return 0;
}

/* What the environment says is what docker's users have there; all of them count. */
static void take_policies(const struct build_args *a, struct build_options *o)
{
	const char *env = getenv("EXPERIMENTAL_BUILDKIT_SOURCE_POLICY");

	strv_add_all(&o->source_policies, &a->source_policies);
	if (env && *env)
		strv_add(&o->source_policies, env);
}

static void split_lists(const struct build_args *a, struct build_options *o)
{
	for (size_t i = 0; i < a->no_cache_filters.n; i++)
		strv_split(&o->no_cache_stages, a->no_cache_filters.v[i], ',');
}

/* A word of those that BuildKit reads of --build-arg, whatever the file says. */
bool build_arg_is_on(const struct build_options *o, const char *name)
{
	const char *v = strv_env_get(&o->build_args, name);
	bool on = false;

	return v && parse_bool(v, &on) == 0 && on;
}

static void take_cache_to(const struct build_args *a, struct build_options *o)
{
	strv_add_all(&o->cache_to, &a->cache_to);
	if (build_arg_is_on(o, "BUILDKIT_INLINE_CACHE") && !strv_has(&o->cache_to, "type=inline"))
		strv_add(&o->cache_to, "type=inline");
}

void build_request_done(struct build_options *o)
{
	strv_done(&o->cache_to);
	strv_done(&o->build_args);
	annotations_done(&o->annotations);
	strv_done(&o->env);
	strv_done(&o->no_cache_stages);
	strv_done(&o->allow_devices);
	strv_done(&o->source_policies);
	strv_done(&o->tags);
}

static int checked_of(const struct build_args *a, struct build_options *o)
{
	int r = pull_policy(a->pull, &o->pull.policy);

	/* "FROM app" is what it is everywhere else, whatever somebody pulled here from some "x/app". */
	o->pull.strict = true;
	if (r == 0)
		r = registry_access_of(&a->registry, &o->pull.access);
	if (r == 0)
		r = all_build_args(a, &o->build_args);
	if (r == 0)
		r = take_epoch(a->timestamp, o);
	if (r == 0 && a->rewrite_timestamp >= 0)
		r = build_rewrite_check("--rewrite-timestamp", a->rewrite_timestamp, o);
	if (r == 0)
		r = take_annotations(&a->annotations, &o->annotations);
	if (r == 0)
		r = take_env(&a->env, &o->env);
	if (r == 0)
		r = check_words(a, o);
	return r;
}

static const char *setting(const char *name, const char *otherwise)
{
	const char *s = getenv(name);

	return s && *s ? s : otherwise;
}

int build_request_of(const struct build_args *a, const char *context, struct build_options *o)
{
	const char *format = a->format ? a->format : setting("BUILDAH_FORMAT", NULL);
	struct build_call_args call;
	bool layers = a->layers != 0, docker = format && strcmp(format, "docker") == 0;
	int r = checked_of(a, o);

	if (format && !docker && strcmp(format, "oci") != 0)
		r = err_usage("BUILDAH_FORMAT=%s: use oci or docker", format);
	if (r == 0 && !format)
		r = containers_conf_image_format(&docker);
	if (a->layers < 0 && parse_bool(setting("BUILDAH_LAYERS", "true"), &layers) < 0)
		r = err_usage("BUILDAH_LAYERS=%s: use true or false", getenv("BUILDAH_LAYERS"));
	if (r == 0)
		r = build_call_of(a->call, &call);
	if (r == 0 && a->all_platforms && (a->platforms.n || a->os || a->arch || a->variant))
		r = err_usage("--all-platforms and --platform: one of them");
	if (r == 0 && a->files.n > 1 && (call.call != CALL_BUILD || call.json))
		r = err_usage("--call %s: tells of one file, and --file is given %zu times", a->call, a->files.n);
	if (r < 0)
		call = (struct build_call_args){.call = CALL_BUILD};
	split_lists(a, o);
	take_policies(a, o);
	strv_add_all(&o->tags, &a->tags);
	o->context = context;
	o->files = a->files;
	o->ignore_file = a->ignore_file;
	o->cpp_flags = a->cpp_flags;
	o->target = a->target;
	o->jobs = a->jobs;
	o->labels = a->labels;
	o->run = a->run;
	o->docker = docker;
	o->secrets = a->secrets;
	o->ssh = a->ssh;
	o->contexts = a->contexts;
	o->cache_from = a->cache_from;
	take_cache_to(a, o);
	o->network = a->network;
	o->from = a->from;
	o->unset_env = a->unset_env;
	o->unset_labels = a->unset_labels;
	o->no_cache = a->no_cache || !layers;
	o->cache_from_ns = a->cache_ttl_ns ? clock_now_ns() - a->cache_ttl_ns : 0;
	o->squash = a->squash_all ? SQUASH_ALL : a->squash ? SQUASH_NEW : SQUASH_NONE;
	o->omit_history = a->omit_history;
	o->check = a->check || call.check;
	o->describe_findings = call.json;
	o->call = call.call;
	o->explain = a->explain;
	o->drop_base_labels = a->inherit_labels == 0;
	o->keep_base_annotations = a->inherit_annotations == 1;
	o->unset_annotations = a->unset_annotations;
	o->created_annotation = a->created_annotation != 0;
	o->all_stages = a->skip_unused == 0;
	o->discard_volumes = a->compat_volumes;
	o->host_proxies = a->http_proxy != 0;
	return r;
}
