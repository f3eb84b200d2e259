#!/usr/bin/env bash
# Runs Larder's tests: ./test.sh for everything, ./test.sh TIER... for some of it.
#
#   fast          formatting, clippy, unit and golden tests, tidy, generated files; no servers
#   licenses      cargo-deny: licences, sources, advisories of all dependencies
#   fuzz          seeds and changes to them through what reads foreign bytes, 20 s a target at most (fuzz/README.md)
#   conversation  tests against in-process servers that misbehave      (test targets conversation*)
#   contract      tests against real servers, restic and elasticdump   (test targets contract_*)
#   servers       one suite (the round trip, data streams, random documents, runs killed midway) on every other version of
#                 Elasticsearch and OpenSearch, restores from older into newer ones, and servers that want TLS and a login
#                                                                      (test targets servers_*),
#                 and clusters that lose nodes                         (test targets clusters_*)
#   heavy         property, kill and memory tests, minutes each        (test targets heavy_*)
#   demo          ./demo.sh against a real server
#   e2e           the operator on a real one-node Kubernetes (e2e/README.md); needs root
#
# It installs and fetches what it needs (lab/README.md), starts the servers once, stops them at the end, and fails when one
# of them does not start. No tier is ever skipped. The licences, the fuzz targets, what later tiers need and, where there is the
# memory, the end-to-end tests are seen to beside the other tiers, in the time that these wait. The last line says how many tests
# passed and failed; the exit code is 0 only when none failed. A check that is not a test (clippy, tidy, the demo) counts as one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

tiers=(fast licenses fuzz conversation contract servers heavy demo e2e)
servers=(elasticsearch-6.8.0 elasticsearch-7.14.0 elasticsearch-7.17.29 opensearch-2.19.1 minio rest-server kubernetes)
# Further versions, in groups that fit into the memory beside those. Restores go from and into those of the first group.
others=(elasticsearch-5.6.4 elasticsearch-8.19.21 elasticsearch-9.5.3 opensearch-1.3.13 opensearch-3.8.0)
# With TLS and a login: Search Guard, x-pack, OpenSearch's plugin.
guarded=(elasticsearch-6.8.0 elasticsearch-7.17.29 opensearch-2.19.1)
oldest=(elasticsearch-6.2.4 elasticsearch-6.3.0 elasticsearch-6.4.0 elasticsearch-6.5.3 elasticsearch-7.2.0 elasticsearch-7.3.2)
# Four nodes at 1 GiB of heap, MinIO, a compiler: below this much free memory the compiler goes first.
memory_for_both_kib=$((10 * 1024 * 1024))
# A Kubernetes with Larder on it and three nodes more, beside five small ones of other versions.
memory_for_e2e_kib=$((14 * 1024 * 1024))

main() {
  local chosen=("$@") tier
  if [ ${#chosen[@]} -eq 0 ]; then chosen=("${tiers[@]}"); fi
  for tier in "${chosen[@]}"; do
    case " ${tiers[*]} " in *" $tier "*) ;; *) usage "unknown tier: $tier" ;; esac
  done
  work=$(mktemp -d "${TMPDIR:-/tmp}/larder-test.XXXXXX")
  trap finish EXIT
  trap 'exit 130' INT TERM
  passed=0 failed=0 ignored=0 summary=() asides=() groups_begun=()
  export LARDER_LAB_RUN=$work/lab ES_HEAP=${ES_HEAP:-1g}

  if needs_servers "${chosen[@]}"; then
    step "what the machine needs" lab/lab install || { report; exit 1; }
    if has_memory $memory_for_both_kib; then begin_servers; fi
  else
    step "what the machine needs" lab/lab install build || { report; exit 1; }
  fi
  fetch_ahead "${chosen[@]}"
  for tier in "${chosen[@]}"; do
    case $tier in contract | servers | heavy) e2e_beside "${chosen[@]}" ;; esac
    "tier_$tier"
  done
  await_asides
  report
}

usage() {
  echo "test.sh: $1" >&2
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" >&2
  exit 2
}

has_memory() { [ "$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)" -ge "$1" ]; }

needs_servers() { case " $* " in *' contract '* | *' servers '* | *' heavy '* | *' demo '*) ;; *) return 1 ;; esac; }

tier_fast() {
  local target arguments=()
  check "formatting" cargo fmt --all --check
  check "clippy" cargo clippy --workspace --all-targets --quiet -- -D warnings
  check "tidy" cargo run --quiet --bin xtask -- tidy
  check "generated definitions" cargo run --quiet --bin xtask -- crds --check
  check "generated reference" cargo run --quiet --bin xtask -- reference --check
  check "generated catalog" cargo run --quiet --bin xtask -- catalog --check
  for target in $(ungrouped_test_targets); do arguments+=(--test "$target"); done
  tests "unit and golden tests" --lib --bins ${arguments[@]+"${arguments[@]}"}
  tests "examples in the documentation" --doc
}

