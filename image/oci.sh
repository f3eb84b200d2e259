#!/usr/bin/env bash
# Writes an image archive of one layer from a folder, without a container engine.
#
#   image/oci.sh --name NAME:TAG --output FILE [--user UID] [--label KEY=VALUE]... FOLDER -- ENTRYPOINT...
#
# The archive is an OCI image layout, and a `docker save` archive as well, so that every tool reads it: docker load,
# podman load, ctr images import, skopeo copy. Equal content gives equal bytes: files are sorted, belong to 0:0 and are of
# the second SOURCE_DATE_EPOCH (0). Folders and files get the permissions that they have in FOLDER.
set -euo pipefail

main() {
  arguments "$@"
  work=$(mktemp -d "${TMPDIR:-/tmp}/larder-image.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/oci/blobs/sha256"
  archive "$folder" . >"$work/layer.tar"
  gzip -n <"$work/layer.tar" >"$work/layer.tar.gz"
  configuration "sha256:$(sum "$work/layer.tar")" >"$work/config.json"
  layer=$(blob "$work/layer.tar.gz") config=$(blob "$work/config.json")
  manifest >"$work/manifest.json"
  blob "$work/manifest.json" >/dev/null
  index >"$work/oci/index.json"
  docker_manifest >"$work/oci/manifest.json"
  echo '{"imageLayoutVersion":"1.0.0"}' >"$work/oci/oci-layout"
  archive "$work/oci" blobs index.json manifest.json oci-layout >"$work/image.tar"
  mv "$work/image.tar" "$output"
}

die() { echo "oci.sh: $*" >&2; exit 1; }

arguments() {
  local word
  name='' output='' user='' labels=()
  while [ $# -gt 0 ]; do
    case $1 in
      --name) name=${2:?--name: which?}; shift ;;
      --output) output=${2:?--output: which file?}; shift ;;
      --user) user=${2:?--user: which?}; shift ;;
      --label) labels+=("${2:?--label: which?}"); shift ;;
      --*) die "unknown option $1" ;;
      *) break ;;
    esac
    shift
  done
  folder=${1:?which folder?}
  [ -d "$folder" ] || die "no folder $folder"
  if [ "${2:-}" != -- ] || [ $# -lt 3 ]; then die "the folder is followed by -- and the entry point"; fi
  shift 2
  entry=("$@")
  case $name in *[!A-Za-z0-9._:/-]* | *: | :*) die "not a NAME:TAG: '$name'" ;; *:*) ;; *) die "not a NAME:TAG: '$name'" ;; esac
  [ -n "$output" ] || die "--output is missing"
  for word in "$user" ${labels[@]+"${labels[@]}"} "${entry[@]}"; do
    case $word in *[\"\\[:cntrl:]]*) die "no quotes, backslashes or control characters: '$word'" ;; esac
  done
  case $(uname -m) in x86_64) architecture=amd64 ;; aarch64) architecture=arm64 ;; *) architecture=$(uname -m) ;; esac
  seconds=${SOURCE_DATE_EPOCH:-0}
}

# archive FOLDER MEMBER...
archive() {
  local from=$1; shift
  tar -C "$from" --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$seconds" -cf - "$@"
}

sum() { sha256sum "$1" | cut -d' ' -f1; }

# blob FILE: into the layout, under its digest, which is printed.
blob() {
  local digest
  digest=$(sum "$1")
  cp "$1" "$work/oci/blobs/sha256/$digest"
  echo "$digest"
}

# descriptor TYPE DIGEST: without the brackets.
descriptor() {
  printf '"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%d' \
    "$1" "$2" "$(stat -c %s "$work/oci/blobs/sha256/$2")"
}

configuration() {
  printf '{"created":"%s","architecture":"%s","os":"linux","config":{' "$(date -u -d "@$seconds" +%Y-%m-%dT%H:%M:%SZ)" "$architecture"
  if [ -n "$user" ]; then printf '"User":%s,' "$(text "$user")"; fi
  printf '"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/"],"Entrypoint":[%s],"Labels":{%s}' \
    "$(each text "${entry[@]}")" "$(each label ${labels[@]+"${labels[@]}"})"
  printf '},"rootfs":{"type":"layers","diff_ids":["%s"]},"history":[{"created_by":"image/oci.sh"}]}' "$1"
}

manifest() {
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{%s},"layers":[{%s}]}' \
    "$(descriptor config.v1+json "$config")" "$(descriptor layer.v1.tar+gzip "$layer")"
}

# containerd goes by the first annotation, others by the second.
index() {
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{%s,"annotations":{%s,%s}}]}' \
    "$(descriptor manifest.v1+json "$(sum "$work/manifest.json")")" \
    "\"io.containerd.image.name\":$(text "$name")" "\"org.opencontainers.image.ref.name\":$(text "${name##*:}")"
}

docker_manifest() {
  printf '[{"Config":"blobs/sha256/%s","RepoTags":[%s],"Layers":["blobs/sha256/%s"]}]' "$config" "$(text "$name")" "$layer"
}

# each FUNCTION WORD...: what it prints for each, with commas between.
each() {
  local function=$1 word comma=''; shift
  for word; do printf '%s%s' "$comma" "$("$function" "$word")"; comma=,; done
}

label() { printf '%s:%s' "$(text "${1%%=*}")" "$(text "${1#*=}")"; }

# text WORD: as JSON has it; `arguments` let in no word that JSON would write otherwise.
text() { printf '"%s"' "$1"; }

main "$@"
