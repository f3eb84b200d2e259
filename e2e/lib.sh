# What all scenarios have in common. Sourced by `run`; a scenario is a file of functions that begin with `test_`.
# Waits are for facts, each with an end after which the scenario has failed.

# How long something in the cluster may take.
patience=${LARDER_E2E_PATIENCE:-180}

k() { kubectl -n "$ns" "$@"; }

# fail WHAT: says what is not so, and what the namespace looks like: those that have not succeeded, in few lines.
fail() {
  echo "  FAILED: $*" >&2
  if [ -n "${ns:-}" ]; then
    {
      k get backupsessions,restoresessions -o json | jq -r '.items[] | select(.status.phase != "Succeeded") |
        "\(.kind) \(.metadata.name): \(.status | tostring)"' | cut -c1-1500 | head -5
      k get backupconfigurations,repositories,jobs,pods --no-headers | awk '!/Ready|Complete/' | head -20
      k get events --sort-by=.metadata.creationTimestamp | grep -v Normal | tail -8
      kubectl -n "$operator_ns" logs deploy/larder -c operator --tail=10 | cut -c1-400
    } 2>&1 | sed 's/^/    /' >&2
  fi
  return 1
}

# namespace NAME: a namespace in which only restricted pods may run; it is the scenario's.
namespace() {
  ns=$1
  kubectl delete namespace "$ns" --ignore-not-found --wait >/dev/null
  # What an earlier run saved.
  rm -rf "${E2E_BUCKET:?}/e2e/$ns" "${E2E_BUCKET:?}/$ns"
  kubectl create namespace "$ns" >/dev/null
  kubectl label namespace "$ns" pod-security.kubernetes.io/enforce=restricted >/dev/null
}

# served NAME PORT ADDRESS: a server of the machine at HOST:PORT, under a name in the cluster.
served() {
  local name=$1 port=$2 host=${3%:*} real=${3##*:}
  k apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Service
metadata: {name: $name}
spec: {ports: [{port: $port, targetPort: $real}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: $name-1, labels: {kubernetes.io/service-name: $name}}
addressType: IPv4
ports: [{port: $real}]
endpoints: [{addresses: [$host]}]
YAML
}

# field KIND NAME JSONPATH: empty where there is no such object.
field() { k get "$1" "$2" -o "jsonpath=$3" 2>/dev/null || true; }

# await WHAT SECONDS COMMAND...: until the command succeeds.
await() {
  local what=$1 end=$((SECONDS + $2)); shift 2
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $end ]; then fail "it did not come to this: $what"; return 1; fi
    sleep 0.5
  done
}

# is KIND NAME JSONPATH VALUE...: whether a field has one of the values.
is() {
  local found value; found=$(field "$1" "$2" "$3"); shift 3
  for value; do [ "$found" != "$value" ] || return 0; done
  return 1
}

# becomes KIND NAME PHASE: waits for the phase; another final one ends the wait.
becomes() {
  local kind=$1 name=$2 phase=$3 found end=$((SECONDS + patience))
  while :; do
    found=$(field "$kind" "$name" '{.status.phase}')
    [ "$found" != "$phase" ] || return 0
    case $found in Succeeded | Failed | Skipped | Invalid | Unknown) break ;; esac
    [ $SECONDS -lt $end ] || break
    sleep 0.5
  done
  fail "$kind $name is ${found:-without phase}, not $phase: $(k get "$kind" "$name" -o jsonpath='{.status}' 2>&1 | cut -c1-1500)"
}

# condition KIND NAME TYPE STATUS [WORDS]: waits for a condition, and for what its message says.
condition() {
  local path="{.status.conditions[?(@.type==\"$3\")]"
  await "$1 $2: $3 is $4" "$patience" is "$1" "$2" "$path.status}" "$4" || return 1
  [ $# -lt 5 ] || has "$(field "$1" "$2" "$path.message}")" "$5"
}

# has TEXT PART
has() { case $1 in *"$2"*) ;; *) fail "\"$2\" is not in: ${1:0:1500}" ;; esac; }

