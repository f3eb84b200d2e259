# Hooks: in the database's pod, over HTTP and TCP, with templates and policies; what fails is told.
# Namespace demo.

# hooks YAML: the configuration with these hooks.
hooks() {
  configuration es "  task: {name: elasticsearch-backup-7.14.0, params: [{name: args, value: \"--match=^hooks-\"}]}
  hooks: $1"
  becomes backupconfiguration es Ready
}

test_hooks_by_the_files_of_the_guide() {
  namespace demo
  served elasticsearch 9200 "$E2E_ES"; served minio 9000 "$E2E_S3"
  bystander
  es DELETE '*' >/dev/null; filled hooks-a 10
  local file before; before=$(content hooks-a)
  for file in storage-secret repository appbinding hooks/backupconfiguration; do k apply -f "$root/examples/$file.yaml" >/dev/null; done
  becomes backupconfiguration elasticsearch-hooks Ready
  session hooked elasticsearch-hooks
  becomes backupsession hooked Succeeded
  equal "what the command wrote" "$(inside cat /tmp/hooks)" 'hooked begins'
  equal "what the room heard" "$(inside cat /tmp/room)" '{"text": "hooked of elasticsearch: Succeeded "}'
  local of='{.status.targets[0].conditions[?(@.type=="PostBackupHookExecutionSucceeded")].status}'
  equal "the condition" "$(field backupsession hooked "$of")" True
  es DELETE hooks-a >/dev/null
  k apply -f "$root/examples/hooks/restoresession.yaml" >/dev/null
  becomes restoresession elasticsearch-hooks Succeeded
  condition restoresession elasticsearch-hooks PreRestoreHookExecutionSucceeded True
  condition restoresession elasticsearch-hooks PostRestoreHookExecutionSucceeded True
  equal "the documents" "$(content hooks-a)" "$before"
}

# of_target SESSION TYPE: the message of a condition of the session's target.
of_target() { field backupsession "$1" "{.status.targets[0].conditions[?(@.type==\"$2\")].message}"; }

test_a_hook_that_fails_before_lets_nothing_be_saved() {
  everything e2e-hooks-before
  bystander
  es DELETE 'hooks-*' >/dev/null; filled hooks-a 10
  hooks '{preBackup: {exec: {command: [sh, -c, "echo no room left >&2; exit 3"]}, containerName: elasticsearch}}'
  session stopped
  becomes backupsession stopped Failed
  has "$(of_target stopped PreBackupHookExecutionSucceeded)" 'no room left'
  has "$(of_target stopped PreBackupHookExecutionSucceeded)" 'exit code 3'
  event stopped FailedToExecutePreBackupHook 'no room left'
  equal "snapshots" "$(field repository store '{.status.snapshotCount}')" ''

  hooks '{preBackup: {httpGet: {port: transport}, containerName: elasticsearch}}'
  session no-port
  becomes backupsession no-port Failed
  has "$(of_target no-port PreBackupHookExecutionSucceeded)" '"transport" is neither a number'

  hooks '{preBackup: {tcpSocket: {port: 1}}}'
  session nobody-listens
  becomes backupsession nobody-listens Failed
  has "$(of_target nobody-listens PreBackupHookExecutionSucceeded)" 'cannot connect to'
}

test_a_hook_that_fails_behind_keeps_the_snapshot() {
  everything e2e-hooks-behind
  bystander
  es DELETE 'hooks-*' >/dev/null; filled hooks-a 10
  hooks '{postBackup: {httpPost: {host: chat, port: 8080, path: /cgi-bin/closed, body: x}}}'
  session closed
  becomes backupsession closed Failed
  has "$(of_target closed PostBackupHookExecutionSucceeded)" 'was answered with 503: the room is closed'
  condition backupsession closed RetentionPolicyApplied True
  equal "snapshots" "$(field repository store '{.status.snapshotCount}')" 1
}

test_a_policy_says_when_the_last_hook_runs() {
  everything e2e-hooks-policy
  bystander
  es DELETE 'hooks-*' >/dev/null; filled hooks-a 10
  room() { echo "{postBackup: {executionPolicy: $1, httpPost: {host: chat, port: 8080, path: /cgi-bin/room, body: \"$2 {{ .Status.Phase }}\"}}}"; }
  hooks "$(room OnFailure one)"
  session one; becomes backupsession one Succeeded
  hooks "$(room OnSuccess two)"
  session two; becomes backupsession two Succeeded
  es DELETE hooks-a >/dev/null
  hooks "$(room OnSuccess three)"
  session three; becomes backupsession three Failed
  hooks "$(room OnFailure four)"
  session four; becomes backupsession four Failed
  equal "what the room heard" "$(inside cat /tmp/room)" $'two Succeeded\nfour Failed'
}
