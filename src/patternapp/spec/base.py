"""The ground every model stands on: frozen, camelCase outside, unknown fields refused, scalars never coerced."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from patternapp import durations


class Model(BaseModel):
    """One object of the resource. The YAML reader hands over JSON, and `strict` refuses ``"5"`` for ``5``."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        validate_by_alias=True,
        validate_by_name=False,
        use_attribute_docstrings=True,
    )


def _duration(text: str) -> str:
    durations.milliseconds(text)
    return text


LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
Name = Annotated[str, StringConstraints(pattern=LABEL, min_length=1, max_length=63)]
"""A DNS label, as Kubernetes names its objects."""
Duration = Annotated[str, StringConstraints(pattern=durations.PATTERN, max_length=32), AfterValidator(_duration)]
"""Go-style: 500ms, 30s, 5m, 1h30m."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Port = Annotated[int, Field(ge=1, le=65535)]
AttributeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*$", max_length=64)]
"""A CloudEvents context attribute as Knative's filters accept it."""
HttpUri = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/@?#]+([/?#]\S*)?$", max_length=2048)]
"""An absolute http or https URI without user information."""
