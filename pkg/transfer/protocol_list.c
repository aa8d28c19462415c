/* SPDX-License-Identifier: MIT */
/* The bodies that are about manifests and lists of them. */
#include "pkg/base/err.h"
#include "pkg/transfer/protocol_internal.h"

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
	wire_put_str(b, p->add_compression);
	wire_put_form(b, &p->form);
	wire_put_access(b, &p->access);
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
	p.add_compression = wire_get_str(&r);
	wire_get_form(&r, &p.form);
	ok = wire_get_access(&r, &p.access);
	if (wire_failed(&r) || !p.list || !p.destination || !ok)
		return err_new(-CE_PROTOCOL, "push request");
	*ret = p;
	return 0;
}