# ungrouped_test_targets: integration tests that belong to no tier of their own: the golden tests.
ungrouped_test_targets() {
  local f name
  for f in crates/*/tests/*.rs crates/*/tests/*/main.rs; do
    [ -e "$f" ] || continue
    name=$(basename "$f" .rs)
    if [ "$name" = main ]; then name=$(basename "$(dirname "$f")"); fi
    case $name in conversation* | contract_* | servers_* | clusters_* | heavy_*) ;; *) echo "$name" ;; esac
  done | sort -u
}

tier_licenses() { aside licenses; }

licenses() {
  if ! step "cargo-deny" lab/lab fetch cargo-deny; then return; fi
  PATH=$(lab/lab cache)/bin:$PATH
  check "licences, sources, bans" cargo deny --log-level error check --hide-inclusion-graph licenses sources bans
  # Where GitHub is out of reach there is no list of advisories to compare with: said, not counted as passed.
  if timeout 120 cargo deny fetch db >"$work/advisories" 2>&1 </dev/null; then
    check "advisories" cargo deny --log-level error check --hide-inclusion-graph advisories
  else
    say "advisories: NOT CHECKED, the advisory database cannot be reached from here"
    summary+=("advisories: NOT CHECKED (database out of reach)")
  fi
}

# Formatting and clippy are the fast tier's, for all crates.
tier_fuzz() {
  # Built here: while one cargo builds, the others wait.
  if step "build of the fuzz targets" cargo build --quiet --workspace --bin smoke; then aside fuzz; fi
}

fuzz() { check "fuzz targets" "${CARGO_TARGET_DIR:-target}/debug/smoke"; }

tier_conversation() { tests "conversation tests" --test 'conversation*'; }

tier_contract() { with_servers "contract tests" contract; }

# What Helm makes of the chart is generated too; Helm and promtool are the lab's.
contract() {
  check "deploy/install.yaml" cargo run --quiet --bin xtask -- manifest --check
  check "alert rules" charts/larder/tests/check-rules.sh
  tests "contract tests" --test 'contract_*'
}

# The four servers of the other tiers stay up: restores go from and into them, too.
tier_servers() { with_servers "tests of other servers" servers; }

# Each server passes one and the same suite.
suite=(--test contract_round_trip --test contract_definitions --test contract_streams --test contract_killed --test heavy_exact)

servers() {
  if ! step "what the newest servers need" lab/lab install newest; then return; fi
  group others "${others[*]}"
  if [ "$group_is_up" ]; then
    tests "restores from older into newer servers" --test servers_across --test servers_streams
    LARDER_TEST_ES=$group_es tests "one suite on the newest and the oldest" "${suite[@]}"
    LARDER_TEST_ES=$group_es tests "what Stash saved, on the newest and the oldest" --test contract_stash -- that_stash_saved
  fi
  end_group
  # The end-to-end tests and so many nodes are more than the memory should hold.
  await_asides
  group "oldest, guarded" "${oldest[*]} ${guarded[*]/#/guarded-}"
  if [ "$group_is_up" ]; then
    LARDER_TEST_ES=$group_es tests "one suite on the others" "${suite[@]}"
    tests "TLS, logins and rights" --test servers_guarded
  fi
  end_group
  tests "clusters of several nodes" --test 'clusters_*'
}

# group NAME SERVERS: starts further servers beside those that are up, with little memory each; a guarded-SERVER with TLS and a login.
# `group_es` lists them but for these, and LARDER_TEST_ES all.
group() {
  local server what pids=() outcome=ok from=$SECONDS
  say "servers: $1"
  group_servers=$2 group_is_up='' group_es=''
  for server in $2; do
    what=("$server")
    case $server in guarded-*) what=("$server=${server#guarded-}" --tls) ;; esac
    ES_HEAP=512m lab/lab start "${what[@]}" >"$work/$server.out" 2>&1 </dev/null & pids+=("$server:$!")
  done
  for server in "${pids[@]}"; do
    wait "${server#*:}" || { outcome=FAILED; cat "$work/${server%%:*}.out" >&2; }
  done
  if [ $outcome = ok ]; then
    passed=$((passed + 1)) group_is_up=yes
    eval "$(lab/lab env)"
    for server in $2; do
      case $server in guarded-*) continue ;; esac
      server=${server#elasticsearch-}; server=${server/opensearch-/os-}
      group_es+=${group_es:+,}$(tr , '\n' <<<"$LARDER_TEST_ES" | grep "^$server=")
    done
  else
    failed=$((failed + 1))
  fi
  ended "servers: $1" $outcome $from || true
}

end_group() {
  local server pids=()
  for server in $group_servers; do lab/lab stop "$server" >/dev/null 2>&1 </dev/null & pids+=($!); done
  wait "${pids[@]}" || true
  eval "$(lab/lab env)"
}

tier_heavy() { with_servers "heavy tests" tests "heavy tests" --test 'heavy_*'; }

tier_demo() {
  if ! step "the program" cargo build --quiet --workspace --bins; then return; fi
  with_servers "demo" demo
}

demo() {
  local url=${LARDER_TEST_ES#*7.14.0=} target=${CARGO_TARGET_DIR:-target}
  LARDER=$target/debug/larder ELASTICSEARCH_URL=${url%%,*} check "demo" ./demo.sh
}

# tier_e2e: what was not begun beside the other tiers. Their servers make room.
tier_e2e() {
  [ -z "${e2e_is_begun:-}" ] || return 0
  if [ "${servers_state:-}" = up ]; then lab/lab stop; servers_state=''; unset jobs_begun; fi
  e2e
}

# e2e_beside TIER...: the scenarios mostly wait, and so do the other tiers: both take little longer together than one alone.
# All is compiled before, since one cargo waits for another, and the image's program takes the place of the tests' one.
e2e_beside() {
  case " $* " in *' e2e '*) ;; *) return 0 ;; esac
  [ -z "${e2e_is_begun:-}" ] && has_memory $memory_for_e2e_kib || return 0
  e2e_is_begun=yes
  check "build of all tests" cargo test --quiet --workspace --no-run
  step "Larder's image" image/build.sh --profile dev --tag localhost/larder:e2e --output "$work/larder.tar" || return 0
  export E2E_IMAGE=$work/larder.tar
  aside e2e 0
}

# e2e: in a run of the lab of its own, whose servers pods reach.
e2e() {
  local from=$SECONDS outcome=ok counts
  export LARDER_LAB_RUN=$work/e2e ES_HEAP=512m
  if ! step "a Kubernetes with Larder on it" e2e/up.sh; then return; fi
  say "end-to-end tests"
  (eval "$(e2e/up.sh --env)" && e2e/run) </dev/null 2>&1 | tee "$work/e2e.out" || outcome=FAILED
  counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$work/e2e.out" | tail -1)
  set -- ${counts:-0 1}
  passed=$((passed + $1)) failed=$((failed + $2))
  ended "end-to-end tests ($1 passed, $2 failed)" $outcome $from || true
  lab/lab stop
}

# --- servers -------------------------------------------------------------------------------------------------------------

# begin_servers: in the background, beside the compiler.
begin_servers() {
  local server
  jobs_begun=()
  say "servers and tools: begun in the background"
  for server in "${servers[@]}"; do begin "$server" lab/lab start "$server"; done
  begin restic lab/lab fetch restic-0.14 restic-0.18.1
  begin tools lab/lab fetch helm kubectl prometheus
  begin elasticdump lab/lab fetch elasticdump-4.1.1 elasticdump-6.76.0 elasticdump-6.125.1
}

begin() {
  local name=$1; shift
  "$@" >"$work/$name.out" 2>&1 </dev/null &
  jobs_begun+=("$name:$!")
}

# fetch_ahead TIER...: what later tiers need and nothing waits for yet, when nothing else wants the processor. A tier that comes
# to it earlier waits for it as for any other run of the lab; what fails here is tried again there, and counted there.
fetch_ahead() {
  local chosen=" $* " things=()
  case $chosen in *' licenses '*) things+=(cargo-deny) ;; esac
  case $chosen in *' e2e '*) things+=(kubernetes-node pushgateway) ;; esac
  case $chosen in *' servers '*) things+=("${others[@]}" "${oldest[@]}" "${guarded[@]/%/+tls}") ;; esac
  [ ${#things[@]} -gt 0 ] || return 0
  set -m # in a process group of its own
  nice -n 19 lab/lab fetch "${things[@]}" >"$work/ahead.out" 2>&1 </dev/null &
  set +m
  groups_begun+=($!)
}

await_servers() {
  local job
  for job in "${jobs_begun[@]}"; do
    if wait "${job#*:}"; then
      echo "  ${job%%:*} is there"
    else
      cat "$work/${job%%:*}.out" >&2
      echo "  ${job%%:*} is NOT there" >&2
      return 1
    fi
  done
}

# with_servers WHAT COMMAND...: runs it once all servers answer; a tier whose servers are not there has failed.
with_servers() {
  local what=$1; shift
  if [ -z "${servers_state:-}" ]; then
    [ -n "${jobs_begun+set}" ] || begin_servers
    if step "servers and tools" await_servers; then
      servers_state=up
      eval "$(lab/lab env)"
    else
      servers_state=down
    fi
  fi
  if [ $servers_state = up ]; then
    "$@"
  else
    failed=$((failed + 1))
    summary+=("$what: FAILED (not run: a server did not start)")
  fi
}

# --- steps ---------------------------------------------------------------------------------------------------------------

say() { printf '[%4d s] %s\n' $SECONDS "$*"; }

# step NAME COMMAND...: counts as one test; true when it passed.
step() {
  local name=$1 from=$SECONDS outcome=ok; shift
  say "$name"
  "$@" </dev/null 2>&1 || outcome=FAILED
  if [ $outcome = ok ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  ended "$name" $outcome $from
}

# check NAME COMMAND...: a step after which the run goes on, whatever came out.
check() { step "$@" || true; }

ended() {
  say "$1: $2 ($((SECONDS - $3)) s)"
  summary+=("$1: $2 ($((SECONDS - $3)) s)")
  [ "$2" = ok ]
}

# tests NAME ARGUMENT...: cargo test; its own counts are added up. A run that fails without a failed test counts as one.
tests() {
  local name=$1 from=$SECONDS outcome=ok counts; shift
  say "$name"
  cargo test --workspace --no-fail-fast "$@" </dev/null 2>&1 | tee "$work/tests.out" || outcome=FAILED
  counts=$(sed -n 's/^test result: [a-zA-Z]*\. \([0-9]*\) passed; \([0-9]*\) failed; \([0-9]*\) ignored.*/\1 \2 \3/p' "$work/tests.out" |
    awk '{p += $1; f += $2; i += $3} END {print p + 0, f + 0, i + 0}')
  set -- $counts
  if [ $outcome = FAILED ] && [ "$2" = 0 ]; then set -- "$1" 1 "$3"; fi
  passed=$((passed + $1)) failed=$((failed + $2)) ignored=$((ignored + $3))
  ended "$name ($1 passed, $2 failed)" $outcome $from || true
}

