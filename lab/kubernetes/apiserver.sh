# Starts a real Kubernetes API server with an etcd of its own, and waits until it is ready. There is no node and there are no
# controllers: what is stored is judged and kept, nothing more comes of it. Servers of further APIs find its front proxy's
# certificate in kube-system/extension-apiserver-authentication, as everywhere.
# Sourced by `lab`.

service_range=10.96.0.0/16

# start_kubernetes FOLDER PORT: PORT 0 lets the kernel choose. Neither program can bind port 0 itself, so a number may be taken
# by somebody else before it is bound: then the next ones are tried.
start_kubernetes() {
  local node=$1 port=$2 try
  fetch_kubernetes
  for try in 1 2 3 4 5; do
    [ "$2" != 0 ] || port=$(free_port)
    rm -rf "$node" "$node-etcd"; mkdir -p "$node" "$node-etcd"
    authority "$node"
    front_proxy "$node"
    certificate "$node" server /CN=kube-apiserver DNS:localhost,IP:127.0.0.1
    certificate "$node" admin /O=system:masters/CN=admin
    kubeconfig "$node" admin "https://127.0.0.1:$port" "$node/kubeconfig"
    start_etcd "$node-etcd" "$(free_port)" "$(free_port)"
    start_apiserver "$node" "$node" 127.0.0.1 "$port" "$(cat "$node-etcd/url")" \
      --authorization-mode=RBAC --disable-admission-plugins=ServiceAccount
    if await_kubernetes "$node" "https://127.0.0.1:$port"; then return; fi
    end "$node-etcd"
    [ "$2" = 0 ] && [ $try -lt 5 ] && grep -qi 'address already in use' "$node/log" "$node-etcd/log" ||
      gave_up "$node" "it is not ready (etcd's log: $node-etcd/log)"
    end "$node"
  done
}

# start_etcd FOLDER PORT PEER_PORT
start_etcd() {
  local client=http://127.0.0.1:$2 peer=http://127.0.0.1:$3
  setsid "$kubernetes_bin/etcd" --data-dir "$1/data" --unsafe-no-fsync \
    --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer" \
    >"$1/log" 2>&1 </dev/null &
  record "$1" $!
  echo "$client" >"$1/url"
}

# start_apiserver FOLDER KEYS ADDRESS PORT ETCD FLAG...: KEYS is the folder with what certificates.sh makes.
start_apiserver() {
  local folder=$1 keys=$2 address=$3 port=$4 etcd=$5; shift 5
  setsid "$kubernetes_bin/kube-apiserver" --etcd-servers="$etcd" --bind-address="$address" --secure-port="$port" \
    --service-cluster-ip-range="$service_range" --client-ca-file="$keys/ca.crt" \
    --tls-cert-file="$keys/server.crt" --tls-private-key-file="$keys/server.key" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$keys/accounts.key" --service-account-signing-key-file="$keys/accounts.key" \
    --requestheader-client-ca-file="$keys/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file="$keys/front-proxy.crt" --proxy-client-key-file="$keys/front-proxy.key" \
    "$@" >"$folder/log" 2>&1 </dev/null &
  record "$folder" $!
}

# await_kubernetes FOLDER URL: whether it became ready before a program died or two minutes passed.
await_kubernetes() {
  local node=$1 url=$2 end=$((SECONDS + 120))
  until curl -fsS --max-time 5 --cacert "$node/ca.crt" --cert "$node/admin.crt" --key "$node/admin.key" \
    "$url/readyz" >/dev/null 2>&1; do
    if ! alive "$node" >/dev/null || ! alive "$node-etcd" >/dev/null || [ $SECONDS -ge $end ]; then return 1; fi
    sleep 0.2
  done
  echo "$url" >"$node/url"
}
