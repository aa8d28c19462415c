/* SPDX-License-Identifier: MIT */
#include "cmd/sign_opts.h"

#include "pkg/base/err.h"
#include "pkg/image/sign_file.h"
#include "pkg/image/transport.h"

/* clang-format off */
const struct opt sign_opts[] = {
	OPT_STR(0, "sign-by", "KEY", struct sign_args, o.by, "Sign what was pushed with this key of gpg's"),
	OPT_STR(0, "sign-by-sigstore", "FILE", struct sign_args, file,
		"Sign as containers-sigstore-signing-params.yaml(5) says, with a private key", .complete = COMPLETE_FILE),
	OPT_STR(0, "sign-by-sigstore-private-key", "FILE", struct sign_args, o.sigstore_key,
		"Sign what was pushed with a private key, and put the signature beside it", .complete = COMPLETE_FILE),
	OPT_REFUSED(0, "sign-by-sq-fingerprint", "FINGERPRINT", "sequoia is not asked; --sign-by signs with a key of gpg's", NULL),
	OPT_STR(0, "sign-passphrase-file", "FILE", struct sign_args, o.passphrase_file, "Passphrase of the key",
		.complete = COMPLETE_FILE),
	OPT_END
};
/* clang-format on */

int sign_options_of(const struct sign_args *a, const char *destination, struct sign_options *ret)
{
	static struct sign_file file;
	int r;

	*ret = a->o;
	if (destination && transport_is_place(destination) &&
	    (a->o.by || a->o.sigstore_key || a->o.passphrase_file || a->file))
		return err_usage("signatures are put beside what a registry has, and %s is none: "
				 "leave --sign-by… out",
				 destination);
	if (!a->file)
		return 0;
	if (a->o.by || a->o.sigstore_key)
		return err_usage("--sign-by-sigstore goes not with another key to sign with");
	if (a->o.passphrase_file)
		return err_usage("--sign-passphrase-file: --sign-by-sigstore's file names that of "
				 "its key, as privateKeyPassphraseFile");
	r = sign_file_read(a->file, &file);
	ret->sigstore_key = file.key;
	ret->passphrase_file = file.passphrase_file;
	return r < 0 ? err_wrap(r, "--sign-by-sigstore") : 0;
}
