from __future__ import annotations

from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from patternapp.render import yaml

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(TEXT, VALUES, min_size=1, max_size=4), max_size=3))
def test_what_is_written_reads_back_equal(objects: list[dict[str, Any]]) -> None:
    assert list(pyyaml.safe_load_all(yaml.dump(objects))) == objects


@pytest.mark.parametrize("word", ["yes", "No", "ON", "off", "y", "null", "~", "1", "1e3", "0x1f", "12:30:45", "=", ""])
def test_a_string_that_looks_like_something_else_is_quoted(word: str) -> None:
    assert yaml.dump([{"key": word}]) == f'key: "{word}"\n'


def test_keys_keep_their_order_and_documents_are_separated() -> None:
    text = yaml.dump([{"kind": "B", "apiVersion": "v1"}, {"items": [{"a": 1, "b": [[]]}, {}]}])

    assert text == "kind: B\napiVersion: v1\n---\nitems:\n- a: 1\n  b:\n  - []\n- {}\n"


def test_json_text_stays_readable() -> None:
    assert yaml.dump([{"data": '{"it\'s": 1}'}]) == "data: '{\"it''s\": 1}'\n"
