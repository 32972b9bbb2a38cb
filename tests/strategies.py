"""Hypothesis strategies for CloudEvents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from patternapp.cloudevents import Event

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from patternapp.cloudevents import Value

STANDARD = {"id", "source", "type", "specversion", "subject", "time", "dataschema", "datacontenttype", "data"}

TEXTS: SearchStrategy[str] = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cn")),
    max_size=24,
)
"""What an attribute may say: no control characters, surrogates or noncharacters."""
# White space at the ends of a header is not its value's, and the codec percent-encodes it, so it may be there.
_NON_EMPTY = TEXTS.filter(bool)
EXTENSION_NAMES = st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True).filter(lambda name: name not in STANDARD)
_TIMES = st.datetimes().map(lambda time: time.isoformat() + "Z")
_JSON = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _payloads() -> SearchStrategy[tuple[str | None, bytes | None]]:
    """Media types, and data of theirs."""
    return st.one_of(
        st.tuples(st.none() | st.just("application/json"), st.none()),
        st.tuples(
            st.sampled_from(["application/json", "application/vnd.shop+json; v=1", "text/json"]),
            _JSON.map(lambda value: json.dumps(value).encode()) | st.binary(min_size=1).filter(_no_space_around),
        ),
        st.tuples(st.sampled_from([None, "image/png", "text/plain; charset=utf-8"]), st.binary(min_size=1)),
        st.tuples(st.just("text/csv"), st.text(min_size=1).filter(_encodable).map(str.encode)),
    )


def _no_space_around(data: bytes) -> bool:
    return data == data.strip(b" \t\r\n")


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


@st.composite
def events(draw: st.DrawFn, *, values: SearchStrategy[Value] = TEXTS) -> Event[bytes | None]:
    """Valid events as they are off the wire; `values` are those of extensions."""
    attributes: dict[str, Value] = {
        "specversion": "1.0",
        "id": draw(_NON_EMPTY),
        "source": draw(_NON_EMPTY),
        "type": draw(_NON_EMPTY),
    }
    optional = {"subject": _NON_EMPTY, "dataschema": _NON_EMPTY.map("urn:{}".format), "time": _TIMES}
    for name, strategy in optional.items():
        if draw(st.booleans()):
            attributes[name] = draw(strategy)
    attributes |= draw(st.dictionaries(EXTENSION_NAMES, values, max_size=3))
    kind, data = draw(_payloads())
    if kind is not None:
        attributes["datacontenttype"] = kind
    return Event(attributes, data)
