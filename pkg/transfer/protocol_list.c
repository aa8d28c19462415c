/* SPDX-License-Identifier: MIT */
/* The bodies that are about manifests and lists of them. */
#include "pkg/base/err.h"
#include "pkg/transfer/protocol_internal.h"

void wire_put_sign(struct sbuf *b, const struct transfer_sign *s)
{
	wire_put_u32(b, s->simple);
	wire_put_str(b, s->sigstore_key);
	wire_put_str(b, s->passphrase_file);
	wire_put_str(b, s->directory);
}

void wire_get_sign(struct wire_reader *r, struct transfer_sign *s)
{
	s->simple = wire_get_u32(r) != 0;
	s->sigstore_key = wire_get_str(r);
	s->passphrase_file = wire_get_str(r);
	s->directory = wire_get_str(r);
}

void transfer_sign_image_put(struct sbuf *b, const struct transfer_sign_image *s)
{
	wire_put_str(b, s->name);
	wire_put_str(b, s->digest);
	wire_put_u32(b, s->all);
	wire_put_access(b, &s->access);
	wire_put_sign(b, &s->sign);
}

int transfer_sign_image_get(const struct transfer_request *q, struct transfer_sign_image *ret)
{
	struct transfer_sign_image s = {0};
	struct wire_reader r;
	bool ok;

	wire_reader_init(&r, q->body, q->body_n);
	s.name = wire_get_str(&r);
	s.digest = wire_get_str(&r);
	s.all = wire_get_u32(&r) != 0;
	ok = wire_get_access(&r, &s.access);
	wire_get_sign(&r, &s.sign);
	if (wire_failed(&r) || !s.name || !ok)
		return err_new(-CE_PROTOCOL, "sign request");
	*ret = s;
	return 0;
}

void transfer_artifact_put(struct sbuf *b, const struct transfer_artifact *a)
{
	wire_put_str(b, a->name);
	wire_put_str(b, a->media_type);
	wire_put_str(b, a->policy);
	wire_put_access(b, &a->access);
	wire_put_sign(b, &a->sign);
}

int transfer_artifact_get(const struct transfer_request *q, struct transfer_artifact *ret)
{
	struct transfer_artifact a = {0};
	struct wire_reader r;
	bool ok;

	wire_reader_init(&r, q->body, q->body_n);
	a.name = wire_get_str(&r);
	a.media_type = wire_get_str(&r);
	a.policy = wire_get_str(&r);
	ok = wire_get_access(&r, &a.access);
	wire_get_sign(&r, &a.sign);
	if (wire_failed(&r) || !a.name || !ok)
		return err_new(-CE_PROTOCOL, "artifact request");
	*ret = a;
	return 0;
}

void transfer_manifest_put(struct sbuf *b, const struct transfer_manifest *m)
{
	wire_put_str(b, m->name);
	wire_put_access(b, &m->access);
}

int transfer_manifest_get(const struct transfer_request *q, struct transfer_manifest *ret)
{
	struct transfer_manifest m = {0};
	struct wire_reader r;
	bool ok;

	wire_reader_init(&r, q->body, q->body_n);
	m.name = wire_get_str(&r);
	ok = wire_get_access(&r, &m.access);
	if (wire_failed(&r) || !m.name || !ok)
		return err_new(-CE_PROTOCOL, "manifest request");
	*ret = m;
	return 0;
}

void transfer_prepare_put(struct sbuf *b, const struct transfer_prepare *p)
{
	wire_put_str(b, p->id);
}

int transfer_prepare_get(const struct transfer_request *q, struct transfer_prepare *ret)
{
	struct transfer_prepare p = {0};
	struct wire_reader r;

	wire_reader_init(&r, q->body, q->body_n);
	p.id = wire_get_str(&r);
	if (wire_failed(&r) || !p.id)
		return err_new(-CE_PROTOCOL, "prepare request");
	*ret = p;
	return 0;
}

void transfer_push_list_put(struct sbuf *b, const struct transfer_push_list *p)
{
	wire_put_str(b, p->list);
	wire_put_str(b, p->destination);
	wire_put_u32(b, p->all);
	wire_put_str(b, p->mount_from);
	wire_put_str(b, p->add_compression);
	wire_put_form(b, &p->form);
	wire_put_access(b, &p->access);
	wire_put_sign(b, &p->sign);
}

int transfer_push_list_get(const struct transfer_request *q, struct transfer_push_list *ret)
{
	struct transfer_push_list p = {0};
	struct wire_reader r;
	bool ok;

	wire_reader_init(&r, q->body, q->body_n);
	p.list = wire_get_str(&r);
	p.destination = wire_get_str(&r);
	p.all = wire_get_u32(&r) != 0;
	p.mount_from = wire_get_str(&r);
	p.add_compression = wire_get_str(&r);
	wire_get_form(&r, &p.form);
	ok = wire_get_access(&r, &p.access);
	wire_get_sign(&r, &p.sign);
	if (wire_failed(&r) || !p.list || !p.destination || !ok)
		return err_new(-CE_PROTOCOL, "push request");
	*ret = p;
	return 0;
}
