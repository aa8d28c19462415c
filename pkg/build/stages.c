/* SPDX-License-Identifier: MIT */
/*
 * Stages side by side.
 *
 * Processes     P the builder ─fork→ W one worker for each stage that can begin; W runs its steps
 *               A stage that nothing can run beside is done by P itself, unless its commands have secrets:
 *               what they print of them is masked by P
 * What W made   stands in memory that both share: the layer of each step, or why it failed
 * Standard error of W and of its commands is a pipe, which P reads by lines and names by stage
 * The end       one that fails ends all: W are killed, their monitors kill the commands (tied), their
 *               stages are swept by the next command. When P dies the kernel kills W.
 * Leases        the lease's descriptor is shared, and held until P ends it; lines are one write each
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/build/builder.h"
#include "pkg/build/events.h"
#include "pkg/build/mask.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/process.h"

#define TRAIL_BYTES 2048
#define LINE_BYTES 8192
#define TICK_MS 100

struct op_result {
	char layer[65], keys[2][65];
	bool done, cached;
	int64_t created_ns;
};

struct stage_result {
	bool finished;
	int error, run_status;
	char trail[TRAIL_BYTES];
	struct op_result ops[];
};

struct worker {
	unsigned stage;
	int pidfd, out;
	struct stage_result *result;
	size_t result_bytes;
	struct sbuf line;
	struct masks masks;
	bool alone; /* its lines need no name */
};

struct scheduler {
	struct builder *b;
	enum { WAITS, RUNS, DONE } * state; /* of each stage */
	unsigned *first_step;
	struct worker *workers;
	unsigned n_workers, max;
	char word[EVENTS_WORD]; /* begins lines that are events; "": nobody wants them */
};

/* --- the steps of one stage ---------------------------------------------------------------------- */

static void report_step(struct builder *b, const char *text)
{
	b->step++;
	if (b->o->report && b->o->report->step)
		b->o->report->step(b->o->report->data, b->step, b->n_steps, text);
}

static int do_op(struct builder *b, struct op *o, const struct strv *layers)
{
	int r = o->kind == OP_META || o->kind == OP_RUN ? 0 : later_settle(b);

	if (r < 0)
		return r;
	switch (o->kind) {
	case OP_RUN:
		r = step_run(b, o, layers);
		break;
	case OP_COPY:
		r = step_copy(b, o, layers);
		break;
	case OP_WORKDIR:
		r = step_workdir(b, o, layers);
		break;
	default:
		o->done = true;
		return 0;
	}
	step_unlock(b);
	return r;
}

static void first_layers(struct builder *b, unsigned i)
{
	const struct stage_plan *p = &b->stages[i];

	strv_add_all(&b->layers[i], p->parent >= 0 ? &b->layers[p->parent] : &p->base_layers);
}

/* What was done before is done: the next build finds it. */
static int fail_after(struct builder *b, int r)
{
	char trail[TRAIL_BYTES];

	(void)snprintf(trail, sizeof(trail), "%s", err_trail());
	if (later_settle(b) < 0)
		err_drop();
	return err_set(r, trail);
}

static int do_stage(struct builder *b, unsigned i)
{
	struct stage_plan *p = &b->stages[i];
	struct strv *layers = &b->layers[i];
	int r = 0;

	b->stage = (int)i;
	b->stage_no_cache = p->no_cache;
	report_step(b, b->file->stages[i].from.text);
	first_layers(b, i);
	for (unsigned k = 0; r == 0 && k < p->n_ops; k++) {
		struct op *o = &p->ops[k];

		report_step(b, o->inst->text);
		why_begin(b);
		r = do_op(b, o, layers);
		if (r < 0)
			return fail_after(b, inst_fail(b->file->name, o->inst, r));
		if (o->cached && b->o->report && b->o->report->cached)
			b->o->report->cached(b->o->report->data);
		if (o->cached)
			why_cached(b, o);
		if (o->layer[0])
			strv_add(layers, o->layer);
	}
	return r < 0 ? r : later_settle(b);
}