# hasnt TEXT PART
hasnt() { case $1 in *"$2"*) fail "\"$2\" is in: ${1:0:1500}" ;; esac; }

# equal WHAT FOUND WANTED
equal() { [ "$2" = "$3" ] || fail "$1: found ${2:0:600}, wanted ${3:0:600}"; }

# event OBJECT REASON WORDS: waits for an event about an object.
event() {
  told() { k get events --field-selector "involvedObject.name=$1" -o jsonpath='{range .items[*]}{.reason}: {.message}{"\n"}{end}' | grep -F "$2" | grep -qF "$3"; }
  await "an event $2 about $1 that says \"$3\"" 60 told "$1" "$2" "$3"
}

# session NAME [INVOKER] [KIND]: begins a backup by hand.
session() {
  k apply -f - >/dev/null <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: BackupSession
metadata:
  name: $1
  labels: {stash.appscode.com/invoker-name: ${2:-es}, stash.appscode.com/invoker-type: ${3:-BackupConfiguration}}
spec: {invoker: {apiGroup: stash.appscode.com, kind: ${3:-BackupConfiguration}, name: ${2:-es}}}
YAML
}

# --- Elasticsearch ---------------------------------------------------------------------------------------------------------

# es METHOD PATH [BODY]: asks the plain Elasticsearch.
es() { curl -fsS -X "$1" "http://$E2E_ES/$2" -H 'content-type: application/json' ${3+--data-binary "$3"}; }

# filled INDEX DOCUMENTS [plain]: an index with documents whose numbers and texts are hard to keep; plain: such as multielasticdump
# keeps too.
filled() {
  local index=$1 many=$2 hard='"big": 18446744073709551615, "price": %d.10, "e":1E2, '
  [ "${3:-}" != plain ] || hard=

  es PUT "$index" '{"settings":{"number_of_replicas":0},"mappings":{"properties":{"at":{"type":"date"},"big":{"type":"keyword"}}}}' >/dev/null
  local answer
  answer=$(seq 1 "$many" | awk -v index_="$index" -v hard="$hard" '{
    printf "{\"index\":{\"_index\":\"%s\",\"_id\":\"d%d\",\"routing\":\"r%d\"}}\n", index_, $1, $1 % 3
    # As multielasticdump writes it down again.
    if (hard == "") { printf "{\"n\":%d,\"text\":\"a \\\"quoted\\\" täxt\"}\n", $1; next }
    of = hard; gsub("%d", $1, of)
    printf "{\"n\": %d, " of "\"text\":\"a \\\"quoted\\\" t\\u00e4xt %d\", \"at\":\"2022-01-%02dT00:00:00Z\"}\n", $1, $1, $1 % 28 + 1 }' |
    curl -fsS -X POST "http://$E2E_ES/_bulk?refresh=true" -H 'content-type: application/x-ndjson' --data-binary @-)
  case $answer in *'"errors":false'*) ;; *) fail "index $index was not filled: ${answer:0:300}" ;; esac
}

# content INDEX: every document with its routing, byte by byte, and the definitions.
content() {
  es POST "$1/_refresh" >/dev/null
  es POST "$1/_search?size=10000" '{"sort":["n"],"stored_fields":["_routing"],"_source":true}' | sed -E 's/^\{"took":[0-9]+,//; s/"_index":"[^"]*"//g'
  es GET "$1/_mapping" | sed -E 's/^\{"[^"]*"//'
}

# --- manifests -------------------------------------------------------------------------------------------------------------

# storage: the Secret that opens a bucket.
storage() {
  k apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Secret
metadata: {name: storage}
stringData: {RESTIC_PASSWORD: e2e-$ns, AWS_ACCESS_KEY_ID: $E2E_S3_KEY, AWS_SECRET_ACCESS_KEY: $E2E_S3_SECRET}
YAML
}

# repository [NAME]: a bucket's folder of this namespace's own.
repository() {
  k apply -f - >/dev/null <<YAML
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: ${1:-store}}
spec:
  backend:
    s3: {endpoint: "http://minio.$ns.svc:9000", bucket: larder, region: us-east-1, prefix: e2e/$ns}
    storageSecretName: storage
YAML
}

