/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets between our own processes: SOCK_SEQPACKET, file modes 0600, descriptors by
 * SCM_RIGHTS. Paths longer than sun_path work (bound and connected through /proc/self/fd/DIR).
 */
#pragma once
#include <stddef.h>
#include <sys/types.h>

#define SOCKET_FDS_MAX 8

/** socket_listen_at() - make and listen on @name in directory @dir (an older one is replaced). */
int socket_listen_at(int dir, const char *name);
/** socket_connect_at() - connect to it; -ECONNREFUSED / -ENOENT without trail when nobody is there. */
int socket_connect_at(int dir, const char *name);
/** socket_stream_listen_at(), socket_stream_connect_at() - the same of SOCK_STREAM, for protocols of others. */
int socket_stream_listen_at(int dir, const char *name);
int socket_stream_connect_at(int dir, const char *name);
/** socket_datagram_at() - a SOCK_DGRAM socket at @name that everybody who can reach it may write to; not blocking. */
int socket_datagram_at(int dir, const char *name);
/** socket_datagram_to() - connected to "/path" or "@abstract"; a full receiver holds up a send for that long at most. */
int socket_datagram_to(const char *address, int timeout_ms);
/** socket_pair() - a connected CLOEXEC SEQPACKET pair. */
int socket_pair(int ret[2]);
/** socket_peer_is_us() - SO_PEERCRED: 0 when the peer's uid is ours, -EPERM otherwise. */
int socket_peer_is_us(int fd);
/** socket_send() - one message with up to SOCKET_FDS_MAX descriptors; 0 or -errno (no trail). */
int socket_send(int fd, const void *p, size_t n, const int *fds, unsigned n_fds);
/**
 * socket_recv() - one message. Received descriptors are CLOEXEC; those beyond @max_fds are closed.
 * Return: bytes (0 at the end of the conversation), -EMSGSIZE if cut, or -errno. No trail.
 */
ssize_t socket_recv(int fd, void *p, size_t max, int *fds, unsigned max_fds, unsigned *ret_n_fds);
