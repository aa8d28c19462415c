/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/gpg.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/base64.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/wire.h"
#include "pkg/sys/caps.h"
#include "pkg/sys/file.h"
#include "pkg/sys/open.h"
#include "pkg/sys/process.h"
#include "pkg/sys/socket.h"
#include "pkg/transfer/jail.h"

#define CONTENT_MAX (32UL << 10)
#define STATUS_MAX (64UL << 10)
#define GPGV_MS 20000

/* --- the child --------------------------------------------------------------------------------- */

static char *number_path(int fd)
{
	return xasprintf("/proc/self/fd/%d", fd);
}

static int run_gpgv(const char *program, int keys, int message, int content, int status)
{
	AUTO_FREE char *keyring = number_path(keys), *file = number_path(message);
	AUTO_FREE char *number = xasprintf("%d", status);
	static char name[] = "gpgv", home[] = "--homedir", nowhere[] = "/nonexistent";
	static char ring[] = "--keyring", status_fd[] = "--status-fd", output[] = "--output";
	static char standard[] = "-", end[] = "--";
	char *argv[] = {name,   home,   nowhere,  ring, keyring, status_fd,
			number, output, standard, end,  file,    NULL};
	static char locale[] = "LC_ALL=C", nothing[] = "HOME=/nonexistent";
	char *envp[] = {locale, nothing, NULL};
	const int keep[] = {keys, message, status};
	struct spawn s = {.path = program,
			  .argv = argv,
			  .envp = envp,
			  .stdio = {-1, content, -1},
			  .keep = keep,
			  .n_keep = 3,
			  .death_signal = SIGKILL};
	AUTO_CLOSE int pidfd = spawn_start(&s, NULL);
	int code = -1, r = pidfd < 0 ? pidfd : pidfd_wait(pidfd, GPGV_MS, &code);

	if (r < 0 && pidfd >= 0) {
		(void)pidfd_signal(pidfd, SIGKILL);
		(void)pidfd_wait(pidfd, -1, &code);
	}
	return r < 0 ? r : code;
}

/* One good signature, and not a word of anything else that is wrong. */
static bool status_is_good(const char *text)
{
	static const char *const bad[] = {"BADSIG",    "ERRSIG",    "EXPSIG",
					  "EXPKEYSIG", "REVKEYSIG", "NO_PUBKEY",
					  "NODATA",    "FAILURE",   "UNEXPECTED"};
	static const char head[] = "[GNUPG:] ";
	unsigned good = 0, valid = 0;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, head, sizeof(head) - 1) != 0)
			continue;
		line += sizeof(head) - 1;
		for (size_t i = 0; i < ARRAY_LEN(bad); i++)
			if (strncmp(line, bad[i], strlen(bad[i])) == 0)
				return false;
		good += strncmp(line, "GOODSIG ", 8) == 0;
		valid += strncmp(line, "VALIDSIG ", 9) == 0;
	}
	return good == 1 && valid == 1;
}

static int read_back(int fd, size_t max, struct sbuf *out)
{
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : file_read_fd(fd, max, out);
}

static bool verify(const char *program, const int fds[2], struct sbuf *content)
{
	AUTO_CLOSE int out = memfd_create("content", MFD_CLOEXEC);
	AUTO_CLOSE int status = memfd_create("status", MFD_CLOEXEC);
	AUTO_SBUF struct sbuf words = SBUF_INIT;

	if (out < 0 || status < 0 || run_gpgv(program, fds[0], fds[1], out, status) != 0)
		return false;
	return read_back(status, STATUS_MAX, &words) == 0 && status_is_good(words.s) &&
	       read_back(out, CONTENT_MAX, content) == 0;
}

static void drop_capabilities(void)
{
	const struct caps none = {.effective = 0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || caps_set(&none) < 0)
		_exit(125);
}

static void __attribute__((noreturn)) serve(int fd, const char *program)
{
	static const struct jail_limits limits = {
		.memory_bytes = 512UL << 20, .file_bytes = 1UL << 20, .files = 64, .cpu_s = 60};
	char any[8];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (jail_limits(&limits) < 0)
		_exit(125);
	drop_capabilities();
	for (;;) {
		AUTO_SBUF struct sbuf content = SBUF_INIT, answer = SBUF_INIT;
		int fds[2] = {-EBADF, -EBADF};
		unsigned n = 0;
		bool good;

		if (socket_recv(fd, any, sizeof(any), fds, 2, &n) <= 0)
			_exit(0);
		good = n == 2 && verify(program, fds, &content);
		wire_put_u32(&answer, good);
		wire_put_bytes(&answer, good ? content.s : NULL, good ? content.len : 0);
		closep(&fds[0]);
		closep(&fds[1]);
		if (socket_send(fd, answer.s, answer.len, NULL, 0) < 0)
			_exit(0);
	}
}

