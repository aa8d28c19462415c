#!/usr/bin/env bats
# cuddy kube: pods from Kubernetes YAML, and back.
load helpers
load sources

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

nothing_left() { [ -z "$(cuddy pod ps -q; cuddy ps -aq; cuddy volume ls -q; cuddy secret ls -q)" ]; }

@test "kube play: environment, config maps, secrets, volumes, claims, init containers, ports, probes; generate and back; down" {
	require_tun
	port=$(free_port)
	cat >"$WORK/shop.yaml" <<-Y
		apiVersion: v1
		kind: ConfigMap
		metadata: {name: conf}
		data:
		  greeting: hello
		  app.ini: |
		    [a]
		    b = 1
		---
		kind: Secret
		metadata: {name: sec}
		stringData: {pw: hunter2}
		data: {b64: c2VjcmV0}
		---
		kind: PersistentVolumeClaim
		metadata: {name: claim}
		---
		kind: Service
		metadata: {name: for-a-cluster}
		---
		kind: Deployment
		metadata: {name: shop}
		spec:
		  replicas: 3
		  template:
		    metadata: {labels: {app: shop}}
		    spec:
		      hostAliases: [{ip: 10.9.8.7, hostnames: [far]}]
		      restartPolicy: OnFailure
		      terminationGracePeriodSeconds: 0
		      initContainers:
		      - {name: prep, image: $IMAGE, command: [sh, -c, "echo prepared >/data/f"], volumeMounts: [{name: data, mountPath: /data}]}
		      containers:
		      - name: web
		        image: $IMAGE
		        command: [httpd]
		        args: ["-f", "-p", "80", "-h", "/www"]
		        ports: [{containerPort: 80, hostPort: $port, hostIP: 127.0.0.1, name: http}]
		        volumeMounts: [{name: data, mountPath: /www, readOnly: true}]
		        livenessProbe: {httpGet: {path: /f, port: http}, periodSeconds: 1}
		      - name: app
		        image: $IMAGE
		        command: [sh, -c]
		        args: ["cat /conf/app.ini; cat /sec/pw; echo; ls /one; id -u; echo '\$\$(A)' \$(G); touch /claim/f; exec sleep 1000"]
		        env:
		        - {name: A, value: "1"}
		        - {name: G, valueFrom: {configMapKeyRef: {name: conf, key: greeting}}}
		        - {name: P, valueFrom: {secretKeyRef: {name: sec, key: b64}}}
		        - {name: N, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
		        - {name: X, value: "a \$(A)"}
		        envFrom: [{configMapRef: {name: more}, prefix: M_}]
		        securityContext: {runAsUser: 1000, readOnlyRootFilesystem: true, capabilities: {add: [NET_ADMIN]}}
		        volumeMounts:
		        - {name: conf, mountPath: /conf}
		        - {name: one, mountPath: /one}
		        - {name: sec, mountPath: /sec, readOnly: true}
		        - {name: claim, mountPath: /claim}
		        - {name: host, mountPath: /host, subPath: sub}
		      volumes:
		      - {name: data, emptyDir: {}}
		      - {name: conf, configMap: {name: conf}}
		      - {name: one, configMap: {name: conf, items: [{key: greeting, path: only}]}}
		      - {name: sec, secret: {secretName: sec}}
		      - {name: claim, persistentVolumeClaim: {claimName: claim}}
		      - {name: host, hostPath: {path: $WORK/h/deep/er, type: DirectoryOrCreate}}
	Y
	printf 'kind: ConfigMap\nmetadata: {name: more}\ndata: {k: v}\n' >"$WORK/more.yaml"
	mkdir -p "$WORK/h/deep/er/sub"
	run -0 cuddy kube play --configmap "$WORK/more.yaml" "$WORK/shop.yaml"
	[[ "$output" == *"Pod:"*"Containers:"* ]]
	[ "$(cuddy pod inspect --format '{{.Name}} {{.State}} {{.ExitPolicy}} {{.NumContainers}} {{index .Labels "app"}}' shop-pod)" = 'shop-pod Running stop 3 shop' ]
	wait_until 20 curl -sf "http://127.0.0.1:$port/f" -o "$WORK/got"
	[ "$(cat "$WORK/got")" = prepared ]
	wait_until 20 sh -c "'$CUDDY' ps --format '{{.Status}}' --filter name=shop-pod-web | grep -q healthy"
	wait_log shop-pod-app hello
	[ "$(cuddy logs shop-pod-app)" = '[a]
b = 1
hunter2
only
1000
$(A) hello' ]
	[ "$(cuddy exec shop-pod-app sh -c 'echo $A $P $N $X $M_k; grep -c far /etc/hosts')" = '1 secret shop-pod a 1 v
1' ]
	[ "$(cuddy inspect --format '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapAdd}}' shop-pod-app)" = 'on-failure true [CAP_NET_ADMIN]' ]
	[ -d "/proc/$(container_pid shop-pod-app)/root/host" ]
	# Described and made again: the same containers, names and ports.
	cuddy kube generate -f "$WORK/again.yaml" shop-pod claim
	run -0 cuddy kube play --replace "$WORK/again.yaml"
	wait_until 20 curl -sf "http://127.0.0.1:$port/f" -o /dev/null
	[ "$(cuddy ps --format '{{.Names}}' --filter pod=shop-pod | grep -v infra | sort | xargs)" = 'shop-pod-app shop-pod-web' ]
	python3 - "$WORK/again.yaml" <<-'P'
		import sys, yaml
		pod, claim = yaml.safe_load_all(open(sys.argv[1]))
		c = {c['name']: c for c in pod['spec']['containers']}
		assert pod['metadata']['name'] == 'shop-pod' and claim['kind'] == 'PersistentVolumeClaim'
		assert c['web']['ports'][0]['containerPort'] == 80 and c['web']['command'] == ['httpd'], c
		assert c['app']['securityContext']['runAsUser'] == 1000, c
	P
	run -0 cuddy kube down "$WORK/shop.yaml"
	[[ "$output" == *"Pods removed:"* ]]
	[ "$(cuddy volume ls -q)" = claim ]
	cuddy play kube --down --force "$WORK/shop.yaml" >/dev/null
	nothing_left
}

@test "kube play: an emptyDir in memory is one for all of the pod, as large as it says, and empty after a stop; generate and back" {
	cat >"$WORK/m.yaml" <<-Y
		kind: Pod
		metadata: {name: mem}
		spec:
		  terminationGracePeriodSeconds: 0
		  volumes: [{name: m, emptyDir: {medium: Memory, sizeLimit: 2Mi}}, {name: other, emptyDir: {medium: Memory}}]
		  initContainers:
		  - {name: i, image: $IMAGE, command: [sh, -c, "mkdir /m/sub && echo early >/m/sub/i"], volumeMounts: [{name: m, mountPath: /m}]}
		  containers:
		  - {name: a, image: $IMAGE, command: [sh, -c, "echo x >/m/f; exec sleep 1000"], volumeMounts: [{name: m, mountPath: /m}, {name: other, mountPath: /other}]}
		  - {name: b, image: $IMAGE, command: [sleep, "1000"], securityContext: {runAsUser: 1000}, volumeMounts: [{name: m, mountPath: /cache, readOnly: true}, {name: other, mountPath: /w}]}
		  - {name: c, image: $IMAGE, command: [sleep, "1000"], volumeMounts: [{name: m, mountPath: /only, subPath: sub}]}
	Y
	device() { stat -c %d "/proc/$(container_pid "$1")/root$2"; }
	shared() {
		wait_until 20 cuddy exec mem-b cat /cache/f >/dev/null
		[ "$(device mem-a /m)" = "$(device mem-b /cache)" ]
		[ "$(device mem-a /m)" = "$(device mem-c /only)" ]
		[ "$(device mem-a /other)" = "$(device mem-b /w)" ]
		[ "$(device mem-a /m)" != "$(device mem-a /other)" ]
		[ "$(stat -f -c %T "/proc/$(container_pid mem-a)/root/m")" = tmpfs ]
		[ "$(cuddy exec mem-b sh -c 'cat /cache/f; df -k /cache | tail -1 | xargs | cut -d " " -f 2; touch /w/mine && stat -c %u /w/mine')" = "x
2048
1000" ]
		run ! cuddy exec mem-b touch /cache/g
		run ! cuddy exec mem-a dd if=/dev/zero of=/m/big bs=1M count=3
	}
	cuddy kube play --network none "$WORK/m.yaml" >/dev/null
	shared
	[ "$(cuddy exec mem-c cat /only/i)" = early ]
	run ! cuddy exec mem-c ls /run/volumes
	cuddy exec mem-b touch /w/kept
	cuddy restart -t 0 mem-a mem-b >/dev/null
	shared
	cuddy exec mem-a ls /other/kept
	run -125 --separate-stderr cuddy run --rm -v mem-m:/m "$IMAGE" true
	one_line_error 125 'only one running container at a time'
	cuddy kube generate -f "$WORK/again.yaml" mem
	python3 - "$WORK/again.yaml" <<-'P'
		import sys, yaml
		v = {x['name']: x for x in yaml.safe_load(open(sys.argv[1]))['spec']['volumes']}
		assert v == {'m': {'name': 'm', 'emptyDir': {'medium': 'Memory', 'sizeLimit': 2097152}}, 'other': {'name': 'other', 'emptyDir': {'medium': 'Memory'}}}, v
	P
	cuddy pod stop mem >/dev/null
	cuddy pod start mem >/dev/null
	run ! cuddy exec mem-a ls /other/kept
	[ -z "$(cuddy exec mem-c ls /only)" ] # the init container was for once
	cuddy exec mem-b ls /cache/sub
	cuddy pod rm -f mem >/dev/null
	sed -i 's/sizeLimit: 2Mi/sizeLimit: 3Mi/' "$WORK/m.yaml"
	cuddy kube play --network none "$WORK/m.yaml" >/dev/null
	[ "$(cuddy exec mem-a sh -c 'df -k /m | tail -1 | xargs | cut -d " " -f 2')" = 3072 ]
	run -125 --separate-stderr cuddy kube play --network none "$WORK/m.yaml"
	one_line_error 125 'belongs to pod'
	sed -i 's/sizeLimit: 3Mi/sizeLimit: 2Mi/' "$WORK/m.yaml"
	cuddy kube play --network none --replace "$WORK/m.yaml" >/dev/null
	[ "$(cuddy exec mem-a sh -c 'df -k /m | tail -1 | xargs | cut -d " " -f 2')" = 2048 ]
	cuddy kube down "$WORK/m.yaml" >/dev/null
	nothing_left
}

@test "kube play: secrets and config maps of any bytes, in lines, are files of these bytes" {
	head -c 3000 /dev/urandom >"$WORK/random"
	printf 'a\0b\377\n' >"$WORK/nul"
	cat >"$WORK/p.yaml" <<-Y
		kind: Secret
		metadata: {name: s}
		data:
		  nul: $(base64 <"$WORK/nul")
		  random: |
		$(base64 <"$WORK/random" | sed 's/^/    /')
		---
		kind: ConfigMap
		metadata: {name: c}
		data: {text: words}
		binaryData: {nul: $(base64 <"$WORK/nul")}
		---
		kind: Pod
		metadata: {name: p}
		spec:
		  containers:
		  - {name: a, image: $IMAGE, command: [sleep, "1000"], envFrom: [{configMapRef: {name: c}}],
		     volumeMounts: [{name: s, mountPath: /s}, {name: c, mountPath: /c}]}
		  volumes: [{name: s, secret: {secretName: s}}, {name: c, configMap: {name: c}}]
	Y
	cuddy kube play --network none "$WORK/p.yaml" >/dev/null
	cuddy exec p-a cat /s/nul | cmp - "$WORK/nul"
	cuddy exec p-a cat /s/random | cmp - "$WORK/random"
	cuddy exec p-a cat /c/nul | cmp - "$WORK/nul"
	[ "$(cuddy exec p-a sh -c 'cat /c/text; echo " $text ${nul-unset}"')" = "words words unset" ]
	cuddy kube down --force "$WORK/p.yaml" >/dev/null
	nothing_left
}

@test "kube play, down: YAML and config maps from a URL; apply says where clusters are talked to" {
	www_begin
	printf 'kind: ConfigMap\nmetadata: {name: c}\ndata: {k: far}\n' >"$WORK/www/maps.yaml"
	printf 'kind: Pod\nmetadata: {name: u}\nspec:\n  volumes: [{name: h, hostPath: {path: ./here}}]\n  containers:\n  - {name: a, image: %s, command: [sleep, "1000"], env: [{name: K, valueFrom: {configMapKeyRef: {name: c, key: k}}}], volumeMounts: [{name: h, mountPath: /h}]}\n' "$IMAGE" >"$WORK/www/u.yaml"
	mkdir "$WORK/here"
	(cd "$WORK" && cuddy kube play --network none --configmap "$WWW/maps.yaml" "$WWW/u.yaml") >/dev/null
	[ "$(cuddy exec u-a sh -c 'echo $K; touch /h/f')" = far ]
	[ -e "$WORK/here/f" ] # relative paths are meant from where we are
	cuddy kube down "$WWW/u.yaml" >/dev/null
	run -125 --separate-stderr cuddy kube play "$WWW/none.yaml"
	one_line_error 125 '^cuddy: http:.*none.yaml: the server says 404'
	run -125 --separate-stderr cuddy kube play "ftp://127.0.0.1/u.yaml"
	one_line_error 125 'only http:// and https://'
	run -125 --separate-stderr cuddy kube play "http://127.0.0.1:1/u.yaml"
	one_line_error 125 '127.0.0.1'
	kill "$WWW_PID"
	for flags in '-f x.yaml' '--kubeconfig k --ca-cert-file c --ns n web' '--service web' ''; do
		run -125 --separate-stderr cuddy kube apply $flags
		one_line_error 125 'talks to no cluster.*kubectl apply'
	done
	nothing_left
}

@test "kube generate: what pods and their containers can have comes back with kube play" {
	cuddy pod create --name r --network none --hostname other --add-host one:10.1.2.3 --add-host two:10.1.2.3 --add-host 'six:fd00::6' --dns 10.0.0.53 --dns-search a.test \
		--dns-option ndots:3 --sysctl kernel.msgmax=9999 --infra-name rinfra --userns keep-id:uid=7,gid=7 --share +pid --label app=r --label l=m >/dev/null
	cuddy create --pod r --name r-prep --init-ctr once "$IMAGE" true >/dev/null
	cuddy create --pod r --name r-one --user 7:7 --device /dev/null:/dev/mynull --tmpfs /t:size=1m --ulimit nofile=77:88 --stop-signal USR1 --env A=b \
		--health-cmd '["/bin/sh", "-c", "test -e /tmp"]' --health-interval 7s --health-timeout 3s --health-retries 4 --health-start-period 2s --health-on-failure restart \
		--restart always --cap-drop KILL --cap-add NET_ADMIN --read-only --workdir /tmp --stop-timeout 0 -i "$IMAGE" cat >/dev/null
	cuddy create --pod r --name r-two --tmpfs /t --security-opt no-new-privileges --restart always --stop-timeout 0 -v "$WORK:/w:ro" -v named:/n "$IMAGE" sleep 1000 >/dev/null
	told() {
		cuddy pod inspect --format '{{.Name}} {{.Hostname}} {{.SharedNamespaces}} {{.InfraConfig.HostAdd}} {{.InfraConfig.DNSServer}} {{.InfraConfig.DNSSearch}} {{.InfraConfig.DNSOption}} {{.Labels}}' r
		cuddy inspect --format '{{.Name}} {{.HostConfig.Sysctls}} {{.HostConfig.UsernsMode}}' rinfra
		cuddy inspect --format '{{.Config.Healthcheck}} {{.Config.HealthcheckOnFailureAction}}' r-one
		for c in r-one r-two; do
			cuddy inspect --format '{{.Name}} {{.Config.User}} {{.HostConfig.Devices}} {{.HostConfig.Ulimits}} {{.Config.StopSignal}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}} {{.HostConfig.ReadonlyRootfs}} {{.Config.WorkingDir}} {{.Config.OpenStdin}} {{.HostConfig.SecurityOpt}} {{.Config.Entrypoint}} {{.Config.Cmd}}' "$c"
			cuddy inspect --format '{{range .Mounts}}{{.Destination}}={{.RW}} {{end}}' "$c" | tr ' ' '\n' | grep -v '^/t=' | sort | xargs
		done
	}
	told >"$WORK/before"
	cuddy kube generate --podman-only -f "$WORK/r.yaml" r
	cuddy pod rm -f r >/dev/null
	cuddy kube play --network none "$WORK/r.yaml" >/dev/null
	told >"$WORK/after"
	diff "$WORK/before" "$WORK/after"
	[ "$(cuddy exec r-one sh -c 'id -u; ulimit -n; df -k /t | tail -1 | xargs | cut -d " " -f 2; test -c /dev/mynull; cat /proc/sys/kernel/msgmax; grep -c "10.1.2.3.*two" /etc/hosts; grep -c fd00::6 /etc/hosts')" = "7
77
1024
9999
1
1" ]
	cuddy exec r-one touch /t/f
	run ! cuddy exec r-two ls /t/f # not the same
	# And again: nothing is lost or added any more (the init container was for once).
	cuddy kube generate --podman-only -f "$WORK/again.yaml" r
	cuddy kube play --network none --replace "$WORK/again.yaml" >/dev/null
	cuddy kube generate --podman-only -f "$WORK/third.yaml" r
	sed -i /creationTimestamp/d "$WORK/again.yaml" "$WORK/third.yaml"
	diff "$WORK/again.yaml" "$WORK/third.yaml"
	cuddy kube down --force "$WORK/r.yaml" >/dev/null
	nothing_left
}

@test "kube play: what is wrong is told in one line, and nothing stays" {
	printf 'kind: Pod\nmetadata: {name: p}\nspec:\n  volumes: [{name: e, emptyDir: {}}]\n  containers:\n  - {name: a, image: %s, volumeMounts: [{name: e, mountPath: /e}]}\n  - {name: b, image: %s, env: [{name: X, valueFrom: {configMapKeyRef: {name: no, key: k}}}]}\n' "$IMAGE" "$IMAGE" >"$WORK/p.yaml"
	run -125 --separate-stderr cuddy kube play "$WORK/p.yaml"
	one_line_error 125 'there is no ConfigMap no'
	nothing_left
	while IFS='|' read -r yaml words; do
		printf "$yaml" >"$WORK/bad.yaml"
		run -125 --separate-stderr cuddy kube play "$WORK/bad.yaml"
		one_line_error 125 "$words"
	done <<-'T'
		a: [|line
		a: 1\na: 2|twice
		kind: Node\nmetadata: {name: n}|nothing in it for us|
		metadata: {name: n}|without a kind
		kind: Secret\nmetadata: {name: n}\ndata: {a: YQ==, k: wha}\n---\nkind: Pod\nmetadata: {name: n}\nspec: {containers: [{name: c, image: localhost/busybox}]}|data.k is not base64
		kind: ConfigMap\nmetadata: {name: n}\nbinaryData: {k: wha}\n---\nkind: Pod\nmetadata: {name: n}\nspec: {containers: [{name: c, image: localhost/busybox}]}|binaryData.k is not base64
		kind: Pod\nmetadata: {name: n}|no containers
		kind: Pod\nmetadata: {name: ../n}\nspec: {containers: [{}]}|no name
		kind: Pod\nmetadata: {name: n}\nspec: {containers: [{name: c}]}|name and image
		kind: Pod\nmetadata: {name: n}\nspec: {containers: [{name: c, image: localhost/busybox, volumeMounts: [{name: v, mountPath: /v}]}]}|no volume v
		kind: Pod\nmetadata: {name: n}\nspec: {containers: [{name: c, image: localhost/busybox, volumeMounts: [{name: v, mountPath: /v}]}], volumes: [{name: v, nfs: {}}]}|only hostPath
		kind: Pod\nmetadata: {name: n}\nspec: {containers: [{name: c, image: localhost/busybox, imagePullPolicy: Never, livenessProbe: {}}]}|probe needs
		a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]|too many values
	T
	run -125 --separate-stderr cuddy kube play "$WORK/nobody.yaml"
	one_line_error 125 'No such file'
	run -125 --separate-stderr cuddy kube apply x
	one_line_error 125 'no cluster'
	run -125 --separate-stderr cuddy kube generate nobody
	one_line_error 125 'no such object'
	nothing_left
	printf 'kind: List\nitems:\n- {kind: Job, metadata: {name: j}, spec: {template: {spec: {restartPolicy: Never, shareProcessNamespace: true, containers: [{name: c, image: %s, command: ["true"]}]}}}}\n' "$IMAGE" |
		cuddy kube play --network none - >/dev/null
	wait_exited j-pod-c
	wait_until 20 sh -c "[ \"\$('$CUDDY' pod ps --format '{{.Status}}')\" = Exited ]"
	cuddy pod rm j-pod
	nothing_left
}

@test "kube play: limits that cannot be set are refused before anything is made; requests are passed over, said once" {
	pod() { # RESOURCES: of two containers
		printf 'kind: Secret\nmetadata: {name: s}\n---\nkind: Pod\nmetadata: {name: p}\nspec:\n  restartPolicy: Never\n  containers:\n'
		for n in a b; do printf '  - {name: %s, image: %s, command: ["true"], resources: %s}\n' "$n" "$IMAGE" "$1"; done
	}
	for key in memory cpu; do
		pod "{limits: {$key: 64M}}" >"$WORK/limits.yaml"
		run -125 --separate-stderr cuddy --cgroup-manager none kube play "$WORK/limits.yaml"
		one_line_error 125 "Pod p: container a: resources.limits.$key: not with --cgroup-manager none"
	done
	nothing_left
	if [ "$(cuddy info --format '{{.Host.CgroupManager}}')" = none ]; then
		run -125 --separate-stderr cuddy kube play "$WORK/limits.yaml"
		one_line_error 125 'container a: resources.limits.cpu: no cgroup can be made here; .*(mend it as root: |have whoever started this session delegate )'
	fi
	while IFS='|' read -r resources words; do
		pod "$resources" >"$WORK/bad.yaml"
		run -125 --separate-stderr cuddy kube play "$WORK/bad.yaml"
		one_line_error 125 "$words"
	done <<-'T'
		{limits: {memory: nan}}|limits.memory: 'nan' is not a quantity
		{limits: {memory: [1]}}|limits.memory: .* is not a quantity
		{requests: {cpu: -1}}|requests.cpu: '-1' is not a quantity
		{limits: 64M}|not a list of names
	T
	nothing_left
	pod '{requests: {memory: 64Mi, cpu: 100m}, limits: {memory: 0, ephemeral-storage: 1Gi}}' >"$WORK/hints.yaml"
	run -0 --separate-stderr cuddy --cgroup-manager none kube play --network none "$WORK/hints.yaml"
	[ "$(grep -c 'warning: kube play: resources.requests are passed over' <<<"$stderr")" = 1 ]
	[ "$(grep -c 'warning: kube play: [ab]: resources.limits.ephemeral-storage cannot be set' <<<"$stderr")" = 2 ]
	wait_exited p-a
	cuddy kube down "$WORK/hints.yaml" >/dev/null
	nothing_left
}

@test "kube play: builds, merge keys, annotations, several files; --wait takes all away; generate of other kinds" {
	require_tun
	port=$(free_port)
	mkdir -p "$WORK/ctx/mine"
	printf 'FROM %s\nRUN echo made >/made\n' "$IMAGE" >"$WORK/ctx/mine/Containerfile"
	cat >"$WORK/p.yaml" <<-Y
		x-base: &base
		  imagePullPolicy: Never
		  resources: {requests: {cpu: 1500m}}
		kind: Pod
		metadata:
		  name: kp
		  annotations: {io.podman.annotations.ulimit: "nofile=77:77", io.podman.annotations.infra.name: kinfra, io.containers.autoupdate: local}
		spec:
		  restartPolicy: Never
		  containers:
		  - <<: *base
		    name: a
		    image: mine
		    command: [sh, -c, "cat /made; ulimit -n; echo \$CPU; df -k /e | tail -1 | xargs echo | cut -d ' ' -f 2; exit 3"]
		    env: [{name: CPU, valueFrom: {resourceFieldRef: {resource: requests.cpu}}}]
		    volumeMounts: [{name: e, mountPath: /e}]
		    lifecycle: {preStop: {exec: {command: [x]}}}
		    ports: [{containerPort: $port}]
		  - {<<: *base, name: b, image: $IMAGE, command: [sleep, "1000"], readinessProbe: {exec: {command: ["true"]}}, securityContext: {seccompProfile: {type: Localhost, localhostProfile: open.json}}}
		  volumes: [{name: e, emptyDir: {medium: Memory, sizeLimit: 3Mi}}]
	Y
	printf 'kind: ConfigMap\nmetadata: {name: c}\n' >"$WORK/second.yaml"
	echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >"$WORK/open.json"
	run -125 --separate-stderr cuddy kube play --build=false --quiet "$WORK/p.yaml"
	[[ "$stderr" == *'pod kp: container a: '* ]]
	nothing_left
	run -0 --separate-stderr cuddy kube play --context-dir "$WORK/ctx" --no-pod-prefix --publish-all --annotation io.containers.autoupdate/b=registry --seccomp-profile-root "$WORK" "$WORK/p.yaml" "$WORK/second.yaml"
	[[ "$stderr" == *'a: lifecycle.preStop is left out'* ]]
	wait_exited a
	[ "$(cuddy logs a | xargs)" = 'made 77 2 3072' ]
	[ "$(cuddy inspect --format '{{index .Config.Labels "io.containers.autoupdate"}}' a b | xargs)" = 'local registry' ]
	[ "$(cuddy ps -a --format '{{.Names}}' | sort | xargs)" = 'a b kinfra' ]
	[ "$(cuddy port kinfra)" = "$port/tcp -> 0.0.0.0:$port" ]
	wait_until 20 sh -c "[ \"\$('$CUDDY' inspect --format '{{.State.Health.Status}}' b)\" = healthy ]"
	# Others of the same: what a cluster runs such a pod by.
	cuddy kube generate -s --podman-only kp >"$WORK/pod.yaml"
	cuddy kube generate --type deployment --replicas 3 --filename "$WORK/deployment.yaml" kp
	cuddy kube generate -t job kp >"$WORK/job.yaml"
	python3 - "$WORK" "$port" <<-'P'
		import sys, yaml
		load = lambda n: list(yaml.safe_load_all(open(sys.argv[1] + '/' + n + '.yaml')))
		pod, service = load('pod')
		assert (pod['kind'], service['kind'], service['spec']['ports'][0]['port']) == ('Pod', 'Service', int(sys.argv[2])), service
		assert service['spec']['selector'] == pod['metadata']['labels'], service
		d, = load('deployment')
		assert (d['apiVersion'], d['metadata']['name'], d['spec']['replicas']) == ('apps/v1', 'kp-deployment', 3), d
		assert d['spec']['selector']['matchLabels'] == d['spec']['template']['metadata']['labels'], d
		assert d['spec']['template']['spec']['restartPolicy'] == 'Always'
		j, = load('job')
		assert j['kind'] == 'Job' and j['spec']['template']['spec']['restartPolicy'] == 'Never', j
	P
	for flags in '-t job -r 2' '-t cronjob' '-r 2'; do
		run -125 --separate-stderr cuddy kube generate $flags kp
		one_line_error 125 '--(replicas|type)'
	done
	cuddy kube down "$WORK/p.yaml" "$WORK/second.yaml" >/dev/null
	nothing_left
	# The first signal ends the pods, and so does the end of their containers, whose code a service has.
	"$CUDDY" kube play --wait --build=false --network none --seccomp-profile-root "$WORK" "$WORK/p.yaml" >"$WORK/out" 2>&1 3>&- &
	waiting=$!
	wait_until 20 status_is kp-b running
	kill -TERM $waiting
	wait $waiting
	nothing_left
	grep -q 'Pods removed:' "$WORK/out"
	sed -i 's/"1000"/"0"/' "$WORK/p.yaml"
	cuddy kube play -w --network none --seccomp-profile-root "$WORK" "$WORK/p.yaml" >/dev/null 2>&1
	nothing_left
	run -3 cuddy kube play --service-container --service-exit-code-propagation any --network none --seccomp-profile-root "$WORK" "$WORK/p.yaml"
	nothing_left
	run -125 --separate-stderr cuddy kube play --wait --start=false "$WORK/p.yaml"
	one_line_error 125 'contradict'
}
