"""Prints what an operator needs in a cluster beside its Deployment: ``python -m patternapp_operator.manifests``.

What holds here: equal options print equal bytes, and every document is fit for ``kubectl apply``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from patternapp.render import yaml
from patternapp.spec import crd
from patternapp_operator import admission, needs, permissions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patternapp.cluster.resources import Object

_DEFAULT = permissions.Installation()
_WRITTEN = "# Written by `make schema` from patternapp_operator.\n"


def rbac(chosen: permissions.Installation = _DEFAULT) -> str:
    """The operator's account and roles, and the roles of people."""
    return yaml.dump([*permissions.installed(chosen), *permissions.tenants()])


def policies() -> str:
    """The ValidatingAdmissionPolicies and their bindings."""
    return yaml.dump(admission.objects())


def chart() -> dict[str, str]:
    """The files that the Helm chart's templates choose from, by name.

    Names, labels and switches are the chart's; rules and expressions are from here.
    """
    rights = {
        "operator": [{"patterns": patterns, "rules": rules} for patterns, rules in permissions.by_patterns()],
        "tenants": [_tenant(role) for role in permissions.tenants()],
        "trial": permissions.trial(),
    }
    found = [item for item in admission.objects() if item["kind"] == "ValidatingAdmissionPolicy"]
    specs = {"policies": [{"name": item["metadata"]["name"], "spec": item["spec"]} for item in found]}
    return {
        "crd.yaml": crd.text(),
        "rights.yaml": _WRITTEN + yaml.dump([rights]),
        "policies.yaml": _WRITTEN + yaml.dump([specs]),
    }


def _tenant(role: Object) -> Object:
    metadata = role["metadata"]
    labels = {name: value for name, value in metadata["labels"].items() if name.startswith(permissions.AGGREGATION)}
    return {"name": metadata["name"], "labels": labels, "rules": role["rules"]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one of the two, or write the chart's files.

    Raises:
        SystemExit: an option is wrong; the usage was printed.
    """
    parser = argparse.ArgumentParser(
        prog="python -m patternapp_operator.manifests",
        description="Prints what an operator needs in a cluster beside its Deployment, as YAML.",
    )
    kinds = parser.add_subparsers(dest="what", required=True)
    files = kinds.add_parser("chart", help="write the files that the Helm chart's templates choose from")
    files.add_argument("folder", type=Path, help="where to")
    kinds.add_parser("admission", help="the policy that bounds an app by what its author may do")
    roles = kinds.add_parser("rbac", help="the operator's ServiceAccount and roles, and the roles of people")
    roles.add_argument("--name", default=_DEFAULT.name, help="its ServiceAccount, its roles and its Lease")
    roles.add_argument("--namespace", default=_DEFAULT.namespace, help="where it runs")
    roles.add_argument("--patterns", nargs="*", choices=needs.PATTERNS, default=needs.PATTERNS, help="default: all")
    roles.add_argument("--watched", nargs="*", default=(), help="the namespaces it keeps apps in; default: all")
    chosen = vars(parser.parse_args(arguments))
    match chosen.pop("what"):
        case "admission":
            sys.stdout.write(policies())
        case "chart":
            for name, text in chart().items():
                (chosen["folder"] / name).write_text(text)
        case _:
            chosen |= {"patterns": tuple(chosen["patterns"]), "watched": tuple(chosen["watched"])}
            sys.stdout.write(rbac(permissions.Installation(**chosen)))


if __name__ == "__main__":
    main()
