/* SPDX-License-Identifier: MIT */
/*
 * One easy handle per hop, made from nothing: no option of an earlier request survives into it.
 * The only place that touches certificate checks, protocols, proxies and limits (G01, G02, G04, G10).
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/http/http_internal.h"
#include "pkg/http/url.h"
#include "pkg/sys/file.h"

#define CERTIFICATE_MAX (1024 * 1024)
#define SERVER_WORKS_S 600L

static bool is_private4(uint32_t a)
{
	return a >> 24 == 0 || a >> 24 == 10 || a >> 24 == 127 || a >> 16 == 0xa9fe ||
	       a >> 20 == 0xac1 || a >> 16 == 0xc0a8 || a >> 22 == 0x191 || a >> 28 >= 14;
}

static bool is_private(const struct sockaddr *sa)
{
	const struct in6_addr *a;

	if (sa->sa_family == AF_INET)
		return is_private4(
			ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr));
	if (sa->sa_family != AF_INET6)
		return true;
	a = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(a) || IN6_IS_ADDR_V4COMPAT(a)) {
		uint32_t v4;

		memcpy(&v4, &a->s6_addr[12], sizeof(v4));
		return is_private4(ntohl(v4));
	}
	return IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_UNSPECIFIED(a) || IN6_IS_ADDR_LINKLOCAL(a) ||
	       IN6_IS_ADDR_SITELOCAL(a) || IN6_IS_ADDR_MULTICAST(a) ||
	       (a->s6_addr[0] & 0xfe) == 0xfc;
}

/* A proxy of the environment connects in our place; its own address is the user's choice. */
static bool is_proxied(void)
{
	static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (getenv(names[i]) && *getenv(names[i]))
			return true;
	return false;
}

static curl_socket_t on_open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_transfer *t = data;

	(void)purpose;
	if (t->policy.public_only && is_private(&a->addr) && !is_proxied()) {
		AUTO_FREE char *shown = url_shown(t->hop_url);

		t->failed = err_new(-CE_UNSAFE, "%s is at a private address", shown);
		freep(&t->trail);
		t->trail = xstrdup(err_trail());
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static bool is_plain(const struct http_transfer *t)
{
	return strncasecmp(t->hop_url, "http:", 5) == 0;
}

/* /etc/ssl/certs as hashed directory is read lazily; the bundle file costs 10 ms a connection. */
static void system_roots(CURL *e)
{
	static int hashed = -1;
	const char *file = getenv("SSL_CERT_FILE"), *dir = getenv("SSL_CERT_DIR");

	if (file && *file)
		(void)curl_easy_setopt(e, CURLOPT_CAINFO, file);
	if (dir && *dir)
		(void)curl_easy_setopt(e, CURLOPT_CAPATH, dir);
	if ((file && *file) || (dir && *dir))
		return;
	if (hashed < 0) {
		AUTO_CLOSEDIR DIR *d = opendir("/etc/ssl/certs");
		struct dirent *f;

		hashed = 0;
		while (d && !hashed && (f = readdir(d)) != NULL)
			hashed = strlen(f->d_name) == 10 && strcmp(f->d_name + 8, ".0") == 0;
	}
	if (hashed) {
		(void)curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
		(void)curl_easy_setopt(e, CURLOPT_CAPATH, "/etc/ssl/certs");
	}
}

static void client_certificate(CURL *e, const char *dir, const char *name)
{
	AUTO_FREE char *cert = path_join(dir, name);
	AUTO_FREE char *key = xasprintf("%.*s.key", (int)(strlen(cert) - 5), cert);

	(void)curl_easy_setopt(e, CURLOPT_SSLCERT, cert);
	(void)curl_easy_setopt(e, CURLOPT_SSLKEY, key);
}

/* certs.d: every *.crt is one more root; the *.cert with its *.key is shown to the registry only. */
static int certs_d(struct http_transfer *t)
{
	AUTO_CLOSEDIR DIR *d = opendir(t->policy.cert_dir);
	AUTO_SBUF struct sbuf roots = SBUF_INIT;
	struct curl_blob blob;
	struct dirent *f;
	int r;

	if (!d)
		return err_new(-errno, "certificates in %s", t->policy.cert_dir);
	while ((f = readdir(d)) != NULL) {
		if (has_ending(f->d_name, ".cert") && t->policy.cert_url &&
		    url_same_origin(t->policy.cert_url, t->hop_url))
			client_certificate(t->easy, t->policy.cert_dir, f->d_name);
		if (!has_ending(f->d_name, ".crt"))
			continue;
		r = file_read_at(dirfd(d), f->d_name, CERTIFICATE_MAX, &roots);
		if (r < 0)
			return err_wrap(r, "certificates in %s", t->policy.cert_dir);
		sbuf_addc(&roots, '\n');
	}
	if (roots.len == 0)
		return 0;
	blob = (struct curl_blob){.data = roots.s, .len = roots.len, .flags = CURL_BLOB_COPY};
	(void)curl_easy_setopt(t->easy, CURLOPT_CAINFO_BLOB, &blob);
	return 0;
}

static int setup_tls(struct http_transfer *t)
{
	CURL *e = t->easy;

	(void)curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, t->policy.insecure ? 0L : 1L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, t->policy.insecure ? 0L : 2L);
	if (!is_plain(t))
		system_roots(e);
	return t->policy.cert_dir ? certs_d(t) : 0;
}

