# Brings MinIO and the two restic versions that the tests use into $cache/bin.
# Sourced by `lab`. Built from Go modules at pinned versions; restic 0.14 is taken from the system where it is that version.

# `go install` of a full pseudo-version needs no go.mod here: MinIO's own pins everything.
minio_module=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
restic_command=github.com/restic/restic/cmd/restic

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

# build_restic NAME VERSION: by the go.mod and go.sum of restic-VERSION/, so that it comes out the same each time.
build_restic() {
  [ ! -x "$cache/bin/$1" ] || return 0
  say "building restic $2 (2 CPU minutes)"
  mkdir -p "$cache/bin/new"
  (cd "$here/stores/restic-$2" && go build -o "$cache/bin/new/$1" "$restic_command") >&2
  mv "$cache/bin/new/$1" "$cache/bin/$1"
}
