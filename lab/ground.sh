# What every part of the lab stands on: the cache, the run folder, locks, processes.
# Sourced by `lab`. Starts and fetches nothing by itself.

# Downloads and builds are kept here, for all runs and all checkouts.
cache=${LARDER_LAB_CACHE:-$HOME/.cache/larder-lab}

die() { echo "lab: $*" >&2; exit 1; }
say() { echo "lab: $*" >&2; }

# at_least A B: version A >= B
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -1)" = "$2" ]; }

# locked NAME COMMAND...: runs a function or command while no other run of the lab does anything under that name.
# A subshell, so that no server started later inherits the descriptor and with it the lock.
locked() {
  local name=$1; shift
  mkdir -p "$cache/locks"
  (flock 9; "$@" 9>&-) 9>"$cache/locks/${name//\//-}"
}

# run_folder: where this run's servers live; made when nobody named one.
run_folder() {
  if [ -z "${LARDER_LAB_RUN:-}" ]; then
    LARDER_LAB_RUN=$(mktemp -d "${TMPDIR:-/tmp}/larder-lab.XXXXXX")
    say "run folder $LARDER_LAB_RUN (export LARDER_LAB_RUN=$LARDER_LAB_RUN to go on with it)"
  fi
  mkdir -p "$LARDER_LAB_RUN"
  run=$(cd "$LARDER_LAB_RUN" && pwd)
}

# known_run: the run folder of commands that make no sense without one.
known_run() {
  [ -n "${LARDER_LAB_RUN:-}" ] || die "LARDER_LAB_RUN is not set: it must name the run folder that 'lab start' printed"
  [ -d "$LARDER_LAB_RUN" ] || die "LARDER_LAB_RUN: no folder $LARDER_LAB_RUN"
  run=$(cd "$LARDER_LAB_RUN" && pwd)
}

# birth PID: the process's start time in clock ticks, so that a number given out anew is not taken for ours.
birth() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# record FOLDER PID: remembers a process that was just started.
record() { echo "$2 $(birth "$2")" >"$1/pid"; }

# alive FOLDER: whether the process recorded there is still that process and running; prints its PID.
alive() {
  local pid born
  [ -e "$1/pid" ] || return 1
  read -r pid born <"$1/pid"
  [ -n "$born" ] && [ "$(birth "$pid")" = "$born" ] || return 1
  ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null || return 1
  echo "$pid"
}

# end FOLDER: SIGTERM, 20 seconds, SIGKILL; only for what was recorded there.
end() {
  local pid i
  if pid=$(alive "$1"); then
    kill "$pid" 2>/dev/null || true
    for ((i = 0; i < 200; i++)); do alive "$1" >/dev/null || break; sleep 0.1; done
    if alive "$1" >/dev/null; then kill -9 "$pid" 2>/dev/null || true; fi
  fi
  rm -f "$1/pid"
}

# gave_up FOLDER REASON: the end of a start that failed. Shows why, leaves no process behind.
gave_up() {
  echo "--- last lines of $1/log" >&2
  tail -30 "$1/log" >&2 || true
  end "$1"
  die "$(basename "$1") did not start: $2 (log: $1/log)"
}

# free_port [ADDRESS]: a TCP port of 127.0.0.1 or that address, which the kernel has just given out.
free_port() {
  perl -MSocket -e 'my $s; socket($s, PF_INET, SOCK_STREAM, 0) && bind($s, sockaddr_in(0, inet_aton(shift))) or die "$!\n";
    print +(sockaddr_in(getsockname($s)))[0], "\n"' "${1:-127.0.0.1}"
}
