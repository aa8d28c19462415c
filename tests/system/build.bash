# Tests of builds: one root with the busybox image for a file, a context of its own for each test.

setup_file() {
	file_begin busybox
}
teardown_file() { file_end; }

setup() {
	test_begin
	mkdir -p "$WORK/ctx"
	cd "$WORK/ctx"
}

file() { cat >Containerfile; }                      # the Containerfile, from standard input
build() { cuddy build -q -t localhost/t "$@" .; }
config() { cuddy image inspect --format "{{json .Config.$1}}" localhost/t; }
inside() { cuddy run --rm --network none localhost/t "$@"; }
