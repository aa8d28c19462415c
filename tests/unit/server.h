/* SPDX-License-Identifier: MIT */
/* A server on loopback, of this process: a thread for each connection, which is serve()'s to close. */
#pragma once
#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>

static void *(*server_serve)(void *fd);

static void *server_listen(void *data)
{
	int fd;

	while ((fd = accept((int)(intptr_t)data, NULL, NULL)) >= 0) {
		pthread_t t;

		if (pthread_create(&t, NULL, server_serve, (void *)(intptr_t)fd) == 0)
			(void)pthread_detach(t);
	}
	return NULL;
}

/* Returns its port. */
static unsigned server_begin(void *(*serve)(void *fd))
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(a);
	pthread_t t;

	server_serve = serve;
	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && listen(fd, 8) == 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	assert_int_equal(pthread_create(&t, NULL, server_listen, (void *)(intptr_t)fd), 0);
	(void)pthread_detach(t);
	return ntohs(a.sin_port);
}
