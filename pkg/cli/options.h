/* SPDX-License-Identifier: MIT */
/*
 * Option tables: one row gives parsing, --help, completion and the manual page.
 * Rows live at file scope and name a field of the command's argument struct by offset; a row whose
 * field has the wrong type does not compile. Aliases are rows with .hidden set.
 */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/strv.h"

enum opt_kind {
	OPT_KIND_END,
	OPT_KIND_BOOL,
	OPT_KIND_STR,
	OPT_KIND_LIST,
	OPT_KIND_UINT,
	OPT_KIND_INT,
	OPT_KIND_SIZE,
	OPT_KIND_DURATION,
	OPT_KIND_TRI,
	OPT_KIND_REFUSED,
	OPT_KIND_GROUP
};

/* What an argument names, for completion. */
enum opt_complete {
	COMPLETE_NONE,
	COMPLETE_FILE,
	COMPLETE_DIR,
	COMPLETE_CONTAINER,
	COMPLETE_RUNNING,
	COMPLETE_IMAGE,
	COMPLETE_VOLUME,
	COMPLETE_NETWORK,
	COMPLETE_POD,
	COMPLETE_SECRET,
	COMPLETE_OBJECT, /* a container, image, volume, network or pod */
	COMPLETE_COMMAND,
	COMPLETE_WORDS
};

/*
 * There are more than a thousand rows, and each start of the program moves their pointers to where it was loaded: what
 * no kind needs together shares its place, so that they are few pages.
 */
struct opt {
	enum opt_kind kind : 8;
	enum opt_complete complete : 8;
	bool strict : 1; /* STR: refuse what is not in words */
	bool hidden : 1; /* alias: parsed, not shown */
	bool zero_is_most : 1; /* SIZE: 0 says that there is no bound, UINT64_MAX */
	bool commas : 1; /* LIST: one value may be several with commas between them */
	bool pairs : 1; /* the same of KEY=VALUE: what has no '=' goes on with the value before it */
	bool optional : 1; /* STR: the value may be left out (then "") */
	char short_name; /* 0: none */
	uint32_t offset;
	const char *long_name;
	const char *metavar;
	const char *help; /* one phrase, no trailing period */
	const char *words; /* COMPLETE_WORDS: "a b c"; for STR with .strict also the allowed set */
	union {
		struct {
			int32_t min, max; /* UINT, INT; max 0: no bound */
		};
		uint32_t denied; /* BOOL: offset of a bool that is true when the value was false; 0: none */
		const char *why; /* REFUSED: the reason; NULL: it is no matter */
		const struct opt *group; /* GROUP: rows of another table, offsets relative to .offset */
	};
	const char *harmless; /* REFUSED: the values that ask for nothing, "a b c"; NULL: none but "" */
};

#define OPT_FIELD(T, f, want) (offsetof(T, f) + 0 * sizeof(_Generic(&((T *)0)->f, want * : 1)))

#define OPT_BOOL(sh, lg, T, f, hlp, ...)                                    \
	{                                                                   \
		.kind = OPT_KIND_BOOL, .short_name = sh, .long_name = lg,   \
		.offset = OPT_FIELD(T, f, bool), .help = hlp, ##__VA_ARGS__ \
	}
/* int field: -1 unset (set by the command's defaults), 0, 1 */
#define OPT_TRI(sh, lg, T, f, hlp, ...)                                    \
	{                                                                  \
		.kind = OPT_KIND_TRI, .short_name = sh, .long_name = lg,   \
		.offset = OPT_FIELD(T, f, int), .help = hlp, ##__VA_ARGS__ \
	}
#define OPT_STR(sh, lg, mv, T, f, hlp, ...)                                             \
	{                                                                               \
		.kind = OPT_KIND_STR, .short_name = sh, .long_name = lg, .metavar = mv, \
		.offset = OPT_FIELD(T, f, const char *), .help = hlp, ##__VA_ARGS__     \
	}
#define OPT_LIST(sh, lg, mv, T, f, hlp, ...)                                             \
	{                                                                                \
		.kind = OPT_KIND_LIST, .short_name = sh, .long_name = lg, .metavar = mv, \
		.offset = OPT_FIELD(T, f, struct strv), .help = hlp, ##__VA_ARGS__       \
	}
#define OPT_UINT(sh, lg, mv, T, f, hlp, ...)                                             \
	{                                                                                \
		.kind = OPT_KIND_UINT, .short_name = sh, .long_name = lg, .metavar = mv, \
		.offset = OPT_FIELD(T, f, unsigned), .help = hlp, ##__VA_ARGS__          \
	}