/* --- workers -------------------------------------------------------------------------------------- */

static void __attribute__((noreturn))
work(struct builder *b, const struct worker *w, int out, pid_t parent, const char *word)
{
	unsigned i = w->stage;
	struct stage_result *ret = w->result;
	const struct stage_plan *p = &b->stages[i];
	struct build_options own = *b->o;
	struct events_report events;
	/* Else output goes nowhere, or into a log that nobody has to read along. */
	bool shown = w->masks.words.n || (b->o->report && (b->o->report->step || *word));
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(out, STDERR_FILENO) < 0)
		_exit(1);
	if (shown && b->o->output_fd != STDERR_FILENO &&
	    dup3(out, b->o->output_fd, O_CLOEXEC) < 0) /* --logfile */
		_exit(1);
	(void)close(out);
	if (*word) {
		events_report_init(&events, word);
		own.report = &events.report;
		b->o = &own;
	}
	r = do_stage(b, i);
	for (unsigned k = 0; k < p->n_ops; k++) {
		const struct op *o = &p->ops[k];

		memcpy(ret->ops[k].layer, o->layer, sizeof(o->layer));
		memcpy(ret->ops[k].keys, o->keys, sizeof(o->keys));
		ret->ops[k].done = o->done;
		ret->ops[k].cached = o->cached;
		ret->ops[k].created_ns = o->created_ns;
	}
	ret->error = r;
	ret->run_status = b->result->run_status;
	(void)snprintf(ret->trail, sizeof(ret->trail), "%s", r < 0 ? err_trail() : "");
	ret->finished = true;
	_exit(0);
}

static int start(struct scheduler *s, unsigned i, bool alone)
{
	struct builder *b = s->b;
	size_t bytes = sizeof(struct stage_result) + b->stages[i].n_ops * sizeof(struct op_result);
	struct worker w = {.stage = i,
			   .pidfd = -EBADF,
			   .result_bytes = bytes,
			   .line = SBUF_INIT,
			   .alone = alone};
	pid_t parent = getpid(), pid;
	int pipe[2];

	w.result = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w.result == MAP_FAILED)
		return err_new(-errno, "mmap");
	if (pipe2(pipe, O_CLOEXEC) < 0) {
		(void)munmap(w.result, bytes);
		return err_new(-errno, "pipe");
	}
	b->step = s->first_step[i];
	(void)masks_of_stage(b, i, &w.masks);
	pid = clone_fork(0, &w.pidfd);
	if (pid == 0)
		work(b, &w, pipe[1], parent, s->word);
	(void)close(pipe[1]);
	w.out = pipe[0];
	s->workers[s->n_workers++] = w;
	s->state[i] = RUNS;
	return pid < 0 ? pid : 0;
}

static void tell_event(struct scheduler *s, const struct worker *w, struct build_event *e)
{
	const struct build_report *r = s->b->o->report;
	const char *name = s->b->file->stages[w->stage].name;
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", w->stage);
	e->stage = w->stage;
	e->stage_name = name ? name : number;
	r->event(r->data, e);
}

static void tell_line(struct scheduler *s, struct worker *w)
{
	const struct build_report *r = s->b->o->report;
	const char *name = s->b->file->stages[w->stage].name;
	struct build_event e = {.kind = BUILD_EVENT_OUTPUT};
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", w->stage);
	masks_apply(&w->masks, &w->line);
	sbuf_trim_end(&w->line, "\r");
	if (*s->word) {
		/* Before an event the line begins anew, whatever a command wrote of its own. */
		if (events_parse(w->line.s, s->word, &e) == 0)
			e.text = w->line.s;
		if (e.kind != BUILD_EVENT_OUTPUT || w->line.len)
			tell_event(s, w, &e);
	} else if (r && r->line) {
		r->line(r->data, w->alone ? NULL : name ? name : number, w->line.s);
	}
	sbuf_reset(&w->line);
}

