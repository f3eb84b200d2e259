# The kubectl plugin: every verb of `kubectl stash` and `kubectl larder` with the rights of an ordinary user, and what becomes of the
# repository read back with restic.
#
# E2E_PLUGIN_IMAGE: an image for the plugin's pods, where the operator's is older than the plugin.

# larder VERB...: as the user; pods run the image that is asked for.
larder() { KUBECONFIG=$work/user kubectl larder -n "$ns" "$@"; }
errand() { larder "$@" ${E2E_PLUGIN_IMAGE:+--image="$E2E_PLUGIN_IMAGE"}; }

# plugged: the plugin on the search path, under both names.
plugged() {
  local name program=${CARGO_TARGET_DIR:-$root/target}/debug/larder
  [ -x "$program" ] || { fail "no $program: cargo build --bin larder"; return 1; }
  mkdir -p "$work/plugins"
  for name in kubectl-larder kubectl-stash; do ln -s "$program" "$work/plugins/$name"; done
  PATH=$work/plugins:$PATH
}

# user NAME [CLUSTERROLE]: a kubeconfig of an account of this namespace, with a role in it and nowhere else.
user() {
  local name=$1 role=${2:-} token
  k create serviceaccount "$name" >/dev/null
  [ -z "$role" ] || k create rolebinding "$name" --clusterrole="$role" --serviceaccount="$ns:$name" >/dev/null
  token=$(k create token "$name")
  cp "$KUBECONFIG" "$work/$name"
  kubectl --kubeconfig "$work/$name" config set-credentials "$name" --token "$token" >/dev/null
  kubectl --kubeconfig "$work/$name" config set-context --current --user "$name" --namespace "$ns" >/dev/null
}

# stage NAME: a namespace with servers and a Secret, and a user who may edit it.
stage() {
  namespace "$1"
  plugged
  served elasticsearch 9200 "$E2E_ES"
  served minio 9000 "$E2E_S3"
  storage; binding
  user user edit
}

# filled_once: a repository with one snapshot of one index.
filled_once() {
  es DELETE "$ns-*" >/dev/null
  filled "$ns-a" 200
  repository
  configuration es "  task: {name: elasticsearch-backup-7.14.0, params: [{name: args, value: '--match=^$ns-'}]}"
  becomes backupconfiguration es Ready
  session first; becomes backupsession first Succeeded
}

# restic COMMAND...: on the repository of this namespace, past Larder.
restic_on() {
  AWS_ACCESS_KEY_ID=$E2E_S3_KEY AWS_SECRET_ACCESS_KEY=$E2E_S3_SECRET RESTIC_PASSWORD=e2e-$ns RESTIC_CACHE_DIR=$work/cache \
    restic-0.18.1 -r "s3:http://$E2E_S3/larder/e2e/$ns" "$@"
}

# no_pods_left: the plugin takes its pods away.
no_pods_left() {
  none() { [ -z "$(k get pods -l app.kubernetes.io/name=kubectl-larder -o name)" ]; }
  await "no pod of the plugin is left" 60 none
}

# refused CODE WORDS COMMAND...: fails so, and says so.
refused() {
  local code=$1 words=$2 said found=0; shift 2
  said=$("$@" 2>&1) || found=$?
  equal "the exit code of $*, which said: $said" "$found" "$code" && has "$said" "$words"
}

