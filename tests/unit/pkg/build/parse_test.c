/* SPDX-License-Identifier: MIT */
/* threats: B13, Z07 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/build/file.h"

static struct build_file *parse(const char *text)
{
	struct build_file *f = NULL;

	if (build_file_parse("Containerfile", text, strlen(text), &f) < 0)
		fail_msg("%s: %s", text, err_trail());
	return f;
}

/* "KIND[flag,…](arg|arg)" for each instruction after the first FROM; J for the exec form. */
static char *dump(const struct build_file *f)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	for (unsigned s = 0; s < f->n_stages; s++) {
		if (s)
			sbuf_addf(&b, " FROM %s", f->stages[s].base);
		for (unsigned i = 0; i < f->stages[s].n; i++) {
			const struct inst *in = &f->stages[s].v[i];
			AUTO_FREE char *flags = strv_join(&in->flags, ",");
			AUTO_FREE char *args = strv_join(&in->args, "|");

			sbuf_addf(&b, "%s%s", b.len ? " " : "", inst_name(in->kind));
			if (in->flags.n)
				sbuf_addf(&b, "[%s]", flags);
			sbuf_addf(&b, "%s(%s)", in->exec_form ? "J" : "", args);
			for (unsigned k = 0; k < in->n_docs; k++)
				sbuf_addf(&b, "<%s%s:%s>", in->docs[k].expand ? "$" : "",
					  in->docs[k].name, in->docs[k].content);
		}
	}
	return sbuf_steal(&b);
}

