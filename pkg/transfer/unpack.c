/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/unpack.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/sys/process.h"
#include "pkg/transfer/unpack_worker.h"

#define PIPE_SIZE (1 << 20)

void unpack_result_done(struct unpack_result *r)
{
	strv_done(&r->implied);
	strv_done(&r->links);
	strv_done(&r->notes);
	*r = (struct unpack_result){0};
}

static void job_close(struct unpack_job *j)
{
	closep(&j->input_fd);
	closep(&j->result_fd);
	closep(&j->pidfd);
	*j = (struct unpack_job){
		.pid = 0, .pidfd = -EBADF, .input_fd = -EBADF, .result_fd = -EBADF};
}

int unpack_start(const struct layer_stage *stage, enum layer_compression c,
		 const struct unpack_limits *l, struct unpack_job *ret)
{
	int in[2] = {-EBADF, -EBADF}, out[2] = {-EBADF, -EBADF};
	struct unpack_job j = {.pidfd = -EBADF};
	int r = 0;

	if ((!l->input_fd && pipe2(in, O_CLOEXEC) < 0) || pipe2(out, O_CLOEXEC) < 0)
		r = err_new(-errno, "pipe");
	if (r == 0) {
		(void)fcntl(l->input_fd ? l->input_fd : in[1], F_SETPIPE_SZ,
			    PIPE_SIZE); /* refused above the user's quota: slower */
		j.pid = fork();
		if (j.pid == 0)
			unpack_worker(l->input_fd ? l->input_fd : in[0], out[1], stage, c, l);
		if (j.pid < 0)
			r = err_new(-errno, "fork the unpack worker");
	}
	closep(&in[0]);
	closep(&out[1]);
	j.input_fd = in[1];
	j.result_fd = out[0];
	if (r == 0) {
		j.pidfd = pidfd_open_pid(j.pid);
		r = j.pidfd < 0 ? j.pidfd : 0;
	}
	if (r == 0) {
		*ret = j;
		return 0;
	}
	if (j.pid > 0)
		unpack_cancel(&j);
	closep(&j.input_fd);
	closep(&j.result_fd);
	return r;
}

static int read_reply(int fd, struct sbuf *out)
{
	ssize_t got;

	do {
		sbuf_grow(out, 64U << 10);
		got = read_upto(fd, out->s + out->len, out->cap - out->len - 1);
		if (got < 0)
			return err_new((int)got, "read from the unpack worker");
		out->len += (size_t)got;
		if (out->len > UNPACK_REPLY_MAX)
			return err_new(-CE_LIMIT, "the unpack worker's report");
	} while (got > 0);
	return 0;
}

int unpack_finish(struct unpack_job *j, struct unpack_result *ret)
{
	AUTO_SBUF struct sbuf reply = SBUF_INIT;
	int status = 0, r;

	closep(&j->input_fd);
	r = read_reply(j->result_fd, &reply);
	if (r < 0) {
		unpack_cancel(j);
		return r;
	}
	r = pidfd_wait(j->pidfd, -1, &status);
	job_close(j);
	if (r < 0)
		return r;
	if (reply.len == 0)
		return err_new(-CE_PROTOCOL, "the unpack worker died (status %d)", status);
	return unpack_reply_get(&reply, ret);
}

void unpack_cancel(struct unpack_job *j)
{
	if (j->pid > 0) {
		(void)kill(j->pid, SIGKILL); /* our own child, not yet reaped */
		while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (j->pid)
		job_close(j);
}
