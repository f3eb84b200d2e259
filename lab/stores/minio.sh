# Starts one MinIO server.
# Sourced by `lab`. User and password are those that `lab env` tells the tests.

minio_user=labadmin
minio_password=labsecret123

# start_minio FOLDER PORT ADDRESS [disk=SIZE]: on a disk of that size (64m), which it alone sees and which goes with it; needs root.
start_minio() {
  local node=$1 port=$2 address=$3 size=''; shift 3
  case "$#:${1:-}" in
    0:) ;;
    1:disk=*) size=${1#disk=} ;;
    *) die "minio takes one setting, disk=SIZE" ;;
  esac
  locked minio fetch_minio
  serve "$node" "$port" "$address" '^API: ' /minio/health/ready become_minio "$size"
}

become_minio() {
  export MINIO_ROOT_USER=$minio_user MINIO_ROOT_PASSWORD=$minio_password MINIO_BROWSER=off
  if [ -z "$3" ]; then exec setsid "$cache/bin/minio" server --address "$2" "$1/data"; fi
  # shellcheck disable=SC2016 # for the inner shell
  exec unshare --mount sh -ec 'mount -t tmpfs -o "size=$1" small "$2"; shift; exec setsid "$2" server --address "$3" "$1"' \
    - "$3" "$1/data" "$cache/bin/minio" "$2"
}
