/* SPDX-License-Identifier: MIT */
/*
 * From a record and host facts to what the runtime and the monitor will do. Decides everything,
 * starts nothing; only small text files are left for plan_write_files().
 */
#pragma once
#include "net/ports.h"
#include "pkg/conmon/config.h"
#include "pkg/container/record.h"
#include "pkg/oci/hooks_dir.h"
#include "pkg/runtime/base.h"
#include "pkg/runtime/exec.h"
#include "storage/container_store.h"

struct store;

#define PLAN_INIT "/run/podman-init" /* where --init-path puts its program */

/* Owns all that the plan points at. */
struct container_plan {
	struct rt_plan rt;
	struct conmon_config mon;
	struct net_port_list ports;
	int *port_fds; /* of ports; -EBADF until bound */
	struct strv lower, masked, read_only, volumes;
	struct strv keep; /* strings that nothing else owns */
	struct strv
		pod_volumes; /* "NAME=DIR": volumes of its pod, and where its infra container has them */
	struct proc_id pod_owner; /* of that, see rt_plan.peer */
	struct rt_mount *mounts;
	unsigned n_mounts;
	struct rt_device *devices;
	struct rt_idmap *uid_map, *gid_map;
	struct rt_rlimit *rlimits;
	struct hook_set hook_set;
	struct rt_hook *hooks; /* of it, by stages */
	struct strv argv, env, runtime_flags;
	char detach_keys[32];
	struct rt_secret *secrets;
	struct sbuf *secret_data; /* wiped */
	unsigned n_secrets; /* of both, those given as variables too */
	struct sbuf seccomp; /* of a filter that is not the built-in one */
};

/* What plan_done() finds nothing to do with. */
#define CONTAINER_PLAN_INIT                                                             \
	{                                                                               \
		.mon.health.fd = -EBADF, .mon.startup.fd = -EBADF, .seccomp = SBUF_INIT \
	}

struct plan_input {
	struct store *store;
	const struct container_record *record;
	const struct container_dirs *dirs;
	const struct base_grant *grant;
	bool single_id;
	bool bare; /* the root is to look at: without the mount points that every container gets */
	bool dry; /* to be looked at only: nothing is made, nobody else has to run */
	bool idle; /* it is not to run: what is only there then is nobody's */
	bool notifies; /* the payload has a socket for sd_notify(3), see notify.h */
	const char *watchdog; /* how often it must speak there, in microseconds; NULL */
};

int plan_make(const struct plan_input *in, struct container_plan *p);
void plan_done(struct container_plan *p);

/* Parts (plan_*.c). */
char *plan_keep(struct container_plan *p, char *s); /* takes ownership, returns it */
struct rt_mount *plan_add_mount(struct container_plan *p, enum rt_mount_type type,
				const char *source, const char *target);
/** plan_tmpfs_data() - @data (may be NULL), with a bound on the size where it names none: half of the memory, at most 1 GiB. */
const char *plan_tmpfs_data(struct container_plan *p, const char *data);
int plan_log(const struct plan_input *in, struct container_plan *p, struct conmon_config *m);
/** container_rlimits() - room for RLIM_NLIMITS; @start: limits above our own are an error, not cut. */
int container_rlimits(const struct container_record *rec, bool start, struct rt_rlimit *ret,
		      unsigned *ret_n);
