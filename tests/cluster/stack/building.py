"""All that a cluster is made of: programs, manifests, Envoy, Kafka's jars; each is made once a version."""

from __future__ import annotations

from cluster import build as building
from cluster import programs
from cluster.stack import envoy_program, images, manifests
from components import install


def build() -> None:
    """Make what is missing, and say so as it goes on.

    Raises:
        cluster.build.NotBuiltError: something could not be made; the message says why.
    """
    building.build(programs.PROGRAMS)
    manifests.collect()
    images.prepare()
    envoy_program.fetch()
    try:
        install.kafka()
    except install.NotInstalledError as problem:
        raise building.NotBuiltError(str(problem)) from None
