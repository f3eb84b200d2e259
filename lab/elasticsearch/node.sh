# Starts one Elasticsearch or OpenSearch node in a folder of its own and waits until it answers.
# Sourced by `lab`. Everything of the node (configuration, data, log, process) is in that folder; see `start_elasticsearch`.
# Environment: ES_HEAP (512m), ES_JAVA (java binary), ES_JAVA_OPTS, ES_WAIT (seconds to wait for an answer, 240).

# start_elasticsearch FOLDER VERSION[+tls] PORT ADDRESS NAMES [setting=value]...
# PORT 0: the kernel picks one when the server binds, so nobody else can take it in between.
# ADDRESS: where HTTP listens; nodes talk to each other on 127.0.0.1. NAMES: further ones that the certificate is good for.
# Prints nothing; leaves FOLDER/pid and FOLDER/url.
start_elasticsearch() {
  local node=$1 v=${2%+tls} tls=${2#"${2%+tls}"} port=$3 address=$4 names=$5; shift 5
  fetch_elasticsearch "$v$tls"
  locked launcher launcher >/dev/null
  if [ -n "$tls" ]; then locked "tls-${run//\//_}" lab_authority; fi
  rm -rf "$node"
  mkdir -p "$node/conf" "$node/tmp" "$node/home/modules" "$node/home/plugins" "$node/data" "$node/logs" "$run/repo"
  if [ "$(kind "$v")" = core ]; then cp -r "$cache/elasticsearch/lib/$v/home/config"/* "$node/conf/"; fi
  cp "$here/elasticsearch/log4j2.properties" "$node/conf/"
  settings "$node" "$v" "$tls" "$port" "$address" "$names" "$@" | last_wins >"$node/conf/$(product "$v").yml"
  run_node "$node" "$v" "$tls" "$address"
}

# revive_elasticsearch FOLDER VERSION: a node without TLS that ended goes on, with its settings and data, at the port that it had.
revive_elasticsearch() {
  local node=$1 v=$2 port
  port=$(sed 's/.*://' "$node/url")
  sed -i "s/^http.port: .*/http.port: $port/" "$node/conf/$(product "$v").yml"
  rm -f "$node"/logs/*.ports "$node/url"
  run_node "$node" "$v" '' 127.0.0.1
}

# run_node FOLDER VERSION TLS ADDRESS: starts the process on what is in the folder and waits until it answers.
run_node() {
  become_node "$1" "$2" "$3" >>"$1/log" 2>&1 </dev/null &
  record "$1" $!
  await_node "$1" "$3" "$4"
}

product() { if [[ $1 == os-* ]]; then echo opensearch; else echo elasticsearch; fi; }

# settings FOLDER VERSION TLS PORT ADDRESS NAMES [setting=value]...: the node's configuration file.
settings() {
  local node=$1 v=$2 tls=$3 port=$4 address=$5 names=$6 transport=transport.port kv; shift 6
  if [[ $v != os-* ]] && ! at_least "$v" 7.0.0; then transport=transport.tcp.port; fi
  echo "cluster.name: lab"
  echo "node.name: $(basename "$node")"
  echo "node.portsfile: true"
  echo "path.data: $node/data"
  echo "path.logs: $node/logs"
  echo "path.repo: $run/repo" # snapshot repositories of type fs; common to all nodes of this run
  echo "network.host: 127.0.0.1"
  if [ "$address" != 127.0.0.1 ]; then echo "http.host: $address"; fi
  echo "http.port: $port"
  echo "$transport: 0"
  echo "cluster.routing.allocation.disk.threshold_enabled: false"
  # The serial collector waits until the heap is full, and garbage would count as memory in use: the breaker would refuse
  # everything, and then nothing allocates, so nothing collects.
  if [[ $v == os-* ]] || at_least "$v" 7.0.0; then echo "indices.breaker.total.use_real_memory: false"; fi
  case " $*" in *discovery.*) ;; *) echo "discovery.type: single-node" ;; esac
  if [ -n "$tls" ]; then
    secure "$v" "$node/conf" "IP:$address${names:+,$names}"
  elif [ "$(kind "$v")" = core ]; then
    echo "xpack.security.enabled: false"
  fi
  for kv in "$@"; do echo "${kv%%=*}: ${kv#*=}"; done
}

# last_wins: of several lines with one key, the last, at the place of the first.
last_wins() {
  awk -F': ' '!($1 in v) {k[++n] = $1} {v[$1] = $0} END {for (i = 1; i <= n; i++) print v[k[i]]}'
}

# become_node FOLDER VERSION TLS: replaces this shell by the server process.
become_node() {
  local node=$1 v=$2 tls=$3 lib java heap=${ES_HEAP:-512m} o opts user=()
  lib=$cache/elasticsearch/lib/$v
  java=$(pick_java "$v") || exit 1
  # shellcheck disable=SC2206 # ES_JAVA_OPTS is a list of words
  opts=(-Xms"$heap" -Xmx"$heap" -XX:+UseSerialGC -Dio.netty.noUnsafe=true
    -Djava.io.tmpdir="$node/tmp" -Dlog4j2.disable.jmx=true -Dlog4j2.formatMsgNoLookups=true
    -Des.distribution.flavor=oss -Des.distribution.type=zip ${ES_JAVA_OPTS:-})
  for o in java.lang java.io java.nio java.util sun.nio.ch; do opts+=(--add-opens "java.base/$o=ALL-UNNAMED"); done
  # Elasticsearch refuses uid 0: give it another one in a user namespace of its own (the files stay root's).
  if [ "$(id -u)" = 0 ]; then user=(unshare --user --map-user=1000 --map-group=1000); fi
  cd "$node"
  case $(kind "$v") in
    zip)
      [ -z "$tls" ] || lib=$lib+tls
      opts+=(-Djava.security.manager=allow -Des.path.home="$lib/home" -Des.path.conf="$node/conf" -cp "$lib/home/lib/*")
      exec setsid "${user[@]}" "$java" "${opts[@]}" org.elasticsearch.bootstrap.Elasticsearch
      ;;
    core)
      export ES_PATH_CONF=$node/conf ES_JAVA_HOME ES_JAVA_OPTS="-Xms$heap -Xmx$heap ${ES_JAVA_OPTS:-}" ES_TMPDIR=$node/tmp
      ES_JAVA_HOME=${java%/bin/java}
      exec setsid "${user[@]}" "$lib/home/bin/elasticsearch"
      ;;
    jars)
      opts+=(-Dlog4j2.configurationFile="$node/conf/log4j2.properties" -cp "$(launcher):$lib/*${tls:+:$lib+tls/*}")
      exec setsid "${user[@]}" "$java" "${opts[@]}" EsNode "$node/home" "$node/conf" \
        ${tls:+org.opensearch.security.OpenSearchSecurityPlugin}
      ;;
  esac
}

# await_node FOLDER TLS ADDRESS: until the cluster is yellow; writes FOLDER/url as soon as the port is known.
await_node() {
  local node=$1 tls=$2 address=$3 ports=$1/logs/http.ports end url='' scheme=http curl=(curl -fsS --max-time 10)
  end=$((SECONDS + ${ES_WAIT:-240}))
  if [ -n "$tls" ]; then scheme=https; curl+=(--cacert "$run/tls/ca.crt" -u admin:admin); fi
  while :; do
    if [ -z "$url" ] && [ -s "$ports" ]; then url=$scheme://$(grep -m1 "^$address:" "$ports"); echo "$url" >"$node/url"; fi
    if [ -n "$url" ] && "${curl[@]}" "$url/_cluster/health?wait_for_status=yellow&timeout=2s" >/dev/null 2>&1; then return; fi
    alive "$node" >/dev/null || gave_up "$node" "the process ended"
    [ $SECONDS -lt $end ] || gave_up "$node" "no answer in ${ES_WAIT:-240} s"
    sleep 0.3
  done
}