int plan_root(const struct plan_input *in, struct container_plan *p);
int plan_mounts(const struct plan_input *in, struct container_plan *p);
int plan_user_mounts(const struct plan_input *in, struct container_plan *p);
/** plan_ids() - the maps; first, since the root depends on them. */
int plan_ids(const struct plan_input *in, struct container_plan *p);
/** plan_own() - what belongs to other ids than the container's gets a copy or an owner that does not; after all other parts. */
int plan_own(const struct plan_input *in, struct container_plan *p);
/** plan_own_layers() - @dirs of layer_stack() become copies under the container's ids, made where missing. */
int plan_own_layers(const struct plan_input *in, struct container_plan *p, struct strv *dirs);
int plan_namespaces(const struct plan_input *in, struct container_plan *p);
int plan_network(const struct plan_input *in, struct container_plan *p);
/** plan_pod_hosts() - if @rec is of a pod: its and the others' names in the pod's file. */
int plan_pod_hosts(struct store *st, const struct container_record *rec);
/** container_pod_hosts() - the same after @rec was removed or renamed: done already, so what fails is let go. */
void container_pod_hosts(struct store *st, const struct container_record *rec);
/** plan_ports() - the sockets of the published ports, or who has one of them. */
int plan_ports(const struct plan_input *in, struct container_plan *p);
/** plan_explain_ports() - @r as net_ports_bind() gave it, or the container of ours that has the port. */
int plan_explain_ports(struct store *st, const struct net_port_list *l, int r);
/** plan_write_ports() - which host ports were given out: for ps, port and inspect while it runs, and for the next run. */
int plan_write_ports(const struct container_dirs *dirs, const struct net_port_list *l);
/** plan_bridge() - with named networks; plan_bridge_request(), plan_bridge_hosts() - their files, with the others. */
int plan_bridge(const struct plan_input *in, struct container_plan *p);
/** plan_guard() - with an allow-list and none of them. */
int plan_guard(const struct plan_input *in, struct container_plan *p);
/** plan_bridge_request() - @servers: whom to ask for names in place of --dns; NULL: as it is. */
int plan_bridge_request(const struct plan_input *in, const struct strv *servers);
void plan_bridge_hosts(const struct plan_input *in, struct container_plan *p, const char *hostname,
		       size_t base);
/** plan_secrets() - their values, also those that are variables. */
int plan_secrets(const struct plan_input *in, struct container_plan *p);
/** plan_systemd_env(), plan_systemd_mounts() - of a record that says so (systemd.c). */
void plan_systemd_env(const struct container_record *rec, struct container_plan *p);
void plan_systemd_mounts(const struct container_record *rec, struct container_plan *p);
/** plan_user_mounts_at() - does a mount of the user's take this place? */
bool plan_user_mounts_at(const struct container_record *rec, const char *target);
void plan_accounts(const struct plan_input *in, struct container_plan *p);
int plan_process(const struct plan_input *in, struct container_plan *p);
/** plan_security() - the system call filter into @proc; also for exec. @storage keeps bytes that had to be made. */
int plan_security(const struct container_record *r, bool privileged, struct rt_process *proc,
		  struct sbuf *storage);
/** exec_process() - what a further process in the container is (exec.c); points into its arguments. */
struct exec_request;
int exec_process(const struct container_record *rec, const struct exec_request *e,
		 const struct strv *env, struct sbuf *seccomp, struct rt_rlimit *rlimits,
		 struct rt_process *ret);
/** plan_hooks() - those of the host that are for it; after plan_process(). */
int plan_hooks(const struct plan_input *in, struct container_plan *p);
/** plan_health() - the checks that the monitor will make, their commands ready for it. */
int plan_health(const struct container_record *rec, struct container_plan *p);
/** health_log_dir() - where the log of checks is, NULL: with the container; the bounds of it, 0 for none. */
const char *health_log_dir(const struct container_record *rec);
uint32_t health_max_count(const struct container_record *rec);
uint32_t health_max_size(const struct container_record *rec);
/** plan_write_files() - hosts, hostname, resolv.conf into the runtime directory. */
int plan_write_files(const struct plan_input *in, struct container_plan *p);
/** plan_default_hostname() - first 12 digits of the id unless given. */
char *plan_hostname(const struct container_record *r);
/** plan_hostname_env() - $HOSTNAME, of pid 1 and of what exec starts. */
void plan_hostname_env(const struct container_record *rec, struct strv *env);
