# The node's containerd: its configuration, its images, and the end of its pods.
# Sourced by `lab`.

# start_containerd FOLDER
start_containerd() {
  local node=$1
  mkdir -p "$node"/{cni,containerd,run}
  cat >"$node/cni/10-lab.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "lab", "plugins": [
  {"type": "bridge", "bridge": "$bridge", "isDefaultGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$node/cni/ipam", "ranges": [[{"subnet": "$pod_range"}]]}}]}
JSON
  # restrict_oom_score_adj: root may lack CAP_SYS_RESOURCE (in a VM, in a container); then a negative oom_score_adj is refused
  # and every pod fails with "can't get final child's PID from pipe: EOF".
  cat >"$node/containerd.toml" <<TOML
version = 2
root = "$node/containerd/root"
state = "$node/run"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "$node/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  disable_hugetlb_controller = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$cni_plugins"
    conf_dir = "$node/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
TOML
  program "$node" containerd containerd --config "$node/containerd.toml"
  await "$node" containerd 30 ctr -a "$node/containerd.sock" version
  load_image "$node" "$(busybox_image "$node" pause /bin/sleep 2147483647)"
  load_image "$node" "$(busybox_image "$node" busybox /bin/sh)"
}

# busybox_image FOLDER NAME ENTRYPOINT...: the archive of localhost/NAME:1, which is busybox with all its commands.
busybox_image() {
  local node=$1 name=$2 root=$1/busybox busybox command; shift 2
  busybox=$(static_busybox)
  mkdir -p "$root"/{bin,etc,tmp}
  chmod 1777 "$root/tmp"
  cp "$busybox" "$root/bin/busybox"
  # Not by its own --install, whose links lead to where busybox is on this machine.
  for command in $("$busybox" --list); do
    if [ "$command" != busybox ]; then ln -sf busybox "$root/bin/$command"; fi
  done
  "$here/../image/oci.sh" --name "localhost/$name:1" --output "$node/$name.tar" "$root" -- "$@"
  echo "$node/$name.tar"
}

# load_image FOLDER ARCHIVE
load_image() {
  ctr -a "$1/containerd.sock" -n k8s.io images import "$2" || die "containerd does not take $2"
}

# end_pods FOLDER: they outlive containerd. It ends them itself where it runs; what is left is ended by the address in its
# command line, which is this folder's, and what runc and the shims remember of it is removed.
end_pods() {
  local node=$1 pid name pods=$1/run/io.containerd.runtime.v2.task/k8s.io
  if alive "$node/containerd" >/dev/null; then
    for name in $(in_containerd "$node" tasks ls -q); do in_containerd "$node" tasks rm -f "$name" >/dev/null; done
    for name in $(in_containerd "$node" containers ls -q); do in_containerd "$node" containers rm "$name" >/dev/null; done
  fi
  end "$node/containerd"
  for pid in $(pgrep -f -- "-address $node/containerd.sock"); do
    [[ $(readlink "/proc/$pid/exe") == */containerd-shim-runc-v2 ]] || continue
    pkill -9 -P "$pid" || true
    kill -9 "$pid" 2>/dev/null || true
  done
  for name in "$pods"/*/; do
    if [ -e "$name/address" ]; then rm -f "$(sed 's|^unix://||' "$name/address")"; fi
    rm -rf "/run/containerd/runc/k8s.io/$(basename "$name")"
  done
}

in_containerd() { timeout 30 ctr -a "$1/containerd.sock" -n k8s.io "${@:2}" 2>/dev/null || true; }
