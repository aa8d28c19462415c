/* SPDX-License-Identifier: MIT */
/*
 * What cuddy and a monitor say to each other on a SEQPACKET socket: one message a packet, a fixed
 * head in the machine's own byte order (both ends are one build on one machine), then data.
 * The same words on the control socket (the cuddy that started the monitor) and on attach sockets.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum cm_type {
	/* to the monitor */
	CM_ATTACH = 1, /* a: CM_ATTACH_*; data: detach keys, when CM_ATTACH_KEYS */
	CM_STDIN, /* data: 1..CM_STDIN_MAX bytes; the next one only after CM_STDIN_ACK */
	CM_STDIN_EOF,
	CM_RESIZE, /* a: rows, b: columns */
	CM_SIGNAL, /* a: signal for pid 1; answered by CM_REPLY unless the sender is attached */
	CM_STOP, /* a: signal or 0, b: grace in milliseconds; the end is told by CM_EXIT */
	CM_RESTART, /* a, b as CM_STOP; CM_REPLY (data: trail) once it runs again */
	CM_CHECK, /* a health check now; CM_REPLY 0 healthy, 1 not, -ENOENT: there is none */
	CM_CGROUP, /* data: the container's cgroup, maybe empty; before the launch, with await_cgroup */
	CM_PAUSE, /* a: 1 to freeze, 0 to thaw; answered by CM_REPLY as soon as it was asked of the kernel */
	CM_HEALTH, /* data: struct cm_health and a path, with the descriptors it announces; CM_REPLY */
	CM_NAME, /* data: the container is called so from now on; CM_REPLY */
	CM_POLICY, /* a: enum conmon_restart, b: attempts; CM_REPLY */
	CM_NETWORKS, /* state_dir/networks has changed; CM_REPLY (data: trail) once it is so */
	CM_PUBLISH, /* data: struct net_port_change, with the socket that it adds; CM_REPLY */
	CM_START, /* pid 1 that waits may go on; CM_REPLY (data: trail) unless the sender is attached */
	/* from the monitor */
	CM_LAUNCH = 64, /* a: 0 or -code, b: CM_LAUNCH_*; data: trail */
	CM_OUTPUT, /* a: 1 or 2; data */
	CM_STDIN_ACK,
	CM_REPLY, /* a: 0 or -errno */
	CM_EXIT, /* a: exit code; text: why the monitor ended it, mostly empty */
	CM_DETACHED, /* the detach keys were typed */
	CM_DROPPED, /* cut off: fell behind */
};

#define CM_ATTACH_STDIN 1
#define CM_ATTACH_KEYS 2
#define CM_LAUNCH_RELAY_STDIN 1 /* stdin is a terminal: the sender of CM_STDIN is cuddy */

#define CM_GRACE_ENDLESS INT32_MAX /* CM_STOP, CM_RESTART: no SIGKILL follows, however long it takes */

#define CM_STDIN_MAX 4096
#define CM_OUTPUT_MAX 65536
#define CM_KEYS_MAX 32
#define CM_NAME_MAX 256

struct cm_head {
	uint32_t type;
	int32_t a, b;
	uint32_t len; /* of the data; checked against the packet */
};

/* Other health checks from now on: what conmon_config says of them. */
struct cm_health {
	struct cm_check {
		int64_t interval_ns, timeout_ns;
		uint32_t retries, successes;
		uint32_t is_set; /* its command comes as the next descriptor */
		uint32_t pad;
	} health, startup;
	int64_t start_period_ns, start_interval_ns;
	uint64_t max_size;
	uint32_t max_count, to_events;
	uint32_t on_failure, pad;
	/* the directory of the log follows, not terminated; none: the monitor's own */
};

/* Descriptors of a monitor at its exec; those of ports follow CM_FD_PORTS, then process.keep_fds. */
enum {
	CM_FD_PLAN = 3,
	CM_FD_CONTROL,
	CM_FD_LOCK,
	CM_FD_RUNTIME,
	CM_FD_HEALTH,
	CM_FD_STARTUP,
	CM_FD_NOTIFY,
	CM_FD_POD,
	CM_FD_PORTS
};

/* The sealed memfd: this head, then the configuration, then the plan. */
#define CM_PLAN_MAGIC 0x31796463U
struct cm_plan_head {
	uint32_t magic, config_len;
	uint64_t plan_len;
};
#define CM_CONFIG_MAX 65536
#define CM_PLAN_MAX (64U << 20)
