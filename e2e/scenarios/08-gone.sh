# Things are deleted in any order: nothing is left behind, and no backup is lost.

left() { k get cronjobs,jobs,pods,serviceaccounts,rolebindings,roles,persistentvolumeclaims -l app.kubernetes.io/managed-by=stash.appscode.com -o name; }

snapshots() {
  RESTIC_PASSWORD=e2e-$ns AWS_ACCESS_KEY_ID=$E2E_S3_KEY AWS_SECRET_ACCESS_KEY=$E2E_S3_SECRET \
    "$LARDER_LAB_BIN/restic-0.18.1" -r "s3:http://$E2E_S3/larder/e2e/$ns" --no-cache --no-lock snapshots --json | grep -o '"short_id"' | wc -l
}

nothing_left() { [ -z "$(left)" ]; }

saved() {
  everything "$1"
  es DELETE 'gone-*' >/dev/null; filled gone-a 10
  session one
  becomes backupsession one Succeeded
}

test_the_configuration_first() {
  saved e2e-gone-1
  k delete backupconfiguration es --timeout=30s >/dev/null
  await "that nothing is left" 60 nothing_left
  references() { [ -z "$(field repository store '{.status.references}')" ]; }
  await "that the Repository has no user" 30 references
  k delete repository store --timeout=30s >/dev/null
  equal "snapshots" "$(snapshots)" 1
  # Or alerts would go on about what nobody backs up any more.
  unmeasured() { ! curl -fsS --get "http://$E2E_PROMETHEUS/api/v1/query" --data-urlencode "query={job=\"backupconfiguration-$ns-es\"}" | grep -q '"metric"'; }
  await "that its metrics are gone" 30 unmeasured
}

test_the_repository_first() {
  saved e2e-gone-2
  k delete repository store --timeout=30s >/dev/null
  condition backupconfiguration es RepositoryFound False store
  await "a phase" 30 is backupconfiguration es '{.status.phase}' NotReady
  session skipped
  becomes backupsession skipped Skipped
  k delete backupconfiguration es --timeout=30s >/dev/null
  await "that nothing is left" 60 nothing_left
  equal "snapshots" "$(snapshots)" 1
}

test_everything_while_it_works() {
  saved e2e-gone-3
  session two
  k delete backupconfiguration es --timeout=30s >/dev/null
  k delete repository store --timeout=30s >/dev/null
  k delete secret storage >/dev/null
  await "that nothing is left" 90 nothing_left
  [ "$(snapshots)" -ge 1 ] || fail "the first snapshot is gone"
}

test_a_dead_pods_lock_is_broken() {
  saved e2e-lock
  k apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Service
metadata: {name: nowhere}
spec: {ports: [{port: 9200}]}
YAML
  # Killed while it holds the lock: a large index, and the pod is gone without a word.
  filled gone-large 60000
  session killed
  local pod
  locked() { pod=$(k get pods -l job-name=stash-backup-killed-0 -o name); k logs "$pod" -c elasticsearch-backup-7-14-0-0 | grep -q reading; }
  started() { [ "$(k get pods -l job-name=stash-backup-killed-0 -o jsonpath='{.items[0].status.initContainerStatuses[0].state.running.startedAt}')" ]; }
  await "that it works" 30 started
  sleep 0.7
  k delete pods -l job-name=stash-backup-killed-0 --grace-period=0 --force >/dev/null 2>&1
  becomes backupsession killed Failed
  session after
  becomes backupsession after Succeeded
  condition backupsession after RetentionPolicyApplied True
  es DELETE gone-large >/dev/null
}
