/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/protocol.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/oci/digest.h"
#include "pkg/transfer/protocol_internal.h"

#define MAGIC 0x43545831u /* "CTX1" */

void transfer_request_put(struct sbuf *b, const struct transfer_request *q)
{
	wire_put_u32(b, MAGIC);
	wire_put_u32(b, TRANSFER_VERSION);
	wire_put_u32(b, q->op);
	wire_put_str(b, q->root);
	wire_put_str(b, q->runroot);
	wire_put_u32(b, q->single_id);
	wire_put_u32(b, q->in_base);
	wire_put_u32(b, q->user_side);
	wire_put_bytes(b, q->body, q->body_n);
}

int transfer_request_get(const void *p, size_t n, struct transfer_request *ret)
{
	struct wire_reader r;
	struct transfer_request q = {0};
	uint32_t magic, version;

	wire_reader_init(&r, p, n);
	magic = wire_get_u32(&r);
	version = wire_get_u32(&r);
	if (r.failed || magic != MAGIC)
		return err_new(-CE_PROTOCOL, "request");
	if (version != TRANSFER_VERSION)
		return err_new(-CE_PROTOCOL, "cuddy and cuddy-transfer are of different versions");
	q.op = wire_get_u32(&r);
	q.root = wire_get_str(&r);
	q.runroot = wire_get_str(&r);
	q.single_id = wire_get_u32(&r) != 0;
	q.in_base = wire_get_u32(&r) != 0;
	q.user_side = wire_get_u32(&r) != 0;
	q.body = wire_get_bytes(&r, &q.body_n);
	if (wire_failed(&r) || !q.root || !q.runroot)
		return err_new(-CE_PROTOCOL, "request");
	*ret = q;
	return 0;
}

void wire_put_access(struct sbuf *b, const struct transfer_access *a)
{
	wire_put_u32(b, (uint32_t)(a->tls_verify + 1));
	wire_put_str(b, a->authfile);
	wire_put_str(b, a->cert_dir);
	wire_put_str(b, a->creds);
	wire_put_u32(b, a->retries);
	wire_put_u32(b, a->retry_delay_s);
}

bool wire_get_access(struct wire_reader *r, struct transfer_access *a)
{
	uint32_t verify = wire_get_u32(r);

	a->tls_verify = verify > 2 ? -1 : (int)verify - 1;
	a->authfile = wire_get_str(r);
	a->cert_dir = wire_get_str(r);
	a->creds = wire_get_str(r);
	a->retries = wire_get_u32(r);
	a->retry_delay_s = wire_get_u32(r);
	return verify <= 2;
}

void transfer_pull_put(struct sbuf *b, const struct transfer_pull *p)
{
	wire_put_str(b, p->name);
	wire_put_u32(b, p->all_tags);
	wire_put_u32(b, p->look);
	wire_put_str(b, p->part);
	wire_put_access(b, &p->access);
	wire_put_str(b, p->platform);
	wire_put_str(b, p->policy);
	wire_put_str(b, p->tag_digest);
	wire_put_u32(b, p->tell_digest);
}

int transfer_pull_get(const struct transfer_request *q, struct transfer_pull *ret)
{
	struct wire_reader r;
	struct transfer_pull p = {0};
	bool ok;

	wire_reader_init(&r, q->body, q->body_n);
	p.name = wire_get_str(&r);
	p.all_tags = wire_get_u32(&r) != 0;
	p.look = wire_get_u32(&r) != 0;
	p.part = wire_get_str(&r);
	ok = wire_get_access(&r, &p.access);
	p.platform = wire_get_str(&r);
	p.policy = wire_get_str(&r);
	p.tag_digest = wire_get_str(&r);
	p.tell_digest = wire_get_u32(&r) != 0;
	if (wire_failed(&r) || !p.name || !ok || (p.tag_digest && !digest_is_valid(p.tag_digest)))
		return err_new(-CE_PROTOCOL, "pull request");
	*ret = p;
	return 0;
}

void transfer_login_put(struct sbuf *b, const struct transfer_login *l)
{
	wire_put_str(b, l->name);
	wire_put_access(b, &l->access);
	wire_put_str(b, l->user);
	wire_put_str(b, l->password);
	wire_put_str(b, l->identity_token);
}

