/* SPDX-License-Identifier: MIT */
#include "pkg/http/libcurl.h"

/* The names of functions are wanted here, not the checks of their arguments. */
#define CURL_DISABLE_TYPECHECK
/* Its first argument is const from some version on: one definition for all of them. */
#define curl_url_get curl_url_get_of_the_header
#include <curl/curl.h>
#undef curl_url_get
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"

#define LIBRARY "libcurl.so.4"

#define FUNCTIONS(X) \
	X(easy_cleanup) \
	X(easy_getinfo) \
	X(easy_init) \
	X(easy_pause) \
	X(easy_setopt) \
	X(easy_strerror) \
	X(free) \
	X(getdate) \
	X(global_init) \
	X(multi_add_handle) \
	X(multi_cleanup) \
	X(multi_info_read) \
	X(multi_init) \
	X(multi_perform) \
	X(multi_poll) \
	X(multi_remove_handle) \
	X(multi_setopt) \
	X(slist_append) \
	X(slist_free_all) \
	X(url) \
	X(url_cleanup) \
	X(url_get) \
	X(url_set)

CURLUcode curl_url_get(CURLU *u, CURLUPart what, char **part, unsigned flags);

#define POINTER(name) __typeof__(curl_##name) *name;
static struct {
	FUNCTIONS(POINTER)
} lib;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char *missing; /* why there is none */

static void load(void)
{
	/* Of its 27 libraries most functions are never called: they are looked up by who does. */
	void *so = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);

	if (!so) {
		missing = xstrdup(dlerror());
		return;
	}
#define FIND(name) \
	*(void **)&lib.name = dlsym(so, "curl_" #name); \
	if (!lib.name && !missing) \
		missing = xstrdup(LIBRARY " has no curl_" #name);
	FUNCTIONS(FIND)
	if (!missing && lib.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		missing = xstrdup(LIBRARY " does not start");
}

static bool is_there(void)
{
	(void)pthread_once(&once, load);
	return !missing;
}

int libcurl_ready(void)
{
	return is_there() ? 0 : err_new(-CE_HOST_SETUP, "%s (apt-get install libcurl4)", missing);
}

/* --- curl/curl.h ------------------------------------------------------------------------------- */

/* Those that need no handle come first of all, or without http_new() at all. */

CURL *curl_easy_init(void)
{
	return is_there() ? lib.easy_init() : NULL;
}

CURLM *curl_multi_init(void)
{
	return is_there() ? lib.multi_init() : NULL;
}

CURLU *curl_url(void)
{
	return is_there() ? lib.url() : NULL;
}

struct curl_slist *curl_slist_append(struct curl_slist *l, const char *s)
{
	return is_there() ? lib.slist_append(l, s) : NULL;
}

void curl_slist_free_all(struct curl_slist *l)
{
	if (l)
		lib.slist_free_all(l);
}

time_t curl_getdate(const char *s, const time_t *now)
{
	return is_there() ? lib.getdate(s, now) : -1;
}

void curl_free(void *p)
{
	if (p)
		lib.free(p);
}

void curl_url_cleanup(CURLU *u)
{
	if (u)
		lib.url_cleanup(u);
}

CURLUcode curl_url_get(CURLU *u, CURLUPart what, char **part, unsigned flags)
{
	return u ? lib.url_get(u, what, part, flags) : CURLUE_BAD_HANDLE;
}

CURLUcode curl_url_set(CURLU *u, CURLUPart what, const char *part, unsigned flags)
{
	return u ? lib.url_set(u, what, part, flags) : CURLUE_BAD_HANDLE;
}

void curl_easy_cleanup(CURL *e)
{
	if (e)
		lib.easy_cleanup(e);
}

CURLcode curl_easy_pause(CURL *e, int bits)
{
	return lib.easy_pause(e, bits);
}

const char *curl_easy_strerror(CURLcode c)
{
	return lib.easy_strerror(c);
}

CURLcode(curl_easy_getinfo)(CURL *e, CURLINFO what, ...)
{
	va_list ap;
	void *to;

	va_start(ap, what);
	to = va_arg(ap, void *);
	va_end(ap);
	return lib.easy_getinfo(e, what, to);
}

CURLcode(curl_easy_setopt)(CURL *e, CURLoption o, ...)
{
	CURLcode c;
	va_list ap;

	va_start(ap, o);
	if (o < CURLOPTTYPE_OBJECTPOINT)
		c = lib.easy_setopt(e, o, va_arg(ap, long));
	else if (o >= CURLOPTTYPE_OFF_T && o < CURLOPTTYPE_BLOB)
		c = lib.easy_setopt(e, o, va_arg(ap, curl_off_t));
	else
		c = lib.easy_setopt(e, o, va_arg(ap, void *));
	va_end(ap);
	return c;
}

CURLMcode(curl_multi_setopt)(CURLM *m, CURLMoption o, ...)
{
	CURLMcode c;
	va_list ap;

	va_start(ap, o);
	if (o < CURLOPTTYPE_OBJECTPOINT)
		c = lib.multi_setopt(m, o, va_arg(ap, long));
	else
		c = lib.multi_setopt(m, o, va_arg(ap, void *));
	va_end(ap);
	return c;
}

CURLMcode curl_multi_add_handle(CURLM *m, CURL *e)
{
	return lib.multi_add_handle(m, e);
}

CURLMcode curl_multi_cleanup(CURLM *m)
{
	return lib.multi_cleanup(m);
}

CURLMsg *curl_multi_info_read(CURLM *m, int *left)
{
	return lib.multi_info_read(m, left);
}

CURLMcode curl_multi_perform(CURLM *m, int *running)
{
	return lib.multi_perform(m, running);
}

CURLMcode curl_multi_poll(CURLM *m, struct curl_waitfd *more, unsigned n, int timeout_ms, int *ret)
{
	return lib.multi_poll(m, more, n, timeout_ms, ret);
}

CURLMcode curl_multi_remove_handle(CURLM *m, CURL *e)
{
	return lib.multi_remove_handle(m, e);
}
