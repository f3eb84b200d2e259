# CronJobs: they fire, rest when paused, and leave nothing behind.

test_a_cronjob_fires_and_its_job_is_removed() {
  everything e2e-schedule
  es DELETE 'schedule-*' >/dev/null; filled schedule-a 10
  k patch backupconfiguration es --type=merge -p '{"spec":{"schedule":"* * * * *"}}' >/dev/null
  local session
  begun() { session=$(k get backupsessions -o name | sed -n 1p); [ -n "$session" ]; }
  await "a session that the CronJob began" 90 begun
  session=$(k get backupsessions -o name | sed -n 1p); session=${session#*/}
  becomes backupsession "$session" Succeeded
  equal "whose session it is" "$(field backupsession "$session" '{.metadata.ownerReferences[0].kind}/{.metadata.ownerReferences[0].name}')" BackupConfiguration/es
  equal "the invoker in its labels" "$(field backupsession "$session" '{.metadata.labels.stash\.appscode\.com/invoker-name}')" es
  gone() { [ -z "$(k get jobs -l stash.appscode.com/delete-job-on-completion=true -o name)" ]; }
  await "the Job that began it is removed" 30 gone

  k patch backupconfiguration es --type=merge -p '{"spec":{"paused":true}}' >/dev/null
  await "a suspended CronJob" 20 is cronjob stash-trigger-es '{.spec.suspend}' true
  session by-hand
  becomes backupsession by-hand Succeeded
}

test_a_schedule_that_is_none_is_told() {
  namespace e2e-bad-schedule
  served elasticsearch 9200 "$E2E_ES"
  served minio 9000 "$E2E_S3"
  storage; repository; binding; configuration es '  task: {name: elasticsearch-backup-7.14.0}'
  k patch backupconfiguration es --type=merge -p '{"spec":{"schedule":"every full moon"}}' >/dev/null
  condition backupconfiguration es CronJobCreated False 'spec.schedule'
  await "a phase" 20 is backupconfiguration es '{.status.phase}' NotReady
  event es CronJobCreationFailed 'spec.schedule'
}

test_old_sessions_are_removed() {
  everything e2e-history
  es DELETE 'history-*' >/dev/null; filled history-a 10
  local name
  for name in one two three; do
    session $name
    becomes backupsession $name Succeeded
  done
  one_left() { [ "$(k get backupsessions -o name)" = backupsession.stash.appscode.com/three ]; }
  await "that the last session alone is left" 20 one_left
  equal "snapshots" "$(field repository store '{.status.snapshotCount}')" 3
}
