{{/* What the names of the release begin with: 46 characters leave room for what follows under a Service's 63. */}}
{{- define "patternapp.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- default $full .Values.fullnameOverride | trunc 46 | trimSuffix "-" -}}
{{- end -}}

{{/* The Deployment, and the Lease. */}}
{{- define "patternapp.operator" -}}
{{- printf "%s-operator" (include "patternapp.fullname" .) -}}
{{- end -}}

{{- define "patternapp.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{/*
The name of an object that is there once for the cluster, or that lies in somebody else's namespace, of a list of the
context and what it is called in the one release that most clusters have: those of others never meet it.
*/}}
{{- define "patternapp.everywhere" -}}
{{- $release := printf "%s.%s" (include "patternapp.fullname" (index . 0)) (include "patternapp.namespace" (index . 0)) -}}
{{- eq $release "patternapp.patternapp-system" | ternary (index . 1) (printf "%s.%s" (index . 1) $release) -}}
{{- end -}}

{{- define "patternapp.serviceAccount" -}}
{{- default (.Values.serviceAccount.create | ternary (include "patternapp.operator" .) "default") .Values.serviceAccount.name -}}
{{- end -}}

{{/* What the operator's Pods, and nothing else, are chosen by; it never changes. */}}
{{- define "patternapp.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "patternapp.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: patternapp
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{/*
The metadata of an object, of a list of the context, its name, and what else it has: `namespace`, `labels`, `annotations`.
*/}}
{{- define "patternapp.metadata" -}}
{{- $root := index . 0 -}}
{{- $own := index . 2 -}}
metadata:
  name: {{ index . 1 }}
  {{- with $own.namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- merge (include "patternapp.labels" $root | fromYaml) (default (dict) $own.labels) $root.Values.commonLabels | toYaml | nindent 4 }}
  {{- with merge (dict) (default (dict) $own.annotations) $root.Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* An image of a list of the context and the values about it. */}}
{{- define "patternapp.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $registry := default $image.registry $root.Values.global.imageRegistry -}}
{{- $place := $registry | empty | ternary $image.repository (printf "%s/%s" $registry $image.repository) -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $place $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $place (default $root.Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Not empty where an object of the Prometheus operator is to be made: of the context, its kind and the values about it. */}}
{{- define "patternapp.monitored" -}}
{{- $root := index . 0 -}}
{{- $kind := printf "monitoring.coreos.com/v1/%s" (index . 1) -}}
{{- $values := index . 2 -}}
{{- if $values.enabled -}}
{{- if or (eq $values.renderMode "alwaysRender") ($root.Capabilities.APIVersions.Has $kind) -}}
yes
{{- else if eq $values.renderMode "failIfMissing" -}}
{{- fail (printf "the cluster has no %s: install the Prometheus operator first, or set renderMode to skipIfMissing" $kind) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The rules of the operator's role for the patterns that are on, as a YAML list. */}}
{{- define "patternapp.rules" -}}
{{- $values := .Values -}}
{{- $rules := list -}}
{{- range (.Files.Get "files/rights.yaml" | fromYaml).operator -}}
{{- $wanted := empty .patterns -}}
{{- range .patterns -}}
{{- $wanted = or $wanted (index $values.patterns .) -}}
{{- end -}}
{{- if $wanted -}}
{{- $rules = concat $rules .rules -}}
{{- end -}}
{{- end -}}
{{- toYaml $rules -}}
{{- end -}}
