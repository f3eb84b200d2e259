# Builds the programs of Kubernetes, and Helm, into $cache/kubernetes.
# Sourced by `lab`. From Go modules at the versions that tools/ pins; each program is there whole or not at all.

kubernetes_version=v1.34.4
kubernetes_bin=$cache/kubernetes/$kubernetes_version
helm_version=v3.18.6

# fetch_kubernetes: what an API server takes.
fetch_kubernetes() { locked kubernetes build_kubernetes etcd kube-apiserver; }

# fetch_kubernetes_node: what a node that runs pods takes besides.
fetch_kubernetes_node() {
  fetch_kubernetes
  locked kubernetes-node build_kubernetes kube-controller-manager kube-scheduler kubelet kube-proxy \
    local-path-provisioner coredns
  fetch_kubectl
}

fetch_kubectl() { locked kubectl build_and_link kubectl; }

fetch_helm() { locked helm build_and_link helm; }

build_kubernetes() {
  local program
  for program; do build_program "$program"; done
}

# build_and_link PROGRAM: one that people and tests call by its name, so it is in $cache/bin too.
build_and_link() {
  build_program "$1"
  mkdir -p "$cache/bin"
  ln -sfn "$(path_of "$1")" "$cache/bin/$1"
}

path_of() { if [ "$1" = helm ]; then echo "$cache/kubernetes/helm-$helm_version"; else echo "$kubernetes_bin/$1"; fi; }

# build_program PROGRAM: one at a time, since built together some fail for two spellings of one module's name (logrus).
build_program() {
  local folder=. package=k8s.io/kubernetes/cmd/$1 cost path new
  path=$(path_of "$1") new=$cache/kubernetes/new
  [ ! -x "$path" ] || return 0
  case $1 in
    etcd) cost=30 package=go.etcd.io/etcd/server/v3 ;;
    kube-apiserver) cost=480 ;;
    kube-controller-manager) cost=120 ;;
    coredns) cost=140 folder=coredns package=. ;;
    helm) cost=140 folder=helm package=helm.sh/helm/v3/cmd/helm ;;
    local-path-provisioner) cost=10 package=github.com/rancher/local-path-provisioner ;;
    *) cost=40 ;;
  esac
  say "building $1 ($cost CPU seconds)"
  mkdir -p "$kubernetes_bin" "$new"
  CGO_ENABLED=0 GOTOOLCHAIN=local go -C "$here/kubernetes/tools/$folder" build -trimpath -buildvcs=false -tags grpcnotrace \
    -ldflags "-s -w $(stamps "$1")" -o "$new/$1" "$package" >&2
  mv "$new/$1" "$path"
}

# stamps PROGRAM: linker flags that say its version. Without them an API server calls itself v0.0.0, and clients refuse or
# misjudge it; Helm takes a chart to be for Kubernetes 1.20 and refuses it when it asks for more.
stamps() {
  local module
  case $1 in
    helm)
      echo "-X helm.sh/helm/v3/internal/version.version=$helm_version"
      for module in pkg/chartutil pkg/lint/rules; do version_flags "helm.sh/helm/v3/$module.k8sVersion"; done
      ;;
    *)
      for module in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        echo "-X $module.gitVersion=$kubernetes_version -X $module.gitTreeState=clean"
        version_flags "$module.git"
      done
      ;;
  esac | tr '\n' ' '
}

version_flags() {
  local version=${kubernetes_version#v}
  echo "-X $1Major=${version%%.*} -X $1Minor=$(echo "$version" | cut -d. -f2)"
}
