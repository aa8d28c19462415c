/* SPDX-License-Identifier: MIT */
#include "cmd/registry_opts.h"

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/config/containers_conf.h"

#define RETRY_MAX 5
#define RETRY_DEFAULT 3
#define RETRY_DELAY_DEFAULT "2s"
#define RETRY_DELAY_MAX_S 3600

/* clang-format off */
const struct opt registry_opts[] = {
	OPT_STR(0, "authfile", "FILE", struct registry_args, authfile, "Credentials file to use instead of the usual ones",
		.complete = COMPLETE_FILE),
	OPT_STR(0, "cert-dir", "DIR", struct registry_args, cert_dir, "Directory with certificates for the registry",
		.complete = COMPLETE_DIR),
	OPT_STR(0, "creds", "USER[:PASSWORD]", struct registry_args, creds, "Credentials for the registry"),
	OPT_UINT(0, "retry", "N", struct registry_args, retry, "Further tries after a failure that may pass", .max = RETRY_MAX),
	OPT_STR(0, "retry-delay", "DURATION", struct registry_args, retry_delay, "Wait before the first of them"),
	OPT_TRI(0, "tls-verify", struct registry_args, tls_verify, "Require a valid certificate of the registry"),
	OPT_END
};
const struct opt decrypt_opts[] = {
	OPT_REFUSED(0, "decryption-key", "KEY", "encrypted images are not read; decrypt the image first", NULL),
	OPT_MOOT(0, "disable-content-trust", NULL, "Does nothing, as with podman"),
	OPT_END
};
#define NO_ENCRYPTION "layers are not encrypted; leave it out, or encrypt the pushed image with skopeo copy"
const struct opt encrypt_opts[] = {
	OPT_MOOT(0, "disable-content-trust", NULL, "Does nothing, as with podman"),
	OPT_REFUSED(0, "encrypt-layer", "N", NO_ENCRYPTION, NULL),
	OPT_REFUSED(0, "encryption-key", "KEY", NO_ENCRYPTION, NULL),
	OPT_END
};
/* clang-format on */

/* A bare number is seconds. */
static int delay_of(const char *what, const char *text, int64_t *ret_ns)
{
	int r = parse_i64(text, 0, RETRY_DELAY_MAX_S, ret_ns);

	if (r == 0)
		*ret_ns *= NS_PER_S;
	else
		r = parse_duration(text, ret_ns);
	if (r < 0 || *ret_ns < 0 || *ret_ns > RETRY_DELAY_MAX_S * NS_PER_S)
		return err_usage("%s \"%s\" is not a duration of up to an hour", what, text);
	return 0;
}

static int retries_of(const struct containers_conf *conf, unsigned *ret)
{
	int64_t n = conf->retry == CONF_UNSET ? RETRY_DEFAULT : conf->retry;

	if (n < 0 || n > RETRY_MAX)
		return err_usage("containers.conf: retry %lld: a number from 0 to %d", (long long)n,
				 RETRY_MAX);
	*ret = (unsigned)n;
	return 0;
}

int registry_access_of(const struct registry_args *a, struct transfer_access *ret)
{
	const struct containers_conf *conf;
	unsigned retry = a->retry;
	int64_t delay_ns;
	int r = containers_conf(&conf);

	if (r == 0 && retry == UINT_MAX)
		r = retries_of(conf, &retry);
	if (r == 0 && a->retry_delay)
		r = delay_of("--retry-delay", a->retry_delay, &delay_ns);
	else if (r == 0)
		r = delay_of("containers.conf: retry_delay",
			     conf->retry_delay && *conf->retry_delay ? conf->retry_delay
								     : RETRY_DELAY_DEFAULT,
			     &delay_ns);
	if (r < 0)
		return r;
	*ret = (struct transfer_access){
		.tls_verify = a->tls_verify,
		.authfile = a->authfile,
		.cert_dir = a->cert_dir,
		.creds = a->creds,
		.retries = retry,
		.retry_delay_s = (uint32_t)((delay_ns + NS_PER_S - 1) / NS_PER_S)};
	return 0;
}
