# Every session ends, with its reason, and the next one runs.

# slow [FURTHER YAML of spec]: a BackupConfiguration whose database never answers, so that its Job goes on.
slow() {
  k apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Service
metadata: {name: nowhere}
spec: {ports: [{port: 9200}]}
---
apiVersion: appcatalog.appscode.com/v1alpha1
kind: AppBinding
metadata: {name: nowhere}
spec: {clientConfig: {service: {scheme: http, name: nowhere, port: 9200}}}
---
apiVersion: stash.appscode.com/v1beta1
kind: BackupConfiguration
metadata: {name: slow}
spec:
  schedule: "0 0 31 2 *"
  repository: {name: store}
  task: {name: elasticsearch-backup-7.14.0}
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: nowhere}}
  retentionPolicy: {name: all, keepLast: 5, prune: false}
${1:-}
YAML
  becomes backupconfiguration slow Ready
}

pod_of() { k get pods -l "job-name=stash-backup-$1-0" -o name | sed -n 1p; }

works() { [ "$(k get "$(pod_of "$1")" -o jsonpath='{.status.initContainerStatuses[0].state.running.startedAt}')" ]; }

# ends NAME WORDS: the session fails and says so; the next one of the good configuration succeeds.
ends() {
  becomes backupsession "$1" Failed
  has "$(field backupsession "$1" '{.status.targets[0].stats[0].error}')" "$2"
  event "$1" 'BackupSession Failed' "$2"
}

the_next_runs() {
  session next es
  becomes backupsession next Succeeded
}

test_out_of_memory() {
  everything e2e-oom
  k patch backupconfiguration es --type=merge -p '{"spec":{"runtimeSettings":{"container":{"resources":{"limits":{"memory":"24Mi"}}}}}}' >/dev/null
  session big
  ends big 'needed more memory than its limit'
  k patch backupconfiguration es --type=merge -p '{"spec":{"runtimeSettings":null}}' >/dev/null
  the_next_runs
}

test_a_deleted_pod() {
  everything e2e-pod-deleted
  slow
  session lost slow
  await "that its pod works" 60 works lost
  k delete "$(pod_of lost)" --grace-period=0 --force >/dev/null 2>&1
  ends lost 'was deleted, or its node is gone'
  the_next_runs
}

test_a_deleted_job() {
  everything e2e-job-deleted
  slow
  session lost slow
  await "that its pod works" 60 works lost
  k delete job stash-backup-lost-0 >/dev/null
  ends lost 'its Job was deleted'
  the_next_runs
}

test_an_evicted_pod() {
  everything e2e-evicted
  kubectl label namespace "$ns" pod-security.kubernetes.io/enforce=privileged --overwrite >/dev/null
  kubectl apply -f - >/dev/null <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: Function
metadata: {name: e2e-fills-its-folder}
spec:
  image: localhost/busybox:1
  command: [sh, -c, "dd if=/dev/zero of=/tmp/fill bs=1M count=20; sleep 600"]
---
apiVersion: stash.appscode.com/v1beta1
kind: Task
metadata: {name: e2e-fills-its-folder}
spec: {steps: [{name: e2e-fills-its-folder}, {name: update-status}]}
YAML
  configuration filling '  task: {name: e2e-fills-its-folder}
  tempDir: {sizeLimit: 4Mi}'
  becomes backupconfiguration filling Ready
  session full filling
  ends full 'its pod was evicted'
  the_next_runs
}

test_a_pod_that_no_node_takes() {
  everything e2e-unschedulable
  slow '  timeOut: 20s
  runtimeSettings: {pod: {nodeSelector: {no-such: label}}}'
  session nowhere slow
  await "that it is told while it waits" 30 is backupsession nowhere \
    '{.status.targets[0].conditions[?(@.type=="BackupExecutorProgressing")].reason}' Unschedulable
  ends nowhere 'its pod is not scheduled'
  the_next_runs
}

test_an_image_that_cannot_be_pulled() {
  everything e2e-image
  kubectl label namespace "$ns" pod-security.kubernetes.io/enforce=privileged --overwrite >/dev/null
  kubectl apply -f - >/dev/null <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: Function
metadata: {name: e2e-no-image}
spec: {image: "localhost/no-such-image:1", args: [x]}
---
apiVersion: stash.appscode.com/v1beta1
kind: Task
metadata: {name: e2e-no-image}
spec: {steps: [{name: e2e-no-image}, {name: update-status}]}
YAML
  configuration without '  task: {name: e2e-no-image}
  timeOut: 25s'
  becomes backupconfiguration without Ready
  session unpulled without
  ends unpulled 'no-such-image'
  the_next_runs
}

test_a_volume_that_is_not_there() {
  everything e2e-volume
  k apply -f - >/dev/null <<YAML
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: in-a-volume}
spec:
  backend:
    local: {mountPath: /safe/data, persistentVolumeClaim: {claimName: no-such-claim}}
    storageSecretName: storage
YAML
  slow '  timeOut: 20s'
  k patch backupconfiguration slow --type=merge -p '{"spec":{"repository":{"name":"in-a-volume"}}}' >/dev/null
  await "the configuration" 20 is backupconfiguration slow '{.status.phase}' Ready
  session unmounted slow
  ends unmounted 'no-such-claim'
  the_next_runs
}

test_a_deadline() {
  everything e2e-deadline
  slow '  timeOut: 15s'
  session late slow
  ends late 'timeOut'
  the_next_runs
}

test_a_pod_that_the_namespace_does_not_admit() {
  everything e2e-not-admitted
  slow '  timeOut: 20s
  runtimeSettings: {pod: {securityContext: {runAsUser: 0}}}'
  session root slow
  ends root 'violates PodSecurity'
  the_next_runs
}

# Alone: the node is away.
test_a_node_that_is_gone() {
  everything e2e-node-gone
  slow '  timeOut: 20s'
  session stranded slow
  await "that its pod works" 60 works stranded
  local kubelet; kubelet=$(awk '{print $1}' "$LARDER_LAB_RUN/kubernetes-node/kubelet/pid")
  kill -STOP "$kubelet"
  ends stranded 'timeOut' || { kill -CONT "$kubelet"; return 1; }
  kill -CONT "$kubelet"
  the_next_runs
}