test_objects_are_made_by_flags_and_back_up_and_restore() {
  local said name
  stage e2e-kubectl-create
  es DELETE "$ns-*" >/dev/null; filled "$ns-a" 100
  said=$(larder create repository store --provider=s3 --bucket=larder --prefix="e2e/$ns" --endpoint="http://minio.$ns.svc:9000" \
    --region=us-east-1 --secret=storage --max-connections=0)
  equal "what it said" "$said" "Repository $ns/store created"
  KUBECONFIG=$work/user kubectl stash create backupconfig es --namespace="$ns" --schedule='0 0 31 2 *' --repo-name=store \
    --task=elasticsearch-backup-7.14.0 --target-apiversion=appcatalog.appscode.com/v1alpha1 --target-kind=AppBinding --target-name=es \
    --keep-last=5 --prune=true --use-kubeapiserver-fqdn-for-aks=true >"$work/out" 2>"$work/err"
  has "$(cat "$work/err")" '--use-kubeapiserver-fqdn-for-aks means nothing here'
  equal "the spec" "$(field backupconfiguration es '{.spec}' | jq -Sc .)" '{"driver":"Restic","repository":{"name":"store"},"retentionPolicy":{"keepLast":5,"name":"keep-last-5","prune":true},"schedule":"0 0 31 2 *","target":{"ref":{"apiVersion":"appcatalog.appscode.com/v1alpha1","kind":"AppBinding","name":"es"}},"task":{"name":"elasticsearch-backup-7.14.0"}}'
  becomes backupconfiguration es Ready
  # Again is the same, and other flags change it.
  has "$(larder create repository store --provider=s3 --bucket=larder --prefix="e2e/$ns" --endpoint="http://minio.$ns.svc:9000" --region=us-east-1 --secret=storage)" unchanged
  has "$(larder create backupconfig es --schedule='1 0 31 2 *' --repo-name=store --task=elasticsearch-backup-7.14.0 \
    --target-apiversion=appcatalog.appscode.com/v1alpha1 --target-kind=AppBinding --target-name=es --keep-last=5 --prune)" configured
  equal "the schedule" "$(field backupconfiguration es '{.spec.schedule}')" '1 0 31 2 *'

  name=$(larder trigger es | sed -n "s|^BackupSession $ns/\(.*\) created$|\1|p")
  becomes backupsession "$name" Succeeded
  equal "its labels" "$(field backupsession "$name" '{.metadata.labels}' | jq -Sc .)" \
    '{"app":"stash","stash.appscode.com/invoker-name":"es","stash.appscode.com/invoker-type":"BackupConfiguration"}'
  equal "its owner" "$(field backupsession "$name" '{.metadata.ownerReferences[0].kind}/{.metadata.ownerReferences[0].controller}')" BackupConfiguration/true

  local before; before=$(content "$ns-a")
  es DELETE "$ns-a" >/dev/null
  larder create restoresession back --repo-name=store --task=elasticsearch-restore-7.14.0 --host=host-0 --snapshots=latest \
    --target-apiversion=appcatalog.appscode.com/v1alpha1 --target-kind=AppBinding --target-name=es >/dev/null
  becomes restoresession back Succeeded
  equal "the documents" "$(content "$ns-a")" "$before"

  larder pause backup --backupconfig=es >/dev/null
  await "the CronJob rests" 60 is cronjob stash-trigger-es '{.spec.suspend}' true
  KUBECONFIG=$work/user kubectl stash resume backup -n "$ns" --backupconfig=es >/dev/null
  await "the CronJob goes on" 60 is cronjob stash-trigger-es '{.spec.suspend}' false

  refused 2 '--bucket is missing' larder create repository x --provider=s3 --endpoint=h --secret=s
  refused 2 'must be s3, gcs' larder create repository x --provider=ftp --bucket=b --secret=s
  refused 1 'there is no BackupConfiguration none in namespace' larder trigger none
  refused 1 'cannot be changed' larder create restoresession back --repo-name=other --target-apiversion=v1 --target-kind=X --target-name=y
  refused 2 "volumes are not Larder's" larder clone pvc data --to-namespace=other
}

test_copies_take_along_what_they_need() {
  local said other=e2e-kubectl-copy-to
  kubectl delete namespace $other --ignore-not-found --wait >/dev/null
  stage e2e-kubectl-copy
  repository; configuration
  kubectl create namespace $other >/dev/null
  refused 1 'you may not get secrets in namespace e2e-kubectl-copy-to' larder cp secret storage --to-namespace=$other
  kubectl -n $other create rolebinding user --clusterrole=edit --serviceaccount="$ns:user" >/dev/null
  said=$(larder cp backupconfig es --to-namespace=$other)
  equal "what it said" "$said" "$(printf 'Secret %s/storage created\nRepository %s/store created\nBackupConfiguration %s/es created' $other $other $other)"
  equal "the Secret" "$(kubectl -n $other get secret storage -o 'jsonpath={.data}')" "$(k get secret storage -o 'jsonpath={.data}')"
  equal "the Repository" "$(kubectl -n $other get repository store -o 'jsonpath={.spec}')" "$(k get repository store -o 'jsonpath={.spec}')"
  has "$(larder cp repository store --to-namespace=$other)" "Repository $other/store unchanged"
  hasnt "$(larder cp secret storage --to-namespace=$other -vv 2>&1)" "e2e-$ns"
  refused 2 '--to-namespace' larder cp secret storage --to-namespace="$ns"
  kubectl delete namespace $other --wait=false >/dev/null
}

test_the_inside_of_a_repository() {
  local id second said found
  stage e2e-kubectl-inside
  filled_once
  id=$(restic_on snapshots --json | jq -r '.[0].id')

  # Files are those that restic restores, byte for byte.
  said=$(errand download store --destination="$work/down" --snapshots="${id:0:8}" --docker-registry=stashed 2>"$work/err")
  has "$(cat "$work/err")" '--docker-registry means nothing here'
  has "$said" "snapshot ${id:0:8}: "
  restic_on restore "$id" --target "$work/restored" >/dev/null
  diff -r "$work/restored" "$work/down/${id:0:8}" || fail "the downloaded files are others than restic's"
  equal "a file" "$(ls "$work/down/${id:0:8}/stash-interim-volume/data/$ns-a.json")" "$work/down/${id:0:8}/stash-interim-volume/data/$ns-a.json"
  refused 1 'must be empty' errand download store --destination="$work/down" --snapshots="${id:0:8}"
  refused 1 'there is no snapshot "00000000"' errand download store --destination="$work/none" --snapshots=00000000
  said=$(errand download store --destination="$work/newest")
  diff -r "$work/restored" "$work/newest/${id:0:8}" || fail "the newest is another one"

  # A lock of a process that is gone is one of another machine: only --remove-all removes it before it is stale.
  left_behind
  equal "locks" "$(restic_on list locks --no-lock | wc -l)" 1
  said=$(errand unlock store)
  has "$said" 'locks of owners that may be alive are kept'
  equal "locks behind unlock" "$(restic_on list locks --no-lock | wc -l)" 1
  said=$(errand unlock store --remove-all)
  has "$said" "Repository $ns/store: 1 lock removed"
  equal "locks behind --remove-all" "$(restic_on list locks --no-lock | wc -l)" 0

  # A snapshot that is deleted is gone, and what no other needs with it.
  filled "$ns-b" 50
  session second; becomes backupsession second Succeeded
  second=$(restic_on snapshots --json | jq -r '.[1].id')
  refused 1 'no snapshot' errand delete snapshot store-00000000
  refused 2 'must be <repository>-<8 digits of the id>' errand delete snapshot store
  said=$(KUBECONFIG=$work/user kubectl stash delete snapshot "store-${second:0:8}" -n "$ns" --image-tag=latest ${E2E_PLUGIN_IMAGE:+--image="$E2E_PLUGIN_IMAGE"} 2>/dev/null)
  has "$said" "Snapshot $ns/store-${second:0:8} deleted"
  equal "the snapshots" "$(restic_on snapshots --json | jq -r '.[].id')" "$id"
  restic_on check --read-data >/dev/null || fail "restic finds damage"
  no_pods_left
}