/* Of a line that is too long: but not what may be the beginning of a secret. */
static void tell_part(struct scheduler *s, struct worker *w)
{
	size_t longest = masks_longest(&w->masks), keep = longest ? longest - 1 : 0;
	AUTO_FREE char *rest = NULL;

	masks_apply(&w->masks, &w->line);
	if (keep > w->line.len)
		keep = w->line.len;
	rest = xstrdup(w->line.s + w->line.len - keep);
	w->line.len -= keep;
	w->line.s[w->line.len] = '\0';
	tell_line(s, w);
	sbuf_adds(&w->line, rest);
	explicit_bzero(rest, keep);
}

static void tell_end(struct scheduler *s, const struct worker *w)
{
	const struct stage_result *res = w->result;
	struct build_event e = {.kind = BUILD_EVENT_END,
				.text = !res->finished   ? "its process died"
					: res->error < 0 ? res->trail
							 : NULL};

	if (*s->word)
		tell_event(s, w, &e);
}

/* Return: false at the end: the worker and all its commands are gone. */
static bool read_output(struct scheduler *s, struct worker *w)
{
	char buf[4096];
	ssize_t n = read(w->out, buf, sizeof(buf));

	if (n < 0 && errno == EINTR)
		return true;
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n')
			tell_line(s, w);
		else if (w->line.len >= LINE_BYTES + masks_longest(&w->masks))
			tell_part(s, w);
		if (buf[i] != '\n')
			sbuf_addc(&w->line, buf[i] ? buf[i] : ' ');
	}
	if (n <= 0 && w->line.len)
		tell_line(s, w);
	return n > 0;
}

static int take_results(struct scheduler *s, const struct worker *w)
{
	struct builder *b = s->b;
	struct stage_plan *p = &b->stages[w->stage];
	const struct stage_result *res = w->result;

	if (!res->finished)
		return err_new(-CE_PROTOCOL, "the worker of stage %u died", w->stage);
	if (res->error < 0) {
		b->result->run_status = res->run_status;
		return err_set(res->error, res->trail);
	}
	first_layers(b, w->stage);
	for (unsigned k = 0; k < p->n_ops; k++) {
		struct op *o = &p->ops[k];

		memcpy(o->layer, res->ops[k].layer, sizeof(o->layer));
		memcpy(o->keys, res->ops[k].keys, sizeof(o->keys));
		o->done = res->ops[k].done;
		o->cached = res->ops[k].cached;
		o->created_ns = res->ops[k].created_ns;
		if (o->layer[0])
			strv_add(&b->layers[w->stage], o->layer);
	}
	return 0;
}

static void drop(struct scheduler *s, unsigned at)
{
	struct worker *w = &s->workers[at];
	int status;

	if (w->pidfd >= 0 && pidfd_wait(w->pidfd, -1, &status) < 0)
		err_drop();
	closep(&w->pidfd);
	closep(&w->out);
	(void)munmap(w->result, w->result_bytes);
	sbuf_done(&w->line);
	masks_done(&w->masks);
	s->workers[at] = s->workers[--s->n_workers];
}

/* Wait for something to happen; a worker that has ended is taken in. */
static int follow(struct scheduler *s)
{
	AUTO_FREE struct pollfd *p = xcalloc(s->n_workers, sizeof(*p));
	const struct build_report *report = s->b->o->report;
	int r = 0;

	for (unsigned i = 0; i < s->n_workers; i++)
		p[i] = (struct pollfd){.fd = s->workers[i].out, .events = POLLIN};
	if (poll(p, s->n_workers, report && report->tick ? TICK_MS : -1) < 0)
		return errno == EINTR ? 0 : err_new(-errno, "poll");
	if (report && report->tick)
		report->tick(report->data);
	for (unsigned i = s->n_workers; r == 0 && i-- > 0;) {
		if (!p[i].revents || read_output(s, &s->workers[i]))
			continue;
		s->state[s->workers[i].stage] = DONE;
		tell_end(s, &s->workers[i]);
		r = take_results(s, &s->workers[i]);
		drop(s, i);
	}
	return r;
}

