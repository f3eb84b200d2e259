# Starts a real Kubernetes of one node that runs pods, and waits until it is ready. Needs root, and `lab install node`.
# Sourced by `lab`. Everything of it is in its folder but what network.sh says; each program has a folder there with its
# process and log, and the kubelet stands for all. Nothing listens anywhere but on 127.0.0.1 and the pods' bridge.

node_name=lab-node
node_programs=(kubelet local-path-provisioner kube-proxy coredns kube-scheduler kube-controller-manager containerd kube-apiserver etcd)

# start_kubernetes_node FOLDER PORT: PORT 0: 6443, of an address that nobody else has.
start_kubernetes_node() {
  local node=$1 port=$2
  umask 022 # images and volumes are read by others than root
  node_can_be "$node"
  fetch_kubernetes_node
  [ "$port" != 0 ] || port=6443
  mkdir -p "$node"; echo kubernetes-node >"$node/server" # from now on, `lab stop` knows it
  claim_machine "$node"
  # shellcheck disable=SC2064 # at the end, the variable is gone
  trap "stop_kubernetes_node '$node'" EXIT # whatever goes wrong from here on, nothing is left running
  ! is_mounted_below "$node" || die "something is mounted below $node"
  find "$node" -mindepth 1 -maxdepth 1 ! -name server -exec rm -rf {} +
  make_keys "$node" "https://$bridge_address:$port"
  make_network "$node"
  start_control_plane "$node" "$port"
  start_containerd "$node" >"$node/images"
  start_kubelet "$node"
  start_network_programs "$node"
  start_volumes "$node"
  await "$node" kubelet 60 kubectl_of "$node" wait --for=condition=Ready "node/$node_name" --timeout=30s
  await "$node" kube-proxy 30 nft list table ip kube-proxy
  await "$node" coredns 30 busybox nslookup kubernetes.default.svc.cluster.local "$dns_address"
  cp "$node/kubelet/pid" "$node/pid"
  ln -s kubelet/log "$node/log"
  trap - EXIT
  echo "https://$bridge_address:$port" >"$node/url"
}

# node_can_be FOLDER: says what is in the way, before anything is done.
node_can_be() {
  local lacking
  [ "$(id -u)" = 0 ] || die "a node needs root"
  lacking=$(missing_for_node | sort -u | tr '\n' ' ')
  [ -z "$lacking" ] || die "a node needs ${lacking}(Debian's names): lab/lab install node"
  case $1 in *[!A-Za-z0-9/._+-]*) die "a node's folder has letters, digits and . _ + - in its path: $1" ;; esac
  [ ${#1} -le 70 ] || die "the path is too long for the sockets in it (70 characters): $1"
}

make_keys() {
  local node=$1 url=$2 keys=$1/keys service=kubernetes.default.svc name
  mkdir -m 700 "$keys"
  authority "$keys"
  front_proxy "$keys"
  certificate "$keys" server /CN=kube-apiserver "DNS:kubernetes,DNS:kubernetes.default,DNS:$service,DNS:$service.cluster.local,\
DNS:localhost,IP:127.0.0.1,IP:${service_range%.*}.1,IP:$bridge_address"
  certificate "$keys" admin /O=system:masters/CN=admin
  certificate "$keys" kubelet "/O=system:nodes/CN=system:node:$node_name"
  for name in kube-controller-manager kube-scheduler kube-proxy; do certificate "$keys" $name "/CN=system:$name"; done
  for name in kubelet kube-controller-manager kube-scheduler kube-proxy; do
    kubeconfig "$keys" $name "$url" "$keys/$name.kubeconfig"
  done
  kubeconfig "$keys" admin "$url" "$node/kubeconfig"
}

start_control_plane() {
  local node=$1 port=$2 keys=$1/keys account
  mkdir "$node/etcd" "$node/kube-apiserver"
  start_etcd "$node/etcd" "$(free_port)" "$(free_port)"
  start_apiserver "$node/kube-apiserver" "$keys" "$bridge_address" "$port" "$(cat "$node/etcd/url")" \
    --advertise-address="$bridge_address" --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --allow-privileged --kubelet-preferred-address-types=InternalIP \
    --kubelet-client-certificate="$keys/admin.crt" --kubelet-client-key="$keys/admin.key"
  await "$node" kube-apiserver 120 kubectl_of "$node" get --raw /readyz
  account="$keys/kube-controller-manager.kubeconfig"
  program "$node" kube-controller-manager "$kubernetes_bin/kube-controller-manager" --bind-address=127.0.0.1 \
    --kubeconfig="$account" --authentication-kubeconfig="$account" --authorization-kubeconfig="$account" \
    --leader-elect=false --use-service-account-credentials \
    --root-ca-file="$keys/ca.crt" --service-account-private-key-file="$keys/accounts.key" \
    --cluster-signing-cert-file="$keys/ca.crt" --cluster-signing-key-file="$keys/ca.key" \
    --allocate-node-cidrs --cluster-cidr="$pod_range" --node-cidr-mask-size="${pod_range#*/}"
  account="$keys/kube-scheduler.kubeconfig"
  program "$node" kube-scheduler "$kubernetes_bin/kube-scheduler" --bind-address=127.0.0.1 \
    --kubeconfig="$account" --authentication-kubeconfig="$account" --authorization-kubeconfig="$account" --leader-elect=false
  await "$node" kube-controller-manager 60 kubectl_of "$node" get serviceaccount default
}

start_kubelet() {
  local node=$1
  echo "nameserver $dns_address" >"$node/resolv.conf"
  cat >"$node/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $bridge_address
containerRuntimeEndpoint: unix://$node/containerd.sock
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
makeIPTablesUtilChains: false
authentication:
  x509: {clientCAFile: $node/keys/ca.crt}
clusterDomain: cluster.local
clusterDNS: [$dns_address]
resolvConf: $node/resolv.conf
podLogsDir: $node/pods
volumePluginDir: $node/kubelet/plugins
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi, nodefs.available: 1Gi, imagefs.available: 1Gi}
YAML
  program "$node" kubelet "$kubernetes_bin/kubelet" --config="$node/kubelet.yaml" --root-dir="$node/kubelet" \
    --cert-dir="$node/kubelet/pki" --kubeconfig="$node/keys/kubelet.kubeconfig" \
    --hostname-override=$node_name --node-ip="$bridge_address"
}

