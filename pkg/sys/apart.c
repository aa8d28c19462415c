/* SPDX-License-Identifier: MIT */
#include "pkg/sys/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"

/* The code, then the trail or what was made. */
static void __attribute__((noreturn))
child(int (*job)(const void *arg, struct sbuf *out), const void *arg, int wr)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	int r = job(arg, &out);
	const char *text = r < 0 ? err_trail() : out.s;
	size_t n = r < 0 ? strlen(text) : out.len;

	if (write_full(wr, &r, sizeof(r)) < 0 || write_full(wr, text, n) < 0)
		_exit(1);
	_exit(0);
}

int apart_run(int (*job)(const void *arg, struct sbuf *out), const void *arg, struct sbuf *ret)
{
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF, pidfd = -EBADF;
	AUTO_SBUF struct sbuf said = SBUF_INIT;
	int p[2], code, status, r, r2;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	rd = p[0];
	wr = p[1];
	r = clone_fork(0, &pidfd);
	if (r == 0)
		child(job, arg, wr);
	closep(&wr);
	if (r < 0)
		return r;
	r = file_read_stream(rd, APART_MAX, &said);
	closep(&rd); /* one that says too much ends */
	r2 = pidfd_wait(pidfd, -1, &status);
	if (r < 0 || r2 < 0)
		return r < 0 ? r : r2;
	if (status || said.len < sizeof(code))
		return err_new(-EPIPE, "a child that prepares something died");
	memcpy(&code, said.s, sizeof(code));
	if (code < 0)
		return err_set(code, said.s + sizeof(code));
	if (ret)
		sbuf_add(ret, said.s + sizeof(code), said.len - sizeof(code));
	return 0;
}
