#!/usr/bin/env bats
# podman-compose of Debian's package, with cuddy in the place of podman: two services, a network, volumes,
# ports, a health check.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

compose() { podman-compose "$@" >"$WORK/out" 2>&1 || { cat "$WORK/out"; return 1; }; }
health_is() { [ "$(cuddy inspect --format '{{.State.Health.Status}}' "$1")" = "$2" ]; }

compose_begin() {
	require_tun
	require_program podman-compose
	mkdir -p "$WORK/bin" "$WORK/shop/html" "$WORK/shop/build"
	ln -s "$CUDDY" "$WORK/bin/podman"
	export PATH=$WORK/bin:$PATH
	cd "$WORK/shop"
	PORT=$(free_port)
	echo hello >html/index.html
	echo hunter2 >pw
	printf 'FROM %s\nRUN echo built >/made\n' "$IMAGE" >build/Dockerfile
	echo 'FROM_FILE=yes' >vars
	cat >compose.yaml <<-Y
		services:
		  db:
		    image: $IMAGE
		    command: ["sh", "-c", "echo ready >/data/f; exec nc -ll -p 5432 -e cat /data/f"]
		    volumes: ["data:/data"]
		    networks: [back]
		    healthcheck: {test: ["CMD", "test", "-e", "/data/f"], interval: 1s, retries: 30}
		  web:
		    build: ./build
		    image: localhost/shop-web
		    command: httpd -f -p 80 -h /www
		    environment: {A: "1"}
		    env_file: [vars]
		    ports: ["127.0.0.1:$PORT:80"]
		    volumes: ["./html:/www:ro"]
		    networks: [back]
		    depends_on: [db]
		    cap_drop: [NET_RAW]
		    cap_add: [NET_ADMIN]
		    stop_grace_period: 1s
		    secrets: [pw]
		    ulimits: {nofile: {soft: 77, hard: 77}}
		    sysctls: [net.ipv4.ip_unprivileged_port_start=80]
		    tmpfs: [/scratch]
		    extra_hosts: ["far:10.1.2.3"]
		    labels: {a: b}
		    init: true
		    shm_size: 2m
		    hostname: webby
		    user: "0:0"
		    working_dir: /scratch
		volumes: {data: {}}
		networks: {back: {}}
		secrets: {pw: {file: ./pw}}
	Y
}

@test "compose: build, up, names and ports, health, exec, logs, stop, start, down" {
	compose_begin
	compose up -d
	[ "$(cuddy ps --filter label=com.docker.compose.project=shop --format '{{.Names}}' | sort | xargs)" = 'shop_db_1 shop_web_1' ]
	wait_until 20 curl -sf "http://127.0.0.1:$PORT/" -o "$WORK/got"
	[ "$(cat "$WORK/got")" = hello ]
	wait_until 20 cuddy exec shop_web_1 sh -c '[ "$(nc db 5432)" = ready ]'
	wait_until 20 health_is shop_db_1 healthy
	compose exec -T web sh -c 'echo $A $FROM_FILE; cat /made'
	grep -q '^1 yes' "$WORK/out"
	grep -q '^built' "$WORK/out"
	[ "$(cuddy exec shop_web_1 sh -c 'cat /run/secrets/pw; ulimit -n; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; hostname; pwd; grep -c far /etc/hosts; df -k /dev/shm | tail -1 | xargs echo | cut -d " " -f 2; id -g' | xargs)" = 'hunter2 77 80 webby /scratch 1 2048 0' ]
	[ "$(cuddy inspect --format '{{index .Config.Labels "a"}} {{.HostConfig.Init}} {{.HostConfig.CapAdd}}' shop_web_1)" = 'b true [CAP_NET_ADMIN]' ]
	compose ps
	grep -q 'shop_web_1' "$WORK/out"
	compose logs
	compose stop -t 0
	status_is shop_web_1 exited
	compose start
	wait_until 20 curl -sf "http://127.0.0.1:$PORT/" -o /dev/null
	compose down -t 0 -v
	[ -z "$(cuddy ps -aq; cuddy volume ls -q; cuddy pod ps -q)" ]
	cuddy network rm shop_back
}
