# Other stores, other ways to the database, other namespaces.

# round NAME [FURTHER YAML] [SESSION]: a backup and a restore of index $1-a; the documents are the same.
round() {
  local before session=${3:-one}; before=$(content "$1-a")
  session "$session"
  becomes backupsession "$session" Succeeded
  es DELETE "$1-a" >/dev/null
  restore back "${2:-}"
  becomes restoresession back Succeeded
  equal "the documents" "$(content "$1-a")" "$before"
}

only() { echo "  task: {name: elasticsearch-$1-7.14.0, params: [{name: args, value: \"--match=^$2-\"}]}"; }

test_a_rest_server() {
  namespace e2e-rest
  served elasticsearch 9200 "$E2E_ES"; served rest 8000 "$E2E_REST"
  es DELETE 'rest-*' >/dev/null; filled rest-a 100
  storage; binding
  k apply -f - >/dev/null <<YAML
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: store}
spec: {backend: {rest: {url: "http://rest.$ns.svc:8000/$ns"}, storageSecretName: storage}}
YAML
  configuration es "$(only backup rest)"
  becomes backupconfiguration es Ready
  round rest "$(only restore rest)"
  equal "the Repository's integrity" "$(field repository store '{.status.integrity}')" true
}

test_a_volume() {
  namespace e2e-volume-store
  served elasticsearch 9200 "$E2E_ES"
  es DELETE 'volume-*' >/dev/null; filled volume-a 100
  storage; binding
  k apply -f - >/dev/null <<YAML
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: backups}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: store}
spec:
  backend:
    local: {mountPath: /safe/data, persistentVolumeClaim: {claimName: backups}}
    storageSecretName: storage
YAML
  configuration es "$(only backup volume)"
  becomes backupconfiguration es Ready
  round volume "$(only restore volume)"
}

test_an_interim_volume_is_made_mounted_and_goes_with_its_session() {
  everything e2e-interim
  es DELETE 'interim-*' >/dev/null; filled interim-a 100
  configuration es "$(only backup interim)
  interimVolumeTemplate: {metadata: {name: room}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}"
  session one
  becomes backupsession one Succeeded
  equal "whose the claim is" "$(field persistentvolumeclaim one-room '{.metadata.ownerReferences[0].name}')" one
  equal "where it is mounted" "$(field job stash-backup-one-0 '{.spec.template.spec.initContainers[0].volumeMounts[?(@.name=="stash-interim-volume")].mountPath}')" \
    /stash-interim-volume
  k delete backupsession one >/dev/null
  gone() { ! k get persistentvolumeclaim one-room; }
  await "that the claim is gone" 60 gone

  k patch backupconfiguration es --type=merge -p '{"spec":{"task":{"params":[{"name":"args","value":"--match=^interim-"},{"name":"staging","value":"volume"}]}}}' >/dev/null
  round interim "$(only restore interim)" two
}

# secured METHOD PATH [BODY]: asks the Elasticsearch with TLS.
secured() { curl -fsS --cacert "$E2E_CA" -u admin:admin -X "$1" "https://$E2E_SECURED/$2" -H 'content-type: application/json' ${3+--data-binary "$3"}; }

# secured_binding NAME CA_FILE KEYS [FURTHER YAML of spec]: the Elasticsearch with TLS, and a Secret with these keys.
secured_binding() {
  k apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Secret
metadata: {name: $1}
stringData: $3
---
apiVersion: appcatalog.appscode.com/v1alpha1
kind: AppBinding
metadata: {name: $1}
spec:
  type: kubedb.com/elasticsearch
  secret: {name: $1}
  clientConfig: {service: {scheme: https, name: secured, port: 9200}, caBundle: $(base64 -w0 <"$2"), serverName: secured.e2e.test}
${4:-}
YAML
}

# saves BINDING PREFIX: a configuration of the binding's name, for the indices that begin so.
saves() {
  k apply -f - >/dev/null <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: BackupConfiguration
metadata: {name: $1}
spec:
  schedule: "0 0 31 2 *"
  repository: {name: store}
$(only backup "$2")
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: $1}}
  retentionPolicy: {name: last-five, keepLast: 5, prune: true}
YAML
  becomes backupconfiguration "$1" Ready
}

test_keys_of_a_secret_under_other_names() {
  namespace e2e-transforms
  served secured 9200 "$E2E_SECURED"; served minio 9000 "$E2E_S3"
  storage; repository
  secured PUT 'transforms-a/_doc/1?refresh=true' '{"n": 1.50}' >/dev/null
  k create secret generic more --from-literal=password=admin >/dev/null
  secured_binding renamed "$E2E_CA" '{login: admin, junk: x}' '  secretTransforms:
  - renameKey: {from: login, to: username}
  - addKeysFrom: {secretRef: {name: more}}
  - removeKey: {key: junk}'
  saves renamed transforms
  session renamed renamed
  becomes backupsession renamed Succeeded
  secured_binding lacking "$E2E_CA" '{login: admin}' '  secretTransforms: [{renameKey: {from: user, to: username}}]'
  saves lacking transforms
  session lacking lacking
  becomes backupsession lacking Failed
  has "$(field backupsession lacking '{.status.targets[0].stats[0].error}')" 'spec.secretTransforms[0].renameKey.from of AppBinding lacking: the Secret has no key "user"'
}

