"""What is committed is what the models say. `make schema` writes all three again."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import pytest

from patternapp.spec import crd, reference, schema

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = pathlib.Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("manifests/crd/patternapp.dev_patternapps.yaml", crd.text),
        ("manifests/schema/patternapp.v1alpha1.json", schema.text),
        ("docs/reference.md", reference.text),
    ],
)
def test_a_generated_file_is_up_to_date(file: str, text: Callable[[], str]) -> None:
    assert (ROOT / file).read_text() == text()
