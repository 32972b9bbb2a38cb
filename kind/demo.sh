#!/usr/bin/env bash
# `make kind-demo`: the shop of examples/shop on the cluster of `make kind-up`; real input goes through it, and a table says what came
# out. The shop stays; again, it is driven again. `kind/demo.sh --dry-run` prints the commands.
set -euo pipefail
# shellcheck source=kind/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PYTHON=${PYTHON:-$ROOT/.venv/bin/python}
NAMESPACE=shop
HOOKS_HOST=shop-webhooks.$NAMESPACE.127.0.0.1.sslip.io
BROKER_PORT=18080 LETTERS_PORT=18081
SCRATCH=$(mktemp -d)
trap 'jobs -p | xargs -r kill 2> /dev/null || true; rm -rf "$SCRATCH"' EXIT

main() {
  [[ ${1:-} != --dry-run ]] || DRY_RUN=1
  need docker kind kubectl curl
  [[ $DRY_RUN ]] || exists || refuse "There is no cluster $CLUSTER: run \`make kind-up\` first."
  shop
  drive
}

shop() {
  say "The shop"
  apply shop-namespace --filename "$ROOT/kind/shop/namespace.yaml"
  secret
  apply shop --kustomize "$ROOT/kind/shop"
  is Ready patternapp/shop --namespace "$NAMESPACE"
}

# A random one, in the form of Standard Webhooks; one that is there stays.
secret() {
  local known=("${KUBECTL[@]}" --namespace "$NAMESPACE" get secret pay-hook)
  if [[ ! $DRY_RUN ]] && "${known[@]}" > /dev/null 2>&1; then
    "${known[@]}" --output 'go-template={{.data.secret | base64decode}}' > "$SCRATCH/secret"
  else
    printf 'whsec_%s' "$(head -c 32 /dev/urandom | base64 --wrap 0)" > "$SCRATCH/secret"
    run "${KUBECTL[@]}" --namespace "$NAMESPACE" create secret generic pay-hook --from-file "$SCRATCH/secret"
  fi
}

drive() {
  say "Driving input through it; a function that is at zero has to start first"
  forward knative-eventing service/kafka-broker-ingress "$BROKER_PORT:80"
  forward "$NAMESPACE" deployment/shop-dead-letters "$LETTERS_PORT:8081"
  eventually "the gateway" curl --fail --silent --show-error --max-time 30 --header 'Host: shop.example.com' \
    --output "$SCRATCH/stock" http://127.0.0.1:8080/stock
  local code=0
  run "$PYTHON" "$ROOT/examples/shop/drive.py" --within "$WITHIN" \
    --shop http://127.0.0.1:8080 --shop-host shop.example.com \
    --hooks http://127.0.0.1:8080 --hooks-host "$HOOKS_HOST" \
    --broker "http://127.0.0.1:$BROKER_PORT/$NAMESPACE/shop" --letters "http://127.0.0.1:$LETTERS_PORT" \
    --secret "$SCRATCH/secret" || code=$?
  run "${KUBECTL[@]}" --namespace "$NAMESPACE" get patternapps,scaledobjects,pods
  say "" "Look around: kubectl --context kind-$CLUSTER -n $NAMESPACE describe papp shop" \
    "Its API:     curl -H 'Host: shop.example.com' http://127.0.0.1:8080/stock"
  return "$code"
}

# forward NAMESPACE WHAT PORTS: until this script ends.
forward() {
  local command=("${KUBECTL[@]}" --namespace "$1" port-forward "$2" "$3") log=$SCRATCH/${3%:*}.log
  if [[ $DRY_RUN ]]; then
    run "${command[@]}"
    return
  fi
  "${command[@]}" > "$log" 2>&1 &
  eventually "way to $2" grep --quiet '^Forwarding from' "$log"
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