/* --- this side --------------------------------------------------------------------------------- */

void gpg_done(struct gpg_verifier *v)
{
	if (v->fd < 0)
		return;
	closep(&v->fd);
	/* Whoever settles layers in the background has the line, too: it would not end by itself. */
	(void)kill(v->pid, SIGKILL);
	(void)waitpid(v->pid, NULL, 0);
}

int gpg_start(struct gpg_verifier *v)
{
	AUTO_FREE char *program = NULL;
	int pair[2], r = program_find("gpgv", &program);

	if (r < 0)
		return err_new(-CE_HOST_SETUP,
			       "the policy asks for signatures: apt-get install gpgv");
	r = socket_pair(pair);
	if (r < 0)
		return r;
	v->pid = fork();
	if (v->pid == 0) {
		(void)dup2(pair[1], 3); /* lint: all others are closed */
		(void)fd_close_from(4, 1);
		serve(3, program);
	}
	(void)close(pair[1]);
	v->fd = pair[0];
	return v->pid < 0 ? err_new(-errno, "fork") : 0;
}

/* The lines between the headers and the checksum. */
static int unarmor(const struct sbuf *armored, struct sbuf *out)
{
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	const char *s = strstr(armored->s, "-----BEGIN PGP PUBLIC KEY BLOCK-----");

	for (bool headers = true; s && (s = strchr(s, '\n')) != NULL;) {
		size_t n = strcspn(++s, "\r\n");

		if (headers) {
			headers = n != 0;
			continue;
		}
		if (*s == '=' || *s == '-')
			return base64_decode(body.s, out) < 0
				       ? err_new(-CE_BAD_FORMAT, "an armored key")
				       : 0;
		sbuf_add(&body, s, n);
	}
	return err_new(-CE_BAD_FORMAT, "an armored key that does not end");
}

static int put_keys(const struct sbuf *keys, unsigned n, int fd)
{
	for (unsigned i = 0; i < n; i++) {
		AUTO_SBUF struct sbuf plain = SBUF_INIT;
		const struct sbuf *k = &keys[i];
		int r = 0;

		if (k->len && k->s[0] == '-') {
			r = unarmor(k, &plain);
			k = &plain;
		}
		if (r == 0)
			r = write_full(fd, k->s, k->len);
		if (r < 0)
			return r;
	}
	return 0;
}

int gpg_verify(struct gpg_verifier *v, const struct sbuf *keys, unsigned n_keys,
	       const struct sbuf *message, struct sbuf *ret_content)
{
	static unsigned char buf[CONTENT_MAX + 64];
	AUTO_CLOSE int ring = memfd_create("keys", MFD_CLOEXEC);
	AUTO_CLOSE int file = memfd_create("message", MFD_CLOEXEC);
	const int fds[2] = {ring, file};
	struct wire_reader w;
	const void *content;
	unsigned n_fds;
	bool good;
	ssize_t got;
	size_t n;
	int r;

	if (ring < 0 || file < 0)
		return err_new(-errno, "memfd_create");
	r = put_keys(keys, n_keys, ring);
	if (r == 0)
		r = write_full(file, message->s, message->len);
	if (r == 0)
		r = socket_send(v->fd, "v", 1, fds, 2);
	if (r < 0)
		return err_wrap(r, "verify a signature");
	got = socket_recv(v->fd, buf, sizeof(buf), NULL, 0, &n_fds);
	if (got <= 0)
		return err_new(-CE_PROTOCOL, "gpgv's process is gone");
	wire_reader_init(&w, buf, (size_t)got);
	good = wire_get_u32(&w) == 1;
	content = wire_get_bytes(&w, &n);
	if (wire_failed(&w) || !good)
		return err_new(-CE_DENIED, "not signed by a key that counts");
	sbuf_add(ret_content, content, n);
	return 0;
}
