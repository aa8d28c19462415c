/* SPDX-License-Identifier: MIT */
/*
 * Probes as health checks: the livenessProbe with a restart when it fails, after the startupProbe; where there
 * is none the readinessProbe, or else the startupProbe, and nothing but the word when it fails.
 */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/kube/internal.h"

static const char *keep(struct kube_container *c, char *s)
{
	strv_take(&c->keep, s);
	return s;
}

/* "http" is the number of the port of that name. */
static const char *port_of(struct json_object *c, const char *port)
{
	struct json_object *e;

	for (size_t i = 0; (e = kube_each(c, "ports", i)); i++) {
		const char *name = kube_text(e, "name");

		if (name && strcmp(name, port) == 0)
			return kube_text(e, "containerPort");
	}
	return strspn(port, "0123456789") == strlen(port) ? port : NULL;
}

/* Goes between quotes of sh. */
static bool is_harmless(const char *s)
{
	return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			   "-._~/?&=%+:,@")] == '\0';
}

static int http_get(struct json_object *c, struct json_object *get, char **ret)
{
	const char *named = kube_text(get, "port"), *path = kube_text(get, "path");
	const char *host = kube_text(get, "host"), *scheme = kube_text(get, "scheme");
	const char *port = named ? port_of(c, named) : NULL;
	bool tls = scheme && strcasecmp(scheme, "https") == 0;

	if (!port)
		return err_new(-CE_BAD_FORMAT, "httpGet needs a port");
	if (!path)
		path = "/";
	if (!host)
		host = "localhost";
	if (!is_harmless(path) || !is_harmless(host))
		return err_new(-CE_BAD_FORMAT, "httpGet: a host or path with odd letters");
	*ret = xasprintf(
		"u='http%s://%s:%s%s%s'; if command -v curl >/dev/null; then "
		"exec curl -f%s -o /dev/null \"$u\"; else exec wget -q -O /dev/null \"$u\"; fi",
		tls ? "s" : "", host, port, *path == '/' ? "" : "/", path, tls ? "k" : "");
	return 0;
}

static int command_of(struct json_object *c, struct json_object *probe, char **ret)
{
	struct json_object *exec = kube_get(probe, "exec.command"),
			   *http = kube_get(probe, "httpGet"), *tcp = kube_get(probe, "tcpSocket");
	const char *port;
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	if (exec) {
		json_write(exec, false, &text);
		*ret = sbuf_steal(&text);
		return 0;
	}
	if (http)
		return http_get(c, http, ret);
	port = tcp && kube_text(tcp, "port") ? port_of(c, kube_text(tcp, "port")) : NULL;
	if (!port)
		return err_new(-CE_BAD_FORMAT, "a probe needs exec, httpGet or tcpSocket");
	*ret = xasprintf("exec nc -z localhost %s", port);
	return 0;
}

static int seconds(struct json_object *probe, const char *key, const char *otherwise,
		   struct kube_container *c, const char **ret)
{
	const char *s = kube_text(probe, key);
	uint32_t n;

	if (!s)
		s = otherwise;
	if (parse_u32(s, 1000000, &n) < 0)
		return err_new(-CE_BAD_FORMAT, "%s: '%s' is not a number", key, s);
	*ret = keep(c, xasprintf("%us", n));
	return 0;
}

int kube_probe(struct json_object *c, struct kube_container *ret)
{
	struct json_object *live = kube_get(c, "livenessProbe"),
			   *ready = kube_get(c, "readinessProbe"),
			   *start = kube_get(c, "startupProbe");
	const bool only_told = !live; /* who is not ready is not restarted */
	struct health_request *h = &ret->q.health;
	char *command = NULL;
	int r = 0;

	if (!live)
		live = ready ? ready : start;
	if (live == start)
		start = NULL;
	if (live) {
		r = command_of(c, live, &command);
		if (r == 0)
			h->cmd = keep(ret, command);
		if (r == 0)
			r = seconds(live, "periodSeconds", "10", ret, &h->interval);
		if (r == 0)
			r = seconds(live, "timeoutSeconds", "1", ret, &h->timeout);
		if (r == 0)
			r = seconds(live, "initialDelaySeconds", "0", ret, &h->start_period);
		h->retries = kube_text(live, "failureThreshold");
		if (!h->retries)
			h->retries = "3";
		h->on_failure = only_told || strcmp(ret->q.restart ? ret->q.restart : "no", "no") ==
							0
					? "none"
					: "restart";
	}
	if (r == 0 && start && live) {
		r = command_of(c, start, &command);
		if (r == 0)
			h->startup_cmd = keep(ret, command);
		if (r == 0)
			r = seconds(start, "periodSeconds", "10", ret, &h->startup_interval);
		if (r == 0)
			r = seconds(start, "timeoutSeconds", "1", ret, &h->startup_timeout);
		h->startup_retries = kube_text(start, "failureThreshold");
		if (!h->startup_retries)
			h->startup_retries = "3";
	}
	return r;
}
