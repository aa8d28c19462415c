/* SPDX-License-Identifier: MIT */
/* Places of images that are no registry, as podman writes them: "oci-archive:FILE[:REFERENCE]". */
#pragma once
#include <stdbool.h>

enum transport_kind {
	TRANSPORT_REGISTRY, /* docker://, and names without a transport */
	TRANSPORT_DIR, /* one manifest and its blobs in a directory */
	TRANSPORT_DOCKER_ARCHIVE,
	TRANSPORT_OCI_ARCHIVE,
	TRANSPORT_OCI, /* a layout directory */
	TRANSPORT_STORE, /* what is here */
};

struct transport {
	enum transport_kind kind;
	char *path; /* absolute; of TRANSPORT_STORE the image's name, of TRANSPORT_REGISTRY NULL */
	char *entry; /* which image there: a reference, a tag, "@index"; NULL: none was said */
};
void transport_done(struct transport *t);

/** transport_parse() - usage error for transports that are not built, and for what lacks its path. */
int transport_parse(const char *name, struct transport *ret);
/** transport_is_place() - is @name written as one of a file, a directory or this store? */
bool transport_is_place(const char *name);
/** transport_name() - "oci-archive"; static. */
const char *transport_name(enum transport_kind k);