int transfer_login_get(const struct transfer_request *q, struct transfer_login *ret)
{
	struct wire_reader r;
	struct transfer_login l = {0};
	bool ok;

	wire_reader_init(&r, q->body, q->body_n);
	l.name = wire_get_str(&r);
	ok = wire_get_access(&r, &l.access);
	l.user = wire_get_str(&r);
	l.password = wire_get_str(&r);
	l.identity_token = wire_get_str(&r);
	if (wire_failed(&r) || !l.name || !ok)
		return err_new(-CE_PROTOCOL, "login request");
	*ret = l;
	return 0;
}

void wire_put_form(struct sbuf *b, const struct transfer_form *f)
{
	wire_put_str(b, f->format);
	wire_put_str(b, f->compression);
	wire_put_u32(b, f->level);
	wire_put_u32(b, f->mild);
}

void wire_get_form(struct wire_reader *r, struct transfer_form *f)
{
	f->format = wire_get_str(r);
	f->compression = wire_get_str(r);
	f->level = wire_get_u32(r);
	f->mild = wire_get_u32(r);
}

void transfer_push_put(struct sbuf *b, const struct transfer_push *p)
{
	wire_put_str(b, p->id);
	wire_put_str(b, p->manifest);
	wire_put_str(b, p->destination);
	wire_put_str(b, p->more_tags);
	wire_put_str(b, p->mount_from);
	wire_put_form(b, &p->form);
	wire_put_access(b, &p->access);
	wire_put_sign(b, &p->sign);
}

int transfer_push_get(const struct transfer_request *q, struct transfer_push *ret)
{
	struct wire_reader r;
	struct transfer_push p = {0};
	bool ok;

	wire_reader_init(&r, q->body, q->body_n);
	p.id = wire_get_str(&r);
	p.manifest = wire_get_str(&r);
	p.destination = wire_get_str(&r);
	p.more_tags = wire_get_str(&r);
	p.mount_from = wire_get_str(&r);
	wire_get_form(&r, &p.form);
	ok = wire_get_access(&r, &p.access);
	wire_get_sign(&r, &p.sign);
	if (wire_failed(&r) || !p.id || !p.destination || !ok)
		return err_new(-CE_PROTOCOL, "push request");
	*ret = p;
	return 0;
}

static void put_names(struct sbuf *b, const char *const *names, unsigned n)
{
	wire_put_u32(b, n);
	for (unsigned i = 0; i < n; i++)
		wire_put_str(b, names[i]);
}

static bool get_names(struct wire_reader *r, const char ***names, unsigned *ret_n)
{
	uint32_t n = wire_get_u32(r);

	for (uint32_t i = 0; i < n && !r->failed; i++) {
		const char *name = wire_get_str(r);

		if (!name)
			return false;
		*names = xreallocarray(*names, *ret_n + 1, sizeof(**names));
		(*names)[(*ret_n)++] = name;
	}
	return true;
}

void transfer_save_put(struct sbuf *b, const struct transfer_save *s)
{
	wire_put_str(b, s->kind);
	wire_put_form(b, &s->form);
	wire_put_u32(b, s->plain);
	wire_put_u32(b, s->n_images);
	for (unsigned i = 0; i < s->n_images; i++) {
		const struct transfer_save_image *im = &s->images[i];

		wire_put_str(b, im->id);
		wire_put_str(b, im->manifest);
		wire_put_str(b, im->artifact);
		put_names(b, im->names, im->n_names);
	}
	wire_put_str(b, s->index);
	wire_put_str(b, s->index_annotations);
	put_names(b, s->index_names, s->n_index_names);
}

static bool get_save_image(struct wire_reader *r, struct transfer_save_image *im)
{
	im->id = wire_get_str(r);
	im->manifest = wire_get_str(r);
	im->artifact = wire_get_str(r);
	return get_names(r, &im->names, &im->n_names) && !im->id != !im->artifact;
}

int transfer_save_get(const struct transfer_request *q, struct transfer_save *ret)
{
	struct wire_reader r;
	uint32_t n;
	bool ok = true;

	*ret = (struct transfer_save){0};
	wire_reader_init(&r, q->body, q->body_n);
	ret->kind = wire_get_str(&r);
	wire_get_form(&r, &ret->form);
	ret->plain = wire_get_u32(&r) != 0;
	n = wire_get_u32(&r);
	for (uint32_t i = 0; i < n && ok && !r.failed; i++) {
		ret->images = xreallocarray(ret->images, i + 1, sizeof(*ret->images));
		ret->images[i] = (struct transfer_save_image){0};
		ret->n_images = i + 1;
		ok = get_save_image(&r, &ret->images[i]);
	}
	ret->index = wire_get_str(&r);
	ret->index_annotations = wire_get_str(&r);
	ok = ok && get_names(&r, &ret->index_names, &ret->n_index_names);
	if (wire_failed(&r) || !ok || !ret->kind)
		return err_new(-CE_PROTOCOL, "save request");
	return 0;
}

