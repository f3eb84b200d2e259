{{- /* What the pods of both Deployments have in common. */ -}}
{{- define "larder.pod" -}}
automountServiceAccountToken: false
# Variables of a Service of this name would look like the operator's own: LARDER_….
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "larder.pod.metadata" -}}
labels:
  {{- include "larder.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
  {{- with .root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .root.Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /*
Where the Pushgateway is: "beside" the only operator in its pod; "apart" in a pod of its own where there are several operators,
since each of theirs would have a part of the metrics only; or "elsewhere".
*/ -}}
{{- define "larder.pushgateway" -}}
{{- if or .Values.pushgateway.customURL (not .Values.pushgateway.enabled) -}}
elsewhere
{{- else if gt (int .Values.replicaCount) 1 -}}
apart
{{- else -}}
beside
{{- end -}}
{{- end -}}

{{- define "larder.pushgateway.url" -}}
{{- if .Values.pushgateway.customURL -}}
{{- .Values.pushgateway.customURL -}}
{{- else if .Values.pushgateway.enabled -}}
{{- printf "http://%s.%s.svc:56789" (include "larder.fullname" .) .Release.Namespace -}}
{{- end -}}
{{- end -}}

{{- define "larder.pushgateway.container" -}}
- name: pushgateway
  image: {{ printf "%s/%s:%s" .Values.pushgateway.registry .Values.pushgateway.repository .Values.pushgateway.tag | quote }}
  imagePullPolicy: {{ .Values.imagePullPolicy }}
  args:
    - --web.listen-address=:56789
    - --persistence.file=/var/pv/pushgateway.dat
  ports:
    - name: pushgateway
      containerPort: 56789
  livenessProbe:
    httpGet:
      path: /-/healthy
      port: pushgateway
  readinessProbe:
    httpGet:
      path: /-/ready
      port: pushgateway
  resources:
    {{- toYaml .Values.pushgateway.resources | nindent 4 }}
  securityContext:
    {{- toYaml .Values.pushgateway.securityContext | nindent 4 }}
  volumeMounts:
    - name: metrics
      mountPath: /var/pv
{{- end -}}

{{- /* Keeps the metrics when the container is started again; a new pod begins without any. */ -}}
{{- define "larder.pushgateway.volume" -}}
- name: metrics
  emptyDir: {}
{{- end -}}
