/* SPDX-License-Identifier: MIT */
/* Words as systemd.syntax(7) quotes them: '…' and "…", C escapes, \s for a blank. Specifiers and $VARIABLES stay. */
#pragma once
#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"

/** unit_words_split() - append the words of @s without their quotes; 0 or -EINVAL for an open quote (no trail). */
int unit_words_split(const char *s, struct strv *ret);
/** unit_words_quote() - one word, quoted where it must be. */
void unit_words_quote(struct sbuf *out, const char *word);
/** unit_words_join() - a command line that systemd takes apart into @words again. */
void unit_words_join(struct sbuf *out, const struct strv *words);