# A server that takes nobody without a certificate of its authority, in front of the plain Elasticsearch.
test_a_client_certificate() {
  namespace e2e-client
  es DELETE 'client-*' >/dev/null; filled client-a 10
  authority() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.crt" 2>/dev/null; }
  issued() { # NAME BY
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -addext "subjectAltName=DNS:$1" -keyout "$work/$1.key" 2>/dev/null |
      openssl x509 -req -CA "$work/$2.crt" -CAkey "$work/$2.key" -copy_extensions copy -out "$work/$1.crt" 2>/dev/null
  }
  authority ours; authority theirs
  issued door.e2e.test ours; issued friend ours; issued stranger theirs
  socat -ly "OPENSSL-LISTEN:0,bind=10.244.0.1,fork,reuseaddr,cert=$work/door.e2e.test.crt,key=$work/door.e2e.test.key,cafile=$work/ours.crt,verify=1" "TCP:$E2E_ES" &
  door=$!
  local port
  trap 'kill $door; rm -rf "$work"' EXIT
  listens() { port=$(ss -Hltnp | sed -n "s/.*10\.244\.0\.1:\([0-9]*\) .*pid=$door,.*/\1/p"); [ -n "$port" ]; }
  await "that the door is open" 10 listens
  listens
  served door 9200 "10.244.0.1:$port"; served minio 9000 "$E2E_S3"
  storage; repository
  bound() { # NAME CERTIFICATE; its authority is in the same Secret
    k create secret generic "$1" --from-file=tls.crt="$work/$2.crt" --from-file=tls.key="$work/$2.key" --from-file=ca.crt="$work/ours.crt" >/dev/null
    k apply -f - >/dev/null <<YAML
apiVersion: appcatalog.appscode.com/v1alpha1
kind: AppBinding
metadata: {name: $1}
spec:
  type: kubedb.com/elasticsearch
  tlsSecret: {name: $1}
  clientConfig: {service: {scheme: https, name: door, port: 9200}, serverName: door.e2e.test}
YAML
    saves "$1" client
    session "$1" "$1"
  }
  bound friend friend
  becomes backupsession friend Succeeded
  bound stranger stranger
  becomes backupsession stranger Failed
  has "$(field backupsession stranger '{.status.targets[0].stats[0].error}')" certificate
}

test_tls_and_a_login() {
  namespace e2e-tls
  served secured 9200 "$E2E_SECURED"; served minio 9000 "$E2E_S3"
  storage; repository
  secured DELETE tls-a >/dev/null 2>&1 || true
  secured PUT 'tls-a/_doc/1?refresh=true' '{"n": 1.50}' >/dev/null
  bound() { # NAME CA_FILE PASSWORD
    secured_binding "$1" "$2" "{username: admin, password: $3}"
    saves "$1" tls
    session "$1" "$1"
  }
  bound good "$E2E_CA" admin
  becomes backupsession good Succeeded
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other -keyout "$work/other.key" -out "$work/other.crt" 2>/dev/null
  bound stranger "$work/other.crt" admin
  becomes backupsession stranger Failed
  has "$(field backupsession stranger '{.status.targets[0].stats[0].error}')" certificate
  bound nobody "$E2E_CA" wrong
  becomes backupsession nobody Failed
  has "$(field backupsession nobody '{.status.targets[0].stats[0].error}')" 401
  secured DELETE tls-a >/dev/null
  k apply -f - >/dev/null <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: RestoreSession
metadata: {name: back}
spec:
  repository: {name: store}
  task: {name: elasticsearch-restore-7.14.0}
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: good}}
YAML
  becomes restoresession back Succeeded
  has "$(secured GET tls-a/_doc/1)" '{"n": 1.50}'
}

test_a_repository_of_another_namespace() {
  namespace e2e-owner
  served minio 9000 "$E2E_S3"; storage
  namespace e2e-user
  served elasticsearch 9200 "$E2E_ES"
  es DELETE 'user-*' >/dev/null; filled user-a 10
  binding
  # Of a Repository that is not there nobody knows whom it allows.
  configuration es "$(only backup user)"
  k patch backupconfiguration es --type=merge -p '{"spec":{"repository":{"name":"store","namespace":"e2e-owner"}}}' >/dev/null
  k apply -f - >/dev/null <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: RestoreSession
metadata: {name: refused}
spec:
  repository: {name: store, namespace: e2e-owner}
$(only restore user)
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: es}}
YAML
  condition restoresession refused RepositoryFound False 'Repository e2e-owner/store is not there'
  ns=e2e-owner; repository; ns=e2e-user
  condition backupconfiguration es ValidationPassed False "namespace $ns may not use Repository store"
  await "a phase" 20 is backupconfiguration es '{.status.phase}' Invalid
  condition restoresession refused ValidationPassed False "namespace $ns may not use Repository store"
  await "a phase of the restore" 20 is restoresession refused '{.status.phase}' Invalid
  kubectl -n e2e-owner patch repository store --type=merge -p '{"spec":{"usagePolicy":{"allowedNamespaces":{"from":"All"}}}}' >/dev/null
  becomes_ready() { is backupconfiguration es '{.status.phase}' Ready; }
  await "that it is ready" 60 becomes_ready
  # Looked at again when the policy allowed it: it says that there is no repository yet.
  becomes_failed() { is restoresession refused '{.status.phase}' Failed; }
  await "that the restore was begun" 60 becomes_failed
  session one
  becomes backupsession one Succeeded
  k delete restoresession refused --timeout=30s >/dev/null
  k delete backupconfiguration es >/dev/null
  no_rights() { [ -z "$(kubectl -n e2e-owner get roles,rolebindings -o name | grep e2e-user)" ]; }
  await "that the rights there are gone" 60 no_rights
}