#define OPT_INT(sh, lg, mv, T, f, hlp, ...)                                             \
	{                                                                               \
		.kind = OPT_KIND_INT, .short_name = sh, .long_name = lg, .metavar = mv, \
		.offset = OPT_FIELD(T, f, int64_t), .help = hlp, ##__VA_ARGS__          \
	}
#define OPT_SIZE(sh, lg, mv, T, f, hlp, ...)                                             \
	{                                                                                \
		.kind = OPT_KIND_SIZE, .short_name = sh, .long_name = lg, .metavar = mv, \
		.offset = OPT_FIELD(T, f, uint64_t), .help = hlp, ##__VA_ARGS__          \
	}
/* int64_t nanoseconds */
#define OPT_DURATION(sh, lg, mv, T, f, hlp, ...)                                             \
	{                                                                                    \
		.kind = OPT_KIND_DURATION, .short_name = sh, .long_name = lg, .metavar = mv, \
		.offset = OPT_FIELD(T, f, int64_t), .help = hlp, ##__VA_ARGS__               \
	}
/*
 * A flag that others know and that asks for what is not done here: a usage error with the reason @wy, but
 * not for the values @ok. It has no field. Without a metavar it is yes or no, and no is harmless.
 */
#define OPT_REFUSED(sh, lg, mv, wy, ok, ...)                                                 \
	{                                                                                    \
		.kind = OPT_KIND_REFUSED, .short_name = sh, .long_name = lg, .metavar = mv,  \
		.help = "Refused", .why = wy, .harmless = ok, .hidden = true, ##__VA_ARGS__ \
	}
/* One that makes no difference, here as there. */
#define OPT_MOOT(sh, lg, mv, hlp)                                                           \
	{                                                                                   \
		.kind = OPT_KIND_REFUSED, .short_name = sh, .long_name = lg, .metavar = mv, \
		.help = hlp, .hidden = true                                                 \
	}
/* All rows of another table that have no fields, or those of the same struct. */
#define OPT_ROWS(table)                                  \
	{                                                \
		.kind = OPT_KIND_GROUP, .group = (table) \
	}
/* All rows of another table, whose struct is embedded as field f. */
#define OPT_GROUP(table, T, f)                                                   \
	{                                                                        \
		.kind = OPT_KIND_GROUP, .group = table, .offset = offsetof(T, f) \
	}
#define OPT_END                      \
	{                            \
		.kind = OPT_KIND_END \
	}

#define OPT_WANTS_HELP INT_MAX

/**
 * opt_parse() - GNU style: --name value, --name=value, -n value, -nvalue, -n=value, -abc, "--" ends
 * @argv: argv[0] is the command's own name and is skipped.
 * @interspersed: options may follow operands (not for run and exec, whose operands are a command).
 * @command: how the command is called ("container run"), for the words of errors; "" before the verb.
 * Flags can be denied: --flag=false. Later wins for scalars, lists append. Unknown flags get one
 * line with a did-you-mean. Strings point into argv.
 * Return: index of the first operand in argv (operands are moved to the end); OPT_WANTS_HELP when
 * --help (or -h, unless the table has it) stands among the options; or -CE_USAGE.
 */
int opt_parse(const struct opt *table, void *args, int argc, char **argv, bool interspersed,
	      const char *command);
/** opt_release() - free the lists that parsing filled. */
void opt_release(const struct opt *table, void *args);

/** opt_find_long() / opt_find_short() - the row of a flag, groups included; @ret_base: added offset. */
const struct opt *opt_find_long(const struct opt *table, const char *name, size_t len,
				size_t *ret_base);
const struct opt *opt_find_short(const struct opt *table, char name, size_t *ret_base);
/** opt_is_switch() - it is yes or no, and yes without a value. */
bool opt_is_switch(const struct opt *o);
/** opt_takes_value() - whether the next argument belongs to the flag. */
bool opt_takes_value(const struct opt *o);

/** opt_each() - call @fn for every row that is not a group or an end, hidden ones too; stops when it returns non-zero. */
int opt_each(const struct opt *table, int (*fn)(const struct opt *o, size_t base, void *data),
	     void *data);

/**
 * suggest() - of @n words the one that was probably meant; NULL when none is near
 * Near: at most a third of the letters wrong (insert, delete, replace, swap neighbours), or a
 * beginning that only one word has.
 */
const char *suggest(const char *typed, const char *const *words, size_t n);
