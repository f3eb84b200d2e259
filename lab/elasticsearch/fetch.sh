# Brings Elasticsearch and OpenSearch versions into the cache, once, as Maven artifacts.
# Sourced by `lab`. Layout: $cache/elasticsearch/lib/VERSION, complete when .done is there.

# fetch_elasticsearch VERSION[+tls]
fetch_elasticsearch() {
  local v=$1
  locked "elasticsearch-${v%+tls}" fetch_version "${v%+tls}"
  if [[ $v != *+tls ]]; then return; fi
  if [ "$(kind "${v%+tls}")" = core ]; then # x-pack is in already
    locked "elasticsearch-${v%+tls}" complete_x_pack "${v%+tls}"
    return
  fi
  locked "elasticsearch-$v" fetch_version "$v"
}

fetch_version() {
  local v=$1 dir=$cache/elasticsearch/lib/$1
  [ ! -e "$dir/.done" ] || return 0
  say "fetching $v"
  rm -rf "$dir"; mkdir -p "$dir"
  deps "$v" >"$dir/deps"
  pom "$dir/deps" >"$dir/pom.xml"
  mvn -B -q -ntp -f "$dir/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$dir" >&2
  rm -f "$dir"/asm-debug-all-*.jar
  if ls "$dir"/*-7.10.2.jar >/dev/null 2>&1; then relocate "$dir"; fi
  if [[ $v == *+tls ]]; then
    unpack_security "$v" "$dir"
  elif [ "$(kind "$v")" != jars ]; then
    unpack_home "$v" "$dir"
  fi
  touch "$dir/.done"
}

# complete_x_pack VERSION: what its index of roles and keys needs.
complete_x_pack() {
  local dir=$cache/elasticsearch/lib/$1 drop=old
  [ ! -e "$dir/home/modules/lab-AnalysisPlugin" ] || return 0
  at_least "$1" 8.0.0 || drop=new
  install_ours "$1" "$dir" AnalysisPlugin "$drop"
}

# pom FILE: a project that depends on the coordinates in FILE.
pom() {
  local g a ver type
  echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
  echo '<groupId>lab</groupId><artifactId>server</artifactId><version>1</version><packaging>pom</packaging><dependencies>'
  while IFS=: read -r g a ver type; do
    echo "<dependency><groupId>$g</groupId><artifactId>$a</artifactId><version>$ver</version><type>${type:-jar}</type></dependency>"
  done <"$1"
  echo '</dependencies></project>'
}

# relocate DIR: 7.10.2 modules made to link against 7.14.
relocate() {
  local java asm
  java=$(pick_java 7.14.0)
  asm=$(echo "$1"/asm*-7.2.jar | tr ' ' :)
  "$java" -cp "$asm" "$here/elasticsearch/launcher/Relocate.java" "$1"/*-7.10.2.jar
}

# unpack_security VERSION+tls DIR: the plugin that gives TLS and a login.
unpack_security() {
  local v=$1 dir=$2
  if [[ $v == os-* ]]; then
    unzip -q "$dir"/*.zip -d "$dir"
  else
    cp -r "${dir%+tls}/home" "$dir/home"
    unzip -q "$dir"/*.zip -d "$dir/home/plugins/search-guard-6"
    sed -i "s/^elasticsearch.version=.*/elasticsearch.version=${v%+tls}/" \
      "$dir/home/plugins/search-guard-6/plugin-descriptor.properties"
  fi
  rm "$dir"/*.zip
}

# unpack_home VERSION DIR: kinds zip and core.
unpack_home() {
  local v=$1 dir=$2
  unzip -q "$dir"/elasticsearch*"$v.zip" -d "$dir"
  mv "$dir/elasticsearch-$v" "$dir/home"
  install_modules "$v" "$dir"
  if [ "$(kind "$v")" = core ]; then install_root "$v" "$dir"; fi
  rm -f "$dir"/*.zip "$dir"/*.jar
}

# install_modules VERSION DIR: makes module folders of the jars that Maven put in DIR.
install_modules() {
  local v=$1 dir=$2 name class jars jar to
  core_modules "$v" | while read -r name class jars; do
    to=$dir/home/modules/$name; mkdir -p "$to"
    for jar in "$name-client" $jars; do cp "$dir/$jar"-[0-9]*.jar "$to/"; done
    printf '%s\n' "name=$name" "description=$name" "version=$v" "elasticsearch.version=$v" "classname=$class" \
      java.version=1.8 >"$to/plugin-descriptor.properties"
    if [ "$name" = lang-mustache ]; then
      echo 'grant { permission java.lang.RuntimePermission "accessDeclaredMembers"; };' >"$to/plugin-security.policy"
    fi
  done
}

# install_root VERSION DIR: our own module for "GET /", which the integ-test distributions lack from 8.14 on.
install_root() {
  local v=$1 dir=$2 drop=new
  at_least "$v" 8.14.0 || return 0
  if unzip -l "$dir/home/lib/elasticsearch-$v.jar" 'org/elasticsearch/plugins/ActionPlugin$RestHandlersServices.class' \
    >/dev/null; then drop=old; fi
  install_ours "$v" "$dir" RootPlugin "$drop"
}

# install_ours VERSION DIR CLASS [DROP]: a module of ours, lab.CLASS, without the lines that end in `// DROP`.
install_ours() {
  local v=$1 dir=$2 class=$3 drop=${4:-none} to=$2/home/modules/lab-$3 java path
  path=$(echo "$dir/home/lib"/*.jar | tr ' ' :)
  java=$(pick_java "$v")
  rm -rf "$to.new" "$dir/src"
  mkdir -p "$to.new" "$dir/src"
  sed "/{ \/\/ $drop\$/d" "$here/elasticsearch/launcher/$class.java" >"$dir/src/$class.java"
  "${java}c" -nowarn -cp "$path" -d "$dir/src" "$dir/src/$class.java"
  "${java%java}jar" cf "$to.new/lab-$class.jar" -C "$dir/src" lab
  descriptor "$v" "$dir" "$class" >"$to.new/plugin-descriptor.properties"
  mv "$to.new" "$to"
}

# descriptor VERSION DIR CLASS: as that server's own modules have it.
descriptor() {
  local like=$2/home/modules/apm/plugin-descriptor.properties
  if [ -e "$like" ]; then
    sed -e "s/^name=.*/name=lab-$3/; s/^description=.*/description=of the lab/; s/^classname=.*/classname=lab.$3/" \
      -e '/^modulename=/d' "$like"
  else
    printf '%s\n' "name=lab-$3" "description=of the lab" "version=$1" "elasticsearch.version=$1" "classname=lab.$3" java.version=1.8
  fi
}

# launcher: the folder of EsNode.class, compiled once, for Java 8 class files on.
launcher() {
  local out=$cache/elasticsearch/launcher java
  if [ ! "$out/EsNode.class" -nt "$here/elasticsearch/launcher/EsNode.java" ]; then
    java=$(pick_java 7.14.0)
    mkdir -p "$out"
    "${java}c" --release 8 -nowarn -Xlint:-options -d "$out" "$here/elasticsearch/launcher/EsNode.java"
  fi
  echo "$out"
}
