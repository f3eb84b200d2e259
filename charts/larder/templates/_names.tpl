{{- define "larder.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* The release's name where it says "larder" already, as in Stash's charts. */ -}}
{{- define "larder.fullname" -}}
{{- $name := include "larder.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "larder.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "larder.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "larder.selector" -}}
app.kubernetes.io/name: {{ include "larder.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "larder.account" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "larder.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: name the account, as serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "larder.image" -}}
{{- printf "%s/%s:%s" .Values.operator.registry .Values.operator.repository (default .Chart.AppVersion .Values.operator.tag) -}}
{{- end -}}

{{- /* Whether the operator serves over TLS: empty, or something. */ -}}
{{- define "larder.serving" -}}
{{- if or .Values.snapshotsApi.enabled .Values.webhook.enabled -}}
yes
{{- end -}}
{{- end -}}

{{- define "larder.serving.name" -}}
{{- printf "%s-serving" (include "larder.fullname" . | trunc 55 | trimSuffix "-") -}}
{{- end -}}

{{- /* Annotations of what the API server calls us by: where cert-manager does, the operator does not say whom to trust. */ -}}
{{- define "larder.serving.trusted" -}}
{{- if .Values.serving.certManager.enabled -}}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "larder.serving.name" . }}
{{- end -}}
{{- end -}}
