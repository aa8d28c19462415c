/* SPDX-License-Identifier: MIT */
/*
 * Two sets of bridges decide: who has a way out (outer), who may talk to other networks (open). A bridge
 * in neither is internal and isolated. What stays in a bridge passes (same), but where its containers are apart, not
 * even by way of the gateway. Nothing here comes from a user but names of devices, which
 * are checked before (network_device_is_valid()).
 */
#include "pkg/net/rules.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nftables/libnftables.h>

#include "net/bridge.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/net/uplink.h"

#define LIBRARY "libnftables.so.1"

/* Protocols by number (1 icmp, 6 tcp, 17 udp, 58 icmpv6): names are those of /etc/protocols, which small systems lack. */
void rules_base(struct sbuf *out)
{
	sbuf_adds(out, "table inet cuddy {\n"
		       "  set bridges { type ifname; }\n"
		       "  set outer { type ifname; }\n"
		       "  set open { type ifname; }\n"
		       "  set same { type ifname . ifname; }\n"
		       "  set unmasked { type ifname; }\n"
		       "  chain input {\n"
		       "    type filter hook input priority 0; policy drop;\n"
		       "    iifname lo accept\n"
		       "    ct state established,related accept\n"
		       "    iifname " UPLINK_DEVICE " meta l4proto 58 accept\n"
		       "    iifname @bridges icmpv6 type { nd-neighbor-solicit, "
		       "nd-neighbor-advert, echo-request } accept\n"
		       "    iifname @bridges fib daddr . iif type local meta l4proto { 6, 17 } "
		       "th dport 53 accept\n"
		       "    iifname @bridges fib daddr . iif type local meta l4proto 1 accept\n"
		       "  }\n"
		       "  chain forward {\n"
		       "    type filter hook forward priority 0; policy drop;\n"
		       "    ct state established,related accept\n"
		       "    iifname . oifname @same accept\n"
		       "    iifname @outer oifname " UPLINK_DEVICE " accept\n"
		       "    iifname @open oifname @open accept\n"
		       "    iifname @bridges oifname @bridges reject with icmpx admin-prohibited\n"
		       "  }\n"
		       "  chain postrouting {\n"
		       "    type nat hook postrouting priority 100; policy accept;\n"
		       "    iifname @unmasked accept\n"
		       "    oifname " UPLINK_DEVICE " masquerade\n"
		       "  }\n"
		       "}\n");
}

void rules_renew(struct sbuf *out)
{
	sbuf_adds(out, "add table inet cuddy\n"
		       "delete table inet cuddy\n");
}

void rules_network(const char *name, uint32_t flags, bool add, struct sbuf *out)
{
	const struct {
		const char *set;
		bool in;
	} sets[] = {
		{"bridges", true},
		{"outer", !(flags & BRIDGE_INTERNAL)},
		{"open", (flags & BRIDGE_OPEN) && !(flags & BRIDGE_INTERNAL)},
		{"unmasked", flags & BRIDGE_UNMASKED},
	};

	const char *verb = add ? "add" : "delete";

	for (unsigned i = 0; i < ARRAY_LEN(sets); i++)
		if (sets[i].in)
			sbuf_addf(out, "%s element inet cuddy %s { \"%s\" }\n", verb, sets[i].set,
				  name);
	/* Where the host has br_netfilter loaded, what stays in a bridge is filtered too. */
	if (!(flags & BRIDGE_APART))
		sbuf_addf(out, "%s element inet cuddy same { \"%s\" . \"%s\" }\n", verb, name,
			  name);
}

/* The library's functions, as far as they are used. */
struct nft {
	struct nft_ctx *(*ctx_new)(uint32_t flags);
	int (*buffer_error)(struct nft_ctx *ctx);
	const char *(*get_error)(struct nft_ctx *ctx);
	int (*run)(struct nft_ctx *ctx, const char *buf);
	int (*buffer_output)(struct nft_ctx *ctx);
	const char *(*get_output)(struct nft_ctx *ctx);
};

static bool load(struct nft *ret)
{
	void *lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!lib)
		return false;
	*(void **)&ret->ctx_new = dlsym(lib, "nft_ctx_new");
	*(void **)&ret->buffer_error = dlsym(lib, "nft_ctx_buffer_error");
	*(void **)&ret->get_error = dlsym(lib, "nft_ctx_get_error_buffer");
	*(void **)&ret->run = dlsym(lib, "nft_run_cmd_from_buffer");
	*(void **)&ret->buffer_output = dlsym(lib, "nft_ctx_buffer_output");
	*(void **)&ret->get_output = dlsym(lib, "nft_ctx_get_output_buffer");
	return ret->buffer_output && ret->get_output && ret->ctx_new && ret->buffer_error &&
	       ret->get_error && ret->run;
}

static void __attribute__((noreturn)) child(int netns, const char *text, int out)
{
	struct nft_ctx *ctx;
	struct nft nft;

	if (netns >= 0 && setns(netns, CLONE_NEWNET) < 0) {
		(void)dprintf(out, "the container's network cannot be entered");
		_exit(1);
	}
	if (!load(&nft)) {
		(void)dprintf(out, "%s cannot be loaded", LIBRARY);
		_exit(1);
	}
	ctx = nft.ctx_new(NFT_CTX_DEFAULT);
	if (ctx && nft.buffer_error(ctx) == 0 && nft.buffer_output(ctx) == 0 &&
	    nft.run(ctx, text) == 0) {
		(void)dprintf(out, "%s", nft.get_output(ctx));
		_exit(0);
	}
	(void)dprintf(out, "nftables: %.200s", ctx ? nft.get_error(ctx) : "no context");
	_exit(1);
}

int rules_run(const char *text)
{
	return rules_run_in(-EBADF, text, NULL);
}

int rules_run_in(int netns, const char *text, struct sbuf *out)
{
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF;
	char words[1024];
	int p[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (!*text)
		return 0;
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	rd = p[0];
	wr = p[1];
	pid = fork();
	if (pid < 0)
		return err_new(-errno, "fork");
	if (pid == 0)
		child(netns, text, wr);
	closep(&wr);
	n = read_upto(rd, words, sizeof(words) - 1);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	words[n > 0 ? n : 0] = '\0';
	if (status == 0 && out)
		sbuf_adds(out, words);
	if (status == 0)
		return 0;
	words[strcspn(words, "\n")] = '\0';
	return err_new(-CE_UNSUPPORTED, "%s", words);
}
