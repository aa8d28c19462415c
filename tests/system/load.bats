#!/usr/bin/env bats
# Images from archives and root file systems.
load helpers

@test "load: docker and oci archives, compressed ones, from a file and from stdin; the name is told" {
	f=$(image_file busybox)
	cuddy rmi "$IMAGE" >/dev/null
	for how in cat gzip zstd xz bzip2; do
		$how -c <"$f" >"$WORK/a" 2>/dev/null || cat "$f" >"$WORK/a"
		run -0 --separate-stderr cuddy load -i "$WORK/a"
		[[ "$output" == *localhost/busybox:latest* ]]
		cuddy rmi "$IMAGE" >/dev/null
		run -0 --separate-stderr cuddy load -q <"$WORK/a"
		run -0 cuddy run --rm "$IMAGE" echo ok
		cuddy rmi "$IMAGE" >/dev/null
	done
	run -0 cuddy load -q -i "$(image_file layers12)"
	run -0 cuddy run --rm localhost/layers12 cat /a/keep
	[ "$output" = again ]
}

# images: F10
@test "load: what skopeo writes as docker-archive and oci-archive of one image is one image" {
	f=$(image_file debian)
	skopeo copy -q "oci-archive:$f" "docker-archive:$WORK/d.tar:localhost/d:1"
	run -0 cuddy load -q -i "$f"
	run -0 cuddy load -q -i "$WORK/d.tar"
	[ "$(ls "$CUDDY_ROOT/layers" | wc -l)" -eq 2 ] # busybox's and one of Debian's
	run -0 cuddy run --rm localhost/d:1 bash -c 'echo $BASH_VERSION'
	# A layout where another image is not whole, with things that nobody names.
	skopeo copy -q "docker-archive:$(image_file busybox)" "oci:$WORK/layout:whole"
	skopeo copy -q "oci-archive:$(image_file layers12)" "oci:$WORK/layout:cut"
	blobs=$WORK/layout/blobs/sha256
	cut=$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "cut") | .digest[7:]' "$WORK/layout/index.json")
	gone=$(jq -r '.layers[3].digest[7:]' "$blobs/$cut")
	rm "$blobs/$gone"
	echo more >"$blobs/more"
	mkdir "$WORK/layout/blobs/md5"
	before=$(cuddy images -a --no-trunc --format '{{.Id}} {{.Names}}')
	for how in "load -q -i $WORK/layout" "pull -q oci:$WORK/layout:cut"; do
		run --separate-stderr cuddy $how
		one_line_error 125 "$gone' is missing"
	done
	run --separate-stderr cuddy pull -q "oci:$WORK/layout"
	one_line_error 125 'it has several'
	[ "$(cuddy images -a --no-trunc --format '{{.Id}} {{.Names}}')" = "$before" ]
	run -0 cuddy pull -q "oci:$WORK/layout:whole"
	[ "$(cuddy run --rm --network none "$output" echo whole)" = whole ]
}

@test "load: twice, and two at once, is one image with its layers once" {
	f=$(image_file layers12)
	jobs=
	for i in 1 2 3 4; do
		cuddy load -q -i "$f" >"$WORK/$i" 2>&1 3>&- &
		jobs+=" $!"
	done
	wait $jobs
	cat "$WORK"/[1-4]
	[ "$(cat "$WORK"/[1-4] | grep -vc layers12)" -eq 0 ]
	[ "$(cuddy images -q localhost/layers12 | wc -l)" -eq 1 ]
	[ "$(ls "$CUDDY_ROOT/layers" | wc -l)" -eq 13 ]
	empty_dir "$CUDDY_ROOT/staging"
}

@test "import: a root file system in a tar becomes an image, with changes" {
	mkdir -p "$WORK/r/bin"
	cp "$(command -v busybox)" "$WORK/r/bin/sh"
	tar -c -C "$WORK/r" --owner=0 --group=0 . >"$WORK/r.tar"
	run -0 --separate-stderr cuddy import -q -c 'ENV A=b' -c 'CMD ["/bin/sh", "-c", "echo $A"]' -c 'WORKDIR /w' "$WORK/r.tar" localhost/mine:1
	run -0 cuddy run --rm localhost/mine:1
	[ "$output" = b ]
	run -0 cuddy run --rm localhost/mine:1 /bin/sh -c pwd
	[ "$output" = /w ]
	run -0 bash -c 'gzip -c "$1" | "$CUDDY" import -q - localhost/mine:2' _ "$WORK/r.tar"
	run -0 cuddy run --rm localhost/mine:2 /bin/sh -c 'echo from stdin'
	[ "$output" = "from stdin" ]
	cuddy import -q --arch arm --variant v7 "$WORK/r.tar" localhost/mine:arm >/dev/null
	[ "$(cuddy image inspect --format '{{.Os}} {{.Architecture}} {{.Variant}}' localhost/mine:arm)" = 'linux arm v7' ]
	run --separate-stderr cuddy import -q --arch arm --platform linux/arm "$WORK/r.tar" localhost/x
	one_line_error 125 --platform
	run --separate-stderr cuddy import -q -c 'NOSUCH x' "$WORK/r.tar" localhost/x
	one_line_error 125 NOSUCH
}

@test "load, import: from a URL, which is read when all of it is here" {
	mkdir -p "$WORK/web/root/bin"
	cp "$(command -v busybox)" "$WORK/web/root/bin/sh"
	tar -c -C "$WORK/web/root" --owner=0 --group=0 . | gzip >"$WORK/web/r.tgz"
	cuddy save -q -o "$WORK/web/i.tar" "$IMAGE"
	id=$(cuddy image inspect --format '{{.Id}}' "$IMAGE")
	cuddy rmi "$IMAGE" >/dev/null
	(cd "$WORK/web" && exec python3 -c '
import http.server, os
class H(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/cut.tar": return super().do_GET()
        b = open("i.tar", "rb").read()
        self.send_response(200); self.send_header("Content-Length", str(len(b))); self.end_headers(); self.wfile.write(b[:len(b) // 2])
s = http.server.HTTPServer(("127.0.0.1", 0), H)
open("../port.tmp", "w").write(str(s.server_address[1])); os.rename("../port.tmp", "../port"); s.serve_forever()') >"$WORK/web.log" 2>&1 3>&- &
	web=$!
	wait_until 20 test -e "$WORK/port"
	url=http://127.0.0.1:$(cat "$WORK/port")
	run -0 --separate-stderr cuddy load -q -i "$url/i.tar"
	[ "$output" = "Loaded image: localhost/busybox:latest" ]
	[ "$(cuddy image inspect --format '{{.Id}}' "$IMAGE")" = "$id" ]
	cuddy rmi "$IMAGE" >/dev/null
	run -0 --separate-stderr cuddy import -q --os linux --arch amd64 -m 'from afar' "$url/r.tgz" localhost/far
	[ "$(cuddy image inspect --format '{{.Comment}} {{.Os}}' localhost/far)" = "from afar linux" ]
	[ "$(cuddy run --rm localhost/far /bin/sh -c 'echo here')" = here ]
	cuddy rmi localhost/far >/dev/null
	for bad in "load -q -i $url/nosuch" "import -q $url/nosuch" "load -q -i $url/cut.tar" "import -q http://127.0.0.1:1/x"; do
		run --separate-stderr timeout 60 "$CUDDY" $bad
		one_line_error 125 .
		[ -z "$(cuddy images -q)" ]
	done
	kill $web
	wait $web || true
}
