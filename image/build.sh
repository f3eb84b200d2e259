#!/usr/bin/env bash
# Makes Larder's image without a container engine: one static binary in an otherwise empty root.
#
#   image/build.sh [--profile dev|release] [--tag NAME:TAG] [--output FILE]     an archive (oci.sh)
#   image/build.sh [--profile dev|release] --root FOLDER                        only the root of the image
#
# The profile is release, the tag localhost/larder:VERSION, the file larder-VERSION.tar, unless said otherwise. It takes
# Rust, a C compiler, and the machine's certificate authorities (Debian: ca-certificates). ../Dockerfile makes the same image.
set -euo pipefail
from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

authorities=/etc/ssl/certs/ca-certificates.crt

main() {
  arguments "$@"
  umask 022
  build
  if [ -n "$root" ]; then lay_root "$root"; return; fi
  work=$(mktemp -d "${TMPDIR:-/tmp}/larder-image.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  lay_root "$work/root"
  describe
  image/oci.sh --name "$tag" --output "$output" --user 65535 "${labels[@]}" "$work/root" -- /larder
  echo "$output: $tag, $(($(stat -c %s "$output") / 1024 / 1024)) MiB"
}

die() { echo "build.sh: $*" >&2; exit 1; }

arguments() {
  version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
  profile=release tag=localhost/larder:$version output=$from/larder-$version.tar root=''
  while [ $# -gt 0 ]; do
    case $1 in
      --profile) profile=${2:?--profile: dev or release?} ;;
      --tag) tag=${2:?--tag: which?} ;;
      --output) output=$(cd "$from" && realpath -m "${2:?--output: which file?}") ;;
      --root) root=$(cd "$from" && realpath -m "${2:?--root: which folder?}") ;;
      *) die "unknown: $1" ;;
    esac
    shift 2
  done
  case $profile in dev | release) ;; *) die "--profile: dev or release, not '$profile'" ;; esac
  if [ -n "$root" ] && [ -e "$root" ]; then die "--root: $root is there already"; fi
  [ -s $authorities ] || die "no certificate authorities in $authorities (Debian: ca-certificates)"
}

# build: static, with glibc: it resolves names without any library, unlike that of before 2.34.
build() {
  local target
  target=$(rustc -vV | sed -n 's/^host: //p')
  case $target in *-linux-gnu) ;; *) die "a static binary for Linux is built on Linux with glibc, not on $target" ;; esac
  "build_$profile" "$target" "${CARGO_TARGET_DIR:-target}"
}

# build_dev: of what was compiled for the tests; only the program itself is linked otherwise.
build_dev() {
  cargo rustc --locked --quiet --package larder --bin larder -- -C target-feature=+crt-static
  binary=$2/debug/larder
}

# build_release: in a target folder of its own, so that neither this build nor the usual one makes the other begin anew. No path
# of this machine gets into the binary.
build_release() {
  local target=$1 folder=$2/image cargo=${CARGO_HOME:-$HOME/.cargo} flags
  flags=(-C target-feature=+crt-static "--remap-path-prefix=$PWD=/larder" "--remap-path-prefix=$cargo=/cargo")
  CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; echo "${flags[*]}") CFLAGS="${CFLAGS:-} -ffile-prefix-map=$cargo=/cargo" \
    CARGO_TARGET_DIR=$folder cargo build --locked --quiet --package larder --bin larder --target "$target" --release
  binary=$folder/$target/release/larder
}

# lay_root FOLDER
lay_root() {
  mkdir -p "$1"/{etc/ssl/certs,tmp}
  chmod 1777 "$1/tmp"
  cp "$binary" LICENSE "$1/"
  cp $authorities "$1$authorities"
  echo 'hosts: files dns' >"$1/etc/nsswitch.conf"
  printf '%s\n' root:x:0:0:root:/:/nologin nobody:x:65535:65535:nobody:/:/nologin >"$1/etc/passwd"
  printf '%s\n' root:x:0: nobody:x:65535: >"$1/etc/group"
  chmod -R a+rX,go-w "$1/etc"
  chmod 755 "$1/larder"
  chmod 644 "$1/LICENSE"
}

# describe: labels as the OCI names them.
describe() {
  local revision key=org.opencontainers.image
  labels=(--label "$key.title=larder" --label "$key.description=Backup and restore of Elasticsearch and OpenSearch"
    --label "$key.version=$version" --label "$key.licenses=Apache-2.0"
    --label "$key.source=https://github.com/larder-backup/larder")
  revision=$(git describe --always --dirty --abbrev=40 --exclude '*' 2>/dev/null || true)
  if [ -n "$revision" ]; then labels+=(--label "$key.revision=$revision"); fi
}

main "$@"
