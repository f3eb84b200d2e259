# Starts one rest-server, restic's own way to keep a repository elsewhere. Without a login.
# Sourced by `lab`.

# start_rest_server FOLDER PORT ADDRESS
start_rest_server() {
  locked rest-server fetch_rest_server
  serve "$1" "$2" "$3" 'start server on' /metrics become_rest_server
}

# /metrics is what it answers without a repository.
become_rest_server() {
  exec setsid "$cache/bin/rest-server" --path "$1/data" --no-auth --prometheus --prometheus-no-auth --listen "$2"
}
