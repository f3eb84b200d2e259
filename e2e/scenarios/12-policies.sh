# Policies: who may use a Repository and what goes with it, failures that are tried again, and backups that an annotation asks for.
# Namespace demo.

# objects FOLDER: how many files MinIO holds below it.
objects() { find "$E2E_BUCKET/$1" -type f 2>/dev/null | wc -l; }

# sessions: their names, oldest first.
sessions() { k get backupsessions --sort-by=.metadata.creationTimestamp -o name | sed 's,.*/,,' | tr '\n' ' ' | sed 's/ $//'; }

test_a_repository_of_others_by_the_files_of_the_guide() {
  namespace demo
  served minio 9000 "$E2E_S3"
  rm -rf "${E2E_BUCKET:?}/demo/policies"
  k apply -f "$root/examples/storage-secret.yaml" -f "$root/examples/policies/repository.yaml" >/dev/null
  await "the finalizer" 30 is repository elasticsearch-backups '{.metadata.finalizers[0]}' stash
  namespace demo-team
  served elasticsearch 9200 "$E2E_ES"
  es DELETE 'demo-*' >/dev/null; filled demo-a 10
  binding
  # The example's AppBinding, without a login.
  k get appbinding es -o json | jq 'del(.metadata.uid, .metadata.resourceVersion) | .metadata.name = "elasticsearch"' | k apply -f - >/dev/null
  local said
  said=$(k apply -f "$root/examples/policies/backupconfiguration.yaml" 2>&1 || true)
  has "$said" 'namespace demo-team may not use Repository elasticsearch-backups of namespace demo'
  kubectl label namespace demo-team backups=yes >/dev/null
  k apply -f "$root/examples/policies/backupconfiguration.yaml" >/dev/null
  becomes backupconfiguration elasticsearch Ready

  # It fails, is tried again, fails again, and goes well when what was missing is there.
  k patch appbinding elasticsearch --type=merge -p '{"spec":{"secret":{"name":"late"}}}' >/dev/null
  session now elasticsearch
  becomes backupsession now Failed
  event now RetryBegun 'BackupSession now-retry-1 tries it again'
  equal "whether it was tried again" "$(field backupsession now '{.status.retried}')" true
  await "the first retry" 30 is backupsession now-retry-1 '{.spec.retryLeft}' 1
  becomes backupsession now-retry-1 Failed
  k create secret generic late --from-literal=username=any --from-literal=password=any >/dev/null
  await "the second retry" 30 is backupsession now-retry-2 '{.spec.retryLeft}' 0
  becomes backupsession now-retry-2 Succeeded
  equal "its history" "$(sessions)" 'now now-retry-1 now-retry-2'
  equal "the snapshots" "$(kubectl -n demo get repository elasticsearch-backups -o jsonpath='{.status.snapshotCount}')" 1
  k patch appbinding elasticsearch --type=merge -p '{"spec":{"secret":{"name":"lost"}}}' >/dev/null
  k patch backupconfiguration elasticsearch --type=merge -p '{"spec":{"paused":true,"retryConfig":{"maxRetry":1}}}' >/dev/null
  session paused elasticsearch
  becomes backupsession paused Failed
  event paused NotRetried 'is paused'

  # What holds the Repository, and what does not: its user is still there.
  ns=demo
  [ "$(objects demo/policies)" -gt 5 ] || fail "nothing is saved in $E2E_BUCKET/demo/policies"
  k get repository elasticsearch-backups -o json | jq 'del(.metadata.uid, .metadata.resourceVersion, .metadata.finalizers) | .metadata.name = "same-place" | .spec.wipeOut = false' | k apply -f - >/dev/null
  k delete repository elasticsearch-backups --wait=false >/dev/null
  event elasticsearch-backups WipeOutWaits 'the data of Repository demo/same-place lies at the same place'
  k delete repository same-place --timeout=30s >/dev/null
  k annotate repository elasticsearch-backups looked=again >/dev/null
  k wait --for=delete repository/elasticsearch-backups --timeout=60s >/dev/null
  equal "files of the repository" "$(objects demo/policies)" 0
  event elasticsearch-backups WipedOut 'its data is removed'
  equal "Jobs that are left" "$(k get jobs -o name)" ''
  kubectl delete namespace demo-team --wait=false >/dev/null
}

