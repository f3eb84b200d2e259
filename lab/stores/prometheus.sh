# Starts one Pushgateway or one Prometheus; makes the Pushgateway's image.
# Sourced by `lab`.

# start_pushgateway FOLDER PORT ADDRESS
start_pushgateway() {
  locked pushgateway fetch_pushgateway
  serve "$1" "$2" "$3" 'listening on' /-/ready become_pushgateway
}

become_pushgateway() {
  exec setsid "$cache/bin/pushgateway" --web.listen-address="$2" --web.enable-admin-api --persistence.file="$1/data/metrics"
}

# start_prometheus FOLDER PORT ADDRESS [config=FILE]: without a file, it scrapes nothing. Reads the file again at POST /-/reload.
start_prometheus() {
  local node=$1 port=$2 address=$3 config=''; shift 3
  case "$#:${1:-}" in
    0:) ;;
    1:config=*) config=$(realpath -e "${1#config=}") || die "prometheus: no file ${1#config=}" ;;
    *) die "prometheus takes one setting, config=FILE" ;;
  esac
  locked prometheus fetch_prometheus
  serve "$node" "$port" "$address" 'listening on' /-/ready become_prometheus "$config"
}

become_prometheus() {
  local config=$3
  if [ -z "$config" ]; then
    config=$1/prometheus.yml
    echo 'global: {scrape_interval: 1s}' >"$config"
  fi
  cd "$1"
  exec setsid "$cache/bin/prometheus" --config.file="$config" --storage.tsdb.path="$1/data" --web.listen-address="$2" \
    --web.enable-lifecycle
}

# pushgateway_image FILE: an archive of localhost/pushgateway:VERSION, with the program where the official image has it.
pushgateway_image() {
  local root
  locked pushgateway fetch_pushgateway
  root=$(mktemp -d "${TMPDIR:-/tmp}/larder-lab.XXXXXX")
  (
    umask 022
    mkdir -p "$root/image"/{bin,tmp}
    chmod 1777 "$root/image/tmp"
    cp "$cache/bin/pushgateway" "$root/image/bin/"
    "$here/../image/oci.sh" --name "localhost/pushgateway:v$pushgateway_version" --user 65534 --output "$1" "$root/image" \
      -- /bin/pushgateway
  )
  rm -rf "$root"
}
