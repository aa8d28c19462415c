/* SPDX-License-Identifier: MIT */
#include "cmd/registry_opts.h"

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"

#define RETRY_DELAY_MAX_S 3600

/* clang-format off */
const struct opt registry_opts[] = {
	OPT_STR(0, "authfile", "FILE", struct registry_args, authfile, "Credentials file to use instead of the usual ones",
		.complete = COMPLETE_FILE),
	OPT_STR(0, "cert-dir", "DIR", struct registry_args, cert_dir, "Directory with certificates for the registry",
		.complete = COMPLETE_DIR),
	OPT_STR(0, "creds", "USER[:PASSWORD]", struct registry_args, creds, "Credentials for the registry"),
	OPT_UINT(0, "retry", "N", struct registry_args, retry, "Further tries after a failure that may pass", .max = 5),
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

int registry_access_of(const struct registry_args *a, struct transfer_access *ret)
{
	int64_t delay_ns;
	/* A bare number is seconds. */
	int r = parse_i64(a->retry_delay, 0, RETRY_DELAY_MAX_S, &delay_ns);

	if (r == 0)
		delay_ns *= NS_PER_S;
	else
		r = parse_duration(a->retry_delay, &delay_ns);
	if (r < 0 || delay_ns < 0 || delay_ns > RETRY_DELAY_MAX_S * NS_PER_S)
		return err_usage("--retry-delay \"%s\" is not a duration of up to an hour",
				 a->retry_delay);
	*ret = (struct transfer_access){
		.tls_verify = a->tls_verify,
		.authfile = a->authfile,
		.cert_dir = a->cert_dir,
		.creds = a->creds,
		.retries = a->retry,
		.retry_delay_s = (uint32_t)((delay_ns + NS_PER_S - 1) / NS_PER_S)};
	return 0;
}
