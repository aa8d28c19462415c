/* SPDX-License-Identifier: MIT */
#pragma once
#include <curl/curl.h>

#include "pkg/http/http.h"

#define HEADER_BYTES_MAX (256 * 1024)
#define HEADER_COUNT_MAX 500

struct http_transfer {
	struct http *h;
	struct http_transfer *next;

	/* The request, copied. */
	char *url, *method, *authorization, *form;
	struct strv headers;
	char *body; /* NULL: body_fd, if there is a body_size */
	int body_fd;
	uint64_t body_size, body_at;
	void (*sent)(void *data, uint64_t bytes);
	struct http_policy policy;
	uint64_t max_body;
	unsigned timeout_s, retries, retry_delay_ms;
	int (*sink)(void *data, const void *p, size_t n);
	void *data;

	/* The current hop. */
	CURL *easy;
	struct curl_slist *list;
	char *hop_url;
	unsigned hops, tries;
	int64_t retry_at_ns; /* waits for its next try until then; 0: runs or is finished */
	char *location;
	unsigned retry_after_s;
	size_t header_bytes;
	unsigned header_count;
	uint64_t body_bytes;
	bool used_body; /* the sink got something: no silent retry */
	bool enough; /* the rest of an error's body is not wanted */
	int failed; /* code from a callback; its words are in trail */
	char curl_words[CURL_ERROR_SIZE];

	/* The outcome. */
	bool finished;
	int code;
	char *trail;
	struct http_response response;
};

/** setup_hop() - a fresh easy handle for t->hop_url with every limit set; the one place for TLS. */
int setup_hop(struct http_transfer *t);
void setup_clear(struct http_transfer *t);

/** http_writes() - neither GET nor HEAD: it changes something there. */
bool http_writes(const struct http_transfer *t);

/* Callbacks of answer.c. */
size_t on_header(char *p, size_t size, size_t n, void *data);
size_t on_body(char *p, size_t size, size_t n, void *data);
void answer_reset(struct http_transfer *t);
