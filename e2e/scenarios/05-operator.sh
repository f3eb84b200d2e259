# The operator itself: killed at any step it goes on, and nothing runs twice.

operator_pods() { kubectl -n "$operator_ns" get pods -l app.kubernetes.io/name=larder -o name; }

kill_operator() { kubectl -n "$operator_ns" delete $(operator_pods) --grace-period=0 --force >/dev/null 2>&1; }

# Alone: the operator is away.
test_an_operator_that_is_killed_goes_on() {
  local try snapshots
  everything e2e-killed
  es DELETE 'killed-*' >/dev/null; filled killed-a 10
  for try in 1 2 3 4 5 6; do
    session try-$try
    sleep "0.$((try * 3 % 10))"
    kill_operator
    becomes backupsession try-$try Succeeded
  done
  equal "snapshots, one for each session" "$(field repository store '{.status.snapshotCount}')" 5
  k get events -o jsonpath='{range .items[*]}{.reason} {.involvedObject.name}{"\n"}{end}' >"$work/events"
  for try in 1 2 3 4 5 6; do
    equal "pods of try-$try" "$(grep -c "^SuccessfulCreate stash-backup-try-$try-0" "$work/events")" 1
  done
}

# The operator makes a Job, is killed, and somebody else writes down what the session's targets are, when the pod is done already.
# Alone: the operator is away.
test_a_pod_that_is_faster_than_the_operator_waits_for_it() {
  everything e2e-faster
  es DELETE 'faster-*' >/dev/null; filled faster-a 10
  session first
  becomes backupsession first Succeeded
  kubectl -n "$operator_ns" scale deploy/larder --replicas=0 >/dev/null
  gone() { [ -z "$(operator_pods)" ]; }
  await "that the operator is gone" 90 gone
  session second
  k get job stash-backup-first-0 -o json | jq --arg uid "$(field backupsession second '{.metadata.uid}')" '
    del(.status, .spec.selector, .metadata.uid, .metadata.resourceVersion, .metadata.creationTimestamp) |
    del(.. | objects | .["controller-uid"]?, .["batch.kubernetes.io/controller-uid"]?, .["job-name"]?, .["batch.kubernetes.io/job-name"]?) |
    .metadata.name = "stash-backup-second-0" | .metadata.ownerReferences[0] += {name: "second", uid: $uid} |
    (.. | objects | .args? // empty | arrays | .[]) |= sub("=first$"; "=second")' | k create -f - >/dev/null
  waits() { k logs job/stash-backup-second-0 -c update-status-1 | grep -q 'waiting until the operator lists'; }
  await "that the pod waits" 60 waits
  kubectl -n "$operator_ns" scale deploy/larder --replicas=1 >/dev/null
  becomes backupsession second Succeeded
  equal "snapshots" "$(field repository store '{.status.snapshotCount}')" 2
}

# Alone: the operator is away.
test_of_two_replicas_one_works() {
  everything e2e-replicas
  kubectl -n "$operator_ns" scale deploy/larder --replicas=2 >/dev/null
  kubectl -n "$operator_ns" rollout status deploy/larder --timeout=60s >/dev/null
  local holder try
  session first
  becomes backupsession first Succeeded
  for try in 1 2; do
    holder=$(kubectl -n "$operator_ns" get lease larder-operator -o jsonpath='{.spec.holderIdentity}')
    session "while-$try"
    kubectl -n "$operator_ns" delete pod "$holder" --grace-period=0 --force >/dev/null 2>&1
    becomes backupsession "while-$try" Succeeded
    equal "pods of while-$try" "$(k get events --field-selector "involvedObject.name=stash-backup-while-$try-0,reason=SuccessfulCreate" -o name | wc -l)" 1
  done
  kubectl -n "$operator_ns" scale deploy/larder --replicas=1 >/dev/null
}

# Alone: all places for Jobs are taken.
test_sessions_wait_for_a_place_and_do_not_pile_up() {
  local i running most=0
  namespace e2e-many
  served elasticsearch 9200 "$E2E_ES"
  served minio 9000 "$E2E_S3"
  es DELETE 'many-*' >/dev/null; filled many-a 10
  storage; repository; binding
  for i in $(seq 1 12); do configuration "c$i"; done
  for i in $(seq 1 12); do becomes backupconfiguration "c$i" Ready; done
  for i in $(seq 1 12); do session "first-$i" "c$i"; session "second-$i" "c$i"; done
  for i in $(seq 1 240); do
    running=$(k get jobs -o jsonpath='{range .items[?(@.status.active==1)]}x{end}' | wc -c)
    [ "$running" -le "$most" ] || most=$running
    [ "$(k get backupsessions -o jsonpath='{range .items[?(@.status.phase=="Succeeded")]}x{end}' | wc -c)" -lt 12 ] || break
    sleep 0.5
  done
  for i in $(seq 1 12); do
    becomes backupsession "first-$i" Succeeded
    # Of two that began in the same second either is the older one for the history.
    skipped() { case $(field backupsession "second-$1" '{.status.phase}') in Skipped | '') ;; *) return 1 ;; esac; }
    await "that second-$i is skipped" 30 skipped "$i"
    equal "Jobs of second-$i" "$(k get job "stash-backup-second-$i-0" --ignore-not-found -o name)" ''
  done
  [ "$most" -le 3 ] || fail "$most Jobs ran at once"
}

