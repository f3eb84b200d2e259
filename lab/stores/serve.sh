# Starts a server of one process in a folder of its own and waits until it is ready.
# Sourced by `lab`.

# serve FOLDER PORT ADDRESS WORD PATH FUNCTION [ARGUMENT]...: FUNCTION FOLDER ADDRESS:PORT [ARGUMENT]... becomes the server. It is
# ready when it has written WORD to its log and answers PATH: on a port that is taken, somebody else's server would answer.
# PORT 0 lets the kernel choose. Few servers can bind port 0 themselves, so the number may be taken by somebody else before
# they do: then the next one is tried.
serve() {
  local node=$1 port=$2 address=$3 word=$4 path=$5 become=$6 chosen=$2 try; shift 6
  for try in 1 2 3 4 5; do
    [ "$chosen" != 0 ] || port=$(free_port "$address")
    rm -rf "$node"; mkdir -p "$node/data"
    "$become" "$node" "$address:$port" "$@" >"$node/log" 2>&1 </dev/null &
    record "$node" $!
    if is_served "$node" "$word" "http://$address:$port$path"; then
      echo "http://$address:$port" >"$node/url"
      return
    fi
    if [ "$chosen" != 0 ] || [ "$try" = 5 ] || ! grep -qi 'already in use' "$node/log"; then gave_up "$node" "it is not ready"; fi
  done
}

# is_served FOLDER WORD URL: whether it became ready before it ended or a minute passed.
is_served() {
  local node=$1 word=$2 url=$3 end=$((SECONDS + 60))
  until grep -qi "$word" "$node/log" && curl -fsS --max-time 5 "$url" >/dev/null 2>&1; do
    if ! alive "$node" >/dev/null || [ $SECONDS -ge $end ]; then return 1; fi
    sleep 0.1
  done
}
