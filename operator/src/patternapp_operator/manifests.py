"""Prints what an operator needs in a cluster beside its Deployment: ``python -m patternapp_operator.manifests``.

What holds here: equal options print equal bytes, and every document is fit for ``kubectl apply``.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from patternapp.render import yaml
from patternapp_operator import admission, needs, permissions

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEFAULT = permissions.Installation()


def rbac(chosen: permissions.Installation = _DEFAULT) -> str:
    """The operator's account and roles, and the roles of people."""
    return yaml.dump([*permissions.installed(chosen), *permissions.tenants()])


def policies() -> str:
    """The ValidatingAdmissionPolicies and their bindings."""
    return yaml.dump(admission.objects())


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one of the two.

    Raises:
        SystemExit: an option is wrong; the usage was printed.
    """
    parser = argparse.ArgumentParser(
        prog="python -m patternapp_operator.manifests",
        description="Prints what an operator needs in a cluster beside its Deployment, as YAML.",
    )
    kinds = parser.add_subparsers(dest="what", required=True)
    kinds.add_parser("admission", help="the policy that bounds an app by what its author may do")
    roles = kinds.add_parser("rbac", help="the operator's ServiceAccount and roles, and the roles of people")
    roles.add_argument("--name", default=_DEFAULT.name, help="its ServiceAccount, its roles and its Lease")
    roles.add_argument("--namespace", default=_DEFAULT.namespace, help="where it runs")
    roles.add_argument("--patterns", nargs="*", choices=needs.PATTERNS, default=needs.PATTERNS, help="default: all")
    roles.add_argument("--watched", nargs="*", default=(), help="the namespaces it keeps apps in; default: all")
    chosen = vars(parser.parse_args(arguments))
    if chosen.pop("what") == "admission":
        sys.stdout.write(policies())
        return
    chosen |= {"patterns": tuple(chosen["patterns"]), "watched": tuple(chosen["watched"])}
    sys.stdout.write(rbac(permissions.Installation(**chosen)))


if __name__ == "__main__":
    main()
