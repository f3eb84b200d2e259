#!/usr/bin/env bash
# Proves on the running node what the end-to-end tests take for granted, in less than two minutes:
#
#   lab/lab start kubernetes-node && eval "$(lab/lab env)" && lab/kubernetes/check.sh
#
# A line for each proof; the exit code is 0 only when all hold. Works in a namespace of its own and removes it.
# shellcheck disable=SC2016,SC2317 # pods' scripts are not for this shell; functions are called by `check`
set -uo pipefail

export KUBECONFIG=${LARDER_TEST_NODE_KUBECONFIG:?lab/lab env}
kubectl=${LARDER_LAB_BIN:?lab/lab env}/kubectl
machine=${LARDER_TEST_NODE_IP:?lab/lab env}
namespace=check-$$
bad=0

main() {
  trap finish EXIT
  $kubectl create namespace "$namespace" >/dev/null || exit 1
  $kubectl label namespace "$namespace" pod-security.kubernetes.io/enforce=restricted >/dev/null
  k create secret generic s --from-literal=word=hunter2 >/dev/null
  k create rolebinding view --clusterrole=view --serviceaccount="$namespace:default" >/dev/null
  cron_job # first: it may take a minute

  pod hello 'cat /secret/word; id -u; test $(id -u) = 1000'
  check "a pod ends well under the restricted profile" phase hello Succeeded
  check "its log, a Secret as a file" logs hello hunter2
  pod fails 'exit 3'
  check "a pod that fails has failed" phase fails Failed
  pod grows 'x=a; while :; do x=$x$x; done'
  check "one above its memory limit is killed" has grows '{.status.containerStatuses[0].state.terminated.reason}' OOMKilled

  pod web 'mkdir /data/w; echo from-pod >/data/w/index.html; exec httpd -f -p 8080 -h /data/w'
  check "a pod is ready" k wait --for=condition=Ready pod/web --timeout=60s
  check "exec" k exec web -- cat /data/w/index.html
  services
  pod names "sleep 1; wget -qO- http://web/ http://machine.$namespace.svc.cluster.local:9200/ http://$machine:19200/"
  check "Services of pods and of the machine by name, the machine by its address" phase names Succeeded
  check "and both were reached" logs names from-machine
  pod api 'cd /var/run/secrets/kubernetes.io/serviceaccount; wget -qO- --no-check-certificate --header "Authorization: Bearer $(cat token)" https://kubernetes.default.svc/api/v1/namespaces/$(cat namespace)/pods'
  check "a pod asks the API with its own rights" logs api PodList

  claim
  pod writes 'echo kept >/data/f' 'persistentVolumeClaim: {claimName: c}'
  check "a pod that is not root writes to a dynamic volume" phase writes Succeeded
  pod reads 'cat /data/f' 'persistentVolumeClaim: {claimName: c}'
  check "which outlives it" logs reads kept
  check "a CronJob's Job completes" until_true 90 cron_job_is_done
  exit $bad
}

k() { $kubectl -n "$namespace" "$@"; }

# check WHAT COMMAND...
check() {
  local what=$1 from=$SECONDS out; shift
  if out=$("$@" 2>&1); then echo "ok   $what ($((SECONDS - from)) s)"; else echo "FAIL $what: ${out:0:600}"; bad=1; fi
}

# pod NAME SCRIPT [VOLUME]: as Larder's pods are made: not root, nothing writable but /data.
pod() {
  local volume=${3:-'emptyDir: {}'}
  k apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata: {name: $1, labels: {name: $1}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  securityContext: {runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: main
    image: localhost/busybox:1
    command: [sh, -c, '$2']
    volumeMounts: [{name: data, mountPath: /data}, {name: secret, mountPath: /secret}]
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
    resources: {limits: {memory: 64Mi}}
  volumes: [{name: data, $volume}, {name: secret, secret: {secretName: s}}]
YAML
}

phase() { k wait --for=jsonpath='{.status.phase}'="$2" "pod/$1" --timeout=60s; }
has() { until_true 60 eval "[ \"\$(k get pod $1 -o jsonpath='$2')\" = $3 ]"; }
logs() { phase "$1" Succeeded && [[ $(k logs "$1") == *"$2"* ]]; }

# until_true SECONDS COMMAND...
until_true() {
  local end=$((SECONDS + $1)); shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.5
  done
}

# services: one for the pod `web`, one for a server of this machine.
services() {
  site=$(mktemp -d)
  echo from-machine >"$site/index.html"
  busybox httpd -f -p "$machine:19200" -h "$site" & server=$!
  k expose pod web --port=80 --target-port=8080 >/dev/null
  k apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Service
metadata: {name: machine}
spec: {ports: [{port: 9200, targetPort: 19200}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: machine-1, labels: {kubernetes.io/service-name: machine}}
addressType: IPv4
ports: [{port: 19200}]
endpoints: [{addresses: [$machine]}]
YAML
}

claim() {
  k apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: c}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
YAML
}

cron_job() {
  k apply -f - >/dev/null <<'YAML'
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec:
  schedule: '* * * * *'
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
          containers:
          - name: main
            image: localhost/busybox:1
            command: [echo, tick]
            securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
YAML
}

cron_job_is_done() { [[ $(k get jobs -o jsonpath='{.items[?(@.status.succeeded==1)].metadata.ownerReferences[0].name}') == tick* ]]; }

finish() {
  $kubectl delete namespace "$namespace" --timeout=60s >/dev/null || bad=1
  [ -z "${server:-}" ] || kill "$server"
  rm -rf "${site:-}"
}

main