# start_network_programs FOLDER: Services' addresses and names. CoreDNS is no pod, but runs beside the others.
start_network_programs() {
  local node=$1
  program "$node" kube-proxy "$kubernetes_bin/kube-proxy" --kubeconfig="$node/keys/kube-proxy.kubeconfig" \
    --hostname-override=$node_name --healthz-bind-address=127.0.0.1 --proxy-mode=nftables --cluster-cidr="$pod_range" \
    --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
  cat >"$node/Corefile" <<CORE
.:53 {
  bind $dns_address
  errors
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig $node/kubeconfig
    fallthrough in-addr.arpa ip6.arpa
  }
  forward . /etc/resolv.conf
  cache 5
}
CORE
  program "$node" coredns "$kubernetes_bin/coredns" -conf "$node/Corefile"
}

# start_volumes FOLDER: dynamic volumes, folders below FOLDER/volumes. Type local, unlike hostPath, obeys fsGroup.
start_volumes() {
  local node=$1
  mkdir -p "$node/volumes"
  echo '{"nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["'"$node"'/volumes"]}]}' >"$node/volumes.json"
  cat >"$node/volumes.yaml" <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: helper-pod}
spec: {containers: [{name: helper-pod, image: "localhost/busybox:1"}]}
YAML
  kubectl_of "$node" apply -f - >/dev/null <<'YAML'
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: local-path
  annotations: {storageclass.kubernetes.io/is-default-class: "true", defaultVolumeType: local}
provisioner: rancher.io/local-path
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: v1
kind: ConfigMap
metadata: {name: local-path-config, namespace: kube-system}
data:
  setup: mkdir -m 0777 -p "$VOL_DIR"
  teardown: rm -rf "$VOL_DIR"
YAML
  program "$node" local-path-provisioner "$kubernetes_bin/local-path-provisioner" start --kubeconfig "$node/kubeconfig" \
    --namespace kube-system --config "$node/volumes.json" --helper-pod-file "$node/volumes.yaml" \
    --helper-image localhost/busybox:1 --service-account-name default
}

kubectl_of() { "$kubernetes_bin/kubectl" --kubeconfig "$1/kubeconfig" --cache-dir "$1/kubectl" "${@:2}"; }

# program FOLDER NAME COMMAND...: in the background; its process and log are in FOLDER/NAME.
program() {
  local folder=$1/$2; shift 2
  mkdir -p "$folder"
  setsid "$@" >"$folder/log" 2>&1 </dev/null &
  record "$folder" $!
}

# await FOLDER NAME SECONDS COMMAND...: until the command succeeds; the start has failed when the program ends or time is up.
await() {
  local folder=$1/$2 end=$((SECONDS + $3)); shift 3
  until "$@" >"$folder/await" 2>&1; do
    if ! alive "$folder" >/dev/null; then gave_up "$folder" "the process ended"; fi
    if [ $SECONDS -ge $end ]; then gave_up "$folder" "no success in time with: $*: $(tail -1 "$folder/await")"; fi
    sleep 0.2
  done
}

any_alive() {
  local program
  for program in "${node_programs[@]}"; do
    if alive "$1/$program" >/dev/null; then return; fi
  done
  return 1
}

is_mounted_below() { grep -qF " $1/" /proc/mounts; }

# stop_kubernetes_node FOLDER: also one that came up half, or died. The kubelet first, so that nothing begins anew.
stop_kubernetes_node() {
  local node=$1 program
  rm -f "$node/pid"
  for program in "${node_programs[@]}"; do
    if [ "$program" = containerd ]; then end_pods "$node"; fi
    end "$node/$program"
  done
  awk -v below="$node/" 'index($2, below) == 1 {print $2}' /proc/mounts | sort -r | xargs -r -n 1 umount -l || true
  ! is_mounted_below "$node" || die "still mounted below $node: do not delete it"
  if ! is_claimed_by "$node"; then return; fi
  undo_network "$node"
  remove_traces "$node"
  rm -f "$node_claim"
}

# remove_traces FOLDER: what the programs leave in places that nobody can choose. Folders go only when they are empty.
remove_traces() {
  find /sys/fs/cgroup -depth -type d -path '*/kubepods*' -exec rmdir {} + 2>/dev/null || true
  find /var/log/containers -type l -lname "$1/*" -delete 2>/dev/null || true
  grep -lsF "$1/" /var/lib/cni/results/* | xargs -r rm -f || true
  rm -f /var/lib/kubelet/device-plugins/kubelet.sock
  rmdir /var/log/containers /var/lib/kubelet/device-plugins /var/lib/kubelet /var/lib/cni/results /var/lib/cni \
    /run/containerd/runc/k8s.io /run/containerd/runc /run/containerd/s /run/containerd 2>/dev/null || true
}
