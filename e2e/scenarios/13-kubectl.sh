# The kubectl plugin: every verb of `kubectl stash` and `kubectl larder` with the rights of an ordinary user, and what becomes of the
# repository read back with restic.
# Namespace demo.
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

# plain TEXT: with what is different each time left out: names, ids, sizes, times, blanks between columns.
plain() {
  sed -E "s/(es|both)-[0-9a-z]{5}( created|:)/\1-N\2/g; s/snapshot [0-9a-f]{8}/snapshot ID/; s/store-[0-9a-f]{8}/store-ID/
    s/[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9:]{5,8})?/DAY/g; s/[0-9]+s ago/T ago/g; s/after [0-9hms.]+/after T/
    s/[0-9.]+ [KM]?i?B/SIZE/g; s/larder [0-9.]+[-a-z0-9.]*/larder V/; s/ +/ /g; s/ $//" <<<"$1"
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
  # The objects choose no indices: all are saved.
  es DELETE '*' >/dev/null; filled "$ns-a" 100
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

  said=$(larder trigger es --wait --timeout=3m 2>"$work/err")
  name=$(sed -n "s|^BackupSession $ns/\(.*\) created$|\1|p" <<<"$said")
  equal "what it said" "$(plain "$said")" "$(printf 'BackupSession %s/es-N created\nBackupSession %s/es-N: Succeeded after T\n es: snapshot ID, SIZE, SIZE of it new' "$ns" "$ns")"
  has "$(cat "$work/err")" "BackupSession $name: Running"
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
  # A volume lies in no namespace: an earlier run may have left it.
  kubectl delete pv "$ns" --ignore-not-found >/dev/null
  k apply -f - >/dev/null <<YAML
apiVersion: v1
kind: PersistentVolume
metadata: {name: $ns}
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
  # Without a CronJob nobody knows the image; with one it is found.
  refused 2 'which image is the operator' larder unlock volume
  repository; configuration
  becomes backupconfiguration es Ready
  refused 1 'no repository at /safe/data' errand unlock volume
  # What the machine can reach is done here without a pod.
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

# guide: the commands of the guide that can be run as they stand, a line each.
guide() { sed -n '/^```$/,/^```$/p' "$root/docs/guides/kubectl.md" | grep '^kubectl larder'; }

test_every_command_of_the_guide() {
  local line file before
  namespace demo
  plugged
  served elasticsearch 9200 "$E2E_ES"; served minio 9000 "$E2E_S3"
  es DELETE '*' >/dev/null
  filled demo-orders 300
  before=$(content demo-orders)
  for file in storage-secret repository appbinding backupconfiguration; do k apply -f "$root/examples/$file.yaml" >/dev/null; done
  # Its own time would come in between.
  k patch backupconfiguration elasticsearch --type=merge -p '{"spec":{"schedule":"0 3 * * *"}}' >/dev/null
  becomes backupconfiguration elasticsearch Ready
  user user edit
  cd "$work"
  while read -r line; do
    KUBECONFIG=$work/user bash -c "$line" >"$work/out" 2>"$work/err" </dev/null ||
      fail "$line: $(tail -5 "$work/out" "$work/err")"
    case $line in
      *status) has "$(cat "$work/out")" "no backup yet" ;;
      *'snapshots') has "$(cat "$work/out")" '1 snapshot' ;;
      *'--snapshot latest') has "$(tr -s ' ' <"$work/out")" 'demo-orders 300 ' ;;
      *verify*backups) has "$(cat "$work/out")" 'snapshot latest is good; 300 documents read back' ;;
      *--whole*) has "$(cat "$work/out")" 'no damage found; 1 snapshot, ' ;;
      *--dry-run) k apply --dry-run=server -f "$work/out" >/dev/null ;;
      *--rename*) equal "the restored index" "$(content restored-demo-orders)" "$before" ;;
      *overwrite*) equal "the index" "$(content demo-orders)" "$before" ;;
      *logs) has "$(cat "$work/out")" 'RestoreSession demo/elasticsearch-' ;;
      *'debug backup'*) has "$(cat "$work/out")" '==> BackupConfiguration demo/elasticsearch <==' ;;
      *'debug operator') has "$(cat "$work/out")" 'you may not list deployments.apps in namespace larder' ;;
    esac
  done < <(guide)
  [ "$(guide | wc -l)" -ge 17 ] || fail "the guide has only $(guide | wc -l) commands"
}

