/* SPDX-License-Identifier: MIT */
#include "pkg/image/following.h"

static void on_progress(void *data, const struct transfer_progress *p)
{
	const struct following *f = data;

	f->up->progress(f->up->data, p);
}

static void on_message(void *data, bool warning, const char *text)
{
	const struct following *f = data;

	f->up->message(f->up->data, warning, text);
}

static void on_tick(void *data)
{
	const struct following *f = data;

	f->up->tick(f->up->data);
}

static void on_image(void *data, const char *reference, const char *id)
{
	struct following *f = data;

	f->image(f, reference, id);
}

void following_init(struct following *f, const struct transfer_handler *up,
		    void (*image)(struct following *f, const char *reference, const char *id))
{
	*f = (struct following){.up = up, .image = image};
	f->h = (struct transfer_handler){.progress = up && up->progress ? on_progress : NULL,
					 .message = up && up->message ? on_message : NULL,
					 .tick = up && up->tick ? on_tick : NULL,
					 .image = on_image,
					 .data = f};
}

void following_pass_image(const struct following *f, const char *reference, const char *id)
{
	if (f->up && f->up->image)
		f->up->image(f->up->data, reference, id);
}
