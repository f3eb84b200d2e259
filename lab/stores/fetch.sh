# Brings MinIO, the two restic versions that the tests use, restic's REST server, Prometheus and its Pushgateway into $cache/bin.
# Sourced by `lab`. Built from Go modules at pinned versions; restic 0.14 is taken from the system where it is that version.

# `go install` of a full pseudo-version needs no go.mod here: MinIO's own pins everything.
minio_module=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
restic_command=github.com/restic/restic/cmd/restic
rest_server_version=0.14.0
pushgateway_version=1.11.1
prometheus_version=3.10.0

fetch_minio() {
  [ ! -x "$cache/bin/minio" ] || return 0
  say "building MinIO (5 CPU minutes)"
  mkdir -p "$cache/bin/new"
  GOBIN=$cache/bin/new go install "$minio_module" >&2
  mv "$cache/bin/new/minio" "$cache/bin/minio"
}

# fetch_restic 0.14|0.18.1
fetch_restic() {
  local name=restic-$1 system
  case $1 in
    0.18.1) build_restic "$name" 0.18.1 ;;
    0.14)
      if is_restic "$cache/bin/$name" 0.14; then return; fi
      system=$(command -v restic || true)
      if [ -n "$system" ] && is_restic "$system" 0.14; then
        mkdir -p "$cache/bin"
        ln -sf "$system" "$cache/bin/$name"
      else
        rm -f "$cache/bin/$name"
        build_restic "$name" 0.14.0
      fi
      ;;
    *) die "restic $1: the lab has 0.14 and 0.18.1" ;;
  esac
}

# is_restic BINARY MINOR: whether it runs and is of that minor version.
is_restic() { [ -x "$1" ] && [[ $("$1" version) == "restic $2."* ]]; }

# build_restic NAME VERSION
build_restic() {
  [ ! -x "$cache/bin/$1" ] || return 0
  say "building restic $2 (2 CPU minutes)"
  build_pinned "restic-$2" "$1" "$restic_command"
}

fetch_rest_server() {
  if is_version rest-server $rest_server_version; then return; fi
  say "building rest-server $rest_server_version (15 CPU seconds)"
  build_pinned rest-server rest-server github.com/restic/rest-server/cmd/rest-server
}

# fetch_pushgateway: static, since it also goes into an image.
fetch_pushgateway() {
  if is_version pushgateway $pushgateway_version; then return; fi
  say "building the Pushgateway $pushgateway_version (30 CPU seconds)"
  CGO_ENABLED=0 build_pinned pushgateway pushgateway github.com/prometheus/pushgateway \
    -trimpath -ldflags "-s -w -X github.com/prometheus/common/version.Version=$pushgateway_version"
}

# fetch_prometheus: Debian's, unpacked and not installed, so that nothing of it starts by itself; built where there is none.
# Built, it is without its pages, which npm would have to build, and of what finds targets has only files and HTTP.
fetch_prometheus() {
  local program
  if [ -x "$cache/bin/prometheus" ] && [ -x "$cache/bin/promtool" ]; then return; fi
  if unpack_prometheus; then return; fi
  say "building Prometheus $prometheus_version (5 CPU minutes)"
  for program in promtool prometheus; do
    CGO_ENABLED=0 build_pinned prometheus $program github.com/prometheus/prometheus/cmd/$program -tags remove_all_sd \
      -trimpath -ldflags "-s -w -X github.com/prometheus/common/version.Version=$prometheus_version"
  done
}

unpack_prometheus() {
  local new=$cache/new/prometheus program
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  rm -rf "$new"; mkdir -p "$new" "$cache/bin"
  (cd "$new" && apt-get -qq download prometheus >&2 && dpkg-deb -x prometheus_*.deb .) || return 1
  for program in promtool prometheus; do
    "$new/usr/bin/$program" --version >/dev/null 2>&1 || return 1
    mv "$new/usr/bin/$program" "$cache/bin/$program"
  done
  rm -rf "$new"
}

# is_version PROGRAM VERSION: whether it is there and calls itself that.
is_version() { [ -x "$cache/bin/$1" ] && [[ $("$cache/bin/$1" --version 2>&1) == *" $2 "* ]]; }

# build_pinned FOLDER NAME PACKAGE [FLAG]...: by FOLDER's go.mod and go.sum, so that it comes out the same each time.
build_pinned() {
  local folder=$1 name=$2 package=$3; shift 3
  mkdir -p "$cache/bin/new"
  go -C "$here/stores/$folder" build "$@" -o "$cache/bin/new/$name" "$package" >&2
  mv "$cache/bin/new/$name" "$cache/bin/$name"
}
