#!/usr/bin/env bats
# Services as Debian has them: redis, Node.js (a project built, too), Python, cron and sshd start, serve, stop and keep their data.
load helpers

setup_file() {
	file_begin
	load_image programs
}
teardown_file() { file_end; }

IMG=localhost/programs
ended() { cuddy inspect --format '{{.State.ExitCode}}' "$1"; }

@test "programs: redis keeps what it was told on a volume, over a stop, a removal and another container" {
	redis() { cuddy run -d --name r --network none -v redis:/var/lib/redis -w /var/lib/redis --user redis "$IMG" redis-server --save 3600 1000000; }
	answers() { [ "$(cuddy exec r redis-cli ping)" = PONG ]; }
	redis
	wait_until 20 answers
	cuddy exec r redis-cli set greeting 'hello there' >/dev/null
	seq 500 | sed 's/.*/set k& v&/' | cuddy exec -i r redis-cli >"$WORK/out"
	[ "$(grep -c OK "$WORK/out")" -eq 500 ]
	cuddy stop r
	[ "$(ended r)" = 0 ] # it saved and said goodbye
	[[ "$(cuddy logs r)" == *"DB saved on disk"* ]]
	cuddy rm r
	redis
	wait_until 20 answers
	[ "$(cuddy exec r redis-cli get greeting)" = 'hello there' ]
	[ "$(cuddy exec r redis-cli dbsize)" = 501 ]
	cuddy rm -f -t 0 r
	cuddy volume rm redis
}

@test "programs: Node.js serves, as first process does not hear SIGTERM, and does so with --init" {
	cat >"$WORK/server.js" <<-'JS'
		const http = require("http");
		http.createServer((q, a) => { console.log(q.method, q.url); a.end("from " + process.version + " pid " + process.pid); }).listen(8000, () => console.log("listening"));
	JS
	for init in false true; do
		cuddy run -d --name n --init=$init --network none -v "$WORK/server.js:/app/server.js:ro" "$IMG" node /app/server.js
		wait_log n listening
		run -0 cuddy exec n node -e 'fetch("http://127.0.0.1:8000/x").then(r => r.text()).then(t => console.log(t))'
		[[ "$output" == "from v"*" pid "* ]]
		wait_log n 'GET /x'
		cuddy stop -t 2 n
		[ "$(ended n)" = "$([ $init = true ] && echo 143 || echo 137)" ]
		cuddy rm n
	done
}

@test "programs: a Python service with threads and children answers and ends by its own handler" {
	cat >"$WORK/service.py" <<-'PY'
		import os, signal, socket, subprocess, sys, threading
		def serve(c):
		    n = int(c.recv(100)); c.sendall(subprocess.run(["sh", "-c", f"echo $(({n} * {n}))"], capture_output=True).stdout); c.close()
		def end(*_):
		    print("bye", flush=True); os._exit(4)
		signal.signal(signal.SIGTERM, end)
		s = socket.create_server(("127.0.0.1", 7000)); print("ready", flush=True)
		while True:
		    threading.Thread(target=serve, args=(s.accept()[0],)).start()
	PY
	cat >"$WORK/client.py" <<-'PY'
		import socket
		def ask(n):
		    c = socket.create_connection(("127.0.0.1", 7000)); c.sendall(str(n).encode()); return int(c.recv(100))
		print(sum(ask(n) for n in range(50)))
	PY
	cuddy run -d --name p --network none -v "$WORK:/app:ro" "$IMG" python3 /app/service.py
	wait_log p ready
	run -0 cuddy exec p python3 /app/client.py
	[ "$output" = 40425 ]
	cuddy stop p
	[ "$(ended p)" = 4 ]
	[ "$(cuddy logs --tail 1 p)" = bye ]
}

@test "programs: cron runs its jobs as the users they are for" {
	printf '@reboot root id -u >/tmp/root\n@reboot user id -un >/tmp/user\n' >"$WORK/jobs"
	cuddy create --name c --network none "$IMG" cron -f
	cuddy cp --archive=false "$WORK/jobs" c:/etc/cron.d/jobs
	cuddy start c
	done_by() { [ "$(cuddy exec c cat /tmp/$1)" = "$2" ]; }
	wait_until 20 done_by root 0
	wait_until 20 done_by user user
	cuddy rm -f -t 0 c
}

