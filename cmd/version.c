/* SPDX-License-Identifier: MIT */
/*
 * "cuddy version". There is no daemon; scripts still ask for {{.Server.Version}}, so Server says
 * what Client says, as the one program is both.
 */
#include <sys/utsname.h>

#include "cmd/cmd.h"
#include "cmd/host.h"
#include "cmd/persona.h"
#include "cmd/version.h"
#include "pkg/cli/format.h"
#include "pkg/json/json.h"

struct version_args {
	const char *format;
};

static const struct opt version_opts[] = {OPT_STR('f', "format", "TEMPLATE", struct version_args,
						  format, "Print through a Go template, or json"),
					  OPT_END};

struct json_object *version_describe(void)
{
	struct json_object *o = json_object_new_object();
	struct utsname un = {0};
	AUTO_SBUF struct sbuf os_arch = SBUF_INIT;

	(void)uname(&un);
	sbuf_addf(&os_arch, "linux/%s", host_architecture());
	json_set_str(o, "APIVersion", API_VERSION);
	json_set_str(o, "Version", persona_version());
	json_set_str(o, "GoVersion", "");
	json_set_str(o, "GitCommit", "");
	json_set_str(o, "BuiltTime", "");
	json_set_str(o, "BuildTime", "");
	json_set_str(o, "BuildOrigin", "");
	json_set_i64(o, "Built", 0);
	json_set_str(o, "OsArch", os_arch.s);
	json_set_str(o, "Os", "linux");
	json_set_str(o, "Arch", host_architecture());
	json_set_str(o, "KernelVersion", un.release);
	return o;
}

/* What docker says of the client and of the server; its fields and its JSON differ in one letter. */
static void add_docker(struct json_object *client, struct json_object *server)
{
	struct json_object *both[] = {client, server}, *platform = json_object_new_object();
	struct json_object *parts = json_object_new_array(), *part = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(both); i++)
		json_set_str(both[i], "ApiVersion", API_VERSION);
	json_set_str(client, "DefaultAPIVersion", API_VERSION);
	json_set_str(client, "Context", "default");
	json_set_str(platform, "Name", "cuddy");
	json_set(server, "Platform", platform);
	json_set(client, "Platform", json_object_get(platform));
	json_set_str(part, "Name", "Engine");
	json_set_str(part, "Version", persona_version());
	(void)json_object_array_add(parts, part);
	json_set(server, "Components", parts);
	json_set_str(server, "MinAPIVersion", API_VERSION);
	json_set_bool(server, "Experimental", false);
}

static int version_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct version_args *a = args;
	AUTO_JSON struct json_object *v = json_object_new_object();
	struct json_object *client = version_describe(), *server = version_describe();

	(void)ctx;
	(void)argc;
	(void)argv;
	json_set(v, "Client", client);
	json_set(v, "Server", server);
	if (persona() == PERSONA_DOCKER)
		add_docker(client, server);
	if (a->format)
		return value_print(v, a->format, stdout);
	printf("Client:       cuddy\n"
	       "Version:      %s\n"
	       "API Version:  " API_VERSION "\n"
	       "OS/Arch:      linux/%s\n",
	       persona_version(), host_architecture());
	return 0;
}

const struct command cmd_version = {
	.name = "version",
	.synopsis = "[OPTIONS]",
	.summary = "Print the version",
	.opts = version_opts,
	.args_size = sizeof(struct version_args),
	.run = version_run,
};