static void files_become_instructions(void **state)
{
	static const char *const t[][2] = {
		{"RUN a b", "RUN(a b)"},
		{"run  a b  ", "RUN(a b)"},
		{"RUN a \\\n b", "RUN(a  b)"},
		{"RUN a \\  \n\tb", "RUN(a \tb)"},
		{"RUN a \\\n# no\n  b", "RUN(a   b)"},
		{"RUN a \\\n\n  b", "RUN(a   b)"},
		{"RUN a\\\\\nCMD b", "RUN(a\\\\) CMD(b)"},
		{"RUN a \\", "RUN(a)"},
		{"  RUN a\r\nCMD b\r\n", "RUN(a) CMD(b)"},
		{"# c\n\nRUN a # b", "RUN(a # b)"},
		{"RUN [\"a\", \"b c\"]", "RUNJ(a|b c)"},
		{"RUN ['a']", "RUN(['a'])"},
		{"RUN [ -d x ] && y", "RUN([ -d x ] && y)"},
		{"RUN --network=none --mount=type=tmpfs,target=/x a --b",
		 "RUN[network=none,mount=type=tmpfs,target=/x](a --b)"},
		{"RUN --mount=a --mount=b c", "RUN[mount=a,mount=b](c)"},
		{"RUN --network=none -- --x", "RUN[network=none](--x)"},
		{"CMD []", "CMDJ()"},
		{"CMD", "CMD()"},
		{"CMD --x", "CMD(--x)"},
		{"ENTRYPOINT [\"a\"]", "ENTRYPOINTJ(a)"},
		{"COPY a b c/", "COPY(a|b|c/)"},
		{"COPY --from=x --chown=1:2 a b", "COPY[from=x,chown=1:2](a|b)"},
		{"COPY --link --parents=false a b", "COPY[link,parents=false](a|b)"},
		{"COPY --exclude=a --exclude=b . /", "COPY[exclude=a,exclude=b](.|/)"},
		{"COPY --chown=\"a b\" c d", "COPY[chown=a b](c|d)"},
		{"COPY [\"a b\", \"c\"]", "COPYJ(a b|c)"},
		{"ADD a b", "ADD(a|b)"},
		{"ENV a=b c=\"d e\" f=g\\ h", "ENV(a=b|c=\"d e\"|f=g\\ h)"},
		{"ENV a b  c", "ENV(a=b  c)"},
		{"ENV a b=c", "ENV(a=b=c)"},
		{"LABEL a=1 \"b c\"=2", "LABEL(a=1|\"b c\"=2)"},
		{"ARG a", "ARG(a)"},
		{"ARG a=1 b c='x y'", "ARG(a=1|b|c='x y')"},
		{"EXPOSE 80 90/udp", "EXPOSE(80|90/udp)"},
		{"VOLUME /a /b", "VOLUME(/a|/b)"},
		{"VOLUME [\"/a b\"]", "VOLUMEJ(/a b)"},
		{"WORKDIR /a b", "WORKDIR(/a b)"},
		{"USER a:b", "USER(a:b)"},
		{"STOPSIGNAL 9", "STOPSIGNAL(9)"},
		{"SHELL [\"/bin/x\", \"-c\"]", "SHELL(/bin/x|-c)"},
		{"MAINTAINER me <a@b>", "MAINTAINER(me <a@b>)"},
		{"HEALTHCHECK --interval=5s CMD a b", "HEALTHCHECK[interval=5s](a b)"},
		{"HEALTHCHECK cmd [\"a\"]", "HEALTHCHECKJ(a)"},
		{"HEALTHCHECK NONE", "HEALTHCHECK()"},
		{"ONBUILD RUN a", "ONBUILD(RUN a)"},
		{"RUN <<EOF\na\n b\nEOF\nCMD c", "RUN(<<EOF)<$EOF:a\n b\n> CMD(c)"},
		{"RUN <<-'E'\n\ta\n\tE", "RUN(<<-'E')<E:a\n>"},
		{"RUN <<\"A\" cat <<B\na\nA\nb\nB", "RUN(<<\"A\" cat <<B)<A:a\n><$B:b\n>"},
		{"RUN 3<<E\nE", "RUN(3<<E)<$E:>"},
		{"RUN a << b", "RUN(a << b)"},
		{"RUN a <<<b", "RUN(a <<<b)"},
		{"RUN echo '<<x'", "RUN(echo '<<x')"},
		{"RUN [\"a\", \"<<b\"]", "RUNJ(a|<<b)"},
		{"COPY <<a <<b /d/\n# no comment\\\na\n\nb",
		 "COPY(<<a|<<b|/d/)<$a:# no comment\\\n><$b:\n>"},
		{"CMD <<EOF", "CMD(<<EOF)"},
		{"ONBUILD COPY <<a b\nx\na\nCMD c", "ONBUILD(COPY <<a b\nx\na) CMD(c)"},
		{"FROM b AS C\nRUN a", " FROM b RUN(a)"},
		{"FROM b as c", " FROM b"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO_FREE char *text = xasprintf("FROM x\n%s", t[i][0]), *got = NULL;
		AUTO(build_file_freep) struct build_file *f = NULL;
		f = parse(text);
		got = dump(f);
		if (strcmp(got, t[i][1]) != 0)
			fail_msg("%s: %s, not %s", t[i][0], got, t[i][1]);
	}
}

static void directives_come_first(void **state)
{
	AUTO(build_file_freep) struct build_file *a = NULL, *b = NULL, *c = NULL, *d = NULL;
	AUTO_FREE char *ad = NULL;

	(void)state;
	a = parse("\xef\xbb\xbf# syntax=evil/img\n# Escape = `\nFROM x\nRUN a `\nb\\");
	ad = dump(a);
	assert_int_equal(a->escape, '`');
	assert_string_equal(ad, "RUN(a b\\)");
	b = parse("# a comment\n# escape=`\nFROM x");
	assert_int_equal(b->escape, '\\');
	c = parse("\n# escape=`\nFROM x");
	assert_int_equal(c->escape, '\\');
	d = parse("# check=skip=all\n#escape=`\nARG a\nFROM x");
	assert_int_equal(d->escape, '`');
	assert_int_equal(d->n_globals, 1);
}

static void errors_tell_place_line_and_reason(void **state)
{
	static const char *const t[][2] = {
		{"", "there is no FROM"},
		{"# only\n", "there is no FROM"},
		{"RUN a\nFROM x", "Containerfile:1: RUN a: RUN before the first FROM"},
		{"FROM x\nRNU a",
		 "Containerfile:2: RNU a: unknown instruction RNU; did you mean RUN?"},
		{"FROM x\n\n# c\nCOYP a b",
		 ":4: COYP a b: unknown instruction COYP; did you mean COPY?"},
		{"FROM x\nXYZZY", "unknown instruction XYZZY"},
		{"FROM x\nCOPY --form=y a b", "unknown flag --form; did you mean --from?"},
		{"FROM x\nCOPY --from a b", "--from needs a value"},
		{"FROM x\nCOPY --chown=a --chown=b c d", "--chown is given twice"},
		{"FROM x\nCOPY --link=maybe a b", "true or false"},
		{"FROM x\nSHELL --x [\"a\"]", "unknown flag --x: SHELL has none"},
		{"FROM x\nCOPY a", "a source and a destination"},
		{"FROM x\nCOPY", "COPY needs an argument"},
		{"FROM", "FROM needs an argument"},
		{"FROM x y", "write FROM IMAGE"},
		{"FROM x AZ y", "write FROM IMAGE"},
		{"FROM x AS 1a", "'1a' is no name for a stage"},
		{"FROM x AS a\nFROM y AS A", "a stage 'a' is there already, in line 1"},
		{"FROM x\nENV a", "a has no value"},
		{"FROM x\nENV a=b c", "'c' is not NAME=VALUE"},
		{"FROM x\nENV a=b =c", "no name before the '='"},
		{"FROM x\nSHELL /bin/sh", "takes a JSON array"},
		{"FROM x\nSHELL []", "needs a program"},
		{"FROM x\nRUN [\"a\", 1]", "element 2 of the array is not a string"},
		{"FROM x\nRUN []", "RUN needs a command"},
		{"FROM x\nHEALTHCHECK x", "'x': use CMD or NONE"},
		{"FROM x\nHEALTHCHECK CMD", "no command after"},
		{"FROM x\nHEALTHCHECK NONE a", "takes nothing else"},
		{"FROM x\nONBUILD ONBUILD RUN a", "ONBUILD cannot be a trigger"},
		{"FROM x\nONBUILD FROM a", "FROM cannot be a trigger"},
		{"FROM x\nONBUILD MAINTAINER a", "MAINTAINER cannot be a trigger"},
		{"FROM x\nONBUILD", "ONBUILD needs an argument"},
		{"FROM x\nRUN <<E\na", "not ended by a line E"},
		{"FROM x\nCOPY <<'' a\n\n", "without a name"},
		{"# escape=x\nFROM a", ":1: escape=x"},
		{"# syntax=a\n# syntax=b\nFROM a", ":2: the directive 'syntax' is given twice"},
		{"FROM x\nRUN \xff", "not UTF-8"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct build_file *f = NULL;
		int r = build_file_parse("Containerfile", t[i][0], strlen(t[i][0]), &f);

		if (r != -CE_USAGE || !strstr(err_trail(), t[i][1]))
			fail_msg("%s: '%s', not '%s'", t[i][0], err_trail(), t[i][1]);
		assert_null(f);
		err_drop();
	}
}

static void lines_are_counted_through_everything(void **state)
{
	AUTO(build_file_freep) struct build_file *f = NULL;

	(void)state;
	f = parse("# c\nFROM x\nRUN a \\\n # c\n\n b\nRUN <<E\n1\n2\nE\nCMD c");
	assert_int_equal(f->stages[0].from.line, 2);
	assert_int_equal(f->stages[0].v[0].line, 3);
	assert_int_equal(f->stages[0].v[0].last_line, 6);
	assert_int_equal(f->stages[0].v[1].line, 7);
	assert_int_equal(f->stages[0].v[1].last_line, 10);
	assert_int_equal(f->stages[0].v[2].line, 11);
	assert_int_not_equal(f->empty_continuation, 0);
}

static void sizes_have_limits(void **state)
{
	AUTO_SBUF struct sbuf many = SBUF_INIT, stages = SBUF_INIT, lines = SBUF_INIT;
	struct build_file *f = NULL;

	(void)state;
	sbuf_adds(&many, "FROM x\n");
	for (int i = 0; i < BUILD_INSTRUCTIONS_MAX; i++)
		sbuf_adds(&many, "ENV a=b\n");
	assert_int_equal(build_file_parse("f", many.s, many.len, &f), -CE_LIMIT);
	for (int i = 0; i <= BUILD_STAGES_MAX; i++)
		sbuf_adds(&stages, "FROM x\n");
	assert_int_equal(build_file_parse("f", stages.s, stages.len, &f), -CE_LIMIT);
	sbuf_adds(&lines, "FROM x\nRUN a");
	while (lines.len <= BUILD_FILE_MAX)
		sbuf_adds(&lines, "\\\n");
	assert_int_equal(build_file_parse("f", lines.s, lines.len, &f), -CE_LIMIT);
	lines.len = BUILD_FILE_MAX / 2;
	lines.s[lines.len] = '\0';
	assert_int_equal(build_file_parse("f", lines.s, lines.len, &f), 0);
	build_file_free(f);
	err_drop();
}

/* @want: what the error says; NULL: there is none. */
static void add(struct build_file **f, const char *name, const char *text, const char *want)
{
	int r = build_file_add(name, text, strlen(text), f);

	if (want) {
		assert_true(r < 0);
		if (!strstr(err_trail(), want))
			fail_msg("%s: no '%s'", err_trail(), want);
		err_drop();
	} else if (r < 0) {
		fail_msg("%s: %s", text, err_trail());
	}
}

static void several_files_are_read_as_one(void **state)
{
	AUTO(build_file_freep) struct build_file *f = NULL;
	AUTO_FREE char *got = NULL;
	const struct stage *s;

	(void)state;
	add(&f, "one", "# check=skip=all\nARG V=1\n", NULL);
	assert_int_equal(build_file_check(f), -CE_USAGE); /* only when all are read */
	err_drop();
	add(&f, "two", "# check=error=true\nARG W\nFROM a AS x\n\nRUN 1", NULL);
	add(&f, "three", "RUN 2\nFROM x\nCOPY <<E /\nin three\nE\n", NULL);
	add(&f, "empty", "", NULL);
	assert_int_equal(build_file_check(f), 0);
	got = dump(f);
	assert_string_equal(got, "RUN(1) RUN(2) FROM x COPY(<<E|/)<$E:in three\n>");
	assert_int_equal(f->n_globals, 2);
	assert_string_equal(f->check, "error=true");
	s = &f->stages[0];
	assert_string_equal(inst_file("one", &f->globals[0]), "one");
	assert_string_equal(inst_file("one", &f->globals[1]), "two");
	assert_string_equal(inst_file("one", &s->v[0]), "two");
	assert_string_equal(inst_file("one", &s->v[1]), "three");
	assert_int_equal(s->v[0].line, 5); /* each file's lines are its own */
	assert_int_equal(s->v[1].line, 1);
	assert_string_equal(
		f->text.s,
		"# check=skip=all\nARG V=1\n# check=error=true\nARG W\nFROM a AS x\n\nRUN 1"
		"RUN 2\nFROM x\nCOPY <<E /\nin three\nE\n");
	add(&f, "bad", "\nRNU x\n", "bad:2: RNU x: unknown instruction RNU");
	add(&f, "other", "# escape=`\nRUN x\n",
	    "other: its escape character is '`', that of one '\\'");
}

static void several_files_share_the_limits(void **state)
{
	AUTO(build_file_freep) struct build_file *f = NULL, *g = NULL;
	AUTO_SBUF struct sbuf half = SBUF_INIT, many = SBUF_INIT;

	(void)state;
	sbuf_adds(&half, "FROM x\nRUN a");
	while (half.len <= BUILD_FILE_MAX / 2)
		sbuf_adds(&half, "\\\n");
	add(&f, "a", half.s, NULL);
	add(&f, "b", half.s, "b: more than");
	sbuf_adds(&many, "FROM x\n");
	for (unsigned i = 0; i < BUILD_INSTRUCTIONS_MAX / 2; i++)
		sbuf_adds(&many, "RUN x\n");
	add(&g, "a", many.s, NULL);
	add(&g, "b", many.s, "b:500: more than 1000 instructions");
}

static void triggers_of_images_parse_alone(void **state)
{
	struct inst in;

	(void)state;
	assert_int_equal(inst_parse("COPY --chown=1 a b", '\\', &in), 0);
	assert_int_equal(in.kind, INST_COPY);
	assert_int_equal(in.line, 0);
	inst_done(&in);
	assert_int_equal(inst_parse("RUN <<E\necho\nE", '\\', &in), 0);
	assert_int_equal(in.n_docs, 1);
	assert_string_equal(in.docs[0].content, "echo\n");
	inst_done(&in);
	assert_int_equal(inst_parse("FROM x", '\\', &in), -CE_USAGE);
	assert_int_equal(inst_parse("ONBUILD RUN x", '\\', &in), -CE_USAGE);
	assert_int_equal(inst_parse("", '\\', &in), -CE_USAGE);
	err_drop();
}

static const char everything[] =
	"# syntax=x\n# escape=\\\nARG V=1\nFROM --platform=linux/amd64 base:${V} AS one\n"
	"ENV a=b c=\"d $a\" e='f'\nLABEL \"x y\"=z\nRUN --mount=type=cache,target=/c a \\\n # c\n "
	"b\n"
	"COPY --from=one --chown=a:b [\"x\", \"y z\"]\nADD a* /b/\nSHELL [\"/bin/sh\", \"-c\"]\n"
	"HEALTHCHECK --interval=1s CMD [\"a\"]\nONBUILD RUN <<-E\n\tx\n\tE\nUSER a\nWORKDIR /a\n"
	"FROM one\nRUN <<A cat <<'B'\n1\nA\n2\nB\nVOLUME [\"/v\"]\nEXPOSE 80/tcp $p\nSTOPSIGNAL 9\n"
	"CMD [\"a\", \"\\u00e9\"]\nENTRYPOINT x y\nMAINTAINER m\n";

/* Whatever is cut off or changed: a file or one usage error, no crash (run under the address sanitizer). */
static void damaged_files_never_crash(void **state)
{
	static const char bytes[] = "\n\\<[\"' #\xff";
	size_t n = sizeof(everything) - 1;

	(void)state;
	for (size_t i = 0; i <= n; i++) {
		for (size_t k = 0; k <= sizeof(bytes); k++) {
			AUTO(build_file_freep) struct build_file *f = NULL;
			AUTO_FREE char *s = xmalloc(n + 1);
			size_t len = k == sizeof(bytes) ? i : n;
			char *cut;

			memcpy(s, everything, n);
			if (i < n && k < sizeof(bytes))
				s[i] = bytes[k];
			cut = xmalloc(len ? len : 1); /* exactly as long: a read past it is seen */
			memcpy(cut, s, len);
			(void)build_file_parse("f", cut, len, &f);
			free(cut);
		}
	}
	err_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_become_instructions),
		cmocka_unit_test(directives_come_first),
		cmocka_unit_test(errors_tell_place_line_and_reason),
		cmocka_unit_test(lines_are_counted_through_everything),
		cmocka_unit_test(sizes_have_limits),
		cmocka_unit_test(several_files_are_read_as_one),
		cmocka_unit_test(several_files_share_the_limits),
		cmocka_unit_test(triggers_of_images_parse_alone),
		cmocka_unit_test(damaged_files_never_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
