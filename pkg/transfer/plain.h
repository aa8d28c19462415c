/* SPDX-License-Identifier: MIT */
/*
 * Which of the registries that may be talked to insecurely turned out to speak plain HTTP: the next
 * time that is tried first, for setting TLS up costs more than a small request. Until the next boot,
 * in the user's runtime directory; a registry that learns TLS meanwhile is noticed and forgotten here.
 */
#pragma once
#include <stdbool.h>

bool plain_is_known(const char *host);
/** plain_remember() - or, with @plain false, forget. What goes wrong costs time and is no error. */
void plain_remember(const char *host, bool plain);
