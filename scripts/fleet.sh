#!/bin/bash
# Several hosts on one machine. A host is a set of namespaces (network, mounts, name, pids) with a dockerd and a Consul
# agent of its own, on a bridge which the machine itself is on too. Usually run by scripts/machine/fleet.ts.
#
#   fleet.sh FOLDER network-up            the bridge between the hosts
#   fleet.sh FOLDER boot K                starts host K, on the data it had when it was last up
#   fleet.sh FOLDER poweroff K            a power cut: cable and processes are gone at the same moment, nothing says goodbye
#   fleet.sh FOLDER crash-engine K        kills dockerd alone; containers run on
#   fleet.sh FOLDER start-engine K        starts it again (which stops those containers, unless --live-restore)
#   fleet.sh FOLDER pause K | resume K    stops and continues dockerd and containerd: an engine that hangs
#   fleet.sh FOLDER unplug K | plug K     the host's network cable
#   fleet.sh FOLDER exec K COMMAND...     runs a command on host K
#   fleet.sh FOLDER network-down          removes the bridge, after all hosts are powered off
#
# FOLDER/settings (a shell file) says: NET  the first three numbers of the fleet's addresses; host K is $NET.K
#                                      ID   what makes names of interfaces and namespaces unique on this machine
#                                      CGROUP  where its containers' control groups are; those of host K in $CGROUP-hK
#                                      TCP  1 to have dockerd listen on tcp://$NET.K:2375 as well, without TLS
#                                      DOCKERD_ARGS  more arguments for dockerd;  CONSUL  the consul program
# FOLDER/hK/consul.json is the configuration of host K's Consul agent; without it the host has none.
set -u
ROOT=$1 VERB=$2 K=${3:-}
. "$ROOT/settings"
BRIDGE=healf$ID            # 15 characters at most for these names
CABLE=healf${ID}h$K        # the machine's end; the host's end is its eth0
NETNS=healf$ID-h$K
H=$ROOT/h$K

fail() { echo "fleet: $*" >&2; exit 1; }

# until_true SECONDS COMMAND...: tries again every 20 ms.
until_true() {
  local tries=$(($1 * 50))
  shift
  while ! "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return 1
    sleep 0.02
  done
}

init_pid() { cat "$H/init.pid" 2>/dev/null; }

# The name in the command line tells our process from a later one with the same pid.
is_up() {
  local pid
  pid=$(init_pid) && [ -n "$pid" ] && grep -qz "^heal-fleet-$ID-h$K\$" "/proc/$pid/cmdline" 2>/dev/null
}

on_host() { nsenter -t "$(init_pid)" -m -u -i -n -p -- "$@"; }

# start_on_host LOG COMMAND...: in the background, as a child of the host's pid 1. As a child of nsenter, which is outside,
# it would stop nsenter too when paused, and after a power cut nobody would reap it and the namespace would stay.
start_on_host() {
  local log=$1
  shift
  on_host setsid --fork "$@" </dev/null >>"$log" 2>&1
}

network_up() {
  ip link add "$BRIDGE" type bridge && ip addr add "$NET.254/24" dev "$BRIDGE" && ip link set "$BRIDGE" up || exit 1
  # An engine in the machine's own network makes bridged frames pass FORWARD, and sets its policy to DROP.
  iptables -I FORWARD 1 -i "$BRIDGE" -o "$BRIDGE" -j ACCEPT
}

network_down() {
  iptables -D FORWARD -i "$BRIDGE" -o "$BRIDGE" -j ACCEPT 2>/dev/null
  ip link del "$BRIDGE" 2>/dev/null
  true
}

boot() {
  is_up && return
  mkdir -p "$H/data" "$H/exec" "$H/etc-docker"
  connect_cable
  write_init
  setsid nsenter "--net=/run/netns/$NETNS" \
    unshare --mount --uts --ipc --pid --fork --kill-child --mount-proc "$H/init.sh" </dev/null >"$H/init.log" 2>&1 &
  until_true 5 test -f "$H/ready" || fail "h$K did not boot: $(tail -1 "$H/init.log")"
  # Pid 1 of the host is, seen from outside, the only child of unshare.
  awk '{print $1}' "/proc/$!/task/$!/children" >"$H/init.pid"
  until_true 5 is_up || fail "h$K has no init process"
  start_engine
  [ -f "$H/consul.json" ] && start_on_host "$H/consul.log" "$CONSUL" agent -config-file "$H/consul.json"
  true
}

