# shellcheck shell=bash
# What the scripts of this folder share; they source it after `set -euo pipefail`.
#
# What holds here: every wait ends, half a minute after WITHIN seconds at the latest, and says what it waits for; nothing is asked of or done
# to any cluster but the one in kind-config.yaml. With DRY_RUN commands are printed and not run, and no tool has to be there.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CLUSTER=patternapp
KUBECTL=(kubectl --context "kind-$CLUSTER")
WITHIN=${WITHIN:-600}
DRY_RUN=${DRY_RUN:-}
# What a server says whose webhooks start just now, or that has heard of a definition a moment ago.
PASSING='failed calling webhook|no matches for kind|connection refused|the server is currently unable'
# shellcheck source=versions.env
source "$ROOT/versions.env"

say() { printf '%s\n' "$@" >&2; }

# The environment is in the way: 3, as with everything of PatternApp.
refuse() {
  say "$@"
  exit 3
}

run() {
  if [[ $DRY_RUN ]]; then
    printf '%q ' "$@" && echo
  else
    "$@"
  fi
}

# need TOOL...: all that is missing is said at once.
need() {
  [[ ! $DRY_RUN ]] || return 0
  local tool missing=''
  for tool in "$@"; do
    command -v "$tool" > /dev/null || missing+="${missing:+$'\n'}$tool is missing: $(mend "$tool")"
  done
  [[ ! $missing ]] || refuse "$missing"
  [[ " $* " != *' docker '* ]] || docker ps > /dev/null 2>&1 ||
    refuse "docker is installed, but its daemon does not answer: start it, and see that \`docker ps\` works for you"
}

mend() {
  case $1 in
    docker) echo "kind runs the cluster in it; see https://docs.docker.com/engine/install/" ;;
    kind) echo "get $KIND; see https://kind.sigs.k8s.io/docs/user/quick-start/#installation" ;;
    kubectl) echo "see https://kubernetes.io/docs/tasks/tools/" ;;
    *) echo "your system has a package of that name" ;;
  esac
}

exists() { kind get clusters 2> /dev/null | grep -qx "$CLUSTER"; }

# apply OWNER ARGUMENT...: on the server's side. Each owner keeps its own fields: a release that is applied again does not take
# away what was merged into its ConfigMaps, and takes over whatever else was changed in it.
apply() {
  local owner=$1 begun=$SECONDS said
  shift
  say "  applying $owner"
  local command=("${KUBECTL[@]}" apply --server-side --force-conflicts --field-manager="patternapp-kind-$owner" "$@")
  if [[ $DRY_RUN ]]; then
    run "${command[@]}"
    return
  fi
  until said=$("${command[@]}" 2>&1); do
    if ((SECONDS - begun >= WITHIN)) || ! grep -qE "$PASSING" <<< "$said"; then
      say "$said"
      exit 1
    fi
    say "  not yet: ${said##*$'\n'}"
    sleep 5
  done
}

# eventually WHAT COMMAND...: again and again until it succeeds.
eventually() {
  local what=$1 begun=$SECONDS said=$SECONDS last=''
  shift
  if [[ $DRY_RUN ]]; then
    run "$@"
    return
  fi
  until last=$("$@" 2>&1); do
    if ((SECONDS - begun >= WITHIN)); then
      say "There is no $what after $WITHIN s. \`$*\` said:"$'\n'"$last"
      exit 1
    fi
    if ((SECONDS - said >= 10)); then
      said=$SECONDS
      say "  $((SECONDS - begun)) s: waiting for $what: ${last##*$'\n'}"
    fi
    sleep 1
  done
}

# is CONDITION ARGUMENT...: `kubectl wait`, half a minute at a time, so that `eventually` can tell how it goes. It looks at one object after
# the other, and there can be a hundred.
is() { eventually "$1 of ${*:2}" "${KUBECTL[@]}" wait --for="condition=$1" --timeout=30s "${@:2}"; }
