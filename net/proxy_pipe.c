/* SPDX-License-Identifier: MIT */
/* Pipes through which pages go from socket to socket. A user has few pages for pipes: so has the proxy few pipes. */
#include <fcntl.h>
#include <unistd.h>

#include "net/proxy_internal.h"
#include "pkg/base/auto.h"

bool proxy_pipe_get(struct proxy *p, struct proxy_pipe *ret)
{
	int fds[2];

	if (p->n_spare_pipes) {
		*ret = p->spare_pipe[--p->n_spare_pipes];
		return true;
	}
	if (p->no_pipes || p->n_pipes == PROXY_PIPES_MAX || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	*ret = (struct proxy_pipe){.out = fds[0], .in = fds[1]};
	p->n_pipes++;
	/* A small one is slower than copying: then none until all is idle. */
	if (fcntl(ret->in, F_SETPIPE_SZ, PROXY_PIPE) < 0) {
		p->no_pipes = true;
		proxy_pipe_close(p, ret);
		return false;
	}
	return true;
}

void proxy_pipe_close(struct proxy *p, struct proxy_pipe *pipe)
{
	closep(&pipe->in);
	closep(&pipe->out);
	p->n_pipes--;
}

void proxy_pipe_put(struct proxy *p, struct proxy_pipe *pipe)
{
	if (p->n_spare_pipes == PROXY_SPARE_PIPES) {
		proxy_pipe_close(p, pipe);
		return;
	}
	p->spare_pipe[p->n_spare_pipes++] = *pipe;
	*pipe = PROXY_NO_PIPE;
}

void proxy_pipes_trim(struct proxy *p)
{
	while (p->n_spare_pipes)
		proxy_pipe_close(p, &p->spare_pipe[--p->n_spare_pipes]);
	p->no_pipes = false;
}