# aside FUNCTION [NICENESS]: runs it beside what follows, with less of the processor. What it prints and counts comes when await_asides
# has waited for it.
aside() {
  local name=$1 niceness=${2:-5}
  say "$name: begun beside what follows"
  set -m # in a process group of its own
  (
    trap - EXIT
    renice -n "$niceness" -p $BASHPID >/dev/null
    passed=0 failed=0 ignored=0 summary=()
    "$name"
    declare -p passed failed ignored summary >"$work/$name.counts"
  ) >"$work/$name.said" 2>&1 </dev/null &
  set +m
  asides+=("$name:$!") groups_begun+=($!)
}

await_asides() {
  local job name
  for job in ${asides[@]+"${asides[@]}"}; do
    name=${job%%:*}
    wait "${job#*:}" || true
    cat "$work/$name.said"
    if [ -s "$work/$name.counts" ]; then add_counts "$name"; else failed=$((failed + 1)) summary+=("$name: FAILED (ended by itself)"); fi
  done
  asides=()
}

add_counts() {
  local before=("$passed" "$failed" "$ignored") lines=("${summary[@]}")
  # declare -p would make them this function's own.
  eval "$(sed 's/^declare -[-a]* //' "$work/$1.counts")"
  passed=$((passed + before[0])) failed=$((failed + before[1])) ignored=$((ignored + before[2])) summary=("${lines[@]}" "${summary[@]}")
}

report() {
  echo
  say "summary"
  printf '  %s\n' "${summary[@]}"
  if [ $ignored -gt 0 ]; then
    echo "$passed passed, $failed failed, $ignored skipped"
  else
    echo "$passed passed, $failed failed"
  fi
  [ $failed = 0 ]
}

# finish: whatever happens, nothing that was started here goes on running.
finish() {
  local job run code=$?
  trap - EXIT
  trap '' INT TERM
  for job in ${jobs_begun[@]+"${jobs_begun[@]}"}; do kill "${job#*:}" 2>/dev/null || true; done
  for job in ${groups_begun[@]+"${groups_begun[@]}"}; do kill -- "-$job" 2>/dev/null || true; done
  wait
  for run in "$work/lab" "$work/e2e"; do
    if [ -d "$run" ]; then LARDER_LAB_RUN=$run lab/lab stop || true; fi
  done
  rm -rf "$work"
  exit $code
}

main "$@"