void transfer_save_done(struct transfer_save *s)
{
	for (unsigned i = 0; i < s->n_images; i++)
		free(s->images[i].names);
	free(s->images);
	free(s->index_names);
	*s = (struct transfer_save){0};
}

void transfer_search_put(struct sbuf *b, const struct transfer_search *s)
{
	wire_put_str(b, s->name);
	wire_put_u32(b, s->tags);
	wire_put_u32(b, s->limit);
	wire_put_access(b, &s->access);
}

int transfer_search_get(const struct transfer_request *q, struct transfer_search *ret)
{
	struct wire_reader r;
	struct transfer_search s = {0};
	bool ok;

	wire_reader_init(&r, q->body, q->body_n);
	s.name = wire_get_str(&r);
	s.tags = wire_get_u32(&r) != 0;
	s.limit = wire_get_u32(&r);
	ok = wire_get_access(&r, &s.access);
	if (wire_failed(&r) || !s.name || !ok)
		return err_new(-CE_PROTOCOL, "search request");
	*ret = s;
	return 0;
}

void transfer_check_put(struct sbuf *b, const struct transfer_check *c)
{
	wire_put_str(b, c->layer);
}

int transfer_check_get(const struct transfer_request *q, struct transfer_check *ret)
{
	struct wire_reader r;

	wire_reader_init(&r, q->body, q->body_n);
	ret->layer = wire_get_str(&r);
	return wire_failed(&r) ? err_new(-CE_PROTOCOL, "check request") : 0;
}

void transfer_fetch_put(struct sbuf *b, const struct transfer_fetch *f)
{
	wire_put_str(b, f->url);
	wire_put_u64(b, f->max_bytes);
	wire_put_u32(b, f->tls_verify != 0);
	wire_put_str(b, f->known_etag ? f->known_etag : "");
	wire_put_u64(b, (uint64_t)f->known_modified_ns);
}

bool transfer_etag_is_strong(const char *s)
{
	size_t n = strlen(s);

	if (n < 2 || n > TRANSFER_ETAG_MAX || s[0] != '"' || s[n - 1] != '"')
		return false;
	for (size_t i = 1; i < n - 1; i++)
		if (s[i] < 0x21 || s[i] > 0x7e || s[i] == '"')
			return false;
	return true;
}

int transfer_fetch_get(const struct transfer_request *q, struct transfer_fetch *ret)
{
	struct wire_reader r;
	struct transfer_fetch f = {0};

	wire_reader_init(&r, q->body, q->body_n);
	f.url = wire_get_str(&r);
	f.max_bytes = wire_get_u64(&r);
	f.tls_verify = wire_get_u32(&r) != 0;
	f.known_etag = wire_get_str(&r);
	f.known_modified_ns = (int64_t)wire_get_u64(&r);
	if (wire_failed(&r) || !f.url || !f.known_etag ||
	    (*f.known_etag && !transfer_etag_is_strong(f.known_etag)))
		return err_new(-CE_PROTOCOL, "fetch request");
	*ret = f;
	return 0;
}

void transfer_load_put(struct sbuf *b, const struct transfer_load *l)
{
	wire_put_u32(b, l->layers);
	wire_put_str(b, l->entry);
	wire_put_str(b, l->platform);
	wire_put_str(b, l->policy);
	wire_put_str(b, l->path);
	wire_put_str(b, l->event);
}

int transfer_load_get(const struct transfer_request *q, struct transfer_load *ret)
{
	struct transfer_load l;
	struct wire_reader r;

	wire_reader_init(&r, q->body, q->body_n);
	l.layers = wire_get_u32(&r) != 0;
	l.entry = wire_get_str(&r);
	l.platform = wire_get_str(&r);
	l.policy = wire_get_str(&r);
	l.path = wire_get_str(&r);
	l.event = wire_get_str(&r);
	if (wire_failed(&r))
		return err_new(-CE_PROTOCOL, "load request");
	*ret = l;
	return 0;
}

void transfer_import_put(struct sbuf *b, const struct transfer_import *i)
{
	wire_put_str(b, i->reference);
	wire_put_str(b, i->config);
	wire_put_str(b, i->comment);
	wire_put_str(b, i->platform);
}