# Many CronJobs fire in the same minute: as many backups run at once as may, and each has its turn. E2E_SCHEDULES says how many.
# Alone: all places for Jobs are taken.
test_many_schedules_at_one_minute() {
  local i running most=0 minute end many=${E2E_SCHEDULES:-25}
  namespace e2e-schedules
  served elasticsearch 9200 "$E2E_ES"
  served minio 9000 "$E2E_S3"
  es DELETE 'schedules-*' >/dev/null; filled schedules-a 3
  storage; repository; binding
  # As soon as that many CronJobs can be there.
  minute=$(date -u -d "+$many seconds" +%-M)
  for i in $(seq 1 "$many"); do
    cat <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: BackupConfiguration
metadata: {name: s$i}
spec:
  schedule: "$(((minute + 1) % 60)) * * * *"
  repository: {name: store}
  task: {name: elasticsearch-backup-7.14.0, params: [{name: args, value: "--match=^schedules-"}]}
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: es}}
  retentionPolicy: {name: all, keepLast: 1000, prune: false}
---
YAML
  done | k apply -f - >/dev/null
  scheduled() { [ "$(k get cronjobs -o name | wc -l)" = "$many" ]; }
  await "$many CronJobs" 120 scheduled
  end=$((SECONDS + 900))
  until [ "$(k get backupsessions -o jsonpath='{range .items[?(@.status.phase=="Succeeded")]}x{end}' | wc -c)" = "$many" ]; do
    running=$(k get jobs -o jsonpath='{range .items[?(@.status.active==1)]}{.metadata.name}{"\n"}{end}' | grep -c ^stash-backup- || true)
    [ "$running" -le "$most" ] || most=$running
    [ "$running" -le 3 ] || { fail "$running Jobs ran at once"; return 1; }
    [ -z "$(k get backupsessions -o jsonpath='{range .items[?(@.status.phase=="Failed")]}x{end}')" ] || { fail "a session failed"; return 1; }
    [ $SECONDS -lt $end ] || { fail "not every session succeeded"; return 1; }
    sleep 1
  done
  equal "invokers with a session" "$(k get backupsessions -o jsonpath='{range .items[*]}{.spec.invoker.name}{"\n"}{end}' | sort -u | wc -l)" "$many"
  [ "$most" = 3 ] || fail "at most $most Jobs ran at once, though 3 may"
  kubectl delete namespace "$ns" --wait=false >/dev/null
}
