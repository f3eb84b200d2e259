#!/usr/bin/env bash
# Shows Larder at work: sample documents go into a real Elasticsearch, are backed up, deleted, restored and compared.
#
#   ./demo.sh                          builds Larder, starts an Elasticsearch 7.14.0 of its own (lab/README.md) and stops it
#   ELASTICSEARCH_URL=URL ./demo.sh    in that cluster (one without a login), under names that begin with larder-demo; it
#                                      does not begin when anything there has such a name
#   LARDER=PATH ./demo.sh              that program, instead of building one
#
# What it made is removed at its end, whatever the end is. Exit code 0 only when everything went well.
set -euo pipefail
if [ -n "${LARDER:-}" ]; then LARDER=$(readlink -f "$LARDER"); fi
cd "$(dirname "${BASH_SOURCE[0]}")"

logs=larder-demo-logs
logs_documents=6000
products=larder-demo-products
products_documents=2000
all=larder-demo-all          # the alias
template=larder-demo-template
pipeline=larder-demo-pipeline

main() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/larder-demo.XXXXXX")
  trap finish EXIT
  trap 'exit 130' INT TERM
  mkdir "$work/bin"
  export PATH=$work/bin:$PATH RESTIC_PASSWORD=larder-demo RESTIC_CACHE_DIR=$work/cache
  repository=$work/repository

  heading "What it takes: the program, a server"
  prepare_program
  prepare_server

  heading "Sample documents, an alias, an index template, a pipeline"
  load
  before=$(state)
  echo "$before"

  heading "Back up"
  run larder init --repository "$repository"
  run larder backup --elasticsearch "$url" --repository "$repository" --index 'larder-demo-*'
  run larder snapshots --repository "$repository"
  run larder show latest --repository "$repository"

  heading "Lose everything"
  run curl -fsS -X DELETE "$url/$logs,$products"
  run curl -fsS -X DELETE "$url/_index_template/$template"
  run curl -fsS -X DELETE "$url/_ingest/pipeline/$pipeline"
  state

  heading "Restore"
  run larder restore latest --elasticsearch "$url" --repository "$repository"
  after=$(state)
  echo "$after"

  heading "Compare every document with the snapshot"
  run larder verify latest --repository "$repository" --against "$url" --index 'larder-demo-*'

  heading "The same repository, seen by plain restic"
  by_restic

  heading "Before and after"
  compare
}

# --- what it takes -------------------------------------------------------------------------------------------------------

prepare_program() {
  if [ -n "${ELASTICSEARCH_URL:-}" ]; then lab/lab install build; else lab/lab install; fi
  if [ -z "${LARDER:-}" ]; then
    run cargo build --release --package larder
    LARDER=$(readlink -f "${CARGO_TARGET_DIR:-target}")/release/larder
  fi
  command -v curl >/dev/null || fail "curl is not installed"
  [ -x "$LARDER" ] || fail "LARDER: there is no program $LARDER"
  ln -s "$LARDER" "$work/bin/larder"
  cargo build --quiet --bin xtask # makes the sample documents
  run larder version
}

prepare_server() {
  if [ -z "${ELASTICSEARCH_URL:-}" ]; then
    export LARDER_LAB_RUN=$work/lab
    run lab/lab start elasticsearch-7.14.0
    url=$(cat "$work/lab/elasticsearch-7.14.0/url")
  else
    url=${ELASTICSEARCH_URL%/}
    run curl -fsS "$url/_cat/health?v=true"
    refuse_what_is_there
  fi
}

# refuse_what_is_there: nothing that somebody else made is touched.
refuse_what_is_there() {
  local taken place
  taken=$(curl -fsS "$url/_cat/indices/larder-demo-*?h=index&expand_wildcards=all"; curl -fsS "$url/_cat/aliases/larder-demo-*?h=alias")
  for place in "_index_template/$template" "_ingest/pipeline/$pipeline"; do
    if [ "$(curl -sS -o /dev/null -w '%{http_code}' "$url/$place")" != 404 ]; then taken+=" $place"; fi
  done
  [ -z "$taken" ] || fail "there already, and not made by this run: $(echo $taken). Delete it, or choose another cluster"
}

# --- documents -----------------------------------------------------------------------------------------------------------

