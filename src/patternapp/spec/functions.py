"""Functions as a user writes them: what runs, with which environment, how often and how large."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from patternapp.spec import formats
from patternapp.spec.base import Duration, Image, Model, Name, Text

Quantity = Annotated[str, StringConstraints(pattern=formats.QUANTITY, max_length=24)]


class KeyRef(Model):
    """One key of a Secret or a ConfigMap in the app's namespace."""

    name: Name
    """The Secret or ConfigMap."""
    key: Text
    """The key inside it."""
    optional: bool = False
    """Whether a missing key is fine."""


class EnvVarSource(Model):
    """Where an environment variable's value comes from: exactly one of the two."""

    secret_key_ref: KeyRef | None = None
    """A key of a Secret."""
    config_map_key_ref: KeyRef | None = None
    """A key of a ConfigMap."""


class EnvVar(Model):
    """An environment variable: a value, or where it comes from."""

    name: Annotated[str, StringConstraints(pattern=formats.VARIABLE, max_length=256)]
    """The variable's name."""
    value: Annotated[str, StringConstraints(max_length=32768)] | None = None
    """Its value."""
    value_from: EnvVarSource | None = None
    """Its source, instead of `value`."""


class Scale(Model):
    """How many instances of a function run."""

    min: Annotated[int, Field(ge=0, le=1000)] = 0
    """Instances kept when nothing happens."""
    max: Annotated[int, Field(ge=1, le=1000)] = 10
    """Instances at most."""
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 40
    """Requests one instance takes at a time."""
    idle: Duration = "60s"
    """How long an instance without requests is kept."""


class ResourceList(Model):
    """Amounts of CPU and memory in Kubernetes' notation."""

    cpu: Quantity | None = None
    """CPU, such as 50m."""
    memory: Quantity | None = None
    """Memory, such as 96Mi."""


class Resources(Model):
    """What an instance asks for and may use at most."""

    requests: ResourceList | None = None
    """What an instance is sure to get."""
    limits: ResourceList | None = None
    """What an instance may use at most."""


class Function(Model):
    """What runs: an HTTP receiver, scaled with its load."""

    name: Name
    """The name patterns refer to."""
    handler: Annotated[str, StringConstraints(pattern=formats.HANDLER, max_length=253)] | None = None
    """An ASGI app as MODULE:NAME. Exactly one of `handler` and `command`."""
    command: Annotated[tuple[Text, ...], Field(min_length=1, max_length=64)] | None = None
    """A program in any language that listens on $PORT."""
    image: Image | None = None
    """The container image, instead of the app's."""
    env: Annotated[tuple[EnvVar, ...], Field(max_length=64)] = ()
    """Environment variables beside the app's; the same name wins here."""
    scale: Scale = Scale()
    """How many instances run."""
    timeout: Duration = "30s"
    """How long one request may take."""
    resources: Resources | None = None
    """What an instance asks for and may use."""