# binding: the plain Elasticsearch, without a login.
binding() {
  k apply -f - >/dev/null <<YAML
apiVersion: appcatalog.appscode.com/v1alpha1
kind: AppBinding
metadata: {name: es}
spec:
  type: kubedb.com/elasticsearch
  version: 7.14.0
  clientConfig: {service: {scheme: http, name: elasticsearch, port: 9200}}
YAML
}

# configuration [NAME] [FURTHER YAML of spec]: never by itself.
configuration() {
  local further=${2:-'  task: {name: elasticsearch-backup-7.14.0}'}
  k apply -f - >/dev/null <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: BackupConfiguration
metadata: {name: ${1:-es}}
spec:
  schedule: "0 0 31 2 *"
  repository: {name: store}
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: es}}
  retentionPolicy: {name: last-five, keepLast: 5, prune: true}
$further
YAML
}

# two: a second AppBinding of the same database.
two() { binding; k get appbinding es -o json | jq 'del(.metadata.uid, .metadata.resourceVersion) | .metadata.name = "es-two"' | k apply -f - >/dev/null; }

# batch FIRST SECOND [FURTHER YAML of spec]: both in one BackupBatch, with these arguments.
batch() {
  k apply -f - >/dev/null <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: BackupBatch
metadata: {name: both}
spec:
  schedule: "0 0 31 2 *"
  repository: {name: store}
  retentionPolicy: {name: last-five, keepLast: 5, prune: true}
  members:
  - target: {alias: one, ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: es}}
    task: {name: elasticsearch-backup-7.14.0, params: [{name: args, value: '$1'}]}
  - target: {alias: two, ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: es-two}}
    task: {name: elasticsearch-backup-7.14.0, params: [{name: args, value: '$2'}]}
${3:-}
YAML
}

# restore NAME [FURTHER YAML of spec]
restore() {
  local further=${2:-'  task: {name: elasticsearch-restore-7.14.0}'}
  k apply -f - >/dev/null <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: RestoreSession
metadata: {name: $1}
spec:
  repository: {name: store}
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: es}}
$further
YAML
}

# everything NAME: a namespace with all that a backup needs, ready.
everything() {
  namespace "$1"
  served elasticsearch 9200 "$E2E_ES"
  served minio 9000 "$E2E_S3"
  storage; repository; binding; configuration
  becomes backupconfiguration es Ready
}

# --- hooks -----------------------------------------------------------------------------------------------------------------

# bystander: a pod beside the database that takes commands and requests, and writes down what it is told. The database's Service leads
# to the real one; its pod is this one.
bystander() {
  kubectl label namespace "$ns" pod-security.kubernetes.io/enforce=baseline --overwrite >/dev/null
  k apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: bystander, labels: {app: bystander}}
spec:
  containers:
  - {name: other, image: localhost/busybox:1, command: [sleep, "100000"]}
  - name: elasticsearch
    image: localhost/busybox:1
    ports: [{name: http, containerPort: 8080}]
    command:
    - sh
    - -c
    - |
      mkdir -p /tmp/www/cgi-bin; echo fine >/tmp/www/index.html
      printf '#!/bin/sh\ncat >>/tmp/room; echo >>/tmp/room; printf "Status: 200 OK\\r\\n\\r\\nheard\\n"' >/tmp/www/cgi-bin/room
      printf '#!/bin/sh\nprintf "Status: 503 Busy\\r\\n\\r\\nthe room is closed\\n"' >/tmp/www/cgi-bin/closed
      chmod +x /tmp/www/cgi-bin/*
      exec httpd -f -p 8080 -h /tmp/www
---
apiVersion: v1
kind: Service
metadata: {name: chat}
spec: {selector: {app: bystander}, ports: [{port: 8080}]}
YAML
  k wait --for=condition=ready pod/bystander --timeout=60s >/dev/null
  k patch endpointslice elasticsearch-1 --type=json \
    -p '[{"op":"add","path":"/endpoints/0/targetRef","value":{"kind":"Pod","name":"bystander"}}]' >/dev/null
}

inside() { k exec bystander -c elasticsearch -- "$@"; }
