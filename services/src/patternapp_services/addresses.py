"""Where the receivers of an app are: the targets that a configuration names, as URLs.

What holds here: a Service is called by its whole name. Knative routes by the Host header and knows no bare names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp import errors, sender

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """How targets become URLs.

    Attributes:
        domain: What completes the name of a Service of the own namespace, such as ``shop.svc.cluster.local``; empty on
            a machine without a cluster, where names are whole.
        sink: The Broker's address, as a SinkBinding puts it into ``K_SINK``; empty where there is none.
        token: The file with the bearer token for the Broker and nobody else; it need not exist.
    """

    domain: str = ""
    sink: str = ""
    token: Path = sender.TOKEN

    def url(self, target: Mapping[str, Any]) -> str:
        """The URL of ``{"service": name, "path": path}``, ``{"uri": address}`` or ``{"sink": true}``; path is optional.

        Raises:
            errors.EnvironmentProblem: The Broker is meant and its address is not known.
        """
        match target:
            case {"service": str(name)}:
                host = f"{name}.{self.domain}" if self.domain else name
                return f"http://{host}{target.get('path', '/')}"
            case {"uri": str(uri)}:
                return uri
            case {"sink": True} if self.sink:
                return self.sink
            case {"sink": True}:
                raise errors.EnvironmentProblem("K_SINK is not set: is the app's SinkBinding there and ready?")
        raise ValueError(f"{target!r} names no service, uri or sink")

    def proof(self, url: str) -> dict[str, str]:
        """The header that proves to the Broker who sends; empty for all others, whom the token does not concern."""
        return sender.proof(self.token) if url == self.sink else {}


def search_domain(resolver: Path) -> str:
    """The first search domain of a resolv.conf, which in a Pod is its namespace's; empty where there is none."""
    try:
        lines = resolver.read_text().splitlines()
    except OSError:
        return ""
    searched = [line.split()[1:] for line in lines if line.split()[:1] == ["search"]]
    first = next((domains[0] for domains in searched if domains), "")
    return first if ".svc." in f".{first}." else ""
