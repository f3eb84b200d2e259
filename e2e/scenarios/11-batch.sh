# Batches: several targets in one session, one after the other or side by side, with hooks around all.
# Namespace demo.

# of_targets SESSION PATH: a field of each target of a session, in order.
of_targets() { field backupsession "$1" "{range .status.targets[*]}{$2}{\" \"}{end}" | sed 's/ $//'; }

# around NAME TYPE: a condition's status and message, of the session itself.
around() { field backupsession "$1" "{range .status.conditions[?(@.type==\"$2\")]}{.status}: {.message}{end}"; }

of_batch() { session "$1" "${2:-both}" BackupBatch; }

test_two_databases_by_the_files_of_the_guide() {
  namespace demo
  served elasticsearch 9200 "$E2E_ES"; served minio 9000 "$E2E_S3"
  bystander
  es DELETE '*' >/dev/null; filled catalog-a 10; filled logs-a 20
  local file catalog logs
  catalog=$(content catalog-a) logs=$(content logs-a)
  for file in storage-secret repository appbinding batch/appbinding batch/backupbatch; do k apply -f "$root/examples/$file.yaml" >/dev/null; done
  becomes backupbatch search Ready
  # What its CronJob does at its slot.
  k create job now --from=cronjob/stash-trigger-search >/dev/null
  begun() { k get backupsessions -o name | grep -q backupsession; }
  await "a session of the batch" 60 begun
  local first; first=$(k get backupsessions -o jsonpath='{.items[0].metadata.name}')
  becomes backupsession "$first" Succeeded
  equal "the targets" "$(of_targets "$first" .phase)" 'Succeeded Succeeded'
  equal "the hosts" "$(of_targets "$first" '.stats[0].hostname')" 'catalog logs'
  # One after the other: the second Job was made when the first had ended.
  local ended begun_at
  ended=$(field job "stash-backup-$first-0" '{.status.completionTime}') begun_at=$(field job "stash-backup-$first-1" '{.metadata.creationTimestamp}')
  [[ $ended < $begun_at || $ended == "$begun_at" ]] || fail "the second began at $begun_at, before the first had ended at $ended"
  has "$(around "$first" RetentionPolicyApplied)" 'True: 2 snapshots are kept'
  has "$(around "$first" GlobalPreBackupHookSucceeded)" "True: the batch's preBackup hook was run"
  equal "snapshots" "$(field repository elasticsearch-backups '{.status.snapshotCount}')" 2
  equal "what the room heard" "$(inside cat /tmp/room)" 'search: Succeeded '
  told() { [ "$(curl -fsS "http://$E2E_PROMETHEUS/api/v1/query" --data-urlencode "query=stash_backup_host_backup_success{invoker_kind=\"BackupBatch\",namespace=\"demo\"}" | jq '[.data.result[] | select(.value[1] == "1")] | length')" = 2 ]; }
  await "metrics of both hosts" 60 told

  es DELETE 'catalog-a,logs-a' >/dev/null
  k apply -f "$root/examples/batch/restorebatch.yaml" >/dev/null
  becomes restorebatch search Succeeded
  equal "the members" "$(field restorebatch search '{range .status.members[*]}{.phase} {.stats[0].hostname},{end}')" 'Succeeded catalog,Succeeded logs,'
  equal "the catalog" "$(content catalog-a)" "$catalog"
  equal "the logs" "$(content logs-a)" "$logs"
  equal "what the room heard" "$(inside tail -1 /tmp/room)" 'RestoreBatch search: Succeeded'
}

test_a_part_that_fails_is_told_and_the_other_is_saved() {
  namespace e2e-batch-part
  served elasticsearch 9200 "$E2E_ES"; served minio 9000 "$E2E_S3"
  storage; repository; two
  bystander
  es DELETE 'batch-*' >/dev/null; filled batch-a 10
  batch '--match=^batch-' '--match=(' "  executionOrder: Parallel
  hooks: {postBackup: {executionPolicy: OnFailure, httpPost: {host: chat, port: 8080, path: /cgi-bin/room, body: '{{ .Status.Error }}'}}}"
  becomes backupbatch both Ready
  of_batch partly
  becomes backupsession partly Failed
  equal "the targets" "$(of_targets partly .phase)" 'Succeeded Failed'
  has "$(of_targets partly '.stats[0].error')" 'match'
  equal "snapshots" "$(field repository store '{.status.snapshotCount}')" 1
  has "$(around partly RetentionPolicyApplied)" 'True: 1 snapshots are kept'
  has "$(inside cat /tmp/room)" 'AppBinding es-two: '
  event partly 'BackupSession Failed' 'match'
  # It is no obstacle for the next one.
  batch '--match=^batch-' '--match=^batch-a' "  executionOrder: Parallel"
  becomes backupbatch both Ready
  of_batch whole
  becomes backupsession whole Succeeded
}

test_a_hook_before_all_that_fails_lets_nothing_be_saved() {
  namespace e2e-batch-hook
  served elasticsearch 9200 "$E2E_ES"; served minio 9000 "$E2E_S3"
  storage; repository; two
  bystander
  es DELETE 'batch-*' >/dev/null; filled batch-a 10
  batch '--match=^batch-' '--match=^batch-' "  hooks:
    preBackup: {httpPost: {host: chat, port: 8080, path: /cgi-bin/closed, body: x}}
    postBackup: {httpPost: {host: chat, port: 8080, path: /cgi-bin/room, body: 'it {{ .Status.Phase }}'}}"
  becomes backupbatch both Ready
  of_batch closed
  becomes backupsession closed Failed
  has "$(around closed GlobalPreBackupHookSucceeded)" 'was answered with 503: the room is closed'
  event closed GlobalPreBackupHookExecutionFailed 'the room is closed'
  equal "the targets" "$(of_targets closed .phase)" 'Failed Failed'
  equal "Jobs of targets" "$(k get jobs -o name | grep -c 'closed-[01]$' || true)" 0
  equal "what the room heard" "$(inside cat /tmp/room)" 'it Failed'
  # A hook without a host has no pod to go to.
  batch '--match=^batch-' '--match=^batch-' '  hooks: {preBackup: {exec: {command: ["true"]}}}'
  becomes backupbatch both Ready
  of_batch nowhere
  becomes backupsession nowhere Failed
  has "$(around nowhere GlobalPreBackupHookSucceeded)" 'has no pod of its own'
}

test_a_batch_that_cannot_work_says_so() {
  namespace e2e-batch-bad
  served elasticsearch 9200 "$E2E_ES"; served minio 9000 "$E2E_S3"
  storage; repository; binding
  batch x y
  condition backupbatch both RepositoryFound True
  # The second target is not there.
  missing() { is backupbatch both '{.status.memberConditions[1].conditions[0].reason}' TargetNotAvailable; }
  await "that the second target is missed" 30 missing
  equal "CronJobs" "$(k get cronjobs -o name)" ''
  two
  becomes backupbatch both Ready
  local said
  said=$(k patch backupbatch both --type=json -p '[{"op":"remove","path":"/spec/members/1/target/alias"},{"op":"remove","path":"/spec/members/0/target/alias"}]' 2>&1 || true)
  has "$said" 'spec.members[1].target.alias'
}
