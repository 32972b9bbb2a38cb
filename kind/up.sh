#!/usr/bin/env bash
# `make kind-up`: a cluster in Docker with Knative Serving, Eventing and its Kafka Broker, Kourier, KEDA, Kafka, and PatternApp from this tree.
# Again, it brings to the same state what is there. `kind/up.sh --dry-run` prints the commands.
set -euo pipefail
# shellcheck source=kind/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

RELEASES=$ROOT/build/kind
GITHUB=https://github.com

main() {
  [[ ${1:-} != --dry-run ]] || DRY_RUN=1
  need docker kind kubectl curl
  cluster
  images
  releases
  kafka
  operator
  say "" "The cluster is up; kubectl --context kind-$CLUSTER reaches it. Next: make kind-demo, and make kind-down in the end."
}

cluster() {
  say "Cluster $CLUSTER"
  if [[ $DRY_RUN ]] || ! exists; then
    run kind create cluster --config "$ROOT/kind-config.yaml" --image "$NODE_IMAGE" --wait "${WITHIN}s"
  fi
}

images() {
  say "Images of this tree"
  local name made=()
  for name in operator services shop; do
    run make --no-print-directory -C "$ROOT" "image-$name"
    run docker tag "patternapp-$name" "kind.local/patternapp-$name:dev"
    made+=("kind.local/patternapp-$name:dev")
  done
  run kind load docker-image --name "$CLUSTER" "${made[@]}"
}

releases() {
  local knative=$GITHUB/knative extensions=$GITHUB/knative-extensions part
  say "Knative Serving $KNATIVE_SERVING with Kourier $KNATIVE_KOURIER"
  for part in serving-crds serving-core; do
    release "$part-$KNATIVE_SERVING" "$knative/serving/releases/download/knative-v$KNATIVE_SERVING/$part.yaml"
  done
  release "kourier-$KNATIVE_KOURIER" "$extensions/net-kourier/releases/download/knative-v$KNATIVE_KOURIER/kourier.yaml"
  say "Knative Eventing $KNATIVE_EVENTING with the Kafka Broker $KNATIVE_KAFKA"
  for part in eventing-crds eventing-core; do
    release "$part-$KNATIVE_EVENTING" "$knative/eventing/releases/download/knative-v$KNATIVE_EVENTING/$part.yaml"
  done
  for part in eventing-kafka-controller eventing-kafka-broker eventing-kafka-source; do
    release "$part-$KNATIVE_KAFKA" "$extensions/eventing-kafka-broker/releases/download/knative-v$KNATIVE_KAFKA/$part.yaml"
  done
  say "KEDA $KEDA"
  release "keda-$KEDA" "$GITHUB/kedacore/keda/releases/download/v$KEDA/keda-$KEDA.yaml"
  # The webhooks judge what is merged into their ConfigMaps, so they have to run.
  for part in knative-serving kourier-system knative-eventing keda; do
    is Available deployment --all --namespace "$part"
  done
  apply settings --filename "$ROOT/kind/settings.yaml"
}

# release NAME URL
release() {
  download "$@"
  install "$1"
}

download() {
  local file=$RELEASES/$1.yaml
  if [[ $DRY_RUN || ! -e $file ]]; then
    run curl --fail --silent --show-error --location --create-dirs --retry 5 --max-time "$WITHIN" --output "$file.part" "$2"
    run mv "$file.part" "$file"
  fi
}

# install NAME [NAMESPACE]: its definitions are served afterwards. The namespace is for objects that name none.
install() {
  apply "${1%-*}" ${2:+--namespace "$2"} --filename "$RELEASES/$1.yaml"
  is Established customresourcedefinition --all
}

kafka() {
  say "Kafka by Strimzi $STRIMZI"
  local name=strimzi-cluster-operator-$STRIMZI
  apply kafka-namespace --filename "$ROOT/kind/kafka/namespace.yaml"
  download "$name" "$GITHUB/strimzi/strimzi-kafka-operator/releases/download/$STRIMZI/$name.yaml"
  # Its bindings name a namespace that is meant to be replaced.
  run sed --in-place 's/namespace: myproject/namespace: kafka/' "$RELEASES/$name.yaml"
  install "$name" kafka
  is Available deployment --all --namespace kafka
  apply kafka --filename "$ROOT/kind/kafka/cluster.yaml"
  is Ready kafka/kafka --namespace kafka
}

operator() {
  say "PatternApp"
  apply patternapp --kustomize "$ROOT/manifests/overlays/kind"
  is Established customresourcedefinition patternapps.patternapp.dev
  # The image has the same name as the last time, whatever is in it now.
  run "${KUBECTL[@]}" rollout restart deployment --namespace patternapp-system
  eventually "the operator" "${KUBECTL[@]}" rollout status deployment --namespace patternapp-system --timeout=30s
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