static void setup_limits(struct http_transfer *t)
{
	CURL *e = t->easy;

	(void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, 20L);
	(void)curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1024L);
	(void)curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, 60L);
	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT, (long)t->timeout_s);
	(void)curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 256L * 1024);
	(void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(e, CURLOPT_UNRESTRICTED_AUTH, 0L);
	(void)curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, t->policy.plain ? "https,http" : "https");
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	/* A proxy would see plain http, credentials included: only CONNECT for https. */
	if (is_plain(t))
		(void)curl_easy_setopt(e, CURLOPT_PROXY, "");
}

/* The credentials go out only while the hop is at the origin they were given for (D8). */
static void setup_headers(struct http_transfer *t)
{
	for (size_t i = 0; i < t->headers.n; i++)
		t->list = curl_slist_append(t->list, t->headers.v[i]);
	t->list = curl_slist_append(t->list, "Accept-Encoding: identity");
	if (http_writes(t))
		t->list = curl_slist_append(t->list, "Expect:");
	if (t->authorization && url_same_origin(t->url, t->hop_url)) {
		AUTO_FREE char *line = xasprintf("Authorization: %s", t->authorization);

		t->list = curl_slist_append(t->list, line);
		explicit_bzero(line, strlen(line));
	}
	(void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->list);
}

static size_t on_send(char *p, size_t size, size_t n, void *data)
{
	struct http_transfer *t = data;
	uint64_t left = t->body_size - t->body_at;
	ssize_t got;

	n *= size;
	if (n > left)
		n = (size_t)left;
	if (t->body) {
		memcpy(p, t->body + t->body_at, n);
		got = (ssize_t)n;
	} else {
		do {
			got = pread(t->body_fd, p, n, (off_t)t->body_at);
		} while (got < 0 && errno == EINTR);
	}
	if (got < 0 || (got == 0 && n > 0)) {
		t->failed = got < 0 ? err_new(-errno, "read what is to be sent")
				    : err_new(-CE_BAD_SIZE, "what is to be sent became shorter");
		freep(&t->trail);
		t->trail = xstrdup(err_trail());
		return CURL_READFUNC_ABORT;
	}
	t->body_at += (uint64_t)got;
	if (t->sent)
		t->sent(t->data, t->body_at);
	return (size_t)got;
}

/* curl begins again when a connection it had kept turns out to be closed. */
static int on_seek(void *data, curl_off_t offset, int origin)
{
	struct http_transfer *t = data;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	t->body_at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static void setup_body(struct http_transfer *t)
{
	CURL *e = t->easy;

	if (t->method && strcmp(t->method, "HEAD") == 0) {
		(void)curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	} else if (t->form) {
		(void)curl_easy_setopt(e, CURLOPT_POSTFIELDS, t->form);
	} else if (http_writes(t)) {
		(void)curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
		(void)curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, t->method);
		(void)curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->body_size);
		(void)curl_easy_setopt(e, CURLOPT_READFUNCTION, on_send);
		(void)curl_easy_setopt(e, CURLOPT_READDATA, t);
		(void)curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek);
		(void)curl_easy_setopt(e, CURLOPT_SEEKDATA, t);
		(void)curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
		/* What was sent has to be hashed there before the answer comes. */
		(void)curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, SERVER_WORKS_S);
	}
}

void setup_clear(struct http_transfer *t)
{
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
	curl_slist_free_all(t->list);
	t->list = NULL;
}

int setup_hop(struct http_transfer *t)
{
	CURL *e = curl_easy_init();

	if (!e)
		return err_new(-ENOMEM, "curl");
	t->easy = e;
	t->curl_words[0] = '\0';
	(void)curl_easy_setopt(e, CURLOPT_URL, t->hop_url);
	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->curl_words);
	(void)curl_easy_setopt(e, CURLOPT_USERAGENT, "cuddy/" CUDDY_VERSION);
	(void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	(void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	(void)curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	(void)curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	(void)curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
	setup_limits(t);
	setup_body(t);
	setup_headers(t);
	return setup_tls(t);
}
