"""The filter dialects of a Knative Trigger, as a user writes them. How they match: `patternapp.filters`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from patternapp.spec.base import AttributeName, Model

Attributes = Annotated[
    dict[AttributeName, Annotated[str, StringConstraints(min_length=1, max_length=1024)]],
    Field(min_length=1, max_length=16),
]


class Filter(Model):
    """One condition on an event: exactly one dialect."""

    exact: Attributes | None = None
    """Every attribute has exactly this value."""
    prefix: Attributes | None = None
    """Every attribute begins with this value."""
    suffix: Attributes | None = None
    """Every attribute ends with this value."""
    all: Annotated[tuple[Filter, ...], Field(min_length=1, max_length=16)] | None = None
    """All of these match."""
    any: Annotated[tuple[Filter, ...], Field(min_length=1, max_length=16)] | None = None
    """At least one of these matches."""
    not_: Annotated[Filter | None, Field(alias="not")] = None
    """This does not match."""
    cesql: Annotated[str, StringConstraints(min_length=1, max_length=4096)] | None = None
    """A CloudEvents SQL expression that is true."""
