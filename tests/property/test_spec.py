from __future__ import annotations

import json
import pathlib
from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from patternapp import errors
from patternapp.spec import load, schema
from patternapp.spec import yaml as reader

if TYPE_CHECKING:
    from patternapp.spec.v1alpha1 import PatternApp

CALM = settings(deadline=None)
"""A busy machine is no reason to fail."""
EXAMPLE = pathlib.Path(__file__).parents[1] / "unit/patternapp/spec/design-example.yaml"
TEXT = EXAMPLE.read_text()
WORDS = sorted(
    {name for node in schema.document()["$defs"].values() for name in node["properties"]}
    | {"on", "0777", "&a", "*a", "!!str", "<<", "a.b", "5m", "127.0.0.1", "http://x", "{x}", "@daily", "~", "none"}
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(-1e15, 1e15)
    | st.sampled_from(WORDS)
    | st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), max_size=8)
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=20,
)
PIECES = [*WORDS, ":", "- ", "{", "}", "[", "]", ",", "\n", "  ", "\t", "'", '"', "? ", "|", "#", "---\n", ""]


def loaded(text: str | bytes) -> tuple[PatternApp, ...]:
    """The apps of a text, none where it is refused in the way it should be."""
    try:
        return load.load_all(text, file="app.yaml")
    except errors.SpecError as error:
        problems = error.problems
    assert problems
    for problem in problems:
        assert problem.file == "app.yaml"
        assert problem.path
        assert problem.reason.isalpha()
        assert problem.message
        assert problem.message.isprintable()
    return ()


@CALM
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_text_is_apps_or_problems(text: str | bytes) -> None:
    loaded(text)


@CALM
@given(st.lists(st.sampled_from(PIECES)))
def test_any_pieces_of_yaml_are_apps_or_problems(pieces: list[str]) -> None:
    loaded("".join(pieces))


@CALM
@given(spec=st.dictionaries(st.sampled_from(WORDS), trees, max_size=6))
def test_any_spec_is_an_app_or_problems(spec: dict[str, Any]) -> None:
    document = {"apiVersion": "patternapp.dev/v1alpha1", "kind": "PatternApp", "metadata": {"name": "a"}, "spec": spec}

    loaded(json.dumps(document))


@CALM
@given(start=st.integers(0, len(TEXT)), length=st.integers(0, 40), piece=st.sampled_from(PIECES))
def test_a_damaged_example_is_an_app_or_problems(start: int, length: int, piece: str) -> None:
    loaded(TEXT[:start] + piece + TEXT[start + length :])


@CALM
@given(trees)
def test_what_json_says_is_read_as_json_says_it(tree: Any) -> None:
    reading = reader.read(json.dumps(tree, ensure_ascii=False))

    assert reading.broken is None
    assert [(document.data, flaws) for document, flaws in reading.documents] == ([] if tree is None else [(tree, ())])


@CALM
@given(st.permutations(list(yaml.safe_load(TEXT)["spec"].items())))
def test_the_order_of_fields_means_nothing(items: list[tuple[str, Any]]) -> None:
    document = {**yaml.safe_load(TEXT), "spec": dict(items)}

    assert load.load(json.dumps(document), file="app.yaml") == load.load(TEXT, file="app.yaml")