test_what_failed_is_seen_and_why() {
  local said id
  stage e2e-kubectl-seen
  filled_once
  id=$(restic_on snapshots --json | jq -r '.[0].short_id')
  said=$(plain "$(larder status)")
  has "$said" "1 backup in namespace $ns: nothing needs attention."
  has "$said" 'BACKUP TARGETS STATE LAST RUN LAST SUCCESS SINCE SNAPSHOTS SIZE NEXT RUN
es es good Succeeded, T ago T ago DAY 1 SIZE 0 0 31 2 *'
  equal "what snapshots says" "$(plain "$(errand snapshots)" | sed -E 's/ID DAY [0-9]+s/ID DAY T/')" 'SNAPSHOT TIME (UTC) AGE HOST SIZE MADE BY PATHS
store-ID DAY T host-0 SIZE larder V /stash-interim-volume/data
1 snapshot'

  # What is there is not touched unasked: that fails, and all say why.
  said=$(larder restore es --name=again --snapshot="$id" --index="$ns-a" --wait 2>/dev/null) && fail "a restore over what is there succeeded"
  has "$said" "RestoreSession $ns/again: Failed"
  has "$said" "$ns-a"
  said=$(larder status)
  has "$said" "more: kubectl larder logs again -n $ns"
  has "$(larder status -o json | jq -r '.restores[0].why[0]')" "$ns-a"
  has "$(larder logs again)" "==> "
  has "$(larder logs --restoresession=again --container=elasticsearch-restore --tail=3)" "$ns-a"
  has "$(larder debug restore --restoresession=again)" "==> log of "
  refused 1 'no container of its pods begins with "nothing"' larder logs es --container=nothing
  refused 1 'there is no BackupSession, RestoreSession' larder logs nobody
  refused 2 '--snapshot "newest"' larder restore es --snapshot=newest

  # A Repository that is not there: nothing can begin.
  k delete repository store >/dev/null
  condition backupconfiguration es RepositoryFound False
  has "$(larder status)" 'NOT READY'
  has "$(larder status)" "more: kubectl larder debug backup --backupconfig=es -n $ns"
  refused 1 "there is no Repository store in namespace $ns" larder restore es
  no_pods_left
}

test_a_restore_asks_at_a_terminal() {
  local before answers
  stage e2e-kubectl-guide
  filled_once
  before=$(content "$ns-a")
  # Answers are typed when they are asked for: snapshot is the only one; then indices, names, rule, yes.
  mkfifo "$work/keys"
  KUBECONFIG=$work/user script -qefc "kubectl larder -n $ns restore --wait" "$work/screen" <"$work/keys" >/dev/null 2>&1 &
  local pid=$!
  exec 8>"$work/keys"
  asked() { grep -qF "$1" "$work/screen"; }
  await "it shows the snapshot's indices" 60 asked "$ns-a: 200 documents"
  await "it asks for indices" 30 asked 'Which indices'; echo "$ns-*" >&8
  await "it asks for names" 30 asked 'Under which names'; echo 'back-*' >&8
  await "it asks what if" 30 asked 'already: fail'; echo >&8
  await "it asks whether" 30 asked 'Apply it?'; echo yes >&8
  wait $pid || fail "it failed: $(tail -5 "$work/screen")"
  exec 8>&-
  has "$(cat "$work/screen")" '--match=^('"$ns"'-.*)$ --prefix=back-'
  equal "the restored index" "$(content "back-$ns-a")" "$before"
  es DELETE "back-$ns-a" >/dev/null
  refused 2 'which backup is to be restored? There are' two_backups
  no_pods_left
}

# two_backups: without a terminal nobody can be asked.
two_backups() { configuration other; larder restore; }

test_batches_too() {
  local said before
  stage e2e-kubectl-batch
  es DELETE "$ns-*" >/dev/null; filled "$ns-a" 20; filled "$ns-b" 30
  before=$(content "$ns-b")
  repository
  two; batch "--match=^$ns-a" "--match=^$ns-b"
  becomes backupbatch both Ready
  said=$(larder trigger --backupbatch=both --wait 2>/dev/null)
  equal "what it said" "$(plain "$said")" "$(printf 'BackupSession %s/both-N created\nBackupSession %s/both-N: Succeeded after T\n es: snapshot ID, SIZE, SIZE of it new\n es-two: snapshot ID, SIZE, SIZE of it new' "$ns" "$ns")"
  has "$(plain "$(larder status)")" 'both (batch) es,es-two good Succeeded, T ago'
  has "$(larder logs --backupbatch=both)" "==> stash-backup-both-"
  refused 1 'which of its targets? --target-name says it: es, es-two' larder restore --backupbatch=both
  es DELETE "$ns-*" >/dev/null
  larder restore --backupbatch=both --target-name=es-two --wait >/dev/null 2>&1
  equal "the second database" "$(content "$ns-b")" "$before"
  refused 22 '' es GET "$ns-a"
  has "$(larder debug backup --backupbatch=both)" "==> BackupBatch $ns/both <=="
  larder pause backup --backupbatch=both >/dev/null
  has "$(larder status)" paused
}