# left_behind: a lock of a restic that was killed.
left_behind() {
  local pid
  mkfifo "$work/endless"
  sleep 300 >"$work/endless" &
  local feeder=$!
  AWS_ACCESS_KEY_ID=$E2E_S3_KEY AWS_SECRET_ACCESS_KEY=$E2E_S3_SECRET RESTIC_PASSWORD=e2e-$ns RESTIC_CACHE_DIR=$work/cache \
    restic-0.18.1 -r "s3:http://$E2E_S3/larder/e2e/$ns" backup --stdin <"$work/endless" >/dev/null 2>&1 &
  pid=$!
  locked() { restic_on list locks --no-lock | grep -q .; }
  await "restic has a lock" 30 locked
  kill -KILL $pid; kill $feeder
  wait $pid 2>/dev/null || :
}

test_a_volume_is_a_repository_too_and_here_is_another_place() {
  local id
  stage e2e-kubectl-places
  es DELETE "$ns-*" >/dev/null; filled "$ns-a" 20
  k apply -f - >/dev/null <<YAML
apiVersion: v1
kind: PersistentVolume
metadata: {name: $ns, labels: {for: $ns}}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteMany]
  persistentVolumeReclaimPolicy: Delete
  storageClassName: $ns
  hostPath: {path: /var/lib/$ns, type: DirectoryOrCreate}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: backups}
spec: {storageClassName: $ns, accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}
---
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: volume}
spec: {backend: {storageSecretName: storage, local: {mountPath: /safe/data, persistentVolumeClaim: {claimName: backups}}}}
YAML
  refused 1 'is a volume, which only pods can mount' larder unlock volume --local
  refused 1 'not a repository' errand unlock volume
  # What the machine cannot reach is said; what it can reach is done here without a pod.
  repository
  refused 1 "cannot open the repository" larder unlock store --local
  k patch repository store --type=merge -p "{\"spec\":{\"backend\":{\"s3\":{\"endpoint\":\"http://$E2E_S3\"}}}}" >/dev/null
  configuration es "  task: {name: elasticsearch-backup-7.14.0, params: [{name: args, value: '--match=^$ns-'}]}"
  becomes backupconfiguration es Ready
  session first; becomes backupsession first Succeeded
  id=$(restic_on snapshots --json | jq -r '.[0].id')
  larder download store --local --destination="$work/down" --snapshots=latest >/dev/null
  restic_on restore "$id" --target "$work/restored" >/dev/null
  diff -r "$work/restored" "$work/down/${id:0:8}" || fail "the files are others than restic's"
  has "$(larder delete snapshot "store-${id:0:8}" --local)" deleted
  equal "the snapshots" "$(restic_on snapshots --json | jq length)" 0
  no_pods_left
  kubectl delete pv "$ns" --wait=false >/dev/null
}

test_who_may_not_is_told_which_right_is_missing() {
  stage e2e-kubectl-rights
  repository; configuration
  user nobody; user viewer view
  as() { local who=$1; shift; KUBECONFIG=$work/$who kubectl larder -n "$ns" "$@"; }
  refused 1 "you may not get backupconfigurations.stash.appscode.com in namespace $ns; ask for the ClusterRole appscode:stash:edit" as nobody trigger es
  refused 1 "you may not get repositories.stash.appscode.com" as nobody unlock store
  refused 1 "you may not create backupsessions.stash.appscode.com" as viewer trigger es
  refused 1 "you may not patch backupconfigurations.stash.appscode.com" as viewer pause backup --backupconfig=es
  refused 1 "you may not get secrets" as viewer cp secret storage --to-namespace=other
  refused 1 "you may not create pods" as viewer unlock store --image=localhost/larder:e2e
  refused 1 "you may not get secrets" as viewer unlock store --local
  refused 1 'cannot use the kubeconfig' kubectl larder --kubeconfig "$work/missing" trigger es
}
