/* SPDX-License-Identifier: MIT */
#include "cmd/top_ps.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/container/top.h"

/* ps(1), STANDARD FORMAT SPECIFIERS. Those that are descriptors under the same name and heading are not here. */
static const struct {
	const char *ps, *descriptor, *heading;
} specifiers[] = {
	{"%cpu", "pcpu", "%CPU"},	 {"%mem", "pmem", "%MEM"},    {"c", "pcpu", "C"},
	{"cmd", "args", "CMD"},		 {"command", "args", "COMMAND"}, {"cputime", "time", "TIME"},
	{"egroup", "group", "EGROUP"},	 {"euser", "user", "EUSER"},  {"ni", "nice", "NI"},
	{"pgrp", "pgid", "PGRP"},	 {"rssize", "rss", "RSS"},    {"rsz", "rss", "RSZ"},
	{"s", "state", "S"},		 {"start", "stime", "STARTED"}, {"start_time", "stime", "START"},
	{"stat", "state", "STAT"},	 {"state", "state", "S"},     {"tgid", "pid", "TGID"},
	{"tname", "tty", "TTY"},	 {"tt", "tty", "TT"},	      {"ucmd", "comm", "CMD"},
	{"ucomm", "comm", "COMMAND"},	 {"uname", "user", "USER"},   {"vsize", "vsz", "VSZ"},
};

#define FULL "user=UID,pid,ppid,c,stime,tty,time,cmd"
#define OF_USER "user,pid,%cpu,%mem,vsz,rss,tty,stat,start_time,time,command"

/* The letters after which nothing but the choice of processes and of columns is told. */
static bool is_bsd(const char *word)
{
	return *word && word[strspn(word, "auxwf")] == '\0' && strchr(word, 'x');
}

bool top_is_ps(int argc, char **argv)
{
	return argc > 0 && (argv[0][0] == '-' || is_bsd(argv[0]));
}

static int add_one(const char *word, struct strv *descriptors, struct strv *headings)
{
	size_t n = strcspn(word, "=");
	AUTO_FREE char *name = xstrndup(word, n);
	const char *descriptor = name, *heading = top_header(name);

	for (size_t i = 0; i < ARRAY_LEN(specifiers); i++)
		if (strcmp(specifiers[i].ps, name) == 0) {
			descriptor = specifiers[i].descriptor;
			heading = specifiers[i].heading;
		}
	if (!heading)
		return err_usage("top -o '%s': no such column; there are those of ps and %s", name, top_words());
	strv_add(descriptors, descriptor);
	strv_add(headings, word[n] ? word + n + 1 : heading);
	return 0;
}

static int add_list(const char *list, struct strv *descriptors, struct strv *headings)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = 0;

	strv_split(&words, list, ',');
	for (size_t i = 0; r == 0 && i < words.n; i++)
		r = add_one(words.v[i], descriptors, headings);
	return r;
}

static int no_such(const char *word)
{
	return err_usage("top '%s': of ps there are e A a x w f u and o", word);
}

int top_ps_columns(int argc, char **argv, struct strv *descriptors, struct strv *headings)
{
	const char *format = "pid,tty,time,comm=CMD";
	int r = 0;

	for (int i = 0; r == 0 && i < argc; i++) {
		const char *p = argv[i], *word = p;

		if (*p == '-' && p[1] && p[1] != '-')
			p++;
		else if (!is_bsd(p))
			return no_such(word);
		for (; r == 0 && *p; p++) {
			if (*p == 'f')
				format = *word == '-' ? FULL : format;
			else if (*p == 'u')
				format = OF_USER;
			else if (*p == 'o' && !p[1] && i + 1 >= argc)
				r = err_usage("top '%s': the columns are missing", word);
			else if (*p == 'o') {
				r = add_list(p[1] ? p + 1 : argv[++i], descriptors, headings);
				break;
			} else if (!strchr("eAaxw", *p))
				r = no_such(word);
		}
	}
	return r < 0 || descriptors->n ? r : add_list(format, descriptors, headings);
}
