/* SPDX-License-Identifier: MIT */
/* "cuddy pod start", stop, restart, kill, pause, unpause, rm, prune. */
#include "cmd/each.h"
#include "cmd/each_pod.h"
#include "cmd/pruned.h"
#include "pkg/base/err.h"

struct verb_args {
	struct each_pod_args each;
	int64_t time;
	const char *signal;
	bool force;
};

static const struct verb_args verb_defaults = {.time = -2, .signal = "KILL"};

#define V struct verb_args
#define OPT_TIME(words) OPT_INT('t', "time", "SECONDS", V, time, words, .min = -1, .max = 31536000)
#define OPT_IGNORE OPT_BOOL('i', "ignore", V, each.ignore, "Succeed when a pod does not exist")

static const struct opt plain_opts[] = {
	OPT_BOOL('a', "all", V, each.all, "All pods"),
	OPT_BOOL('l', "latest", V, each.latest, "The newest pod"),
	OPT_END,
};
static const struct opt start_opts[] = {OPT_GROUP(each_pod_opts, V, each), OPT_END};
static const struct opt stop_opts[] = {
	OPT_TIME("Time before SIGKILL, -1 for ever"),
	OPT_IGNORE,
	OPT_GROUP(each_pod_opts, V, each),
	OPT_END,
};
static const struct opt kill_opts[] = {
	OPT_STR('s', "signal", "SIGNAL", V, signal, "Signal to send"),
	OPT_GROUP(plain_opts, V, each),
	OPT_END,
};
static const struct opt rm_opts[] = {
	OPT_BOOL('f', "force", V, force, "Stop running containers first"),
	OPT_TIME("With --force: time before SIGKILL"),
	OPT_IGNORE,
	OPT_GROUP(each_pod_opts, V, each),
	OPT_END,
};

static int start_one(struct store *st, const struct pod_record *pod, const void *arg, bool *said)
{
	(void)arg;
	(void)said;
	return pod_start(st, pod);
}

static int stop_one(struct store *st, const struct pod_record *pod, const void *arg, bool *said)
{
	(void)said;
	return pod_stop(st, pod, *(const int64_t *)arg);
}

static int restart_one(struct store *st, const struct pod_record *pod, const void *arg, bool *said)
{
	int r = pod_stop(st, pod, -2);

	(void)arg;
	(void)said;
	return r < 0 ? r : pod_start(st, pod);
}

static int kill_one(struct store *st, const struct pod_record *pod, const void *arg, bool *said)
{
	(void)said;
	return pod_kill(st, pod, *(const int *)arg);
}

static int pause_one(struct store *st, const struct pod_record *pod, const void *arg, bool *said)
{
	(void)said;
	return pod_pause(st, pod, *(const bool *)arg);
}

static int rm_one(struct store *st, const struct pod_record *pod, const void *arg, bool *said)
{
	const struct verb_args *a = arg;

	(void)said;
	return pod_remove(st, pod->id,
			  &(struct pod_removal){.force = a->force, .grace_s = a->time});
}

#define RUN(word, fn, value, missing)                                                       \
	static int word##_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv) \
	{                                                                                   \
		const struct verb_args *a = args;                                           \
		const struct each_pod e = {.args = &a->each,                                \
					   .verb = "pod " #word,                            \
					   .missing_status = missing,                       \
					   .one = fn,                                       \
					   .arg = value};                                   \
                                                                                            \
		return each_pod(ctx, &e, argc, argv);                                       \
	}
RUN(start, start_one, NULL, 0)
RUN(stop, stop_one, &a->time, 0)
RUN(restart, restart_one, NULL, 0)
RUN(pause, pause_one, &(const bool){true}, 0)
RUN(unpause, pause_one, &(const bool){false}, 0)

static int kill_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct verb_args *a = args;
	int sig = 0;
	const struct each_pod e = {
		.args = &a->each, .verb = "pod kill", .one = kill_one, .arg = &sig};
	int r = each_signal(a->signal, &sig);

	return r < 0 ? r : each_pod(ctx, &e, argc, argv);
}

static int rm_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct verb_args a = *(const struct verb_args *)args;
	const struct each_pod e = {
		.args = &a.each, .verb = "pod rm", .missing_status = 1, .one = rm_one, .arg = &a};

	a.each.ignore = a.each.ignore || a.force;
	return each_pod(ctx, &e, argc, argv);
}

struct prune_args {
	bool force;
};

static const struct opt prune_opts[] = {
	OPT_BOOL('f', "force", struct prune_args, force, "Do not ask"),
	OPT_END,
};

static int prune_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct prune_args *a = args;
	struct pruned p = {.ctx = ctx};
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)argv;
	if (r == 0 && !a->force && !cmd_confirmed("This removes all pods that have stopped."))
		return 0;
	if (r == 0)
		r = pod_prune(st, cmd_pruned, &p);
	return r;
}

const struct command cmd_pod_prune = {
	.name = "prune",
	.group = "pod",
	.synopsis = "[OPTIONS]",
	.summary = "Remove pods that have stopped",
	.opts = prune_opts,
	.args_size = sizeof(struct prune_args),
	.run = prune_run,
};

#define COMMAND(verb, options, words)                  \
	const struct command cmd_pod_##verb = {        \
		.name = #verb,                         \
		.group = "pod",                        \
		.synopsis = "[OPTIONS] POD [POD...]",  \
		.summary = words,                      \
		.opts = options,                       \
		.args_size = sizeof(struct verb_args), \
		.defaults = &verb_defaults,            \
		.max_args = -1,                        \
		.complete = COMPLETE_POD,              \
		.run = verb##_run,                     \
	}
COMMAND(start, start_opts, "Start the containers of pods");
COMMAND(stop, stop_opts, "Stop the containers of pods");
COMMAND(restart, plain_opts, "Stop and start the containers of pods");
COMMAND(kill, kill_opts, "Send a signal to the containers of pods");
COMMAND(pause, plain_opts, "Freeze the containers of pods");
COMMAND(unpause, plain_opts, "Let the containers of pods go on");
COMMAND(rm, rm_opts, "Remove pods and their containers");
