/* SPDX-License-Identifier: MIT */
/*
 * D-Bus, as much of it as two calls to the user's systemd need: no library, so that no command pays
 * for loading one. Only pkg/cgroup uses this; scope.h is what others call.
 *
 * One connection, one thread, blocking with a deadline. Bodies are built with the put functions and
 * read with the get functions; alignment counts from the start of the body (D-Bus specification,
 * "Marshaling"). What is received is checked length by length: a reader that met nonsense has
 * @failed set and gives zeros.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/sbuf.h"

struct dbus {
	int fd;
	uint32_t serial; /* of the last call */
	int64_t deadline_ns;
	struct sbuf in;
	size_t taken; /* bytes of @in that belong to messages already returned */
};

#define DBUS_INIT                              \
	{                                      \
		.fd = -EBADF, .in = SBUF_INIT, \
	}
#define AUTO_DBUS AUTO(dbus_close)

enum dbus_type { DBUS_CALL = 1, DBUS_RETURN, DBUS_ERROR, DBUS_SIGNAL };

struct dbus_reader {
	const char *p;
	size_t at, end;
	bool failed;
};

/* Strings point into the connection's buffer: until the next dbus_next(). */
struct dbus_message {
	enum dbus_type type;
	uint32_t reply_serial;
	const char *member, *error;
	struct dbus_reader body;
};

/**
 * dbus_open() - connect to the session bus of this user and say hello
 * $DBUS_SESSION_BUS_ADDRESS, else $XDG_RUNTIME_DIR/bus, else /run/user/UID/bus.
 * All later calls share @timeout_ms.  Return: 0; -CE_HOST_SETUP with a trail.
 */
int dbus_open(struct dbus *d, int timeout_ms);
void dbus_close(struct dbus *d);
/** dbus_address() - path of the bus's socket (malloc'ed), NULL when there is none; an abstract one begins with '@'. */
char *dbus_address(void);

/** dbus_call() - send a method call to @dest; its serial, or -errno with a trail. */
int dbus_call(struct dbus *d, const char *dest, const char *path, const char *interface,
	      const char *member, const char *signature, const struct sbuf *body);
/** dbus_next() - wait for any message; 0, or -code with a trail. */
int dbus_next(struct dbus *d, struct dbus_message *ret);

/* Building a body. */
void dbus_put_u32(struct sbuf *b, uint32_t v);
void dbus_put_u64(struct sbuf *b, uint64_t v);
void dbus_put_str(struct sbuf *b, const char *s);
void dbus_put_signature(struct sbuf *b, const char *s);
/** dbus_put_array() - begin an array of elements aligned to @align; the place that dbus_end_array() fills in. */
size_t dbus_put_array(struct sbuf *b, unsigned align);
void dbus_end_array(struct sbuf *b, size_t place, unsigned align);
void dbus_put_struct(struct sbuf *b); /* alignment of a struct's begin */

/* Reading one. */
uint32_t dbus_get_u32(struct dbus_reader *r);
const char *dbus_get_str(struct dbus_reader *r); /* also object paths; "" after a failure */