static void stop_all(struct scheduler *s)
{
	for (unsigned i = 0; i < s->n_workers; i++)
		(void)pidfd_signal(s->workers[i].pidfd, SIGKILL);
	err_drop();
	while (s->n_workers)
		drop(s, s->n_workers - 1);
}

/* --- what can begin ------------------------------------------------------------------------------- */

static bool needs(const struct stage_plan *p, const struct scheduler *s)
{
	if ((p->parent >= 0 && s->state[p->parent] != DONE) ||
	    (p->after >= 0 && s->state[p->after] != DONE))
		return true;
	for (unsigned k = 0; k < p->n_ops; k++) {
		const struct op *o = &p->ops[k];

		if (o->kind == OP_COPY && o->from.kind == SRC_STAGE &&
		    s->state[o->from.stage] != DONE)
			return true;
		for (unsigned m = 0; m < o->n_mounts; m++)
			if (o->mount_from[m].kind == SRC_STAGE &&
			    s->state[o->mount_from[m].stage] != DONE)
				return true;
	}
	return false;
}

/* Stages that could begin now, into @ret. */
static unsigned ready(const struct scheduler *s, unsigned *ret)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->b->file->n_stages; i++)
		if (s->b->stages[i].planned && s->state[i] == WAITS && !needs(&s->b->stages[i], s))
			ret[n++] = i;
	return n;
}

/* Can the builder do it itself: with nothing to read along? */
static bool has_no_secrets(const struct scheduler *s, unsigned i)
{
	struct masks m = {.words = STRV_INIT};
	bool any = masks_of_stage(s->b, i, &m);

	masks_done(&m);
	return !any;
}

static int schedule(struct scheduler *s)
{
	AUTO_FREE unsigned *can = xcalloc(s->b->file->n_stages, sizeof(*can));
	int r = 0;

	while (r == 0) {
		unsigned n = ready(s, can);

		if (n == 0 && s->n_workers == 0)
			return 0;
		if (!*s->word && (n == 1 || s->max == 1) && n && s->n_workers == 0 &&
		    has_no_secrets(s, can[0])) {
			s->b->step = s->first_step[can[0]];
			r = do_stage(s->b, can[0]);
			s->state[can[0]] = DONE;
			continue;
		}
		for (unsigned i = 0; r == 0 && i < n && s->n_workers < s->max; i++)
			r = start(s, can[i], (n == 1 || s->max == 1) && s->n_workers == 0);
		if (r == 0)
			r = follow(s);
	}
	return r;
}

int stages_run(struct builder *b)
{
	unsigned n = b->file->n_stages, step = 0;
	struct scheduler s = {.b = b, .max = b->o->jobs};
	char trail[TRAIL_BYTES];
	int r;

	if (!s.max)
		s.max = (unsigned)(sysconf(_SC_NPROCESSORS_ONLN) < 2
					   ? 2
					   : sysconf(_SC_NPROCESSORS_ONLN));
	if (b->o->report && b->o->report->event)
		events_word(s.word);
	s.state = xcalloc(n, sizeof(*s.state));
	s.first_step = xcalloc(n, sizeof(*s.first_step));
	s.workers = xcalloc(n, sizeof(*s.workers));
	for (unsigned i = 0; i < n; i++) {
		s.first_step[i] = step;
		step += b->stages[i].planned ? b->stages[i].n_ops + 1 : 0;
	}
	r = schedule(&s);
	if (r < 0) {
		(void)snprintf(trail, sizeof(trail), "%s", err_trail());
		stop_all(&s);
		r = err_set(r, trail);
	}
	free(s.state);
	free(s.first_step);
	free(s.workers);
	return r;
}