connect_cable() {
  ip netns del "$NETNS" 2>/dev/null
  ip link del "$CABLE" 2>/dev/null
  ip netns add "$NETNS" || exit 1
  ip link add "$CABLE" type veth peer name eth0 netns "$NETNS" || exit 1
  ip link set "$CABLE" master "$BRIDGE" up
  # No default route on purpose: looking for an image registry then fails at once, not after a DNS time-out.
  ip -n "$NETNS" addr add "$NET.$K/24" dev eth0 && ip -n "$NETNS" link set eth0 up && ip -n "$NETNS" link set lo up
}

write_init() {
  rm -f "$H/ready" "$H/init.pid"
  cp "$(command -v docker-init || command -v tini || echo /usr/libexec/docker/docker-init)" "$H/pid1" || exit 1
  cat >"$H/init.sh" <<END
#!/bin/bash
# Private mounts: nothing mounted here is seen by the machine, and all of it goes with the namespace.
mount --make-rprivate /
# A sysfs of this network namespace, with the machine's control groups kept.
mkdir -p $H/cgroup && mount --rbind /sys/fs/cgroup $H/cgroup
mount -t sysfs sysfs /sys && mount --rbind $H/cgroup /sys/fs/cgroup
# Sockets, locks and the engine's identity are the host's own.
mount -t tmpfs tmpfs /run
[ -L /var/run ] || mount --bind /run /var/run
mkdir -p /etc/docker && mount --bind $H/etc-docker /etc/docker
hostname h$K
touch $H/ready
# It reaps the containers' orphans.
exec -a heal-fleet-$ID-h$K $H/pid1 -s -- sleep infinity
END
  chmod +x "$H/init.sh"
}

start_engine() {
  # Pids start again at 1 in every boot: a pid file of the last one may name a process that is something else now, and
  # dockerd would then wait for a containerd that it never starts.
  rm -f "$H/docker.pid"
  local containerd
  containerd=$(cat "$H/exec/containerd/containerd.pid" 2>/dev/null)
  [ "$(on_host cat "/proc/${containerd:-0}/comm" 2>/dev/null)" = containerd ] || rm -f "$H/exec/containerd/containerd.pid"
  local tcp=()
  [ "${TCP:-}" = 1 ] && tcp=(-H "tcp://$NET.$K:2375" --tls=false)
  start_on_host "$H/dockerd.log" dockerd -H "unix://$H/docker.sock" "${tcp[@]}" \
    --data-root "$H/data" --exec-root "$H/exec" --pidfile "$H/docker.pid" --log-level warn \
    --cgroup-parent "/$CGROUP-h$K" --exec-opt native.cgroupdriver=cgroupfs ${DOCKERD_ARGS:-}
}

poweroff() {
  ip link del "$CABLE" 2>/dev/null # first the cable: peers see silence, not closed connections
  if is_up; then
    local pid
    pid=$(init_pid)
    kill -9 "$pid" # the kernel ends the rest of the namespace
    until_true 5 test ! -d "/proc/$pid" || fail "h$K does not go down"
  fi
  ip netns del "$NETNS" 2>/dev/null
  rm -rf "$H/init.pid" "$H/docker.pid" "$H/docker.sock" "$H/exec"
}

signal_engine() { # SIGNAL PROGRAMS
  local pids
  pids=$(pgrep --ns "$(init_pid)" --nslist pid -x "$2") || fail "no $2 runs on h$K"
  kill "-$1" $pids
}

case $VERB in
  network-up) network_up ;;
  network-down) network_down ;;
  boot) boot ;;
  poweroff) poweroff ;;
  crash-engine) signal_engine KILL dockerd ;;
  start-engine) start_engine ;;
  pause) signal_engine STOP "dockerd|containerd" ;;
  resume) signal_engine CONT "dockerd|containerd" ;;
  unplug) ip link set "$CABLE" down ;;
  plug) ip link set "$CABLE" up ;;
  exec)
    shift 3
    on_host "$@"
    ;;
  *) fail "unknown verb $VERB; see the head of $0" ;;
esac
