# Starts one MinIO server in a folder of its own and waits until it is ready.
# Sourced by `lab`. User and password are those that `lab env` tells the tests.

minio_user=labadmin
minio_password=labsecret123

# start_minio FOLDER PORT: PORT 0 lets the kernel choose. MinIO cannot bind port 0 itself, so the number may be taken by
# somebody else before it does: then the next one is tried.
start_minio() {
  local node=$1 port=$2 try
  locked minio fetch_minio
  for try in 1 2 3 4 5; do
    [ "$2" != 0 ] || port=$(free_port)
    rm -rf "$node"; mkdir -p "$node/data"
    MINIO_ROOT_USER=$minio_user MINIO_ROOT_PASSWORD=$minio_password MINIO_BROWSER=off \
      setsid "$cache/bin/minio" server --address "127.0.0.1:$port" "$node/data" >"$node/log" 2>&1 </dev/null &
    record "$node" $!
    if await_minio "$node" "http://127.0.0.1:$port"; then return; fi
    [ "$2" = 0 ] && [ $try -lt 5 ] && grep -qi 'already in use' "$node/log" || gave_up "$node" "it is not ready"
  done
}

# await_minio FOLDER URL: whether it became ready before it died or a minute passed.
await_minio() {
  local node=$1 url=$2 end=$((SECONDS + 60))
  # Its own word first: on a port that is taken, the health of somebody else's server would be asked.
  until grep -q '^API: ' "$node/log" && curl -fsS --max-time 5 "$url/minio/health/ready" >/dev/null 2>&1; do
    if ! alive "$node" >/dev/null || [ $SECONDS -ge $end ]; then return 1; fi
    sleep 0.1
  done
  echo "$url" >"$node/url"
}
