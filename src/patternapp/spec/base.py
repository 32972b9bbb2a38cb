"""The ground every model stands on: frozen, camelCase outside, unknown fields refused, scalars never coerced."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

from patternapp import durations
from patternapp.spec import formats


class Model(BaseModel):
    """One object of the resource. It is validated as JSON, and `strict` refuses ``"5"`` for ``5``."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        defer_build=True,
        extra="forbid",
        frozen=True,
        strict=True,
        validate_by_alias=True,
        validate_by_name=False,
        use_attribute_docstrings=True,
    )


Name = Annotated[str, StringConstraints(pattern=formats.LABEL, min_length=1, max_length=63)]
"""A DNS label, as Kubernetes names its objects."""
Duration = Annotated[str, StringConstraints(pattern=durations.PATTERN, max_length=32)]
"""Go-style: 500ms, 30s, 5m, 1h30m."""
Image = Annotated[str, StringConstraints(pattern=formats.IMAGE, min_length=1, max_length=1024)]
"""A container image, such as ghcr.io/acme/shop:1.4.0."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
AttributeName = Annotated[str, StringConstraints(pattern=formats.ATTRIBUTE, max_length=64)]
"""A CloudEvents context attribute as Knative's filters accept it."""
HttpUri = Annotated[str, StringConstraints(pattern=formats.HTTP_URI, max_length=2048)]
"""An absolute http or https URI without user information; `patternapp.spec.rules.addresses` refuses some hosts."""
