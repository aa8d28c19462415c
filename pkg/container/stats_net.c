/* SPDX-License-Identifier: MIT */
/* What went over a container's interfaces. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/container/stats.h"
#include "pkg/json/json.h"
#include "pkg/sys/apart.h"
#include "pkg/sys/file.h"

#define DEV_MAX (1U << 20)

static int read_of_process(pid_t pid, struct sbuf *text)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)pid);
	return file_read_at(AT_FDCWD, path, DEV_MAX, text);
}

/* The kernel shows a network's counters to those who are in it. */
static int read_inside(const void *arg, struct sbuf *text)
{
	const struct conmon_state *s = arg;
	AUTO_CLOSE int user = pin_open(&s->monitor, s->pins[RT_NS_USER]);
	AUTO_CLOSE int net = pin_open(&s->monitor, s->pins[RT_NS_NET]);

	if (user < 0 || net < 0)
		return err_new(-ESRCH, "look at the network");
	/* EINVAL: the user namespace is our own. */
	if ((setns(user, CLONE_NEWUSER) < 0 && errno != EINVAL) || setns(net, CLONE_NEWNET) < 0)
		return err_new(-errno, "look at the network");
	return file_read_at(AT_FDCWD, "/proc/thread-self/net/dev", DEV_MAX, text);
}

/* The columns of /proc/net/dev that podman has, in its words. */
static const struct {
	const char *name;
	unsigned column;
} counters[] = {
	{"RxBytes", 0}, {"RxPackets", 1}, {"RxErrors", 2},  {"RxDropped", 3},
	{"TxBytes", 8}, {"TxPackets", 9}, {"TxErrors", 10}, {"TxDropped", 11},
};

#define COLUMNS 16

/* "eth0: rx-bytes packets errs drop fifo frame compressed multicast tx-bytes …" */
static void add_interface(struct stats *s, const char *name, const char *numbers)
{
	struct json_object *o;
	uint64_t v[COLUMNS];
	char *end;

	for (size_t i = 0; i < COLUMNS; i++) {
		v[i] = strtoull(numbers, &end, 10);
		if (end == numbers)
			return;
		numbers = end;
	}
	o = json_object_new_object();
	for (size_t i = 0; i < ARRAY_LEN(counters); i++)
		json_set(o, counters[i].name, json_object_new_uint64(v[counters[i].column]));
	json_set(s->network, name, o);
	s->net_in += v[0];
	s->net_out += v[8];
}

void stats_read_net(const struct container *c, struct stats *s)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	char *save = NULL;
	int r;

	if (strcmp(c->rec->ns_net, "host") == 0)
		return; /* the whole host's traffic is not the container's */
	r = conmon_is_pinned(&c->state) ? apart_run(read_inside, &c->state, &text)
					: read_of_process(c->state.init.pid, &text);
	if (r < 0) {
		err_drop();
		return;
	}
	s->network = json_object_new_object();
	for (char *l = strtok_r(text.s, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *colon = strchr(l, ':');

		l += strspn(l, " ");
		if (!colon || strncmp(l, "lo:", 3) == 0)
			continue;
		*colon = '\0';
		add_interface(s, l, colon + 1);
	}
}
