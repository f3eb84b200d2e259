#!/usr/bin/env bash
# Starts all that the scenarios need in the lab's run, and installs Larder there as a user would. Prints shell lines for e2e/run.
#
#   eval "$(e2e/up.sh)"       LARDER_LAB_RUN says which run; `lab/lab stop` ends it
#   e2e/up.sh --env           only the lines, of a run that is up
#
# E2E_PROFILE: the profile of the image's build, dev (default) or release. E2E_IMAGE: an archive that was built, instead.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

main() {
  : "${LARDER_LAB_RUN:?LARDER_LAB_RUN: a folder for what is started}"
  lab/lab install node
  lab/lab start kubernetes-node
  eval "$(lab/lab env)"
  export KUBECONFIG=$LARDER_TEST_NODE_KUBECONFIG PATH=$LARDER_LAB_BIN:$PATH
  servers
  if [ -z "${E2E_IMAGE:-}" ]; then
    E2E_IMAGE=$LARDER_LAB_RUN/larder.tar
    image/build.sh --profile "${E2E_PROFILE:-dev}" --tag localhost/larder:e2e --output "$E2E_IMAGE"
  fi
  lab/lab load "$E2E_IMAGE" pushgateway
  stashs_leftovers
  chart
  prometheus
} >&2

# servers: those of the machine that pods reach, and tools.
servers() {
  lab/lab fetch kubectl helm restic-0.14 restic-0.18.1 elasticdump-6.76.0 prometheus
  lab/lab start e2e-elasticsearch=elasticsearch-7.14.0 --listen 10.244.0.1 &
  local first=$!
  # The second lane's.
  lab/lab start e2e-elasticsearch-2=elasticsearch-7.14.0 --listen 10.244.0.1 &
  local other=$!
  lab/lab start e2e-secured=elasticsearch-7.17.29 --listen 10.244.0.1 --tls --san DNS:secured.e2e.test &
  local second=$!
  lab/lab start e2e-minio=minio --listen 10.244.0.1
  lab/lab start e2e-rest=rest-server --listen 10.244.0.1
  lab/lab start e2e-small=minio --listen 10.244.0.1 disk=64m
  wait $first; wait $other; wait $second
  # A bucket is a folder of MinIO's.
  mkdir -p "$LARDER_LAB_RUN/e2e-minio/data/larder" "$(small_disk)/larder"
}

# small_disk: as the server sees it.
small_disk() { echo "/proc/$(cut -d' ' -f1 "$LARDER_LAB_RUN/e2e-small/pid")/root$LARDER_LAB_RUN/e2e-small/data"; }

# stashs_leftovers: what a cluster holds from which Stash's operator was removed: its definitions, and its users' objects.
stashs_leftovers() {
  cargo run --quiet --bin xtask -- stash-crds >"$LARDER_LAB_RUN/stash-crds.yaml"
  kubectl apply --server-side -f "$LARDER_LAB_RUN/stash-crds.yaml" >/dev/null
  kubectl wait --for condition=established -f "$LARDER_LAB_RUN/stash-crds.yaml" >/dev/null
  kubectl apply -f e2e/stash-objects.yaml >/dev/null
}

chart() {
  local gateway
  gateway=$(ctr -a "$LARDER_LAB_RUN/kubernetes-node/containerd.sock" -n k8s.io images ls -q | sed -n 's/^localhost\/pushgateway://p')
  helm upgrade --install larder charts/larder --namespace larder --create-namespace --wait --timeout 2m \
    --set operator.registry=localhost --set operator.tag=e2e --set maxConcurrentJobs=3 \
    --set pushgateway.registry=localhost --set pushgateway.tag="$gateway"
}

# prometheus: on the machine, which reaches the pods.
prometheus() {
  local gateway; gateway=$(kubectl -n larder get service larder -o jsonpath='{.spec.clusterIP}')
  cat >"$LARDER_LAB_RUN/e2e-prometheus.yml" <<YAML
global: {scrape_interval: 1s}
scrape_configs:
- job_name: pushgateway
  honor_labels: true
  static_configs: [{targets: ["$gateway:56789"]}]
YAML
  lab/lab start e2e-prometheus=prometheus config="$LARDER_LAB_RUN/e2e-prometheus.yml"
}

# told: where the scenarios find it all.
told() {
  local at
  lab/lab env
  address() { sed 's|.*://||' "$LARDER_LAB_RUN/$1/url"; }
  printf 'export KUBECONFIG=%q PATH=%q:$PATH\n' "$LARDER_LAB_RUN/kubernetes-node/kubeconfig" "$(lab/lab cache)/bin"
  printf 'export E2E_ES_2=%q\n' "$(address e2e-elasticsearch-2)"
  printf 'export E2E_ES=%q E2E_SECURED=%q E2E_CA=%q\n' "$(address e2e-elasticsearch)" "$(address e2e-secured)" "$LARDER_LAB_RUN/tls/ca.crt"
  printf 'export E2E_BUCKET=%q\n' "$LARDER_LAB_RUN/e2e-minio/data/larder"
  printf 'export E2E_S3=%q E2E_S3_KEY=labadmin E2E_S3_SECRET=labsecret123\n' "$(address e2e-minio)"
  printf 'export E2E_SMALL=%q E2E_SMALL_DISK=%q\n' "$(address e2e-small)" "$(small_disk)"
  printf 'export E2E_REST=%q E2E_PROMETHEUS=%q\n' "$(address e2e-rest)" "$(address e2e-prometheus)"
}

case ${1:-} in
  --env) ;;
  '') main ;;
  *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
told
