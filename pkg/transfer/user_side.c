/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/user_side.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/wire.h"
#include "pkg/config/auth_internal.h"
#include "pkg/config/credential_helper.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/sys/converse.h"
#include "pkg/sys/open.h"
#include "pkg/sys/process.h"
#include "pkg/sys/socket.h"

#define MESSAGE_MAX (256 * 1024)
#define SIGNATURE_MAX (64 * 1024)
#define SIGN_MS (10 * 60 * 1000) /* somebody may have to type */

enum question { GET_CREDENTIAL = 1, SIGN_DIGEST };

/* containers-signature(5) */
void signature_payload(const char *type, const char *reference, const char *digest,
		       struct sbuf *out)
{
	AUTO_JSON struct json_object *o = json_object_new_object();
	struct json_object *critical = json_object_new_object();
	struct json_object *identity = json_object_new_object();
	struct json_object *image = json_object_new_object();
	struct json_object *optional = json_object_new_object();

	json_set_str(identity, "docker-reference", reference);
	json_set_str(image, "docker-manifest-digest", digest);
	json_set(critical, "identity", identity);
	json_set(critical, "image", image);
	json_set_str(critical, "type", type);
	json_set_str(optional, "creator", "cuddy");
	json_set_i64(optional, "timestamp", clock_now_ns() / NS_PER_S);
	json_set(o, "critical", critical);
	json_set(o, "optional", optional);
	json_write(o, false, out);
}

/* --- there ------------------------------------------------------------------------------------- */

static int get_credential(struct wire_reader *r, struct sbuf *answer)
{
	AUTO(credential_done) struct credential c = {0};
	const char *name = wire_get_str(r), *server = wire_get_str(r);
	int e = wire_failed(r) || !name || !server ? err_new(-CE_PROTOCOL, "question")
						   : helper_get(name, server, &c);

	if (e < 0)
		return e;
	wire_put_u32(answer, 0);
	wire_put_str(answer, c.user);
	wire_put_str(answer, c.password);
	wire_put_str(answer, c.identity_token);
	return 0;
}

static int sign(const struct user_side_offer *o, const char *digest, struct sbuf *ret)
{
	static char name[] = "gpg", local_user[] = "--local-user", sign[] = "--sign";
	static char no_armor[] = "--no-armor", batch[] = "--batch", mode[] = "--pinentry-mode";
	static char loopback[] = "loopback", file[] = "--passphrase-file";
	AUTO_FREE char *program = NULL, *key = xstrdup(o->sign_by);
	AUTO_FREE char *secret = o->passphrase_file ? xstrdup(o->passphrase_file) : NULL;
	AUTO_SBUF struct sbuf payload = SBUF_INIT;
	char *argv[] = {name, local_user, key,  no_armor, sign, secret ? batch : NULL,
			mode, loopback,   file, secret,   NULL};
	struct converse c = {.argv = argv,
			     .input = &payload,
			     .max = SIGNATURE_MAX,
			     .timeout_ms = SIGN_MS,
			     .errors = true};
	int status, r = program_find("gpg", &program);

	if (r < 0)
		return err_new(-CE_HOST_SETUP, "signing wants gpg: apt-get install gnupg");
	signature_payload("atomic container signature", o->reference, digest, &payload);
	c.program = program;
	r = converse(&c, ret, &status);
	if (r == 0 && (status != 0 || ret->len == 0))
		r = err_new(-ENOKEY, "gpg does not sign with %s (status %d)", o->sign_by,
			    status);
	return r;
}

static int sign_digest(const struct user_side_offer *o, struct wire_reader *r, struct sbuf *answer)
{
	const char *digest = wire_get_str(r);
	AUTO_SBUF struct sbuf signature = SBUF_INIT;
	int e = 0;

	if (wire_failed(r) || !digest || !digest_is_valid(digest) || !o->sign_by)
		e = err_new(-CE_PROTOCOL, "question");
	if (e == 0)
		e = sign(o, digest, &signature);
	if (e < 0)
		return e;
	wire_put_u32(answer, 0);
	wire_put_bytes(answer, signature.s, signature.len);
	return 0;
}

