# Snapshots as objects, by the operator behind the API server. Needs an API server that is set up to pass requests on, as the lab's is.

snapshots=snapshots.repositories.stash.appscode.com

# restic_here COMMAND...: the real restic on the namespace's repository, from the machine.
restic_here() {
  RESTIC_PASSWORD=e2e-$ns AWS_ACCESS_KEY_ID=$E2E_S3_KEY AWS_SECRET_ACCESS_KEY=$E2E_S3_SECRET \
    "$LARDER_LAB_BIN/restic-0.18.1" --no-cache -q -r "s3:http://$E2E_S3/larder/e2e/$ns" "$@"
}

# saved DOUBLINGS: three snapshots of the machine's, and changed copies of all that are there, again and again.
saved() {
  local host i
  echo a >"$work/a"
  restic_here init
  for host in host-0 host-1 host-2; do restic_here backup --host $host "$work/a"; done
  for i in $(seq 1 "$1"); do restic_here rewrite --new-host "copy-$i"; done
}

listed() { k get $snapshots -o name "$@"; }

test_a_backup_is_listed_at_once_and_forgotten_when_told_to() {
  everything e2e-snapshots
  es DELETE 'snapshots-*' >/dev/null; filled snapshots-a 10
  equal "snapshots before the first backup" "$(listed)" ''
  session first
  becomes backupsession first Succeeded
  local name id
  name=$(field backupsession first '{.status.targets[0].stats[0].snapshots[0].name}')
  equal "the snapshot" "$(listed)" "snapshot.repositories.stash.appscode.com/store-$name"
  has "$(k get $snapshots "store-$name" -o yaml)" 'hostname: host-0'
  has "$(k get $snapshots)" 'CREATED AT'
  id=$(field $snapshots "store-$name" '{.metadata.uid}')
  session second
  becomes backupsession second Succeeded
  equal "snapshots after two backups" "$(listed | wc -l)" 2
  k delete $snapshots "store-$name" --timeout=30s >/dev/null
  equal "snapshots after a removal" "$(listed | wc -l)" 1
  hasnt "$(restic_here snapshots --json)" "$id"
  equal "the Repository's count" "$(field repository store '{.status.snapshotCount}')" 1
  # Whoever deletes a namespace does not mean his backups.
  kubectl delete namespace "$ns" --timeout=60s >/dev/null
  equal "snapshots in the bucket" "$(find "$E2E_BUCKET/e2e/$ns/snapshots" -mindepth 1 -maxdepth 1 | wc -l)" 1
}

test_hundreds_are_paged_and_read_once() {
  local ours=/apis/repositories.stash.appscode.com/v1alpha1/namespaces/e2e-paged/snapshots folder page next='' many=0
  namespace e2e-paged
  served minio 9000 "$E2E_S3"
  saved 7
  storage; repository
  equal "all snapshots" "$(listed | wc -l)" 384
  # Nothing is asked of the backend any more: it is not there.
  folder=$E2E_BUCKET/e2e/$ns
  mv "$folder" "$folder.away"
  equal "of two hosts" "$(listed -l 'hostname in (host-0,host-2),repository=store' | wc -l)" 2
  equal "of no other Repository" "$(listed -l 'repository!=store')" ''
  while :; do
    page=$(kubectl get --raw "$ours?limit=100&continue=$next")
    many=$((many + $(jq '.items | length' <<<"$page")))
    next=$(jq -r '.metadata.continue // ""' <<<"$page")
    [ -n "$next" ] || break
  done
  equal "snapshots on all pages" "$many" 384
  mv "$folder.away" "$folder"
}

test_rights_are_those_of_the_namespace() {
  namespace e2e-snapshot-rights
  served minio 9000 "$E2E_S3"
  saved 0
  storage; repository
  k create rolebinding ann --clusterrole=view --user=ann >/dev/null
  k create rolebinding bob --clusterrole=edit --user=bob >/dev/null
  may() { [ "$(k auth can-i "$2" $snapshots --as="$1")" = yes ]; }
  await "that Kubernetes' own roles have the rights" 30 may bob delete
  local first; first=$(listed --as=ann | sed -n 1p)
  has "$(k delete "$first" --as=ann 2>&1 || true)" 'User "ann" cannot delete resource "snapshots"'
  has "$(k get $snapshots --as=carl 2>&1 || true)" 'User "carl" cannot list resource "snapshots"'
  k delete "$first" --as=bob --timeout=30s >/dev/null
  equal "snapshots in the bucket" "$(find "$E2E_BUCKET/e2e/$ns/snapshots" -mindepth 1 -maxdepth 1 | wc -l)" 2
  local at; at=$(kubectl -n "$operator_ns" get service larder -o jsonpath='{.spec.clusterIP}')
  has "$(curl -ksS -H 'X-Remote-User: admin' "https://$at/apis/repositories.stash.appscode.com/v1alpha1/snapshots")" '"code":401'
}