@test "programs: sshd takes a session with a key, for another user, with a terminal" {
	cuddy run -d --name s --network none "$IMG" sh -c '
		ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key
		install -d -m 700 -o user -g user /home/user/.ssh
		ssh-keygen -q -t ed25519 -N "" -f /root/key; install -m 600 -o user -g user /root/key.pub /home/user/.ssh/authorized_keys
		exec /usr/sbin/sshd -D -e'
	wait_log s 'Server listening'
	ssh() { cuddy exec s ssh -o StrictHostKeyChecking=no -o LogLevel=ERROR -i /root/key "$@" user@127.0.0.1 'id -un; tty; exit 5'; }
	run -5 ssh
	[ "${lines[0]}" = user ]
	run -5 ssh -tt
	[[ "${lines[1]}" == /dev/pts/* ]]
	cuddy stop s
	[ "$(ended s)" = 0 ]
}

@test "programs: a JVM as first process serves, makes keys in an exec, says what it does, and ends by SIGTERM" {
	cuddy run -d --name j --network none --user user -w /tmp "$IMG" rmiregistry -J-Xmx64m 1099
	listens() { cuddy exec j sh -c 'grep -q :044B /proc/net/tcp /proc/net/tcp6'; }
	wait_until 60 listens
	[ "$(cuddy exec j cat /proc/1/comm)" = rmiregistry ]
	run -0 cuddy exec j keytool -J-Xmx64m -genkeypair -keystore /tmp/keys -storepass secret -alias a -dname CN=a -keyalg EC
	run -0 cuddy exec j keytool -J-Xmx64m -list -keystore /tmp/keys -storepass secret
	[[ "$output" == *"PrivateKeyEntry"* ]]
	cuddy kill -s QUIT j # all threads, as it has done since ever
	wait_log j 'Full thread dump'
	cuddy stop j
	[ "$(ended j)" = 143 ]
	cuddy rm j
}

@test "programs: a Node.js project is built: packages as npm packs them, unpacked in one stage, run from another" {
	mkdir -p "$WORK/app/vendor" "$WORK/pack/package/lib"
	cd "$WORK/app"
	echo '{"name":"@here/greet","version":"1.2.3","main":"lib/index.js","exports":{".":{"import":"./lib/index.mjs","require":"./lib/index.js"}},"bin":{"greet":"lib/cli.js"}}' >"$WORK/pack/package/package.json"
	echo 'exports.greet = n => "hello " + n;' >"$WORK/pack/package/lib/index.js"
	echo 'export const greet = n => "imported hello " + n;' >"$WORK/pack/package/lib/index.mjs"
	printf '#!/usr/bin/env node\nconsole.log(require("@here/greet").greet(process.argv[2]));\n' >"$WORK/pack/package/lib/cli.js"
	chmod 755 "$WORK/pack/package/lib/cli.js"
	tar -C "$WORK/pack" -czf vendor/here-greet-1.2.3.tgz package
	echo '{"name":"app","version":"0.1.0","type":"module","dependencies":{"@here/greet":"file:vendor/here-greet-1.2.3.tgz"}}' >package.json
	echo 'import { greet } from "@here/greet"; import { readFileSync } from "fs"; console.log(greet(process.env.WHO), JSON.parse(readFileSync("package.json")).version, process.getuid(), process.env.NODE_ENV);' >main.js
	printf 'vendor\nnode_modules\n' >.dockerignore
	mkdir node_modules && echo 'throw Error("from the host")' >node_modules/index.js
	cat >Containerfile <<-'E'
		FROM localhost/programs AS deps
		WORKDIR /app
		COPY package.json ./
		RUN --mount=type=bind,from=vendor,target=/vendor --mount=type=cache,target=/root/.npm <<EOF
		#!/usr/bin/node
		const fs = require("fs"), { execFileSync } = require("child_process");
		for (const [name, spec] of Object.entries(JSON.parse(fs.readFileSync("package.json")).dependencies)) {
			const to = "node_modules/" + name;
			fs.mkdirSync(to, { recursive: true });
			execFileSync("tar", ["-xzf", spec.replace("file:", "/"), "-C", to, "--strip-components=1", "--no-same-owner"]);
			for (const [bin, file] of Object.entries(JSON.parse(fs.readFileSync(to + "/package.json")).bin || {})) {
				fs.mkdirSync("node_modules/.bin", { recursive: true });
				fs.symlinkSync("../" + name + "/" + file, "node_modules/.bin/" + bin);
			}
		}
		EOF
		FROM localhost/programs
		ENV NODE_ENV=production WHO=nobody PATH=/app/node_modules/.bin:/usr/bin:/bin
		WORKDIR /app
		COPY --from=deps --chown=user /app/node_modules node_modules
		COPY --chown=user . .
		USER user
		CMD ["node", "main.js"]
	E
	cuddy build -q --network none --build-context vendor=vendor -t localhost/app . >/dev/null
	run -0 cuddy run --rm --network none -e WHO=you localhost/app
	[ "$output" = "imported hello you 0.1.0 $(cuddy run --rm --network none localhost/app id -u) production" ]
	run -0 cuddy run --rm --network none localhost/app greet me
	[ "$output" = "hello me" ]
	run -0 cuddy run --rm --network none localhost/app ls -A /app /app/node_modules
	[ "$output" = $'/app:\n.dockerignore\nContainerfile\nmain.js\nnode_modules\npackage.json\n\n/app/node_modules:\n.bin\n@here' ]
	cuddy rmi localhost/app >/dev/null
}
