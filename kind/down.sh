#!/usr/bin/env bash
# `make kind-down`: removes the cluster and all that was in it. Images and downloaded releases (build/kind) stay.
set -euo pipefail
# shellcheck source=kind/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need docker kind
if exists; then
  run kind delete cluster --name "$CLUSTER"
else
  say "There is no cluster $CLUSTER."
fi
