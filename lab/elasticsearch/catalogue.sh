# Which Elasticsearch and OpenSearch versions there are, of what they are made, and what Java they need.
# Sourced by `lab`. Pure look-ups: nothing is fetched or started here. README.md says why the table looks as it does.
# A version is written 6.8.0 for Elasticsearch, os-2.19.1 for OpenSearch; +tls behind it means HTTPS and a login.

# kind VERSION: how the server is put together and started.
#   zip    the full official distribution (5.6.4, 6.2.4, 6.5.3, 6.8.0)
#   core   the official "integ-test" distribution: server, transport-netty4, x-pack-core and x-pack-security
#          (7.17, 8.x, 9.x); fetch adds the modules that Elastic publishes as jars
#   jars   server and module jars on one class path, run by launcher/EsNode.java (the rest, and OpenSearch)
kind() {
  case $1 in
    5.6.4 | 6.2.4 | 6.5.3 | 6.8.0) echo zip ;;
    7.17.* | 8.* | 9.*) echo core ;;
    *) echo jars ;;
  esac
}

# deps VERSION[+tls]: Maven coordinates group:artifact:version[:type], one a line.
deps() {
  local v=$1 m
  case $v in
    os-*+tls) v=${v#os-}; echo "org.opensearch.plugin:opensearch-security:${v%+tls}.0:zip"; return ;;
    6.8.0+tls) echo com.floragunn:search-guard-6:6.8.2-25.5:zip; return ;; # none for 6.8.0, this one serves
    *+tls) die "no TLS for ${v%+tls}: only 6.8.0, 7.17 and later, OpenSearch" ;;
  esac
  case $(kind "$v") in
    zip)
      if [[ $v == 6.[3-9]* ]]; then m=elasticsearch-oss; else m=elasticsearch; fi
      echo "org.elasticsearch.distribution.zip:$m:$v:zip"
      ;;
    core)
      echo "org.elasticsearch.distribution.integ-test-zip:elasticsearch:$v:zip"
      core_modules "$v" | while read -r m _; do echo "org.elasticsearch.plugin:$m-client:$v"; done
      ;;
    jars)
      if [[ $v == os-* ]]; then opensearch_jars "${v#os-}"; else elasticsearch_jars "$v"; fi
      echo org.locationtech.jts:jts-core:1.15.0
      echo org.locationtech.spatial4j:spatial4j:0.7
      ;;
  esac
}

# The server's POM brings Lucene etc.; log4j-core, jts and spatial4j are optional there, so they are named.
opensearch_jars() {
  local v=$1 m log4j=2.21.0
  at_least "$v" 2.0.0 || log4j=2.17.1
  ! at_least "$v" 3.0.0 || log4j=2.25.3
  echo "org.opensearch:opensearch:$v"
  for m in aggs-matrix-stats-client analysis-common ingest-common ingest-user-agent lang-expression \
    lang-mustache-client lang-painless mapper-extras-client parent-join-client percolator-client rank-eval-client \
    reindex-client repository-url transport-netty4-client; do
    echo "org.opensearch.plugin:$m:$v"
  done
  if at_least "$v" 2.0.0; then
    echo "org.opensearch.plugin:geo:$v"
    echo "org.opensearch.plugin:opensearch-scripting-painless-spi:$v"
  fi
  log4j_jars "$log4j"
}

elasticsearch_jars() {
  local v=$1 m log4j=2.17.1 codelibs=$1
  at_least "$v" 7.16.0 || log4j=2.11.1
  at_least "$v" 6.4.0 || log4j=2.9.1
  echo "org.elasticsearch:elasticsearch:$v"
  # These two bring the modules that Elastic publishes: transport-netty4, reindex, lang-mustache, parent-join,
  # percolator, rank-eval, mapper-extras, aggs-matrix-stats.
  echo "org.elasticsearch.client:transport:$v"
  echo "org.elasticsearch.client:elasticsearch-rest-high-level-client:$v"
  # CodeLibs publishes the others, unchanged, up to 7.10.2, which also serves 7.14 (launcher/Relocate.java).
  if at_least "$v" 7.10.3; then codelibs=7.10.2; fi
  for m in analysis-common ingest-common lang-expression lang-painless repository-url; do
    echo "org.codelibs.elasticsearch.module:$m:$codelibs"
  done
  at_least "$v" 7.4.0 || echo "org.codelibs.elasticsearch.module:mapper-extras:$v"
  if at_least "$v" 6.7.0; then echo "org.codelibs.elasticsearch.module:ingest-user-agent:$codelibs"; fi
  # Painless and expressions want different ASM versions; on one class path both work with this one.
  for m in asm asm-analysis asm-commons asm-tree asm-util; do echo "org.ow2.asm:$m:7.2"; done
  log4j_jars "$log4j"
}

log4j_jars() {
  echo "org.apache.logging.log4j:log4j-api:$1"
  echo "org.apache.logging.log4j:log4j-core:$1"
}

# core_modules VERSION: "module class jar..." lines, for kind core. Elastic stopped publishing these at 7.17.
core_modules() {
  [[ $1 == 7.17.* ]] || return 0
  cat <<'MODULES'
aggs-matrix-stats org.elasticsearch.search.aggregations.matrix.MatrixAggregationPlugin
lang-mustache org.elasticsearch.script.mustache.MustachePlugin compiler
mapper-extras org.elasticsearch.index.mapper.MapperExtrasPlugin
parent-join org.elasticsearch.join.ParentJoinPlugin
percolator org.elasticsearch.percolator.PercolatorPlugin
rank-eval org.elasticsearch.index.rankeval.RankEvalPlugin
reindex org.elasticsearch.reindex.ReindexPlugin elasticsearch-rest-client elasticsearch-ssl-config httpasyncclient httpclient httpcore httpcore-nio commons-codec commons-logging
MODULES
}

# pick_java VERSION: the java of a JDK that this server runs on; ES_JAVA overrides.
# Elasticsearch 9 and OpenSearch 3 need 21 or newer; the older ones want a security manager, gone in Java 24.
pick_java() {
  local low=17 high=23 default j n
  if [ -n "${ES_JAVA:-}" ]; then echo "$ES_JAVA"; return; fi
  case $1 in 9.* | os-3.*) low=21 high=99 ;; esac
  default=$(readlink -f "$(command -v java || echo /usr/bin/java)")
  for j in "$default" "$(dirname "$default")"/../../*/bin/java /usr/lib/jvm/*/bin/java; do
    [ -x "$j" ] && [ -x "${j}c" ] || continue
    n=$("$j" -XshowSettings:properties -version 2>&1 | sed -n 's/.*java.specification.version = //p')
    if [ "${n%%.*}" -ge $low ] && [ "${n%%.*}" -le $high ]; then readlink -f "$j"; return; fi
  done
  say "$1 needs a JDK $low to $high and none was found: 'lab install', or set ES_JAVA to its java"
  return 1
}
