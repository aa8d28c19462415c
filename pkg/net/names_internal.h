/* SPDX-License-Identifier: MIT */
/* What the files of the server of names share. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "pkg/net/names.h"

#define NAMES_STREAMS_MAX 64
#define NAMES_STREAM_BYTES (2 + NAMES_MESSAGE_MAX)

/* A client over TCP: questions for us one after the other, or joined with a server of outside. */
struct names_stream {
	int fd, up; /* -EBADF: free; not joined */
	unsigned net;
	char limited
		[65]; /* the container that has an allow-list, once a question went outside; else "" */
	unsigned server; /* how many were tried */
	bool reached; /* the one at @up took something */
	int64_t server_until_ns; /* else the next is tried */
	bool over; /* nothing comes after what is in @out */
	char name[NAMES_NAME_MAX]; /* what a limited one asked for */
	struct address client;
	int64_t until_ns; /* closed when nothing moved */
	size_t in_len, out_len; /* from the client; for the client */
	unsigned char in[NAMES_STREAM_BYTES], out[NAMES_STREAM_BYTES];
};

void names_stream_begin(struct names_stream *t, int fd, unsigned net);
/** names_stream_events() - for poll(), of the client's or (@up) the server's end. */
short names_stream_events(const struct names_stream *t, bool up);
void names_stream_pump(struct names_stream *t, const struct names_table *table, int64_t now);

socklen_t names_sockaddr(const struct address *a, in_port_t port, struct sockaddr_storage *ret);
/** names_tell() - the keeper, what is in the answer @m for @name; returns when the addresses may be reached. */
void names_tell(const char *id, const char *name, const unsigned char *m, size_t n);
/** names_tell_refused() - container @id asked for what it may not. */
void names_tell_refused(const char *id);
/** names_ask() - a socket of @type to @to, connected or on its way; -errno. */
int names_ask(const struct address *to, int type);
/** names_confine() - from here on this process can do nothing but serve, and (@marks) mark its sockets. */
int names_confine(bool marks);
