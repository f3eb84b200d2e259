# What Stash left behind goes on working: its repositories, its objects, its users' own Functions.

# stashs_way FOLDER_IN_SNAPSHOT: a repository of format 1, filled by the real multielasticdump and the real restic.
stashs_way() {
  local folder=$work$1 restic=${LARDER_LAB_BIN}/restic-0.14
  mkdir -p "$folder"
  node "$LARDER_TEST_ELASTICDUMP_6_76_0" --input="http://$E2E_ES" --output="$folder" --match='^stash-' --ignoreType=template >/dev/null
  export RESTIC_PASSWORD=e2e-$ns AWS_ACCESS_KEY_ID=$E2E_S3_KEY AWS_SECRET_ACCESS_KEY=$E2E_S3_SECRET
  export RESTIC_REPOSITORY=s3:http://$E2E_S3/larder/e2e/$ns RESTIC_CACHE_DIR=$work/cache
  $restic init --repository-version 1 >/dev/null
  # The path in the snapshot is the pod's: restic sees it so in a root of its own.
  mkdir -p "$work/bin"; cp "$restic" "$work/bin/restic"
  unshare --mount sh -c "mkdir -p '$1' && mount --bind '$folder' '$1' && '$restic' backup '$1' --host host-0 --quiet --no-cache; code=\$?; umount '$1'; exit \$code"
}

test_a_repository_of_stashs_is_restored() {
  namespace e2e-stash
  served elasticsearch 9200 "$E2E_ES"; served minio 9000 "$E2E_S3"
  es DELETE 'stash-*' >/dev/null; filled stash-a 250 plain; filled stash-b 10 plain
  local before; before=$(content stash-a; content stash-b)
  stashs_way /stash-interim-volume/data
  storage; repository; binding
  es DELETE stash-a >/dev/null; es DELETE stash-b >/dev/null
  restore back
  becomes restoresession back Succeeded
  equal "the documents" "$(content stash-a; content stash-b)" "$before"

  configuration es '  task: {name: elasticsearch-backup-7.3.2-v2, params: [{name: args, value: "--match=^stash-"}]}'
  becomes backupconfiguration es Ready
  session joins
  becomes backupsession joins Succeeded
  equal "snapshots, Stash's and ours" "$(field repository store '{.status.snapshotCount}')" 2
  "$LARDER_LAB_BIN/restic-0.14" -r "s3:http://$E2E_S3/larder/e2e/$ns" --no-cache check >/dev/null 2>&1 || fail "restic's check"
}

test_finalizers_of_stashs_hold_nothing_up() {
  everything e2e-finalizers
  k patch backupconfiguration es --type=merge -p '{"metadata":{"finalizers":["stash.appscode.com"]}}' >/dev/null
  k patch repository store --type=merge -p '{"metadata":{"finalizers":["stash"]}}' >/dev/null
  k delete backupconfiguration es --timeout=30s >/dev/null
  k delete repository store --timeout=30s >/dev/null
}

test_users_own_functions_run_as_they_are() {
  everything e2e-own
  kubectl label namespace "$ns" pod-security.kubernetes.io/enforce=privileged --overwrite >/dev/null
  kubectl apply -f - >/dev/null <<'YAML'
apiVersion: stash.appscode.com/v1beta1
kind: Function
metadata: {name: e2e-own}
spec:
  image: localhost/busybox:1
  command: [sh, -c]
  args:
  - |
    mkdir -p ${outputDir:=}
    echo '{"targetStatus":{"ref":{"kind":"AppBinding","name":"${TARGET_NAME:=}"},"stats":[{"hostname":"${HOSTNAME:=}","phase":"Succeeded","duration":"1.5s",
      "snapshots":[{"name":"${greeting:=none}","path":"/x","totalSize":"1.500 KiB","uploaded":"1 B","processingTime":"0:01","fileStats":{"totalFiles":2,"newFiles":2}}]}]}}' >${outputDir:=}/output.json
---
apiVersion: stash.appscode.com/v1beta1
kind: Task
metadata: {name: e2e-own}
spec:
  steps:
  - {name: e2e-own, params: [{name: outputDir, value: /tmp/output}]}
  - {name: update-status, params: [{name: outputDir, value: /tmp/output}]}
YAML
  es DELETE 'own-*' >/dev/null; filled own-a 10
  session makes-the-repository
  becomes backupsession makes-the-repository Succeeded
  configuration own '  task: {name: e2e-own, params: [{name: greeting, value: "12345678"}]}'
  becomes backupconfiguration own Ready
  session own own
  becomes backupsession own Succeeded
  equal "what the Function told" "$(field backupsession own '{.status.targets[0].stats[0].snapshots[0].name}')" 12345678

  configuration missing '  task: {name: e2e-no-such-task}'
  becomes backupconfiguration missing Ready
  session missing missing
  becomes backupsession missing Failed
  has "$(field backupsession missing '{.status.targets[0].conditions[0].message}')" 'Task e2e-no-such-task is not there'
}
