# What was stored under Stash's definitions before Larder came is what it was, under Larder's.

test_objects_stored_under_stashs_definitions_stay_what_they_were() {
  ns=e2e-stored
  has "$(kubectl get crd backupconfigurations.stash.appscode.com -o yaml)" timeOut
  hasnt "$(cat "$LARDER_LAB_RUN/stash-crds.yaml")" timeOut
  equal "the memory asked for" "$(field backupconfiguration stored '{.spec.runtimeSettings.container.resources.requests.memory}')" 1.5Gi
  equal "the rule at its old place" "$(field restoresession stored '{.spec.rules[0].targetHosts[0]}')" host-0
  equal "the prefix as it was typed" "$(field repository stored '{.spec.backend.s3.prefix}')" /demo
  condition backupconfiguration stored BackendSecretFound False no-such-secret
  condition restoresession stored BackendSecretFound False no-such-secret
  equal "the Repository's users" "$(field repository stored '{.status.references[*].kind}')" 'BackupConfiguration RestoreSession'
  # A field that Stash's definitions would have dropped.
  k patch backupconfiguration stored --type=merge -p '{"spec":{"timeOut":"2h"}}' >/dev/null
  equal "a new field" "$(field backupconfiguration stored '{.spec.timeOut}')" 2h
  k delete backupconfiguration,restoresession,repository stored --timeout=30s >/dev/null
}
