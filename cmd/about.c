/* SPDX-License-Identifier: MIT */
/*
 * What a verb's manual page says beyond its summary: paragraphs, and lines that begin with a tab,
 * which are examples. A verb whose flags say all has no entry.
 */
#include <string.h>

#include "cmd/cmd.h"
#include "net/bridge.h"

static const struct {
	const struct command *command;
	const char *text;
} words[] = {
	{&cmd_run,
	 "Makes a container from IMAGE, pulling it when it is not here, and starts COMMAND in it, "
	 "or "
	 "what the image names. In the foreground standard input, output and error are the "
	 "container's, signals are passed on, and the exit status is the command's. With -d the "
	 "container's id is printed and it goes on in the background.\n"
	 "\n"
	 "Flags of cuddy stand before IMAGE; all that follows it belongs to the command.\n"
	 "\n"
	 "Hooks (oci-hooks(5)) of /usr/share/containers/oci/hooks.d and "
	 "/etc/containers/oci/hooks.d, or of "
	 "--hooks-dir, run as you in your base namespace, with only the environment that they "
	 "name. Files and "
	 "programs that others can write are refused, and what fails before the start stops it.\n"
	 "\n"
	 "With --pid host root of the container can send signals to your processes, those of other "
	 "containers among them; it can neither read, trace nor enter them. Where you have no "
	 "subordinate ids the kernel lets nobody drop groups: the container then keeps those that "
	 "you are a member of, as with --group-add keep-groups.\n"
	 "\n"
	 "\tcuddy run --rm -it docker.io/library/debian:bookworm bash\n"
	 "\tcuddy run -d --name web -p 8080:80 nginx\n"
	 "\tcuddy run --rm -v \"$PWD\":/src -w /src gcc make\n"
	 "\n"
	 "With --restart the container's monitor starts it again when it ends: always and "
	 "unless-stopped in any case, on-failure when the exit status is not 0, at most N times in "
	 "a row where N is given. The pause before it grows from a tenth of a second to a minute; "
	 "a "
	 "run of ten seconds sets it back. stop ends that, and kill with a signal that by custom "
	 "ends programs. After a reboot \"cuddy start --all --filter should-start-on-boot=true\" "
	 "starts what was always to run and what was unless-stopped and not stopped.\n"
	 "\n"
	 "With --network host the container reaches all that your own programs do: also what "
	 "listens on the host's loopback, and abstract sockets, which belong to a network and "
	 "have no permissions.\n"
	 "\n"
	 "A server behind a published TCP port sees its client's own address; a client on the "
	 "host's loopback is seen as the container's own address. UDP servers see the "
	 "container's address for all. A random host port stays the container's for later starts "
	 "while it is free.\n"
	 "\n"
	 "With --egress allow=HOST[:PORT] (a name, *.DOMAIN, an address or a network; may be "
	 "repeated) a container reaches what is listed and nothing else: in named networks, with "
	 "slirp4netns and with pasta. Names are resolved by a server of cuddy's, the network's or "
	 "one at 127.0.0.11 inside, which answers for those of the list only, and their addresses "
	 "may be reached for as long as the answers say, at most a day. The rules are in the "
	 "container's network namespace, over which its root has no power, also with "
	 "--privileged. Answers to those who connect to it pass. inspect says how often it was "
	 "refused (NetworkSettings.EgressRefused), as do stats --format {{.EgressRefused}} and "
	 "network inspect.\n"
	 "\n"
	 "The exit status is 125 when cuddy failed, 126 when the command cannot be executed, 127 "
	 "when it is not in the image, 128+n when signal n ended it."},
	{&cmd_create, "Checks and prepares all that run would, without starting it, and prints the "
		      "id. \"cuddy start\" starts it later."},
	{&cmd_kube_play,
	 "Makes pods of the documents of kind Pod, Deployment, DaemonSet and Job in FILE (- is "
	 "standard input), with the ConfigMaps, Secrets and PersistentVolumeClaims beside them, "
	 "and "
	 "starts them. A container is called POD-NAME, the pod of a deployment NAME-pod; a claim "
	 "is a "
	 "volume of its name, other volumes are POD-VOLUME. Of each description one pod is made, "
	 "whatever replicas say. Kinds that only a cluster has are left out. \"kube down\" takes "
	 "all of it away, but for what is claimed.\n"
	 "\n"
	 "The readinessProbe is a health check where there is no livenessProbe; only the latter "
	 "restarts a container. Annotations of podman are known: io.podman.annotations.userns, "
	 "infra.name, and with or without /CONTAINER at their end init, privileged, seccomp, apparmor, "
	 "label, ulimit, volumes-from, pids-limit, cpuset, memory-nodes and io.containers.autoupdate.\n"
	 "\n"
	 "\tcuddy kube play shop.yaml\n"
	 "\tcuddy kube generate shop | kubectl apply -f -"},
	{&cmd_pod_clone,
	 "The new pod and its containers are made as the originals were; what these changed in "
	 "their "
	 "files is not there. Ports and static addresses are the same, so that only one of the two "
	 "pods can run with them. Volumes, devices, labels and security options that are given come "
	 "besides those of the original, other options in their place; what only pod create takes "
	 "stays as it is."},
	{&cmd_pod_create,
	 "A pod is a group of containers that share namespaces: by default they have one network, "
	 "reach each other at localhost, where each is found by its name too, and have one host name and one /dev/shm. Ports, networks, "
	 "volumes, ids and names are the pod's and are given here; containers join with \"run "
	 "--pod\" or \"create --pod\", and \"--pod new:NAME\" makes the pod on the way.\n"
	 "\n"
	 "What is shared is held by the pod's infra container. It has no image, executes nothing "
	 "and has no process: its monitor keeps the namespaces open. Only where the containers "
	 "share process ids there is one, which reaps. With --infra=false there is no infra "
	 "container, and each container keeps to itself. All containers of a pod have one user "
	 "namespace.\n"
	 "\n"
	 "Limits such as --memory and --cpus are those of all its containers together. They need "
	 "a cgroup for the pod, so that its containers cannot be run with --cgroups split or disabled.\n"
	 "\n"
	 "\tcuddy pod create --name web -p 8080:80\n"
	 "\tcuddy run -d --pod web --name nginx nginx\n"
	 "\tcuddy run -d --pod web --name app app:1\n"
	 "\tcuddy pod ps; cuddy pod stop web; cuddy pod rm web"},
	{&cmd_exec,
	 "Runs COMMAND in a running container, beside its first process, with the container's "
	 "environment, limits and capabilities. The exit status is the command's.\n"
	 "\n"
	 "\tcuddy exec -it web sh\n"
	 "\tcuddy exec -u postgres db psql -c 'select 1'"},
	{&cmd_start,
	 "Starts what was created or has stopped. With -a output is followed and the exit "
	 "status is the container's."},
	{&cmd_stop, "Sends the stop signal (SIGTERM, or what the image or --stop-signal says) and, "
		    "when the time is over, SIGKILL. Stopping what has stopped is no error."},
	{&cmd_pause,
	 "Needs a cgroup of the container's own (see \"cuddy info\", cgroupManager). A paused "
	 "container gets no signal until it goes on, but SIGKILL; \"cuddy stop\" lets it go on."},
	{&cmd_stats,
	 "CPU % is the share of one processor since the last look, at the first since the start; "
	 "MEM leaves out file cache that the kernel would give back at once. Without a cgroup of "
	 "its own a container cannot be measured.\n"
	 "\n"
	 "\tcuddy stats --no-stream\n"
	 "\tcuddy stats --format '{{.Name}} {{.MemUsage}}' web"},
	{&cmd_network_create,
	 "Containers in a network of the user's have addresses there and find each other by name, "
	 "alias and the beginning of their id, below " BRIDGE_DOMAIN
	 " too. They reach the world through "
	 "the host unless the network is --internal; other networks only where both have "
	 "isolate=false. Ports are published with run -p as ever. Without --subnet a free one "
	 "of 10.89.0.0/24 and following is taken.\n"
	 "\n"
	 "What keeps networks (cuddy-net) is there while a container is in one. When it is killed "
	 "another takes its place, and containers keep their addresses.\n"
	 "\n"
	 "\tcuddy network create app\n"
	 "\tcuddy run -d --name db --network app postgres\n"
	 "\tcuddy run -d --network app:alias=www,ip=10.89.0.80 -p 8080:80 nginx\n"
	 "\tcuddy network create --internal --subnet 10.77.0.0/24 --subnet fd77::/64 inner"},
	{&cmd_network_connect,
	 "A running container has the network at once, with its name there. Only containers that "
	 "are in named networks can be put into others."},
	{&cmd_network_rm,
	 "The exit status is 1 when one did not exist, 2 when one is used by containers, and 125 "
	 "for other failures."},
	{&cmd_restart,
	 "Stops what runs, as \"cuddy stop\" does, and starts it again with the same settings; "
	 "what "
	 "has stopped is just started. One made with --rm is kept for its next run. Attempts of a "
	 "restart policy count anew.\n"
	 "\n"
	 "\tcuddy restart -t 2 web\n"
	 "\tcuddy restart --running"},
	{&cmd_top,
	 "Lists the processes with the ids and names that the container gives them. DESCRIPTORs "
	 "choose the columns, apart or with commas between: args capbnd capeff capinh capprm comm "
	 "etime group groups hgroup hgroups hpid huser label nice pcpu pgid pid pmem ppid rgroup rss "
	 "ruser seccomp state stime time tty user vsz. Those with h before them are the host's. The "
	 "container needs no ps, and none runs; but what one would tell it is understood: -ef, "
	 "aux, -eo pid,cmd and the like.\n"
	 "\n"
	 "\tcuddy top web\n"
	 "\tcuddy top web pid,hpid,user,args\n"
	 "\tcuddy top web -eo pid,pcpu,rss,cmd"},
	{&cmd_export,
	 "Writes what the container's root file system holds, the image's files and its own "
	 "changes, but nothing of volumes and other mounts. The container may run meanwhile, or "
	 "never have run. The same files give the same bytes. A file named with -o appears when "
	 "it is complete.\n"
	 "\n"
	 "\tcuddy export -o web.tar web\n"
	 "\tcuddy export web | tar -x -C /somewhere etc/nginx"},
	{&cmd_diff,
	 "Prints a line for each difference: C what changed, A what was added, D what was deleted. "
	 "Of a container that is what it changed of its image; of an image what its last layer "
	 "changed of those below. With two names, what the first has other than the second.\n"
	 "\n"
	 "A file counts as changed when its kind, size, time, mode or owner did; contents are not "
	 "read."},
	{&cmd_system_df,
	 "SIZE is what du would say of the store: allocated blocks, a layer that several images "
	 "share and a hard-linked file counted once. ACTIVE are images and volumes that a "
	 "container "
	 "needs and containers that run; RECLAIMABLE is what the others take. Every file is looked "
	 "at, so it takes as long as du."},
	{&cmd_cp,
	 "One of SRC and DEST, or both, name a path in a container, running or not; volumes are "
	 "seen as the container sees them. A relative path starts at the container's working "
	 "directory. DIR/. stands for what is in DIR. A DEST that is a directory takes SRC under "
	 "its name; one that does not exist is the new name. With - a tar archive, compressed or "
	 "not, is read from standard input into the directory DEST, or written to standard "
	 "output.\n"
	 "\n"
	 "Links are followed within the container, never out of it. What is copied to the host "
	 "belongs to the caller and has no setuid bit. A path of the host that has a colon is "
	 "written with ./ or / before.\n"
	 "\n"
	 "\tcuddy cp site/. web:/usr/share/nginx/html\n"
	 "\tcuddy cp web:/var/log/nginx logs\n"
	 "\tcuddy cp web:/etc/nginx - | tar -t"},
	{&cmd_container_clone,
	 "The new container is made as the original was, with its command, environment, mounts and "
	 "ports; what the original changed in its files is not there (\"cuddy commit\" makes an "
	 "image of that). Named volumes are shared, anonymous ones are new. With IMAGE the files "
	 "are "
	 "that image's."},
	{&cmd_commit,
	 "Makes an image of the container's image and one more layer with what the container "
	 "changed, and prints its id. Command, environment, user, labels and ports are the "
	 "container's; --change sets CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, "
	 "USER, VOLUME and WORKDIR. What is mounted in the container is not part of the image. "
	 "The container may run meanwhile and is not stopped: each file is copied as it is at "
	 "that moment.\n"
	 "\n"
	 "\tcuddy commit -c 'CMD [\"nginx\"]' -m 'with our pages' web mine/web:2"},
	{&cmd_image_publish,
	 "Makes or updates a store of images in DIR that every user who can read it uses in place: "
	 "names "
	 "and owners of files become each user's own, the content is read where it is and never "
	 "copied, "
	 "as far as the kernel can do that (Linux 6.16). On older ones each user gets a copy when "
	 "he "
	 "first uses an image. Names that an image has go with it; one that is there already moves "
	 "to the "
	 "new image. What is there is not copied again, and nothing is taken away.\n"
	 "\n"
	 "Everybody who can enter DIR can read all files of its images, also those that have "
	 "narrow "
	 "modes inside. No file in DIR has a setuid bit.\n"
	 "\n"
	 "Users name DIR in additionalimagestores of storage.conf (~/.config/containers or "
	 "/etc/containers), in STORAGE_OPTS=additionalimagestore=DIR, or with --storage-opt. They "
	 "trust "
	 "its owner for what is in it; \"cuddy system check\" compares what they use with its "
	 "digests. "
	 "Images there are listed as read-only, are not removed or pruned, and can be run, built "
	 "on, "
	 "committed on, tagged and pushed as one's own.\n"
	 "\n"
	 "\tcuddy image publish /srv/images debian:bookworm team/tools"},
	{&cmd_system_check,
	 "Reads every record, document and name, and every file of every layer, and prints a line "
	 "for "
	 "each that is missing, unreadable or not what its digest says. --quick leaves the layers' "
	 "files out. Without a finding it prints nothing; status 125 means that something is wrong "
	 "still. Containers may run meanwhile.\n"
	 "\n"
	 "--repair makes again what can be made again: layers and images from the archive that was "
	 "kept or by fetching the same digest, records from what lies beside them. A damaged thing "
	 "stays until its replacement is there and verified, what running containers use is left "
	 "alone, and what cannot be repaired is only removed with --force.\n"
	 "\n"
	 "\tcuddy system check --quick\n"
	 "\tcuddy system check --repair"},
	{&cmd_system_prune,
	 "Removes stopped containers with their anonymous volumes, then images without a name that "
	 "no container uses (with --all those with a name too, manifest lists, and all that builds keep). With "
	 "--volumes also anonymous "
	 "volumes that no container uses; named ones only with --all besides, since they hold what "
	 "somebody meant to keep."},
	{&cmd_unshare,
	 "The command (your shell, when none is named) runs as root of the namespace that holds "
	 "your "
	 "subordinate ids, so it can look at, change and delete files that containers made under "
	 "other ids. Mounts that it makes are its own and end with it. CONTAINERS_GRAPHROOT and "
	 "CONTAINERS_RUNROOT say where the store is.\n"
	 "\n"
	 "\tcuddy unshare chown -R 1000:1000 data\n"
	 "\tcuddy unshare cat /proc/self/uid_map"},
	{&cmd_image_lint,
	 "Looks through every layer, also at what a later one hides. \"wasted\" is a file that a "
	 "later "
	 "layer overwrites or deletes: it is still downloaded and stored. \"secret\" is a file "
	 "that looks "
	 "like a key, a password or a token, whether it can still be seen or not: whoever has the "
	 "image has it. A guess by name, by first bytes, and by the forms that services give their tokens.\n"
	 "\n"
	 "Exit status 1 when there are such secrets, else 0."},
	{&cmd_image_mount, "The mount is that of the session of \"cuddy unshare\" and ends with "
			   "it. Prints where it is; "
			   "without arguments what is mounted."},
	{&cmd_image_tree, "A line for each layer, lowest first, with the bytes of its files and, "
			  "as Wasted, of those that "
			  "later layers overwrite or delete; \"cuddy image lint\" names them."},
	{&cmd_events,
	 "Prints a line for each event as it happens; with --since, or without the stream, also "
	 "what "
	 "has happened. Containers: create start restart kill died stop remove rename attach exec "
	 "exec_died health_status update; images: pull tag untag remove; volumes, networks and "
	 "secrets: create remove. "
	 "Filters are container, event, image, label, network, pod, scope, secret, type and volume; "
	 "the same key given again means or, "
	 "different keys mean and. What is kept is bounded, and gone after a reboot.\n"
	 "\n"
	 "\tcuddy events --filter event=died --format '{{.Name}} {{.ContainerExitCode}}'\n"
	 "\tcuddy events --since 10m --stream=false"},
	{&cmd_healthcheck_run,
	 "The check runs as the monitor's own do, and its result is kept with theirs. The exit "
	 "status is 0 when the container is well, 1 when it is not, 125 when no check could be "
	 "made."},
	{&cmd_system_reset,
	 "Kills all containers, then removes containers, images, volumes and caches. Damaged "
	 "records "
	 "do not stand in its way. The next command makes a new store, which may have another "
	 "storage driver."},
	{&cmd_rename, "The container goes on meanwhile; its id stays."},
	{&cmd_port,
	 "Prints a line for each published port, or with PORT only the addresses on the host that "
	 "lead to it; the exit status is 125 when none does. Without /PROTO it is a TCP port.\n"
	 "\n"
	 "\tcuddy port web\n"
	 "\tcuddy port web 80/tcp"},
	{&cmd_rm,
	 "A running container is removed only with -f, which stops it first. Volumes that "
	 "have a name are kept in any case. The exit status is 1 when a container does not "
	 "exist."},
	{&cmd_attach, "Connects the terminal or standard streams to those of the container's first "
		      "process. Ctrl-P Ctrl-Q, or what --detach-keys says, detaches and leaves it "
		      "running."},
	{&cmd_logs,
	 "Prints what the container has written so far, standard error to standard error. "
	 "Times are durations back from now (10m), RFC 3339 or seconds since 1970.\n"
	 "\n"
	 "\tcuddy logs -f --since 10m web"},
	{&cmd_ps, "Lists running containers, or all with -a. Filters are ancestor, annotation, "
		  "before, exited, id, label, "
		  "name, network, restart-policy, should-start-on-boot, since, status, until and "
		  "volume; the same key given again "
		  "means or, different keys mean and.\n"
		  "\n"
		  "\tcuddy ps -a --filter status=exited --format '{{.Names}} {{.Status}}'"},
	{&cmd_volume_create,
	 "A volume is a directory of the store that containers share and that outlives them. With "
	 "type=none, o=bind and device=DIR it is a directory of the host, with type=tmpfs memory "
	 "of one running container. The first container to mount a new volume fills it with what "
	 "its image has there.\n"
	 "\n"
	 "\tcuddy volume create -l app=web data\n"
	 "\tcuddy volume create -o type=tmpfs -o o=size=64m,mode=0700 scratch"},
	{&cmd_volume_ls,
	 "Filters are driver, dangling, label, name, opt, scope, since (or after) and "
	 "until; the same key given again means or, labels and different keys "
	 "mean and."},
	{&cmd_volume_rm, "The exit status is 1 when a volume does not exist and 2 when a container "
			 "uses it."},
	{&cmd_volume_mount, "Volumes need no mount to be read on the host. What users of the "
			    "container other than its root own belongs to your subordinate ids."},
	{&cmd_unit_install,
	 "Copies files that describe containers and what they need (podman-systemd.unit(5): "
	 ".container .pod .volume "
	 ".network .image .build .artifact, drop-ins, templates) to ~/.config/containers/systemd, "
	 "after it "
	 "has made sure that each "
	 "becomes a service. Where systemd has no generator of cuddy, the services are written to "
	 "~/.config/systemd/user.\n"
	 "\n"
	 "\tcuddy unit install web.container data.volume\n"
	 "\tsystemctl --user start web\n"
	 "\n"
	 "Files of one --application lie in a directory of its name and can be removed together. A file "
	 "NAME.quadlets holds several, between lines \"---\", each with a comment \"# FileName=NAME\"; "
	 "http:// and https:// are fetched."},
	{&cmd_unit_rm, "A file goes with its own drop-ins. With --recursive all files of its application "
		       "go, also those that are no units, and an application can be named itself."},
	{&cmd_auto_update, "For running containers with the label io.containers.autoupdate "
			   "(registry: the name points at another image there; "
			   "local: at another one here) that a unit of the user's systemd started: "
			   "pulls, and restarts the unit. When it "
			   "does not start, the name gets the old image back and the unit is "
			   "started with that, unless --rollback=false."},
	{&cmd_secret_create,
	 "A secret lies in the store, readable for you alone. A container gets it with --secret, "
	 "as a "
	 "file in memory or a variable, at each start anew; it is never part of the container's "
	 "files, "
	 "its record or an image made of it.\n"
	 "\n"
	 "\tprintf %s \"$TOKEN\" | cuddy secret create token -\n"
	 "\tcuddy run --secret token,mode=0400 --secret token,type=env,target=TOKEN alpine env"},
	{&cmd_inspect,
	 "Prints an array with one object for each name, in podman's and docker's shape, "
	 "or a line for each through a Go template.\n"
	 "\n"
	 "\tcuddy inspect --format '{{.State.Pid}}' web"},
	{&cmd_pull,
	 "Fetches images and prints their ids. Short names are looked up by "
	 "registries.conf, at docker.io without one. Layers that are here are not fetched "
	 "again; layers that are unpacked count only after their digests were found "
	 "right. What policy.json (of ~/.config/containers, else /etc/containers) demands is "
	 "checked before: insecureAcceptAnything, reject, signedBy with GPG keys (wants gpgv), "
	 "sigstoreSigned with public keys, or with certificates of Fulcio's (fulcio) or one's own (pki), and seen by a "
	 "Rekor log whose key is given (rekorPublicKeyPath), all offline; registries.d says where signatures are. "
	 "Sigstore's bundles do not say the name that they are for, and are not taken.\n"
	 "\n"
	 "Of a layer that was pushed as zstd:chunked only what is new is fetched: the content that "
	 "no other layer here has which came so. What comes together is the very layer, or all of it "
	 "is fetched. enable_partial_images = \"false\" in [storage.options.pull_options] of "
	 "storage.conf turns that off. Layers are written to the disk in the background after a pull, and "
	 "before commit and import end, so that a power loss takes none that was believed whole; sync = "
	 "\"none\" in [storage.options.overlay] leaves that to the kernel, where images are soon gone anyway.\n"
	 "\n"
	 "Other places than registries are written as TRANSPORT:PATH: "
	 "docker-archive:FILE[:REFERENCE], oci-archive:FILE[:TAG], oci:DIRECTORY[:TAG], "
	 "dir:DIRECTORY; run and FROM take these, too.\n"
	 "\n"
	 "\tcuddy pull debian:bookworm quay.io/podman/hello\n"
	 "\tcuddy pull oci:layout:v1"},
	{&cmd_build,
	 "Builds an image from the Containerfile (or Dockerfile) in CONTEXT: a directory, the "
	 "present one when none is named; - for standard input, which is a tar or only a "
	 "Containerfile; the URL of either; or a repository (https://….git#REF:DIRECTORY). Stages "
	 "that the target does not need are not run, and what did not change "
	 "since an earlier build is not done again. Several -f are read as one file, each going on where the one "
	 "before it ends, be it in the middle of a stage. Commands have the network that containers have by "
	 "default, with --network another or none, and RUN --network=none goes without in any case. Steps and the "
	 "output of commands go to "
	 "standard error, the id of the image to standard output. When a command fails its exit "
	 "status is that of the build.\n"
	 "\n"
	 "\tcuddy build -t mine .\n"
	 "\tcuddy build --target test --build-arg VERSION=2 -f docker/Containerfile .\n"
	 "\tcuddy build --secret id=token,src=$HOME/.token .\n"
	 "\tcuddy build --ssh default .                  # RUN --mount=type=ssh git clone …\n"
	 "\n"
	 "What a build takes from elsewhere can be bound by rules, in files of --source-policy-file and of the "
	 "variable EXPERIMENTAL_BUILDKIT_SOURCE_POLICY, as BuildKit has them. A rule names sources, where * is "
	 "any number of characters (matchType WILDCARD), exactly (EXACT), or by a POSIX extended regular "
	 "expression (REGEX); its action is ALLOW, DENY, or CONVERT to what updates say: another identifier, "
	 "in which ${1} stands for what the first * or group was, or the attributes http.checksum and "
	 "git.checksum. Sources are called docker-image://docker.io/library/debian:latest, https://…, "
	 "git://host/path#ref for repositories however they are reached, local://context, local://dockerfile, "
	 "and local://NAME for directories of --build-context. Of the rules of a file that match the last ALLOW "
	 "or DENY counts; after CONVERT all are read again.\n"
	 "\n"
	 "\t{\"rules\": [\n"
	 "\t  {\"action\": \"DENY\", \"selector\": {\"identifier\": \"docker-image://*\"}},\n"
	 "\t  {\"action\": \"ALLOW\", \"selector\": {\"identifier\": \"docker-image://registry.example.org/*\"}},\n"
	 "\t  {\"action\": \"CONVERT\", \"selector\": {\"identifier\": \"https://example.org/tool.tgz\"},\n"
	 "\t   \"updates\": {\"attrs\": {\"http.checksum\": \"sha256:…\"}}}]}"},
	{&cmd_push,
	 "Sends what the registry does not have yet, the manifest last. An image that came from a "
	 "registry goes out with the very manifest it came with, so its digest is the same there; "
	 "for this pull keeps the layers as they were received, beside their files, unless "
	 "CUDDY_KEEP_BLOBS=no is set or less than a tenth of the disk is free. Where the registry "
	 "has that manifest under that name already, it is not asked for each layer.\n"
	 "\n"
	 "--compression-format zstd:chunked makes each file one that can be fetched alone, so that "
	 "whoever has an earlier version fetches little more than what changed; layers become about "
	 "a fifth larger than with zstd. Without that option compression_format and "
	 "compression_level of containers.conf count, and for lists add_compression.\n"
	 "\n"
	 "Other places than registries are written as TRANSPORT:PATH: "
	 "docker-archive:FILE[:REFERENCE], oci-archive:FILE[:TAG], oci:DIRECTORY[:TAG], where an "
	 "OCI layout keeps what it has, and dir:DIRECTORY, which holds one image: the next one "
	 "takes its place. Directories with anything else in them are refused; one whose writer was "
	 "killed is what it was before.\n"
	 "\n"
	 "What refers to another manifest (its subject) is listed under the tag sha256-DIGEST of "
	 "that when the registry does not keep account of it itself.\n"
	 "\n"
	 "\tcuddy push registry.example.org/team/app:1\n"
	 "\tcuddy push --digestfile digest app docker://registry.example.org/team/app:2"},
	{&cmd_artifact_add,
	 "An artifact is a name for files, kept and sent as images are: models, charts, reports. "
	 "pull and push move it between here and registries, extract writes the files.\n"
	 "\n"
	 "\tcuddy artifact add registry.example.org/team/report:1 report.pdf data.csv\n"
	 "\tcuddy artifact push registry.example.org/team/report:1\n"
	 "\tcuddy artifact extract registry.example.org/team/report:1 /tmp/here"},
	{&cmd_artifact_extract,
	 "Into a directory the files go under the names they were added with; a name that is more "
	 "than that of a file is refused. One file may be written under another name."},
	{&cmd_image_trust_show, "The policy is ~/.config/containers/policy.json, else "
				"/etc/containers/policy.json; without "
				"either all images are let in. pull and load hold to it."},
	{&cmd_image_scp,
	 "Copies an image by ssh to another host, or to another user of this one "
	 "(USER@localhost::), "
	 "from there, or from one to another. On the other side cuddy, podman or docker reads or "
	 "writes it, whichever is installed.\n"
	 "\n"
	 "\tcuddy image scp app:1 me@build.example.org::\n"
	 "\tcuddy image scp build.example.org::app:1"},
	{&cmd_image_sign,
	 "Writes what \"push --sign-by\" writes: a signature by gpg (containers-signature(5)) that "
	 "says which manifest the name stands for, into --directory or where registries.d says. "
	 "An image that is here is signed by the manifest it was pulled or pushed with; of "
	 "docker://NAME the registry is asked.\n"
	 "\n"
	 "\tcuddy image sign --sign-by me@example.org docker://registry.example.org/team/app:1\n"},
	{&cmd_image_trust_set,
	 "Changes ~/.config/containers/policy.json, which begins as a copy of the system's. With "
	 "several keys all must have signed.\n"
	 "\n"
	 "\tcuddy image trust set -t reject default\n"
	 "\tcuddy image trust set -t signedBy -f team.gpg registry.example.org/team"},
	{&cmd_manifest_create,
	 "A list names images for several platforms under one name; whoever pulls it gets the one "
	 "that fits. It is made here and then pushed. Operands are images or lists that are here, "
	 "or "
	 "else of registries; docker://NAME asks the registry in any case. Those are not pulled: "
	 "pushing hands them on. run and pull of a list that is here choose from it as well.\n"
	 "\n"
	 "\tcuddy manifest create app:1 app:1-amd64 docker://registry.example.org/app:1-arm64\n"
	 "\tcuddy manifest push app:1 registry.example.org/app:1"},
	{&cmd_manifest_add, "What the image is for is read from it; --os, --arch and --variant say "
			    "otherwise. Of a list "
			    "only the image for this machine, or for what these say, is added "
			    "unless there is --all. An "
			    "entry with the same digest is replaced."},
	{&cmd_manifest_push, "Sends the images, then the list; prints the list's digest. Images "
			     "that are not here go from "
			     "their registry to the other as they are. --all=false sends the list "
			     "alone, and registries "
			     "refuse lists of what they do not have."},
	{&cmd_save,
	 "Writes images so that load, podman, docker and skopeo read them, with the ids they have. "
	 "An OCI archive or layout keeps the digests as well. A file appears when it is whole; "
	 "a directory may be one of that kind, and is changed as by push.\n"
	 "\n"
	 "\tcuddy save -o app.tar app:1 db:1\n"
	 "\tcuddy save app:1 | ssh host cuddy load\n"
	 "\tcuddy save --format oci-archive -o app.oci.tar app:1"},
	{&cmd_search,
	 "Asks the registry that TERM begins with, or those that short names are looked for at, "
	 "for "
	 "repositories whose names contain it; with --list-tags for the tags of one repository.\n"
	 "\n"
	 "\tcuddy search registry.example.org/app\n"
	 "\tcuddy search --list-tags docker.io/library/debian"},
	{&cmd_builder_prune,
	 "Builds keep the results of their steps, so that what did not change is not done again, "
	 "and the caches that commands mount. Both go; what an image or a container has only goes "
	 "from the memory of builds. A filter until=24h keeps what was used in the last day. "
	 "\"cuddy "
	 "image prune\" takes away layers of results, too, that no image has."},
	{&cmd_load, "Reads a docker-archive or OCI archive, compressed or not, an OCI layout "
		    "or what \"save --format docker-dir\" wrote; --input may be a URL. Nothing is named before all of it is verified.\n"
		    "\n"
		    "\tcuddy load -i image.tar\n"
		    "\tcurl -sf https://example.org/image.tar.zst | cuddy load"},
	{&cmd_login,
	 "Asks the registry whether user name and password are good, and keeps them where podman "
	 "and skopeo keep theirs: auth.json in $XDG_RUNTIME_DIR/containers, in the file that "
	 "REGISTRY_AUTH_FILE names, or with the credential helper that this file names. Without a "
	 "registry it is the one short names are looked for first, docker.io mostly.\n"
	 "\n"
	 "\tcuddy login quay.io\n"
	 "\tcuddy login -u me --password-stdin registry.example.org <token"},
	{&cmd_import,
	 "Makes an image with one layer from the tar of a root file system, compressed or "
	 "not; - reads standard input.\n"
	 "\n"
	 "\tcuddy import -c 'CMD [\"/bin/sh\"]' rootfs.tar mine:latest"},
	{&cmd_generate_systemd,
	 "For habits; unit files of containers say the same in fewer words "
	 "(\"cuddy unit\"). Without --new the "
	 "service starts and stops the container there is. With --new it "
	 "makes one by the words that made "
	 "this one, with --rm and, for a container with a name, --replace; "
	 "the monitor tells systemd when it "
	 "is ready. Of a pod there is a service for the pod and one for each "
	 "container, bound to it. An end by "
	 "SIGTERM or SIGKILL is no failure to the service of a container there "
	 "is: delete the lines with 137 143 "
	 "where it ought to be.\n"
	 "\n"
	 "\tcuddy generate systemd --new --name --files web\n"
	 "\tmv container-web.service ~/.config/systemd/user/ && systemctl "
	 "--user enable --now container-web"},
	{&cmd_doctor, "Each check does what the commands that need the thing do, and undoes it: "
		      "nothing is changed. "
		      "A problem is what does not work, with what that breaks and the command that "
		      "mends it (as root "
		      "where it says sysctl, apt-get, mount or systemctl); a note is what works "
		      "less well. The exit "
		      "status is 1 when there is a problem.\n"
		      "\n"
		      "\tcuddy doctor\n"
		      "\tcuddy doctor --json | jq '.checks[] | select(.status == \"problem\")'"},
	{&cmd_info, "The list \"missing\" under \"host\" names what this machine lacks, and the "
		    "command of root that mends it."},
	{&cmd_explain_run, "Prints what \"cuddy run\" with the same words comes to: namespaces, "
			   "maps of ids, mounts, capabilities, "
			   "system call filter, network. With --format json the plan is a "
			   "config.json of the OCI runtime-spec, "
			   "with storage and network beside it. Nothing is made or pulled, and "
			   "what run would refuse is refused.\n"
			   "\n"
			   "\tcuddy explain run --userns nomap -v data:/data alpine sh"},
	{&cmd_runtime_create,
	 "The runtime role follows the OCI runtime-spec and the command line of runc and crun, so "
	 "that "
	 "other engines can use cuddy: podman and buildah with --runtime and the path of "
	 "cuddy-runtime, "
	 "which is cuddy by another name. Called by an ordinary user, containers live in his base "
	 "namespace; called by root of a user namespace, or of the machine, in that. What "
	 "config.json "
	 "asks for and cannot be had is refused.\n"
	 "\n"
	 "\tpodman --runtime /usr/local/bin/cuddy-runtime run --rm alpine id\n"
	 "\tcuddy runtime spec --rootless; cuddy runtime run mine"},
	{&cmd_completion,
	 "The script asks cuddy itself what may follow, so it fits every later version.\n"
	 "\n"
	 "\tsource <(cuddy completion bash)\n"
	 "\tcuddy completion zsh >~/.zfunc/_cuddy\n"
	 "\tcuddy completion fish | source"},
};

const char *command_about(const struct command *c)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].command == c)
			return words[i].text;
	return NULL;
}
