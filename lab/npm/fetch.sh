# Brings elasticdump versions into $cache/npm/elasticdump-VERSION, by the lock files beside this one.
# Sourced by `lab`.

# fetch_elasticdump VERSION
fetch_elasticdump() {
  local v=$1 dir=$cache/npm/elasticdump-$1
  [ -e "$here/npm/elasticdump-$v/package-lock.json" ] || die "elasticdump $v: the lab has $(elasticdump_versions)"
  if [ ! -x "$dir/node_modules/elasticdump/bin/multielasticdump" ]; then
    say "installing elasticdump $v"
    rm -rf "$dir" "$dir.new"; mkdir -p "$dir.new"
    cp "$here/npm/elasticdump-$v"/package*.json "$dir.new/"
    (cd "$dir.new" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error) >&2
    mv "$dir.new" "$dir"
  fi
  # 4.x dumps no templates, and has no such file.
  case $v in 4.*) ;; *) accept_missing_template "$dir/node_modules/elasticdump/lib/transports/__es__/_template.js" ;; esac
}

elasticdump_versions() { (cd "$here/npm" && echo elasticdump-*) | sed 's/elasticdump-//g'; }

# accept_missing_template FILE: GET /_template/NAME is 404 where no such template exists, and multielasticdump then ends the
# dump of the whole index with an error. The fork that Stash ships answers "no templates"; so does this line. Upstream has
# not taken it (6.125.1 still fails), so it can go when a newer elasticdump dumps an index that has no template.
accept_missing_template() {
  ! grep -q 'statusCode === 404' "$1" || return 0
  sed -i '/this.gotTemplates = true$/a\          if (response \&\& response.statusCode === 404) return callback(null, [])' "$1"
  grep -q 'statusCode === 404' "$1" || die "elasticdump: the place for the 404 line was not found in $1"
}
