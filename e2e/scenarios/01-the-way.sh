# From the Secret to the restored data, with exactly the files of examples/.
# Namespace demo.

examples() { local file; for file; do k apply -f "$root/examples/$file.yaml" >/dev/null; done; }

test_a_backup_and_a_restore_by_the_files_of_the_guides() {
  local before pod status
  namespace demo
  served elasticsearch 9200 "$E2E_ES"
  served minio 9000 "$E2E_S3"
  es DELETE '*' >/dev/null
  filled demo-orders 1000
  filled demo-people 10
  before=$(content demo-orders; content demo-people)
  examples storage-secret repository appbinding backupconfiguration
  becomes backupconfiguration elasticsearch Ready
  equal "the CronJob's schedule" "$(field cronjob stash-trigger-elasticsearch '{.spec.schedule}')" '*/5 * * * *'
  equal "the Repository's user" "$(field repository elasticsearch-backups '{.status.references[0].kind}/{.status.references[0].name}')" \
    BackupConfiguration/elasticsearch

  examples backupsession
  becomes backupsession elasticsearch-now Succeeded
  status=$(field backupsession elasticsearch-now '{.status}')
  local type
  for type in BackendRepositoryInitialized RetentionPolicyApplied RepositoryIntegrityVerified MetricsPushed BackupHistoryCleaned; do
    condition backupsession elasticsearch-now $type True
  done
  has "$status" '"hostname":"host-0"'
  has "$status" '"path":"/stash-interim-volume/data"'
  equal "the Repository's integrity" "$(field repository elasticsearch-backups '{.status.integrity}')" true
  equal "its snapshots" "$(field repository elasticsearch-backups '{.status.snapshotCount}')" 1
  equal "its first backup" "$(field repository elasticsearch-backups '{.status.firstBackupTime}')" \
    "$(field repository elasticsearch-backups '{.status.lastBackupTime}')"
  event elasticsearch-now 'BackupSession Succeeded' 'the backup succeeded'
  event elasticsearch-now 'Host Backup Succeeded' host-0

  metrics_of_the_backup
  es DELETE demo-orders >/dev/null; es DELETE demo-people >/dev/null
  examples restoresession
  becomes restoresession elasticsearch Succeeded
  event elasticsearch 'Restore Succeeded' 'the restore succeeded'
  equal "the documents" "$(content demo-orders; content demo-people)" "$before"
  sampled 1 'stash_restore_session_success{invoker_kind="RestoreSession",invoker_name="elasticsearch",namespace="demo"}'
  sampled 1 'stash_restore_host_restore_success{invoker_name="elasticsearch",hostname="host-0"}'
}

# sampled VALUE METRIC: waits until Prometheus has it.
sampled() {
  asked() {
    curl -fsS --get "http://$E2E_PROMETHEUS/api/v1/query" --data-urlencode "query=$2" | grep -qF ",\"$1\"]"
  }
  await "$2 is $1 in Prometheus" 60 asked "$1" "$2"
}

# metrics_of_the_backup: under the names and with the labels of Stash.
metrics_of_the_backup() {
  local of='invoker_kind="BackupConfiguration",invoker_name="elasticsearch",driver="Restic",repository="elasticsearch-backups"'
  local target='kind="elasticsearch",group="kubedb.com",name="elasticsearch"' name
  sampled 1 "stash_backup_session_success{$of,namespace=\"demo\"}"
  sampled 1 "stash_backup_target_count_total{$of}"
  sampled 1 "stash_backup_target_success{$of,$target}"
  sampled 1 "stash_backup_target_host_count_total{$of,$target}"
  sampled 1 "stash_backup_host_backup_success{$of,$target,hostname=\"host-0\"}"
  sampled 1 'stash_repository_integrity{name="elasticsearch-backups",namespace="demo",backend="s3",bucket="larder",prefix="demo/elasticsearch"}'
  sampled 1 'stash_repository_snapshot_count{name="elasticsearch-backups"}'
  for name in stash_backup_session_duration_seconds stash_backup_last_success_time_seconds stash_backup_target_last_success_time_seconds \
    stash_backup_host_backup_duration_seconds stash_backup_host_data_size_bytes stash_backup_host_data_uploaded_bytes \
    stash_backup_host_data_processing_time_seconds stash_backup_host_files_total stash_repository_size_bytes stash_repository_snapshot_cleaned; do
    sampled 1 "count($name{invoker_name=\"elasticsearch\"})"
  done
}
