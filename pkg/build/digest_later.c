/* SPDX-License-Identifier: MIT */
#include "pkg/build/digest_later.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/process.h"

/* Less is done before a child could have begun. */
#define AT_ONCE_BYTES (1U << 20)
#define TRAIL_BYTES 1024

struct digest_result {
	bool finished;
	int error;
	char trail[TRAIL_BYTES], hex[65];
	struct digest_sizes sizes;
};

/* Lies below the digest and sees all that goes by. */
struct handover {
	struct out base;
	struct digest_later *later;
	uint64_t bytes;
	bool is_child;
};

static int hand_over(struct handover *h)
{
	struct digest_later *l = h->later;
	const pid_t parent = getpid();
	pid_t pid;

	l->result = mmap(NULL, sizeof(*l->result), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (l->result == MAP_FAILED) {
		l->result = NULL;
		return err_new(-errno, "mmap");
	}
	pid = clone_fork(0, &l->pidfd);
	if (pid < 0)
		return pid;
	if (pid > 0)
		return -EINPROGRESS;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	h->is_child = true;
	return 0;
}

static int handover_write(struct out *o, const void *p, size_t n)
{
	struct handover *h = (struct handover *)o;

	(void)p;
	h->bytes += n;
	return h->later && !h->is_child && h->bytes > AT_ONCE_BYTES ? hand_over(h) : 0;
}

static int handover_finish(struct out *o)
{
	(void)o;
	return 0;
}

static void handover_close(struct out *o)
{
	(void)o; /* of the stack */
}

static void __attribute__((noreturn))
end_child(struct digest_result *to, int r, const char *hex, const struct digest_sizes *sizes)
{
	to->error = r;
	(void)snprintf(to->trail, sizeof(to->trail), "%s", r < 0 ? err_trail() : "");
	memcpy(to->hex, hex, sizeof(to->hex));
	to->sizes = *sizes;
	to->finished = true;
	_exit(0);
}

int digest_tree(int tree, const struct tree_tar_options *o, struct digest_later *later,
		char ret[65], struct digest_sizes *ret_sizes)
{
	static const struct out_ops ops = {handover_write, handover_finish, handover_close};
	struct handover h = {.base.ops = &ops, .later = later};
	struct tree_tar_result result = {0};
	struct out_digest d = {.bytes = 0};
	AUTO(out_closep) struct out *out = out_digest(&h.base, &d);
	int r = tree_tar(tree, out, NULL, o, &result);
	const struct digest_sizes sizes = {.tree = result.bytes, .tar = d.bytes};

	if (later && later->pidfd >= 0 && !h.is_child) {
		err_drop(); /* it was only to get out of there */
		return 1;
	}
	if (r == 0 && result.changed)
		r = err_new(-ESTALE, "%llu files changed while they were read",
			    (unsigned long long)result.changed);
	if (h.is_child)
		end_child(later->result, r, d.hex, &sizes);
	if (later)
		digest_later_done(later); /* memory for a child that could not be had */
	if (r < 0)
		return r;
	memcpy(ret, d.hex, 65);
	*ret_sizes = sizes;
	return 0;
}

int digest_later_wait(struct digest_later *l, char ret[65], struct digest_sizes *ret_sizes)
{
	const struct digest_result *from = l->result;
	int status, r = pidfd_wait(l->pidfd, -1, &status);

	if (r == 0 && !from->finished)
		r = err_new(-CE_PROTOCOL, "who made the digest died");
	else if (r == 0 && from->error < 0)
		r = err_set(from->error, from->trail);
	if (r == 0) {
		memcpy(ret, from->hex, sizeof(from->hex));
		*ret_sizes = from->sizes;
	}
	closep(&l->pidfd);
	digest_later_done(l);
	return r;
}

void digest_later_done(struct digest_later *l)
{
	int status;

	if (l->pidfd >= 0 &&
	    (pidfd_signal(l->pidfd, SIGKILL) < 0 || pidfd_wait(l->pidfd, -1, &status) < 0))
		err_drop();
	closep(&l->pidfd);
	if (l->result)
		(void)munmap(l->result, sizeof(*l->result));
	l->result = NULL;
}
