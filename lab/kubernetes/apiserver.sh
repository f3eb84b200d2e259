# Starts a real Kubernetes API server with an etcd of its own, and waits until it is ready. There is no node and there are no
# controllers: what is stored is judged and kept, nothing more comes of it.
# Sourced by `lab`.

# start_kubernetes FOLDER PORT: PORT 0 lets the kernel choose. Neither program can bind port 0 itself, so a number may be taken
# by somebody else before it is bound: then the next ones are tried.
start_kubernetes() {
  local node=$1 port=$2 try
  locked kubernetes fetch_kubernetes
  for try in 1 2 3 4 5; do
    [ "$2" != 0 ] || port=$(free_port)
    rm -rf "$node" "$node-etcd"; mkdir -p "$node" "$node-etcd"
    certificates "$node" "$port"
    start_etcd "$node-etcd" "$(free_port)" "$(free_port)"
    start_apiserver "$node" "$port" "$(cat "$node-etcd/url")"
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

# start_apiserver FOLDER PORT ETCD
start_apiserver() {
  local node=$1
  setsid "$kubernetes_bin/kube-apiserver" --etcd-servers="$3" --bind-address=127.0.0.1 --secure-port="$2" \
    --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=RBAC --client-ca-file="$node/ca.crt" \
    --tls-cert-file="$node/server.crt" --tls-private-key-file="$node/server.key" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$node/accounts.key" --service-account-signing-key-file="$node/accounts.key" \
    --disable-admission-plugins=ServiceAccount >"$node/log" 2>&1 </dev/null &
  record "$node" $!
}

# certificates FOLDER PORT: an authority, the server's and an administrator's certificate, and a kubeconfig with the latter.
certificates() {
  local folder=$1
  cat >"$folder/openssl.cnf" <<'CNF'
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectAltName = DNS:localhost,IP:127.0.0.1
CNF
  certificate "$folder" ca /CN=lab-ca -extensions ca
  certificate "$folder" server /CN=kube-apiserver -extensions leaf -CA "$folder/ca.crt" -CAkey "$folder/ca.key"
  certificate "$folder" admin /O=system:masters/CN=admin -extensions leaf -CA "$folder/ca.crt" -CAkey "$folder/ca.key"
  openssl genrsa -out "$folder/accounts.key" 2048 2>"$folder/openssl.log" || die "openssl cannot make a key"
  (umask 077; cat >"$folder/kubeconfig") <<YAML
apiVersion: v1
kind: Config
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: admin}}]
clusters:
- name: lab
  cluster: {server: "https://127.0.0.1:$2", certificate-authority-data: $(base64 -w0 "$folder/ca.crt")}
users:
- name: admin
  user: {client-certificate-data: $(base64 -w0 "$folder/admin.crt"), client-key-data: $(base64 -w0 "$folder/admin.key")}
YAML
}

# certificate FOLDER NAME SUBJECT ARGUMENT...
certificate() {
  local folder=$1 name=$2 subject=$3; shift 3
  openssl req -x509 -config "$folder/openssl.cnf" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -subj "$subject" -keyout "$folder/$name.key" -out "$folder/$name.crt" "$@" 2>"$folder/openssl.log" ||
    die "openssl cannot make the certificate $name: $(tail -1 "$folder/openssl.log")"
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
