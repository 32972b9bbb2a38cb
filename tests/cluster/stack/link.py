"""The link between this machine and the node: all that the machine's own network gets.

What holds here: it goes with the node, for one end of it is in the node's namespace.
"""

from __future__ import annotations

import json
import subprocess

from cluster.stack import addresses, node

NAME = "patternapp0"


class TakenError(Exception):
    """Something on this machine uses addresses of the cluster; the message names it."""


def require_free() -> None:
    """Go on only where this machine has no way to these addresses yet.

    Raises:
        TakenError: It has.
    """
    for used in _routes():
        if used in {addresses.PODS, addresses.SERVICES}:
            raise TakenError(f"this machine has a route to {used} already, see `ip route`: end what made it")


def make(pid: int) -> None:
    """Link this machine to the network namespace of a process, with the ways to Pods and Services."""
    for words in (
        f"link add {NAME} type veth peer name {node.LINK} netns {pid}",
        f"address add {addresses.MACHINE}/{addresses.LINK_BITS} dev {NAME}",
        f"link set {NAME} up",
        f"route add {addresses.PODS} via {addresses.NODE}",
        f"route add {addresses.SERVICES} via {addresses.NODE}",
    ):
        subprocess.run(("ip", *words.split()), check=True)


def remove() -> None:
    """Remove it, where the end of its node has not yet."""
    subprocess.run(("ip", "link", "delete", NAME), capture_output=True, check=False)  # an error: it has


def _routes() -> list[str]:
    listed = subprocess.run(("ip", "-json", "route"), check=True, capture_output=True)
    return [route["dst"] for route in json.loads(listed.stdout)]
