#!/usr/bin/env bats
# podman-compose of Debian's package, with cuddy in the place of podman: two services, a network, volumes,
# ports, a health check.
load helpers

setup_file() { file_begin; load_image busybox; }
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
		    stop_grace_period: 1s
		volumes: {data: {}}
		networks: {back: {}}
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
