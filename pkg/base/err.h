/* SPDX-License-Identifier: MIT */
/*
 * Errors: one negative int and a trail of words.
 *
 * A function returns >= 0, or a negative code: -errno, or -CE_x for errors that errno has no
 * number for. The words that explain it are kept aside (one trail per process, as errno is kept):
 *
 *	fd = open(path, O_RDONLY | O_CLOEXEC);
 *	if (fd < 0)
 *		return err_new(-errno, "open %s", path);           (starts the trail)
 *	...
 *	if (r < 0)
 *		return err_wrap(r, "stop %s", name);               (prepends to it)
 *
 * Only cmd/ prints. Whoever swallows an error calls err_drop(). Nothing here allocates, so the
 * monitor and init may use it. One thread at a time; safe after fork.
 */
#pragma once
#include <errno.h>
#include <stddef.h>

/* code, exit status, text. The first is above every errno. */
#define CUDDY_ERRORS(X)                                               \
	X(CE_USAGE, 125, "wrong usage")                               \
	X(CE_NO_CONTAINER, 125, "no such container")                  \
	X(CE_NO_IMAGE, 125, "no such image")                          \
	X(CE_NO_LIST, 125, "no such manifest list")                   \
	X(CE_NO_ARTIFACT, 125, "no such artifact")                    \
	X(CE_NO_VOLUME, 125, "no such volume")                        \
	X(CE_NO_SECRET, 125, "no such secret")                        \
	X(CE_NO_NETWORK, 125, "no such network")                      \
	X(CE_NO_POD, 125, "no such pod")                              \
	X(CE_NO_OBJECT, 125, "no such object")                        \
	X(CE_NAME_IN_USE, 125, "the name is already in use")          \
	X(CE_AMBIGUOUS, 125, "more than one object matches")          \
	X(CE_BAD_STATE, 125, "not possible in this state")            \
	X(CE_IN_USE, 125, "in use")                                   \
	X(CE_MONITOR_GONE, 125, "the container's monitor is gone")    \
	X(CE_CMD_NOT_FOUND, 127, "command not found in the image")    \
	X(CE_CMD_NOT_EXEC, 126, "command cannot be executed")         \
	X(CE_BAD_FORMAT, 125, "malformed data")                       \
	X(CE_BAD_DIGEST, 125, "content does not match its digest")    \
	X(CE_BAD_SIZE, 125, "content does not match its size")        \
	X(CE_LIMIT, 125, "over the limit")                            \
	X(CE_UNSAFE, 125, "refused as unsafe")                        \
	X(CE_UNSUPPORTED, 125, "not supported")                       \
	X(CE_HOST_SETUP, 125, "the host is not set up for this")      \
	X(CE_DENIED, 125, "refused by the registry")                  \
	X(CE_UNTRUSTED, 125, "not allowed by the policy")             \
	X(CE_NETWORK, 125, "network failure")                         \
	X(CE_TIMEOUT, 125, "timed out")                               \
	X(CE_CORRUPT, 125, "the store is damaged")                    \
	X(CE_PROTOCOL, 125, "unexpected message from a peer process") \
	X(CE_INTERRUPTED, 130, "interrupted")

enum cuddy_error {
	CE_FIRST_ = 4095,
#define X(code, status, text) code,
	CUDDY_ERRORS(X)
#undef X
		CE_LAST_
};

/** err_new() - forget any older trail, record this one. @r: negative code. Return: @r. */
int err_new(int r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** err_wrap() - prepend "<words>: " to the trail of @r (starts one if @r has none). Return: @r. */
int err_wrap(int r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * err_set() - record a trail that came from another process, words as they are
 * @r: negative code; @trail: need not end in the text of the code. Return: @r.
 */
int err_set(int r, const char *trail);

/** err_drop() - the error was handled; forget its trail. */
void err_drop(void);

/** err_forgive() - 0 when @r is the negative @code, whose trail is then forgotten; otherwise @r as it is. */
int err_forgive(int r, int code);

/** err_trail() - the words so far, without the code's own text; "" when there is none. */
const char *err_trail(void);

/** err_text() - the fixed text of a negative code ("No such file or directory"). Static storage. */
const char *err_text(int r);

/** err_message() - "<trail>: <text>" in a static buffer; control characters already escaped. */
const char *err_message(int r);

/** err_exit_status() - the process exit status that belongs to a negative code (125, 126, 127 …). */
int err_exit_status(int r);

/* A usage error says all in its own words: err_usage("unknown flag --x; see 'cuddy run --help'"). */
#define err_usage(...) err_new(-CE_USAGE, __VA_ARGS__)