test_data_that_the_password_does_not_open_stays() {
  everything e2e-wipe
  es DELETE 'wipe-*' >/dev/null; filled wipe-a 10
  configuration es '  task: {name: elasticsearch-backup-7.14.0, params: [{name: args, value: "--match=^wipe-"}]}'
  session one
  becomes backupsession one Succeeded
  local saved; saved=$(objects "e2e/$ns")
  k patch repository store --type=merge -p '{"spec":{"wipeOut":true}}' >/dev/null
  await "the finalizer" 30 is repository store '{.metadata.finalizers[0]}' stash
  k patch secret storage -p '{"stringData":{"RESTIC_PASSWORD":"another"}}' >/dev/null
  k delete repository store --wait=false >/dev/null
  event store WipeOutFailed 'the password opens none of the 1 keys'
  equal "files of the repository" "$(objects "e2e/$ns")" "$saved"
  # The way out.
  k patch repository store --type=merge -p '{"spec":{"wipeOut":false}}' >/dev/null
  k wait --for=delete repository/store --timeout=30s >/dev/null
  equal "files of the repository" "$(objects "e2e/$ns")" "$saved"
}

test_an_annotation_asks_for_backups_by_the_files_of_the_guide() {
  namespace demo
  served elasticsearch 9200 "$E2E_ES"; served minio 9000 "$E2E_S3"
  rm -rf "${E2E_BUCKET:?}/blueprint"
  kubectl delete backupblueprint --all >/dev/null
  es DELETE 'demo-*' >/dev/null; filled demo-a 10
  k apply -f "$root/examples/storage-secret.yaml" -f "$root/examples/auto-backup/appbinding.yaml" >/dev/null
  event elasticsearch AutoBackupFailed 'BackupBlueprint "elasticsearch-nightly" is not there'
  k apply -f "$root/examples/auto-backup/backupblueprint.yaml" >/dev/null
  await "a BackupConfiguration" 30 is backupconfiguration app-elasticsearch '{.spec.schedule}' '30 4 * * *'
  becomes backupconfiguration app-elasticsearch Ready
  event elasticsearch AutoBackupConfigured 'BackupConfiguration app-elasticsearch and Repository demo/app-elasticsearch follow'
  equal "the Task" "$(field backupconfiguration app-elasticsearch '{.spec.task.name} {.spec.task.params[0].value}')" 'elasticsearch-backup-7.14.0 --match=^demo-'
  session now app-elasticsearch
  becomes backupsession now Succeeded
  [ "$(objects blueprint/demo/elasticsearch/elasticsearch)" -gt 5 ] || fail "nothing is saved where the blueprint says"

  # Changes are followed: of the annotation, of the blueprint, and of what was made.
  k annotate appbinding elasticsearch --overwrite stash.appscode.com/schedule='15 5 * * *' >/dev/null
  await "the other schedule" 30 is backupconfiguration app-elasticsearch '{.spec.schedule}' '15 5 * * *'
  kubectl patch backupblueprint elasticsearch-nightly --type=merge -p '{"spec":{"backupHistoryLimit":7}}' >/dev/null
  await "the other limit" 30 is backupconfiguration app-elasticsearch '{.spec.backupHistoryLimit}' 7
  k patch backupconfiguration app-elasticsearch --type=merge -p '{"spec":{"schedule":"* * * * *","paused":true}}' >/dev/null
  await "the schedule again" 30 is backupconfiguration app-elasticsearch '{.spec.schedule}' '15 5 * * *'
  equal "what a person paused" "$(field backupconfiguration app-elasticsearch '{.spec.paused}')" true

  k annotate appbinding elasticsearch stash.appscode.com/backup-blueprint- >/dev/null
  k wait --for=delete backupconfiguration/app-elasticsearch --timeout=30s >/dev/null
  event elasticsearch AutoBackupRemoved 'its Repository stays'
  equal "the snapshots of its Repository" "$(field repository app-elasticsearch '{.status.snapshotCount}')" 1
  k annotate appbinding elasticsearch stash.appscode.com/backup-blueprint=elasticsearch-nightly >/dev/null
  becomes backupconfiguration app-elasticsearch Ready
  k delete appbinding elasticsearch --timeout=30s >/dev/null
  k wait --for=delete backupconfiguration/app-elasticsearch --timeout=60s >/dev/null
  kubectl delete backupblueprint elasticsearch-nightly >/dev/null
}
