"""The status of a PatternApp: what the operator tells about an app. Users read it and never write it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from patternapp.spec.base import Model, Name, Text


class Condition(Model):
    """One aspect of the app, as Kubernetes' metav1.Condition."""

    type: Annotated[str, StringConstraints(min_length=1, max_length=316)]
    """The aspect: Ready, or one of the patterns."""
    status: Literal["True", "False", "Unknown"]
    """Whether it is so."""
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    """Why, as one CamelCase word."""
    message: Annotated[str, StringConstraints(max_length=32768)]
    """Why, for people."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The generation of the spec that this is about."""
    last_transition_time: Annotated[str, StringConstraints(max_length=64)]
    """When `status` changed, RFC 3339."""


class FunctionStatus(Model):
    """One function."""

    name: Name
    """The function."""
    url: Annotated[str, StringConstraints(max_length=2048)] | None = None
    """Where it listens."""
    ready: bool = False
    """Whether it can be called."""


class ObjectCounts(Model):
    """How many objects the app has become."""

    desired: Annotated[int, Field(ge=0)]
    """Objects that must be."""
    ready: Annotated[int, Field(ge=0)]
    """Objects that are, and are ready."""


class InventoryEntry(Model):
    """One object that the app has become, or is about to."""

    api_version: Text
    """Its version."""
    kind: Text
    """Its kind."""
    name: Text
    """Its name."""
    uid: Text | None = None
    """Which object of that name; none until it is made."""
    digest: Text | None = None
    """What was applied, in short; none until it is."""


class Status(Model):
    """What the operator has made of the spec."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The generation of the spec that this is about."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=32)] = ()
    """Ready, and one for each pattern in use."""
    url: Text | None = None
    """Where the gateway listens."""
    functions: Annotated[tuple[FunctionStatus, ...], Field(max_length=64)] = ()
    """The functions."""
    objects: ObjectCounts | None = None
    """How many objects there are."""
    inventory: Annotated[tuple[InventoryEntry, ...], Field(max_length=8192)] = ()
    """The objects, kept before they are made, so that none is ever lost."""
