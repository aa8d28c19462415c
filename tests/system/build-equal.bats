#!/usr/bin/env bats
# The same Containerfile, built by buildah and by cuddy: the same files and the same config.
load helpers

# What either tool puts into a root to run something there.
OURS='etc/hosts etc/hostname etc/resolv.conf etc/mtab dev proc sys run .dockerenv'
# Known differences of the config: buildah's label; BuildKit, and so cuddy, keeps the order in which ENV was set.
CONFIG='{User, ExposedPorts, Env: (.Env | sort), Entrypoint, Cmd, Volumes, WorkingDir, StopSignal, OnBuild, Shell, Healthcheck,
	Labels: (.Labels // {} | del(.["io.buildah.version"]))} | del(.. | select(. == null or . == {} or . == "" or . == []))'

by_buildah() { # manifest and config into $WORK/want.*
	local b="buildah --storage-driver vfs --root $WORK/b/root --runroot $WORK/b/run"
	$b pull -q "docker-archive:$(image_file busybox)" >/dev/null
	$b bud -q --isolation chroot --format docker -t localhost/t "$@" . >/dev/null
	$b push -q localhost/t "oci:$WORK/oci:x" >/dev/null
	$b inspect --type image localhost/t | jq -S ".Docker.config | $CONFIG" >"$WORK/want.config"
	unshare --user --map-auto --map-root-user sh -c "
		umoci unpack --image '$WORK/oci:x' '$WORK/bundle' >/dev/null && '$FIXTURES/fsmanifest.py' '$WORK/bundle/rootfs' $OURS
		rm -rf '$WORK/bundle' '$WORK/b' '$WORK/oci'" | sed 's/ mtime=[0-9]*//' >"$WORK/want.files"
}

by_cuddy() {
	local id p
	id=$(cuddy build -q --format docker -t localhost/t "$@" .)
	jq -S ".config | $CONFIG" <"$CUDDY_ROOT/images/$id/config" >"$WORK/got.config"
	id=$(cuddy run -d --network none --no-hosts --user 0 --entrypoint sleep localhost/t 1000)
	p=$(container_pid "$id")
	nsenter --preserve-credentials --user -t "$p" "$FIXTURES/fsmanifest.py" "/proc/$p/root" $OURS |
		sed 's/ mtime=[0-9]*//' >"$WORK/got.files"
	cuddy rm -f -t 0 "$id" >/dev/null
}

same() {
	[ "$(wc -l <"$WORK/want.files")" -gt 20 ]
	diff "$WORK/want.config" "$WORK/got.config"
	diff "$WORK/want.files" "$WORK/got.files" | cut -c1-300
	cmp -s "$WORK/want.files" "$WORK/got.files"
}

@test "buildah: stages, files of every kind, owners, modes, and all of the config" {
	mkdir -p "$WORK/ctx/dir/sub" && cd "$WORK/ctx"
	echo one >dir/one && echo two >dir/sub/two && ln -s one dir/link && ln -s nowhere dir/dangling
	echo text >file.txt && echo '#!/bin/sh' >tool && chmod 755 tool dir dir/sub && chmod 640 file.txt
	tar -cf "$WORK/ctx/ar.tar" --owner=7 --group=8 -C dir one sub
	printf 'ignored\n*.o\n!keep.o\n' >.dockerignore && touch ignored x.o keep.o
	cat >Containerfile <<-'E'
		ARG TAG=latest
		FROM localhost/busybox:${TAG} AS make
		RUN mkdir -p /o/p && echo made >/o/p/f && chmod 711 /o/p && chown 3:4 /o/p/f && ln /o/p/f /o/p/g && ln -s f /o/p/l
		FROM localhost/busybox
		ARG V=1
		ENV A=b C="d e" PATH=/opt/bin:$PATH
		LABEL k=v "k 2"="v 2"
		WORKDIR /work/dir
		WORKDIR rel
		COPY --from=make /o /oo/
		COPY dir /copied
		COPY dir/one file.txt some/
		COPY *.txt /globbed/
		COPY . /all
		COPY --chown=5:6 --chmod=600 file.txt /owned
		COPY --chown=user tool /by-name
		ADD ar.tar /unpacked/
		RUN echo "$V $A" >/v && rm -r /home/user && mkdir -m 700 /home/user && chmod 4755 /by-name
		USER user
		RUN id -u >/tmp/id && pwd >>/tmp/id
		EXPOSE 80 81/udp 90-92
		VOLUME /vol /w2
		VOLUME ["/v 3"]
		CMD echo dropped
		ENTRYPOINT ["/bin/sh", "-c"]
		CMD ["x"]
		STOPSIGNAL SIGUSR1
		HEALTHCHECK --interval=3s --timeout=1m --retries=4 CMD true
		SHELL ["/bin/ash", "-c"]
		ONBUILD RUN x
	E
	by_buildah --build-arg V=2
	by_cuddy --build-arg V=2
	same
}

@test "buildah: from scratch" {
	mkdir -p "$WORK/ctx" && cd "$WORK/ctx"
	cat >Containerfile <<-'E'
		FROM localhost/busybox AS b
		FROM scratch
		COPY --from=b /bin /bin
		COPY --from=b /etc/passwd /etc/group /etc/
		WORKDIR /x/y
		RUN ["/bin/touch", "made"]
		ENTRYPOINT exec sleep 1
	E
	OURS="$OURS tmp" # a container has one in any case
	by_buildah
	by_cuddy
	same
}
