# What is missing or wrong is told, so that a person understands it.

test_what_a_configuration_lacks_is_told_and_mended() {
  namespace e2e-lacking
  served minio 9000 "$E2E_S3"
  served elasticsearch 9200 "$E2E_ES"
  configuration
  condition backupconfiguration es RepositoryFound False "Repository $ns/store is not there"
  event es RepositoryNotAvailable store
  repository
  condition backupconfiguration es BackendSecretFound False "Secret $ns/storage is not there"
  storage
  condition backupconfiguration es BackupTargetFound False 'appbinding/es is not there'
  binding
  becomes backupconfiguration es Ready
  k delete secret storage >/dev/null
  session without-secret
  becomes backupsession without-secret Failed
  has "$(field backupsession without-secret '{.status.targets[0].stats[0].error}')" "Secret $ns/storage"
}

test_a_login_that_is_not_there_is_told() {
  everything e2e-login
  k patch appbinding es --type=merge -p '{"spec":{"secret":{"name":"no-login"}}}' >/dev/null
  session without-login
  becomes backupsession without-login Failed
  has "$(field backupsession without-login '{.status.targets[0].stats[0].error}')" "Secret $ns/no-login"
  event without-login 'Host Backup Failed' "Secret $ns/no-login"
}

# Its port of the Service leads nowhere for a while.
gateway_at() {
  local port
  port=$(kubectl -n "$operator_ns" get service larder -o json | jq '[.spec.ports[].name] | index("pushgateway")')
  kubectl -n "$operator_ns" patch service larder --type=json -p "[{\"op\":\"replace\",\"path\":\"/spec/ports/$port/targetPort\",\"value\":$1}]" >/dev/null
}

# Alone: the Pushgateway is away.
test_a_pushgateway_that_is_down_fails_no_backup() {
  everything e2e-gateway
  es DELETE 'gateway-*' >/dev/null; filled gateway-a 10
  configuration es '  task: {name: elasticsearch-backup-7.14.0, params: [{name: args, value: "--match=^gateway-"}]}'
  trap 'gateway_at "\"pushgateway\""; rm -rf "$work"' EXIT
  gateway_at 9
  session one
  becomes backupsession one Succeeded
  condition backupsession one MetricsPushed False 'metrics were not pushed'
  condition backupsession one RepositoryMetricsPushed False 'metrics were not pushed'
  event one FailedToPushMetrics 'metrics were not pushed'
  es DELETE gateway-a >/dev/null
  restore back '  task: {name: elasticsearch-restore-7.14.0, params: [{name: args, value: "--match=^gateway-"}]}'
  becomes restoresession back Succeeded
  condition restoresession back MetricsPushed False 'metrics were not pushed'
}

# A MinIO whose disk is small, and full for a while.
test_a_full_bucket_is_told() {
  everything e2e-full
  served minio 9000 "$E2E_SMALL"
  es DELETE 'full-*' >/dev/null; filled full-a 10
  configuration es '  task: {name: elasticsearch-backup-7.14.0, params: [{name: args, value: "--match=^full-"}]}'
  session before
  becomes backupsession before Succeeded
  # In the server's own view of the files.
  local junk=$E2E_SMALL_DISK/junk
  dd if=/dev/zero of="$junk" bs=64k status=none 2>/dev/null || true
  filled full-b 5000
  session while
  becomes backupsession while Failed
  has "$(k get backupsession while -o jsonpath='{.status}')" 'full'
  rm "$junk"
  session after
  becomes backupsession after Succeeded
  condition backupsession after RepositoryIntegrityVerified True
}

test_a_wrong_password_is_told() {
  everything e2e-password
  es DELETE 'password-*' >/dev/null; filled password-a 10
  session good
  becomes backupsession good Succeeded
  k patch secret storage -p '{"stringData":{"RESTIC_PASSWORD":"another"}}' >/dev/null
  session bad
  becomes backupsession bad Failed
  condition backupsession bad BackendRepositoryInitialized False password
  hasnt "$(k get events -o yaml; k get backupsessions -o yaml)" another
}

test_a_database_that_comes_later_is_waited_for() {
  namespace e2e-later
  served minio 9000 "$E2E_S3"
  es DELETE 'later-*' >/dev/null; filled later-a 10
  storage; repository; binding; configuration
  becomes backupconfiguration es Ready
  session early
  at_work() { k logs job/stash-backup-early-0 -c elasticsearch-backup-7-14-0-0 | grep -q 'waiting for the cluster'; }
  await "that it waits" 60 at_work
  served elasticsearch 9200 "$E2E_ES"
  becomes backupsession early Succeeded
}

test_a_restore_over_what_is_there_is_refused_and_named() {
  everything e2e-existing
  es DELETE 'existing-*' >/dev/null; filled existing-a 10
  configuration es '  task: {name: elasticsearch-backup-7.14.0, params: [{name: args, value: "--match=^existing-"}]}'
  session one
  becomes backupsession one Succeeded
  local before; before=$(content existing-a)
  restore over
  becomes restoresession over Failed
  has "$(field restoresession over '{.status.stats[0].error}')" existing-a
  equal "what was there" "$(content existing-a)" "$before"
  restore beside '  task: {name: elasticsearch-restore-7.14.0, params: [{name: args, value: "--prefix=copy-of-"}]}'
  becomes restoresession beside Succeeded
  equal "the copy" "$(content copy-of-existing-a)" "$before"
  es DELETE existing-a/_doc/d1?routing=r1 >/dev/null
  restore instead '  task: {name: elasticsearch-restore-7.14.0, params: [{name: onConflict, value: overwrite}, {name: args, value: "--match=^existing-a$"}]}'
  becomes restoresession instead Succeeded
  equal "what is there now" "$(content existing-a)" "$before"
  es DELETE copy-of-existing-a >/dev/null
}

test_a_restore_that_cannot_begin_is_told() {
  namespace e2e-restore-lacking
  served minio 9000 "$E2E_S3"; served elasticsearch 9200 "$E2E_ES"
  storage; binding
  restore waits
  condition restoresession waits RepositoryFound False "Repository $ns/store is not there"
  repository
  becomes restoresession waits Failed
  has "$(field restoresession waits '{.status.stats[0].error}')" 'repository'
  ! k patch restoresession waits --type=merge -p '{"spec":{"repository":{"name":"other"}}}' 2>"$work/refused" || fail "the spec was changed"
  has "$(cat "$work/refused")" "cannot be changed"
}

test_no_secret_is_told_anywhere() {
  everything e2e-secrets
  k patch secret storage -p '{"stringData":{"RESTIC_PASSWORD":"hunter2-restic"}}' >/dev/null
  es DELETE 'secrets-*' >/dev/null; filled secrets-a 10
  k apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {username: somebody, password: hunter2-elastic}
YAML
  k patch appbinding es --type=merge -p '{"spec":{"secret":{"name":"login"}}}' >/dev/null
  session quiet
  becomes backupsession quiet Succeeded
  k get all,events,backupsessions,repositories,backupconfigurations,jobs,pods -o yaml >"$work/objects"
  k logs job/stash-backup-quiet-0 --all-containers >"$work/logs"
  kubectl -n "$operator_ns" logs deploy/larder -c operator >>"$work/logs"
  local secret
  for secret in hunter2-restic hunter2-elastic "$E2E_S3_SECRET"; do
    hasnt "$(cat "$work/objects" "$work/logs")" "$secret"
  done
}