static void __attribute__((noreturn)) serve(int fd, const struct user_side_offer *o)
{
	static unsigned char buf[MESSAGE_MAX];

	for (;;) {
		AUTO(sbuf_wipe) struct sbuf answer = SBUF_INIT;
		struct wire_reader r;
		unsigned n_fds;
		ssize_t n = socket_recv(fd, buf, sizeof(buf), NULL, 0, &n_fds);
		uint32_t question;
		int e;

		if (n <= 0)
			_exit(0);
		wire_reader_init(&r, buf, (size_t)n);
		question = wire_get_u32(&r);
		e = question == GET_CREDENTIAL ? get_credential(&r, &answer)
		    : question == SIGN_DIGEST  ? sign_digest(o, &r, &answer)
					       : err_new(-CE_PROTOCOL, "question");
		if (e < 0) {
			sbuf_reset(&answer);
			wire_put_u32(&answer, (uint32_t)-e);
			wire_put_str(&answer, err_trail());
		}
		if (socket_send(fd, answer.s, answer.len, NULL, 0) < 0)
			_exit(0);
	}
}

int user_side_start(const struct user_side_offer *o, pid_t *ret_pid)
{
	int pair[2], r = socket_pair(pair);
	pid_t pid;

	if (r < 0)
		return r;
	pid = fork();
	if (pid < 0) {
		r = err_new(-errno, "fork");
		(void)close(pair[0]);
		(void)close(pair[1]);
		return r;
	}
	if (pid == 0) {
		/* Its own life: ^C of a terminal is for cuddy, which closes the line. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)signal(SIGPIPE, SIG_IGN);
		(void)dup2(pair[1], 3); /* lint: all others are closed */
		(void)fd_close_from(4, 1);
		serve(3, o);
	}
	(void)close(pair[1]);
	*ret_pid = pid;
	return pair[0];
}

/* --- here -------------------------------------------------------------------------------------- */

static int ask(int fd, const struct sbuf *question, unsigned char *buf, size_t max,
	       struct wire_reader *ret)
{
	unsigned n_fds;
	uint32_t code;
	ssize_t n;
	int r = socket_send(fd, question->s, question->len, NULL, 0);

	if (r < 0)
		return err_new(r, "ask the user's side");
	n = socket_recv(fd, buf, max, NULL, 0, &n_fds);
	if (n <= 0)
		return err_new(-CE_PROTOCOL, "the user's side is gone");
	wire_reader_init(ret, buf, (size_t)n);
	code = wire_get_u32(ret);
	if (code) {
		const char *words = wire_get_str(ret);

		return err_set(-(int)code, words ? words : "");
	}
	return 0;
}

static int get_there(int fd, const char *name, const char *server, struct credential *ret)
{
	static unsigned char buf[MESSAGE_MAX];
	AUTO_SBUF struct sbuf question = SBUF_INIT;
	struct wire_reader r;
	const char *user, *password, *token;
	int e;

	wire_put_u32(&question, GET_CREDENTIAL);
	wire_put_str(&question, name);
	wire_put_str(&question, server);
	e = ask(fd, &question, buf, sizeof(buf), &r);
	if (e < 0)
		return e;
	user = wire_get_str(&r);
	password = wire_get_str(&r);
	token = wire_get_str(&r);
	if (wire_failed(&r))
		return err_new(-CE_PROTOCOL, "answer of the user's side");
	ret->user = user ? xstrdup(user) : NULL;
	ret->password = password ? xstrdup(password) : NULL;
	ret->identity_token = token ? xstrdup(token) : NULL;
	explicit_bzero(buf, sizeof(buf));
	return 0;
}

void user_side_use(int fd)
{
	helper_ask_elsewhere(fd, get_there);
}

int user_side_sign(int fd, const char *digest, struct sbuf *ret)
{
	static unsigned char buf[MESSAGE_MAX];
	AUTO_SBUF struct sbuf question = SBUF_INIT;
	struct wire_reader r;
	const void *bytes;
	size_t n;
	int e;

	wire_put_u32(&question, SIGN_DIGEST);
	wire_put_str(&question, digest);
	e = ask(fd, &question, buf, sizeof(buf), &r);
	if (e < 0)
		return e;
	bytes = wire_get_bytes(&r, &n);
	if (wire_failed(&r))
		return err_new(-CE_PROTOCOL, "answer of the user's side");
	sbuf_add(ret, bytes, n);
	return 0;
}
