#!/usr/bin/env bats
# Completion, from the answers of __complete up to what the three shells put on the line.
load helpers

complete_words() { cuddy __complete -- "$@" | cut -f 1; }

@test "completion: verbs, groups, flags, values and what may follow them" {
	run -0 complete_words vol
	[ "$output" = volume ]
	run -0 complete_words volume rem
	[ "$output" = remove ]
	run -0 complete_words ''
	[[ "$output" == *run* && "$output" == *image* && "$output" != *__* ]]
	run -0 complete_words run --pul
	[ "$output" = --pull ]
	run -0 complete_words run --pull ''
	[ "$output" = $'always\nmissing\nnever\nnewer' ]
	run -0 complete_words container run -i --pull=n
	[ "$output" = $'--pull=never\n--pull=newer' ]
	run -0 complete_words --root "$CUDDY_ROOT" load -i ''
	[ "$output" = :file ]
	run -0 complete_words --root ''
	[ "$output" = :dir ]
	run -0 complete_words load --input=/
	[ "$output" = :file ]
	run -0 complete_words completion ''
	[ "$output" = $'bash\nzsh\nfish' ]
}

@test "completion: images by their short names, until the long one is begun" {
	run -0 complete_words run --rm bus
	[ "$output" = busybox:latest ]
	run -0 complete_words run localhost/
	[ "$output" = localhost/busybox:latest ]
	# What follows the image is a command inside it.
	run -0 complete_words run "$IMAGE" ''
	[ -z "$output" ]
	run -0 complete_words run "$IMAGE" --pul
	[ -z "$output" ]
}

@test "completion: containers and volumes; only running ones where only those will do" {
	cuddy create --name sleeping "$IMAGE" true
	cuddy run -d --name running "$IMAGE" sleep 100
	cuddy volume create data
	run -0 complete_words rm ''
	[ "$(sort <<<"$output")" = $'running\nsleeping' ]
	run -0 complete_words rm running sl
	[ "$output" = sleeping ]
	run -0 complete_words exec -it ''
	[ "$output" = running ]
	run -0 complete_words volume rm ''
	[ "$output" = data ]
	echo s | cuddy secret create word - >/dev/null
	for verb in 'secret rm' 'run --secret' 'secret inspect'; do
		run -0 complete_words $verb ''
		[ "$output" = word ]
	done
	cuddy secret rm word >/dev/null
	run -0 complete_words network connect podman ''
	[ "$(sort <<<"$output")" = $'running\nsleeping' ]
	run -0 complete_words inspect ''
	[ "$(sort <<<"$output" | xargs)" = 'busybox:latest data podman running sleeping' ]
	run -0 complete_words create --ipc ''
	[ "$output" = $'private\nshareable\nhost\nnone' ]
	id=$(cuddy inspect --format '{{.Id}}' running)
	run -0 complete_words stop "${id:0:4}"
	[ "$output" = "${id:0:12}" ]
}

@test "completion: nonsense gets an empty answer and no complaint" {
	for words in nosuchverb 'nosuch x' 'run --nosuch=' '-- --' 'volume nosuch x' 'run -Q x'; do
		run -0 --separate-stderr cuddy __complete -- $words
		[ -z "$stderr" ]
		[ -z "$output" ] || { echo "$words: $output"; false; }
	done
	run --separate-stderr cuddy completion tcsh
	one_line_error 125 tcsh
}

@test "completion: the installed files are what the verb prints" {
	cuddy completion bash -f "$WORK/x"
	cmp "$WORK/x" <(cuddy completion bash)
	for s in bash zsh fish; do
		run -0 cuddy completion $s
		[[ "$output" == *"__complete --"* ]]
		run -0 cuddy completion --no-desc $s
		[[ "$output" == *"__complete --no-desc --"* ]]
	done
	run -0 cuddy __complete --no-desc -- ru
	[ "${lines[0]}" = run ]
	run -0 cuddy __complete -- ru
	[[ "${lines[0]}" == $'run\t'* ]]
}

typed() { # typed SHELL... - stdin is Python that types at it; `line(before, after)` types and wants the result
	{ printf '%s\n' 'from ptydrv import *' 'import os, re, sys' 'p = Pty(sys.argv[1:], cols=200)' \
		'def line(before, after):' \
		'    p.send(b"\x15" + before + b"\t"); p.expect(re.escape(after)); p.send(b"\x15")'
	cat; echo 'p.send(b"\x15exit\r"); p.wait()'; } >"$WORK/type.py"
	python3 "$WORK/type.py" "$@"
}

@test "completion: in bash, with its word breaks at : and =" {
	cuddy completion bash >"$WORK/cuddy.bash"
	mkdir "$WORK/some-folder"
	cd "$WORK"
	PATH=$(dirname "$CUDDY"):$PATH typed bash --norc --noprofile -i <<-'PY'
		p.send(b"PS1='> '; source ./cuddy.bash; echo rea''dy\r"); p.expect(rb"ready")
		line(b"cuddy vol", b"cuddy volume ")
		line(b"cuddy run --pull=al", b"--pull=always ")
		line(b"cuddy run --pull al", b"--pull always ")
		line(b"cuddy run localhost/busybox:la", b"localhost/busybox:latest ")
		line(b"cuddy run localhost/busybox:", b"localhost/busybox:latest ")
		line(b"cuddy load -i some-f", b"some-folder/")
		line(b"cuddy --root some-f", b"some-folder/")
	PY
}

@test "completion: in zsh" {
	require_program zsh
	cuddy completion zsh >"$WORK/_cuddy"
	mkdir "$WORK/some-folder"
	cd "$WORK"
	PATH=$(dirname "$CUDDY"):$PATH typed zsh -f -i <<-'PY'
		p.send(b"PS1='> '; fpath=($PWD $fpath); autoload -U compinit; compinit -u -d ./dump; echo rea''dy\r"); p.expect(rb"ready\r")
		line(b"cuddy vol", b"cuddy volume")
		line(b"cuddy run --pull=al", b"--pull=always")
		line(b"cuddy run --pull al", b"--pull always")
		line(b"cuddy run localhost/busybox:la", b"localhost/busybox:latest")
		line(b"cuddy load -i some-f", b"some-folder")
		line(b"cuddy --root some-f", b"some-folder")
	PY
}

@test "completion: in fish" {
	require_program fish
	cuddy completion fish >"$WORK/cuddy.fish"
	mkdir "$WORK/some-folder"
	cd "$WORK"
	ask() { PATH=$(dirname "$CUDDY"):$PATH HOME=$WORK fish --no-config -c "source cuddy.fish; complete -C '$1'" | cut -f 1; }
	run -0 ask 'cuddy vol'
	[ "$output" = volume ]
	run -0 ask 'cuddy run --pull=al'
	[ "$output" = --pull=always ]
	run -0 ask 'cuddy run localhost/busybox:la'
	[ "$output" = localhost/busybox:latest ]
	run -0 ask 'cuddy load -i some-f'
	[ "$output" = some-folder/ ]
}