load() {
  made=1
  put "_ingest/pipeline/$pipeline" '{"description":"marks what came in","processors":[{"set":{"field":"seen","value":true}}]}'
  put "_index_template/$template" '{"index_patterns":["larder-demo-next-*"],"template":{"settings":{"number_of_shards":1}}}'
  put "$logs" "$(cargo xtask mapping --set http_logs --shards 2)"
  put "$products" "$(cargo xtask mapping --set products)"
  bulk "$logs" http_logs $logs_documents
  bulk "$products" products $products_documents
  put "$logs/_alias/$all" '{}'
  put "$products/_alias/$all" '{"filter":{"exists":{"field":"product_id"}}}'
}

# put PATH BODY
put() {
  echo "\$ curl -X PUT $url/$1 ..."
  curl -fsS -o /dev/null -X PUT -H 'Content-Type: application/json' --data-binary "$2" "$url/$1"
}

# bulk INDEX SET COUNT
bulk() {
  echo "\$ cargo xtask generate --set $2 --docs $3 --bulk $1 | curl -X POST $url/_bulk ..."
  cargo xtask generate --set "$2" --docs "$3" --bulk "$1" >"$work/bulk"
  curl -fsS -X POST -H 'Content-Type: application/x-ndjson' --data-binary "@$work/bulk" \
    "$url/_bulk?refresh=true&filter_path=errors,items.*.error" >"$work/answer"
  grep -q '"errors":false' "$work/answer" || fail "the server refused documents: $(head -c 500 "$work/answer")"
}

# state: what the cluster has of ours, one fact a line, of one index each: several come in any order. The document holds an integer above 2^53.
state() {
  local name
  for name in "$logs" "$products"; do
    printf '  %-46s %s documents\n' "$name" "$(documents_of "$name")"
  done
  for name in "$logs/_alias" "$products/_alias" "_index_template/$template" "_ingest/pipeline/$pipeline" "$products/_source/7"; do
    printf '  %-46s %s\n' "$name" "$(answer "$name")"
  done
}

documents_of() { curl -sS "$url/$1/_count?filter_path=count" | sed -n 's/^{"count":\([0-9]*\)}$/\1/p' | grep . || echo no; }

# answer PATH: a checksum of what the server says, as it prints it, without the dates that newer servers add.
answer() {
  local code
  code=$(curl -sS -o "$work/answer" -w '%{http_code}' "$url/$1")
  case $code in
    200) sed -E 's/"(created|modified)_date(_millis)?":("[^"]*"|[0-9]+),?//g' "$work/answer" | sha256sum | sed 's/^\(.\{16\}\).*/sha256 \1/' ;;
    404) echo "not there" ;;
    *) fail "$url/$1: HTTP $code" ;;
  esac
}

compare() {
  if [ "$before" != "$after" ]; then
    diff <(echo "$before") <(echo "$after") || true
    fail "what was restored is not what was there before"
  fi
  echo "$after"
  echo "The same before and after: $((logs_documents + products_documents)) documents, alias, template, pipeline."
}

# --- restic --------------------------------------------------------------------------------------------------------------

by_restic() {
  local restic
  restic=$(command -v restic || echo "$(lab/lab cache)/bin/restic-0.14")
  if [ ! -x "$restic" ]; then
    echo "restic is not installed here: left out."
    return
  fi
  ln -s "$restic" "$work/bin/restic"
  run restic --repo "$repository" snapshots
  run restic --repo "$repository" check --read-data
}

# --- telling and tidying -------------------------------------------------------------------------------------------------

heading() {
  step=$((${step:-0} + 1))
  printf '\n=== %d. %s [%d s]\n' "$step" "$1" $SECONDS
}

# run COMMAND...: shows it as one would type it, and runs it.
run() {
  local word line=
  for word; do
    case $word in *[!A-Za-z0-9_./:=,@%+-]*) word=\'$word\' ;; esac
    line+=" $word"
  done
  printf '\n$%s\n' "$line"
  "$@" </dev/null
  case $1 in curl) echo ;; esac
}

fail() { echo "demo: $*" >&2; exit 1; }

# finish: takes away what this run made, and nothing else.
finish() {
  local code=$?
  trap - EXIT
  trap '' INT TERM
  if [ -n "${LARDER_LAB_RUN:-}" ] && [ "${LARDER_LAB_RUN:-}" = "$work/lab" ]; then
    if [ -d "$work/lab" ]; then lab/lab stop || true; fi
  elif [ -n "${made:-}" ]; then
    for place in "$logs" "$products" "_index_template/$template" "_ingest/pipeline/$pipeline"; do
      curl -sS -o /dev/null -X DELETE "$url/$place" || true
    done
  fi
  rm -rf "$work"
  if [ $code = 0 ]; then printf '\nDone in %d s. What was made for it is removed again.\n' $SECONDS; else echo "demo: FAILED" >&2; fi
  exit $code
}

main
