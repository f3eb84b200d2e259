# Builds the Kubernetes programs that the tests need into $cache/kubernetes.
# Sourced by `lab`. From Go modules at the versions that tools/go.mod pins.

kubernetes_version=v1.34.4
kubernetes_bin=$cache/kubernetes/$kubernetes_version

fetch_kubernetes() {
  local program
  for program in etcd kube-apiserver; do build_kubernetes "$program"; done
}

# build_kubernetes PROGRAM: without its version built in, an API server calls itself v0.0.0, and clients refuse or misjudge it.
build_kubernetes() {
  local package=k8s.io/kubernetes/cmd/$1 stamps='' module version=${kubernetes_version#v}
  [ ! -x "$kubernetes_bin/$1" ] || return 0
  say "building $1 ($([ "$1" = kube-apiserver ] && echo 8 CPU minutes || echo 30 CPU seconds))"
  [ "$1" != etcd ] || package=go.etcd.io/etcd/server/v3
  for module in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    stamps+=" -X $module.gitVersion=$kubernetes_version -X $module.gitMajor=${version%%.*}"
    stamps+=" -X $module.gitMinor=$(echo "$version" | cut -d. -f2) -X $module.gitTreeState=clean"
  done
  mkdir -p "$kubernetes_bin/new"
  CGO_ENABLED=0 GOTOOLCHAIN=local go -C "$here/kubernetes/tools" build -trimpath -buildvcs=false -tags grpcnotrace \
    -ldflags "-s -w$stamps" -o "$kubernetes_bin/new/$1" "$package" >&2
  mv "$kubernetes_bin/new/$1" "$kubernetes_bin/$1"
}
