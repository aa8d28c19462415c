/* SPDX-License-Identifier: MIT */
/* Requirements of type sigstoreSigned: whose keys or certificates, and which log has to have seen it. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/transfer/policy_internal.h"

/* A string that must be there with something in it. */
static int take_word(struct json_object *o, const char *key, char **ret)
{
	const char *s = NULL;
	int r = json_get_str(o, key, &s);

	if (r == 0 && (!s || !*s))
		r = err_new(-CE_BAD_FORMAT, "no \"%s\"", key);
	if (r == 0)
		*ret = xstrdup(s);
	return r;
}

static int one_of(int found, const char *names)
{
	return found != 0 ? found : err_new(-CE_BAD_FORMAT, "no %s", names);
}

/* A certificate is good for minutes, so that only the log's time says whether the signature is of those. */
static int parse_fulcio(struct json_object *o, bool logged, struct policy_requirement *q)
{
	static const char *const keys[] = {"caPath", "caData", "oidcIssuer", "subjectEmail", NULL};
	int r = policy_only_keys(o, keys, "fulcio");

	if (r == 0)
		r = one_of(policy_pem_parse(o, "ca", &q->roots), "caPath and no caData");
	if (r > 0)
		r = take_word(o, "oidcIssuer", &q->issuer);
	if (r == 0)
		r = take_word(o, "subjectEmail", &q->email);
	if (r == 0 && !logged)
		r = err_new(-CE_BAD_FORMAT, "fulcio wants a rekorPublicKeyPath as well");
	q->signer = SIGNER_FULCIO;
	return r;
}

static int parse_pki(struct json_object *o, bool logged, struct policy_requirement *q)
{
	static const char *const keys[] = {"caRootsPath",
					   "caRootsData",
					   "caIntermediatesPath",
					   "caIntermediatesData",
					   "subjectEmail",
					   "subjectHostname",
					   NULL};
	int r = policy_only_keys(o, keys, "pki");

	if (r == 0)
		r = one_of(policy_pem_parse(o, "caRoots", &q->roots),
			   "caRootsPath and no caRootsData");
	if (r > 0)
		r = policy_pem_parse(o, "caIntermediates", &q->intermediates);
	if (r >= 0 && json_object_object_get_ex(o, "subjectEmail", NULL))
		r = take_word(o, "subjectEmail", &q->email);
	if (r >= 0 && json_object_object_get_ex(o, "subjectHostname", NULL))
		r = take_word(o, "subjectHostname", &q->hostname);
	if (r >= 0 && !q->email && !q->hostname)
		r = err_new(-CE_BAD_FORMAT, "pki wants a subjectEmail or a subjectHostname");
	if (r >= 0 && logged)
		r = err_new(-CE_BAD_FORMAT, "pki and a rekorPublicKey: one of both");
	q->signer = SIGNER_PKI;
	return r < 0 ? r : 0;
}

int policy_parse_sigstore(struct json_object *o, struct policy_requirement *q)
{
	static const char *const allowed[] = {"type",
					      "keyPath",
					      "keyPaths",
					      "keyData",
					      "keyDatas",
					      "signedIdentity",
					      "fulcio",
					      "pki",
					      "rekorPublicKeyPath",
					      "rekorPublicKeyPaths",
					      "rekorPublicKeyData",
					      "rekorPublicKeyDatas",
					      NULL};
	struct json_object *fulcio = NULL, *pki = NULL;
	int keys = 0, logged = 0, r = policy_only_keys(o, allowed, "a requirement");

	if (r == 0)
		r = keys = policy_pem_parse(o, "key", &q->keys);
	if (r >= 0)
		r = logged = policy_pem_parse(o, "rekorPublicKey", &q->rekor);
	if (r >= 0)
		r = json_get_obj(o, "fulcio", &fulcio);
	if (r == 0)
		r = json_get_obj(o, "pki", &pki);
	if (r < 0)
		return r;
	if (keys + !!fulcio + !!pki != 1)
		return err_new(-CE_BAD_FORMAT,
			       "want exactly one of keyPath, keyPaths, keyData, keyDatas, "
			       "fulcio and pki");
	return fulcio ? parse_fulcio(fulcio, logged, q) : pki ? parse_pki(pki, logged, q) : 0;
}
