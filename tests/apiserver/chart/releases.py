"""A release of the chart on a server, and the operator's process in the place of its Pods, which no kubelet runs."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import harness
import yaml
from apiserver.operator import rig
from charts import helm as helms

from patternapp_operator import permissions, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster import api

VERSION = "patternapp.dev/v1alpha1"
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/patternapps.patternapp.dev"
NAME = "patternapp"
_OTHERWISE = ("--port=", "--binding-patience=")


def undefine(server: api.Api) -> None:
    """Take the definition of PatternApps away, with every app."""
    server.delete(DEFINITION)
    harness.eventually(lambda: server.get(DEFINITION).status == 404)
    server.forget(VERSION)


def defined(server: api.Api) -> dict[str, Any]:
    """The definition of PatternApps, once it is served."""
    harness.eventually(lambda: server.serves(VERSION, "PatternApp"))
    return server.get(DEFINITION).object()


@dataclass(frozen=True)
class Release:
    """One release."""

    helm: helms.Helm
    server: api.Api
    namespace: str
    folder: Path

    def do(self, command: str, *options: str | Path) -> str:
        """A command of Helm's about this release."""
        return self.helm.done(command, NAME, *options, "--namespace", self.namespace)

    def manifest(self) -> list[helms.Object]:
        """What Helm says that it consists of."""
        return helms.objects(self.helm.done("get", "manifest", NAME, "--namespace", self.namespace))

    def deployment(self) -> helms.Object:
        """The operator's Deployment on the server."""
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{NAME}-operator"
        return self.server.get(path).object()

    def login(self, account: str) -> Path:
        """A kubeconfig of one of the namespace's ServiceAccounts."""
        token = self.server.token(self.namespace, account)
        assert self.helm.kubeconfig is not None
        config = yaml.safe_load(self.helm.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": token}
        place = self.folder / f"{account}.kubeconfig"
        place.write_text(json.dumps(config))
        return place

    @contextlib.contextmanager
    def running(self) -> Iterator[rig.Replica]:
        """The operator as its Deployment has it: its flags, its account, and nothing else; but a port of its own.

        And no patience with SinkBindings: nothing makes one ready here, where no controller of Knative's runs.
        """
        spec = self.deployment()["spec"]["template"]["spec"]
        flags = [flag for flag in spec["containers"][0]["args"] if not flag.startswith(_OTHERWISE)]
        told = settings.parse(flags, {})
        mine = permissions.Installation(name=told.lease, namespace=told.namespace, watched=told.namespaces)
        account = rig.Account(self.login(spec["serviceAccountName"]), mine)
        folder = self.folder / f"operator-{len(list(self.folder.glob('operator-*')))}"
        folder.mkdir()
        with rig.fleet(account, folder) as make:
            replica = make(*flags).start()
            yield replica
            assert replica.end() == 0
