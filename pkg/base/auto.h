/* SPDX-License-Identifier: MIT */
/*
 * Clean-up at scope exit, and the hand-over of what it would have released.
 * A clean-up never runs past exec or _exit: children rely on O_CLOEXEC.
 */
#pragma once
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AUTO(fn) __attribute__((cleanup(fn)))
#define AUTO_CLOSE AUTO(closep)
#define AUTO_FREE AUTO(freep)
#define AUTO_FCLOSE AUTO(fclosep)
#define AUTO_CLOSEDIR AUTO(closedirp)

static inline void closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd); /* never retried: Linux frees the fd even on EINTR */
	*fd = -EBADF; /* leaked as a result it reads EBADF; -1 would read EPERM */
	errno = saved;
}

static inline void freep(void *p)
{
	int saved = errno;

	free(*(void **)p);
	*(void **)p = NULL;
	errno = saved;
}

static inline void fclosep(FILE **f)
{
	int saved = errno;

	if (*f)
		(void)fclose(*f);
	*f = NULL;
	errno = saved;
}

static inline void closedirp(DIR **d)
{
	int saved = errno;

	if (*d)
		(void)closedir(*d);
	*d = NULL;
	errno = saved;
}

/* Hand ownership on: return TAKE_FD(fd); */
#define TAKE_FD(v)              \
	({                      \
		int *p_ = &(v); \
		int t_ = *p_;   \
		*p_ = -EBADF;   \
		t_;             \
	})
#define TAKE_PTR(v)                       \
	({                                \
		__typeof__(v) *p_ = &(v); \
		__typeof__(v) t_ = *p_;   \
		*p_ = NULL;               \
		t_;                       \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define UNUSED __attribute__((unused))
