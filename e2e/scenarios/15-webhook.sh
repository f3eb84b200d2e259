# The operator's word on which objects may be: by the API server, and as a condition where nobody asks.

webhook=validatingwebhookconfigurations/admission.stash.appscode.com

operator_pods() { kubectl -n "$operator_ns" get pods -l app.kubernetes.io/component=operator -o name; }

# twice NAME: a restore with a host in two rules.
twice() {
  restore "$1" '  task: {name: elasticsearch-restore-7.14.0}
  rules: [{targetHosts: [a]}, {targetHosts: [a]}]'
}

refused() { twice asked >"$work/said" 2>&1 && { k delete restoresession asked >/dev/null; return 1; } || true; }

# using NAME REPOSITORY: a BackupConfiguration that uses a Repository of another namespace.
using() {
  k apply -f - <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: BackupConfiguration
metadata: {name: $1}
spec:
  schedule: "0 0 31 2 *"
  repository: {name: $2, namespace: e2e-vault}
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: es}}
  retentionPolicy: {name: last-five, keepLast: 5, prune: true}
YAML
}

vault() {
  kubectl create namespace e2e-vault --dry-run=client -o yaml | kubectl apply -f - >/dev/null
  kubectl -n e2e-vault apply -f - >/dev/null <<YAML
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: closed}
spec: {backend: {s3: {endpoint: "http://minio:9000", bucket: larder}, storageSecretName: storage}}
YAML
}

test_what_breaks_a_rule_is_refused_by_the_fields_name() {
  namespace e2e-webhook
  vault
  await "that the API server asks" 60 refused
  has "$(cat "$work/said")" 'spec.rules[1].targetHosts: host "a" is in a rule before this one already'
  local said
  said=$(using foreign closed 2>&1 || true)
  has "$said" 'spec.repository: namespace e2e-webhook may not use Repository closed of namespace e2e-vault'
  # A Repository that is not there yet may allow it.
  using early later >/dev/null
  said=$(k apply -f - 2>&1 <<YAML || true
apiVersion: stash.appscode.com/v1beta1
kind: BackupBatch
metadata: {name: same}
spec:
  schedule: "0 0 31 2 *"
  repository: {name: store}
  retentionPolicy: {name: all, keepLast: 5, prune: true}
  members:
  - target: {alias: a, ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: one}}
  - target: {alias: a, ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: two}}
YAML
  )
  has "$said" 'spec.members[1].target.alias'
  kubectl delete namespace e2e-vault --wait=false >/dev/null
}

# Nobody is asked: the same is said as a condition. The operator is away: everything is let through.
# Alone: the webhook is away.
test_without_it_the_operator_says_so_as_a_condition() {
  namespace e2e-unasked
  served minio 9000 "$E2E_S3"
  storage; repository
  kubectl -n "$operator_ns" scale deploy/larder --replicas=0 >/dev/null
  gone() { [ -z "$(operator_pods)" ]; }
  await "that the operator is gone" 90 gone
  twice unasked
  kubectl -n "$operator_ns" scale deploy/larder --replicas=1 >/dev/null
  condition restoresession unasked ValidationPassed False 'spec.rules[1].targetHosts: host "a" is in a rule before this one already'
  await "that the API server asks again" 60 refused
}

# In a release whose certificates last seconds.
# Alone: the operator is started anew.
test_the_certificate_changes_while_it_serves() {
  namespace e2e-rotation
  local args before bundle i end=$((SECONDS + 120))
  args=$(kubectl -n "$operator_ns" get deploy larder -o json | jq -c '.spec.template.spec.containers[0].args')
  kubectl -n "$operator_ns" patch deploy larder --type=json \
    -p "[{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/args\",\"value\":$(jq -c 'map(sub("^--serving-lifetime=.*"; "--serving-lifetime=20s"))' <<<"$args")}]" >/dev/null
  kubectl -n "$operator_ns" rollout status deploy/larder --timeout=90s >/dev/null
  await "that the API server asks" 60 refused
  ca() { kubectl get "$webhook" -o jsonpath='{.webhooks[0].clientConfig.caBundle}'; }
  certificate() { kubectl -n "$operator_ns" get secret larder-serving -o jsonpath='{.data.tls\.crt}'; }
  before=$(certificate) bundle=$(ca)
  other() { [ "$(certificate)" != "$before" ] && [ "$(ca)" != "$bundle" ]; }
  for i in 1 2; do
    until other; do
      # While it changes, nothing slips through.
      refused || { fail "an object was let through"; break; }
      [ $SECONDS -lt $end ] || { fail "the certificate does not change"; break; }
    done
    before=$(certificate) bundle=$(ca)
  done
  equal "restarts" "$(kubectl -n "$operator_ns" get pods -l app.kubernetes.io/component=operator -o jsonpath='{.items[*].status.containerStatuses[?(@.name=="operator")].restartCount}')" 0
  kubectl -n "$operator_ns" patch deploy larder --type=json \
    -p "[{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/args\",\"value\":$args}]" >/dev/null
  kubectl -n "$operator_ns" rollout status deploy/larder --timeout=90s >/dev/null
}