int transfer_import_get(const struct transfer_request *q, struct transfer_import *ret)
{
	struct transfer_import i;
	struct wire_reader r;

	wire_reader_init(&r, q->body, q->body_n);
	i.reference = wire_get_str(&r);
	i.config = wire_get_str(&r);
	i.comment = wire_get_str(&r);
	i.platform = wire_get_str(&r);
	if (wire_failed(&r) || !i.config)
		return err_new(-CE_PROTOCOL, "import request");
	*ret = i;
	return 0;
}

void transfer_untar_put(struct sbuf *b, const struct transfer_untar *u)
{
	wire_put_u32(b, u->overwrite);
	wire_put_u32(b, u->single_id);
	wire_put_u32(b, u->has_owner);
	wire_put_u32(b, u->uid);
	wire_put_u32(b, u->gid);
	wire_put_u32(b, u->create_as);
	wire_put_u32(b, u->as_uid);
	wire_put_u32(b, u->as_gid);
	wire_put_bytes(b, u->uids, u->uids_n);
	wire_put_bytes(b, u->gids, u->gids_n);
}

int transfer_untar_get(const struct transfer_request *q, struct transfer_untar *ret)
{
	struct transfer_untar u;
	struct wire_reader r;

	wire_reader_init(&r, q->body, q->body_n);
	u.overwrite = wire_get_u32(&r) != 0;
	u.single_id = wire_get_u32(&r) != 0;
	u.has_owner = wire_get_u32(&r) != 0;
	u.uid = wire_get_u32(&r);
	u.gid = wire_get_u32(&r);
	u.create_as = wire_get_u32(&r) != 0;
	u.as_uid = wire_get_u32(&r);
	u.as_gid = wire_get_u32(&r);
	u.uids = wire_get_bytes(&r, &u.uids_n);
	u.gids = wire_get_bytes(&r, &u.gids_n);
	if (wire_failed(&r))
		return err_new(-CE_PROTOCOL, "untar request");
	*ret = u;
	return 0;
}

void transfer_put_progress(struct sbuf *b, const struct transfer_progress *p)
{
	wire_put_u32(b, TRANSFER_EV_PROGRESS);
	wire_put_u32(b, p->item);
	wire_put_u32(b, p->state);
	wire_put_str(b, p->label);
	wire_put_u64(b, p->done);
	wire_put_u64(b, p->total);
}

void transfer_put_message(struct sbuf *b, bool warning, const char *text)
{
	wire_put_u32(b, TRANSFER_EV_MESSAGE);
	wire_put_u32(b, warning);
	wire_put_str(b, text);
}

void transfer_put_image(struct sbuf *b, const char *reference, const char *id)
{
	wire_put_u32(b, TRANSFER_EV_IMAGE);
	wire_put_str(b, reference);
	wire_put_str(b, id);
}

void transfer_put_base(struct sbuf *b)
{
	wire_put_u32(b, TRANSFER_EV_BASE);
}

void transfer_put_end(struct sbuf *b, int code, const char *trail)
{
	wire_put_u32(b, TRANSFER_EV_END);
	wire_put_u32(b, (uint32_t)-code);
	wire_put_str(b, trail);
}

int transfer_message_get(const void *p, size_t n, struct transfer_message *ret)
{
	struct transfer_message m = {0};
	struct wire_reader r;
	bool bad = false;

	wire_reader_init(&r, p, n);
	m.event = (enum transfer_event)wire_get_u32(&r);
	switch (m.event) {
	case TRANSFER_EV_PROGRESS:
		m.progress.item = wire_get_u32(&r);
		m.progress.state = wire_get_u32(&r);
		m.progress.label = wire_get_str(&r);
		m.progress.done = wire_get_u64(&r);
		m.progress.total = wire_get_u64(&r);
		bad = !m.progress.label || m.progress.state > TRANSFER_EXISTS;
		break;
	case TRANSFER_EV_MESSAGE:
		m.warning = wire_get_u32(&r) != 0;
		m.text = wire_get_str(&r);
		bad = !m.text;
		break;
	case TRANSFER_EV_IMAGE:
		m.reference = wire_get_str(&r);
		m.id = wire_get_str(&r);
		bad = !m.id;
		break;
	case TRANSFER_EV_BASE:
		break;
	case TRANSFER_EV_END:
		m.code = -(int)(wire_get_u32(&r) & 0xffff);
		m.text = wire_get_str(&r);
		bad = !m.text;
		break;
	default:
		bad = true;
	}
	if (wire_failed(&r) || bad)
		return err_new(-CE_PROTOCOL, "message from cuddy-transfer");
	*ret = m;
	return 0;
}
