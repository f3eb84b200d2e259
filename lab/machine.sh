# What the machine must have before anything can be fetched or built, and how it gets there on Debian and Ubuntu.
# Sourced by `lab`. Installs Debian packages only, and only those whose commands are missing; never a newer version.

# What MinIO's and restic's go.mod ask for, elasticdump's package.json, and ../rust-toolchain.toml.
go_needed=1.24
node_needed=18
rust_needed=$(sed -n 's/^channel = "\(.*\)"/\1/p' "$here/../rust-toolchain.toml")

# Commands and the Debian packages that have them: for compiling Larder, for the servers and tools, for a Kubernetes node.
build_commands=(git:git cc:gcc)
lab_commands=(curl:curl unzip:unzip openssl:openssl jq:jq perl:perl-base flock:util-linux mvn:maven npm:npm)
node_commands=(containerd:containerd ctr:containerd runc:runc nft:nftables ip:iproute2 pgrep:procps socat:socat)
cni_plugins=/usr/lib/cni

# Root's tools, which are not in everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin

# install [build|node|newest]: makes good what is missing, or says exactly what to do, and fails.
install() {
  local scope=${1:-all} packages
  case $scope in all | build | node | newest) ;; *) die "install: '$scope' is none of build, node, newest" ;; esac
  packages=$(missing_packages "$scope")
  # shellcheck disable=SC2086 # a list of words
  if [ -n "$packages" ]; then install_packages $packages; fi
  if command -v rustup >/dev/null && ! rust_is_there; then
    rustup toolchain install "$rust_needed" --profile minimal --component rustfmt --component clippy >&2
  fi
  still_missing "$scope" || say "the machine has what is needed"
}

# commands_of SCOPE: command:package pairs.
commands_of() {
  printf '%s\n' "${build_commands[@]}"
  if [ "$1" != build ]; then printf '%s\n' "${lab_commands[@]}"; fi
}

# missing_packages SCOPE: Debian packages of the commands that are not there.
missing_packages() {
  local pair
  for pair in $(commands_of "$1"); do
    command -v "${pair%%:*}" >/dev/null || echo "${pair#*:}"
  done
  [ -e /usr/include/stdlib.h ] || echo libc6-dev
  command -v rustup >/dev/null || command -v cargo >/dev/null || first_known rustup
  [ "$1" != build ] || return 0
  pick_java 7.14.0 >/dev/null 2>&1 || first_known openjdk-17-jdk-headless openjdk-21-jdk-headless
  go_is_there || first_recent golang-go
  node_is_there || echo nodejs
  if ! command -v restic >/dev/null && [[ $(candidate restic) == 0.14.* ]]; then echo restic; fi
  if [ "$1" = node ]; then missing_for_node; fi
  if [ "$1" = newest ]; then pick_java 9.5.3 >/dev/null 2>&1 || first_known openjdk-25-jdk-headless openjdk-21-jdk-headless; fi
}

# missing_for_node: Debian packages that a Kubernetes node takes and that are not there.
missing_for_node() {
  local pair
  for pair in "${node_commands[@]}"; do
    command -v "${pair%%:*}" >/dev/null || echo "${pair#*:}"
  done
  static_busybox >/dev/null || echo busybox-static
  [ -x $cni_plugins/bridge ] || echo containernetworking-plugins
}

candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -v '(none)' || true; }

# first_known PACKAGE...: the first that this distribution has.
first_known() {
  local p
  for p; do if [ -n "$(candidate "$p")" ]; then echo "$p"; return; fi; done
}

# first_recent PACKAGE: that package, where it is Go 1.21 or newer (which then fetches the Go that a module asks for).
first_recent() {
  local v
  v=$(candidate "$1"); v=${v#*:}
  if [ -n "$v" ] && at_least "${v%%[~-]*}" 1.21; then echo "$1"; fi
}

go_is_there() {
  local v
  command -v go >/dev/null || return 1
  v=$(go env GOVERSION); v=${v#go}
  at_least "$v" "$go_needed" || { at_least "$v" 1.21 && [ "$(go env GOTOOLCHAIN)" = auto ]; }
}

node_is_there() { command -v node >/dev/null && at_least "$(node --version | tr -d v)" "$node_needed"; }

rust_is_there() { (cd "$here" && cargo --version && cargo fmt --version && cargo clippy --version) >/dev/null 2>&1; }

# static_busybox: prints the path of a busybox that runs in an image without any library.
static_busybox() {
  local path
  path=$(command -v busybox) && ! ldd "$path" 2>/dev/null | grep -q '=>' && echo "$path"
}

install_packages() {
  local root=()
  command -v apt-get >/dev/null || die "missing: $*. Install these (Debian's names) with this system's package manager"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "missing: run as root: apt-get install -y --no-install-recommends $*"
    root=(sudo)
  fi
  say "installing $*"
  "${root[@]}" apt-get -o DPkg::Lock::Timeout=300 update -q >&2
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends "$@" >&2
}

# still_missing SCOPE: ends the run, with a line for each, when something is not there that no package could bring.
still_missing() {
  local pair lacking=()
  for pair in $(commands_of "$1"); do
    command -v "${pair%%:*}" >/dev/null || lacking+=("${pair%%:*} (Debian: ${pair#*:})")
  done
  rust_is_there || lacking+=("Rust $rust_needed with rustfmt and clippy (rustup toolchain install $rust_needed --component rustfmt --component clippy)")
  if [ "$1" != build ]; then
    pick_java 7.14.0 >/dev/null 2>&1 || lacking+=("a JDK, 17 to 23 (Debian: openjdk-17-jdk-headless or openjdk-21-jdk-headless), or ES_JAVA set to its java")
    go_is_there || lacking+=("Go $go_needed or newer in PATH (Debian 13: golang-go; Debian 12: golang-go of bookworm-backports, or Go's own archive)")
    node_is_there || lacking+=("Node.js $node_needed or newer (Debian: nodejs)")
  fi
  if [ "$1" = newest ]; then
    pick_java 9.5.3 >/dev/null 2>&1 || lacking+=("a JDK, 21 or newer, for Elasticsearch 9 and OpenSearch 3 (Debian 13, Ubuntu 24.04: openjdk-21-jdk-headless; Debian 12: Temurin's)")
  fi
  if [ "$1" = node ]; then
    for pair in $(missing_for_node); do lacking+=("what Debian's package $pair has"); done
  fi
  [ ${#lacking[@]} -gt 0 ] || return 1
  for pair in "${lacking[@]}"; do say "missing: $pair"; done
  exit 1
}
